#ifndef SHIKAKU_DOMAIN_CARD_CERTIFICATE_H
#define SHIKAKU_DOMAIN_CARD_CERTIFICATE_H

#include <stdbool.h>

#include "base/date.h"

/* Terms of a My Number Card and of the certificates on it. All last days are inclusive. */

/* Expires on the 5th birthday after the day of issue (a birthday on the day of issue does not count); born on
 * 29 February: 28 February. */
struct date certificate_last_day(struct date issued, struct date birth);
/* The card itself: the 10th birthday after issue; the 5th for those under 18 when they applied (under 20
 * before 2022-04-01). */
struct date card_last_day(struct date issued, struct date applied, struct date birth);

/* After expiry a card still proves coverage, without medical data, until the end of the third month after the
 * month of expiry; a phone does not: its last day is the certificate's own. */
struct date certificate_grace_last_day(struct date last_day, bool on_phone);

enum certificate_term {
    CERTIFICATE_TERM_RUNS,
    CERTIFICATE_TERM_ENDS_SOON, /* within 3 months: warn */
    CERTIFICATE_TERM_IN_GRACE,
    CERTIFICATE_TERM_ENDED,
};
enum certificate_term certificate_term_on(struct date last_day, bool on_phone, struct date today);

#endif
