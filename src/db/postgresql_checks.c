#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "db/postgresql.h"

/*
 * Checks on PostgreSQL: one connection, libpq's pipeline mode. Every check is followed by a sync of its own,
 * so that the failure of one does not touch the next. Results come in the order of sending.
 */

enum { FIRST_PAUSE_MS = 50, LONGEST_PAUSE_MS = 5000 };

static struct pending *pending_at(struct db_postgresql *db, int position)
{
    return &db->ring[(db->first + position) % (db->base.most_pending + 1)];
}

static void push(struct db_postgresql *db, struct pending pending)
{
    *pending_at(db, db->count) = pending;
    db->count++;
}

static struct pending pop(struct db_postgresql *db)
{
    struct pending pending = db->ring[db->first];
    db->first = (db->first + 1) % (db->base.most_pending + 1);
    if (--db->count == 0)
        db->earliest = INT64_MAX;
    return pending;
}

static void call_back(struct db_postgresql *db, struct pending *pending, enum status status)
{
    if (!pending->done)
        return;
    db_done *done = pending->done;
    pending->done = NULL;
    if (status != OK) {
        done(pending->argument, status, NULL);
        return;
    }
    struct db_rows rows = postgresql_rows(&db->base, pending->statement, pending->result);
    pending->result = NULL;
    done(pending->argument, OK, &rows);
    enum status ignored = db_rows_close(&rows); /* was the callback's to look at */
    (void)ignored;
}

void postgresql_abandon(struct db_postgresql *db)
{
    while (db->count > 0) {
        struct pending pending = pop(db);
        PQclear(pending.result);
        pending.result = NULL;
        call_back(db, &pending, ERR_UNREACHABLE);
    }
}

/* ---- Connecting ---- */

static void give_up_connection(struct db_postgresql *db)
{
    if (db->state == CONNECTION_UP)
        LOG(LOG_WARNING, "postgresql_connection_lost", log_number("pending", db->count));
    else if (db->failures == 0)
        LOG(LOG_WARNING, "postgresql_unreachable");
    db->broken = false;
    PQfinish(db->connection);
    db->connection = NULL;
    db->state = CONNECTION_DOWN;
    db->wake_at =
        monotonic_microseconds() + db_pause_microseconds(db->failures++, FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    memset(db->prepared, 0, (size_t)db->base.catalogue->statement_count * sizeof *db->prepared);
    postgresql_abandon(db);
}

static void drop_notice(void *argument, const PGresult *result)
{
    (void)argument;
    (void)result;
}

static void start_connecting(struct db_postgresql *db)
{
    struct connection_words words;
    postgresql_words(db, &words);
    db->connection = PQconnectStartParams(words.keywords, words.values, 1);
    db->state = CONNECTION_MAKING;
    db->generation++;
    db->polling = PGRES_POLLING_WRITING;
    db->wake_at = monotonic_microseconds() + (int64_t)db->base.wait_ms * 1000;
    if (!db->connection || PQstatus(db->connection) == CONNECTION_BAD)
        give_up_connection(db);
    else
        PQsetNoticeReceiver(db->connection, drop_notice, NULL);
}

static bool send_setting(struct db_postgresql *db, const char *sql)
{
    return PQsendQueryParams(db->connection, sql, 0, NULL, NULL, NULL, NULL, 1) == 1;
}

/* Read-only from here on, and the schema's version: answered like a check, in front of all checks. */
static bool send_first_statements(struct db_postgresql *db)
{
    const struct db_value values[] = {db_value_bytes(bytes_of_text(db->base.catalogue->name))};
    struct parameters parameters;
    if (postgresql_encode(&db_schema_version_read, values, &parameters) != OK)
        return false;
    char timeout[64];
    snprintf(timeout, sizeof timeout, "set statement_timeout = %d", db->base.wait_ms);
    return PQsetnonblocking(db->connection, 1) == 0 && PQenterPipelineMode(db->connection) == 1 &&
           send_setting(db, "set default_transaction_read_only = on") && send_setting(db, timeout) &&
           send_setting(db, postgresql_session_settings) &&
           PQsendQueryParams(db->connection, db_schema_version_read.postgresql, 1, NULL, parameters.values,
                             parameters.lengths, parameters.formats, 1) == 1 &&
           PQpipelineSync(db->connection) == 1;
}

/* libpq takes a call before the socket is ready for a failure. */
static bool is_socket_ready(const struct db_postgresql *db)
{
    struct pollfd socket = {.fd = PQsocket(db->connection),
                            .events = db->polling == PGRES_POLLING_READING ? POLLIN : POLLOUT};
    return poll(&socket, 1, 0) == 1;
}

static void go_on_connecting(struct db_postgresql *db)
{
    if (!is_socket_ready(db))
        return;
    db->polling = PQconnectPoll(db->connection);
    db->generation++;
    if (db->polling == PGRES_POLLING_FAILED) {
        give_up_connection(db);
        return;
    }
    if (db->polling != PGRES_POLLING_OK)
        return;
    if (!send_first_statements(db)) {
        give_up_connection(db);
        return;
    }
    db->state = CONNECTION_SETTING;
    push(db, (struct pending){.statement = NULL, .deadline = INT64_MAX});
}

static bool schema_fits(struct db_postgresql *db, const struct pending *first)
{
    if (db->base.catalogue->migration_count == 0)
        return true;
    if (first->status != OK || !first->result)
        return false;
    struct db_rows rows = postgresql_rows(&db->base, &db_schema_version_read, first->result);
    return db_rows_next(&rows) && db_column_int(&rows, 0) == db->base.catalogue->migration_count;
}

/* The connection is of use from now on, or is given up. */
static void finish_connecting(struct db_postgresql *db, struct pending *first)
{
    bool fits = schema_fits(db, first);
    PQclear(first->result);
    if (!fits) {
        LOG(LOG_ERROR, "schema_version_differs", log_word("catalogue", db->base.catalogue->name),
            log_number("expected", db->base.catalogue->migration_count));
        give_up_connection(db);
        return;
    }
    db->state = CONNECTION_UP;
    db->earliest = INT64_MAX;
    db->failures = 0;
    LOG(LOG_INFO, "postgresql_connected", log_word("catalogue", db->base.catalogue->name));
}

/* ---- Sending ---- */

static bool send_check(struct db_postgresql *db, const struct db_statement *statement,
                       const struct parameters *parameters)
{
    struct statement_name name = postgresql_name(statement);
    if (!db->prepared[statement->index] &&
        PQsendPrepare(db->connection, name.text, statement->postgresql, 0, NULL) != 1)
        return false;
    return PQsendQueryPrepared(db->connection, name.text, statement->parameter_count, parameters->values,
                               parameters->lengths, parameters->formats, 1) == 1 &&
           PQpipelineSync(db->connection) == 1;
}

enum status postgresql_submit(struct db *base, const struct db_statement *statement,
                              const struct db_value *values, int64_t deadline, db_done *done, void *argument)
{
    struct db_postgresql *db = postgresql_of(base);
    if (db->state != CONNECTION_UP || db->broken)
        return ERR_UNREACHABLE;
    if (db->count >= base->most_pending)
        return ERR_BUSY;
    struct parameters parameters;
    enum status status = postgresql_encode(statement, values, &parameters);
    if (status != OK)
        return status;
    bool prepares = !db->prepared[statement->index];
    if (!send_check(db, statement, &parameters)) {
        db->broken = true; /* the others are called back by the next process */
        return ERR_UNREACHABLE;
    }
    if (deadline < db->earliest)
        db->earliest = deadline;
    db->prepared[statement->index] = true;
    push(db, (struct pending){.statement = statement,
                              .done = done,
                              .argument = argument,
                              .deadline = deadline,
                              .prepares = prepares});
    return OK;
}

/* ---- Receiving ---- */

static void take_result(struct db_postgresql *db, PGresult *result)
{
    struct pending *pending = pending_at(db, 0);
    ExecStatusType kind = PQresultStatus(result);
    enum status status = kind == PGRES_PIPELINE_ABORTED ? OK : postgresql_status(result, pending->statement);
    if (pending->status == OK)
        pending->status = status;
    if (kind != PGRES_TUPLES_OK) {
        PQclear(result);
        return;
    }
    PQclear(pending->result);
    pending->result = result;
}

/* The pipeline's sync: the first check is complete. */
static void finish_first(struct db_postgresql *db)
{
    struct pending pending = pop(db);
    if (!pending.statement) {
        finish_connecting(db, &pending);
        return;
    }
    if (pending.status == OK && !pending.result)
        pending.status = ERR_INTERNAL; /* a statement without rows is not a check */
    if (pending.status != OK && pending.prepares)
        db->prepared[pending.statement->index] = false;
    call_back(db, &pending, pending.status);
    PQclear(pending.result);
}

/* False when the connection is gone. A callback may have given it up itself. */
static bool receive(struct db_postgresql *db)
{
    if (PQconsumeInput(db->connection) != 1)
        return false;
    while (db->connection && db->count > 0 && !PQisBusy(db->connection)) {
        PGresult *result = PQgetResult(db->connection);
        if (!result) {
            if (PQstatus(db->connection) != CONNECTION_OK)
                return false;
            continue; /* end of one statement's results */
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            finish_first(db);
        } else {
            take_result(db, result);
        }
    }
    return !db->connection || PQstatus(db->connection) == CONNECTION_OK;
}

/* A late answer is of no use to anybody; its place in the pipeline stays until it comes. */
static void give_up_late(struct db_postgresql *db, int64_t now)
{
    if (now < db->earliest)
        return;
    db->earliest = INT64_MAX;
    for (int i = 0; i < db->count; i++) {
        struct pending *pending = pending_at(db, i);
        if (!pending->done)
            continue;
        if (pending->deadline <= now)
            call_back(db, pending, ERR_UNREACHABLE);
        else if (pending->deadline < db->earliest)
            db->earliest = pending->deadline;
    }
}

/* The server answers in order: when the first is as late as this, nothing comes any more. */
static int64_t stuck_at(const struct db_postgresql *db)
{
    int64_t deadline = db->count > 0 ? db->ring[db->first].deadline : INT64_MAX;
    int64_t patience = (int64_t)db->base.wait_ms * 1000;
    return deadline < INT64_MAX - patience ? deadline + patience : INT64_MAX;
}

static void process_up(struct db_postgresql *db, int64_t now)
{
    if (db->broken || PQflush(db->connection) < 0 || !receive(db)) {
        if (db->connection)
            give_up_connection(db);
        return;
    }
    give_up_late(db, now);
    bool setting_is_late = db->state == CONNECTION_SETTING && now >= db->wake_at;
    if (db->connection && (setting_is_late || now >= stuck_at(db)))
        give_up_connection(db);
}

void postgresql_process(struct db *base)
{
    struct db_postgresql *db = postgresql_of(base);
    if (base->use != DB_FOR_CHECKS || db->processing)
        return;
    db->processing = true;
    int64_t now = monotonic_microseconds();
    if (db->state == CONNECTION_DOWN && now >= db->wake_at)
        start_connecting(db);
    else if (db->state == CONNECTION_MAKING && now >= db->wake_at)
        give_up_connection(db);
    else if (db->state == CONNECTION_MAKING)
        go_on_connecting(db);
    else if (db->state == CONNECTION_SETTING || db->state == CONNECTION_UP)
        process_up(db, now);
    db->processing = false;
}

/* ---- For the event loop ---- */

int postgresql_fd(const struct db *base)
{
    const struct db_postgresql *db = (const struct db_postgresql *)base;
    return db->connection && base->use == DB_FOR_CHECKS ? PQsocket(db->connection) : -1;
}

unsigned postgresql_wants(const struct db *base)
{
    const struct db_postgresql *db = (const struct db_postgresql *)base;
    if (!db->connection || base->use != DB_FOR_CHECKS)
        return 0;
    if (db->state == CONNECTION_MAKING)
        return db->polling == PGRES_POLLING_READING ? DB_WANTS_READ : DB_WANTS_WRITE;
    return PQflush(db->connection) == 1 ? DB_WANTS_READ | DB_WANTS_WRITE : DB_WANTS_READ;
}

unsigned postgresql_fd_generation(const struct db *base)
{
    return ((const struct db_postgresql *)base)->generation;
}

int64_t postgresql_wake_at(const struct db *base)
{
    const struct db_postgresql *db = (const struct db_postgresql *)base;
    if (base->use != DB_FOR_CHECKS)
        return INT64_MAX;
    if (db->state != CONNECTION_UP)
        return db->wake_at;
    if (db->broken)
        return 0;
    int64_t stuck = stuck_at(db);
    return db->earliest < stuck ? db->earliest : stuck;
}

int postgresql_pending(const struct db *base)
{
    const struct db_postgresql *db = (const struct db_postgresql *)base;
    int count = 0;
    for (int i = 0; i < db->count; i++)
        count += db->ring[(db->first + i) % (base->most_pending + 1)].done != NULL;
    return count;
}
