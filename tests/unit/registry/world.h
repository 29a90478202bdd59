#ifndef SHIKAKU_TESTS_REGISTRY_WORLD_H
#define SHIKAKU_TESTS_REGISTRY_WORLD_H

#include "domain/eligibility.h"
#include "registry/check.h"
#include "registry/enrolment.h"
#include "registry/link.h"
#include "registry/load.h"
#include "registry/parties.h"
#include "registry/subscription.h"
#include "support/database.h"

/* A registry with two insurers, an institution and its machine; what tests put into it and ask of it. Every
 * function fails the test where something goes wrong. */
struct world {
    struct db *changes;
    struct db *checks;
    struct region region; /* freed with the world */
};

#define INSURER "06139463"       /* a society */
#define OTHER_INSURER "00138057" /* National Health Insurance */
#define ELDERLY_INSURER "39131990"
#define INSTITUTION "0110113719"
#define NOW ((moment)1795000000000000) /* in 2026-11 */

/* Setup of every group. */
int worlds_begin(void **state);
struct world world_open(void **state);
void world_close(struct world *world);

struct date day(int year, int month, int day_of_month);
/* 32 (16) bytes of one value. */
const uint8_t *id_of(int value);

/* 山﨑 花子 of 1990-05-05 under 12-34 567 (branch 01), covered since 2024-04-01. */
struct subscription_record record_of(const char *insurer, const char *branch);
struct insured_key key_of(const char *insurer, const char *symbol, const char *number, const char *branch);

enum record_outcome record_directly(struct world *world, const struct subscription_record *record,
                                    int64_t *subscription);
int64_t link_directly(struct world *world, int64_t subscription, int reference, enum link_state state);
void apply_certificate(struct world *world, int id, enum certificate_state state, int successor);
void learn_person(struct world *world, int certificate, int64_t person);
void enrol(struct world *world, int64_t person, enum enrolment_state state);

/* As an event loop asks; findings live in the world's region. */
struct check_findings find_by_number(struct world *world, const struct insured_key *key, struct date birth);
struct check_findings find_by_card(struct world *world, int certificate);
/* The whole way: statement, rows, decision. */
enum reason decide_by_number(struct world *world, const struct insured_key *key, struct date birth,
                             struct date on);
enum reason decide_by_card(struct world *world, int certificate, struct date on);

#endif
