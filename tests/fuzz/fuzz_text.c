/* Every reading of foreign text: UTF-8, folding, dates, hexadecimal, base64. */
#include "base/bytes.h"
#include "base/date.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Folding what was folded changes nothing. */
static void folds_once(struct bytes text, enum status (*fold)(struct bytes, struct buffer *))
{
    struct buffer once = {0};
    struct buffer twice = {0};
    if (fold(text, &once) == OK) {
        if (!text_is_utf8(buffer_bytes(&once)) || fold(buffer_bytes(&once), &twice) != OK ||
            !bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)))
            abort();
    }
    buffer_free(&once);
    buffer_free(&twice);
}

static void date_round_trip(const char *text, size_t length)
{
    struct date date;
    if (date_parse(text, length, &date) != OK)
        return;
    char formatted[11];
    date_format(date, formatted);
    struct date again;
    if (date_parse(formatted, strlen(formatted), &again) != OK || !date_equal(date, again))
        abort();
    (void)date_era(date);
    (void)date_fiscal_year(date);
}

static void base64_round_trip(const char *text, size_t length)
{
    struct buffer decoded = {0};
    struct buffer encoded = {0};
    if (base64_decode(text, length, &decoded) == OK) {
        if (base64_encode(buffer_bytes(&decoded), &encoded) != OK ||
            !bytes_equal(buffer_bytes(&encoded), bytes_of(text, length)))
            abort();
    }
    buffer_free(&decoded);
    buffer_free(&encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bytes text = bytes_of(data, size);
    const char *characters = (const char *)data;
    if (text_is_utf8(text)) {
        if (text_length(text) == SIZE_MAX)
            abort();
        (void)text_is_printable(text);
        folds_once(text, text_fold_width);
        folds_once(text, text_fold_kana);
        struct buffer key = {0};
        if (text_comparison_key(text, &key) == OK && !text_is_utf8(buffer_bytes(&key)))
            abort();
        buffer_free(&key);
    }
    date_round_trip(characters, size);
    base64_round_trip(characters, size);
    uint8_t raw[32];
    (void)hex_decode(characters, size, raw, size / 2 < sizeof raw ? size / 2 : sizeof raw);
    return 0;
}
