#ifndef SHIKAKU_DB_POSTGRESQL_H
#define SHIKAKU_DB_POSTGRESQL_H

#include <libpq-fe.h>

#include "db/driver.h"

/* What the two halves of the PostgreSQL driver share: changes (one at a time, waiting) and checks
 * (pipelined, never waiting). For src/db only. */

enum { MOST_PARAMETERS = 40 };

enum connection_state {
    CONNECTION_DOWN,    /* waits for wake_at, then connects */
    CONNECTION_MAKING,  /* libpq connects; given up at wake_at */
    CONNECTION_SETTING, /* connected, the session's settings and the schema's version are under way */
    CONNECTION_UP,
};

/* A check under way. */
struct pending {
    const struct db_statement *statement; /* NULL: the connection's own first statements */
    db_done *done;                        /* NULL: called back already, the result is to be dropped */
    void *argument;
    int64_t deadline;
    PGresult *result; /* until the pipeline's sync says that it is complete */
    enum status status;
    bool prepares; /* a prepare was sent before it */
};

struct db_postgresql {
    struct db base;
    PGconn *connection;
    char *location;
    bool *prepared; /* on this connection, by the statement's index */

    /* Checks only. */
    enum connection_state state;
    PostgresPollingStatusType polling;
    unsigned generation; /* of the descriptor: libpq makes a new one for each address that it tries */
    int failures;        /* attempts to connect in a row */
    int64_t wake_at;
    int64_t earliest;     /* no check under way has a deadline before this */
    bool broken;          /* sending failed: given up by the next process */
    struct pending *ring; /* most_pending + 1 places */
    int first;
    int count;
    bool processing; /* a callback may submit; its processing has no effect */
};

/* Parameters in PostgreSQL's binary form. Numbers lie in the struct, bytes are borrowed. */
struct parameters {
    const char *values[MOST_PARAMETERS];
    int lengths[MOST_PARAMETERS];
    int formats[MOST_PARAMETERS];
    uint8_t numbers[MOST_PARAMETERS][8];
};

struct db_postgresql *postgresql_of(struct db *db);
enum status postgresql_encode(const struct db_statement *statement, const struct db_value *values,
                              struct parameters *out) MUST_CHECK;
/* The name of the prepared statement on the server. */
struct statement_name {
    char text[64];
};
struct statement_name postgresql_name(const struct db_statement *statement);
/* Status of a result; logs what is our fault. A connection that is gone gives ERR_UNREACHABLE. */
enum status postgresql_status(const PGresult *result, const struct db_statement *statement);
/* True when the result's columns have the declared names and types. */
bool postgresql_columns_fit(const PGresult *result, const struct db_statement *statement);
struct db_rows postgresql_rows(struct db *db, const struct db_statement *statement, PGresult *result);

/* Keywords and values for PQconnectdbParams and PQconnectStartParams, ended by NULL. */
struct connection_words {
    const char *keywords[16];
    const char *values[16];
    char wait_seconds[16];
    char wait_milliseconds[16];
};
/*
 * One statement that sets what both kinds of session share. Rows are found by key, always: the plan is made
 * once for a connection and is nested look-ups in indexes, whatever statistics are missing or wrong;
 * compiling it (jit) would cost seconds. That a change reads by index also keeps SERIALIZABLE from locking
 * whole tables.
 */
extern const char postgresql_session_settings[];

void postgresql_words(const struct db_postgresql *db, struct connection_words *out);

/* postgresql_checks.c */
enum status postgresql_submit(struct db *db, const struct db_statement *statement,
                              const struct db_value *values, int64_t deadline, db_done *done,
                              void *argument) MUST_CHECK;
int postgresql_fd(const struct db *db);
unsigned postgresql_wants(const struct db *db);
unsigned postgresql_fd_generation(const struct db *db);
int64_t postgresql_wake_at(const struct db *db);
void postgresql_process(struct db *db);
int postgresql_pending(const struct db *db);
/* Calls back everything outstanding with ERR_UNREACHABLE. */
void postgresql_abandon(struct db_postgresql *db);

#endif
