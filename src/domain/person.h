#ifndef SHIKAKU_DOMAIN_PERSON_H
#define SHIKAKU_DOMAIN_PERSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/date.h"
#include "domain/reason.h"

/*
 * What is stated about a person. Names and addresses are kept byte for byte as they came: variation
 * sequences, 髙 (U+9AD9) and 﨑 (U+FA11) survive. `text` is borrowed: it lives as long as what it was parsed
 * from. Zeroed is "not stated".
 */
enum {
    NAME_CHARACTERS = 100, /* (ours) longest name registered, with room: Latin names of foreign residents */
    ADDRESS_CHARACTERS = 200, /* (ours) */
};

struct name {
    struct bytes text;
};

/* Kanji name 氏名 (or Latin letters): 1 to NAME_CHARACTERS printable characters, not white space only.
 * malformed_name. */
enum reason name_parse(const char *text, size_t length, struct name *out) MUST_CHECK;
/* Kana name カナ氏名: as above, of kana of either kind and width, Latin letters, spaces and the marks that go
 * with them; empty is "not stated". malformed_kana_name. */
enum reason kana_name_parse(const char *text, size_t length, struct name *out) MUST_CHECK;
/* Alias 通称 or former surname 旧氏; empty is "not stated". malformed_alias. */
enum reason alias_parse(const char *text, size_t length, struct name *out) MUST_CHECK;
bool name_is_stated(const struct name *name);

struct address {
    struct bytes text;
};

/* Empty is "not stated". malformed_address. */
enum reason address_parse(const char *text, size_t length, struct address *out) MUST_CHECK;

/* 郵便番号: seven digits, a hyphen after the third allowed; empty is "not stated". Held without the hyphen.
 */
struct postal_code {
    char digits[8];
};

/* malformed_postal_code. */
enum reason postal_code_parse(const char *text, size_t length, struct postal_code *out) MUST_CHECK;
/* "100-0001"; "" where not stated. */
void postal_code_format(const struct postal_code *code, char out[9]);

/* CD007; the card's surface data say 9 where the wire says 3. */
enum sex {
    SEX_MALE = 1,
    SEX_FEMALE = 2,
    SEX_UNSET = 3,
};

/* "1", "2", "3" or "9". malformed_sex. */
enum reason sex_parse(const char *text, size_t length, enum sex *out) MUST_CHECK;
enum reason sex_from_number(int number, enum sex *out) MUST_CHECK;
int sex_on_card(enum sex sex); /* 1, 2, 9 */

/* YYYYMMDD or YYYY-MM-DD, not after today. malformed_birth_date. */
enum reason birth_date_parse(const char *text, size_t length, struct date today, struct date *out) MUST_CHECK;

/* The five items that must agree before a My Number is linked, and what is stated beside them. */
struct five_items {
    struct name name;  /* kanji, or Latin letters */
    struct name kana;  /* may be not stated */
    struct name alias; /* 通称 or 旧氏; may be not stated */
    struct date birth;
    enum sex sex;
    struct address address;
    struct postal_code postal_code; /* not compared */
};

#endif
