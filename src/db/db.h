#ifndef SHIKAKU_DB_DB_H
#define SHIKAKU_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/date.h"
#include "base/status.h"

/*
 * One small interface to a database, two drivers: SQLite (one machine) and PostgreSQL (many machines).
 *
 * Statements are never built while running. They stand in catalogue files (X.sql in the folder of their
 * layer), from which the build generates, for each statement, a struct of parameters, a struct of one row and
 * functions that run it (db/catalogue.h says how a catalogue is written). This header is what remains for
 * people to call: opening, transactions, reading rows, and driving checks from an event loop.
 *
 * A handle belongs to one thread at a time.
 */
struct db;
struct db_catalogue;
struct db_statement;

/* What a handle is for. Anything else on it gives ERR_WRONG_STATE, on both drivers alike. */
enum db_use {
    DB_FOR_CHANGES, /* synchronous statements and transactions; *_submit() runs inline */
    DB_FOR_CHECKS,  /* read-only; *_submit() only: inline on SQLite, pipelined on PostgreSQL */
};

struct db_options {
    /* "sqlite:PATH" or a libpq URI ("postgresql://…"). Borrowed while opening only. May hold a password:
     * never logged. */
    const char *location;
    enum db_use use;
    /* Milliseconds a change waits for another writer before ERR_BUSY, and for a server before
     * ERR_UNREACHABLE. 0: 5000. */
    int wait_ms;
    /* Checks under way at one time on one PostgreSQL connection; beyond it *_submit() answers ERR_BUSY.
     * 0: 1024. */
    int most_pending;
};

/*
 * Opens the database that holds the catalogue's tables. A missing SQLite file is created (DB_FOR_CHANGES).
 * The catalogue must outlive the handle. Closed by db_close().
 * ERR_VERSION: the schema is not the one that the catalogue was written for (see db_migrate; handles for
 * checks look at once, handles for changes at the first statement). ERR_UNREACHABLE: no server (handles for
 * changes only: a handle for checks opens and connects in the background).
 */
enum status db_open(const struct db_options *options, const struct db_catalogue *catalogue,
                    struct db **out) MUST_CHECK;
/* Outstanding checks are called back with ERR_UNREACHABLE. NULL is fine. */
void db_close(struct db *db);

/*
 * Brings the schema to the newest version, each step in a transaction of its own, forward only. Safe to call
 * from several processes at once. ERR_VERSION: the database is newer than this program.
 */
enum status db_migrate(struct db *db) MUST_CHECK;
/* Prepares every statement and compares its parameters and columns with what the catalogue declares. */
enum status db_prepare_all(struct db *db) MUST_CHECK;
/* True for SQLite: one file on this machine, and *_submit() calls back before it returns. */
bool db_is_embedded(const struct db *db);

/* ---- Changes ---- */

/*
 * One attempt at a change. Must have no effect outside the database that a second run would not overwrite:
 * it runs again from the start when the database asks for it. Returns what the statements returned, or an
 * error of its own; anything but OK rolls back.
 */
typedef enum status db_work(struct db *db, void *argument);

/*
 * Runs work in one transaction: SERIALIZABLE on PostgreSQL, BEGIN IMMEDIATE on SQLite. Re-runs it when it
 * lost against another (PostgreSQL 40001, 40P01), a few times with growing pauses, then ERR_BUSY. Not
 * nestable: ERR_WRONG_STATE. ERR_UNREACHABLE from the commit itself means that the outcome is not known: a
 * change that must not happen twice carries a unique key.
 */
enum status db_transaction(struct db *db, db_work *work, void *argument) MUST_CHECK;
bool db_is_in_transaction(const struct db *db);

/*
 * The rows of a statement that is being read. Filled by the generated function, read by the generated
 * *_next(), ended by db_rows_close(), which also says whether reading went well to the end. Views in a row
 * live until the next row or the close. The fields are the driver's.
 */
struct db_rows {
    struct db *db;
    const struct db_statement *statement;
    void *cursor;
    int row;
    int count;
    bool temporary;
    int64_t changed;
    enum status status;
};

/* Ends reading (early is fine) and gives the first error met. Calling it again does nothing: OK. */
enum status db_rows_close(struct db_rows *rows) MUST_CHECK;

/*
 * Errors of any statement: ERR_EXISTS (a unique key is already there), ERR_RANGE (another constraint
 * refused), ERR_BUSY (another writer, or this transaction has to be run again), ERR_UNREACHABLE (server),
 * ERR_VERSION, ERR_IO (disk), ERR_DAMAGED (stored values do not fit the declared types), ERR_INTERNAL.
 */

/* ---- Checks ---- */

/*
 * Called exactly once for each accepted submit. rows is NULL unless status is OK; it is read with the
 * generated *_next(), and closed by the caller of this function afterwards; its status after the last row
 * must be looked at (db_rows_status).
 */
typedef void db_done(void *argument, enum status status, struct db_rows *rows);

/* What a complete reading met: OK, or the first error. */
enum status db_rows_status(const struct db_rows *rows) MUST_CHECK;

/* Whether to watch db_fd() for reading, writing. */
enum { DB_WANTS_READ = 1, DB_WANTS_WRITE = 2 };

/*
 * For an event loop; only PostgreSQL handles for checks have something to watch. After every db_process()
 * and every submit ask all of these again: the descriptor changes when the connection is made anew.
 */
int db_fd(const struct db *db); /* -1: nothing to watch now */
unsigned db_wants(const struct db *db);
/* Another number: db_fd() may be a new descriptor that has the old one's number, so watch it anew. */
unsigned db_fd_generation(const struct db *db);
/* When db_process() must be called at the latest, in monotonic_microseconds(); INT64_MAX: never. */
int64_t db_wake_at(const struct db *db);
/* Goes on with what is under way: sends, receives, calls back, gives up what is past its deadline
 * (ERR_UNREACHABLE), reconnects with growing pauses. */
void db_process(struct db *db);
/* Checks submitted and not yet called back. */
int db_pending(const struct db *db);

#endif
