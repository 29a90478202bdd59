#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "sample_sql.h"
#include "support/database.h"

static enum status use_newest_table(struct db *db)
{
    struct sample_sql_numbered_add_in add = {.label = bytes_of_text("x")};
    struct db_rows rows;
    enum status status = sample_sql_numbered_add(db, &add, &rows);
    return status == OK ? db_rows_close(&rows) : status;
}

static void an_empty_database_is_brought_to_the_newest_version(void **state)
{
    struct db *db = test_database_open(*state, DB_FOR_CHANGES, &sample_catalogue);
    assert_int_equal(db_migrate(db), OK);
    assert_int_equal(use_newest_table(db), OK);
    db_close(db);
}

static void migrating_again_does_nothing(void **state)
{
    struct db *db = test_database_migrated(*state, &sample_catalogue);
    assert_int_equal(use_newest_table(db), OK);
    assert_int_equal(db_migrate(db), OK);
    assert_int_equal(use_newest_table(db), ERR_EXISTS);
    db_close(db);
}

static void an_older_database_gets_the_steps_it_lacks(void **state)
{
    struct db_catalogue older = sample_catalogue;
    older.migration_count = 1;
    struct db *db = test_database_migrated(*state, &older);
    struct sample_sql_thing_put_in put = {.id = 7, .label = bytes_of_text("x"), .secret = bytes_of_text("y")};
    assert_int_equal(sample_sql_thing_put(db, &put, NULL), OK);
    db_close(db);

    db = test_database_open(*state, DB_FOR_CHANGES, &sample_catalogue);
    assert_int_equal(sample_sql_thing_put(db, &put, NULL), ERR_VERSION);
    assert_int_equal(db_migrate(db), OK);
    assert_int_equal(sample_sql_thing_put(db, &put, NULL), ERR_EXISTS);
    assert_int_equal(use_newest_table(db), OK);
    db_close(db);
}

static void a_newer_database_is_left_alone(void **state)
{
    db_close(test_database_migrated(*state, &sample_catalogue));
    struct db_catalogue older = sample_catalogue;
    older.migration_count = 1;
    struct db *db = test_database_open(*state, DB_FOR_CHANGES, &older);
    assert_int_equal(db_migrate(db), ERR_VERSION);
    assert_int_equal(use_newest_table(db), ERR_VERSION);
    db_close(db);
}

static void a_database_without_schema_is_refused(void **state)
{
    struct db *db = test_database_open(*state, DB_FOR_CHANGES, &sample_catalogue);
    assert_int_equal(use_newest_table(db), ERR_VERSION);
    assert_int_equal(db_prepare_all(db), ERR_VERSION);
    db_close(db);
}

static void a_step_that_fails_leaves_the_version_before_it(void **state)
{
    static const char *const broken = "create table half (a integer); create table half (a integer);";
    struct db_migration steps[3] = {
        sample_catalogue.migrations[0], sample_catalogue.migrations[1], {3, broken, broken}};
    struct db_catalogue catalogue = sample_catalogue;
    catalogue.migrations = steps;
    catalogue.migration_count = 3;
    struct db *db = test_database_open(*state, DB_FOR_CHANGES, &catalogue);
    assert_int_equal(db_migrate(db), ERR_INTERNAL);
    db_close(db);

    db = test_database_open(*state, DB_FOR_CHANGES, &sample_catalogue);
    assert_int_equal(use_newest_table(db), OK);
    db_close(db);

    /* Nothing of the step is left that would be in the way of its repair. */
    steps[2].sqlite = steps[2].postgresql = "create table half (a integer);";
    db = test_database_open(*state, DB_FOR_CHANGES, &catalogue);
    assert_int_equal(db_migrate(db), OK);
    db_close(db);
}

static void two_catalogues_may_share_a_database(void **state)
{
    db_close(test_database_migrated(*state, &sample_catalogue));
    static const struct db_migration steps[] = {
        {1, "create table other (a integer) strict;", "create table other (a bigint);"}};
    struct db_catalogue other = {.name = "other", .statements = sample_catalogue.statements};
    other.migrations = steps;
    other.migration_count = 1;
    db_close(test_database_migrated(*state, &other));
    struct db *db = test_database_migrated(*state, &sample_catalogue);
    assert_int_equal(use_newest_table(db), OK);
    db_close(db);
}

static void *migrate(void *argument)
{
    struct db *db = test_database_open(argument, DB_FOR_CHANGES, &sample_catalogue);
    intptr_t status = db_migrate(db);
    db_close(db);
    return (void *)status; /* NOLINT: a status */
}

static void several_may_migrate_at_the_same_time(void **state)
{
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, migrate, *state), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
        void *status;
        assert_int_equal(pthread_join(threads[i], &status), 0);
        assert_int_equal((intptr_t)status, OK);
    }
    struct db *db = test_database_open(*state, DB_FOR_CHANGES, &sample_catalogue);
    assert_int_equal(use_newest_table(db), OK);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH_DATABASES(an_empty_database_is_brought_to_the_newest_version),
        ON_BOTH_DATABASES(migrating_again_does_nothing),
        ON_BOTH_DATABASES(an_older_database_gets_the_steps_it_lacks),
        ON_BOTH_DATABASES(a_newer_database_is_left_alone),
        ON_BOTH_DATABASES(a_database_without_schema_is_refused),
        ON_BOTH_DATABASES(a_step_that_fails_leaves_the_version_before_it),
        ON_BOTH_DATABASES(two_catalogues_may_share_a_database),
        ON_BOTH_DATABASES(several_may_migrate_at_the_same_time),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, test_databases_end);
}
