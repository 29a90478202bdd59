#ifndef SHIKAKU_AUDIT_RECENT_VISITS_H
#define SHIKAKU_AUDIT_RECENT_VISITS_H

#include "audit/visit.h"

/* Visits that are recorded and not yet indexed, in order of sequence. Not locked. */
struct recent_visits;

enum status recent_visits_create(struct recent_visits **out) MUST_CHECK NONNULL;
void recent_visits_free(struct recent_visits *visits); /* NULL is allowed */

enum status recent_visits_add(struct recent_visits *visits, const uint8_t token_hash[EVENT_HASH_SIZE],
                              const struct audit_visit *visit) MUST_CHECK NONNULL;
/* NULL: not among these. Valid until the next call. */
const struct audit_visit *recent_visits_find(const struct recent_visits *visits,
                                             const uint8_t token_hash[EVENT_HASH_SIZE]) NONNULL;
/* The index has reached this sequence. */
void recent_visits_forget(struct recent_visits *visits, uint64_t up_to) NONNULL;

#endif
