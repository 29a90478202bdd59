#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/random.h"
#include "db/driver.h"

enum { WAIT_MS = 5000, MOST_PENDING = 1024, MOST_ATTEMPTS = 12 };

static const struct db_field version_parameters[] = {{"catalogue", DB_TEXT, false}};
static const struct db_field version_columns[] = {{"version", DB_INT, false}};

const struct db_statement db_schema_version_read = {
    .name = "schema_version_read",
    .sqlite = "select version from shikaku_schema where catalogue = ?1",
    .postgresql = "select version from shikaku_schema where catalogue = $1::text",
    .parameters = version_parameters,
    .columns = version_columns,
    .parameter_count = 1,
    .column_count = 1,
    .index = -1,
};

static const struct db_field set_parameters[] = {
    {"catalogue", DB_TEXT, false}, {"version", DB_INT, false}, {"applied", DB_MOMENT, false}};

static const struct db_statement schema_version_set = {
    .name = "schema_version_set",
    .sqlite = "insert into shikaku_schema (catalogue, version, applied) values (?1, ?2, ?3) "
              "on conflict (catalogue) do update set version = excluded.version, applied = excluded.applied",
    .postgresql =
        "insert into shikaku_schema (catalogue, version, applied) values ($1::text, $2::bigint, $3::bigint) "
        "on conflict (catalogue) do update set version = excluded.version, applied = excluded.applied",
    .parameters = set_parameters,
    .parameter_count = 3,
    .index = -1,
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

enum status db_open(const struct db_options *options, const struct db_catalogue *catalogue, struct db **out)
{
    struct db_options complete = *options;
    if (complete.wait_ms <= 0)
        complete.wait_ms = WAIT_MS;
    if (complete.most_pending <= 0)
        complete.most_pending = MOST_PENDING;

    *out = NULL;
    if (starts_with(options->location, "sqlite:"))
        return db_sqlite_open(options->location + strlen("sqlite:"), &complete, catalogue, out);
    if (starts_with(options->location, "postgresql://") || starts_with(options->location, "postgres://"))
        return db_postgresql_open(options->location, &complete, catalogue, out);
    return ERR_MALFORMED;
}

void db_close(struct db *db)
{
    if (db)
        db->driver->close(db);
}

bool db_is_embedded(const struct db *db)
{
    return db->driver->embedded;
}

/* ---- Schema ---- */

static enum status read_version(struct db *db, int *out)
{
    const struct db_value values[] = {db_value_bytes(bytes_of_text(db->catalogue->name))};
    struct db_rows rows;
    enum status status = db->driver->run(db, &db_schema_version_read, values, true, &rows);
    if (status != OK)
        return status;

    *out = 0;
    if (db_rows_next(&rows))
        *out = (int)db_column_int(&rows, 0);
    return db_rows_close(&rows);
}

struct step {
    const struct db_migration *migration;
    bool up_to_date;
};

/* The newest step that is missing is found and made in one transaction: two that migrate take turns. */
static enum status take_one_step(struct db *db, void *argument)
{
    struct step *step = argument;
    /* Before anything is read, so that what is read is what the one before us left. */
    if (!db->driver->embedded) {
        enum status status = db->driver->execute(db, "lock table shikaku_schema");
        if (status != OK)
            return status;
    }

    int version;
    enum status status = read_version(db, &version);
    if (status != OK)
        return status;
    if (version > db->catalogue->migration_count)
        return ERR_VERSION;
    step->up_to_date = version == db->catalogue->migration_count;
    if (step->up_to_date)
        return OK;

    step->migration = &db->catalogue->migrations[version];
    status =
        db->driver->execute(db, db->driver->embedded ? step->migration->sqlite : step->migration->postgresql);
    if (status != OK)
        return status;
    const struct db_value values[] = {db_value_bytes(bytes_of_text(db->catalogue->name)),
                                      db_value_int(step->migration->version),
                                      db_value_int(clock_now(&real_clock))};
    return db_change(db, &schema_version_set, values, NULL);
}

static enum status make_version_table(struct db *db)
{
    /* Of several that find no table only one may create it: PostgreSQL's "if not exists" does not see to that
     * itself. Both statements are one transaction. */
    const char *sql = db->driver->embedded
                          ? "create table if not exists shikaku_schema (catalogue text primary key, "
                            "version integer not null, applied integer not null) strict, without rowid"
                          : "select pg_advisory_xact_lock(hashtext('shikaku_schema'));"
                            "create table if not exists shikaku_schema (catalogue text collate \"C\" "
                            "primary key, version bigint not null, applied bigint not null)";
    return db->driver->execute(db, sql);
}

enum status db_migrate(struct db *db)
{
    if (db->use != DB_FOR_CHANGES || db->in_transaction)
        return ERR_WRONG_STATE;
    enum status status = make_version_table(db);
    struct step step = {0};
    db->schema_known = true; /* what this function itself runs is not held back */
    while (status == OK && !step.up_to_date) {
        status = db_transaction(db, take_one_step, &step);
        if (status == OK && !step.up_to_date)
            LOG(LOG_INFO, "schema_migrated", log_word("catalogue", db->catalogue->name),
                log_number("version", step.migration->version));
    }
    db->schema_known = status == OK;
    return status;
}

static enum status know_schema(struct db *db)
{
    if (db->schema_known || db->catalogue->migration_count == 0)
        return OK;
    int version;
    enum status status = read_version(db, &version);
    if (status == ERR_UNREACHABLE || status == ERR_BUSY)
        return status;
    if (status != OK || version != db->catalogue->migration_count) {
        LOG(LOG_ERROR, "schema_version_differs", log_word("catalogue", db->catalogue->name),
            log_number("expected", db->catalogue->migration_count),
            log_number("found", status == OK ? version : -1));
        return ERR_VERSION;
    }
    db->schema_known = true;
    return OK;
}

enum status db_prepare_all(struct db *db)
{
    if (db->use != DB_FOR_CHANGES)
        return ERR_WRONG_STATE;
    enum status status = know_schema(db);
    for (int i = 0; status == OK && i < db->catalogue->statement_count; i++) {
        status = db->driver->prepare(db, &db->catalogue->statements[i]);
        if (status != OK)
            LOG(LOG_ERROR, "statement_refused", log_word("catalogue", db->catalogue->name),
                log_word("statement", db->catalogue->statements[i].name), log_status("status", status));
    }
    return status;
}

/* ---- Running ---- */

int64_t db_pause_microseconds(int attempt, int first_ms, int most_ms)
{
    int64_t longest = (int64_t)first_ms << (attempt < 20 ? attempt : 20);
    if (longest > most_ms)
        longest = most_ms;
    uint32_t random;
    random_fill(&random, sizeof random);
    return longest * 500 + (int64_t)(random % (uint32_t)(longest * 500 + 1));
}

static void pause_before(int attempt)
{
    int64_t pause = db_pause_microseconds(attempt, 2, 250);
    struct timespec time = {.tv_sec = pause / MICROSECONDS, .tv_nsec = (pause % MICROSECONDS) * 1000};
    nanosleep(&time, NULL);
}

/* SQLite has waited for the other writer already; only PostgreSQL asks for another run. */
static bool is_worth_another_run(const struct db *db, enum status status)
{
    return !db->driver->embedded && status == ERR_BUSY;
}

static enum status attempt_transaction(struct db *db, db_work *work, void *argument)
{
    enum status status = db->driver->begin(db);
    if (status != OK)
        return status;
    db->in_transaction = true;
    status = work(db, argument);
    if (status == OK)
        status = db->driver->commit(db);
    else
        db->driver->rollback(db);
    db->in_transaction = false;
    return status;
}

enum status db_transaction(struct db *db, db_work *work, void *argument)
{
    if (db->use != DB_FOR_CHANGES || db->in_transaction)
        return ERR_WRONG_STATE;
    enum status status = know_schema(db);
    for (int attempt = 0; status == OK; attempt++) {
        status = attempt_transaction(db, work, argument);
        if (!is_worth_another_run(db, status) || attempt + 1 == MOST_ATTEMPTS)
            return status;
        pause_before(attempt);
        status = OK;
    }
    return status;
}

bool db_is_in_transaction(const struct db *db)
{
    return db->in_transaction;
}

static enum status run(struct db *db, const struct db_statement *statement, const struct db_value *values,
                       bool borrow, struct db_rows *rows)
{
    *rows = (struct db_rows){.db = db, .statement = statement};
    enum status status = db->use == DB_FOR_CHANGES ? know_schema(db) : ERR_WRONG_STATE;
    for (int attempt = 0; status == OK; attempt++) {
        status = db->driver->run(db, statement, values, borrow, rows);
        if (db->in_transaction || !is_worth_another_run(db, status) || attempt + 1 == MOST_ATTEMPTS)
            break;
        pause_before(attempt);
        status = OK;
    }
    if (status != OK)
        *rows = (struct db_rows){.status = status};
    return status;
}

enum status db_run(struct db *db, const struct db_statement *statement, const struct db_value *values,
                   struct db_rows *rows)
{
    return run(db, statement, values, false, rows);
}

enum status db_change(struct db *db, const struct db_statement *statement, const struct db_value *values,
                      int64_t *changed)
{
    struct db_rows rows;
    enum status status = run(db, statement, values, true, &rows);
    if (status != OK)
        return status;
    while (db_rows_next(&rows))
        ;
    if (changed)
        *changed = rows.changed;
    return db_rows_close(&rows);
}

enum status db_submit(struct db *db, const struct db_statement *statement, const struct db_value *values,
                      int64_t deadline, db_done *done, void *argument)
{
    if (db->use == DB_FOR_CHECKS && db->driver->submit)
        return db->driver->submit(db, statement, values, deadline, done, argument);

    enum status status = know_schema(db);
    if (status != OK)
        return status;
    struct db_rows rows;
    status = db->driver->run(db, statement, values, true, &rows);
    if (status != OK) {
        done(argument, status, NULL);
        return OK;
    }
    done(argument, OK, &rows);
    /* Its status was the callback's to look at. */
    enum status ignored = db_rows_close(&rows);
    (void)ignored;
    return OK;
}

int db_fd(const struct db *db)
{
    return db->driver->fd ? db->driver->fd(db) : -1;
}

unsigned db_wants(const struct db *db)
{
    return db->driver->wants ? db->driver->wants(db) : 0;
}

unsigned db_fd_generation(const struct db *db)
{
    return db->driver->fd_generation ? db->driver->fd_generation(db) : 0;
}

int64_t db_wake_at(const struct db *db)
{
    return db->driver->wake_at ? db->driver->wake_at(db) : INT64_MAX;
}

void db_process(struct db *db)
{
    if (db->driver->process)
        db->driver->process(db);
}

int db_pending(const struct db *db)
{
    return db->driver->pending ? db->driver->pending(db) : 0;
}

/* ---- Rows ---- */

bool db_rows_next(struct db_rows *rows)
{
    return rows->cursor && rows->status == OK && rows->db->driver->next(rows);
}

enum status db_rows_status(const struct db_rows *rows)
{
    return rows->status;
}

enum status db_rows_close(struct db_rows *rows)
{
    if (!rows->cursor)
        return OK;
    enum status status = rows->status;
    rows->db->driver->release(rows);
    rows->cursor = NULL;
    return status;
}

/* False for a NULL. */
static bool take_number(struct db_rows *rows, int column, bool nullable, int64_t *out)
{
    enum column_found found = rows->db->driver->column_number(rows, column, out);
    if (found == COLUMN_OF_ANOTHER_TYPE || (found == COLUMN_NULL && !nullable))
        rows->status = ERR_DAMAGED;
    return found == COLUMN_VALUE;
}

static bool truth(struct db_rows *rows, int64_t value)
{
    if (value != 0 && value != 1)
        rows->status = ERR_DAMAGED;
    return value == 1;
}

int64_t db_column_int(struct db_rows *rows, int column)
{
    int64_t value = 0;
    return take_number(rows, column, false, &value) ? value : 0;
}

bool db_column_bool(struct db_rows *rows, int column)
{
    return truth(rows, db_column_int(rows, column));
}

struct date db_column_date(struct db_rows *rows, int column)
{
    int64_t value = 0;
    if (!take_number(rows, column, rows->statement->columns[column].nullable, &value))
        return DATE_NONE;
    if (value < INT32_MIN || value >= INT32_MAX)
        rows->status = ERR_DAMAGED;
    return (struct date){(int32_t)value};
}

struct bytes db_column_bytes(struct db_rows *rows, int column)
{
    struct bytes value = {0};
    enum column_found found = rows->db->driver->column_bytes(rows, column, &value);
    if (found == COLUMN_VALUE) /* empty is not NULL */
        return value.data ? value : (struct bytes){(const uint8_t *)"", 0};
    if (found == COLUMN_OF_ANOTHER_TYPE || !rows->statement->columns[column].nullable)
        rows->status = ERR_DAMAGED;
    return (struct bytes){0};
}

struct db_optional_int db_column_optional_int(struct db_rows *rows, int column)
{
    int64_t value = 0;
    bool present = take_number(rows, column, true, &value);
    return (struct db_optional_int){present, present ? value : 0};
}

struct db_optional_bool db_column_optional_bool(struct db_rows *rows, int column)
{
    struct db_optional_int value = db_column_optional_int(rows, column);
    return (struct db_optional_bool){value.present, truth(rows, value.value)};
}
