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
static const struct db_catalogue *prepared;
static bool is_prepared;

void test_databases_start_with(const struct db_catalogue *catalogue)
{
    prepared = catalogue;
}

/* All tables of ours; a partition goes with its parent. */
#define EACH_TABLE                                                                                           \
    "for t in select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "               \
    "where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition "                       \
    "and c.relname <> 'shikaku_schema' loop "

static void keep_what_the_migration_left(const char *name)
{
    postgresql_server_execute(&shared_server, name,
                              "do $$ declare t text; begin create schema kept; " EACH_TABLE
                              "execute format('create table kept.%I as table public.%I', t, t); "
                              "end loop; end $$");
}

static void put_back_what_the_migration_left(const char *name)
{
    postgresql_server_execute(&shared_server, name,
                              "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                              "where datname = current_database() and pid <> pg_backend_pid()");
    postgresql_server_execute(
        &shared_server, name,
        "do $$ declare t text; begin set local session_replication_role = replica; " EACH_TABLE
        "execute format('delete from public.%I', t); "
        "execute format('insert into public.%I overriding system value table kept.%I', t, t); "
        "end loop; end $$");
}

static void use_prepared_database(struct test_database *database)
{
    static const char name[] = "prepared";
    postgresql_server_location(&shared_server, name, database->location, sizeof database->location);
    if (is_prepared) {
        put_back_what_the_migration_left(name);
        return;
    }
    postgresql_server_execute(&shared_server, "postgres", "create database prepared");
    db_close(test_database_migrated(database, prepared));
    keep_what_the_migration_left(name);
    is_prepared = true;
}

static void use_new_database(struct test_database *database)
{
    snprintf(database->name, sizeof database->name, "test%d", ++made);
    char sql[64];
    snprintf(sql, sizeof sql, "create database %s", database->name);
    postgresql_server_execute(&shared_server, "postgres", sql);
    postgresql_server_location(&shared_server, database->name, database->location, sizeof database->location);
}

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
    if (prepared)
        use_prepared_database(database);
    else
        use_new_database(database);
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
    if (database->name[0] && database->server->process) {
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
