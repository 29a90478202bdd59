#ifndef SHIKAKU_EXCHANGE_PROBLEM_JSON_H
#define SHIKAKU_EXCHANGE_PROBLEM_JSON_H

#include <jansson.h>

#include "base/region.h"
#include "domain/reason.h"
#include "exchange/json_fields.h"

/*
 * RFC 9457 problem document (application/problem+json):
 *   type         "urn:shikaku:reason:CODE"
 *   title        the catalogue's English text
 *   status       HTTP status
 *   detail       the catalogue's text for developers
 *   code, fault, kind of retry as `retry` ("no", "after", "after_fixing"), retry_after (seconds or null)
 *   staff        {ja, en}
 *   next_step    {code, ja, en} or null; further_steps [...]
 *   pointer      JSON pointer (RFC 6901) to the field at fault; left out where there is none
 *   cause        the code behind a load_row_invalid; left out where there is none
 *   tries_left   of a PIN; left out where it does not apply
 *   request_id   what our log knows the request by; left out where there is none
 * Nothing of the request's content is ever repeated.
 */
struct problem {
    enum reason reason;
    enum reason cause;      /* REASON_NONE where none */
    const char *pointer;    /* NULL where none; names of fields and row numbers only, never values */
    int tries_left;         /* negative: does not apply */
    const char *request_id; /* NULL where none */
};

/* Only the reason set. */
struct problem problem_of(enum reason reason);
/* With the field at fault. */
struct problem problem_at(enum reason reason, const char *pointer);

/* A new reference; NULL without memory. */
json_t *problem_to_json(const struct problem *problem);
/* The same as compact UTF-8 text, appended. */
enum status problem_to_json_text(const struct problem *problem, struct buffer *out) MUST_CHECK;
int problem_http_status(const struct problem *problem);

/* What a client has read. Texts live in the region, never NULL. */
struct problem_view {
    int status;
    const char *code, *fault, *staff_ja, *staff_en, *developer, *pointer, *cause;
    int retry_after; /* 0 for null */
    int tries_left;  /* -1 where absent */
    struct step_view steps[NEXT_STEPS_MAX];
    size_t step_count;
};
/* ERR_MALFORMED where it is not such a document. */
enum status problem_from_json_text(struct bytes text, struct region *region,
                                   struct problem_view *out) MUST_CHECK;

#endif
