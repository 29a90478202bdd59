#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "world.h"

enum { OLD = 11, NEW = 12, NEWEST = 13 };

static struct certificate_facts read_certificate(struct world *world, int id)
{
    struct certificate_facts facts;
    assert_int_equal(certificate_read(world->changes, id_of(id), &facts), OK);
    return facts;
}

static int64_t make_person(struct world *world)
{
    struct subscription_record record = record_of(INSURER, "01");
    int64_t subscription;
    record_directly(world, &record, &subscription);
    int64_t person = link_directly(world, subscription, 1, LINK_CONFIRMED);
    enrol(world, person, ENROLMENT_IN_FORCE);
    return person;
}

static void a_certificate_that_the_feed_has_not_named_is_not_known(void **state)
{
    struct world world = world_open(state);
    assert_false(read_certificate(&world, OLD).known);
    apply_certificate(&world, OLD, CERTIFICATE_ACTIVE, 0);
    struct certificate_facts facts = read_certificate(&world, OLD);
    assert_true(facts.known);
    assert_int_equal(facts.state, CERTIFICATE_ACTIVE);
    assert_true(date_equal(facts.last_day, day(2030, 5, 5)));
    assert_int_equal(facts.person.id, 0);
    world_close(&world);
}

static void a_suspended_card_is_known_to_be_so_at_the_next_check(void **state) /* Q8 */
{
    struct world world = world_open(state);
    int64_t person = make_person(&world);
    struct date today = day(2026, 11, 18);
    apply_certificate(&world, OLD, CERTIFICATE_ACTIVE, 0);
    learn_person(&world, OLD, person);
    assert_int_equal(decide_by_card(&world, OLD, today), REASON_IN_FORCE);
    apply_certificate(&world, OLD, CERTIFICATE_SUSPENDED, 0);
    assert_int_equal(decide_by_card(&world, OLD, today), REASON_CARD_NOT_USABLE);
    apply_certificate(&world, OLD, CERTIFICATE_ACTIVE, 0);
    assert_int_equal(decide_by_card(&world, OLD, today), REASON_IN_FORCE);
    world_close(&world);
}

static void a_renewed_certificate_belongs_to_the_same_enrolled_person(void **state)
{
    static const bool successor_comes_first[] = {false, true};
    for (size_t i = 0; i < ARRAY_LENGTH(successor_comes_first); i++) {
        if (i > 0) { /* an empty registry again */
            test_database_drop(state);
            test_database_on_sqlite(state);
        }
        struct world world = world_open(state);
        int64_t person = make_person(&world);
        apply_certificate(&world, OLD, CERTIFICATE_ACTIVE, 0);
        learn_person(&world, OLD, person);
        if (successor_comes_first[i])
            apply_certificate(&world, NEW, CERTIFICATE_ACTIVE, 0);
        apply_certificate(&world, OLD, CERTIFICATE_SUPERSEDED, NEW);
        if (!successor_comes_first[i])
            apply_certificate(&world, NEW, CERTIFICATE_ACTIVE, 0);
        struct certificate_facts facts = read_certificate(&world, NEW);
        assert_int_equal(facts.person.id, person);
        assert_int_equal(facts.enrolment, ENROLMENT_IN_FORCE);
        assert_int_equal(decide_by_card(&world, NEW, day(2026, 11, 18)), REASON_IN_FORCE);
        assert_int_equal(decide_by_card(&world, OLD, day(2026, 11, 18)), REASON_CARD_NOT_USABLE);
        world_close(&world);
    }
}

static void a_certificate_renewed_twice_keeps_its_person(void **state)
{
    struct world world = world_open(state);
    int64_t person = make_person(&world);
    apply_certificate(&world, OLD, CERTIFICATE_ACTIVE, 0);
    learn_person(&world, OLD, person);
    apply_certificate(&world, OLD, CERTIFICATE_SUPERSEDED, NEW);
    apply_certificate(&world, NEW, CERTIFICATE_SUPERSEDED, NEWEST);
    apply_certificate(&world, NEWEST, CERTIFICATE_ACTIVE, 0);
    assert_int_equal(read_certificate(&world, NEWEST).person.id, person);
    world_close(&world);
}

static enum status learn_another(struct db *db, void *argument)
{
    const int64_t *person = argument;
    return certificate_learn_person(db, id_of(OLD), *person, false);
}

static void a_certificate_does_not_change_its_person(void **state)
{
    struct world world = world_open(state);
    int64_t person = make_person(&world), another = person + 1;
    assert_int_equal(db_transaction(world.changes, learn_another, &person), ERR_NOT_FOUND);
    apply_certificate(&world, OLD, CERTIFICATE_ACTIVE, 0);
    learn_person(&world, OLD, person);
    learn_person(&world, OLD, person);
    assert_int_equal(db_transaction(world.changes, learn_another, &another), ERR_EXISTS);
    apply_certificate(&world, OLD, CERTIFICATE_REVOKED, 0);
    assert_int_equal(read_certificate(&world, OLD).person.id, person);
    world_close(&world);
}

/* ---- Machines, terminals, the feed ---- */

static void a_machine_certificate_is_refused_as_soon_as_the_feed_says_so(void **state)
{
    struct world world = world_open(state);
    struct machine_certificate_facts facts;
    struct certificate_change change = {.state = CERTIFICATE_ACTIVE, .last_day = day(2030, 3, 31)};
    memcpy(change.id, id_of(77), sizeof change.id);
    assert_int_equal(machine_certificate_find(world.changes, id_of(77), &facts), ERR_NOT_FOUND);
    assert_int_equal(machine_certificate_apply(world.changes, &change), OK);
    assert_int_equal(machine_certificate_find(world.changes, id_of(77), &facts), OK);
    assert_int_equal(machine_certificate_refusal(&facts, day(2026, 11, 18)), REASON_NONE);
    change.state = CERTIFICATE_REVOKED;
    assert_int_equal(machine_certificate_apply(world.changes, &change), OK);
    assert_int_equal(machine_certificate_find(world.changes, id_of(77), &facts), OK);
    assert_int_not_equal(machine_certificate_refusal(&facts, day(2026, 11, 18)), REASON_NONE);
    world_close(&world);
}

static enum status move_feed(struct db *db, void *argument)
{
    return feed_position_set(db, argument);
}

static void the_feed_only_goes_forward(void **state)
{
    struct world world = world_open(state);
    struct feed_position position;
    assert_int_equal(feed_position_read(world.changes, &position), OK);
    assert_int_equal(position.through, 0);
    position = (struct feed_position){10, NOW};
    assert_int_equal(db_transaction(world.changes, move_feed, &position), OK);
    struct feed_position back[] = {{9, NOW + 1}, {11, NOW - 1}};
    for (size_t i = 0; i < ARRAY_LENGTH(back); i++)
        assert_int_equal(db_transaction(world.changes, move_feed, &back[i]), ERR_RANGE);
    struct feed_position heartbeat = {10, NOW + 1};
    assert_int_equal(db_transaction(world.changes, move_feed, &heartbeat), OK);
    assert_int_equal(find_by_card(&world, OLD).authority_heard_at, NOW + 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH_DATABASES(a_certificate_that_the_feed_has_not_named_is_not_known),
        ON_BOTH_DATABASES(a_suspended_card_is_known_to_be_so_at_the_next_check),
        ON_SQLITE(a_renewed_certificate_belongs_to_the_same_enrolled_person),
        ON_BOTH_DATABASES(a_certificate_renewed_twice_keeps_its_person),
        ON_BOTH_DATABASES(a_certificate_does_not_change_its_person),
        ON_BOTH_DATABASES(a_machine_certificate_is_refused_as_soon_as_the_feed_says_so),
        ON_BOTH_DATABASES(the_feed_only_goes_forward),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, worlds_begin, test_databases_end);
}
