#ifndef SHIKAKU_SYNTH_NATION_H
#define SHIKAKU_SYNTH_NATION_H

#include "synth/person.h"

/*
 * A synthetic nation, household by household: first the cast (synth/cast.h), then everybody else. The same
 * plan gives the same people, byte for byte, whoever asks and however often.
 */
struct nation_plan {
    uint64_t people; /* NATION_LEAST to MY_NUMBER_INDEX_LIMIT */
    uint64_t seed;
    struct date today; /* all dates hang on it */
};

enum { NATION_LEAST = 100, HOUSEHOLD_MOST = 8 };

struct nation {
    struct nation_plan plan;
    struct organisations organisations;
    uint64_t next_household;
    uint64_t next_index;
};

/* ERR_RANGE: people. The struct is large: not for the stack of a thread. */
enum status nation_begin(const struct nation_plan *plan, struct nation *out) MUST_CHECK;
/* People of the next household with texts in the region; 0 at the end. The last one is cut where the number
 * of people is reached. */
size_t nation_next_household(struct nation *nation, struct region *region,
                             struct synthetic_person people[HOUSEHOLD_MOST]);

#endif
