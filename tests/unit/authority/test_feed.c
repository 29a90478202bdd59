#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authority/bulk.h"
#include "authority_fixture.h"

static struct authority_world world;
static struct public_key feed_key;

static int create(void **state)
{
    (void)state;
    char path[192];
    if (authority_world_create(&world) != 0)
        return -1;
    snprintf(path, sizeof(path), "%s/public/feed.pem", world.directory);
    return public_key_load(path, &feed_key) == OK ? 0 : -1;
}

static int destroy(void **state)
{
    (void)state;
    keys_free();
    public_key_free(&feed_key);
    return authority_world_remove(&world);
}

static int reset(void **state)
{
    (void)state;
    authority_world_reset(&world);
    return 0;
}

static struct state_batch batch_after(uint64_t after)
{
    struct state_batch batch;
    struct buffer bytes = {0};
    assert_int_equal(authority_feed(world.authority, after, &bytes), OK);
    assert_int_equal(state_batch_open(buffer_bytes(&bytes), &feed_key, &batch), OK);
    assert_true(batch.after == after);
    buffer_free(&bytes);
    return batch;
}

static void issue_card(struct certificate_id *id)
{
    struct card_order order = order_with("12345678901", rsa_key(0), rsa_key(1));
    struct issued_card card;
    register_resident(&world, "12345678901");
    assert_int_equal(authority_issue_card(world.authority, &order, &card), OK);
    *id = card.authentication.id;
    issued_card_free(&card);
    order_free(&order);
}

static void nothing_new_is_a_heartbeat(void **state)
{
    (void)state;
    struct state_batch batch = batch_after(0);
    assert_int_equal(batch.count, 0);
    assert_true(batch.through == 0 && batch.newest == 0);
    assert_true(batch.issued_at == clock_now(&world.clock));
    state_batch_free(&batch);
}

static void a_change_stands_behind_everything_before_it(void **state)
{
    (void)state;
    struct certificate_id id;
    size_t changed;
    issue_card(&id);
    struct state_batch batch = batch_after(0);
    assert_int_equal(batch.count, 2);
    assert_int_equal(batch.entries[0].state, STATE_ACTIVE);
    uint64_t seen = batch.through;
    state_batch_free(&batch);
    const struct state_order order = {ACTION_SUSPEND, SUBJECT_CARD, id};
    assert_int_equal(authority_change_state(world.authority, &order, &changed), OK);
    batch = batch_after(seen);
    assert_int_equal(batch.count, 2);
    assert_int_equal(batch.entries[0].state, STATE_SUSPENDED);
    assert_true(batch.entries[0].sequence > seen);
    assert_true(batch.through == batch.newest);
    state_batch_free(&batch);
    /* Whoever starts late gets the latest state only, once. */
    batch = batch_after(0);
    assert_int_equal(batch.count, 2);
    assert_int_equal(batch.entries[0].state, STATE_SUSPENDED);
    state_batch_free(&batch);
}

static void a_superseded_entry_names_the_successor(void **state)
{
    (void)state;
    struct certificate_id id;
    struct card_order again = order_with("12345678901", rsa_key(2), rsa_key(3));
    struct issued_card renewed;
    bool found = false;
    issue_card(&id);
    assert_int_equal(authority_renew_card(world.authority, &again, &renewed), OK);
    struct state_batch batch = batch_after(0);
    for (size_t i = 0; i < batch.count; i++) {
        if (!certificate_id_equal(&batch.entries[i].id, &id))
            continue;
        found = true;
        assert_int_equal(batch.entries[i].state, STATE_SUPERSEDED);
        assert_true(certificate_id_equal(&batch.entries[i].successor, &renewed.authentication.id));
    }
    assert_true(found);
    state_batch_free(&batch);
    issued_card_free(&renewed);
    order_free(&again);
}

static void cards_machines_and_terminals_stand_in_one_feed(void **state)
{
    (void)state;
    static const struct machine_subject subject = {MACHINE_INSTITUTION, "0110113719"};
    static const struct institution_code institution = {"0110113719"};
    struct certificate_id card, machine;
    struct terminal_certificate terminal;
    struct public_key machine_key, terminal_key;
    struct buffer der = {0};
    issue_card(&card);
    assert_int_equal(public_key_of(p256_key(), &machine_key), OK);
    assert_int_equal(public_key_of(rsa_key(0), &terminal_key), OK);
    assert_int_equal(authority_issue_machine(world.authority, &subject, &machine_key, &machine, &der), OK);
    assert_int_equal(authority_issue_terminal(world.authority, &institution, &terminal_key, &terminal), OK);
    struct state_batch batch = batch_after(0);
    assert_int_equal(batch.count, 4);
    assert_int_equal(batch.entries[0].kind, SUBJECT_CARD);
    assert_int_equal(batch.entries[2].kind, SUBJECT_MACHINE);
    assert_true(certificate_id_equal(&batch.entries[2].id, &machine));
    assert_int_equal(batch.entries[3].kind, SUBJECT_TERMINAL);
    struct certificate_id terminal_id = certificate_id_of_terminal(&terminal.subject);
    assert_true(certificate_id_equal(&batch.entries[3].id, &terminal_id));
    state_batch_free(&batch);
    public_key_free(&machine_key);
    public_key_free(&terminal_key);
    buffer_free(&der);
}

static void a_reader_ahead_of_the_authority_is_told_so(void **state)
{
    (void)state;
    struct buffer bytes = {0};
    assert_int_equal(authority_feed(world.authority, 1, &bytes), ERR_RANGE);
    assert_int_equal(bytes.length, 0);
}

/* ---- more than a batch ---- */

enum { CROWD = 3000 };

static bool next_of_crowd(void *context, struct bulk_resident *out)
{
    unsigned *given = context;
    char digits[12];
    if (*given == CROWD)
        return false;
    snprintf(digits, sizeof(digits), "%011u", 10000 + (*given)++);
    *out = (struct bulk_resident){
        .resident = resident_with(digits),
        .has_card = true,
        .has_signature = true,
        .certificate_begins = moment_of_day(2025, 2, 1),
        .certificate_ends = moment_of_day(2030, 5, 18) - MICROSECONDS,
    };
    return true;
}

static void a_long_feed_comes_in_batches_without_gap_or_repetition(void **state)
{
    (void)state;
    unsigned given = 0;
    uint64_t count, seen = 0;
    size_t entries = 0, batches = 0;
    const struct bulk_source source = {.next = next_of_crowd, .context = &given};
    assert_int_equal(authority_load_residents(world.authority, &source, &count), OK);
    for (;;) {
        struct state_batch batch = batch_after(seen);
        entries += batch.count;
        batches++;
        seen = batch.through;
        bool more = batch.through < batch.newest;
        state_batch_free(&batch);
        if (!more)
            break;
    }
    assert_int_equal(entries, 2 * CROWD);
    assert_int_equal(batches, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_new_is_a_heartbeat, reset),
        cmocka_unit_test_setup(a_change_stands_behind_everything_before_it, reset),
        cmocka_unit_test_setup(a_superseded_entry_names_the_successor, reset),
        cmocka_unit_test_setup(cards_machines_and_terminals_stand_in_one_feed, reset),
        cmocka_unit_test_setup(a_reader_ahead_of_the_authority_is_told_so, reset),
        cmocka_unit_test_setup(a_long_feed_comes_in_batches_without_gap_or_repetition, reset),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, create, destroy);
}
