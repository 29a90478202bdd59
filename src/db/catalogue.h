#ifndef SHIKAKU_DB_CATALOGUE_H
#define SHIKAKU_DB_CATALOGUE_H

#include "db/db.h"

/*
 * What generated code consists of and calls. People write the catalogue, not this:
 *
 *     -- name: insurer_find
 *     -- What it is for, in a sentence.
 *     -- in: number text, since date?
 *     -- out: id int, name text, closed date?
 *     select id, name, closed from insurer where number = :number and (:since is null or opened >= :since);
 *
 * Types: int (64 bits), bool, moment, date, text (UTF-8), bytes; with '?' where NULL is allowed. A name under
 * "-- only: sqlite" or "-- only: postgresql" is a variant for that driver; both variants must exist and
 * declare the same. "-- define: NAME" begins text that "@NAME" stands for in later headers and SQL;
 * "-- group: NAME = fields" names fields that "NAME.*" stands for in "in" and "out", where they become a
 * struct X_sql_NAME in a member of that name; statements with the same "-- row: NAME" share one row struct
 * and its *_next(). In C a parameter or column
 * is an int64_t, bool, moment, struct date or struct bytes; a NULL is DATE_NONE for a date, data == NULL for
 * text and bytes, .present == false for the others. For catalogue X the build generates X_sql.h with
 * X_catalogue and for each statement
 *
 *     struct X_sql_insurer_find_in, struct X_sql_insurer_find_row
 *     enum status X_sql_insurer_find(db, &in, &rows);         … _next(&rows, &row), db_rows_close(&rows)
 *     enum status X_sql_insurer_find_submit(db, &in, deadline, done, argument);
 *
 * and for a statement without "out": enum status X_sql_NAME(db, &in, &changed), changed may be NULL.
 * Dates are stored as days since 1970-01-01, moments as microseconds, both integers on both drivers.
 */
enum db_type { DB_INT, DB_BOOL, DB_MOMENT, DB_DATE, DB_TEXT, DB_BYTES };

struct db_optional_int {
    bool present;
    int64_t value;
};

struct db_optional_bool {
    bool present;
    bool value;
};

struct db_field {
    const char *name;
    enum db_type type;
    bool nullable;
};

struct db_statement {
    const char *name;
    const char *sqlite;
    const char *postgresql;
    const struct db_field *parameters;
    const struct db_field *columns;
    int parameter_count;
    int column_count;
    int index; /* in its catalogue */
};

/* One step of a schema: version 1, 2, 3 … without gaps. */
struct db_migration {
    int version;
    const char *sqlite;
    const char *postgresql;
};

struct db_catalogue {
    const char *name;
    const struct db_statement *statements;
    int statement_count;
    const struct db_migration *migrations;
    int migration_count;
};

/* One bound parameter; its type is the statement's. */
struct db_value {
    bool null;
    int64_t number;     /* int, bool, moment, date */
    struct bytes bytes; /* text, bytes; borrowed */
};

struct db_value db_value_int(int64_t value);
struct db_value db_value_bool(bool value);
struct db_value db_value_date(struct date value);            /* for date? too */
struct db_value db_value_bytes(struct bytes value);          /* never NULL */
struct db_value db_value_optional_bytes(struct bytes value); /* data NULL is NULL */
struct db_value db_value_optional_int(struct db_optional_int value);
struct db_value db_value_optional_bool(struct db_optional_bool value);

enum status db_run(struct db *db, const struct db_statement *statement, const struct db_value *values,
                   struct db_rows *rows) MUST_CHECK;
/* Runs to its end; changed (may be NULL) is the number of rows inserted, updated or deleted. */
enum status db_change(struct db *db, const struct db_statement *statement, const struct db_value *values,
                      int64_t *changed) MUST_CHECK;
/*
 * deadline is in monotonic_microseconds(). Values are copied. An error (ERR_BUSY: too many pending;
 * ERR_UNREACHABLE: no connection now) means that done is not called.
 */
enum status db_submit(struct db *db, const struct db_statement *statement, const struct db_value *values,
                      int64_t deadline, db_done *done, void *argument) MUST_CHECK;

/* Moves to the next row; false at the end and after an error. */
bool db_rows_next(struct db_rows *rows);
/* Column of the current row. A NULL where none is declared, or another type, makes rows->status
 * ERR_DAMAGED and gives zero. */
int64_t db_column_int(struct db_rows *rows, int column);
bool db_column_bool(struct db_rows *rows, int column);
struct date db_column_date(struct db_rows *rows, int column);
struct bytes db_column_bytes(struct db_rows *rows, int column);
struct db_optional_int db_column_optional_int(struct db_rows *rows, int column);
struct db_optional_bool db_column_optional_bool(struct db_rows *rows, int column);

#endif
