#include "exchange/json_text.h"

#include <stdio.h>
#include <string.h>

enum { USUAL_LENGTH = 2048 }; /* of an answer: it need not grow piece by piece */

static void raw(struct json_text *text, struct bytes bytes)
{
    if (text->status == OK)
        text->status = buffer_append(text->out, bytes);
}

static void raw_word(struct json_text *text, const char *word)
{
    raw(text, bytes_of(word, strlen(word)));
}

static bool needs_escape(uint8_t byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\';
}

static void escape(struct json_text *text, uint8_t byte)
{
    char escaped[8];
    if (byte == '"' || byte == '\\')
        snprintf(escaped, sizeof(escaped), "\\%c", byte);
    else
        snprintf(escaped, sizeof(escaped), "\\u%04x", byte);
    raw_word(text, escaped);
}

static void quoted(struct json_text *text, struct bytes value)
{
    size_t plain = 0;
    raw_word(text, "\"");
    for (size_t i = 0; i < value.length; i++) {
        if (!needs_escape(value.data[i]))
            continue;
        raw(text, bytes_of(value.data + plain, i - plain));
        escape(text, value.data[i]);
        plain = i + 1;
    }
    raw(text, bytes_from(value, plain));
    raw_word(text, "\"");
}

static void begin_member(struct json_text *text, const char *key)
{
    raw_word(text, text->comma ? ",\"" : "\"");
    raw_word(text, key);
    raw_word(text, "\":");
    text->comma = true;
}

struct json_text json_text_begin(struct buffer *out)
{
    struct json_text text = {.out = out};
    text.status = buffer_reserve(out, USUAL_LENGTH);
    raw_word(&text, "{");
    return text;
}

void json_text_open(struct json_text *text, const char *key)
{
    begin_member(text, key);
    raw_word(text, "{");
    text->comma = false;
}

void json_text_open_list(struct json_text *text, const char *key)
{
    begin_member(text, key);
    raw_word(text, "[");
    text->comma = false;
}

void json_text_open_element(struct json_text *text)
{
    raw_word(text, text->comma ? ",{" : "{");
    text->comma = false;
}

void json_text_close(struct json_text *text)
{
    raw_word(text, "}");
    text->comma = true;
}

void json_text_close_list(struct json_text *text)
{
    raw_word(text, "]");
    text->comma = true;
}

void json_text_put(struct json_text *text, const char *key, struct bytes value)
{
    begin_member(text, key);
    quoted(text, value);
}

void json_text_put_word(struct json_text *text, const char *key, const char *value)
{
    json_text_put(text, key, bytes_of_text(value));
}

void json_text_put_integer(struct json_text *text, const char *key, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%lld", (long long)value);
    begin_member(text, key);
    raw_word(text, digits);
}

void json_text_put_boolean(struct json_text *text, const char *key, bool value)
{
    begin_member(text, key);
    raw_word(text, value ? "true" : "false");
}

void json_text_put_null(struct json_text *text, const char *key)
{
    begin_member(text, key);
    raw_word(text, "null");
}

void json_text_put_moment(struct json_text *text, const char *key, moment when)
{
    char formatted[33];
    moment_format(when, formatted);
    json_text_put_word(text, key, formatted);
}

void json_text_put_if_any(struct json_text *text, const char *key, struct bytes value)
{
    if (value.length)
        json_text_put(text, key, value);
}

void json_text_put_date_if_any(struct json_text *text, const char *key, struct date date)
{
    char formatted[11];
    date_format(date, formatted);
    json_text_put_if_any(text, key, bytes_of_text(formatted));
}

void json_text_put_languages(struct json_text *text, const char *key, const char *ja, const char *en)
{
    json_text_open(text, key);
    json_text_put_word(text, "ja", ja);
    json_text_put_word(text, "en", en);
    json_text_close(text);
}

static void put_step(struct json_text *text, enum next_step step)
{
    const struct next_step_entry *entry = next_step_entry(step);
    json_text_put_word(text, "code", entry->code);
    json_text_put_word(text, "ja", entry->ja);
    json_text_put_word(text, "en", entry->en);
    json_text_close(text);
}

void json_text_put_steps(struct json_text *text, const struct reason_entry *entry)
{
    if (entry->next_step_count == 0) {
        json_text_put_null(text, "next_step");
    } else {
        json_text_open(text, "next_step");
        put_step(text, entry->next_steps[0]);
    }
    json_text_open_list(text, "further_steps");
    for (size_t i = 1; i < entry->next_step_count; i++) {
        json_text_open_element(text);
        put_step(text, entry->next_steps[i]);
    }
    json_text_close_list(text);
}
