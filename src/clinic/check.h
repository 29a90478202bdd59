#ifndef SHIKAKU_CLINIC_CHECK_H
#define SHIKAKU_CLINIC_CHECK_H

#include "clinic/signing.h"
#include "domain/consent.h"

/* Asking the centre whether somebody is covered (資格確認), by card and by number. */

enum check_purpose { /* of the signed statement; docs/machine-api.md */
                     PURPOSE_TREATMENT = 1,
                     PURPOSE_DISPENSING = 2,
};

struct card_check {
    struct card_use use;
    enum check_purpose purpose;
    struct date day;
    const struct consents *consents; /* NULL: not asked */
};

/* *out is always filled, and owned by the caller. */
void check_by_card(struct clinic *clinic, const struct card_check *check, struct outcome *out);

/* What stands on a 資格確認書. */
struct number_check {
    struct insured_key key;
    struct date birth;
    struct date day;
};
void check_by_number(struct clinic *clinic, const struct number_check *check, struct outcome *out);

#endif
