#ifndef SHIKAKU_DOMAIN_COVERAGE_H
#define SHIKAKU_DOMAIN_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/date.h"
#include "domain/numbers.h"
#include "domain/person.h"

/* Coverage 資格: what one insurer has registered about one subscriber. Texts are borrowed. */

enum relationship { /* CD009 */
                    RELATIONSHIP_UNSTATED = 0,
                    RELATIONSHIP_INSURED = 1, /* 本人 */
                    RELATIONSHIP_FAMILY = 2,  /* 家族 */
};

enum loss_reason { /* CD008 */
                   LOSS_REASON_NONE = 0,
                   LOSS_REASON_DEATH = 1,
                   LOSS_REASON_PUBLIC_ASSISTANCE = 2,
                   LOSS_REASON_OTHER_INSURANCE = 3,
                   LOSS_REASON_OTHER = 99,
};

enum card_classification { /* CD010; 03 and 04 (short-term certificates) are abolished and not accepted */
                           CARD_CLASSIFICATION_UNSTATED = 0,
                           CARD_CLASSIFICATION_GENERAL = 1,
                           CARD_CLASSIFICATION_RETIRED = 2,
                           CARD_CLASSIFICATION_SPECIAL = 5,
                           CARD_CLASSIFICATION_SPECIAL_RETIRED = 6,
                           CARD_CLASSIFICATION_SELF_DEFENCE = 7,
                           CARD_CLASSIFICATION_ASSISTANCE = 0xA1,
};

/* The two-digit codes of CD008 and CD010 ("01", "99", "A1"); "" for none. */
const char *loss_reason_code(enum loss_reason reason);
const char *card_classification_code(enum card_classification classification);
/* false when the text is not one of the codes. Empty text is "none". */
bool loss_reason_by_code(const char *code, size_t length, enum loss_reason *out) MUST_CHECK;
bool card_classification_by_code(const char *code, size_t length, enum card_classification *out) MUST_CHECK;

enum { COPAYMENT_UNKNOWN = -1 };

/* A ratio that an insurer states, and for how long. percent 0-100, or COPAYMENT_UNKNOWN. valid_from ≤ day <
 * valid_until; DATE_NONE in valid_until is open, in valid_from "from the beginning". */
struct stated_copayment {
    int percent;
    struct date valid_from;
    struct date valid_until;
};

/* 高齢受給者証 and 資格確認書. Last days are inclusive, as printed. */
struct elderly_certificate {
    struct date issued;
    struct date valid_from;
    struct date last_day;
    int percent;
};
struct eligibility_certificate {
    struct date issued;
    struct date last_day; /* its expiry is not loss of coverage */
};

struct coverage {
    struct insured_key key;
    struct bytes insurer_name;
    struct five_items person; /* as the insurer states them */
    enum relationship relationship;
    struct date acquired; /* first covered day */
    struct date lost;     /* the day after the last covered day; DATE_NONE while not lost */
    enum loss_reason loss_reason;
    enum card_classification classification;
    struct stated_copayment copayment;
    struct elderly_certificate elderly;
    bool preschool;       /* CD015, as stated; the ratio itself follows from the birth date */
    bool special_expense; /* 特別療養費: eligible, pays in full first */
    struct eligibility_certificate certificate;
    moment registered_at;       /* when this version was made visible */
    struct bytes registered_by; /* the registrant's name, an insurer's as a rule */
    bool change_pending;        /* a load or a report not yet visible touches this coverage */
};

/* No dates, no ratio, nothing stated: where every filling begins, since a zeroed date is a day of 1970. */
struct coverage coverage_blank(void);

/* acquired ≤ day < lost. */
bool coverage_in_force_on(const struct coverage *coverage, struct date day);
/* lost ≤ day: covered once, or registered and taken back. */
bool coverage_lost_by(const struct coverage *coverage, struct date day);

/* The day on which someone moves to the late-elderly scheme: the 75th birthday itself (born on 29 February: 1
 * March in a year without one). */
struct date late_elderly_move_day(struct date birth);

/* On that day or later while the coverage is still another scheme's (public expense aside): a change is due
 * that has not been registered. */
bool coverage_change_is_due(const struct coverage *coverage, struct date day);

#endif
