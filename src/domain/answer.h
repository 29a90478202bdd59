#ifndef SHIKAKU_DOMAIN_ANSWER_H
#define SHIKAKU_DOMAIN_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/date.h"
#include "domain/card_certificate.h"
#include "domain/coverage.h"
#include "domain/reason.h"

/* Every answer about eligibility is one struct with one constructor (eligibility.c). XML, FHIR and JSON are
 * encodings of it. */

enum question_kind { /* CD002 */
                     QUESTION_BY_CARD = 1,
                     QUESTION_BY_NUMBER = 2,
};

enum authentication {
    AUTHENTICATED_BY_NONE,
    AUTHENTICATED_BY_PIN,
    AUTHENTICATED_BY_FACE,       /* asserted by the institution */
    AUTHENTICATED_BY_STAFF_EYES, /* 目視確認; asserted by the institution */
};

/* "none", "pin", "face", "staff_eyes". */
const char *authentication_code(enum authentication authentication);
bool authentication_by_code(const char *code, size_t length, enum authentication *out) MUST_CHECK;
const char *question_kind_code(enum question_kind kind); /* "card", "number" */

struct question {
    enum question_kind kind;
    struct date day;      /* of treatment; day_of_treatment_refusal() has passed it */
    moment asked_at;      /* now: becomes the answer's as_of */
    uint8_t event_id[16]; /* random, made before the event is written */
    enum authentication authenticated_by;
    struct insured_key key; /* by number only; branch absent where none was given */
    struct date birth;      /* by number only */
};

/* What an answer shows of a coverage. Anything hidden looks exactly as if it had never been stated. */
struct disclosed_coverage {
    struct insured_key key;
    struct bytes insurer_name;
    struct five_items person;
    enum relationship relationship;
    struct date acquired;
    struct date lost;
    enum card_classification classification;
    int copayment_percent; /* on the day asked about, or COPAYMENT_UNKNOWN */
    struct elderly_certificate elderly;
    bool preschool;
    bool special_expense;
    struct eligibility_certificate certificate;
};

struct answer_content {
    enum question_kind kind;
    struct date day;
    enum authentication authenticated_by;
    uint8_t event_id[16];
    moment as_of;

    enum reason reason;
    enum result result;
    int cd006; /* 0 where none */

    bool has_coverage;
    struct disclosed_coverage coverage; /* texts are borrowed from the facts; blank unless has_coverage */
    moment registered_at;               /* how fresh: when and by whom; only with coverage */
    struct bytes registered_by;
    bool change_pending;

    bool has_certificate_term; /* by card, where the answer speaks of coverage */
    enum certificate_term certificate_term;
    struct date certificate_last_day;
};

/* Opaque: only eligibility.c can make one. It lives in the region given to the constructor and borrows the
 * texts of the facts. */
struct answer;

/* Everything in it, for encoders and for the event that records it. Never NULL. */
const struct answer_content *answer_content(const struct answer *answer);

/* Whether a visit token may be given, and with it medical data: by card, eligible, not in certificate grace.
 */
bool answer_allows_visit_token(const struct answer *answer);

/* The person and subscription that the answer is about, for the event's index; 0 where none. Never encoded.
 */
int64_t answer_person(const struct answer *answer);
int64_t answer_subscription(const struct answer *answer);

#endif
