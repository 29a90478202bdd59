#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "world.h"

enum { FIRST = 1, SECOND = 2 };

static enum status do_begin(struct db *db, void *argument)
{
    struct load *load = argument;
    return load_begin(db, load->id, &load->insurer, NOW, &load->key);
}

static struct load begin_load(struct world *world, int id)
{
    struct load load = {.insurer = key_of(INSURER, "", "1", "").insurer};
    memcpy(load.id, id_of(id), sizeof load.id);
    assert_int_equal(db_transaction(world->changes, do_begin, &load), OK);
    return load;
}

static struct load read_load(struct world *world, const struct load *load)
{
    struct load found;
    assert_int_equal(load_find(world->changes, load->id, &found), OK);
    return found;
}

static enum status do_publish(struct db *db, void *argument)
{
    const struct load *load = argument;
    return load_publish(db, load->key, NOW + 100);
}

static enum status do_undo(struct db *db, void *argument)
{
    const struct load *load = argument;
    return load_undo(db, load->key, NOW + 200);
}

static enum status publish(struct world *world, struct load *load)
{
    return db_transaction(world->changes, do_publish, load);
}

static enum status undo(struct world *world, struct load *load)
{
    return db_transaction(world->changes, do_undo, load);
}

static struct subscription_record numbered(int number)
{
    struct subscription_record record = record_of(INSURER, "01");
    char text[12];
    snprintf(text, sizeof text, "%d", number);
    record.coverage.key = key_of(INSURER, "1", text, "01");
    return record;
}

static size_t visible_under(struct world *world, const struct subscription_record *record)
{
    return find_by_number(world, &record->coverage.key, record->coverage.person.birth).count;
}

static const struct coverage *only_one(struct world *world, const struct subscription_record *record)
{
    struct check_findings findings =
        find_by_number(world, &record->coverage.key, record->coverage.person.birth);
    assert_int_equal(findings.count, 1);
    return &findings.subscriptions[0].coverage;
}

static void rows_are_seen_by_nobody_until_the_load_is_published(void **state)
{
    struct world world = world_open(state);
    struct subscription_record rows[] = {numbered(1), numbered(2)};
    struct load load = begin_load(&world, FIRST);
    assert_int_equal(load_append_rows(world.changes, load.key, 0, rows, 2, NOW), OK);
    assert_int_equal(visible_under(&world, &rows[0]), 0);
    assert_int_equal(visible_under(&world, &rows[1]), 0);
    assert_int_equal(publish(&world, &load), OK);
    assert_int_equal(only_one(&world, &rows[0])->registered_at, NOW + 100);
    assert_int_equal(visible_under(&world, &rows[1]), 1);
    world_close(&world);
}

static void a_load_tells_what_its_rows_would_do(void **state)
{
    struct world world = world_open(state);
    struct subscription_record same = numbered(1), other = numbered(2), moved = numbered(3);
    struct subscription_record again = numbered(5);
    again.coverage.lost = day(2025, 1, 1);
    record_directly(&world, &same, NULL);
    record_directly(&world, &other, NULL);
    record_directly(&world, &moved, NULL);
    record_directly(&world, &again, NULL);
    other.coverage.lost = day(2026, 12, 1);
    moved.coverage.person.address.text = bytes_of_text("京都府京都市中京区1");
    again.coverage.acquired = day(2026, 1, 1);
    again.coverage.lost = DATE_NONE;
    struct subscription_record rows[] = {same, other, moved, numbered(4), again};
    struct load load = begin_load(&world, FIRST);
    assert_int_equal(load_append_rows(world.changes, load.key, 0, rows, 5, NOW), OK);
    load = read_load(&world, &load);
    assert_int_equal(load.state, LOAD_STAGED);
    assert_int_equal(load.rows, 5);
    assert_int_equal(load.unchanged, 1);
    assert_int_equal(load.changed, 2);
    assert_int_equal(load.new_subscriptions, 1);
    assert_int_equal(load.new_periods, 1);
    world_close(&world);
}

static void a_change_that_waits_in_a_load_is_told_as_pending(void **state)
{
    struct world world = world_open(state);
    struct subscription_record row = numbered(1);
    record_directly(&world, &row, NULL);
    assert_false(only_one(&world, &row)->change_pending);
    row.coverage.lost = day(2026, 11, 1);
    struct load load = begin_load(&world, FIRST);
    assert_int_equal(load_append_rows(world.changes, load.key, 0, &row, 1, NOW), OK);
    assert_true(only_one(&world, &row)->change_pending);
    assert_true(date_is_none(only_one(&world, &row)->lost));
    assert_int_equal(publish(&world, &load), OK);
    assert_false(only_one(&world, &row)->change_pending);
    assert_true(date_equal(only_one(&world, &row)->lost, day(2026, 11, 1)));
    world_close(&world);
}

static void a_load_that_is_undone_leaves_what_was_before_it(void **state)
{
    struct world world = world_open(state);
    struct subscription_record rows[] = {numbered(1), numbered(2)};
    record_directly(&world, &rows[0], NULL);
    rows[0].coverage.lost = day(2026, 11, 1);
    rows[0].coverage.person.name.text = bytes_of_text("誤記　花子");
    struct load load = begin_load(&world, FIRST);
    assert_int_equal(load_append_rows(world.changes, load.key, 0, rows, 2, NOW), OK);
    assert_int_equal(publish(&world, &load), OK);
    assert_true(bytes_equal(only_one(&world, &rows[0])->person.name.text, bytes_of_text("誤記　花子")));
    assert_int_equal(undo(&world, &load), OK);
    assert_true(date_is_none(only_one(&world, &rows[0])->lost));
    assert_true(bytes_equal(only_one(&world, &rows[0])->person.name.text, bytes_of_text("山﨑　花子")));
    assert_int_equal(visible_under(&world, &rows[1]), 0);

    /* And the same can be loaded again. */
    struct load second = begin_load(&world, SECOND);
    assert_int_equal(load_append_rows(world.changes, second.key, 0, rows, 2, NOW), OK);
    assert_int_equal(publish(&world, &second), OK);
    assert_true(date_equal(only_one(&world, &rows[0])->lost, day(2026, 11, 1)));
    assert_int_equal(visible_under(&world, &rows[1]), 1);
    world_close(&world);
}

static void what_is_recorded_directly_after_staging_outlasts_the_load(void **state)
{
    struct world world = world_open(state);
    struct subscription_record row = numbered(1);
    record_directly(&world, &row, NULL);
    row.coverage.copayment.percent = 20;
    struct load load = begin_load(&world, FIRST);
    assert_int_equal(load_append_rows(world.changes, load.key, 0, &row, 1, NOW), OK);
    row.coverage.copayment.percent = 30;
    assert_int_equal(record_directly(&world, &row, NULL), RECORD_CHANGED);
    assert_int_equal(publish(&world, &load), OK);
    assert_int_equal(only_one(&world, &row)->copayment.percent, 30);
    world_close(&world);
}

static void a_load_knows_its_own_earlier_rows(void **state)
{
    struct world world = world_open(state);
    struct subscription_record rows[] = {numbered(1), numbered(1), numbered(1)};
    rows[2].coverage.lost = day(2026, 11, 1);
    struct load load = begin_load(&world, FIRST);
    assert_int_equal(load_append_rows(world.changes, load.key, 0, rows, 3, NOW), OK);
    load = read_load(&world, &load);
    assert_int_equal(load.new_subscriptions, 1);
    assert_int_equal(load.unchanged, 1);
    assert_int_equal(load.changed, 1);
    assert_int_equal(publish(&world, &load), OK);
    assert_true(date_equal(only_one(&world, &rows[0])->lost, day(2026, 11, 1)));
    world_close(&world);
}

static void two_loads_under_way_make_one_period_of_one_acquisition(void **state)
{
    struct world world = world_open(state);
    struct subscription_record row = numbered(1);
    struct load first = begin_load(&world, FIRST), second = begin_load(&world, SECOND);
    assert_int_equal(load_append_rows(world.changes, first.key, 0, &row, 1, NOW), OK);
    row.coverage.copayment.percent = 30;
    assert_int_equal(load_append_rows(world.changes, second.key, 0, &row, 1, NOW), OK);
    assert_int_equal(publish(&world, &first), OK);
    assert_int_equal(only_one(&world, &row)->copayment.percent, COPAYMENT_UNKNOWN);
    assert_int_equal(publish(&world, &second), OK);
    assert_int_equal(only_one(&world, &row)->copayment.percent, 30);
    world_close(&world);
}

/* ---- Sending ---- */

static void rows_sent_again_are_received_once(void **state)
{
    struct world world = world_open(state);
    struct subscription_record rows[] = {numbered(1), numbered(2), numbered(3)};
    struct load load = begin_load(&world, FIRST);
    assert_int_equal(load_append_rows(world.changes, load.key, 0, rows, 2, NOW), OK);
    assert_int_equal(load_append_rows(world.changes, load.key, 0, rows, 3, NOW), OK);
    assert_int_equal(load_append_rows(world.changes, load.key, 1, rows + 1, 1, NOW), OK);
    load = read_load(&world, &load);
    assert_int_equal(load.rows, 3);
    assert_int_equal(load.new_subscriptions, 3);
    assert_int_equal(load_append_rows(world.changes, load.key, 4, rows, 1, NOW), ERR_RANGE);
    world_close(&world);
}

static void everything_before_a_row_that_is_refused_is_received(void **state)
{
    enum { ROWS = LOAD_CHUNK_ROWS + 20, BAD = LOAD_CHUNK_ROWS + 11 };
    static struct subscription_record rows[ROWS];
    for (int i = 0; i < ROWS; i++)
        rows[i] = numbered(i + 1);
    rows[BAD].coverage.lost = day(2020, 1, 1);
    struct world world = world_open(state);
    struct load load = begin_load(&world, FIRST);
    assert_int_equal(load_append_rows(world.changes, load.key, 0, rows, ROWS, NOW), ERR_RANGE);
    assert_int_equal(read_load(&world, &load).rows, BAD);
    rows[BAD].coverage.lost = DATE_NONE;
    assert_int_equal(load_append_rows(world.changes, load.key, 0, rows, ROWS, NOW), OK);
    assert_int_equal(read_load(&world, &load).rows, ROWS);
    world_close(&world);
}

static void a_row_of_another_insurer_is_refused(void **state)
{
    struct world world = world_open(state);
    struct subscription_record row = record_of(OTHER_INSURER, "01");
    struct load load = begin_load(&world, FIRST);
    assert_int_equal(load_append_rows(world.changes, load.key, 0, &row, 1, NOW), ERR_RANGE);
    assert_int_equal(read_load(&world, &load).rows, 0);
    world_close(&world);
}

static void a_load_goes_one_way(void **state)
{
    struct world world = world_open(state);
    struct subscription_record row = numbered(1);
    struct load load = begin_load(&world, FIRST);
    assert_int_equal(publish(&world, &load), OK);
    assert_int_equal(publish(&world, &load), ERR_WRONG_STATE);
    assert_int_equal(load_append_rows(world.changes, load.key, 0, &row, 1, NOW), ERR_WRONG_STATE);
    assert_int_equal(undo(&world, &load), OK);
    assert_int_equal(undo(&world, &load), ERR_WRONG_STATE);
    assert_int_equal(publish(&world, &load), ERR_WRONG_STATE);
    struct load found = read_load(&world, &load);
    assert_int_equal(found.state, LOAD_UNDONE);
    assert_int_equal(found.published_at, NOW + 100);
    assert_int_equal(found.undone_at, NOW + 200);
    world_close(&world);
}

static void a_load_that_nobody_began_is_not_found(void **state)
{
    struct world world = world_open(state);
    struct subscription_record row = numbered(1);
    struct load found;
    assert_int_equal(load_find(world.changes, id_of(9), &found), ERR_NOT_FOUND);
    assert_int_equal(load_append_rows(world.changes, 99, 0, &row, 1, NOW), ERR_NOT_FOUND);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH_DATABASES(rows_are_seen_by_nobody_until_the_load_is_published),
        ON_BOTH_DATABASES(a_load_tells_what_its_rows_would_do),
        ON_BOTH_DATABASES(a_change_that_waits_in_a_load_is_told_as_pending),
        ON_BOTH_DATABASES(a_load_that_is_undone_leaves_what_was_before_it),
        ON_SQLITE(what_is_recorded_directly_after_staging_outlasts_the_load),
        ON_SQLITE(a_load_knows_its_own_earlier_rows),
        ON_SQLITE(two_loads_under_way_make_one_period_of_one_acquisition),
        ON_BOTH_DATABASES(rows_sent_again_are_received_once),
        ON_BOTH_DATABASES(everything_before_a_row_that_is_refused_is_received),
        ON_SQLITE(a_row_of_another_insurer_is_refused),
        ON_BOTH_DATABASES(a_load_goes_one_way),
        ON_SQLITE(a_load_that_nobody_began_is_not_found),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, worlds_begin, test_databases_end);
}
