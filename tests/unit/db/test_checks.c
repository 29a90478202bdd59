#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

#include "sample_sql.h"
#include "support/database.h"

enum { SECOND = MICROSECONDS };

struct outcome {
    int calls;
    enum status status;
    int64_t value;
    int order;
};

static int next_order;

static int64_t soon(void)
{
    return monotonic_microseconds() + 5 * SECOND;
}

static void take_counter(void *argument, enum status status, struct db_rows *rows)
{
    struct outcome *outcome = argument;
    struct sample_sql_counter_read_row row = {.value = -1};
    if (status == OK && sample_sql_counter_read_next(rows, &row))
        status = db_rows_status(rows);
    *outcome = (struct outcome){outcome->calls + 1, status, row.value, ++next_order};
}

static void take_quotient(void *argument, enum status status, struct db_rows *rows)
{
    struct outcome *outcome = argument;
    struct sample_sql_divide_row row = {0};
    if (status == OK) {
        sample_sql_divide_next(rows, &row);
        status = db_rows_status(rows);
    }
    *outcome = (struct outcome){outcome->calls + 1, status, row.quotient.value, ++next_order};
}

static void take_slow(void *argument, enum status status, struct db_rows *rows)
{
    struct outcome *outcome = argument;
    struct sample_sql_slow_row row = {0};
    if (status == OK && sample_sql_slow_next(rows, &row))
        status = db_rows_status(rows);
    *outcome = (struct outcome){outcome->calls + 1, status, row.one, ++next_order};
}

static struct db *open_checks(void **state)
{
    db_close(test_database_migrated(*state, &sample_catalogue));
    struct db *db = test_database_open(*state, DB_FOR_CHECKS, &sample_catalogue);
    test_database_drive(db, 5000);
    return db;
}

static enum status divide(struct db *db, int64_t dividend, int64_t divisor, struct outcome *outcome)
{
    struct sample_sql_divide_in in = {.dividend = dividend, .divisor = divisor};
    return sample_sql_divide_submit(db, &in, soon(), take_quotient, outcome);
}

static void a_check_is_called_back_once_with_its_rows(void **state)
{
    struct db *db = open_checks(state);
    struct outcome outcome = {0};
    assert_int_equal(sample_sql_counter_read_submit(db, soon(), take_counter, &outcome), OK);
    test_database_drive(db, 5000);
    assert_int_equal(outcome.calls, 1);
    assert_int_equal(outcome.status, OK);
    assert_int_equal(outcome.value, 0);
    assert_int_equal(db_pending(db), 0);
    db_close(db);
}

static void a_check_on_a_file_is_called_back_before_submit_returns(void **state)
{
    struct db *db = open_checks(state);
    struct outcome outcome = {0};
    assert_true(db_is_embedded(db));
    assert_int_equal(sample_sql_counter_read_submit(db, soon(), take_counter, &outcome), OK);
    assert_int_equal(outcome.calls, 1);
    assert_int_equal(db_fd(db), -1);
    assert_true(db_wake_at(db) == INT64_MAX);
    db_close(db);
}

static void checks_under_way_together_get_each_its_own_answer(void **state)
{
    struct db *db = open_checks(state);
    struct outcome outcomes[300] = {0};
    for (int i = 0; i < 300; i++)
        assert_int_equal(divide(db, i * 7, 7, &outcomes[i]), OK);
    test_database_drive(db, 5000);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(outcomes[i].calls, 1);
        assert_int_equal(outcomes[i].status, OK);
        assert_int_equal(outcomes[i].value, i);
    }
    db_close(db);
}

static void the_failure_of_a_check_does_not_touch_the_others(void **state)
{
    struct db *db = open_checks(state);
    struct outcome outcomes[5] = {0};
    for (int i = 0; i < 5; i++)
        assert_int_equal(divide(db, 8, i == 0 || i == 2 ? 0 : 2, &outcomes[i]), OK);
    test_database_drive(db, 5000);
    for (int i = 0; i < 5; i++) {
        bool fails = i == 0 || i == 2;
        assert_int_equal(outcomes[i].calls, 1);
        assert_int_equal(outcomes[i].status != OK, fails);
        assert_int_equal(outcomes[i].value, fails ? 0 : 4);
    }
    db_close(db);
}

static void a_handle_for_changes_checks_inline(void **state)
{
    struct db *db = test_database_migrated(*state, &sample_catalogue);
    struct outcome outcome = {0};
    assert_int_equal(divide(db, 42, 6, &outcome), OK);
    assert_int_equal(outcome.calls, 1);
    assert_int_equal(outcome.value, 7);
    db_close(db);
}

static void a_check_sees_what_was_committed_before_it(void **state)
{
    struct db *checks = open_checks(state);
    struct db *changes = test_database_open(*state, DB_FOR_CHANGES, &sample_catalogue);
    for (int i = 1; i <= 20; i++) {
        struct sample_sql_counter_set_in set = {.value = i};
        assert_int_equal(sample_sql_counter_set(changes, &set, NULL), OK);
        struct outcome outcome = {0};
        assert_int_equal(sample_sql_counter_read_submit(checks, soon(), take_counter, &outcome), OK);
        test_database_drive(checks, 5000);
        assert_int_equal(outcome.value, i);
    }
    db_close(changes);
    db_close(checks);
}

static void a_file_without_schema_is_not_opened_for_checks(void **state)
{
    const struct test_database *database = *state;
    struct db_options options = {.location = database->location, .use = DB_FOR_CHECKS};
    struct db *db;
    assert_int_equal(db_open(&options, &sample_catalogue, &db), ERR_IO);
    db_close(test_database_open(database, DB_FOR_CHANGES, &sample_catalogue));
    assert_int_equal(db_open(&options, &sample_catalogue, &db), ERR_VERSION);
}

/* ---- A server and what can happen to it ---- */

static void a_server_without_schema_is_not_used_for_checks(void **state)
{
    struct db *db = test_database_open(*state, DB_FOR_CHECKS, &sample_catalogue);
    test_database_drive(db, 300);
    struct outcome outcome = {0};
    assert_int_equal(divide(db, 1, 1, &outcome), ERR_UNREACHABLE);
    assert_int_equal(outcome.calls, 0);

    db_close(test_database_migrated(*state, &sample_catalogue));
    test_database_drive(db, 5000);
    assert_int_equal(divide(db, 1, 1, &outcome), OK);
    test_database_drive(db, 5000);
    assert_int_equal(outcome.status, OK);
    db_close(db);
}

static void more_checks_than_allowed_are_too_many(void **state)
{
    const struct test_database *database = *state;
    db_close(test_database_migrated(database, &sample_catalogue));
    struct db_options options = {.location = database->location, .use = DB_FOR_CHECKS, .most_pending = 3};
    struct db *db;
    assert_int_equal(db_open(&options, &sample_catalogue, &db), OK);
    test_database_drive(db, 5000);
    struct outcome outcomes[4] = {0};
    for (int i = 0; i < 3; i++)
        assert_int_equal(divide(db, i, 1, &outcomes[i]), OK);
    assert_int_equal(divide(db, 3, 1, &outcomes[3]), ERR_BUSY);
    test_database_drive(db, 5000);
    assert_int_equal(divide(db, 3, 1, &outcomes[3]), OK);
    test_database_drive(db, 5000);
    for (int i = 0; i < 4; i++)
        assert_int_equal(outcomes[i].value, i);
    db_close(db);
}

static void a_check_past_its_deadline_is_unreachable_and_the_next_is_answered(void **state)
{
    struct db *db = open_checks(state);
    struct outcome late = {0}, next = {0};
    struct sample_sql_slow_in slow = {.milliseconds = 400};
    int64_t begun = monotonic_microseconds();
    assert_int_equal(sample_sql_slow_submit(db, &slow, begun + SECOND / 20, take_slow, &late), OK);
    assert_int_equal(divide(db, 6, 2, &next), OK);
    while (late.calls == 0 && monotonic_microseconds() < begun + SECOND)
        db_process(db);
    assert_int_equal(late.status, ERR_UNREACHABLE);
    assert_true(monotonic_microseconds() < begun + 3 * SECOND / 10);
    test_database_drive(db, 5000);
    assert_int_equal(late.calls, 1);
    assert_int_equal(next.status, OK);
    assert_int_equal(next.value, 3);
    assert_true(late.order < next.order);
    db_close(db);
}

static void checks_under_way_when_the_connection_breaks_are_unreachable(void **state)
{
    const struct test_database *database = *state;
    struct db *db = open_checks(state);
    struct outcome outcomes[3] = {0};
    struct sample_sql_slow_in slow = {.milliseconds = 5000};
    for (int i = 0; i < 3; i++)
        assert_int_equal(sample_sql_slow_submit(db, &slow, soon(), take_slow, &outcomes[i]), OK);
    db_process(db);
    postgresql_server_signal(database->server, database->name, SIGTERM);
    test_database_drive(db, 5000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(outcomes[i].calls, 1);
        assert_int_equal(outcomes[i].status, ERR_UNREACHABLE);
    }
    struct outcome after = {0};
    assert_int_equal(divide(db, 9, 3, &after), OK);
    test_database_drive(db, 5000);
    assert_int_equal(after.status, OK);
    assert_int_equal(after.value, 3);
    db_close(db);
}

static void a_server_that_is_away_is_found_again(void **state)
{
    const struct test_database *database = *state;
    struct db *db = open_checks(state);
    postgresql_server_kill(database->server);
    test_database_drive(db, 300);
    struct outcome outcome = {0};
    enum status status = divide(db, 1, 1, &outcome);
    if (status == OK)
        test_database_drive(db, 200);
    assert_int_equal(status == OK ? outcome.status : status, ERR_UNREACHABLE);

    postgresql_server_start(database->server);
    test_database_drive(db, 10000);
    assert_int_equal(divide(db, 12, 4, &outcome), OK);
    test_database_drive(db, 5000);
    assert_int_equal(outcome.status, OK);
    assert_int_equal(outcome.value, 3);
    db_close(db);
}

static void a_server_that_says_nothing_any_more_is_given_up(void **state)
{
    const struct test_database *database = *state;
    db_close(test_database_migrated(database, &sample_catalogue));
    struct db_options options = {.location = database->location, .use = DB_FOR_CHECKS, .wait_ms = 100};
    struct db *db;
    assert_int_equal(db_open(&options, &sample_catalogue, &db), OK);
    test_database_drive(db, 5000);
    postgresql_server_signal(database->server, database->name, SIGSTOP);

    struct outcome outcome = {0}, after = {0};
    struct sample_sql_divide_in in = {.dividend = 9, .divisor = 3};
    int64_t begun = monotonic_microseconds();
    assert_int_equal(sample_sql_divide_submit(db, &in, begun + SECOND / 20, take_quotient, &outcome), OK);
    test_database_drive(db, 5000);
    assert_int_equal(outcome.status, ERR_UNREACHABLE);
    assert_true(monotonic_microseconds() < begun + 2 * SECOND);

    /* On a new connection. */
    assert_int_equal(divide(db, 9, 3, &after), OK);
    test_database_drive(db, 5000);
    assert_int_equal(after.status, OK);
    assert_int_equal(after.value, 3);
    db_close(db);
    postgresql_server_signal(database->server, database->name, SIGCONT);
}

static void checks_still_under_way_at_the_close_are_called_back(void **state)
{
    struct db *db = open_checks(state);
    struct outcome outcome = {0};
    struct sample_sql_slow_in slow = {.milliseconds = 5000};
    assert_int_equal(sample_sql_slow_submit(db, &slow, soon(), take_slow, &outcome), OK);
    db_close(db);
    assert_int_equal(outcome.calls, 1);
    assert_int_equal(outcome.status, ERR_UNREACHABLE);
}

struct chain {
    struct db *db;
    struct outcome second;
};

static void submit_another(void *argument, enum status status, struct db_rows *rows)
{
    struct chain *chain = argument;
    (void)rows;
    assert_int_equal(status, OK);
    assert_int_equal(divide(chain->db, 10, 5, &chain->second), OK);
}

static void a_check_may_follow_from_another(void **state)
{
    struct chain chain = {.db = open_checks(state)};
    assert_int_equal(sample_sql_counter_read_submit(chain.db, soon(), submit_another, &chain), OK);
    test_database_drive(chain.db, 5000);
    assert_int_equal(chain.second.value, 2);
    db_close(chain.db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH_DATABASES(a_check_is_called_back_once_with_its_rows),
        ON_SQLITE(a_check_on_a_file_is_called_back_before_submit_returns),
        ON_BOTH_DATABASES(checks_under_way_together_get_each_its_own_answer),
        ON_BOTH_DATABASES(the_failure_of_a_check_does_not_touch_the_others),
        ON_BOTH_DATABASES(a_handle_for_changes_checks_inline),
        ON_BOTH_DATABASES(a_check_sees_what_was_committed_before_it),
        ON_BOTH_DATABASES(a_check_may_follow_from_another),
        ON_SQLITE(a_file_without_schema_is_not_opened_for_checks),
        ON_POSTGRESQL(a_server_without_schema_is_not_used_for_checks),
        ON_POSTGRESQL(more_checks_than_allowed_are_too_many),
        ON_POSTGRESQL(a_check_past_its_deadline_is_unreachable_and_the_next_is_answered),
        ON_POSTGRESQL(checks_under_way_when_the_connection_breaks_are_unreachable),
        ON_POSTGRESQL(a_server_that_is_away_is_found_again),
        ON_POSTGRESQL(a_server_that_says_nothing_any_more_is_given_up),
        ON_POSTGRESQL(checks_still_under_way_at_the_close_are_called_back),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, test_databases_end);
}
