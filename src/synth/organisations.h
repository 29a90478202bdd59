#ifndef SHIKAKU_SYNTH_ORGANISATIONS_H
#define SHIKAKU_SYNTH_ORGANISATIONS_H

#include "domain/numbers.h"

/* Everybody in a synthetic nation who is not a person. All numbers carry right check digits. */

/* Who somebody is insured with, as far as the making of people goes. */
enum insurer_group {
    GROUP_ASSOCIATION,      /* 01, one a prefecture */
    GROUP_SEAMEN,           /* 02 */
    GROUP_DAY_LABOURERS,    /* 03 */
    GROUP_SOCIETY,          /* 06 */
    GROUP_SELF_DEFENCE,     /* 07 */
    GROUP_MEDICAL_AID,      /* 12, welfare offices */
    GROUP_MUTUAL_AID,       /* 31-34 */
    GROUP_LATE_ELDERLY,     /* 39, one a prefecture */
    GROUP_RETIRED_SOCIETY,  /* 63 */
    GROUP_RETIRED_MUTUAL,   /* 72-75 */
    GROUP_NATIONAL,         /* six digits: municipalities */
    GROUP_NATIONAL_SOCIETY, /* six digits: societies of a trade */
    INSURER_GROUPS,
};

struct synthetic_insurer {
    struct insurer_number number;
    enum insurer_group group;
    int prefecture;
    int place; /* index in places[] of a municipality; -1 */
    char name[96];
};

enum { INSURERS_MOST = 512, INSTITUTION_COUNT = 40 };

struct synthetic_institution {
    struct institution_code code;
    char name[96];
};

struct organisations {
    struct synthetic_insurer insurers[INSURERS_MOST];
    size_t insurer_count;
    size_t first_of_group[INSURER_GROUPS + 1]; /* insurers lie together by group */
    struct synthetic_institution institutions[INSTITUTION_COUNT];
    uint64_t seed;
    uint64_t employer_count;
};

/* The same seed and number of people give the same organisations. */
void organisations_make(uint64_t seed, uint64_t people, struct organisations *out);

/* How many of a group, and the pick-th of them, counted round. */
size_t insurers_in_group(const struct organisations *organisations, enum insurer_group group);
const struct synthetic_insurer *insurer_of_group(const struct organisations *organisations,
                                                 enum insurer_group group, uint64_t pick);
/* Of the groups that have one in every prefecture (municipalities: the place's own). */
const struct synthetic_insurer *insurer_of_prefecture(const struct organisations *organisations,
                                                      enum insurer_group group, int prefecture);
const struct synthetic_insurer *insurer_of_place(const struct organisations *organisations, int place);

struct synthetic_employer {
    const struct synthetic_insurer *insurer;
    char symbol[INSURED_TEXT_SIZE]; /* 記号, also the code by which the insurer knows the employer */
    char name[96];
};
/* index < employer_count. */
void employer_of_index(const struct organisations *organisations, uint64_t index,
                       struct synthetic_employer *out);

/* scheme 0 gives the six-digit form; serial 1-999. */
struct insurer_number insurer_number_make(int scheme, int prefecture, int serial);
struct institution_code institution_code_make(int prefecture, int table, int serial);

/*
 * The My Number of the index-th person: another number for every index below MY_NUMBER_INDEX_LIMIT, in an
 * order that the seed decides.
 */
#define MY_NUMBER_INDEX_LIMIT 100000000u
struct my_number my_number_of_index(uint64_t seed, uint64_t index);

/* 北海道, 青森県 … by JIS X 0401; and without 都, 府 or 県. */
const char *prefecture_name(int prefecture);
const char *prefecture_short_name(int prefecture);

#endif
