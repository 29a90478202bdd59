#ifndef SHIKAKU_SERVICE_LOADS_H
#define SHIKAKU_SERVICE_LOADS_H

#include "registry/load.h"
#include "service/proceeding.h"

/*
 * An insurer's bulk load: begun, rows staged in short chunks that hold no writer for long, made visible by
 * one row or taken back by one. Rows may be sent again after a lost answer: what was received is skipped.
 */
enum load_step { LOAD_BEGIN, LOAD_ROWS, LOAD_PUBLISH, LOAD_UNDO, LOAD_SHOW };

enum { LOAD_ROWS_MAX = 5000 };

struct load_rows {
    int64_t first_row;                /* of the load, from 0 */
    struct subscription_record *rows; /* in the region */
    size_t count;
    const char *faulty_member; /* of that row; NULL: the row as a whole */
    size_t faulty_row;         /* the one that a refusal is about, counted within the request */
    void *document;            /* what the rows' texts point into; for free_rows */
};

struct load_request {
    struct proceeding proceeding; /* first; its owner's part filled in */
    /* filled in by the owner: */
    enum load_step step;
    uint8_t id[LOAD_ID_SIZE]; /* of every step but LOAD_BEGIN */
    struct bytes body;        /* LOAD_ROWS: read on the job's thread, since it is long */
    enum reason (*decode_rows)(struct bytes body, const struct insurer_number *insurer, struct date today,
                               struct region *region, struct load_rows *out);
    void (*free_rows)(struct load_rows *rows);
    enum status (*encode)(const struct load *load, const uint8_t *event_id, struct buffer *out);

    /* filled in before done */
    struct load_rows rows;

    /* its own */
    struct insurer_number insurer;
    struct load load;
};

void load_request_start(struct load_request *request);

#endif
