#ifndef SHIKAKU_EXCHANGE_JSON_TEXT_H
#define SHIKAKU_EXCHANGE_JSON_TEXT_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/date.h"
#include "domain/reason.h"

/*
 * Writes JSON (RFC 8259) straight into a buffer, member after member, without a tree in between: an answer
 * has some fifty members, and building and freeing a tree of them cost more than the statement that found the
 * facts (docs/performance.md). The first failure sticks. Texts are UTF-8 that was checked when it came in.
 */
struct json_text {
    struct buffer *out; /* borrowed */
    enum status status;
    bool comma; /* something stands before the next member */
};

/* The outermost object; closed like the others. */
struct json_text json_text_begin(struct buffer *out);
void json_text_open(struct json_text *text, const char *key);      /* "key":{ */
void json_text_open_list(struct json_text *text, const char *key); /* "key":[ */
void json_text_open_element(struct json_text *text);               /* { in a list */
void json_text_close(struct json_text *text);
void json_text_close_list(struct json_text *text);

void json_text_put(struct json_text *text, const char *key, struct bytes value);
void json_text_put_word(struct json_text *text, const char *key, const char *value);
void json_text_put_integer(struct json_text *text, const char *key, int64_t value);
void json_text_put_boolean(struct json_text *text, const char *key, bool value);
void json_text_put_null(struct json_text *text, const char *key);
void json_text_put_moment(struct json_text *text, const char *key, moment when);
/* Nothing at all where the text is empty, the date DATE_NONE. */
void json_text_put_if_any(struct json_text *text, const char *key, struct bytes value);
void json_text_put_date_if_any(struct json_text *text, const char *key, struct date date);
/* {"ja": …, "en": …} */
void json_text_put_languages(struct json_text *text, const char *key, const char *ja, const char *en);
/* next_step and further_steps of a catalogue entry. */
void json_text_put_steps(struct json_text *text, const struct reason_entry *entry);

#endif
