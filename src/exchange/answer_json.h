#ifndef SHIKAKU_EXCHANGE_ANSWER_JSON_H
#define SHIKAKU_EXCHANGE_ANSWER_JSON_H

#include <jansson.h>

#include "base/region.h"
#include "domain/answer.h"
#include "exchange/json_fields.h"

/*
 * The JSON of an answer (/v1/checks/…):
 *
 *   result          "eligible" | "not_eligible" | "cannot_be_confirmed"
 *   validity        CD006, 1-6; null where none
 *   validity_text   {ja, en}: the word for the screen
 *   reason          a code of the catalogue
 *   message         {ja, en}: the catalogue's text for the staff
 *   next_step       {code, ja, en} the first thing to do, or null
 *   further_steps   [{code, ja, en} …] what comes after it, in order
 *   fault           who can put it right; "none" where there is nothing to
 *   retry_after     seconds; null unless the same question may succeed later
 *   question        "card" | "number"
 *   day             "2026-11-22"
 *   as_of           the moment of the answer, RFC 3339 in +09:00
 *   authenticated_by "pin" | "face" | "staff_eyes" | "none"
 *   event_id        32 hexadecimal digits: what a receipt is asked for by
 *   coverage        null, or an object; a key that is not known or not shown is left out, alike:
 *     insurer_number (6 or 8 digits), insurer_name, symbol, number, branch, name, name_kana, alias,
 * birth_date, sex (1, 2, 3), address, postal_code ("100-0001"), relationship ("insured" | "family"),
 * acquired, lost, classification (CD010), copayment_percent, preschool, special_expense, elderly_certificate
 * {issued, valid_from, last_day, copayment_percent}, eligibility_certificate {issued, last_day}
 *   registered_at, registered_by   how fresh the coverage is; null without one
 *   change_pending  boolean
 *   certificate     null, or {term: "runs" | "ends_soon" | "in_grace", last_day}
 *
 * A visit token is not part of an answer: it stands beside, as visit_token, where one was given.
 */

/* Compact UTF-8 text, appended. visit_token: its base64, written beside the answer; empty where none is
 * given. */
enum status answer_to_json_text(const struct answer *answer, struct bytes visit_token,
                                struct buffer *out) MUST_CHECK;

/*
 * What a client has read: an answer it was told, not one it could make. Texts live in the region, never NULL
 * ("" where absent); dates DATE_NONE where absent.
 */
struct answer_view {
    enum result result;
    int cd006; /* 0 for null */
    const char *validity_ja, *validity_en;
    const char *reason; /* kept as a word: a newer centre may know more than we */
    const char *message_ja, *message_en;
    struct step_view steps[NEXT_STEPS_MAX]; /* next_step and further_steps */
    size_t step_count;
    const char *fault;
    int retry_after; /* 0 for null */
    enum question_kind question;
    struct date day;
    moment as_of;
    enum authentication authenticated_by;
    const char *event_id;
    bool has_coverage;
    struct {
        const char *insurer_number, *insurer_name, *symbol, *number, *branch;
        const char *name, *name_kana, *alias, *address, *postal_code;
        struct date birth, acquired, lost;
        int sex;                  /* 0 where absent */
        const char *relationship; /* "insured", "family" or "" */
        const char *classification;
        int copayment_percent; /* COPAYMENT_UNKNOWN where absent */
        bool preschool, special_expense;
        struct elderly_certificate elderly;
        struct eligibility_certificate certificate;
    } coverage;
    bool has_registered_at;
    moment registered_at;
    const char *registered_by;
    bool change_pending;
    const char *certificate_term; /* "" where absent */
    struct date certificate_last_day;
    const char *visit_token; /* "visit_token" beside the answer; "" where none was given */
};

/*
 * ERR_MALFORMED where a key is missing or of another type, or where the result does not go with its CD006
 * value: a client then says centre_unreachable, never more. Unknown keys are ignored. *out is zeroed on
 * failure, which reads as "cannot be confirmed".
 */
enum status answer_from_json(const json_t *json, struct region *region, struct answer_view *out) MUST_CHECK;
enum status answer_from_json_text(struct bytes text, struct region *region,
                                  struct answer_view *out) MUST_CHECK;

#endif
