#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authority_fixture.h"

static struct authority_world world;

static int create(void **state)
{
    (void)state;
    return authority_world_create(&world);
}

static int destroy(void **state)
{
    (void)state;
    keys_free();
    return authority_world_remove(&world);
}

/* A resident with a card and a phone made from it. */
static int64_t resident;
static struct certificate_id authentication, signature, on_phone;

static int reset(void **state)
{
    (void)state;
    authority_world_reset(&world);
    resident = register_resident(&world, "12345678901");
    struct card_order order = order_with("12345678901", rsa_key(0), rsa_key(1));
    struct card_order phone = order_with("12345678901", rsa_key(2), NULL);
    struct issued_card card, phone_card;
    phone.device = DEVICE_PHONE;
    assert_int_equal(authority_issue_card(world.authority, &order, &card), OK);
    assert_int_equal(authority_issue_card(world.authority, &phone, &phone_card), OK);
    authentication = card.authentication.id;
    signature = card.signature.id;
    on_phone = phone_card.authentication.id;
    issued_card_free(&card);
    issued_card_free(&phone_card);
    order_free(&order);
    order_free(&phone);
    return 0;
}

static enum subject_state state_of(const struct certificate_id *id)
{
    struct certificate_row rows[CERTIFICATES_OF_RESIDENT_MAX];
    size_t count;
    assert_int_equal(
        authority_list_certificates(world.authority, resident, rows, CERTIFICATES_OF_RESIDENT_MAX, &count),
        OK);
    for (size_t i = 0; i < count; i++) {
        if (certificate_id_equal(&rows[i].id, id))
            return rows[i].state;
    }
    fail_msg("no such certificate");
    return STATE_REVOKED;
}

static enum status change(enum state_action action, const struct certificate_id *id, size_t *changed)
{
    const struct state_order order = {action, SUBJECT_CARD, *id};
    return authority_change_state(world.authority, &order, changed);
}

static void assert_all(enum subject_state expected)
{
    assert_int_equal(state_of(&authentication), expected);
    assert_int_equal(state_of(&signature), expected);
    assert_int_equal(state_of(&on_phone), expected);
}

/* Q8: whichever of its certificates is named. */
static void a_lost_card_is_suspended_as_a_whole_with_its_phone(void **state)
{
    (void)state;
    const struct certificate_id *const named[] = {&authentication, &signature, &on_phone};
    for (size_t i = 0; i < ARRAY_LENGTH(named); i++) {
        size_t changed;
        assert_int_equal(change(ACTION_SUSPEND, named[i], &changed), OK);
        assert_int_equal(changed, 3);
        assert_all(STATE_SUSPENDED);
        assert_int_equal(change(ACTION_LIFT, named[i], &changed), OK);
        assert_int_equal(changed, 3);
        assert_all(STATE_ACTIVE);
    }
}

static void calling_the_hotline_twice_changes_nothing_more(void **state)
{
    (void)state;
    size_t changed;
    uint64_t before, after;
    assert_int_equal(change(ACTION_SUSPEND, &authentication, &changed), OK);
    assert_int_equal(authority_newest_sequence(world.authority, &before), OK);
    assert_int_equal(change(ACTION_SUSPEND, &authentication, &changed), OK);
    assert_int_equal(changed, 0);
    assert_int_equal(authority_newest_sequence(world.authority, &after), OK);
    assert_true(before == after);
}

static void a_revoked_card_never_comes_back(void **state)
{
    (void)state;
    size_t changed;
    assert_int_equal(change(ACTION_SUSPEND, &authentication, &changed), OK);
    assert_int_equal(change(ACTION_REVOKE, &authentication, &changed), OK);
    assert_all(STATE_REVOKED);
    assert_int_equal(change(ACTION_LIFT, &authentication, &changed), ERR_WRONG_STATE);
    assert_int_equal(change(ACTION_SUSPEND, &authentication, &changed), ERR_WRONG_STATE);
    assert_int_equal(change(ACTION_REVOKE, &authentication, &changed), OK);
    assert_int_equal(changed, 0);
    assert_all(STATE_REVOKED);
}

static void a_superseded_certificate_stays_so_when_its_successor_is_suspended(void **state)
{
    (void)state;
    struct card_order again = order_with("12345678901", rsa_key(2), rsa_key(3));
    struct issued_card renewed;
    size_t changed;
    assert_int_equal(authority_renew_card(world.authority, &again, &renewed), OK);
    assert_int_equal(change(ACTION_SUSPEND, &authentication, &changed), ERR_WRONG_STATE);
    assert_int_equal(change(ACTION_SUSPEND, &renewed.authentication.id, &changed), OK);
    assert_int_equal(changed, 2);
    assert_int_equal(state_of(&authentication), STATE_SUPERSEDED);
    assert_int_equal(state_of(&renewed.authentication.id), STATE_SUSPENDED);
    issued_card_free(&renewed);
    order_free(&again);
}

static void an_unknown_certificate_is_not_found(void **state)
{
    (void)state;
    static const enum subject_kind kinds[] = {SUBJECT_CARD, SUBJECT_MACHINE, SUBJECT_TERMINAL};
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        const struct state_order order = {.action = ACTION_SUSPEND, .kind = kinds[i], .id = {{1, 2, 3}}};
        size_t changed;
        assert_int_equal(authority_change_state(world.authority, &order, &changed), ERR_NOT_FOUND);
    }
}

static void certificates_expire_after_their_last_second(void **state)
{
    (void)state;
    moment last = moment_of_day(2031, 5, 18) - MICROSECONDS;
    size_t changed;
    world.clock.fixed = last + MICROSECONDS - 1;
    assert_int_equal(authority_expire(world.authority, &changed), OK);
    assert_int_equal(changed, 0);
    world.clock.fixed = last + MICROSECONDS;
    assert_int_equal(authority_expire(world.authority, &changed), OK);
    assert_int_equal(changed, 3);
    assert_all(STATE_EXPIRED);
    assert_int_equal(authority_expire(world.authority, &changed), OK);
    assert_int_equal(changed, 0);
    assert_int_equal(change(ACTION_SUSPEND, &authentication, &changed), ERR_WRONG_STATE);
}

static void a_suspended_certificate_expires_too_and_a_revoked_one_stays_revoked(void **state)
{
    (void)state;
    size_t changed;
    assert_int_equal(change(ACTION_SUSPEND, &authentication, &changed), OK);
    authority_world_set_day(&world, 2031, 6, 1);
    assert_int_equal(authority_expire(world.authority, &changed), OK);
    assert_all(STATE_EXPIRED);
    reset(NULL);
    assert_int_equal(change(ACTION_REVOKE, &authentication, &changed), OK);
    authority_world_set_day(&world, 2031, 6, 1);
    assert_int_equal(authority_expire(world.authority, &changed), OK);
    assert_all(STATE_REVOKED);
}

static void machines_and_terminals_are_suspended_and_expire(void **state)
{
    (void)state;
    static const struct machine_subject subject = {MACHINE_INSTITUTION, "0110113719"};
    static const struct institution_code institution = {"0110113719"};
    struct public_key machine_key, terminal_key;
    struct terminal_certificate terminal;
    struct certificate_id machine;
    struct machine_row row;
    struct buffer der = {0};
    size_t changed;
    assert_int_equal(public_key_of(p256_key(), &machine_key), OK);
    assert_int_equal(public_key_of(rsa_key(0), &terminal_key), OK);
    assert_int_equal(authority_issue_machine(world.authority, &subject, &machine_key, &machine, &der), OK);
    assert_int_equal(authority_issue_terminal(world.authority, &institution, &terminal_key, &terminal), OK);
    const struct state_order orders[] = {
        {ACTION_SUSPEND, SUBJECT_MACHINE, machine},
        {ACTION_SUSPEND, SUBJECT_TERMINAL, certificate_id_of_terminal(&terminal.subject)},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(orders); i++) {
        struct state_order order = orders[i];
        assert_int_equal(authority_change_state(world.authority, &order, &changed), OK);
        assert_int_equal(changed, 1);
        assert_int_equal(authority_change_state(world.authority, &order, &changed), OK);
        assert_int_equal(changed, 0);
        order.action = ACTION_LIFT;
        assert_int_equal(authority_change_state(world.authority, &order, &changed), OK);
        assert_int_equal(changed, 1);
    }
    authority_world_set_day(&world, 2031, 12, 1);
    assert_int_equal(authority_expire(world.authority, &changed), OK);
    assert_int_equal(changed, 5);
    assert_int_equal(authority_find_machine(world.authority, &machine, &row), OK);
    assert_int_equal(row.state, STATE_EXPIRED);
    public_key_free(&machine_key);
    public_key_free(&terminal_key);
    buffer_free(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_lost_card_is_suspended_as_a_whole_with_its_phone, reset),
        cmocka_unit_test_setup(calling_the_hotline_twice_changes_nothing_more, reset),
        cmocka_unit_test_setup(a_revoked_card_never_comes_back, reset),
        cmocka_unit_test_setup(a_superseded_certificate_stays_so_when_its_successor_is_suspended, reset),
        cmocka_unit_test_setup(an_unknown_certificate_is_not_found, reset),
        cmocka_unit_test_setup(certificates_expire_after_their_last_second, reset),
        cmocka_unit_test_setup(a_suspended_certificate_expires_too_and_a_revoked_one_stays_revoked, reset),
        cmocka_unit_test_setup(machines_and_terminals_are_suspended_and_expire, reset),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, create, destroy);
}
