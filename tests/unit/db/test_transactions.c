#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "sample_sql.h"
#include "support/database.h"

static int64_t read_counter(struct db *db)
{
    struct sample_sql_counter_read_row row = {0};
    struct db_rows rows;
    assert_int_equal(sample_sql_counter_read(db, &rows), OK);
    assert_true(sample_sql_counter_read_next(&rows, &row));
    assert_int_equal(db_rows_close(&rows), OK);
    return row.value;
}

/* Reads and writes what was read: loses an update wherever two of them are not kept apart. */
static enum status increment(struct db *db, void *argument)
{
    int *runs = argument;
    ++*runs;
    struct sample_sql_counter_read_row row = {0};
    struct db_rows rows;
    enum status status = sample_sql_counter_read(db, &rows);
    if (status != OK)
        return status;
    sample_sql_counter_read_next(&rows, &row);
    status = db_rows_close(&rows);
    struct sample_sql_counter_set_in set = {.value = row.value + 1};
    return status == OK ? sample_sql_counter_set(db, &set, NULL) : status;
}

static enum status increment_and_fail(struct db *db, void *argument)
{
    enum status status = increment(db, argument);
    return status == OK ? ERR_DENIED : status;
}

static void work_that_succeeds_is_there_for_everybody(void **state)
{
    struct db *db = test_database_migrated(*state, &sample_catalogue);
    struct db *other = test_database_open(*state, DB_FOR_CHANGES, &sample_catalogue);
    int runs = 0;
    assert_int_equal(db_transaction(db, increment, &runs), OK);
    assert_int_equal(read_counter(other), 1);
    assert_int_equal(runs, 1);
    db_close(other);
    db_close(db);
}

static void work_that_fails_leaves_nothing(void **state)
{
    struct db *db = test_database_migrated(*state, &sample_catalogue);
    int runs = 0;
    assert_int_equal(db_transaction(db, increment_and_fail, &runs), ERR_DENIED);
    assert_int_equal(read_counter(db), 0);
    assert_int_equal(db_transaction(db, increment, &runs), OK);
    assert_int_equal(read_counter(db), 1);
    db_close(db);
}

static enum status put_twice(struct db *db, void *argument)
{
    const struct sample_sql_thing_put_in *put = argument;
    enum status status = sample_sql_thing_put(db, put, NULL);
    return status == OK ? sample_sql_thing_put(db, put, NULL) : status;
}

static enum status put_and_hide_the_error(struct db *db, void *argument)
{
    return put_twice(db, argument) == ERR_EXISTS ? OK : ERR_INTERNAL;
}

static void an_error_of_a_statement_takes_back_what_came_before_it(void **state)
{
    struct db *db = test_database_migrated(*state, &sample_catalogue);
    struct sample_sql_thing_put_in put = {.id = 1, .label = bytes_of_text("x"), .secret = bytes_of_text("y")};
    assert_int_equal(db_transaction(db, put_twice, &put), ERR_EXISTS);
    assert_int_equal(sample_sql_thing_put(db, &put, NULL), OK);
    db_close(db);
}

/* PostgreSQL answers the COMMIT of a failed transaction with ROLLBACK, and no error. */
static void a_commit_that_is_a_rollback_is_not_taken_for_success(void **state)
{
    struct db *db = test_database_migrated(*state, &sample_catalogue);
    struct sample_sql_thing_put_in put = {.id = 1, .label = bytes_of_text("x"), .secret = bytes_of_text("y")};
    assert_int_equal(db_transaction(db, put_and_hide_the_error, &put), ERR_WRONG_STATE);
    assert_int_equal(sample_sql_thing_put(db, &put, NULL), OK);
    db_close(db);
}

static enum status nest(struct db *db, void *argument)
{
    return db_transaction(db, increment, argument);
}

static void a_transaction_within_a_transaction_is_refused(void **state)
{
    struct db *db = test_database_migrated(*state, &sample_catalogue);
    int runs = 0;
    assert_int_equal(db_transaction(db, nest, &runs), ERR_WRONG_STATE);
    assert_int_equal(runs, 0);
    db_close(db);
}

enum { THREADS = 3, INCREMENTS = 40 };

static void *increment_often(void *argument)
{
    struct db *db = test_database_open(argument, DB_FOR_CHANGES, &sample_catalogue);
    intptr_t failures = 0;
    for (int i = 0; i < INCREMENTS; i++) {
        int runs = 0;
        enum status status;
        do
            status = db_transaction(db, increment, &runs);
        while (status == ERR_BUSY);
        failures += status != OK;
    }
    db_close(db);
    return (void *)failures; /* NOLINT: a count */
}

static void no_update_is_lost_between_writers_at_the_same_time(void **state)
{
    struct db *db = test_database_migrated(*state, &sample_catalogue);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, increment_often, *state), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failures;
        assert_int_equal(pthread_join(threads[i], &failures), 0);
        assert_null(failures);
    }
    assert_int_equal(read_counter(db), THREADS * INCREMENTS);
    db_close(db);
}

struct interference {
    struct db *other;
    int runs;
    enum status others_status;
};

/* On the first run another writer gets in between reading and writing. */
static enum status increment_while_another_does(struct db *db, void *argument)
{
    struct interference *interference = argument;
    struct sample_sql_counter_read_row row = {0};
    struct db_rows rows;
    enum status status = sample_sql_counter_read(db, &rows);
    if (status != OK)
        return status;
    sample_sql_counter_read_next(&rows, &row);
    status = db_rows_close(&rows);
    if (interference->runs++ == 0) {
        int runs = 0;
        interference->others_status = db_transaction(interference->other, increment, &runs);
    }
    struct sample_sql_counter_set_in set = {.value = row.value + 1};
    return status == OK ? sample_sql_counter_set(db, &set, NULL) : status;
}

static void work_that_lost_against_another_runs_again(void **state)
{
    struct db *db = test_database_migrated(*state, &sample_catalogue);
    struct interference interference = {.other =
                                            test_database_open(*state, DB_FOR_CHANGES, &sample_catalogue)};
    assert_int_equal(db_transaction(db, increment_while_another_does, &interference), OK);
    assert_int_equal(interference.others_status, OK);
    assert_int_equal(interference.runs, 2);
    assert_int_equal(read_counter(db), 2);
    db_close(interference.other);
    db_close(db);
}

static void a_second_writer_of_a_file_is_told_to_try_again(void **state)
{
    const struct test_database *database = *state;
    struct db *db = test_database_migrated(database, &sample_catalogue);
    struct db_options impatient = {.location = database->location, .wait_ms = 20};
    struct interference interference = {0};
    assert_int_equal(db_open(&impatient, &sample_catalogue, &interference.other), OK);
    assert_int_equal(db_transaction(db, increment_while_another_does, &interference), OK);
    assert_int_equal(interference.others_status, ERR_BUSY);
    assert_int_equal(read_counter(db), 1);
    db_close(interference.other);
    db_close(db);
}

static void a_handle_for_checks_changes_nothing(void **state)
{
    struct db *db = test_database_migrated(*state, &sample_catalogue);
    struct db *checks = test_database_open(*state, DB_FOR_CHECKS, &sample_catalogue);
    int runs = 0;
    assert_int_equal(db_transaction(checks, increment, &runs), ERR_WRONG_STATE);
    struct sample_sql_counter_set_in set = {.value = 1};
    assert_int_equal(sample_sql_counter_set(checks, &set, NULL), ERR_WRONG_STATE);
    struct db_rows rows;
    assert_int_equal(sample_sql_counter_read(checks, &rows), ERR_WRONG_STATE);
    assert_int_equal(db_rows_close(&rows), OK);
    assert_int_equal(read_counter(db), 0);
    db_close(checks);
    db_close(db);
}

static void a_connection_that_died_while_idle_is_replaced(void **state)
{
    const struct test_database *database = *state;
    struct db *db = test_database_migrated(database, &sample_catalogue);
    postgresql_server_signal(database->server, database->name, SIGTERM);
    int runs = 0;
    assert_int_equal(db_transaction(db, increment, &runs), OK);
    assert_int_equal(read_counter(db), 1);
    db_close(db);
}

static enum status increment_after_a_restart(struct db *db, void *argument)
{
    const struct test_database *database = argument;
    int runs = 0;
    enum status status = increment(db, &runs);
    if (status != OK)
        return status;
    postgresql_server_kill(database->server);
    postgresql_server_start(database->server);
    status = increment(db, &runs);
    return status == OK ? ERR_INTERNAL : status;
}

static void a_transaction_whose_server_went_away_is_unreachable_and_undone(void **state)
{
    struct db *db = test_database_migrated(*state, &sample_catalogue);
    assert_int_equal(db_transaction(db, increment_after_a_restart, *state), ERR_UNREACHABLE);
    assert_int_equal(read_counter(db), 0);
    db_close(db);
}

static void the_file_is_for_its_owner_only(void **state)
{
    const struct test_database *database = *state;
    struct db *db = test_database_migrated(database, &sample_catalogue);
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/test.db%s", database->directory, suffixes[i]);
        struct stat file;
        assert_int_equal(stat(path, &file), 0);
        assert_int_equal(file.st_mode & 0777, 0600);
    }
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH_DATABASES(work_that_succeeds_is_there_for_everybody),
        ON_BOTH_DATABASES(work_that_fails_leaves_nothing),
        ON_BOTH_DATABASES(an_error_of_a_statement_takes_back_what_came_before_it),
        ON_POSTGRESQL(a_commit_that_is_a_rollback_is_not_taken_for_success),
        ON_BOTH_DATABASES(a_transaction_within_a_transaction_is_refused),
        ON_BOTH_DATABASES(no_update_is_lost_between_writers_at_the_same_time),
        ON_POSTGRESQL(work_that_lost_against_another_runs_again),
        ON_SQLITE(a_second_writer_of_a_file_is_told_to_try_again),
        ON_BOTH_DATABASES(a_handle_for_checks_changes_nothing),
        ON_POSTGRESQL(a_connection_that_died_while_idle_is_replaced),
        ON_POSTGRESQL(a_transaction_whose_server_went_away_is_unreachable_and_undone),
        ON_SQLITE(the_file_is_for_its_owner_only),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, test_databases_end);
}
