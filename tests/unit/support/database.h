#ifndef SHIKAKU_TESTS_SUPPORT_DATABASE_H
#define SHIKAKU_TESTS_SUPPORT_DATABASE_H

#include "db/db.h"
#include "support/postgresql.h"

/*
 * For tests that hold on both databases. Each test gets an empty database of its own: *state is a
 * struct test_database. The PostgreSQL server is started once in a test program, when first needed; end it
 * with test_databases_end as the group's teardown.
 *
 *     const struct CMUnitTest tests[] = {ON_BOTH_DATABASES(a_sentence_about_the_product), …};
 *     return cmocka_run_group_tests(tests, NULL, test_databases_end);
 */
struct test_database {
    char location[256];
    char directory[64];               /* SQLite's */
    char name[32];                    /* PostgreSQL's */
    struct postgresql_server *server; /* NULL on SQLite */
};

/*
 * Called by a group's setup where a test needs no more than an empty schema of the catalogue: on PostgreSQL
 * the group's tests then follow one another in one database that is put back to what the migration left,
 * which is much quicker than a new one each.
 */
void test_databases_start_with(const struct db_catalogue *catalogue);

int test_database_on_sqlite(void **state);
int test_database_on_postgresql(void **state);
int test_database_drop(void **state);
int test_databases_end(void **state);

#define ON_SQLITE(function)                                                                                  \
    {                                                                                                        \
#function " (SQLite)", function, test_database_on_sqlite, test_database_drop, NULL                   \
    }
#define ON_POSTGRESQL(function)                                                                              \
    {                                                                                                        \
#function " (PostgreSQL)", function, test_database_on_postgresql, test_database_drop, NULL           \
    }
#define ON_BOTH_DATABASES(function) ON_SQLITE(function), ON_POSTGRESQL(function)

/* Opens; fails the test on any error. */
struct db *test_database_open(const struct test_database *database, enum db_use use,
                              const struct db_catalogue *catalogue);
/* A handle for changes on a database that was migrated first. */
struct db *test_database_migrated(const struct test_database *database, const struct db_catalogue *catalogue);
/* What an event loop does for a handle for checks, until nothing is pending (and, on PostgreSQL, the
 * connection is made), at most that long. */
void test_database_drive(struct db *db, int most_milliseconds);

#endif
