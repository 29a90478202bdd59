#ifndef SHIKAKU_REGISTRY_ADDING_H
#define SHIKAKU_REGISTRY_ADDING_H

#include "registry/enrolment.h"
#include "registry/link.h"
#include "registry/stored.h"
#include "registry/subscription.h"

/* Rows that are written without looking at what is there, which the caller has done. For src/registry only.
 */

enum status person_add(struct db *db, struct bytes reference, enum enrolment_state enrolment,
                       int64_t *out) MUST_CHECK;
/* The subscription, what is stated and one period of coverage. person 0: not linked. */
enum status subscription_add(struct db *db, const struct subscription_record *record,
                             const struct recording *recording, int64_t person, enum link_state link,
                             int64_t *out) MUST_CHECK;
enum status link_add(struct db *db, int64_t subscription, int64_t version, int64_t person,
                     enum link_state state, const struct link_evidence *evidence,
                     const struct recording *recording) MUST_CHECK;
enum status enrolment_add(struct db *db, int64_t person, int64_t version,
                          const struct enrolment *enrolment) MUST_CHECK;

#endif
