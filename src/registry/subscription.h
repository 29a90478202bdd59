#ifndef SHIKAKU_REGISTRY_SUBSCRIPTION_H
#define SHIKAKU_REGISTRY_SUBSCRIPTION_H

#include "base/region.h"
#include "domain/facts.h"
#include "registry/registry.h"

/*
 * A subscription is one insurer's record of one person: its key, the five items as stated, and periods of
 * coverage. A period is known by the day it began; several periods and, of each, several versions follow one
 * another.
 */

/* What an insurer states about one subscriber and one period. */
struct subscription_record {
    /* coverage.registered_at, registered_by, insurer_name and change_pending are not looked at. */
    struct coverage coverage;
    int64_t employer;              /* from employer_for_code(); 0: none */
    struct date replaces_acquired; /* the period that began on this day began on coverage.acquired instead;
                                      DATE_NONE: no such correction */
};

enum record_outcome {
    RECORD_UNCHANGED = 0,    /* says what is known already: nothing was written */
    RECORD_NEW_SUBSCRIPTION, /* first record under this key */
    RECORD_NEW_PERIOD,
    RECORD_CHANGED,        /* supersedes a version of the period */
    RECORD_PERSON_CHANGED, /* the items, relationship or employer only */
};

/*
 * Adds, changes, ends or corrects: whatever the record says becomes the newest version. The subscription is
 * the one under insurer, symbol and number with the same branch; where there is no branch, with the same
 * birth date and, unless the number is one person's (late elderly), the same name. ERR_NOT_FOUND:
 * replaces_acquired names no period, or the insurer is not known. ERR_EXISTS: it is corrected to a day on
 * which another period begins. ERR_RANGE: lost before acquired.
 */
enum status subscription_record(struct db *db, const struct subscription_record *record,
                                const struct recording *recording, enum record_outcome *outcome,
                                int64_t *subscription) MUST_CHECK;

/* The period that began on `acquired` ended: lost is the day after its last day. Says the newest visible
 * version again with the loss. ERR_NOT_FOUND. */
enum status coverage_lose(struct db *db, int64_t subscription, struct date acquired, struct date lost,
                          enum loss_reason reason, const struct recording *recording) MUST_CHECK;

/* The subscription under a key; birth DATE_NONE: any. With an absent branch in the key: any branch. Gives
 * ERR_NOT_FOUND for none and ERR_EXISTS for several. */
enum status subscription_find(struct db *db, const struct insured_key *key, struct date birth,
                              int64_t *out) MUST_CHECK;

/* The newest visible versions of all periods, as a check would see them; oldest period first. Lies in the
 * region. */
enum status subscription_read(struct db *db, int64_t subscription, struct region *region,
                              struct subscription_facts **out, size_t *count) MUST_CHECK;

/* Everything that was ever known of a subscription's coverage, visible or not, in order of recording. */
struct coverage_version {
    int64_t period;
    int64_t version;
    struct coverage coverage; /* without the person's items */
    moment recorded_at;
    int64_t load; /* 0: none */
    bool visible;
};
enum status subscription_history(struct db *db, int64_t subscription, struct region *region,
                                 struct coverage_version **out, size_t *count) MUST_CHECK;

#endif
