#include "registry/outbox.h"

#include "registry/stored.h"

enum status outbox_put(struct db *db, const uint8_t event_id[OUTBOX_EVENT_ID_SIZE], struct bytes payload,
                       moment created_at)
{
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    struct registry_sql_outbox_add_in in = {
        .event_id = bytes_of(event_id, OUTBOX_EVENT_ID_SIZE), .payload = payload, .created_at = created_at};
    return registry_sql_outbox_add(db, &in, NULL);
}

static enum status take_row(const struct registry_sql_outbox_oldest_row *row, struct region *region,
                            struct outbox_row *out)
{
    *out = (struct outbox_row){.row = row->id, .created_at = row->created_at};
    enum status status = id_of_stored(row->event_id, out->event_id, sizeof out->event_id);
    return status == OK ? text_of_stored(row->payload, region, &out->payload) : status;
}

enum status outbox_take(struct db *db, struct outbox_row *out, size_t limit, struct region *region,
                        size_t *count)
{
    *count = 0;
    struct registry_sql_outbox_oldest_in in = {.most = (int64_t)limit};
    struct registry_sql_outbox_oldest_row row;
    struct db_rows rows;
    enum status status = registry_sql_outbox_oldest(db, &in, &rows);
    if (status != OK)
        return status;
    enum status taken = OK;
    while (taken == OK && *count < limit && registry_sql_outbox_oldest_next(&rows, &row)) {
        taken = take_row(&row, region, &out[*count]);
        *count += taken == OK;
    }
    status = db_rows_close(&rows);
    return status == OK ? taken : status;
}

enum status outbox_remove(struct db *db, const int64_t *rows, size_t count)
{
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    enum status status = OK;
    for (size_t i = 0; status == OK && i < count; i++) {
        struct registry_sql_outbox_remove_in in = {.id = rows[i]};
        status = registry_sql_outbox_remove(db, &in, NULL);
    }
    return status;
}
