#ifndef SHIKAKU_DOMAIN_CONSENT_H
#define SHIKAKU_DOMAIN_CONSENT_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/clock.h"

/* Consents given at the reader on one screen: agree to all, choose, do not agree. */
enum consent_kind {
    CONSENT_TREATMENT,  /* 診療 */
    CONSENT_MEDICATION, /* 薬剤 */
    CONSENT_CHECKUPS,   /* 特定健診 */
    CONSENT_SURGERY,    /* 手術 */
    CONSENT_KINDS,
};

enum { CONSENT_HOURS = 24 };

struct consents {
    bool given[CONSENT_KINDS];
    moment given_at;
};

/* "treatment", "medication", "checkups", "surgery". */
const char *consent_kind_code(enum consent_kind kind);

enum consent_state { /* CD016 */
                     CONSENT_NOT_GIVEN = 0,
                     CONSENT_GIVEN = 1,
                     CONSENT_LAPSED = 2,
                     CONSENT_NOT_TAKEN = 3, /* could not be asked: grace, or a check by number */
};

/* consents NULL: not taken. Lasts CONSENT_HOURS from given_at; changing it needs the card again. */
enum consent_state consent_state_at(const struct consents *consents, enum consent_kind kind, moment now);

/*
 * The bytes whose SHA-256 is the content field of a signed statement. Fixed, versioned, without the moment
 * (the challenge dates it): consents: "shikaku-consents-1" NUL, then one byte 0 or 1 for each kind in the
 * order above terms:    "shikaku-terms-1" NUL, then the version's text Appended to out.
 */
enum status consents_content(const struct consents *consents, struct buffer *out) MUST_CHECK;
enum status terms_content(struct bytes version, struct buffer *out) MUST_CHECK;

#endif
