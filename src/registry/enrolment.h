#ifndef SHIKAKU_REGISTRY_ENROLMENT_H
#define SHIKAKU_REGISTRY_ENROLMENT_H

#include "base/region.h"
#include "domain/answer.h"
#include "domain/facts.h"
#include "registry/certificate.h"

/* 利用登録: that a person uses the card as insurance card; and what keeps people from being found. */

enum enrolment_place {
    ENROLLED_AT_INSTITUTION = 1,
    ENROLLED_IN_PORTAL = 2,
    ENROLLED_AT_COUNTER = 3,
};

struct enrolment {
    int64_t person;
    enum enrolment_state state; /* not ENROLMENT_NONE */
    moment at;
    enum enrolment_place place;
    struct institution_code institution; /* "" unless at an institution */
    enum authentication form;
    struct bytes terms;                       /* version accepted; borrowed */
    uint8_t certificate[CERTIFICATE_ID_SIZE]; /* with which; zeros where none */
};

/* Writes the next version; from then on it is the one that counts, whichever card the person shows.
 * ERR_NOT_FOUND: no such person. */
enum status enrolment_set(struct db *db, const struct enrolment *enrolment) MUST_CHECK;
/* The newest version; state ENROLMENT_NONE where there is none. Texts lie in the region. */
enum status enrolment_find(struct db *db, int64_t person, struct region *region,
                           struct enrolment *out) MUST_CHECK;

enum declaration_kind {
    DECLARATION_NON_DISCLOSURE = 1,           /* 不開示該当 */
    DECLARATION_SELF_INFORMATION_BLOCKED = 2, /* 自己情報提供不可 */
    DECLARATION_NON_CONSENT = 3,              /* 情報照会に係る不同意申出 */
};

enum declaration_state {
    DECLARATION_RECEIVED = 1,
    DECLARATION_IN_FORCE = 2,
    DECLARATION_WITHDRAWN = 3,
    DECLARATION_REFUSED = 4,
};

/*
 * About a person, or about a subscription that nobody is linked to yet; both where both are known. In force
 * means in force with the transaction's commit.
 */
struct declaration {
    int64_t id; /* 0: a new one */
    enum declaration_kind kind;
    enum declaration_state state;
    int64_t person;       /* 0: not known */
    int64_t subscription; /* 0: not tied to one */
    moment at;
    int64_t registrant;  /* 0: the insurer, or the person where there is no subscription */
    struct bytes reason; /* of a refusal or withdrawal; data NULL: none. Borrowed */
};

/* Writes a new declaration (id is filled in) or the next version of one. ERR_NOT_FOUND: no such declaration;
 * ERR_RANGE: about nobody, or kind, person or subscription differ from the earlier version. */
enum status declaration_set(struct db *db, struct declaration *declaration) MUST_CHECK;

/* Newest versions of all declarations about the person or the subscription (0: not asked), oldest first. */
enum status declarations_about(struct db *db, int64_t person, int64_t subscription, struct region *region,
                               struct declaration **out, size_t *count) MUST_CHECK;

#endif
