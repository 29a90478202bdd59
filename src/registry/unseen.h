#ifndef SHIKAKU_REGISTRY_UNSEEN_H
#define SHIKAKU_REGISTRY_UNSEEN_H

#include "registry/enrolment.h"
#include "registry/link.h"
#include "registry/subscription.h"

/*
 * Filling a registry with people of whom nothing is there yet: everything about one person at once, without
 * looking first. For a nation that is synthesised and for taking over a whole registry.
 */
struct unseen_subscription {
    struct subscription_record record;
    enum link_state link; /* LINK_NONE: no number was registered (Q10) */
    struct link_evidence evidence;
    moment recorded_at; /* 0: as the person's recording says */
};

struct unseen_person {
    uint8_t reference[VAULT_REFERENCE_SIZE];
    const struct unseen_subscription *subscriptions; /* borrowed */
    size_t subscription_count;
    const struct certificate_change *certificates; /* borrowed; all the person's own */
    size_t certificate_count;
    const struct enrolment *enrolment; /* borrowed; NULL: none. Its person is not looked at */
};

/* recording->load holds for what insurers state; links are recorded directly. ERR_EXISTS: the reference or a
 * certificate is there already. */
enum status person_add_unseen(struct db *db, const struct unseen_person *unseen,
                              const struct recording *recording, int64_t *person) MUST_CHECK;

/* A certificate that the feed has not named yet. person 0: nobody has learnt whose it is. ERR_EXISTS. */
enum status certificate_add_unseen(struct db *db, const struct certificate_change *certificate,
                                   int64_t person) MUST_CHECK;

#endif
