#ifndef SHIKAKU_REGISTRY_LINK_H
#define SHIKAKU_REGISTRY_LINK_H

#include "base/region.h"
#include "domain/facts.h"
#include "domain/five_items.h"
#include "registry/registry.h"

/* Who a subscription is: the link from an insurer's record to a person, in versions. */

enum { VAULT_REFERENCE_SIZE = 16 };

/* The person behind the vault's reference, made where it is new. */
enum status person_for_reference(struct db *db, const uint8_t reference[VAULT_REFERENCE_SIZE],
                                 int64_t *out) MUST_CHECK;
/* ERR_NOT_FOUND. */
enum status person_reference(struct db *db, int64_t person, uint8_t out[VAULT_REFERENCE_SIZE]) MUST_CHECK;

/* On what a state rests. */
struct link_evidence {
    bool compared; /* with what the card authority knows */
    struct five_items_match match;
    struct bytes reason; /* of a release or of 理由付き疑いなし; data NULL: none. Borrowed. */
};

struct link_version {
    int64_t subscription;
    int64_t version; /* 1, 2, 3 …; given by link_set() */
    int64_t person;
    enum link_state state;
    moment recorded_at;
    int64_t registrant; /* 0: the insurer */
    struct link_evidence evidence;
};

/*
 * Writes the next version; from then on it is the one that counts. recording->load must be 0. LINK_NONE is
 * not a version: a link that ties nothing any more is LINK_RELEASED. ERR_NOT_FOUND: no such subscription.
 */
enum status link_set(struct db *db, int64_t subscription, int64_t person, enum link_state state,
                     const struct link_evidence *evidence, const struct recording *recording) MUST_CHECK;

/* The newest version. ERR_NOT_FOUND: none was ever set. Texts lie in the region. */
enum status link_find(struct db *db, int64_t subscription, struct region *region,
                      struct link_version *out) MUST_CHECK;
/* All versions, oldest first. */
enum status link_history(struct db *db, int64_t subscription, struct region *region,
                         struct link_version **out, size_t *count) MUST_CHECK;

#endif
