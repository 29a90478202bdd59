#ifndef SHIKAKU_TESTS_FACTS_FIXTURE_H
#define SHIKAKU_TESTS_FACTS_FIXTURE_H

#include "domain/eligibility.h"

/* People and coverages for tests about eligibility. Today is 2026-11-22. */
#define TODAY "2026-11-22"
#define SOCIETY "06139463"
#define NATIONAL "138057"
#define LATE_ELDERLY "39131156"
#define ASSISTANCE "12131157"

struct insured_key key_of(const char *insurer, const char *symbol, const char *number, const char *branch);

/* Person 7, born 1980-02-17, in force since 2024-04-01 at SOCIETY under 12-34, 567, branch 00; confirmed,
 * with everything that an answer can show. */
struct subscription_facts facts_in_force(void);
/* The same, lost on 2026-10-01 for another insurance. */
struct subscription_facts facts_lost(void);
/* The same person at NATIONAL since 2026-10-01 under another number. */
struct subscription_facts facts_newer(void);

/* About facts_in_force(), without a branch, for TODAY. */
struct question question_by_number(void);
struct question question_by_card(void);
/* Person 7's card: active, enrolled, valid until 2029-02-17. */
struct certificate_facts certificate_of_person(void);

#endif
