#include "domain/address_form.h"

#include <stdlib.h>
#include <string.h>
#include <uchar.h>

#include "base/text.h"
#include "domain/kanji_variants.h"

static bool is_digit(int32_t c)
{
    return c >= '0' && c <= '9';
}

static int32_t fold_character(int32_t c)
{
    switch (c) {
    case U'ヶ': /* 霞が関, 霞ヶ関, 霞ケ関 */
    case U'ガ':
        return U'ケ';
    case U'之': /* 井の頭, 井ノ頭, 井之頭 */
        return U'ノ';
    case U'ッ':
    case U'ャ':
    case U'ュ':
    case U'ョ':
        return c + 1;
    case U'ヵ':
        return U'カ';
    default:
        return kanji_common_form(c);
    }
}

static bool is_space(int32_t c)
{
    return c == ' ' || c == 0xA0 || c == 0x3000;
}

/* One stretch without spaces, appended. Where a space stood between two digits a hyphen takes its place, so
 * that "1-2-3 101" does not become 3101. */
static enum status append_stretch(struct bytes stretch, struct address_form *out)
{
    struct buffer key = {0}, folded = {0};
    enum status status = text_comparison_key(stretch, &key);
    if (status == OK)
        status = text_fold_kana(buffer_bytes(&key), &folded);
    struct bytes from = buffer_bytes(&folded);
    if (status == OK) {
        size_t room = out->count + folded.length + 1;
        int32_t *characters = realloc(out->characters, room * sizeof(*characters));
        status = characters ? OK : ERR_NO_MEMORY;
        out->characters = characters ? characters : out->characters;
    }
    for (size_t position = 0; status == OK && position < from.length;) {
        bool is_first = position == 0;
        int32_t c = fold_character(text_next(from, &position));
        if (is_first && out->count && is_digit(c) && is_digit(out->characters[out->count - 1]))
            out->characters[out->count++] = '-';
        out->characters[out->count++] = c;
    }
    buffer_free(&key);
    buffer_free(&folded);
    return status;
}

static enum status fold_address(struct bytes address, struct address_form *out)
{
    size_t start = 0;
    enum status status = OK;
    for (size_t position = 0; position < address.length && status == OK;) {
        size_t before = position;
        int32_t c = text_next(address, &position);
        if (c < 0)
            return ERR_MALFORMED;
        bool at_end = position == address.length;
        if (!is_space(c) && !at_end)
            continue;
        size_t end = is_space(c) ? before : position;
        if (end > start)
            status = append_stretch(bytes_of(address.data + start, end - start), out);
        start = position;
    }
    return status;
}

static bool stands_at(const struct address_form *form, size_t at, const char32_t *word)
{
    size_t i = 0;
    for (; word[i]; i++)
        if (at + i >= form->count || form->characters[at + i] != (int32_t)word[i])
            return false;
    return true;
}

static size_t word_length(const char32_t *word)
{
    size_t length = 0;
    while (word[length])
        length++;
    return length;
}

/* The length of the first of the words that stands here; 0 where none does. */
static size_t length_of_any(const struct address_form *form, size_t at, const char32_t *const words[])
{
    for (size_t i = 0; words[i]; i++)
        if (stands_at(form, at, words[i]))
            return word_length(words[i]);
    return 0;
}

/* Digit, ten or hundred of a kanji numeral; -1 otherwise. */
static int kanji_numeral(int32_t c)
{
    static const char32_t digits[] = U"〇一二三四五六七八九";
    for (int i = 0; i < 10; i++)
        if ((int32_t)digits[i] == c)
            return i;
    return c == U'十' ? 10 : c == U'百' ? 100 : -1;
}

static unsigned numeral_value(const int32_t *characters, size_t count)
{
    unsigned value = 0, last = 0;
    bool has_last = false;
    for (size_t i = 0; i < count; i++) {
        unsigned numeral = (unsigned)kanji_numeral(characters[i]);
        if (numeral >= 10) {
            value += (has_last ? last : 1) * numeral;
            last = 0;
            has_last = false;
        } else {
            last = has_last ? last * 10 + numeral : numeral; /* 二三 is 23 */
            has_last = true;
        }
    }
    return value + last;
}

static size_t put_number(int32_t *out, unsigned value)
{
    int32_t reversed[10];
    size_t count = 0;
    do {
        reversed[count++] = (int32_t)('0' + value % 10);
        value /= 10;
    } while (value);
    for (size_t i = 0; i < count; i++)
        out[i] = reversed[count - 1 - i];
    return count;
}

enum { NUMERAL_MAX = 6 }; /* characters: longer runs are no house numbers, and would overflow */

/* 一丁目 and the like: kanji numerals turn into digits where they number something. Those of names (三鷹,
 * 八王子) stay. */
static enum status numerals_to_digits(struct address_form *form)
{
    static const char32_t *const numbered[] = {U"丁目", U"番", U"号", U"条", U"線", U"地割", NULL};
    int32_t *out = calloc(3 * form->count + 1, sizeof(*out));
    if (!out)
        return ERR_NO_MEMORY;
    size_t length = 0;
    for (size_t at = 0; at < form->count;) {
        size_t end = at;
        while (end < form->count && end - at < NUMERAL_MAX && kanji_numeral(form->characters[end]) >= 0)
            end++;
        if (end > at && length_of_any(form, end, numbered))
            length += put_number(out + length, numeral_value(form->characters + at, end - at));
        else if (end > at)
            for (size_t i = at; i < end; i++)
                out[length++] = form->characters[i];
        else
            out[length++] = form->characters[end++];
        at = end;
    }
    free(form->characters);
    form->characters = out;
    form->count = length;
    return OK;
}

/* What stands between two numbers, or after the last, as a hyphen: 1丁目2番地の3, 1ー2ー3. */
static size_t separator_length(const struct address_form *form, size_t at, int32_t before)
{
    static const char32_t *const after_digit[] = {U"丁目", U"番地", U"番", U"号室", U"号", NULL};
    int32_t next = at + 1 < form->count ? form->characters[at + 1] : 0;
    int32_t c = form->characters[at];
    if (is_digit(before)) {
        size_t length = length_of_any(form, at, after_digit);
        if (length)
            return length;
    }
    bool joins = c == '-' || ((c == U'ノ' || c == U'ー') && is_digit(next));
    return joins && (is_digit(before) || before == '-') ? 1 : 0;
}

static void separators_to_hyphens(struct address_form *form)
{
    static const char32_t *const left_out[] = {U"大字", U"字", NULL};
    size_t length = 0;
    int32_t *c = form->characters;
    for (size_t at = 0; at < form->count;) {
        int32_t before = length ? c[length - 1] : 0;
        size_t separator = separator_length(form, at, before);
        size_t silent = length_of_any(form, at, left_out);
        if (separator) {
            if (before != '-')
                c[length++] = '-';
            at += separator;
        } else if (silent) {
            at += silent;
        } else {
            /* A hyphen that no number follows separates nothing. */
            if (before == '-' && length >= 2 && is_digit(c[length - 2]) && !is_digit(c[at]))
                length--;
            c[length++] = c[at++];
        }
    }
    if (length && c[length - 1] == '-')
        length--;
    form->count = length;
}

static size_t prefecture_length(const struct address_form *form)
{
    static const char32_t *const prefectures[] = {
        U"北海道", U"青森県", U"岩手県", U"宮城県", U"秋田県", U"山形県",   U"福島県", U"茨城県",
        U"栃木県", U"群馬県", U"埼玉県", U"千葉県", U"東京都", U"神奈川県", U"新潟県", U"富山県",
        U"石川県", U"福井県", U"山梨県", U"長野県", U"岐阜県", U"静岡県",   U"愛知県", U"三重県",
        U"滋賀県", U"京都府", U"大阪府", U"兵庫県", U"奈良県", U"和歌山県", U"鳥取県", U"島根県",
        U"岡山県", U"広島県", U"山口県", U"徳島県", U"香川県", U"愛媛県",   U"高知県", U"福岡県",
        U"佐賀県", U"長崎県", U"熊本県", U"大分県", U"宮崎県", U"鹿児島県", U"沖縄県", NULL};
    return length_of_any(form, 0, prefectures);
}

/* 北1条, 三番町, 第2地割: the number belongs to the town's name. */
static bool names_the_town(const struct address_form *form, size_t after_digits)
{
    static const char32_t *const of_towns[] = {U"条", U"線", U"地割", U"区", U"町", NULL};
    return length_of_any(form, after_digits, of_towns) != 0;
}

static void find_parts(struct address_form *form)
{
    const int32_t *c = form->characters;
    form->town_start = prefecture_length(form);
    form->number_start = form->building_start = form->count;
    for (size_t at = form->town_start; at < form->count;) {
        if (!is_digit(c[at])) {
            at++;
            continue;
        }
        size_t end = at;
        while (end < form->count && is_digit(c[end]))
            end++;
        if (names_the_town(form, end)) {
            at = end;
            continue;
        }
        while (end < form->count && (is_digit(c[end]) || c[end] == '-'))
            end++;
        form->number_start = at;
        form->building_start = end;
        return;
    }
}

enum status address_form_make(struct bytes address, struct address_form *out)
{
    *out = (struct address_form){0};
    enum status status = fold_address(address, out);
    if (status == OK)
        status = numerals_to_digits(out);
    if (status != OK)
        return status;
    separators_to_hyphens(out);
    find_parts(out);
    return OK;
}

void address_form_free(struct address_form *form)
{
    free(form->characters);
    *form = (struct address_form){0};
}

struct span {
    const int32_t *at;
    size_t count;
};

static struct span part(const struct address_form *form, size_t from, size_t to)
{
    return (struct span){form->characters + from, to - from};
}

static bool spans_equal(struct span a, struct span b)
{
    return a.count == b.count && (a.count == 0 || memcmp(a.at, b.at, a.count * sizeof(*a.at)) == 0);
}

static bool begins_with(struct span whole, struct span beginning)
{
    return whole.count >= beginning.count && spans_equal((struct span){whole.at, beginning.count}, beginning);
}

static bool ends_with(struct span whole, struct span ending)
{
    return whole.count >= ending.count &&
           spans_equal((struct span){whole.at + whole.count - ending.count, ending.count}, ending);
}

static bool is_number(struct span span)
{
    for (size_t i = 0; i < span.count; i++)
        if (!is_digit(span.at[i]))
            return false;
    return span.count > 0;
}

static size_t hyphens_in(struct span span)
{
    size_t count = 0;
    for (size_t i = 0; i < span.count; i++)
        count += span.at[i] == '-';
    return count;
}

static enum address_difference compare_buildings(struct span a, struct span b)
{
    if (spans_equal(a, b))
        return ADDRESS_SAME;
    if (a.count == 0 || b.count == 0)
        return ADDRESS_BUILDING_LEFT_OUT;
    /* The room alone on one side, the building's name before it on the other. */
    if ((is_number(a) && ends_with(b, a)) || (is_number(b) && ends_with(a, b)))
        return ADDRESS_BUILDING_LEFT_OUT;
    return ADDRESS_BUILDING_DIFFERS;
}

/* 1-2-3-101 against 1-2-3 (コーポ山田101): the room was joined to the house number by a hyphen. */
static enum address_difference compare_joined_room(struct span longer, struct span shorter,
                                                   struct span building_of_longer,
                                                   struct span building_of_shorter)
{
    bool is_joined = begins_with(longer, shorter) && hyphens_in(shorter) >= 2 &&
                     longer.count > shorter.count + 1 && longer.at[shorter.count] == '-';
    if (!is_joined || building_of_longer.count)
        return ADDRESS_NUMBER_DIFFERS;
    struct span room = {longer.at + shorter.count + 1, longer.count - shorter.count - 1};
    return compare_buildings(room, building_of_shorter);
}

enum address_difference address_forms_compare(const struct address_form *a, const struct address_form *b)
{
    /* A prefecture counts only where both name one. */
    bool both_name_it = a->town_start > 0 && b->town_start > 0;
    struct span town_a = part(a, both_name_it ? 0 : a->town_start, a->number_start);
    struct span town_b = part(b, both_name_it ? 0 : b->town_start, b->number_start);
    if (!spans_equal(town_a, town_b))
        return ADDRESS_TOWN_DIFFERS;
    struct span number_a = part(a, a->number_start, a->building_start);
    struct span number_b = part(b, b->number_start, b->building_start);
    struct span building_a = part(a, a->building_start, a->count);
    struct span building_b = part(b, b->building_start, b->count);
    if (spans_equal(number_a, number_b))
        return compare_buildings(building_a, building_b);
    if (number_a.count > number_b.count)
        return compare_joined_room(number_a, number_b, building_a, building_b);
    return compare_joined_room(number_b, number_a, building_b, building_a);
}
