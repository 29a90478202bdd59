#ifndef SHIKAKU_REGISTRY_CHECK_H
#define SHIKAKU_REGISTRY_CHECK_H

#include "base/region.h"
#include "domain/facts.h"
#include "registry/certificate.h"

/*
 * The two questions of a check, one statement each. Submit on a handle for checks; `done` gets rows, collect
 * turns them into facts, domain/eligibility.h decides.
 */

struct institution_facts {
    bool known;
    bool active;
};

struct terminal_facts {
    bool known; /* named by the authority's feed */
    enum certificate_state state;
    struct date last_day;
};

/* Everything a decision needs; what was not asked for is zeroed. Lies in the region given to collect. */
struct check_findings {
    moment authority_heard_at; /* when the newest batch of the feed was issued; 0: never */
    struct machine_certificate_facts machine;
    struct institution_facts institution; /* that the machine certificate names */
    struct terminal_facts terminal;       /* by card, where one was named */
    struct certificate_facts certificate; /* by card */
    struct subscription_facts *subscriptions;
    size_t count;
};

/* Who asks: the machine certificate, and the institution in its subject, by the word of the CA that signed
 * it. */
struct check_caller {
    uint8_t machine[CERTIFICATE_ID_SIZE];
    struct institution_code institution;
};

struct check_by_number {
    struct insured_key key; /* the branch is not looked at here */
    struct date birth;
    struct check_caller caller;
};

struct check_by_card {
    uint8_t certificate[CERTIFICATE_ID_SIZE];
    struct check_caller caller;
    bool has_terminal;
    uint8_t terminal[TERMINAL_ID_SIZE];
};

/* As db_submit() (db/catalogue.h): deadline in monotonic_microseconds(); an error means that done is not
 * called. The question is copied. */
enum status check_by_number_submit(struct db *db, const struct check_by_number *question, int64_t deadline,
                                   db_done *done, void *argument) MUST_CHECK;
enum status check_by_card_submit(struct db *db, const struct check_by_card *question, int64_t deadline,
                                 db_done *done, void *argument) MUST_CHECK;

/* The caller's part alone, for what asks about nobody. */
enum status check_caller_submit(struct db *db, const struct check_caller *caller, int64_t deadline,
                                db_done *done, void *argument) MUST_CHECK;
enum status check_caller_collect(struct db_rows *rows, struct check_findings *out) MUST_CHECK;

/* Inside done, with its rows. ERR_NO_MEMORY, ERR_DAMAGED and what reading met. */
enum status check_by_number_collect(struct db_rows *rows, struct region *region,
                                    struct check_findings *out) MUST_CHECK;
enum status check_by_card_collect(struct db_rows *rows, struct region *region,
                                  struct check_findings *out) MUST_CHECK;

#endif
