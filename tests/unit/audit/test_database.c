#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>

#include "audit/event_store_sql.h"
#include "audit/outbox.h"
#include "base/log.h"
#include "support.h"
#include "support/database.h"

/* The log in a database: the same promises, and across machines. On SQLite the database is one machine's, but
 * the statements are the same. */

/* The log keeps a pointer to the clock: the fixture stays where it is. */
static void machine_open(struct fixture *machine, const struct test_database *database)
{
    *machine = (struct fixture){.clock = {.fake = true, .fixed = TEST_NOW}};
    snprintf(machine->location, sizeof machine->location, "%s", database->location);
    log_open_again(machine);
}

static struct event visit_event(const struct fixture *fixture, unsigned seed)
{
    struct event event = keyed_event(fixture, seed, 1);
    event.personal.has_visit = true;
    memset(event.personal.visit.token_hash, 0xab, EVENT_HASH_SIZE);
    memcpy(event.personal.visit.token_hash, &seed, sizeof seed);
    event.personal.visit.expiry = fixture->clock.fixed + (int64_t)86400 * MICROSECONDS;
    return event;
}

static void every_statement_fits_the_schema(void **state)
{
    struct db *db = test_database_migrated(*state, &event_store_catalogue);
    assert_int_equal(db_prepare_all(db), OK);
    db_close(db);
}

static void an_event_comes_back_as_it_was_after_a_restart(void **state)
{
    struct fixture machine;
    machine_open(&machine, *state);
    const struct event sent = visit_event(&machine, 5);
    assert_int_equal(record(&machine, &sent), AUDIT_RECORDED);
    record_some(&machine, 10, 12);
    log_open_again(&machine);
    assert_int_equal(audit_log_newest(machine.log), 4);
    struct buffer hold = {0};
    struct event event;
    assert_int_equal(audit_event_by_id(machine.log, sent.id, &hold, &event), OK);
    assert_int_equal(event.sequence, 1);
    assert_int_equal(event.when, sent.when);
    assert_int_equal(event.kind, sent.kind);
    assert_int_equal(event.outcome, sent.outcome);
    assert_string_equal(event.caller.code, sent.caller.code);
    assert_memory_equal(event.caller.certificate_id, sent.caller.certificate_id, EVENT_HASH_SIZE);
    assert_true(event.has_key);
    assert_memory_equal(&event.key, &sent.key, sizeof sent.key);
    assert_int_equal(event.personal.person, sent.personal.person);
    assert_int_equal(event.personal.subscription, sent.personal.subscription);
    assert_true(bytes_equal(event.personal.answer, sent.personal.answer));
    assert_memory_equal(&event.personal.visit, &sent.personal.visit, sizeof sent.personal.visit);
    assert_int_equal(audit_event_by_sequence(machine.log, 3, &hold, &event), OK);
    assert_false(event.has_key);
    assert_int_equal(audit_event_by_sequence(machine.log, 5, &hold, &event), ERR_NOT_FOUND);
    uint8_t unknown[EVENT_ID_SIZE] = {1};
    assert_int_equal(audit_event_by_id(machine.log, unknown, &hold, &event), ERR_NOT_FOUND);
    buffer_free(&hold);
    log_shut(&machine);
}

static void a_challenge_accepted_by_one_machine_is_used_on_all(void **state)
{
    struct fixture one, other;
    machine_open(&one, *state);
    machine_open(&other, *state);
    const struct event first = keyed_event(&one, 1, 1), replay = keyed_event(&one, 1, 2);
    assert_int_equal(record(&one, &first), AUDIT_RECORDED);
    struct sent sent;
    sent_start(&other, &sent, AUDIT_APPEND, &first);
    sent_await(&sent);
    assert_int_equal(sent.submission.outcome, AUDIT_REPEATED);
    assert_memory_equal(sent.submission.recorded_id, first.id, EVENT_ID_SIZE);
    assert_int_equal(sent.submission.recorded_outcome, first.outcome);
    assert_true(bytes_equal(buffer_bytes(&sent.submission.recorded_answer), first.personal.answer));
    sent_free(&sent);
    sent_start(&other, &sent, AUDIT_APPEND, &replay);
    sent_await(&sent);
    assert_int_equal(sent.submission.outcome, AUDIT_REPLAYED);
    struct buffer hold = {0};
    struct event refusal;
    assert_int_equal(audit_event_by_id(one.log, sent.submission.recorded_id, &hold, &refusal), OK);
    assert_int_equal(refusal.kind, EVENT_REFUSAL);
    assert_int_equal(refusal.outcome, CHALLENGE_USED);
    assert_int_equal(refusal.personal.person, replay.personal.person);
    buffer_free(&hold);
    sent_free(&sent);
    log_shut(&one);
    log_shut(&other);
}

static void of_two_in_one_group_the_first_has_the_challenge(void **state)
{
    struct fixture machine;
    machine_open(&machine, *state);
    struct hold *hold = log_hold(&machine, 9);
    struct sent sent[3];
    const struct event first = keyed_event(&machine, 1, 1), second = keyed_event(&machine, 1, 2);
    sent_start(&machine, &sent[0], AUDIT_APPEND, &first);
    sent_start(&machine, &sent[1], AUDIT_APPEND, &first);
    sent_start(&machine, &sent[2], AUDIT_APPEND, &second);
    log_release(hold);
    static const enum audit_outcome expected[] = {AUDIT_RECORDED, AUDIT_REPEATED, AUDIT_REPLAYED};
    for (size_t i = 0; i < 3; i++) {
        sent_await(&sent[i]);
        assert_int_equal(sent[i].submission.outcome, expected[i]);
        sent_free(&sent[i]);
    }
    log_shut(&machine);
}

static enum audit_outcome step(struct fixture *fixture, enum audit_step which, const struct event *event,
                               enum status *status)
{
    struct sent sent;
    sent_start(fixture, &sent, which, event);
    sent_await(&sent);
    enum audit_outcome outcome = sent.submission.outcome;
    *status = sent.submission.status;
    sent_free(&sent);
    return outcome;
}

static void a_claim_holds_on_all_machines_until_it_is_given_back_or_abandoned(void **state)
{
    struct fixture one, other;
    machine_open(&one, *state);
    machine_open(&other, *state);
    const struct event event = keyed_event(&one, 1, 1), replay = keyed_event(&one, 1, 2);
    enum status status;
    assert_int_equal(step(&one, AUDIT_CLAIM, &event, &status), AUDIT_CLAIMED);
    assert_int_equal(step(&other, AUDIT_CLAIM, &event, &status), AUDIT_FAILED);
    assert_int_equal(status, ERR_BUSY);
    assert_int_equal(step(&other, AUDIT_CLAIM, &replay, &status), AUDIT_REPLAYED);
    assert_int_equal(step(&one, AUDIT_UNCLAIM, &event, &status), AUDIT_CLAIMED);
    assert_int_equal(step(&other, AUDIT_CLAIM, &event, &status), AUDIT_CLAIMED);
    /* The other machine is gone. */
    clock_move(&one.clock, TEST_NOW + (int64_t)60 * MICROSECONDS);
    assert_int_equal(step(&one, AUDIT_CLAIM, &event, &status), AUDIT_FAILED);
    clock_move(&one.clock, TEST_NOW + (int64_t)60 * MICROSECONDS + 1);
    assert_int_equal(step(&one, AUDIT_CLAIM, &event, &status), AUDIT_CLAIMED);
    log_shut(&one);
    log_shut(&other);
}

/* An outbox of one row, which two machines find at the same time and neither removes. */
struct one_row {
    struct audit_outbox interface;
    struct buffer packed;
};

static enum status take_one(void *context, struct audit_outbox_row *rows, size_t limit, size_t *count)
{
    const struct one_row *outbox = context;
    (void)limit;
    *count = 1;
    rows[0].row = 1;
    return event_unpack(buffer_bytes(&outbox->packed), &rows[0].event);
}

static enum status confirm_nothing(void *context, const int64_t *rows, size_t count)
{
    (void)context, (void)rows, (void)count;
    return ERR_BUSY;
}

static void a_change_taken_by_two_machines_is_recorded_once(void **state)
{
    struct fixture one, other;
    machine_open(&one, *state);
    machine_open(&other, *state);
    struct one_row outbox = {.interface = {&outbox, take_one, confirm_nothing}};
    struct event event = keyed_event(&one, 1, 1);
    event.kind = EVENT_ENROLMENT;
    assert_int_equal(event_pack(&event, &outbox.packed), OK);
    enum status status;
    assert_int_equal(step(&one, AUDIT_CLAIM, &event, &status), AUDIT_CLAIMED);
    one.outbox = other.outbox = &outbox.interface;
    log_open_again(&one);
    log_open_again(&other);
    struct sent sent;
    sent_start(&other, &sent, AUDIT_AWAIT, &event);
    sent_await(&sent);
    assert_int_equal(sent.submission.outcome, AUDIT_RECORDED);
    assert_int_equal(sent.submission.sequence, 1);
    sent_free(&sent);
    assert_int_equal(step(&one, AUDIT_APPEND, &event, &status), AUDIT_REPEATED);
    one.outbox = NULL;
    log_open_again(&one);
    assert_int_equal(audit_log_newest(one.log), 1);
    log_shut(&one);
    log_shut(&other);
    buffer_free(&outbox.packed);
}

static void a_visit_token_is_known_to_all_machines(void **state)
{
    struct fixture one, other;
    machine_open(&one, *state);
    machine_open(&other, *state);
    const struct event event = visit_event(&one, 1);
    assert_int_equal(record(&one, &event), AUDIT_RECORDED);
    struct audit_visit visit;
    const uint8_t *hash = event.personal.visit.token_hash;
    assert_int_equal(audit_visit_find(other.log, hash, TEST_NOW, &visit), OK);
    assert_memory_equal(visit.event_id, event.id, EVENT_ID_SIZE);
    assert_string_equal(visit.caller.code, event.caller.code);
    assert_int_equal(visit.person, event.personal.person);
    assert_int_equal(visit.subscription, event.personal.subscription);
    assert_int_equal(audit_visit_find(other.log, hash, event.personal.visit.expiry, &visit), ERR_EXPIRED);
    uint8_t unknown[EVENT_HASH_SIZE] = {1};
    assert_int_equal(audit_visit_find(other.log, unknown, TEST_NOW, &visit), ERR_NOT_FOUND);
    log_shut(&one);
    log_shut(&other);
}

static void events_of_a_person_are_found_newest_first(void **state)
{
    struct fixture machine;
    machine_open(&machine, *state);
    for (unsigned i = 0; i < 12; i++) {
        struct event event = check_event(&machine, i);
        event.personal.person = i % 3;
        assert_int_equal(record(&machine, &event), AUDIT_RECORDED);
    }
    uint64_t sequences[3];
    size_t count;
    assert_int_equal(audit_person_events(machine.log, 1, UINT64_MAX, sequences, 3, &count), OK);
    assert_int_equal(count, 3);
    assert_int_equal(sequences[0], 11);
    assert_int_equal(sequences[2], 5);
    assert_int_equal(audit_person_events(machine.log, 1, 4, sequences, 3, &count), OK);
    assert_int_equal(count, 1);
    assert_int_equal(sequences[0], 2);
    assert_int_equal(audit_person_events(machine.log, 0, UINT64_MAX, sequences, 3, &count), OK);
    assert_int_equal(count, 0);
    log_shut(&machine);
}

static void used_challenges_are_forgotten_when_nobody_can_use_them(void **state)
{
    struct fixture machine;
    machine_open(&machine, *state);
    const struct event event = keyed_event(&machine, 1, 1);
    assert_int_equal(record(&machine, &event), AUDIT_RECORDED);
    struct db *db = test_database_open(*state, DB_FOR_CHANGES, &event_store_catalogue);
    const struct event_store_sql_key_find_in in = {.key = bytes_of(event.key.key, EVENT_HASH_SIZE)};
    struct event_store_sql_key_find_row row;
    struct db_rows rows;
    for (int late = 0; late < 2; late++) {
        clock_move(&machine.clock, event.key.expiry + (60 + late * 61) * (moment)MICROSECONDS);
        record_some(&machine, 10 + (unsigned)late, 10 + (unsigned)late);
        assert_int_equal(event_store_sql_key_find(db, &in, &rows), OK);
        assert_int_equal(event_store_sql_key_find_next(&rows, &row), late == 0);
        assert_int_equal(db_rows_close(&rows), OK);
    }
    db_close(db);
    log_shut(&machine);
}

/* ---- Many machines at once ---- */

enum { MACHINES = 3, CHALLENGES = 40 };

struct machine_thread {
    struct fixture fixture;
    unsigned number;
    unsigned recorded;
    unsigned wrong;
};

static void *machine_run(void *context)
{
    struct machine_thread *machine = context;
    for (unsigned i = 0; i < CHALLENGES; i++) {
        const struct event event = keyed_event(&machine->fixture, i, machine->number);
        enum audit_outcome outcome = AUDIT_FAILED;
        /* A database may ask to try again; what is answered then is too_busy. */
        for (int tries = 0; tries < 20 && outcome == AUDIT_FAILED; tries++)
            outcome = record(&machine->fixture, &event);
        machine->recorded += outcome == AUDIT_RECORDED;
        machine->wrong += outcome != AUDIT_RECORDED && outcome != AUDIT_REPLAYED;
    }
    return NULL;
}

static void a_challenge_is_consumed_once_however_many_machines_try(void **state)
{
    struct machine_thread machines[MACHINES];
    pthread_t threads[MACHINES];
    for (unsigned i = 0; i < MACHINES; i++) {
        machines[i] = (struct machine_thread){.number = i};
        machine_open(&machines[i].fixture, *state);
    }
    for (unsigned i = 0; i < MACHINES; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, machine_run, &machines[i]), 0);
    unsigned recorded = 0;
    for (unsigned i = 0; i < MACHINES; i++) {
        pthread_join(threads[i], NULL);
        recorded += machines[i].recorded;
        assert_int_equal(machines[i].wrong, 0);
        log_shut(&machines[i].fixture);
    }
    assert_int_equal(recorded, CHALLENGES);
}

static void a_server_that_goes_fails_events_and_comes_back(void **state)
{
    struct test_database *database = *state;
    struct fixture machine;
    machine_open(&machine, database);
    record_some(&machine, 1, 1);
    postgresql_server_kill(database->server);
    const struct event event = keyed_event(&machine, 2, 1);
    enum status status;
    assert_int_equal(step(&machine, AUDIT_APPEND, &event, &status), AUDIT_FAILED);
    assert_int_equal(status, ERR_UNREACHABLE);
    postgresql_server_start(database->server);
    enum audit_outcome outcome = AUDIT_FAILED;
    for (int tries = 0; tries < 5 && outcome == AUDIT_FAILED; tries++)
        outcome = step(&machine, AUDIT_APPEND, &event, &status);
    assert_int_equal(outcome, AUDIT_RECORDED);
    struct buffer hold = {0};
    struct event back;
    enum status read = ERR_UNREACHABLE;
    for (int tries = 0; tries < 5 && read == ERR_UNREACHABLE; tries++)
        read = audit_event_by_id(machine.log, event.id, &hold, &back);
    assert_int_equal(read, OK);
    buffer_free(&hold);
    log_shut(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH_DATABASES(every_statement_fits_the_schema),
        ON_BOTH_DATABASES(an_event_comes_back_as_it_was_after_a_restart),
        ON_BOTH_DATABASES(a_challenge_accepted_by_one_machine_is_used_on_all),
        ON_BOTH_DATABASES(of_two_in_one_group_the_first_has_the_challenge),
        ON_BOTH_DATABASES(a_claim_holds_on_all_machines_until_it_is_given_back_or_abandoned),
        ON_BOTH_DATABASES(a_change_taken_by_two_machines_is_recorded_once),
        ON_BOTH_DATABASES(a_visit_token_is_known_to_all_machines),
        ON_BOTH_DATABASES(events_of_a_person_are_found_newest_first),
        ON_BOTH_DATABASES(used_challenges_are_forgotten_when_nobody_can_use_them),
        ON_BOTH_DATABASES(a_challenge_is_consumed_once_however_many_machines_try),
        ON_POSTGRESQL(a_server_that_goes_fails_events_and_comes_back),
    };
    log_open(open("/dev/null", O_WRONLY | O_CLOEXEC), "test", LOG_ERROR);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, test_databases_end);
}
