#ifndef SHIKAKU_REGISTRY_LOAD_H
#define SHIKAKU_REGISTRY_LOAD_H

#include "registry/subscription.h"

/*
 * Bulk loads: rows are staged in short transactions, nobody sees them, and one row makes them all visible,
 * or takes them all back. These open their own transactions, load_begin() apart.
 */

enum load_state {
    LOAD_STAGED = 1,
    LOAD_PUBLISHED = 2,
    LOAD_UNDONE = 3, /* taken back, before or after it was published */
};

enum { LOAD_ID_SIZE = 16, LOAD_CHUNK_ROWS = 64 };

struct load {
    int64_t key;
    uint8_t id[LOAD_ID_SIZE]; /* random; leaves the house */
    struct insurer_number insurer;
    enum load_state state;
    moment begun_at;
    moment published_at; /* 0: not yet */
    moment undone_at;    /* 0: not */
    int64_t rows;        /* received */
    int64_t new_subscriptions;
    int64_t new_periods;
    int64_t changed;
    int64_t unchanged;
};

/* Inside db_transaction(). id is the caller's, random. */
enum status load_begin(struct db *db, const uint8_t id[LOAD_ID_SIZE], const struct insurer_number *insurer,
                       moment at, int64_t *key) MUST_CHECK;
/* ERR_NOT_FOUND. */
enum status load_find(struct db *db, const uint8_t id[LOAD_ID_SIZE], struct load *out) MUST_CHECK;

/*
 * Stages rows that are the load's rows first_row, first_row + 1 …, in transactions of LOAD_CHUNK_ROWS. Rows
 * that were received before are skipped, so a caller who lost the answer sends the same again. ERR_RANGE: a
 * gap before first_row, or a row of another insurer; ERR_WRONG_STATE: not staged any more. After an error
 * load_find() tells how many rows were received; the next is the one that was refused.
 */
enum status load_append_rows(struct db *db, int64_t key, int64_t first_row,
                             const struct subscription_record *rows, size_t count, moment at) MUST_CHECK;

/* Inside db_transaction(): one row. ERR_WRONG_STATE: not staged. */
enum status load_publish(struct db *db, int64_t key, moment at) MUST_CHECK;
/* Inside db_transaction(): one row. ERR_WRONG_STATE: undone already. */
enum status load_undo(struct db *db, int64_t key, moment at) MUST_CHECK;

#endif
