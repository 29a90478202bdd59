#ifndef SHIKAKU_PROGRAMS_SHIKAKU_CARD_H
#define SHIKAKU_PROGRAMS_SHIKAKU_CARD_H

#include <limits.h>

#include "card/virtual_card.h"

/* The subcommands of `shikaku-card`, one file each. */

enum card_exit {
    CARD_EXIT_OK = 0,
    CARD_EXIT_NO = 1,    /* it could not be done; said why */
    CARD_EXIT_USAGE = 2, /* not called as the usage says */
};

struct card_options {
    const char *cards; /* directory of cards */
    const char *name;  /* of the card */
    const char *pin_kind;
    const char *reader;
    const char *photo;
    const char *authority; /* its directory, or a copy of what an operator needs of it */
    const char *phone;     /* "android", "iphone"; NULL: a card */
    bool background;
    bool with_pin;
    bool reveal;
    bool as_municipal_counter;
    bool without_pin;
    bool next_generation;
    bool json;
};

/* Where one card's files are: DIRECTORY/NAME.card, DIRECTORY/keys/NAME.key and what belongs to it while it is
 * played. */
struct card_place {
    char image[PATH_MAX];
    char key[PATH_MAX];
    char pid[PATH_MAX];
    char log[PATH_MAX];
};

/* ERR_RANGE: a name is 1-64 letters, digits, '-' and '_', so that it cannot leave the directory. */
enum status card_place_of(const struct card_options *options, struct card_place *out) MUST_CHECK;
struct card_location card_location_of(const struct card_place *place);
/* Every file of it. */
void card_place_remove(const struct card_place *place);
/* Opens it, or says why not. */
enum status card_open_or_say(const struct card_place *place, struct virtual_card **out) MUST_CHECK;
/* "pin", "password", "surface", "other": the PINs of that name, one or two. */
enum status card_pins_named(const char *name, enum card_pin out[2], size_t *count) MUST_CHECK;

/* A line in Japanese and one in English on stderr. */
void card_say(const char *japanese, const char *english);

/*
 * The program speaks to the card as any reader does, command by command: a wrong PIN costs a try here too.
 * All but card_accepted() give a status word.
 */
uint16_t card_select(struct virtual_card *card, enum card_application application);
/* The whole file, with its filler; appended, marked secret. */
uint16_t card_read_file(struct virtual_card *card, unsigned id, struct buffer *out);
/* instruction: INS_VERIFY, INS_CHANGE_PIN or INS_SET_PIN. */
uint16_t card_present_pin(struct virtual_card *card, uint8_t instruction, unsigned id, const char *value);
/* Whether the word says so; says what a wrong PIN leaves. */
bool card_accepted(uint16_t word);
/* Opens a card that answers; NULL: said why not. */
struct virtual_card *card_open_living(const struct card_options *options);

enum card_exit card_issue(const struct card_options *options);
enum card_exit card_renew(const struct card_options *options);
enum card_exit card_insert(const struct card_options *options);
enum card_exit card_eject(const struct card_options *options);
enum card_exit card_show(const struct card_options *options);
enum card_exit card_unlock(const struct card_options *options);
enum card_exit card_change(const struct card_options *options);

#endif
