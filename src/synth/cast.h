#ifndef SHIKAKU_SYNTH_CAST_H
#define SHIKAKU_SYNTH_CAST_H

#include "domain/answer.h"
#include "synth/nation.h"

/*
 * The cast: one person for each thing that can come out of a check, at the head of every nation. What a check
 * of each must answer is written down here by hand, so that whatever answers can be held against it.
 */
enum cast_way {
    CAST_BY_CARD = 1,
    CAST_BY_NUMBER = 2,
    CAST_BOTH = 3,
};
/* "card", "number", "both". */
const char *cast_way_code(enum cast_way way);

struct cast_case {
    const char *name;     /* stable snake_case */
    const char *about_ja; /* one line for people */
    enum cast_way way;    /* how a check is meant to be made */
    enum reason by_card;  /* REASON_NONE: there is no card to make it with */
    enum reason by_number;
};

/* One case, and what a reception would have in hand. */
struct cast_member {
    const struct cast_case *played;
    const struct synthetic_person *person; /* borrowed */
    struct insured_key key;                /* as on the paper that is shown */
    char pin[5];                           /* of four digits; "" where the card has none */
    char signature_password[17];           /* "" where there is none */
    char card_image[64];                   /* file name; "" without a card */
    bool shows_superseded;                 /* the image is of the card before the renewal */
    enum authentication authenticated_by;
};

/* Cases, in the order of the nation's first people: one household each. */
size_t cast_households(void);
size_t cast_case_count(void);
const struct cast_case *cast_case_at(size_t at);

/* The at-th household's people. */
size_t cast_household(struct making *making, uint64_t at, uint64_t first_index,
                      struct synthetic_person people[HOUSEHOLD_MOST]);
/* The first of people plays the at-th case, or, where two play it (twins), each does. */
void cast_member_of(const struct nation_plan *plan, uint64_t at, const struct synthetic_person *person,
                    struct cast_member *out);

/* The main way's answer: by card where there are both. */
enum reason cast_main_reason(const struct cast_case *played);

/* The whole cast as a JSON array, for `shikaku synth --cast --json`; appended. */
enum status cast_write_json(const struct nation_plan *plan, struct buffer *out) MUST_CHECK;

#endif
