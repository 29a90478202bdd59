#include "service/outbox_event.h"

#include "registry/outbox.h"

enum status event_outbox_put(struct db *changes, const struct event *event)
{
    struct buffer payload = {0};
    enum status status = event_pack(event, &payload);
    if (status == OK)
        status = outbox_put(changes, event->id, buffer_bytes(&payload), event->when);
    buffer_free(&payload);
    return status;
}

static enum status take(void *context, struct audit_outbox_row *rows, size_t limit, size_t *count)
{
    enum { AT_ONCE = 256 };
    struct event_outbox *outbox = context;
    struct outbox_row taken[AT_ONCE];
    region_reset(&outbox->region);
    enum status status =
        outbox_take(outbox->changes, taken, limit < AT_ONCE ? limit : AT_ONCE, &outbox->region, count);
    for (size_t i = 0; status == OK && i < *count; i++) {
        rows[i] = (struct audit_outbox_row){.row = taken[i].row};
        status = event_unpack(taken[i].payload, &rows[i].event);
    }
    return status;
}

struct confirmation {
    const int64_t *rows;
    size_t count;
};

static enum status remove_rows(struct db *db, void *argument)
{
    const struct confirmation *confirmation = argument;
    return outbox_remove(db, confirmation->rows, confirmation->count);
}

static enum status confirm(void *context, const int64_t *rows, size_t count)
{
    struct event_outbox *outbox = context;
    struct confirmation confirmation = {rows, count};
    return db_transaction(outbox->changes, remove_rows, &confirmation);
}

struct audit_outbox event_outbox_interface(struct event_outbox *outbox)
{
    return (struct audit_outbox){.context = outbox, .take = take, .confirm = confirm};
}

void event_outbox_free(struct event_outbox *outbox)
{
    db_close(outbox->changes);
    region_free(&outbox->region);
    *outbox = (struct event_outbox){0};
}
