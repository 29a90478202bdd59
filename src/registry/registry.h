#ifndef SHIKAKU_REGISTRY_REGISTRY_H
#define SHIKAKU_REGISTRY_REGISTRY_H

#include "db/db.h"

/*
 * What is stored, typed. Facts are versions: a corrected fact supersedes, it never overwrites. A version is
 * visible when it was recorded directly or its load is published; the visible version with the highest
 * number counts.
 *
 * Functions that change anything are called inside db_transaction() (ERR_WRONG_STATE otherwise), several of
 * them together where they belong together, with the outbox row that tells of it. Functions that only read
 * work inside and outside. Numbers of persons and subscriptions are 64-bit keys that do not leave the house.
 */

/* Opens the registry at a location of db.h; DB_FOR_CHANGES also brings its schema up to date. */
enum status registry_open(const struct db_options *options, struct db **out) MUST_CHECK;

/* On whose word and when something was recorded. */
struct recording {
    moment at;
    int64_t registrant; /* from registrant_for_name(); 0: the insurer concerned */
    int64_t load;       /* 0: recorded directly, visible at once */
};

/* The key that stands for a registrant's name (an insurer is its own registrant: 0); made where it is new. */
enum status registrant_for_name(struct db *db, struct bytes name, int64_t *out) MUST_CHECK;

#endif
