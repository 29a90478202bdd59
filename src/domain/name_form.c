#include "domain/name_form.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "domain/kanji_variants.h"

enum { PARTS_MAX = 16 };

/* Separates the parts of a name, in either register's habit. */
static bool is_separator(int32_t c)
{
    return c == ' ' || c == 0xA0 || c == 0x3000 || c == 0x30FB || c == 0xFF65 || c == 0xB7 || c == ',' ||
           c == 0xFF0C || c == '.' || c == 0xFF0E || c == '-' || c == 0x2010 || c == 0x2011 || c == 0x2212 ||
           c == 0xFF0D;
}

/* Written or left out without a difference in meaning. */
static bool is_apostrophe(int32_t c)
{
    return c == '\'' || c == 0x2019 || c == 0x2018 || c == '`' || c == 0xB4;
}

static int32_t small_to_full_kana(int32_t c)
{
    switch (c) {
    case U'ァ':
    case U'ィ':
    case U'ゥ':
    case U'ェ':
    case U'ォ':
    case U'ッ':
    case U'ャ':
    case U'ュ':
    case U'ョ':
    case U'ヮ':
        return c + 1;
    case U'ヵ':
        return U'カ';
    case U'ヶ':
        return U'ケ';
    default:
        return c;
    }
}

static int32_t fold_character(int32_t c, bool is_kana)
{
    if (!is_kana)
        return kanji_common_form(c);
    return c == '-' ? (int32_t)U'ー' : small_to_full_kana(c);
}

/* One part, without separators, folded and appended. */
static enum status append_folded(struct bytes part, bool is_kana, struct buffer *out)
{
    struct buffer key = {0}, kana = {0};
    enum status status = text_comparison_key(part, &key);
    if (status == OK && is_kana)
        status = text_fold_kana(buffer_bytes(&key), &kana);
    struct bytes from = is_kana ? buffer_bytes(&kana) : buffer_bytes(&key);
    for (size_t position = 0; status == OK && position < from.length;) {
        int32_t c = text_next(from, &position);
        if (!is_apostrophe(c))
            status = text_append(out, fold_character(c, is_kana));
    }
    buffer_free(&key);
    buffer_free(&kana);
    return status;
}

struct parts {
    struct bytes of[PARTS_MAX];
    size_t count;
};

/* Splits at separators. In a kana name dashes are long-vowel marks and split nothing. The last part takes
 * what does not fit. */
static enum status split(struct bytes text, bool is_kana, struct parts *parts)
{
    size_t start = 0, position = 0;
    while (position <= text.length) {
        size_t before = position;
        int32_t c = text_next(text, &position);
        bool at_end = before == text.length;
        if (c < 0 && !at_end)
            return ERR_MALFORMED;
        bool is_dash = c == '-' || (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xFF0D;
        bool splits = at_end || (is_separator(c) && !(is_kana && is_dash));
        if (splits && before > start && (at_end || parts->count < PARTS_MAX - 1)) {
            if (parts->count < PARTS_MAX)
                parts->of[parts->count++] = bytes_of(text.data + start, before - start);
            start = position;
        } else if (splits && before == start) {
            start = position;
        }
        if (at_end)
            break;
    }
    return OK;
}

static int compare_buffers(const void *a, const void *b)
{
    const struct buffer *left = a, *right = b;
    size_t shorter = left->length < right->length ? left->length : right->length;
    int order = shorter ? memcmp(left->data, right->data, shorter) : 0;
    return order ? order : (left->length > right->length) - (left->length < right->length);
}

static bool is_ascii(struct bytes text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] >= 0x80)
            return false;
    return text.length > 0;
}

static enum status join(struct buffer *folded, size_t count, const char *between, struct buffer *out)
{
    enum status status = OK;
    for (size_t i = 0; i < count && status == OK; i++) {
        status = i ? buffer_append_text(out, between) : OK;
        if (status == OK)
            status = buffer_append(out, buffer_bytes(&folded[i]));
    }
    return status;
}

static enum status form_make(const struct parts *parts, bool is_kana, bool sorts_kana, struct name_form *out)
{
    struct buffer folded[PARTS_MAX] = {0};
    enum status status = OK;
    for (size_t i = 0; i < parts->count && status == OK; i++)
        status = append_folded(parts->of[i], is_kana, &folded[i]);
    if (status == OK)
        status = join(folded, parts->count, "", &out->joined);
    if (status == OK) {
        out->is_latin = is_ascii(buffer_bytes(&out->joined));
        if (out->is_latin || sorts_kana) {
            qsort(folded, parts->count, sizeof(folded[0]), compare_buffers);
            status = join(folded, parts->count, " ", &out->sorted);
        }
    }
    for (size_t i = 0; i < parts->count; i++)
        buffer_free(&folded[i]);
    return status;
}

enum status name_form_make(struct bytes name, struct bytes rest, struct name_form *out)
{
    *out = (struct name_form){0};
    struct parts parts = {0};
    struct buffer plain_name = {0}, plain_rest = {0};
    enum status status = text_strip_latin_marks(name, &plain_name);
    if (status == OK)
        status = text_strip_latin_marks(rest, &plain_rest);
    if (status == OK)
        status = split(buffer_bytes(&plain_name), false, &parts);
    if (status == OK)
        status = split(buffer_bytes(&plain_rest), false, &parts);
    if (status == OK)
        status = form_make(&parts, false, false, out);
    buffer_free(&plain_name);
    buffer_free(&plain_rest);
    return status;
}

enum status kana_form_make(struct bytes kana, bool is_latin, struct name_form *out)
{
    *out = (struct name_form){0};
    struct parts parts = {0};
    enum status status = split(kana, true, &parts);
    return status == OK ? form_make(&parts, true, is_latin, out) : status;
}

void name_form_free(struct name_form *form)
{
    buffer_free(&form->joined);
    buffer_free(&form->sorted);
}

static bool equal_and_not_empty(const struct buffer *a, const struct buffer *b)
{
    return a->length > 0 && bytes_equal(buffer_bytes(a), buffer_bytes(b));
}

bool name_forms_equal(const struct name_form *a, const struct name_form *b)
{
    return equal_and_not_empty(&a->joined, &b->joined) || equal_and_not_empty(&a->sorted, &b->sorted);
}

struct bytes name_after_first_space(struct bytes name)
{
    bool seen = false;
    for (size_t position = 0; position < name.length;) {
        size_t before = position;
        int32_t c = text_next(name, &position);
        if (c < 0)
            break;
        bool is_space = c == ' ' || c == 0x3000;
        if (seen && !is_space)
            return bytes_from(name, before);
        seen |= is_space && before > 0;
    }
    return (struct bytes){0};
}
