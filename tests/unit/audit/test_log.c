#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "audit/segment.h"
#include "support.h"

static void an_answer_may_be_sent_only_when_its_event_is_readable(void **state)
{
    struct fixture *fixture = *state;
    struct sent sent;
    const struct event event = check_event(fixture, 1);
    sent_start(fixture, &sent, AUDIT_APPEND, &event);
    sent_await(&sent);
    assert_int_equal(sent.submission.outcome, AUDIT_RECORDED);
    assert_int_equal(sent.submission.sequence, 1);
    assert_memory_equal(sent.submission.recorded_id, event.id, EVENT_ID_SIZE);
    assert_int_equal(sent.submission.recorded_outcome, IN_FORCE);
    struct buffer hold = {0};
    struct event back;
    assert_int_equal(audit_event_by_sequence(fixture->log, 1, &hold, &back), OK);
    assert_int_equal(back.personal.person, event.personal.person);
    assert_true(bytes_equal(back.personal.answer, event.personal.answer));
    assert_int_equal(audit_event_by_sequence(fixture->log, 2, &hold, &back), ERR_NOT_FOUND);
    assert_int_equal(audit_event_by_sequence(fixture->log, 0, &hold, &back), ERR_NOT_FOUND);
    buffer_free(&hold);
    sent_free(&sent);
}

static void what_waits_together_becomes_one_group_in_its_order(void **state)
{
    struct fixture *fixture = *state;
    struct hold *hold = log_hold(fixture, 1);
    struct sent sent[50];
    for (unsigned i = 0; i < 50; i++) {
        const struct event event = check_event(fixture, 100 + i);
        sent_start(fixture, &sent[i], AUDIT_APPEND, &event);
    }
    log_release(hold);
    for (unsigned i = 0; i < 50; i++) {
        sent_await(&sent[i]);
        assert_int_equal(sent[i].submission.sequence, 2 + i);
        sent_free(&sent[i]);
    }
    struct audit_measures measures;
    audit_log_measure(fixture->log, &measures);
    assert_int_equal(measures.events, 51);
    assert_int_equal(measures.groups, 2);
    assert_int_equal(measures.newest, 51);
}

static int fixture_with_short_queue(void **state)
{
    fixture_make(state);
    struct fixture *fixture = *state;
    fixture->queue_limit = 4;
    log_open_again(fixture);
    return 0;
}

static void a_full_queue_is_busy_and_holds_nobody_up(void **state)
{
    struct fixture *fixture = *state;
    struct hold *hold = log_hold(fixture, 1);
    struct sent sent[4];
    for (unsigned i = 0; i < 4; i++) {
        const struct event event = check_event(fixture, 100 + i);
        sent_start(fixture, &sent[i], AUDIT_APPEND, &event);
    }
    struct audit_submission refused = {.event = check_event(fixture, 200)};
    assert_int_equal(audit_log_submit(fixture->log, &refused), ERR_BUSY);
    struct audit_measures measures;
    audit_log_measure(fixture->log, &measures);
    assert_int_equal(measures.refused, 1);
    assert_int_equal(measures.queued, 4);
    log_release(hold);
    for (unsigned i = 0; i < 4; i++) {
        sent_await(&sent[i]);
        assert_int_equal(sent[i].submission.outcome, AUDIT_RECORDED);
        sent_free(&sent[i]);
    }
    record_some(fixture, 201, 201);
}

static void closing_the_log_records_what_was_queued(void **state)
{
    struct fixture *fixture = *state;
    struct sent sent[20];
    for (unsigned i = 0; i < 20; i++) {
        const struct event event = check_event(fixture, 100 + i);
        sent_start(fixture, &sent[i], AUDIT_APPEND, &event);
    }
    log_shut(fixture);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(sent[i].submission.outcome, AUDIT_RECORDED);
        sent_free(&sent[i]);
    }
    assert_log_whole(fixture, 20);
}

static void an_event_too_large_is_refused_before_it_is_queued(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t large[EVENT_PERSONAL_LIMIT];
    struct audit_submission submission = {.event = check_event(fixture, 1)};
    submission.event.personal.answer = bytes_of(large, sizeof large);
    assert_int_equal(audit_log_submit(fixture->log, &submission), ERR_TOO_LARGE);
    submission.event = keyed_event(fixture, 1, 1);
    submission.event.key.expiry += (int64_t)3600 * MICROSECONDS;
    assert_int_equal(audit_log_submit(fixture->log, &submission), ERR_RANGE);
}

/* ---- Challenges ---- */

static void assert_repeated(struct fixture *fixture, const struct event *event, const struct event *first)
{
    struct sent sent;
    sent_start(fixture, &sent, AUDIT_APPEND, event);
    sent_await(&sent);
    assert_int_equal(sent.submission.outcome, AUDIT_REPEATED);
    assert_memory_equal(sent.submission.recorded_id, first->id, EVENT_ID_SIZE);
    assert_int_equal(sent.submission.recorded_outcome, first->outcome);
    assert_true(bytes_equal(buffer_bytes(&sent.submission.recorded_answer), first->personal.answer));
    sent_free(&sent);
}

static void a_request_repeated_by_the_same_machine_gets_the_recorded_answer(void **state)
{
    struct fixture *fixture = *state;
    struct event first = keyed_event(fixture, 1, 1);
    first.personal.answer = bytes_of_text("the answer that was sent");
    assert_int_equal(record(fixture, &first), AUDIT_RECORDED);
    record_some(fixture, 50, 60);
    struct event again = first;
    event_make_id(again.id);
    again.personal.answer = bytes_of_text("what would be answered now");
    assert_repeated(fixture, &again, &first);
    assert_int_equal(audit_log_newest(fixture->log), 12); /* nothing new */
}

static struct event other_request(const struct fixture *fixture)
{
    return keyed_event(fixture, 1, 2);
}

static struct event other_machine(const struct fixture *fixture)
{
    struct event event = keyed_event(fixture, 1, 1);
    event.caller.certificate_id[31] ^= 1;
    return event;
}

static struct event other_institution(const struct fixture *fixture)
{
    struct event event = keyed_event(fixture, 1, 1);
    memcpy(event.caller.code, "2714206386", 11);
    return event;
}

static struct event other_party(const struct fixture *fixture)
{
    struct event event = keyed_event(fixture, 1, 1);
    event.caller.party = PARTY_INSURER;
    return event;
}

static struct event (*const replays[])(const struct fixture *) = {other_request, other_machine,
                                                                  other_institution, other_party};

static void a_challenge_used_for_anything_else_is_refused_and_the_refusal_recorded(void **state)
{
    struct fixture *fixture = *state;
    const struct event first = keyed_event(fixture, 1, 1);
    assert_int_equal(record(fixture, &first), AUDIT_RECORDED);
    for (size_t i = 0; i < ARRAY_LENGTH(replays); i++) {
        struct sent sent;
        const struct event event = replays[i](fixture);
        sent_start(fixture, &sent, AUDIT_APPEND, &event);
        sent_await(&sent);
        assert_int_equal(sent.submission.outcome, AUDIT_REPLAYED);
        assert_int_equal(sent.submission.sequence, 2 + i);
        assert_int_equal(sent.submission.recorded_answer.length, 0);
        assert_memory_not_equal(sent.submission.recorded_id, first.id, EVENT_ID_SIZE);
        assert_memory_not_equal(sent.submission.recorded_id, event.id, EVENT_ID_SIZE);
        struct buffer hold = {0};
        struct event refusal;
        assert_int_equal(audit_event_by_sequence(fixture->log, 2 + i, &hold, &refusal), OK);
        assert_int_equal(refusal.kind, EVENT_REFUSAL);
        assert_int_equal(refusal.outcome, CHALLENGE_USED);
        assert_string_equal(refusal.caller.code, event.caller.code);
        assert_int_equal(refusal.personal.person, event.personal.person);
        assert_int_equal(refusal.personal.answer.length, 0);
        assert_false(refusal.has_key);
        assert_memory_equal(refusal.id, sent.submission.recorded_id, EVENT_ID_SIZE);
        buffer_free(&hold);
        sent_free(&sent);
    }
    assert_repeated(fixture, &first, &first); /* who was first still gets the answer */
}

static void of_two_in_one_group_the_first_has_the_challenge(void **state)
{
    struct fixture *fixture = *state;
    struct hold *hold = log_hold(fixture, 9);
    struct sent sent[4];
    const struct event first = keyed_event(fixture, 1, 1), second = keyed_event(fixture, 1, 2);
    sent_start(fixture, &sent[0], AUDIT_APPEND, &first);
    sent_start(fixture, &sent[1], AUDIT_APPEND, &first);
    sent_start(fixture, &sent[2], AUDIT_APPEND, &second);
    sent_start(fixture, &sent[3], AUDIT_APPEND, &first);
    log_release(hold);
    static const enum audit_outcome expected[] = {AUDIT_RECORDED, AUDIT_REPEATED, AUDIT_REPLAYED,
                                                  AUDIT_REPEATED};
    for (size_t i = 0; i < 4; i++) {
        sent_await(&sent[i]);
        assert_int_equal(sent[i].submission.outcome, expected[i]);
        if (expected[i] == AUDIT_REPEATED)
            assert_true(
                bytes_equal(buffer_bytes(&sent[i].submission.recorded_answer), first.personal.answer));
        sent_free(&sent[i]);
    }
}

static void a_challenge_stays_used_after_a_restart_even_in_an_older_segment(void **state)
{
    struct fixture *fixture = *state;
    const struct event first = keyed_event(fixture, 1, 1);
    assert_int_equal(record(fixture, &first), AUDIT_RECORDED);
    static uint8_t large[200 * 1024];
    for (unsigned seed = 1; seed <= 12; seed++) {
        struct event event = check_event(fixture, seed);
        event.personal.answer = bytes_of(large, sizeof large);
        assert_int_equal(record(fixture, &event), AUDIT_RECORDED);
    }
    clock_move(&fixture->clock, TEST_NOW + (int64_t)299 * MICROSECONDS);
    log_open_again(fixture);
    assert_repeated(fixture, &first, &first);
    const struct event replay = other_machine(fixture);
    assert_int_equal(record(fixture, &replay), AUDIT_REPLAYED);
}

static void a_challenge_past_its_life_is_never_taken_as_new(void **state)
{
    struct fixture *fixture = *state;
    const struct event first = keyed_event(fixture, 1, 1);
    assert_int_equal(record(fixture, &first), AUDIT_RECORDED);
    /* The log may forget the key a minute after its end; who still comes with it is too late anyway. */
    for (int64_t second = 0; second < 200; second += 5) {
        clock_move(&fixture->clock, TEST_NOW + (300 + second) * MICROSECONDS);
        record_some(fixture, (unsigned)(1000 + second), (unsigned)(1000 + second));
        struct event replay = other_machine(fixture);
        replay.key.expiry = first.key.expiry;
        struct sent sent;
        sent_start(fixture, &sent, AUDIT_APPEND, &replay);
        sent_await(&sent);
        if (second <= 30)
            assert_int_equal(sent.submission.outcome, AUDIT_REPLAYED);
        else
            assert_int_equal(sent.submission.status, ERR_EXPIRED);
        sent_free(&sent);
    }
}

/* ---- Changes: claim, commit with an outbox row, await ---- */

/* An outbox in memory; everything in it is packed, as in a registry. */
struct outbox {
    struct audit_outbox interface;
    pthread_mutex_t lock;
    struct buffer packed[300];
    bool there[300];
    size_t count;
    unsigned confirms_that_fail;
    unsigned takes_that_fail;
    unsigned taken;
};

static enum status outbox_take_rows(void *context, struct audit_outbox_row *rows, size_t limit, size_t *count)
{
    struct outbox *outbox = context;
    pthread_mutex_lock(&outbox->lock);
    enum status status = OK;
    if (outbox->takes_that_fail) {
        outbox->takes_that_fail--;
        status = ERR_BUSY;
    }
    *count = 0;
    for (size_t i = 0; status == OK && i < outbox->count && *count < limit; i++) {
        if (!outbox->there[i])
            continue;
        rows[*count].row = (int64_t)i;
        status = event_unpack(buffer_bytes(&outbox->packed[i]), &rows[*count].event);
        ++*count;
    }
    outbox->taken += (unsigned)*count;
    pthread_mutex_unlock(&outbox->lock);
    return status;
}

static enum status outbox_confirm_rows(void *context, const int64_t *rows, size_t count)
{
    struct outbox *outbox = context;
    pthread_mutex_lock(&outbox->lock);
    enum status status = OK;
    if (outbox->confirms_that_fail) {
        outbox->confirms_that_fail--;
        status = ERR_BUSY;
    }
    for (size_t i = 0; status == OK && i < count; i++)
        outbox->there[rows[i]] = false;
    pthread_mutex_unlock(&outbox->lock);
    return status;
}

static size_t outbox_left(struct outbox *outbox)
{
    size_t left = 0;
    pthread_mutex_lock(&outbox->lock);
    for (size_t i = 0; i < outbox->count; i++)
        left += outbox->there[i];
    pthread_mutex_unlock(&outbox->lock);
    return left;
}

static void outbox_add(struct outbox *outbox, const struct event *event)
{
    pthread_mutex_lock(&outbox->lock);
    assert_int_equal(event_pack(event, &outbox->packed[outbox->count]), OK);
    outbox->there[outbox->count++] = true;
    pthread_mutex_unlock(&outbox->lock);
}

static int fixture_with_outbox(void **state)
{
    fixture_make(state);
    struct fixture *fixture = *state;
    struct outbox *outbox = calloc(1, sizeof *outbox);
    assert_non_null(outbox);
    pthread_mutex_init(&outbox->lock, NULL);
    outbox->interface = (struct audit_outbox){outbox, outbox_take_rows, outbox_confirm_rows};
    fixture->outbox = &outbox->interface;
    log_open_again(fixture);
    return 0;
}

static int remove_with_outbox(void **state)
{
    struct fixture *fixture = *state;
    struct outbox *outbox = fixture->outbox->context;
    fixture_remove(state);
    for (size_t i = 0; i < outbox->count; i++)
        buffer_free(&outbox->packed[i]);
    free(outbox);
    return 0;
}

static struct outbox *outbox_of(const struct fixture *fixture)
{
    return fixture->outbox->context;
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

static void a_change_is_recorded_from_the_outbox_and_then_answered(void **state)
{
    struct fixture *fixture = *state;
    struct event event = keyed_event(fixture, 1, 1);
    event.kind = EVENT_ENROLMENT;
    enum status status;
    assert_int_equal(step(fixture, AUDIT_CLAIM, &event, &status), AUDIT_CLAIMED);
    assert_int_equal(audit_log_newest(fixture->log), 0);
    outbox_add(outbox_of(fixture), &event);
    audit_log_wake_outbox(fixture->log);
    struct sent sent;
    sent_start(fixture, &sent, AUDIT_AWAIT, &event);
    sent_await(&sent);
    assert_int_equal(sent.submission.outcome, AUDIT_RECORDED);
    assert_int_equal(sent.submission.sequence, 1);
    assert_memory_equal(sent.submission.recorded_id, event.id, EVENT_ID_SIZE);
    sent_free(&sent);
    /* Asked again, long after, it is still there; and a repeat gets the answer. */
    assert_int_equal(step(fixture, AUDIT_AWAIT, &event, &status), AUDIT_RECORDED);
    assert_repeated(fixture, &event, &event);
    for (int i = 0; i < 1000 && outbox_left(outbox_of(fixture)); i++)
        usleep(1000);
    assert_int_equal(outbox_left(outbox_of(fixture)), 0);
    log_shut(fixture);
    assert_log_whole(fixture, 1);
}

static void a_claimed_challenge_is_nobody_elses_until_it_is_given_back(void **state)
{
    struct fixture *fixture = *state;
    const struct event event = keyed_event(fixture, 1, 1);
    const struct event replay = other_machine(fixture);
    enum status status;
    assert_int_equal(step(fixture, AUDIT_CLAIM, &event, &status), AUDIT_CLAIMED);
    assert_int_equal(step(fixture, AUDIT_CLAIM, &event, &status), AUDIT_FAILED);
    assert_int_equal(status, ERR_BUSY);
    assert_int_equal(step(fixture, AUDIT_APPEND, &event, &status), AUDIT_FAILED);
    assert_int_equal(status, ERR_BUSY);
    assert_int_equal(step(fixture, AUDIT_CLAIM, &replay, &status), AUDIT_REPLAYED);
    assert_int_equal(step(fixture, AUDIT_UNCLAIM, &event, &status), AUDIT_CLAIMED);
    assert_int_equal(step(fixture, AUDIT_CLAIM, &replay, &status), AUDIT_CLAIMED);
}

static void giving_back_does_not_free_a_challenge_that_was_used(void **state)
{
    struct fixture *fixture = *state;
    const struct event event = keyed_event(fixture, 1, 1);
    enum status status;
    assert_int_equal(record(fixture, &event), AUDIT_RECORDED);
    assert_int_equal(step(fixture, AUDIT_UNCLAIM, &event, &status), AUDIT_CLAIMED);
    assert_repeated(fixture, &event, &event);
}

static void many_rows_are_recorded_in_their_order(void **state)
{
    struct fixture *fixture = *state;
    log_shut(fixture);
    for (unsigned seed = 1; seed <= 200; seed++) {
        const struct event event = check_event(fixture, seed);
        outbox_add(outbox_of(fixture), &event);
    }
    log_open_again(fixture);
    /* What lay there is recorded before anything new can be. */
    assert_int_equal(audit_log_newest(fixture->log), 200);
    assert_int_equal(outbox_left(outbox_of(fixture)), 0);
    struct buffer hold = {0};
    for (unsigned seed = 1; seed <= 200; seed++) {
        const struct event expected = check_event(fixture, seed);
        struct event event;
        assert_int_equal(audit_event_by_sequence(fixture->log, seed, &hold, &event), OK);
        assert_memory_equal(event.id, expected.id, EVENT_ID_SIZE);
    }
    buffer_free(&hold);
}

static void a_row_given_again_is_recorded_once(void **state)
{
    struct fixture *fixture = *state;
    struct outbox *outbox = outbox_of(fixture);
    const struct event event = check_event(fixture, 1);
    pthread_mutex_lock(&outbox->lock);
    outbox->confirms_that_fail = 1;
    pthread_mutex_unlock(&outbox->lock);
    outbox_add(outbox, &event);
    audit_log_wake_outbox(fixture->log);
    for (int i = 0; i < 1000 && outbox_left(outbox); i++) {
        usleep(2000);
        audit_log_wake_outbox(fixture->log);
    }
    assert_int_equal(outbox_left(outbox), 0);
    assert_int_equal(outbox->taken, 2);
    assert_int_equal(audit_log_newest(fixture->log), 1);
}

static void a_row_recorded_before_a_crash_is_not_recorded_again(void **state)
{
    struct fixture *fixture = *state;
    struct outbox *outbox = outbox_of(fixture);
    pthread_mutex_lock(&outbox->lock);
    outbox->confirms_that_fail = 1000000;
    pthread_mutex_unlock(&outbox->lock);
    for (unsigned seed = 1; seed <= 3; seed++) {
        const struct event event = check_event(fixture, seed);
        outbox_add(outbox, &event);
    }
    enum status status;
    const struct event last = check_event(fixture, 3);
    assert_int_equal(step(fixture, AUDIT_AWAIT, &last, &status), AUDIT_RECORDED);
    log_shut(fixture);
    outbox->confirms_that_fail = 0;
    const struct event fresh = check_event(fixture, 4);
    outbox_add(outbox, &fresh);
    assert_int_equal(unlink(fixture->index_path), 0); /* not even the index knows */
    log_open_again(fixture);
    assert_int_equal(outbox_left(outbox), 0);
    assert_int_equal(audit_log_newest(fixture->log), 4);
    log_shut(fixture);
    assert_log_whole(fixture, 4);
}

static void who_waits_for_a_change_that_never_was_is_told(void **state)
{
    struct fixture *fixture = *state;
    const struct event event = check_event(fixture, 1);
    enum status status;
    assert_int_equal(step(fixture, AUDIT_AWAIT, &event, &status), AUDIT_FAILED);
    assert_int_equal(status, ERR_NOT_FOUND);
}

static void an_outbox_that_cannot_be_read_fails_who_waits_and_is_read_later(void **state)
{
    struct fixture *fixture = *state;
    struct outbox *outbox = outbox_of(fixture);
    const struct event event = check_event(fixture, 1);
    outbox_add(outbox, &event);
    pthread_mutex_lock(&outbox->lock);
    outbox->takes_that_fail = 1;
    pthread_mutex_unlock(&outbox->lock);
    enum status status;
    assert_int_equal(step(fixture, AUDIT_AWAIT, &event, &status), AUDIT_FAILED);
    assert_int_equal(status, ERR_BUSY);
    audit_log_wake_outbox(fixture->log);
    assert_int_equal(step(fixture, AUDIT_AWAIT, &event, &status), AUDIT_RECORDED);
}

/* ---- Looking up ---- */

static struct event visit_event(const struct fixture *fixture, unsigned seed)
{
    struct event event = check_event(fixture, seed);
    event.personal.has_visit = true;
    memset(event.personal.visit.token_hash, 0xab, EVENT_HASH_SIZE);
    memcpy(event.personal.visit.token_hash, &seed, sizeof seed);
    event.personal.visit.expiry = fixture->clock.fixed + (int64_t)86400 * MICROSECONDS;
    return event;
}

static void assert_visit_found(struct fixture *fixture, const struct event *event)
{
    struct audit_visit visit;
    assert_int_equal(audit_visit_find(fixture->log, event->personal.visit.token_hash,
                                      event->personal.visit.expiry - 1, &visit),
                     OK);
    assert_memory_equal(visit.event_id, event->id, EVENT_ID_SIZE);
    assert_int_equal(visit.person, event->personal.person);
    assert_int_equal(visit.subscription, event->personal.subscription);
    assert_int_equal(visit.expiry, event->personal.visit.expiry);
    assert_int_equal(visit.caller.party, event->caller.party);
    assert_string_equal(visit.caller.code, event->caller.code);
    assert_memory_equal(visit.caller.certificate_id, event->caller.certificate_id, EVENT_HASH_SIZE);
}

static void a_visit_token_is_known_as_soon_as_the_answer_may_be_sent(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned seed = 1; seed <= 50; seed++) {
        const struct event event = visit_event(fixture, seed);
        assert_int_equal(record(fixture, &event), AUDIT_RECORDED);
        assert_visit_found(fixture, &event);
    }
    assert_int_equal(audit_log_await_index(fixture->log, 50, 5000), OK);
    for (unsigned seed = 1; seed <= 50; seed++) {
        const struct event event = visit_event(fixture, seed);
        assert_visit_found(fixture, &event);
    }
}

static void a_visit_token_ends_with_its_life_and_an_unknown_one_is_unknown(void **state)
{
    struct fixture *fixture = *state;
    const struct event event = visit_event(fixture, 1);
    struct audit_visit visit;
    assert_int_equal(record(fixture, &event), AUDIT_RECORDED);
    const uint8_t *hash = event.personal.visit.token_hash;
    for (int indexed = 0; indexed < 2; indexed++) {
        assert_int_equal(audit_visit_find(fixture->log, hash, event.personal.visit.expiry, &visit),
                         ERR_EXPIRED);
        uint8_t unknown[EVENT_HASH_SIZE];
        memcpy(unknown, hash, sizeof unknown);
        unknown[31] ^= 1;
        assert_int_equal(audit_visit_find(fixture->log, unknown, TEST_NOW, &visit), ERR_NOT_FOUND);
        assert_int_equal(audit_log_await_index(fixture->log, 1, 5000), OK);
    }
}

static void an_index_that_is_lost_is_made_again(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        const struct event event = visit_event(fixture, seed);
        assert_int_equal(record(fixture, &event), AUDIT_RECORDED);
    }
    log_shut(fixture);
    assert_int_equal(unlink(fixture->index_path), 0);
    log_open_again(fixture);
    /* Until it is there the answer is "not yet", never "no". */
    const struct event event = visit_event(fixture, 20);
    struct audit_visit visit;
    enum status status;
    do
        status = audit_visit_find(fixture->log, event.personal.visit.token_hash, TEST_NOW, &visit);
    while (status == ERR_BUSY);
    assert_int_equal(status, OK);
    for (unsigned seed = 1; seed <= 20; seed++) {
        const struct event each = visit_event(fixture, seed);
        assert_visit_found(fixture, &each);
    }
}

static void an_index_ahead_of_a_log_put_back_from_a_copy_is_made_again(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned seed = 1; seed <= 5; seed++) {
        const struct event event = visit_event(fixture, seed);
        assert_int_equal(record(fixture, &event), AUDIT_RECORDED);
    }
    assert_int_equal(audit_log_await_index(fixture->log, 5, 5000), OK);
    log_shut(fixture);
    directory_remove(fixture->log_directory);
    log_open_again(fixture);
    const struct event other = visit_event(fixture, 9);
    assert_int_equal(record(fixture, &other), AUDIT_RECORDED);
    assert_int_equal(audit_log_await_index(fixture->log, 1, 5000), OK);
    struct audit_visit visit;
    const struct event gone = visit_event(fixture, 1);
    assert_int_equal(audit_visit_find(fixture->log, gone.personal.visit.token_hash, TEST_NOW, &visit),
                     ERR_NOT_FOUND);
    assert_visit_found(fixture, &other);
}

static void events_of_a_person_are_found_newest_first(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < 30; i++) {
        struct event event = check_event(fixture, i);
        event.personal.person = i % 3;
        assert_int_equal(record(fixture, &event), AUDIT_RECORDED);
    }
    assert_int_equal(audit_log_await_index(fixture->log, 30, 5000), OK);
    uint64_t sequences[4];
    size_t count;
    assert_int_equal(audit_person_events(fixture->log, 1, UINT64_MAX, sequences, 4, &count), OK);
    assert_int_equal(count, 4);
    assert_int_equal(sequences[0], 29);
    assert_int_equal(sequences[3], 20);
    assert_int_equal(audit_person_events(fixture->log, 1, 5, sequences, 4, &count), OK);
    assert_int_equal(count, 2);
    assert_int_equal(sequences[0], 5);
    assert_int_equal(sequences[1], 2);
    /* 0 is nobody, not a person. */
    assert_int_equal(audit_person_events(fixture->log, 0, UINT64_MAX, sequences, 4, &count), OK);
    assert_int_equal(count, 0);
}

static void an_event_is_found_by_the_id_that_its_answer_carried(void **state)
{
    struct fixture *fixture = *state;
    struct buffer hold = {0};
    static uint8_t large[200 * 1024];
    for (unsigned seed = 1; seed <= 12; seed++) {
        struct event event = check_event(fixture, seed), found;
        event.personal.answer = bytes_of(large, sizeof large - seed);
        assert_int_equal(record(fixture, &event), AUDIT_RECORDED);
        assert_int_equal(audit_event_by_id(fixture->log, event.id, &hold, &found), OK);
        assert_int_equal(found.sequence, seed);
        assert_int_equal(found.personal.answer.length, sizeof large - seed);
    }
    uint8_t unknown[EVENT_ID_SIZE] = {1};
    struct event event;
    assert_int_equal(audit_event_by_id(fixture->log, unknown, &hold, &event), ERR_NOT_FOUND);
    log_open_again(fixture);
    const struct event first = check_event(fixture, 1);
    assert_int_equal(audit_event_by_id(fixture->log, first.id, &hold, &event), OK);
    buffer_free(&hold);
}

/* ---- Many threads ---- */

enum { WORKERS = 4, EVENTS_A_WORKER = 200 };

struct worker {
    struct fixture *fixture;
    unsigned number;
    unsigned recorded;
    unsigned wrong;
};

static void *worker_run(void *context)
{
    struct worker *worker = context;
    for (unsigned i = 0; i < EVENTS_A_WORKER; i++) {
        /* Every worker tries the same challenges with requests of its own: one of them gets each. */
        const struct event event = keyed_event(worker->fixture, i, worker->number);
        enum audit_outcome outcome = record(worker->fixture, &event);
        worker->recorded += outcome == AUDIT_RECORDED;
        worker->wrong += outcome != AUDIT_RECORDED && outcome != AUDIT_REPLAYED;
    }
    return NULL;
}

static void a_challenge_is_consumed_once_however_many_try(void **state)
{
    struct fixture *fixture = *state;
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.fixture = fixture, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, worker_run, &workers[i]), 0);
    }
    unsigned recorded = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        recorded += workers[i].recorded;
        assert_int_equal(workers[i].wrong, 0);
    }
    assert_int_equal(recorded, EVENTS_A_WORKER);
    assert_int_equal(audit_log_newest(fixture->log), WORKERS * EVENTS_A_WORKER);
    log_shut(fixture);
    assert_log_whole(fixture, WORKERS * EVENTS_A_WORKER);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)
#define OUTBOX_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_with_outbox, remove_with_outbox)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(an_answer_may_be_sent_only_when_its_event_is_readable),
        LOG_TEST(what_waits_together_becomes_one_group_in_its_order),
        cmocka_unit_test_setup_teardown(a_full_queue_is_busy_and_holds_nobody_up, fixture_with_short_queue,
                                        fixture_remove),
        LOG_TEST(closing_the_log_records_what_was_queued),
        LOG_TEST(an_event_too_large_is_refused_before_it_is_queued),
        LOG_TEST(a_request_repeated_by_the_same_machine_gets_the_recorded_answer),
        LOG_TEST(a_challenge_used_for_anything_else_is_refused_and_the_refusal_recorded),
        LOG_TEST(of_two_in_one_group_the_first_has_the_challenge),
        LOG_TEST(a_challenge_stays_used_after_a_restart_even_in_an_older_segment),
        LOG_TEST(a_challenge_past_its_life_is_never_taken_as_new),
        OUTBOX_TEST(a_change_is_recorded_from_the_outbox_and_then_answered),
        OUTBOX_TEST(a_claimed_challenge_is_nobody_elses_until_it_is_given_back),
        LOG_TEST(giving_back_does_not_free_a_challenge_that_was_used),
        OUTBOX_TEST(many_rows_are_recorded_in_their_order),
        OUTBOX_TEST(a_row_given_again_is_recorded_once),
        OUTBOX_TEST(a_row_recorded_before_a_crash_is_not_recorded_again),
        OUTBOX_TEST(who_waits_for_a_change_that_never_was_is_told),
        OUTBOX_TEST(an_outbox_that_cannot_be_read_fails_who_waits_and_is_read_later),
        LOG_TEST(a_visit_token_is_known_as_soon_as_the_answer_may_be_sent),
        LOG_TEST(a_visit_token_ends_with_its_life_and_an_unknown_one_is_unknown),
        LOG_TEST(an_index_that_is_lost_is_made_again),
        LOG_TEST(an_index_ahead_of_a_log_put_back_from_a_copy_is_made_again),
        LOG_TEST(events_of_a_person_are_found_newest_first),
        LOG_TEST(an_event_is_found_by_the_id_that_its_answer_carried),
        LOG_TEST(a_challenge_is_consumed_once_however_many_try),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
