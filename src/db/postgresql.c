#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "db/postgresql.h"

/* pg_type.oid of the types that we use. */
enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_TEXT = 25 };

struct db_postgresql *postgresql_of(struct db *db)
{
    return (struct db_postgresql *)db;
}

/* ---- Errors ---- */

static bool is_one_of(const char *state, const char *const *list)
{
    for (; *list; list++) {
        if (strcmp(state, *list) == 0)
            return true;
    }
    return false;
}

static enum status status_of_sqlstate(const char *state)
{
    /* serialization_failure, deadlock_detected, lock_not_available, too_many_connections */
    static const char *const again[] = {"40001", "40P01", "55P03", "53300", NULL};
    /* query_canceled, read_only_sql_transaction: the server is being stopped or is a standby now */
    static const char *const gone[] = {"57014", "57P01", "57P02", "57P03", "25006", NULL};
    if (is_one_of(state, again))
        return ERR_BUSY;
    if (is_one_of(state, gone) || strncmp(state, "08", 2) == 0)
        return ERR_UNREACHABLE;
    if (strcmp(state, "23505") == 0)
        return ERR_EXISTS;
    if (strncmp(state, "23", 2) == 0 || strncmp(state, "22", 2) == 0)
        return ERR_RANGE;
    if (strncmp(state, "53", 2) == 0 || strncmp(state, "58", 2) == 0)
        return ERR_IO;
    if (strncmp(state, "XX", 2) == 0)
        return ERR_DAMAGED;
    return ERR_INTERNAL;
}

enum status postgresql_status(const PGresult *result, const struct db_statement *statement)
{
    ExecStatusType kind = PQresultStatus(result);
    if (kind == PGRES_TUPLES_OK || kind == PGRES_COMMAND_OK)
        return OK;
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    if (!state) /* libpq's own: the connection is gone, whether it knows already or not */
        return ERR_UNREACHABLE;
    enum status status = status_of_sqlstate(state);
    if (status == ERR_INTERNAL || status == ERR_IO || status == ERR_DAMAGED)
        LOG(LOG_ERROR, "postgresql_failed", log_word("statement", statement ? statement->name : "script"),
            log_word("sqlstate", state));
    return status;
}

/* ---- Parameters ---- */

static void put_big_endian(uint8_t *out, size_t length, int64_t value)
{
    for (size_t i = 0; i < length; i++)
        out[i] = (uint8_t)((uint64_t)value >> (8 * (length - 1 - i)));
}

static size_t number_length(enum db_type type)
{
    return type == DB_BOOL ? 1 : type == DB_DATE ? 4 : 8;
}

enum status postgresql_encode(const struct db_statement *statement, const struct db_value *values,
                              struct parameters *out)
{
    if (statement->parameter_count > MOST_PARAMETERS)
        return ERR_INTERNAL;
    for (int i = 0; i < statement->parameter_count; i++) {
        enum db_type type = statement->parameters[i].type;
        out->formats[i] = 1;
        out->values[i] = NULL;
        out->lengths[i] = 0;
        if (values[i].null)
            continue;
        if (type == DB_TEXT || type == DB_BYTES) {
            if (values[i].bytes.length > INT32_MAX)
                return ERR_TOO_LARGE;
            out->values[i] = (const char *)values[i].bytes.data;
            out->lengths[i] = (int)values[i].bytes.length;
            continue;
        }
        size_t length = number_length(type);
        put_big_endian(out->numbers[i], length, values[i].number);
        out->values[i] = (const char *)out->numbers[i];
        out->lengths[i] = (int)length;
    }
    return OK;
}

struct statement_name postgresql_name(const struct db_statement *statement)
{
    struct statement_name name = {""};
    if (statement->index >= 0)
        snprintf(name.text, sizeof name.text, "s%d", statement->index);
    return name;
}

/* ---- Rows ---- */

static bool type_fits(Oid oid, enum db_type type)
{
    switch (type) {
    case DB_INT:
    case DB_MOMENT:
    case DB_DATE:
        return oid == OID_INT8 || oid == OID_INT4 || oid == OID_INT2;
    case DB_BOOL:
        return oid == OID_BOOL;
    case DB_TEXT:
        return oid == OID_TEXT;
    case DB_BYTES:
        return oid == OID_BYTEA;
    }
    return false;
}

bool postgresql_columns_fit(const PGresult *result, const struct db_statement *statement)
{
    if (PQnfields(result) != statement->column_count)
        return false;
    for (int i = 0; i < statement->column_count; i++) {
        if (!type_fits(PQftype(result, i), statement->columns[i].type) ||
            strcmp(PQfname(result, i), statement->columns[i].name) != 0)
            return false;
    }
    return true;
}

struct db_rows postgresql_rows(struct db *db, const struct db_statement *statement, PGresult *result)
{
    struct db_rows rows = {
        .db = db, .statement = statement, .cursor = result, .row = -1, .count = PQntuples(result)};
    rows.changed = strtoll(PQcmdTuples(result), NULL, 10);
    if (PQresultStatus(result) == PGRES_TUPLES_OK && !postgresql_columns_fit(result, statement))
        rows.status = ERR_DAMAGED;
    return rows;
}

static bool postgresql_next(struct db_rows *rows)
{
    return rows->row + 1 < rows->count && ++rows->row >= 0;
}

static void postgresql_release(struct db_rows *rows)
{
    PQclear(rows->cursor);
}

/* Signed, of 1 (a bool), 2, 4 or 8 bytes. */
static enum column_found postgresql_column_number(struct db_rows *rows, int column, int64_t *out)
{
    if (PQgetisnull(rows->cursor, rows->row, column))
        return COLUMN_NULL;
    const uint8_t *bytes = (const uint8_t *)PQgetvalue(rows->cursor, rows->row, column);
    int length = PQgetlength(rows->cursor, rows->row, column);
    if (length != 1 && length != 2 && length != 4 && length != 8)
        return COLUMN_OF_ANOTHER_TYPE;
    uint64_t value = length > 1 && (bytes[0] & 0x80) ? UINT64_MAX : 0;
    for (int i = 0; i < length; i++)
        value = value << 8 | bytes[i];
    *out = (int64_t)value;
    return COLUMN_VALUE;
}

static enum column_found postgresql_column_bytes(struct db_rows *rows, int column, struct bytes *out)
{
    if (PQgetisnull(rows->cursor, rows->row, column))
        return COLUMN_NULL;
    out->data = (const uint8_t *)PQgetvalue(rows->cursor, rows->row, column);
    out->length = (size_t)PQgetlength(rows->cursor, rows->row, column);
    return COLUMN_VALUE;
}

/* ---- The connection ---- */

void postgresql_words(const struct db_postgresql *db, struct connection_words *out)
{
    *out = (struct connection_words){0};
    int wait_ms = db->base.wait_ms;
    snprintf(out->wait_seconds, sizeof out->wait_seconds, "%d", wait_ms < 2000 ? 2 : wait_ms / 1000);
    snprintf(out->wait_milliseconds, sizeof out->wait_milliseconds, "%d", wait_ms);
    /* The location comes last, so that what it says wins. */
    const char *const words[][2] = {
        {"target_session_attrs", "read-write"},
        {"connect_timeout", out->wait_seconds},
        {"client_encoding", "UTF8"},
        {"application_name", "shikaku"},
        {"keepalives_idle", "5"},
        {"keepalives_interval", "2"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", out->wait_milliseconds},
        {"dbname", db->location},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        out->keywords[i] = words[i][0];
        out->values[i] = words[i][1];
    }
}

static void drop_notice(void *argument, const PGresult *result)
{
    (void)argument;
    (void)result;
}

static void forget_connection(struct db_postgresql *db)
{
    PQfinish(db->connection);
    db->connection = NULL;
    memset(db->prepared, 0, (size_t)db->base.catalogue->statement_count * sizeof *db->prepared);
}

/* Nothing is due on an idle connection: what can be read there is the server's farewell. */
static bool is_alive(const struct db_postgresql *db)
{
    if (!db->connection || PQstatus(db->connection) != CONNECTION_OK)
        return false;
    struct pollfd socket = {.fd = PQsocket(db->connection), .events = POLLIN};
    while (poll(&socket, 1, 0) == 1) {
        if (PQconsumeInput(db->connection) != 1)
            return false;
    }
    return PQstatus(db->connection) == CONNECTION_OK;
}

static enum status finish_command(PGresult *result, const struct db_statement *statement)
{
    enum status status = postgresql_status(result, statement);
    PQclear(result);
    return status;
}

const char postgresql_session_settings[] =
    "select set_config('jit', 'off', false), set_config('plan_cache_mode', 'force_generic_plan', false), "
    "set_config('join_collapse_limit', '1', false), set_config('from_collapse_limit', '1', false), "
    "set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false), "
    "set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false), "
    "set_config('enable_material', 'off', false), set_config('enable_memoize', 'off', false)";

static enum status set_up(struct db_postgresql *db)
{
    char settings[128];
    snprintf(settings, sizeof settings,
             "set default_transaction_isolation = serializable; set lock_timeout = %d", db->base.wait_ms);
    enum status status = finish_command(PQexec(db->connection, settings), NULL);
    return status == OK ? finish_command(PQexec(db->connection, postgresql_session_settings), NULL) : status;
}

/* For changes: makes the connection anew where it is gone. */
static enum status connect_now(struct db_postgresql *db)
{
    if (is_alive(db))
        return OK;
    forget_connection(db);
    struct connection_words words;
    postgresql_words(db, &words);
    db->connection = PQconnectdbParams(words.keywords, words.values, 1);
    if (PQstatus(db->connection) != CONNECTION_OK || set_up(db) != OK) {
        forget_connection(db);
        LOG(LOG_WARNING, "postgresql_unreachable");
        return ERR_UNREACHABLE;
    }
    PQsetNoticeReceiver(db->connection, drop_notice, NULL);
    return OK;
}

static enum status postgresql_execute(struct db *base, const char *sql)
{
    struct db_postgresql *db = postgresql_of(base);
    /* Inside a transaction a lost connection must not be replaced silently. */
    enum status status = base->in_transaction ? OK : connect_now(db);
    if (status != OK)
        return status;
    return finish_command(PQexec(db->connection, sql), NULL);
}

static enum status postgresql_begin(struct db *base)
{
    struct db_postgresql *db = postgresql_of(base);
    enum status status = connect_now(db);
    if (status != OK)
        return status;
    return finish_command(PQexec(db->connection, "begin isolation level serializable"), NULL);
}

static void postgresql_rollback(struct db *base)
{
    struct db_postgresql *db = postgresql_of(base);
    enum status status = finish_command(PQexec(db->connection, "rollback"), NULL);
    if (status != OK)
        forget_connection(db);
}

static enum status postgresql_commit(struct db *base)
{
    struct db_postgresql *db = postgresql_of(base);
    PGresult *result = PQexec(db->connection, "commit");
    enum status status = postgresql_status(result, NULL);
    /* A transaction that failed on the way answers COMMIT with ROLLBACK. */
    if (status == OK && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        status = ERR_WRONG_STATE;
    PQclear(result);
    if (status == ERR_UNREACHABLE)
        forget_connection(db);
    return status;
}

/* ---- Statements ---- */

static enum status postgresql_prepare(struct db *base, const struct db_statement *statement)
{
    struct db_postgresql *db = postgresql_of(base);
    enum status status = base->in_transaction ? OK : connect_now(db);
    if (status != OK)
        return status;
    struct statement_name name = postgresql_name(statement);
    if (!db->prepared[statement->index]) {
        status =
            finish_command(PQprepare(db->connection, name.text, statement->postgresql, 0, NULL), statement);
        if (status != OK)
            return status;
        db->prepared[statement->index] = true;
    }
    PGresult *result = PQdescribePrepared(db->connection, name.text);
    status = postgresql_status(result, statement);
    bool fits = status == OK && PQnparams(result) == statement->parameter_count &&
                postgresql_columns_fit(result, statement);
    for (int i = 0; fits && i < statement->parameter_count; i++)
        fits = type_fits(PQparamtype(result, i), statement->parameters[i].type);
    PQclear(result);
    if (status == OK && !fits) {
        LOG(LOG_ERROR, "statement_differs_from_declaration", log_word("statement", statement->name));
        return ERR_INTERNAL;
    }
    return status;
}

static PGresult *execute_statement(struct db_postgresql *db, const struct db_statement *statement,
                                   const struct parameters *parameters)
{
    int count = statement->parameter_count;
    if (statement->index < 0)
        return PQexecParams(db->connection, statement->postgresql, count, NULL, parameters->values,
                            parameters->lengths, parameters->formats, 1);
    struct statement_name name = postgresql_name(statement);
    return PQexecPrepared(db->connection, name.text, count, parameters->values, parameters->lengths,
                          parameters->formats, 1);
}

static enum status run_once(struct db_postgresql *db, const struct db_statement *statement,
                            const struct parameters *parameters, struct db_rows *rows)
{
    enum status status = db->base.in_transaction ? OK : connect_now(db);
    if (status == OK && statement->index >= 0 && !db->prepared[statement->index])
        status = postgresql_prepare(&db->base, statement);
    if (status != OK)
        return status;
    PGresult *result = execute_statement(db, statement, parameters);
    status = postgresql_status(result, statement);
    if (status != OK) {
        PQclear(result);
        return status;
    }
    *rows = postgresql_rows(&db->base, statement, result);
    return OK;
}

static enum status postgresql_run(struct db *base, const struct db_statement *statement,
                                  const struct db_value *values, bool borrow, struct db_rows *rows)
{
    (void)borrow;
    struct parameters parameters;
    enum status status = postgresql_encode(statement, values, &parameters);
    return status == OK ? run_once(postgresql_of(base), statement, &parameters, rows) : status;
}

/* ---- Opening ---- */

static void postgresql_close(struct db *base)
{
    struct db_postgresql *db = postgresql_of(base);
    postgresql_abandon(db);
    PQfinish(db->connection);
    if (db->location)
        secret_wipe(db->location, strlen(db->location));
    free(db->location);
    free(db->prepared);
    free(db->ring);
    free(db);
}

static const struct db_driver postgresql_driver = {
    .embedded = false,
    .close = postgresql_close,
    .execute = postgresql_execute,
    .begin = postgresql_begin,
    .commit = postgresql_commit,
    .rollback = postgresql_rollback,
    .run = postgresql_run,
    .prepare = postgresql_prepare,
    .next = postgresql_next,
    .release = postgresql_release,
    .column_number = postgresql_column_number,
    .column_bytes = postgresql_column_bytes,
    .submit = postgresql_submit,
    .fd = postgresql_fd,
    .wants = postgresql_wants,
    .fd_generation = postgresql_fd_generation,
    .wake_at = postgresql_wake_at,
    .process = postgresql_process,
    .pending = postgresql_pending,
};

enum status db_postgresql_open(const char *location, const struct db_options *options,
                               const struct db_catalogue *catalogue, struct db **out)
{
    struct db_postgresql *db = calloc(1, sizeof *db);
    if (!db)
        return ERR_NO_MEMORY;
    db->base = (struct db){.driver = &postgresql_driver,
                           .catalogue = catalogue,
                           .use = options->use,
                           .wait_ms = options->wait_ms,
                           .most_pending = options->most_pending};
    db->location = strdup(location);
    db->prepared = calloc((size_t)catalogue->statement_count, sizeof *db->prepared);
    db->ring = calloc((size_t)options->most_pending + 1, sizeof *db->ring);
    enum status status = db->location && db->prepared && db->ring ? OK : ERR_NO_MEMORY;
    if (status == OK && options->use == DB_FOR_CHANGES)
        status = connect_now(db);
    if (status != OK) {
        postgresql_close(&db->base);
        return status;
    }
    if (options->use == DB_FOR_CHECKS)
        postgresql_process(&db->base);
    *out = &db->base;
    return OK;
}
