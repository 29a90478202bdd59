#ifndef SHIKAKU_SERVICE_CHECK_H
#define SHIKAKU_SERVICE_CHECK_H

#include "domain/consent.h"
#include "domain/eligibility.h"
#include "registry/check.h"
#include "service/card_proof.h"
#include "service/proceeding.h"

/*
 * A check of eligibility, by card or by number: plan -> one statement -> rows -> decide -> event -> answer.
 * Nothing blocks: the statement runs inline on SQLite and pipelined on PostgreSQL, the event goes to the
 * log's thread, and `done` is called when it is durable.
 */
enum { VISIT_TOKEN_LENGTH = 32, VISIT_TOKEN_HOURS = 24 };

enum check_purpose { CHECK_FOR_TREATMENT = 1, CHECK_FOR_DISPENSING = 2 };

/* What is asked, as it came in. */
struct card_check_request {
    struct card_proof proof;
    enum check_purpose purpose;
    struct date day;
    bool has_consents;
    struct consents consents;
};

struct number_check_request {
    struct insured_key key; /* branch absent where the paper has none */
    struct date birth;
    struct date day;
};

struct check {
    struct proceeding proceeding; /* first; its owner's part filled in */
    /* filled in by the owner: */
    struct centre_loop *loop;
    /* How the answer is written; visit_token is NULL where none is given. */
    enum status (*encode)(const struct answer *answer, const uint8_t *visit_token, struct buffer *out);

    /* the check's own */
    struct question question;
    struct proven_card card;
    struct challenge challenge;
    bool has_consents;
    struct consents consents;
    uint8_t visit_token[VISIT_TOKEN_LENGTH];
};

void check_by_card_start(struct check *check, const struct card_check_request *request);
void check_by_number_start(struct check *check, const struct number_check_request *request);
/* An institution's machine, as the registry is asked about it. */
struct check_caller caller_in_registry(const struct caller *caller);
/* Of the caller's machine certificate and institution, as the check's statement found them: REASON_NONE, or
 * why the caller may not ask. */
enum reason caller_refusal(const struct check_findings *findings, moment now);
/* Of the terminal that a signature without PIN names. */
enum reason terminal_refusal(const struct proven_card *card, const struct terminal_facts *terminal);

#endif
