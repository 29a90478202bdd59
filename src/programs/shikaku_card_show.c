#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "card/tlv.h"
#include "pki/certificate.h"
#include "programs/secret_prompt.h"
#include "programs/shikaku_card.h"

/*
 * show and change-pin speak to the card as any reader does, command by command: a wrong PIN costs a try here
 * too. unlock is the municipal counter's act on the card itself (Q8).
 */

/* Where each PIN is. */
static const struct {
    enum card_application application;
    unsigned id;
    uint8_t change;
    const char *japanese;
    const char *english;
} pins[] = {
    [CARD_PIN_AUTHENTICATION] = {CARD_JPKI, JPKI_AUTHENTICATION_PIN, INS_CHANGE_PIN, "利用者証明用",
                                 "authentication"},
    [CARD_PIN_SIGNATURE] = {CARD_JPKI, JPKI_SIGNATURE_PASSWORD, INS_CHANGE_PIN, "署名用", "signature"},
    [CARD_PIN_SURFACE_INPUT] = {CARD_SURFACE_INPUT, SURFACE_INPUT_PIN, INS_CHANGE_PIN, "券面事項入力補助用",
                                "surface"},
    [CARD_PIN_RESIDENT] = {CARD_RESIDENT, CARD_OTHER_PIN, INS_SET_PIN, "住民基本台帳用", "resident"},
    [CARD_PIN_COMMON] = {CARD_COMMON, CARD_OTHER_PIN, INS_SET_PIN, "共通", "common"},
};

/* ---- What there is to show ---- */

struct card_view {
    json_t *out; /* also what the text is printed from */
    bool failed;
};

static void put(struct card_view *view, json_t *into, const char *name, json_t *value)
{
    if (!value || json_object_set_new(into, name, value) != 0)
        view->failed = true;
}

static json_t *moment_text(moment when)
{
    char text[33];
    moment_format(when, text);
    return json_string(text);
}

/* No name stands in it: a serial number and when it is valid. */
static json_t *certificate_view(struct virtual_card *card, unsigned id)
{
    struct buffer file = {0};
    struct certificate certificate = {0};
    size_t length = 0;
    json_t *out = NULL;
    if (card_read_file(card, id, &file) == SW_OK && tlv_measure(buffer_bytes(&file), &length) == OK &&
        length <= file.length && certificate_parse(bytes_of(file.data, length), &certificate) == OK) {
        char serial[2 * SERIAL_LENGTH + 1];
        hex_encode(bytes_of(certificate.serial.bytes, SERIAL_LENGTH), serial);
        out = json_pack("{s:s, s:o, s:o}", "serial", serial, "not_before",
                        moment_text(certificate.not_before), "not_after", moment_text(certificate.not_after));
        certificate_free(&certificate);
    }
    buffer_free(&file);
    return out ? out : json_null();
}

static json_t *tries_view(const struct virtual_card *card)
{
    json_t *out = json_object();
    for (size_t i = 0; out && i < ARRAY_LENGTH(pins); i++) {
        int left = virtual_card_tries_left(card, (enum card_pin)i);
        if (json_object_set_new(out, pins[i].english, left < 0 ? json_null() : json_integer(left)) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static void view_public(struct card_view *view, struct virtual_card *card)
{
    static const uint8_t signature_present = 0x8F;
    struct buffer presence = {0};
    bool coming = virtual_card_generation(card) == CARD_GENERATION_P384;
    put(view, view->out, "generation", json_string(coming ? "P-384" : "RSA-2048"));
    put(view, view->out, "personalised", json_boolean(virtual_card_is_personalised(card)));
    put(view, view->out, "tries_left", tries_view(card));
    put(view, view->out, "improper_uses", json_integer(virtual_card_improper_uses(card)));
    if (card_select(card, CARD_JPKI) != SW_OK)
        return;
    put(view, view->out, "authentication_certificate",
        certificate_view(card, JPKI_AUTHENTICATION_CERTIFICATE));
    bool signature =
        card_read_file(card, JPKI_PRESENCE, &presence) == SW_OK && presence.data[0] == signature_present;
    put(view, view->out, "signature_certificate", json_boolean(signature));
    buffer_free(&presence);
}

static json_t *object_text(struct bytes file, uint32_t tag)
{
    struct tlv object;
    if (tlv_find_inside(file, 0xFF20, tag, &object) != OK)
        return NULL;
    return json_stringn((const char *)object.value.data, object.value.length);
}

static void view_my_number(struct card_view *view, struct virtual_card *card)
{
    struct buffer file = {0};
    struct tlv object;
    if (card_read_file(card, SURFACE_INPUT_MY_NUMBER, &file) == SW_OK &&
        tlv_find(buffer_bytes(&file), 0xFF10, &object) == OK)
        put(view, view->out, "my_number", json_stringn((const char *)object.value.data, object.value.length));
    else
        view->failed = true;
    buffer_free(&file);
}

/* After the surface PIN, which the caller asks for. */
static bool view_printed(struct card_view *view, struct virtual_card *card, bool reveal)
{
    static const struct {
        const char *name;
        uint32_t tag;
    } items[] = {{"name", 0xDF22}, {"address", 0xDF23}, {"birth", 0xDF24}, {"sex", 0xDF25}};
    char pin[SECRET_SIZE];
    struct buffer file = {0};
    if (card_select(card, CARD_SURFACE_INPUT) != SW_OK ||
        secret_prompt("券面事項入力補助用の暗証番号 / surface PIN", pin) != OK)
        return false;
    bool accepted = card_accepted(card_present_pin(card, INS_VERIFY, SURFACE_INPUT_PIN, pin));
    secret_wipe(pin, sizeof pin);
    if (!accepted)
        return false;
    if (card_read_file(card, SURFACE_INPUT_ATTRIBUTES, &file) != SW_OK)
        view->failed = true;
    for (size_t i = 0; i < ARRAY_LENGTH(items) && !view->failed; i++)
        put(view, view->out, items[i].name, object_text(buffer_bytes(&file), items[i].tag));
    buffer_free(&file);
    if (reveal)
        view_my_number(view, card);
    return !view->failed;
}

/* ---- Printing ---- */

static void print_line(const char *japanese, const char *english, const json_t *value)
{
    if (json_is_string(value))
        printf("%s / %s: %s\n", japanese, english, json_string_value(value));
}

/* Of a moment, the day. */
static void print_day(const char *japanese, const char *english, const json_t *moment_value)
{
    if (json_is_string(moment_value))
        printf("%s / %s: %.10s\n", japanese, english, json_string_value(moment_value));
}

static const char *word_for_sex(const json_t *sex)
{
    const char *code = json_string_value(sex);
    if (!code)
        return NULL;
    return code[0] == '1' ? "男 / male" : code[0] == '2' ? "女 / female" : "不明 / not stated";
}

static void print_tries(const json_t *tries)
{
    for (size_t i = 0; i < ARRAY_LENGTH(pins); i++) {
        const json_t *left = json_object_get(tries, pins[i].english);
        printf("暗証番号（%s）の残り回数 / %s PIN, tries left: ", pins[i].japanese, pins[i].english);
        if (json_is_integer(left))
            printf("%d\n", (int)json_integer_value(left));
        else
            printf("利用不可 / not usable\n");
    }
}

static void print_view(const json_t *view)
{
    const json_t *certificate = json_object_get(view, "authentication_certificate");
    print_line("世代", "generation", json_object_get(view, "generation"));
    print_line("利用者証明用電子証明書の番号", "authentication certificate, serial number",
               json_object_get(certificate, "serial"));
    print_day("有効期間の開始", "valid from", json_object_get(certificate, "not_before"));
    print_day("有効期間の満了", "valid until", json_object_get(certificate, "not_after"));
    printf("署名用電子証明書 / signature certificate: %s\n",
           json_is_true(json_object_get(view, "signature_certificate")) ? "あり / present" : "なし / none");
    print_tries(json_object_get(view, "tries_left"));
    print_line("氏名", "name", json_object_get(view, "name"));
    print_line("住所", "address", json_object_get(view, "address"));
    print_line("生年月日", "birth", json_object_get(view, "birth"));
    const char *sex = word_for_sex(json_object_get(view, "sex"));
    if (sex)
        printf("性別 / sex: %s\n", sex);
    print_line("個人番号", "My Number", json_object_get(view, "my_number"));
}

static void print_json(const json_t *view)
{
    (void)json_dumpf(view, stdout, JSON_INDENT(2));
    putchar('\n');
}

static enum card_exit show(struct virtual_card *card, const struct card_options *options)
{
    struct card_view view = {.out = json_object()};
    if (!view.out)
        return CARD_EXIT_NO;
    view_public(&view, card);
    bool shown = !options->with_pin || view_printed(&view, card, options->reveal);
    if (shown && !view.failed) {
        if (options->json)
            print_json(view.out);
        else
            print_view(view.out);
    }
    json_decref(view.out);
    return shown && !view.failed ? CARD_EXIT_OK : CARD_EXIT_NO;
}

/* ---- Commands ---- */

enum card_exit card_show(const struct card_options *options)
{
    if (options->reveal && !options->with_pin) {
        card_say("個人番号の表示には --pin が必要です。", "To reveal the My Number, --pin is needed.");
        return CARD_EXIT_USAGE;
    }
    struct virtual_card *card = card_open_living(options);
    if (!card)
        return CARD_EXIT_NO;
    enum card_exit result = show(card, options);
    virtual_card_free(card);
    return result;
}

static bool change_one(struct virtual_card *card, enum card_pin pin, const char *old_pin, const char *new_pin)
{
    if (card_select(card, pins[pin].application) != SW_OK)
        return card_accepted(SW_NOT_FOUND);
    if (!card_accepted(card_present_pin(card, INS_VERIFY, pins[pin].id, old_pin)))
        return false;
    uint16_t word = card_present_pin(card, pins[pin].change, pins[pin].id, new_pin);
    if (word == SW_WRONG_LENGTH || word == SW_WRONG_DATA) {
        card_say("新しい暗証番号の形式が正しくありません。", "The new PIN is not of the right form.");
        return false;
    }
    return card_accepted(word);
}

static void to_upper(char *text)
{
    for (; *text; text++)
        if (*text >= 'a' && *text <= 'z')
            *text = (char)(*text - 'a' + 'A');
}

enum card_exit card_change(const struct card_options *options)
{
    enum card_pin which[2];
    size_t count = 0;
    char old_pin[SECRET_SIZE];
    char new_pin[SECRET_SIZE] = "";
    if (card_pins_named(options->pin_kind, which, &count) != OK)
        return CARD_EXIT_USAGE;
    struct virtual_card *card = card_open_living(options);
    if (!card)
        return CARD_EXIT_NO;
    bool changed = secret_prompt("現在の暗証番号 / the old PIN", old_pin) == OK &&
                   secret_prompt("新しい暗証番号 / the new PIN", new_pin) == OK;
    to_upper(old_pin);
    to_upper(new_pin);
    for (size_t i = 0; i < count && changed; i++)
        changed = change_one(card, which[i], old_pin, new_pin);
    secret_wipe(old_pin, sizeof old_pin);
    secret_wipe(new_pin, sizeof new_pin);
    virtual_card_free(card);
    return changed ? CARD_EXIT_OK : CARD_EXIT_NO;
}

static enum status reset_at_counter(struct virtual_card *card, const enum card_pin *which, size_t count)
{
    char new_pin[SECRET_SIZE];
    enum status status = secret_prompt("新しい暗証番号 / the new PIN", new_pin);
    for (size_t i = 0; i < count && status == OK; i++)
        status = virtual_card_reset_pin_at_counter(card, which[i], new_pin);
    secret_wipe(new_pin, sizeof new_pin);
    return status;
}

enum card_exit card_unlock(const struct card_options *options)
{
    enum card_pin which[2];
    size_t count = 0;
    if (card_pins_named(options->pin_kind, which, &count) != OK)
        return CARD_EXIT_USAGE;
    if (!options->as_municipal_counter) {
        card_say("暗証番号の初期化は市区町村の窓口だけが行えます（--as-municipal-counter）。",
                 "Only the municipal counter resets a PIN (--as-municipal-counter).");
        return CARD_EXIT_USAGE;
    }
    struct virtual_card *card = card_open_living(options);
    if (!card)
        return CARD_EXIT_NO;
    enum status status = reset_at_counter(card, which, count);
    if (status == ERR_RANGE)
        card_say("新しい暗証番号の形式が正しくありません。", "The new PIN is not of the right form.");
    else if (status == ERR_DENIED)
        card_say("このカードでは、その暗証番号は使えません。", "This card does not use that PIN.");
    else if (status != OK)
        card_say("暗証番号を初期化できませんでした。", "The PIN could not be reset.");
    virtual_card_free(card);
    return status == OK ? CARD_EXIT_OK : CARD_EXIT_NO;
}
