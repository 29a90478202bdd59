#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

int32_t text_next(struct bytes text, size_t *position)
{
    if (*position >= text.length)
        return -1;
    utf8proc_int32_t code_point;
    utf8proc_ssize_t used =
        utf8proc_iterate(text.data + *position, (utf8proc_ssize_t)(text.length - *position), &code_point);
    if (used <= 0)
        return -1;
    *position += (size_t)used;
    return code_point;
}

static bool is_noncharacter(int32_t c)
{
    return (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE;
}

bool text_is_utf8(struct bytes text)
{
    size_t position = 0;
    while (position < text.length) {
        int32_t c = text_next(text, &position);
        if (c <= 0 || is_noncharacter(c))
            return false;
    }
    return true;
}

enum status text_append(struct buffer *out, int32_t code_point)
{
    uint8_t encoded[4];
    utf8proc_ssize_t length = utf8proc_encode_char(code_point, encoded);
    if (length <= 0)
        return ERR_MALFORMED;
    return buffer_append(out, bytes_of(encoded, (size_t)length));
}

size_t text_length(struct bytes text)
{
    size_t position = 0, count = 0;
    while (position < text.length) {
        if (text_next(text, &position) < 0)
            return SIZE_MAX;
        count++;
    }
    return count;
}

static bool is_control(int32_t c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || c == 0x200E || c == 0x200F ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

bool text_is_printable(struct bytes text)
{
    size_t position = 0;
    while (position < text.length) {
        int32_t c = text_next(text, &position);
        if (c < 0 || is_control(c) || is_noncharacter(c))
            return false;
    }
    return true;
}

/* U+FF61 … U+FF9D in order. */
static const uint16_t full_width_kana[] = {
    0x3002, 0x300C, 0x300D, 0x3001, 0x30FB, 0x30F2, 0x30A1, 0x30A3, 0x30A5, 0x30A7, 0x30A9, 0x30E3, 0x30E5,
    0x30E7, 0x30C3, 0x30FC, 0x30A2, 0x30A4, 0x30A6, 0x30A8, 0x30AA, 0x30AB, 0x30AD, 0x30AF, 0x30B1, 0x30B3,
    0x30B5, 0x30B7, 0x30B9, 0x30BB, 0x30BD, 0x30BF, 0x30C1, 0x30C4, 0x30C6, 0x30C8, 0x30CA, 0x30CB, 0x30CC,
    0x30CD, 0x30CE, 0x30CF, 0x30D2, 0x30D5, 0x30D8, 0x30DB, 0x30DE, 0x30DF, 0x30E0, 0x30E1, 0x30E2, 0x30E4,
    0x30E6, 0x30E8, 0x30E9, 0x30EA, 0x30EB, 0x30EC, 0x30ED, 0x30EF, 0x30F3,
};

static bool takes_voiced_mark(int32_t c)
{
    return (c >= 0x30AB && c <= 0x30C2 && (c & 1)) || c == 0x30C4 || c == 0x30C6 || c == 0x30C8 ||
           (c >= 0x30CF && c <= 0x30DB && (c - 0x30CF) % 3 == 0);
}

static int32_t with_sound_mark(int32_t c, int32_t mark)
{
    bool h_row = c >= 0x30CF && c <= 0x30DB && (c - 0x30CF) % 3 == 0;
    if (mark == 0xFF9F)
        return h_row ? c + 2 : 0;
    if (c == 0x30A6)
        return 0x30F4; /* ヴ */
    return takes_voiced_mark(c) ? c + 1 : 0;
}

static int32_t width_folded(int32_t c)
{
    if (c >= 0xFF01 && c <= 0xFF5E)
        return c - 0xFEE0;
    if (c == 0x3000)
        return ' ';
    if (c >= 0xFF61 && c <= 0xFF9D)
        return full_width_kana[c - 0xFF61];
    if (c == 0xFF9E)
        return 0x309B;
    if (c == 0xFF9F)
        return 0x309C;
    return c;
}

static enum status fold(struct bytes text, bool kana, struct buffer *out)
{
    size_t position = 0;
    while (position < text.length) {
        int32_t raw = text_next(text, &position);
        if (raw < 0)
            return ERR_MALFORMED;
        int32_t c = width_folded(raw);
        size_t after = position;
        int32_t mark = raw >= 0xFF66 && raw <= 0xFF9D ? text_next(text, &after) : -1;
        if ((mark == 0xFF9E || mark == 0xFF9F) && with_sound_mark(c, mark)) {
            c = with_sound_mark(c, mark);
            position = after;
        }
        if (kana && c >= 0x3041 && c <= 0x3096)
            c += 0x60;
        if (kana && c == ' ')
            continue;
        enum status status = text_append(out, c);
        if (status != OK)
            return status;
    }
    return OK;
}

enum status text_fold_width(struct bytes text, struct buffer *out)
{
    return fold(text, false, out);
}

enum status text_fold_kana(struct bytes text, struct buffer *out)
{
    return fold(text, true, out);
}

static bool is_variation_selector(int32_t c)
{
    return (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xE0100 && c <= 0xE01EF) || (c >= 0x180B && c <= 0x180D);
}

static bool is_dash(int32_t c)
{
    return (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xFE63 || c == 0xFF0D || c == 0x2043;
}

enum status text_comparison_key(struct bytes text, struct buffer *out)
{
    if (!text_is_utf8(text))
        return ERR_MALFORMED;
    uint8_t *mapped = NULL;
    const utf8proc_option_t options =
        UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_STABLE;
    utf8proc_ssize_t length = utf8proc_map(text.data ? text.data : (const uint8_t *)"",
                                           (utf8proc_ssize_t)text.length, &mapped, options);
    if (length < 0)
        return length == UTF8PROC_ERROR_NOMEM ? ERR_NO_MEMORY : ERR_MALFORMED;
    struct bytes folded = bytes_of(mapped, (size_t)length);
    enum status status = OK;
    for (size_t position = 0; position < folded.length && status == OK;) {
        int32_t c = text_next(folded, &position);
        if (c == ' ' || is_variation_selector(c))
            continue;
        status = text_append(out, is_dash(c) ? '-' : c);
    }
    free(mapped);
    return status;
}

/* The plain letter at the bottom of a Latin letter's canonical decomposition; the character itself otherwise.
 */
static int32_t latin_base_letter(int32_t c)
{
    if (c < 0xC0 || (c > 0x24F && (c < 0x1E00 || c > 0x1EFF)))
        return c;
    utf8proc_int32_t decomposed[8];
    int boundary = 0;
    utf8proc_ssize_t count =
        utf8proc_decompose_char(c, decomposed, 8, UTF8PROC_DECOMPOSE | UTF8PROC_STABLE, &boundary);
    return count >= 1 && count <= 8 && decomposed[0] < 0x80 ? decomposed[0] : c;
}

enum status text_strip_latin_marks(struct bytes text, struct buffer *out)
{
    int32_t before = 0;
    for (size_t position = 0; position < text.length;) {
        int32_t c = text_next(text, &position);
        if (c < 0)
            return ERR_MALFORMED;
        bool is_combining_mark = c >= 0x300 && c <= 0x36F;
        if (is_combining_mark && before < 0x250)
            continue;
        int32_t letter = latin_base_letter(c);
        enum status status = text_append(out, letter);
        if (status != OK)
            return status;
        before = letter;
    }
    return OK;
}
