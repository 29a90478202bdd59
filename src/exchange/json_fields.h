#ifndef SHIKAKU_EXCHANGE_JSON_FIELDS_H
#define SHIKAKU_EXCHANGE_JSON_FIELDS_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/date.h"
#include "base/region.h"
#include "domain/reason.h"

/*
 * Writing and reading the members of a JSON object one after another. The first failure sticks, as in
 * base/cursor.h: `failed` is looked at once, at the end.
 */
struct json_writing {
    json_t *object; /* owned until json_writing_end() hands it over */
    bool failed;
};

struct json_writing json_writing_begin(void);
/* A new reference, or NULL where anything failed. */
json_t *json_writing_end(struct json_writing *writing);

/* value: a new reference, stolen; NULL counts as a failure. */
void json_put(struct json_writing *writing, const char *key, json_t *value);
void json_put_text(struct json_writing *writing, const char *key, const char *text);
void json_put_integer(struct json_writing *writing, const char *key, int64_t value);
void json_put_boolean(struct json_writing *writing, const char *key, bool value);
/* Nothing at all where the text is empty, the date DATE_NONE. */
void json_put_text_if_any(struct json_writing *writing, const char *key, struct bytes text);
void json_put_date_if_any(struct json_writing *writing, const char *key, struct date date);
void json_put_moment(struct json_writing *writing, const char *key, moment when);
/* {"ja": …, "en": …} */
void json_put_languages(struct json_writing *writing, const char *key, const char *ja, const char *en);
/* next_step and further_steps of a catalogue entry. */
void json_put_steps(struct json_writing *writing, const struct reason_entry *entry);

/* Compact UTF-8, appended to out; takes over the reference. NULL gives ERR_NO_MEMORY. */
enum status json_write_text(json_t *json, struct buffer *out) MUST_CHECK;

struct json_reading {
    const json_t *object;  /* borrowed; NULL reads as an object without members */
    struct region *region; /* where texts are copied to */
    enum status status;
};

/* ERR_MALFORMED sticks where json is no object. */
struct json_reading json_reading_of(const json_t *json, struct region *region);
/* The object under key, to be read like the outer one; empty where it is absent or null. Its own status goes
 * back to the outer one with json_reading_join(). */
struct json_reading json_get_object(struct json_reading *reading, const char *key);
bool json_has_object(const struct json_reading *reading, const char *key);
void json_reading_join(struct json_reading *reading, const struct json_reading *part);

/* Required. */
const char *json_get_text(struct json_reading *reading, const char *key);
bool json_get_boolean(struct json_reading *reading, const char *key);
struct date json_get_date(struct json_reading *reading, const char *key);
moment json_get_moment(struct json_reading *reading, const char *key);
/* Absent or null: "", DATE_NONE, the value given. Another type is malformed. */
const char *json_get_text_if_any(struct json_reading *reading, const char *key);
struct date json_get_date_if_any(struct json_reading *reading, const char *key);
int json_get_integer_if_any(struct json_reading *reading, const char *key, int absent);
bool json_get_boolean_if_any(struct json_reading *reading, const char *key, bool absent);

struct step_view {
    const char *code, *ja, *en;
};
/* next_step and further_steps; at most NEXT_STEPS_MAX, the rest is left out. */
size_t json_get_steps(struct json_reading *reading, struct step_view steps[NEXT_STEPS_MAX]);

/* Parses a whole text: NULL and ERR_MALFORMED unless it is one JSON value with no key twice. A new reference.
 */
enum status json_read_text(struct bytes text, json_t **out) MUST_CHECK;

#endif
