#include "domain/person.h"

#include <string.h>

#include "base/text.h"

static bool is_space(int32_t c)
{
    return c == ' ' || c == 0xA0 || c == 0x3000 || (c >= 0x2000 && c <= 0x200B);
}

static bool is_blank(struct bytes text)
{
    for (size_t position = 0; position < text.length;)
        if (!is_space(text_next(text, &position)))
            return false;
    return true;
}

static bool is_text_of_at_most(struct bytes text, size_t characters)
{
    return text_is_utf8(text) && text_is_printable(text) && text_length(text) <= characters;
}

enum reason name_parse(const char *text, size_t length, struct name *out)
{
    *out = (struct name){0};
    struct bytes given = bytes_of(text, length);
    if (!is_text_of_at_most(given, NAME_CHARACTERS) || is_blank(given))
        return REASON_MALFORMED_NAME;
    out->text = given;
    return REASON_NONE;
}

static bool is_ascii_of_kana_name(int32_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c > 0 && c < 0x80 && strchr(" -'.,", c) != NULL);
}

static bool may_stand_in_kana_name(int32_t c)
{
    if (c >= 0xFF01 && c <= 0xFF5E) /* full-width ASCII */
        c -= 0xFEE0;
    return is_ascii_of_kana_name(c) || (c >= 0x3041 && c <= 0x309F) || (c >= 0x30A1 && c <= 0x30FF) ||
           (c >= 0x31F0 && c <= 0x31FF) || (c >= 0xFF65 && c <= 0xFF9F) || c == 0x3000 ||
           (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0x2019;
}

enum reason kana_name_parse(const char *text, size_t length, struct name *out)
{
    *out = (struct name){0};
    struct bytes given = bytes_of(text, length);
    if (length == 0)
        return REASON_NONE;
    if (!is_text_of_at_most(given, NAME_CHARACTERS) || is_blank(given))
        return REASON_MALFORMED_KANA_NAME;
    for (size_t position = 0; position < given.length;)
        if (!may_stand_in_kana_name(text_next(given, &position)))
            return REASON_MALFORMED_KANA_NAME;
    out->text = given;
    return REASON_NONE;
}

enum reason alias_parse(const char *text, size_t length, struct name *out)
{
    *out = (struct name){0};
    if (length == 0)
        return REASON_NONE;
    return name_parse(text, length, out) == REASON_NONE ? REASON_NONE : REASON_MALFORMED_ALIAS;
}

bool name_is_stated(const struct name *name)
{
    return name->text.length > 0;
}

enum reason address_parse(const char *text, size_t length, struct address *out)
{
    *out = (struct address){0};
    struct bytes given = bytes_of(text, length);
    if (length == 0)
        return REASON_NONE;
    if (!is_text_of_at_most(given, ADDRESS_CHARACTERS) || is_blank(given))
        return REASON_MALFORMED_ADDRESS;
    out->text = given;
    return REASON_NONE;
}

enum reason postal_code_parse(const char *text, size_t length, struct postal_code *out)
{
    memset(out, 0, sizeof(*out));
    if (length == 0)
        return REASON_NONE;
    bool has_hyphen = length == 8 && text[3] == '-';
    if (length != 7 && !has_hyphen)
        return REASON_MALFORMED_POSTAL_CODE;
    for (size_t i = 0, at = 0; i < length; i++) {
        if (has_hyphen && i == 3)
            continue;
        if (text[i] < '0' || text[i] > '9') {
            memset(out, 0, sizeof(*out));
            return REASON_MALFORMED_POSTAL_CODE;
        }
        out->digits[at++] = text[i];
    }
    return REASON_NONE;
}

void postal_code_format(const struct postal_code *code, char out[9])
{
    memset(out, 0, 9);
    if (code->digits[0] == '\0')
        return;
    memcpy(out, code->digits, 3);
    out[3] = '-';
    memcpy(out + 4, code->digits + 3, 4);
}

enum reason sex_from_number(int number, enum sex *out)
{
    *out = SEX_UNSET;
    if (number != 1 && number != 2 && number != 3 && number != 9)
        return REASON_MALFORMED_SEX;
    *out = number == 1 ? SEX_MALE : number == 2 ? SEX_FEMALE : SEX_UNSET;
    return REASON_NONE;
}

enum reason sex_parse(const char *text, size_t length, enum sex *out)
{
    return sex_from_number(length == 1 ? text[0] - '0' : 0, out);
}

int sex_on_card(enum sex sex)
{
    return sex == SEX_MALE || sex == SEX_FEMALE ? (int)sex : 9;
}

enum reason birth_date_parse(const char *text, size_t length, struct date today, struct date *out)
{
    if (date_parse(text, length, out) != OK || date_before(today, *out)) {
        *out = DATE_NONE;
        return REASON_MALFORMED_BIRTH_DATE;
    }
    return REASON_NONE;
}
