#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "registry/outbox.h"
#include "registry/registry_sql.h"
#include "registry/unseen.h"
#include "world.h"

static void every_statement_is_understood_by_the_database(void **state)
{
    struct world world = world_open(state);
    assert_int_equal(db_prepare_all(world.changes), OK);
    world_close(&world);
}

static void a_second_program_finds_the_same_registry(void **state)
{
    struct world world = world_open(state);
    struct world other = world_open(state);
    struct insurer insurer;
    struct insurer_number number = key_of(INSURER, "", "1", "").insurer;
    assert_int_equal(insurer_find(other.changes, &number, &other.region, &insurer), OK);
    assert_true(bytes_equal(insurer.name, bytes_of_text("試験保険者")));
    world_close(&other);
    world_close(&world);
}

static void an_insurer_that_is_not_there_is_not_found(void **state)
{
    struct world world = world_open(state);
    struct insurer insurer;
    struct insurer_number number = key_of("01320027", "", "1", "").insurer;
    assert_int_equal(insurer_find(world.changes, &number, &world.region, &insurer), ERR_NOT_FOUND);
    world_close(&world);
}

static void an_institution_can_be_closed(void **state)
{
    struct world world = world_open(state);
    struct institution institution = {{INSTITUTION}, bytes_of_text("閉院した診療所"), false}, found;
    assert_int_equal(institution_put(world.changes, &institution), OK);
    assert_int_equal(institution_find(world.changes, &institution.code, &world.region, &found), OK);
    assert_false(found.active);
    assert_true(bytes_equal(found.name, institution.name));
    world_close(&world);
}

static void a_setting_is_kept_until_it_is_set_again(void **state)
{
    struct world world = world_open(state);
    struct bytes value;
    assert_int_equal(setting_find(world.changes, "notice_days", &world.region, &value), ERR_NOT_FOUND);
    assert_int_equal(setting_put(world.changes, "notice_days", bytes_of_text("30")), OK);
    assert_int_equal(setting_put(world.changes, "notice_days", bytes_of_text("31")), OK);
    assert_int_equal(setting_find(world.changes, "notice_days", &world.region, &value), OK);
    assert_true(bytes_equal(value, bytes_of_text("31")));
    world_close(&world);
}

struct employers {
    struct insurer_number insurer;
    int64_t ids[4];
    enum status refused;
};

static enum status use_employers(struct db *db, void *argument)
{
    struct employers *employers = argument;
    struct bytes unnamed = {0};
    const struct insurer_number *insurer = &employers->insurer;
    enum status status =
        employer_for_code(db, insurer, bytes_of_text("A1"), bytes_of_text("東工業"), &employers->ids[0]);
    if (status == OK)
        status = employer_for_code(db, insurer, bytes_of_text("A1"), unnamed, &employers->ids[1]);
    if (status == OK)
        status =
            employer_for_code(db, insurer, bytes_of_text("A1"), bytes_of_text("西工業"), &employers->ids[2]);
    if (status == OK)
        status = employer_for_code(db, insurer, bytes_of_text("A2"), unnamed, &employers->ids[3]);
    int64_t nobody;
    employers->refused = employer_for_code(db, insurer, bytes_of_text(""), unnamed, &nobody);
    return status;
}

static void an_employer_is_the_same_under_one_code_whatever_its_name(void **state)
{
    struct world world = world_open(state);
    struct employers employers = {.insurer = key_of(INSURER, "", "1", "").insurer};
    assert_int_equal(db_transaction(world.changes, use_employers, &employers), OK);
    assert_true(employers.ids[0] == employers.ids[1] && employers.ids[1] == employers.ids[2]);
    assert_true(employers.ids[3] != employers.ids[0]);
    assert_int_equal(employers.refused, ERR_RANGE);
    world_close(&world);
}

/* ---- Outbox ---- */

static enum status put_three(struct db *db, void *argument)
{
    (void)argument;
    enum status status = OK;
    for (int i = 1; status == OK && i <= 3; i++)
        status = outbox_put(db, id_of(i), bytes_of(id_of(i), (size_t)i), NOW + i);
    return status;
}

static enum status put_and_fail(struct db *db, void *argument)
{
    enum status status = put_three(db, argument);
    return status == OK ? ERR_DENIED : status;
}

static enum status remove_rows(struct db *db, void *argument)
{
    return outbox_remove(db, argument, 2);
}

static void what_a_change_tells_the_log_waits_in_order_until_it_is_taken(void **state)
{
    struct world world = world_open(state);
    struct outbox_row rows[5];
    size_t count;
    assert_int_equal(db_transaction(world.changes, put_three, NULL), OK);
    assert_int_equal(outbox_take(world.changes, rows, 5, &world.region, &count), OK);
    assert_int_equal(count, 3);
    for (int i = 0; i < 3; i++) {
        assert_memory_equal(rows[i].event_id, id_of(i + 1), OUTBOX_EVENT_ID_SIZE);
        assert_int_equal(rows[i].payload.length, i + 1);
        assert_int_equal(rows[i].created_at, NOW + i + 1);
    }
    int64_t taken[] = {rows[0].row, rows[1].row};
    assert_int_equal(db_transaction(world.changes, remove_rows, taken), OK);
    assert_int_equal(outbox_take(world.changes, rows, 5, &world.region, &count), OK);
    assert_int_equal(count, 1);
    assert_memory_equal(rows[0].event_id, id_of(3), OUTBOX_EVENT_ID_SIZE);
    world_close(&world);
}

static void a_change_that_fails_tells_the_log_nothing(void **state)
{
    struct world world = world_open(state);
    struct outbox_row row;
    size_t count;
    assert_int_equal(db_transaction(world.changes, put_and_fail, NULL), ERR_DENIED);
    assert_int_equal(outbox_take(world.changes, &row, 1, &world.region, &count), OK);
    assert_int_equal(count, 0);
    world_close(&world);
}

static void an_event_waits_only_once(void **state)
{
    struct world world = world_open(state);
    assert_int_equal(db_transaction(world.changes, put_three, NULL), OK);
    assert_int_equal(db_transaction(world.changes, put_three, NULL), ERR_EXISTS);
    world_close(&world);
}

static void a_change_outside_a_transaction_is_refused(void **state)
{
    struct world world = world_open(state);
    int64_t id;
    struct subscription_record record = record_of(INSURER, "01");
    struct recording recording = {.at = NOW};
    struct link_evidence evidence = {0};
    struct certificate_change change = {0};
    struct enrolment enrolment = {0};
    struct declaration declaration = {0};
    struct unseen_person unseen = {0};
    enum record_outcome outcome;
    struct db *db = world.changes;
    assert_int_equal(outbox_put(db, id_of(1), bytes_of_text("x"), NOW), ERR_WRONG_STATE);
    assert_int_equal(subscription_record(db, &record, &recording, &outcome, &id), ERR_WRONG_STATE);
    assert_int_equal(person_for_reference(db, id_of(1), &id), ERR_WRONG_STATE);
    assert_int_equal(link_set(db, 1, 1, LINK_PENDING, &evidence, &recording), ERR_WRONG_STATE);
    assert_int_equal(certificate_apply(db, &change), ERR_WRONG_STATE);
    assert_int_equal(enrolment_set(db, &enrolment), ERR_WRONG_STATE);
    assert_int_equal(declaration_set(db, &declaration), ERR_WRONG_STATE);
    assert_int_equal(load_publish(db, 1, NOW), ERR_WRONG_STATE);
    assert_int_equal(load_undo(db, 1, NOW), ERR_WRONG_STATE);
    assert_int_equal(person_add_unseen(db, &unseen, &recording, &id), ERR_WRONG_STATE);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH_DATABASES(every_statement_is_understood_by_the_database),
        ON_BOTH_DATABASES(a_second_program_finds_the_same_registry),
        ON_BOTH_DATABASES(an_insurer_that_is_not_there_is_not_found),
        ON_BOTH_DATABASES(an_institution_can_be_closed),
        ON_BOTH_DATABASES(a_setting_is_kept_until_it_is_set_again),
        ON_BOTH_DATABASES(an_employer_is_the_same_under_one_code_whatever_its_name),
        ON_BOTH_DATABASES(what_a_change_tells_the_log_waits_in_order_until_it_is_taken),
        ON_BOTH_DATABASES(a_change_that_fails_tells_the_log_nothing),
        ON_BOTH_DATABASES(an_event_waits_only_once),
        ON_SQLITE(a_change_outside_a_transaction_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, worlds_begin, test_databases_end);
}
