#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "programs/shikaku_card.h"

void card_say(const char *japanese, const char *english)
{
    fprintf(stderr, "%s\n%s\n", japanese, english);
}

static bool is_name(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
            return false;
    return length >= 1 && length <= 64;
}

static bool put(char out[PATH_MAX], const char *directory, const char *folder, const char *name,
                const char *ending)
{
    int length = snprintf(out, PATH_MAX, "%s/%s%s%s", directory, folder, name, ending);
    return length > 0 && length < PATH_MAX;
}

enum status card_place_of(const struct card_options *options, struct card_place *out)
{
    const char *directory = options->cards;
    bool good = is_name(options->name) && put(out->image, directory, "", options->name, ".card") &&
                put(out->key, directory, "keys/", options->name, ".key") &&
                put(out->pid, directory, "", options->name, ".pid") &&
                put(out->log, directory, "logs/", options->name, ".log");
    if (!good)
        card_say("カードの名前は、英数字と「-」「_」で64文字以内にしてください。",
                 "A card's name is made of letters, digits, '-' and '_', at most 64.");
    return good ? OK : ERR_RANGE;
}

struct card_location card_location_of(const struct card_place *place)
{
    return (struct card_location){.image_path = place->image, .key_path = place->key};
}

void card_place_remove(const struct card_place *place)
{
    char lock[PATH_MAX];
    (void)unlink(place->image);
    (void)unlink(place->key);
    if (snprintf(lock, sizeof lock, "%s.lock", place->image) < (int)sizeof lock)
        (void)unlink(lock);
}

static void say_why_not(enum status status)
{
    switch (status) {
    case ERR_NOT_FOUND:
        card_say("この名前のカード、又はその鍵がありません。",
                 "There is no card of this name, or its key is missing.");
        break;
    case ERR_BUSY:
        card_say("カードはカードリーダーに入っています。先に取り出してください。",
                 "The card is in a reader. Eject it first.");
        break;
    case ERR_DENIED:
        card_say("カードの鍵のファイルを、ほかの利用者も開くことができます。権限を 0600 にしてください。",
                 "Others can open the card's key file. Make its mode 0600.");
        break;
    default:
        card_say("カードを開くことができませんでした。", "The card could not be opened.");
        fprintf(stderr, "(%s)\n", status_name(status));
    }
}

enum status card_open_or_say(const struct card_place *place, struct virtual_card **out)
{
    const struct card_location where = card_location_of(place);
    enum status status = virtual_card_open(&where, out);
    if (status != OK)
        say_why_not(status);
    return status;
}

enum status card_pins_named(const char *name, enum card_pin out[2], size_t *count)
{
    static const struct {
        const char *name;
        size_t count;
        enum card_pin pins[2];
    } known[] = {
        {"pin", 1, {CARD_PIN_AUTHENTICATION}},
        {"password", 1, {CARD_PIN_SIGNATURE}},
        {"surface", 1, {CARD_PIN_SURFACE_INPUT}},
        {"other", 2, {CARD_PIN_RESIDENT, CARD_PIN_COMMON}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (strcmp(name, known[i].name) == 0) {
            memcpy(out, known[i].pins, sizeof known[i].pins);
            *count = known[i].count;
            return OK;
        }
    }
    card_say("暗証番号の種類は pin、password、surface、other のいずれかです。",
             "The kind of PIN is one of pin, password, surface, other.");
    return ERR_RANGE;
}
