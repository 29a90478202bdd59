#ifndef SHIKAKU_CLINIC_ENROLMENT_H
#define SHIKAKU_CLINIC_ENROLMENT_H

#include "clinic/signing.h"

/* First-use enrolment of a card as insurance card (健康保険証利用の申込) at the terminal (Q6). */

/* Texts live in clinic->texts. */
struct terms {
    const char *version;
    const char *text;
};

/* What the person is to read. ERR_DENIED: *refused says why there is none. */
enum status enrolment_fetch_terms(struct clinic *clinic, struct terms *out,
                                  struct outcome *refused) MUST_CHECK;

/* After the person has accepted these terms: the card signs their text. *out is always filled, and owned by
 * the caller. */
void enrol_card(struct clinic *clinic, const struct card_use *use, const struct terms *terms,
                struct outcome *out);

#endif
