#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "db/driver.h"

enum { CHANGES_CACHE_KIB = 131072, CHECKS_CACHE_KIB = 4096, MOST_WAL_BYTES = 64 << 20 };

struct db_sqlite {
    struct db base;
    sqlite3 *connection;
    /* By the statement's index; NULL until first used. */
    sqlite3_stmt **prepared;
    bool *in_use;
};

static struct db_sqlite *of(struct db *db)
{
    return (struct db_sqlite *)db;
}

static sqlite3_stmt *cursor_of(const struct db_rows *rows)
{
    return rows->cursor;
}

static enum status status_of_constraint(int extended)
{
    switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return ERR_EXISTS;
    default:
        return ERR_RANGE;
    }
}

static enum status status_of(int code, int extended)
{
    switch (code) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_CONSTRAINT:
        return status_of_constraint(extended);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_DAMAGED;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
        return ERR_IO;
    case SQLITE_NOMEM:
        return ERR_NO_MEMORY;
    case SQLITE_READONLY:
        return ERR_WRONG_STATE;
    case SQLITE_TOOBIG:
        return ERR_TOO_LARGE;
    default:
        return ERR_INTERNAL;
    }
}

static enum status failed(struct db_sqlite *db, int code, const char *statement)
{
    enum status status = status_of(code & 0xff, sqlite3_extended_errcode(db->connection));
    if (status == ERR_INTERNAL || status == ERR_IO || status == ERR_DAMAGED)
        LOG(LOG_ERROR, "sqlite_failed", log_word("statement", statement),
            log_number("code", sqlite3_extended_errcode(db->connection)));
    return status;
}

static enum status sqlite_execute(struct db *base, const char *sql)
{
    struct db_sqlite *db = of(base);
    int code = sqlite3_exec(db->connection, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? OK : failed(db, code, "script");
}

static enum status sqlite_begin(struct db *base)
{
    return sqlite_execute(base, "begin immediate");
}

static void sqlite_rollback(struct db *base)
{
    /* Some errors have rolled back already. */
    if (sqlite3_get_autocommit(of(base)->connection))
        return;
    enum status status = sqlite_execute(base, "rollback");
    if (status != OK)
        LOG(LOG_ERROR, "rollback_failed", log_status("status", status));
}

static enum status sqlite_commit(struct db *base)
{
    if (sqlite3_get_autocommit(of(base)->connection))
        return ERR_IO;
    enum status status = sqlite_execute(base, "commit");
    if (status != OK)
        sqlite_rollback(base);
    return status;
}

/* ---- Statements ---- */

static bool columns_fit(sqlite3_stmt *stmt, const struct db_statement *statement)
{
    static const char *const names[] = {[DB_INT] = "INTEGER",  [DB_BOOL] = "INTEGER", [DB_MOMENT] = "INTEGER",
                                        [DB_DATE] = "INTEGER", [DB_TEXT] = "TEXT",    [DB_BYTES] = "BLOB"};
    if (sqlite3_bind_parameter_count(stmt) != statement->parameter_count ||
        sqlite3_column_count(stmt) != statement->column_count)
        return false;
    for (int i = 0; i < statement->column_count; i++) {
        if (strcmp(sqlite3_column_name(stmt, i), statement->columns[i].name) != 0)
            return false;
        /* Of an expression SQLite does not know the type before there is a row. */
        const char *declared = sqlite3_column_decltype(stmt, i);
        if (declared && sqlite3_stricmp(declared, names[statement->columns[i].type]) != 0)
            return false;
    }
    return true;
}

static enum status prepare_new(struct db_sqlite *db, const struct db_statement *statement, unsigned flags,
                               sqlite3_stmt **out)
{
    int code = sqlite3_prepare_v3(db->connection, statement->sqlite, -1, flags, out, NULL);
    if (code != SQLITE_OK)
        return failed(db, code, statement->name);
    if (columns_fit(*out, statement))
        return OK;
    LOG(LOG_ERROR, "statement_differs_from_declaration", log_word("statement", statement->name));
    sqlite3_finalize(*out);
    *out = NULL;
    return ERR_INTERNAL;
}

static enum status take_statement(struct db_sqlite *db, const struct db_statement *statement,
                                  struct db_rows *rows)
{
    sqlite3_stmt *stmt = NULL;
    int index = statement->index;
    rows->temporary = index < 0 || db->in_use[index];
    if (rows->temporary) {
        enum status status = prepare_new(db, statement, 0, &stmt);
        rows->cursor = stmt;
        return status;
    }
    if (!db->prepared[index]) {
        enum status status = prepare_new(db, statement, SQLITE_PREPARE_PERSISTENT, &stmt);
        if (status != OK)
            return status;
        db->prepared[index] = stmt;
    }
    db->in_use[index] = true;
    rows->cursor = db->prepared[index];
    return OK;
}

static int bind(sqlite3_stmt *stmt, int position, enum db_type type, const struct db_value *value,
                bool borrow)
{
    if (value->null)
        return sqlite3_bind_null(stmt, position);
    sqlite3_destructor_type lifetime = borrow ? SQLITE_STATIC : SQLITE_TRANSIENT;
    if (type == DB_TEXT)
        return sqlite3_bind_text64(stmt, position, (const char *)value->bytes.data, value->bytes.length,
                                   lifetime, SQLITE_UTF8);
    if (type == DB_BYTES)
        return sqlite3_bind_blob64(stmt, position, value->bytes.data, value->bytes.length, lifetime);
    return sqlite3_bind_int64(stmt, position, value->number);
}

static void sqlite_release(struct db_rows *rows)
{
    sqlite3_stmt *stmt = cursor_of(rows);
    if (rows->temporary) {
        sqlite3_finalize(stmt);
        return;
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    of(rows->db)->in_use[rows->statement->index] = false;
}

/* A statement that changes acts at its first step: taken here, so that it acts even if nobody reads. */
static enum status take_first_step(struct db_sqlite *db, struct db_rows *rows)
{
    int before = sqlite3_total_changes(db->connection);
    int code = sqlite3_step(cursor_of(rows));
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return failed(db, code, rows->statement->name);
    rows->count = code == SQLITE_ROW;
    rows->changed = sqlite3_total_changes(db->connection) - before;
    return OK;
}

static enum status sqlite_run(struct db *base, const struct db_statement *statement,
                              const struct db_value *values, bool borrow, struct db_rows *rows)
{
    struct db_sqlite *db = of(base);
    *rows = (struct db_rows){.db = base, .statement = statement};
    enum status status = take_statement(db, statement, rows);
    if (status != OK)
        return status;
    for (int i = 0; status == OK && i < statement->parameter_count; i++) {
        int code = bind(cursor_of(rows), i + 1, statement->parameters[i].type, &values[i], borrow);
        if (code != SQLITE_OK)
            status = failed(db, code, statement->name);
    }
    if (status == OK)
        status = take_first_step(db, rows);
    if (status != OK) {
        sqlite_release(rows);
        rows->cursor = NULL;
    }
    return status;
}

static enum status sqlite_prepare(struct db *base, const struct db_statement *statement)
{
    struct db_rows rows = {.db = base, .statement = statement};
    enum status status = take_statement(of(base), statement, &rows);
    if (status == OK)
        sqlite_release(&rows);
    return status;
}

/* count: 1 while a row is at hand (read ahead by one at the start), 0 once there are no more. */
static bool sqlite_next(struct db_rows *rows)
{
    if (rows->count == 0)
        return false;
    if (rows->row++ == 0)
        return true;
    int code = sqlite3_step(cursor_of(rows));
    if (code == SQLITE_ROW)
        return true;
    rows->count = 0;
    if (code != SQLITE_DONE)
        rows->status = failed(of(rows->db), code, rows->statement->name);
    return false;
}

static enum column_found sqlite_column_number(struct db_rows *rows, int column, int64_t *out)
{
    sqlite3_stmt *stmt = cursor_of(rows);
    int type = sqlite3_column_type(stmt, column);
    if (type != SQLITE_INTEGER)
        return type == SQLITE_NULL ? COLUMN_NULL : COLUMN_OF_ANOTHER_TYPE;
    *out = sqlite3_column_int64(stmt, column);
    return COLUMN_VALUE;
}

static enum column_found sqlite_column_bytes(struct db_rows *rows, int column, struct bytes *out)
{
    sqlite3_stmt *stmt = cursor_of(rows);
    int declared = rows->statement->columns[column].type == DB_TEXT ? SQLITE_TEXT : SQLITE_BLOB;
    int type = sqlite3_column_type(stmt, column);
    if (type != declared)
        return type == SQLITE_NULL ? COLUMN_NULL : COLUMN_OF_ANOTHER_TYPE;
    out->data = type == SQLITE_TEXT ? sqlite3_column_text(stmt, column) : sqlite3_column_blob(stmt, column);
    out->length = (size_t)sqlite3_column_bytes(stmt, column);
    if (out->data || out->length == 0)
        return COLUMN_VALUE;
    rows->status = ERR_NO_MEMORY;
    return COLUMN_NULL;
}

/* ---- Opening ---- */

static void sqlite_close(struct db *base)
{
    struct db_sqlite *db = of(base);
    for (int i = 0; db->prepared && i < base->catalogue->statement_count; i++)
        sqlite3_finalize(db->prepared[i]);
    sqlite3_close_v2(db->connection);
    free(db->prepared);
    free(db->in_use);
    free(db);
}

static const struct db_driver sqlite_driver = {
    .embedded = true,
    .close = sqlite_close,
    .execute = sqlite_execute,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .run = sqlite_run,
    .prepare = sqlite_prepare,
    .next = sqlite_next,
    .release = sqlite_release,
    .column_number = sqlite_column_number,
    .column_bytes = sqlite_column_bytes,
};

/* What the page cache need not hold the kernel's does: readers map the file. */
static enum status set_up(struct db_sqlite *db)
{
    bool changes = db->base.use == DB_FOR_CHANGES;
    char settings[512];
    sqlite3_snprintf((int)sizeof settings, settings,
                     "pragma foreign_keys = on; pragma trusted_schema = off; pragma secure_delete = on;"
                     "pragma temp_store = memory; pragma cache_size = -%d; pragma mmap_size = %lld;"
                     "pragma synchronous = full; pragma journal_size_limit = %d;",
                     changes ? CHANGES_CACHE_KIB : CHECKS_CACHE_KIB, 16LL << 30, MOST_WAL_BYTES);
    sqlite3_busy_timeout(db->connection, db->base.wait_ms);
    sqlite3_extended_result_codes(db->connection, 1);
    sqlite3_db_config(db->connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->connection, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db->connection, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    enum status status = changes ? sqlite_execute(&db->base, "pragma journal_mode = wal") : OK;
    return status == OK ? sqlite_execute(&db->base, settings) : status;
}

/* SQLite would let the umask decide; its log and index files take over what this file has. */
static void create_private(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0)
        close(file);
}

/* Counting memory takes a lock of the whole process at every allocation, which the loops would share. Without
 * effect where the program has used SQLite otherwise before. */
static void configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum status connect_file(struct db_sqlite *db, const char *path)
{
    int flags =
        db->base.use == DB_FOR_CHANGES ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    if (db->base.use == DB_FOR_CHANGES)
        create_private(path);
    int code = sqlite3_open_v2(path, &db->connection, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        return db->connection ? failed(db, code, "open") : ERR_NO_MEMORY;
    return set_up(db);
}

static enum status find_schema(struct db *base)
{
    if (base->use == DB_FOR_CHANGES || base->catalogue->migration_count == 0)
        return OK;
    const struct db_value values[] = {db_value_bytes(bytes_of_text(base->catalogue->name))};
    struct db_rows rows;
    if (sqlite_run(base, &db_schema_version_read, values, true, &rows) != OK)
        return ERR_VERSION;
    base->schema_known = db_rows_next(&rows) && db_column_int(&rows, 0) == base->catalogue->migration_count;
    enum status status = db_rows_close(&rows);
    return status != OK || base->schema_known ? status : ERR_VERSION;
}

enum status db_sqlite_open(const char *path, const struct db_options *options,
                           const struct db_catalogue *catalogue, struct db **out)
{
    static pthread_once_t configured = PTHREAD_ONCE_INIT;
    pthread_once(&configured, configure);
    struct db_sqlite *db = calloc(1, sizeof *db);
    if (!db)
        return ERR_NO_MEMORY;
    db->base = (struct db){.driver = &sqlite_driver,
                           .catalogue = catalogue,
                           .use = options->use,
                           .wait_ms = options->wait_ms,
                           .most_pending = options->most_pending};
    db->prepared = calloc((size_t)catalogue->statement_count, sizeof(sqlite3_stmt *));
    db->in_use = calloc((size_t)catalogue->statement_count, sizeof(bool));
    enum status status = db->prepared && db->in_use ? connect_file(db, path) : ERR_NO_MEMORY;
    if (status == OK)
        status = find_schema(&db->base);
    if (status != OK) {
        sqlite_close(&db->base);
        return status;
    }
    *out = &db->base;
    return OK;
}
