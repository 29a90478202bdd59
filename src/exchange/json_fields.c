#include "exchange/json_fields.h"

#include <stdlib.h>
#include <string.h>

struct json_writing json_writing_begin(void)
{
    json_t *object = json_object();
    return (struct json_writing){.object = object, .failed = object == NULL};
}

json_t *json_writing_end(struct json_writing *writing)
{
    if (writing->failed) {
        json_decref(writing->object);
        writing->object = NULL;
    }
    return writing->object;
}

void json_put(struct json_writing *writing, const char *key, json_t *value)
{
    if (!value || writing->failed) {
        json_decref(value);
        writing->failed = true;
        return;
    }
    writing->failed = json_object_set_new(writing->object, key, value) != 0;
}

void json_put_text(struct json_writing *writing, const char *key, const char *text)
{
    json_put(writing, key, json_string(text));
}

void json_put_integer(struct json_writing *writing, const char *key, int64_t value)
{
    json_put(writing, key, json_integer(value));
}

void json_put_boolean(struct json_writing *writing, const char *key, bool value)
{
    json_put(writing, key, json_boolean(value));
}

void json_put_text_if_any(struct json_writing *writing, const char *key, struct bytes text)
{
    if (text.length)
        json_put(writing, key, json_stringn((const char *)text.data, text.length));
}

void json_put_date_if_any(struct json_writing *writing, const char *key, struct date date)
{
    char text[11];
    if (date_is_none(date))
        return;
    date_format(date, text);
    json_put_text(writing, key, text);
}

void json_put_moment(struct json_writing *writing, const char *key, moment when)
{
    char text[33];
    moment_format(when, text);
    json_put_text(writing, key, text);
}

void json_put_languages(struct json_writing *writing, const char *key, const char *ja, const char *en)
{
    struct json_writing texts = json_writing_begin();
    json_put_text(&texts, "ja", ja);
    json_put_text(&texts, "en", en);
    json_put(writing, key, json_writing_end(&texts));
}

static json_t *step_to_json(enum next_step step)
{
    const struct next_step_entry *entry = next_step_entry(step);
    if (!entry)
        return NULL;
    struct json_writing texts = json_writing_begin();
    json_put_text(&texts, "code", entry->code);
    json_put_text(&texts, "ja", entry->ja);
    json_put_text(&texts, "en", entry->en);
    return json_writing_end(&texts);
}

void json_put_steps(struct json_writing *writing, const struct reason_entry *entry)
{
    json_t *further = json_array();
    json_put(writing, "next_step", entry->next_step_count ? step_to_json(entry->next_steps[0]) : json_null());
    for (size_t i = 1; further && i < entry->next_step_count; i++)
        if (json_array_append_new(further, step_to_json(entry->next_steps[i])) != 0)
            writing->failed = true;
    json_put(writing, "further_steps", further);
}

static int append_chunk(const char *chunk, size_t length, void *out)
{
    return buffer_append((struct buffer *)out, bytes_of(chunk, length)) == OK ? 0 : -1;
}

enum status json_write_text(json_t *json, struct buffer *out)
{
    if (!json)
        return ERR_NO_MEMORY;
    int failed = json_dump_callback(json, append_chunk, out, JSON_COMPACT);
    json_decref(json);
    return failed ? ERR_NO_MEMORY : OK;
}

struct json_reading json_reading_of(const json_t *json, struct region *region)
{
    return (struct json_reading){
        .object = json, .region = region, .status = json_is_object(json) ? OK : ERR_MALFORMED};
}

static const json_t *member(const struct json_reading *reading, const char *key)
{
    const json_t *value = reading->object ? json_object_get(reading->object, key) : NULL;
    return json_is_null(value) ? NULL : value;
}

static void fail(struct json_reading *reading, enum status status)
{
    if (reading->status == OK)
        reading->status = status;
}

bool json_has_object(const struct json_reading *reading, const char *key)
{
    return json_is_object(member(reading, key));
}

struct json_reading json_get_object(struct json_reading *reading, const char *key)
{
    const json_t *value = member(reading, key);
    if (value && !json_is_object(value))
        fail(reading, ERR_MALFORMED);
    return (struct json_reading){.object = json_is_object(value) ? value : NULL, .region = reading->region};
}

void json_reading_join(struct json_reading *reading, const struct json_reading *part)
{
    if (part->status != OK)
        fail(reading, part->status);
}

const char *json_get_text_if_any(struct json_reading *reading, const char *key)
{
    const json_t *value = member(reading, key);
    if (!value)
        return "";
    if (!json_is_string(value)) {
        fail(reading, ERR_MALFORMED);
        return "";
    }
    const char *text = region_text(reading->region, json_string_value(value), json_string_length(value));
    if (!text)
        fail(reading, ERR_NO_MEMORY);
    return text ? text : "";
}

const char *json_get_text(struct json_reading *reading, const char *key)
{
    if (!member(reading, key))
        fail(reading, ERR_MALFORMED);
    return json_get_text_if_any(reading, key);
}

bool json_get_boolean_if_any(struct json_reading *reading, const char *key, bool absent)
{
    const json_t *value = member(reading, key);
    if (value && !json_is_boolean(value))
        fail(reading, ERR_MALFORMED);
    return value ? json_is_true(value) : absent;
}

bool json_get_boolean(struct json_reading *reading, const char *key)
{
    if (!member(reading, key))
        fail(reading, ERR_MALFORMED);
    return json_get_boolean_if_any(reading, key, false);
}

struct date json_get_date_if_any(struct json_reading *reading, const char *key)
{
    struct date date = DATE_NONE;
    const json_t *value = member(reading, key);
    if (!value)
        return date;
    if (!json_is_string(value) ||
        date_parse(json_string_value(value), json_string_length(value), &date) != OK)
        fail(reading, ERR_MALFORMED);
    return date;
}

struct date json_get_date(struct json_reading *reading, const char *key)
{
    if (!member(reading, key))
        fail(reading, ERR_MALFORMED);
    return json_get_date_if_any(reading, key);
}

moment json_get_moment(struct json_reading *reading, const char *key)
{
    moment when = 0;
    const json_t *value = member(reading, key);
    if (!json_is_string(value) ||
        moment_parse(json_string_value(value), json_string_length(value), &when) != OK)
        fail(reading, ERR_MALFORMED);
    return when;
}

int json_get_integer_if_any(struct json_reading *reading, const char *key, int absent)
{
    const json_t *value = member(reading, key);
    if (!value)
        return absent;
    json_int_t integer = json_integer_value(value);
    if (!json_is_integer(value) || integer < INT32_MIN || integer > INT32_MAX) {
        fail(reading, ERR_MALFORMED);
        return absent;
    }
    return (int)integer;
}

static struct step_view read_step(struct json_reading *reading, const json_t *json)
{
    struct json_reading step = json_reading_of(json, reading->region);
    struct step_view view = {
        .code = json_get_text(&step, "code"),
        .ja = json_get_text(&step, "ja"),
        .en = json_get_text(&step, "en"),
    };
    json_reading_join(reading, &step);
    return view;
}

size_t json_get_steps(struct json_reading *reading, struct step_view steps[NEXT_STEPS_MAX])
{
    const json_t *first = member(reading, "next_step"), *further = member(reading, "further_steps");
    size_t count = 0;
    if (!first)
        return 0;
    steps[count++] = read_step(reading, first);
    if (further && !json_is_array(further))
        fail(reading, ERR_MALFORMED);
    for (size_t i = 0; i < json_array_size(further) && count < NEXT_STEPS_MAX; i++)
        steps[count++] = read_step(reading, json_array_get(further, i));
    return count;
}

enum status json_read_text(struct bytes text, json_t **out)
{
    json_error_t error;
    *out =
        json_loadb(text.length ? (const char *)text.data : "", text.length, JSON_REJECT_DUPLICATES, &error);
    if (*out)
        return OK;
    return json_error_code(&error) == json_error_out_of_memory ? ERR_NO_MEMORY : ERR_MALFORMED;
}
