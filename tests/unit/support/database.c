#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/database.h"

static struct postgresql_server shared_server;
static int made;

int test_database_on_sqlite(void **state)
{
    struct test_database *database = calloc(1, sizeof *database);
    assert_non_null(database);
    const char *temporary = getenv("TMPDIR");
    snprintf(database->directory, sizeof database->directory, "%s/shikaku-db-XXXXXX",
             temporary && *temporary ? temporary : "/tmp");
    assert_non_null(mkdtemp(database->directory));
    snprintf(database->location, sizeof database->location, "sqlite:%s/test.db", database->directory);
    *state = database;
    return 0;
}

int test_database_on_postgresql(void **state)
{
    struct test_database *database = calloc(1, sizeof *database);
    assert_non_null(database);
    if (shared_server.directory[0] == '\0')
        postgresql_server_create(&shared_server);
    else if (shared_server.process == 0)
        postgresql_server_start(&shared_server);
    database->server = &shared_server;
    snprintf(database->name, sizeof database->name, "test%d", ++made);
    char sql[64];
    snprintf(sql, sizeof sql, "create database %s", database->name);
    postgresql_server_execute(&shared_server, "postgres", sql);
    postgresql_server_location(&shared_server, database->name, database->location, sizeof database->location);
    *state = database;
    return 0;
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat;
    (void)kind;
    (void)walk;
    return remove(path);
}

int test_database_drop(void **state)
{
    struct test_database *database = *state;
    if (database->directory[0])
        nftw(database->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (database->server && database->server->process) {
        char sql[64];
        snprintf(sql, sizeof sql, "drop database %s with (force)", database->name);
        postgresql_server_execute(database->server, "postgres", sql);
    }
    free(database);
    return 0;
}

int test_databases_end(void **state)
{
    (void)state;
    postgresql_server_destroy(&shared_server);
    return 0;
}

struct db *test_database_open(const struct test_database *database, enum db_use use,
                              const struct db_catalogue *catalogue)
{
    struct db_options options = {.location = database->location, .use = use, .wait_ms = 2000};
    struct db *db;
    assert_int_equal(db_open(&options, catalogue, &db), OK);
    return db;
}

struct db *test_database_migrated(const struct test_database *database, const struct db_catalogue *catalogue)
{
    struct db *db = test_database_open(database, DB_FOR_CHANGES, catalogue);
    assert_int_equal(db_migrate(db), OK);
    return db;
}

static bool is_quiet(const struct db *db)
{
    return db_pending(db) == 0 && (db_is_embedded(db) || db_wake_at(db) == INT64_MAX);
}

void test_database_drive(struct db *db, int most_milliseconds)
{
    int64_t end = monotonic_microseconds() + most_milliseconds * 1000LL;
    while (!is_quiet(db) && monotonic_microseconds() < end) {
        unsigned wants = db_wants(db);
        struct pollfd socket = {.fd = db_fd(db)};
        socket.events =
            (short)((wants & DB_WANTS_READ ? POLLIN : 0) | (wants & DB_WANTS_WRITE ? POLLOUT : 0));
        poll(&socket, socket.fd >= 0, 10);
        db_process(db);
    }
}
