#ifndef SHIKAKU_DB_DRIVER_H
#define SHIKAKU_DB_DRIVER_H

#include "db/catalogue.h"

enum column_found { COLUMN_VALUE, COLUMN_NULL, COLUMN_OF_ANOTHER_TYPE };

/* What a driver does; db.c keeps what both have in common. For src/db only. */
struct db_driver {
    bool embedded;
    void (*close)(struct db *db);
    /* One or several statements of ours without parameters or rows. */
    enum status (*execute)(struct db *db, const char *sql) MUST_CHECK;
    enum status (*begin)(struct db *db) MUST_CHECK;
    enum status (*commit)(struct db *db) MUST_CHECK;
    void (*rollback)(struct db *db);
    /* borrow: values outlive the reading of the rows. */
    enum status (*run)(struct db *db, const struct db_statement *statement, const struct db_value *values,
                       bool borrow, struct db_rows *rows) MUST_CHECK;
    /* Compares the statement as the database understands it with its declaration. */
    enum status (*prepare)(struct db *db, const struct db_statement *statement) MUST_CHECK;
    bool (*next)(struct db_rows *rows);
    /* Frees the cursor; called once. */
    void (*release)(struct db_rows *rows);
    enum column_found (*column_number)(struct db_rows *rows, int column, int64_t *out);
    enum column_found (*column_bytes)(struct db_rows *rows, int column, struct bytes *out);
    /* NULL on an embedded driver: submit runs inline. */
    enum status (*submit)(struct db *db, const struct db_statement *statement, const struct db_value *values,
                          int64_t deadline, db_done *done, void *argument) MUST_CHECK;
    int (*fd)(const struct db *db);
    unsigned (*wants)(const struct db *db);
    unsigned (*fd_generation)(const struct db *db);
    int64_t (*wake_at)(const struct db *db);
    void (*process)(struct db *db);
    int (*pending)(const struct db *db);
};

/* The first member of a driver's own struct. */
struct db {
    const struct db_driver *driver;
    const struct db_catalogue *catalogue;
    enum db_use use;
    int wait_ms;
    int most_pending;
    bool in_transaction;
    bool schema_known; /* looked at and found to be the catalogue's */
};

enum status db_sqlite_open(const char *path, const struct db_options *options,
                           const struct db_catalogue *catalogue, struct db **out) MUST_CHECK;
enum status db_postgresql_open(const char *location, const struct db_options *options,
                               const struct db_catalogue *catalogue, struct db **out) MUST_CHECK;

/* The schema's version, over all catalogues of one database. Its statements are not cached: index -1. */
extern const struct db_statement db_schema_version_read;

/* First half and a random part of the second half of 2^attempt times first_ms, at most most_ms. */
int64_t db_pause_microseconds(int attempt, int first_ms, int most_ms);

#endif
