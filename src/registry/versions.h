#ifndef SHIKAKU_REGISTRY_VERSIONS_H
#define SHIKAKU_REGISTRY_VERSIONS_H

#include "registry/stored.h"

/* What is there of one subscription before the next version is written. For src/registry only. */

/* Of what is stated about the person. */
struct stated_state {
    int64_t newest;                    /* version; 0: none */
    bool is_known;                     /* some version counts */
    struct registry_sql_stated stated; /* the one that counts; texts lie in the region */
    int64_t employer;
};
enum status stated_state_read(struct db *db, int64_t subscription, int64_t of_load, struct region *region,
                              struct stated_state *out) MUST_CHECK;

/* Of one period of coverage. */
struct period_state {
    int64_t period;
    int64_t newest;                        /* version */
    bool is_known;                         /* some version counts */
    bool is_alive;                         /* some version counts, or is staged by another load */
    struct date acquired;                  /* of the newest version that is alive */
    struct registry_sql_coverage coverage; /* the one that counts */
};
struct periods_state {
    struct period_state *periods;
    size_t count;
};
enum status periods_state_read(struct db *db, int64_t subscription, int64_t of_load, struct region *region,
                               struct periods_state *out) MUST_CHECK;
/* The period that began on the day; where both are there, one that counts before one that is only staged.
 * NULL: none. */
struct period_state *period_begun_on(const struct periods_state *periods, struct date acquired);

#endif
