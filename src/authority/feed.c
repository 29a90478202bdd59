#include <stdlib.h>
#include <string.h>

#include "authority/holdings.h"

enum { ENTRIES_A_BATCH = 4096 };

enum status authority_newest_sequence(struct authority *authority, uint64_t *out)
{
    const struct authority_sql_counter_read_in in = {.name = bytes_of_text("sequence")};
    struct authority_sql_counter_read_row row;
    struct db_rows rows;
    enum status status = authority_sql_counter_read(authority->db, &in, &rows);
    if (status != OK)
        return status;
    bool found = authority_sql_counter_read_next(&rows, &row);
    status = db_rows_close(&rows);
    if (status != OK)
        return status;
    if (!found)
        return ERR_DAMAGED;
    *out = (uint64_t)row.value;
    return OK;
}

static enum status take_entry(const struct authority_sql_changes_after_row *row, struct state_entry *out)
{
    if (row->id.length > sizeof(out->id.bytes) || row->successor.length > sizeof(out->successor.bytes))
        return ERR_DAMAGED;
    *out = (struct state_entry){
        .sequence = (uint64_t)row->sequence,
        .kind = (enum subject_kind)row->kind,
        .state = (enum subject_state)row->state,
        .not_after = row->not_after,
    };
    memcpy(out->id.bytes, row->id.data, row->id.length);
    if (row->successor.length)
        memcpy(out->successor.bytes, row->successor.data, row->successor.length);
    return OK;
}

static enum status read_entries(struct authority *authority, struct state_batch *batch)
{
    const struct authority_sql_changes_after_in in = {.after = (int64_t)batch->after,
                                                      .limit = ENTRIES_A_BATCH};
    struct authority_sql_changes_after_row row;
    struct db_rows rows;
    enum status status = authority_sql_changes_after(authority->db, &in, &rows);
    if (status != OK)
        return status;
    enum status taken = OK;
    while (taken == OK && batch->count < ENTRIES_A_BATCH && authority_sql_changes_after_next(&rows, &row))
        taken = take_entry(&row, &batch->entries[batch->count++]);
    status = db_rows_close(&rows);
    return status == OK ? taken : status;
}

/* A full batch ends with its last entry; another has seen everything there is. */
static uint64_t end_of(const struct state_batch *batch)
{
    return batch->count == ENTRIES_A_BATCH ? batch->entries[batch->count - 1].sequence : batch->newest;
}

enum status authority_feed(struct authority *authority, uint64_t after, struct buffer *out)
{
    struct state_batch batch = {.after = after, .issued_at = clock_now(authority->clock)};
    enum status status = authority_newest_sequence(authority, &batch.newest);
    if (status != OK)
        return status;
    if (after > batch.newest)
        return ERR_RANGE;
    batch.entries = calloc(ENTRIES_A_BATCH, sizeof(*batch.entries));
    if (!batch.entries)
        return ERR_NO_MEMORY;
    if (after < batch.newest)
        status = read_entries(authority, &batch);
    batch.through = end_of(&batch);
    if (status == OK)
        status = state_batch_seal(&batch, &authority->feed_key, out);
    state_batch_free(&batch);
    return status;
}
