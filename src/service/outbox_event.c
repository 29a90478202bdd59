#include "service/outbox_event.h"

#include <string.h>

#include "base/cursor.h"
#include "registry/outbox.h"

/* Version of the payload, its first byte. */
enum { PAYLOAD_VERSION = 1, HAS_KEY = 1, HAS_VISIT = 2 };

static void write_event(struct writer *writer, const struct event *event)
{
    const struct event_personal *personal = &event->personal;
    write_u8(writer, PAYLOAD_VERSION);
    write_i64(writer, event->when);
    write_u16(writer, (uint16_t)event->kind);
    write_u16(writer, event->outcome);
    write_u8(writer, (uint8_t)event->caller.party);
    write_bytes(writer, bytes_of(event->caller.code, sizeof(event->caller.code)));
    write_bytes(writer, bytes_of(event->caller.certificate_id, sizeof(event->caller.certificate_id)));
    write_u8(writer, (uint8_t)((event->has_key ? HAS_KEY : 0) | (personal->has_visit ? HAS_VISIT : 0)));
    write_bytes(writer, bytes_of(event->key.key, sizeof(event->key.key)));
    write_i64(writer, event->key.expiry);
    write_bytes(writer, bytes_of(event->key.request_hash, sizeof(event->key.request_hash)));
    write_i64(writer, personal->person);
    write_i64(writer, personal->subscription);
    write_bytes(writer, bytes_of(personal->visit.token_hash, sizeof(personal->visit.token_hash)));
    write_i64(writer, personal->visit.expiry);
    write_sized(writer, personal->answer);
    write_sized(writer, personal->detail);
}

static enum status read_event(struct bytes payload, struct event *out)
{
    struct reader reader = reader_of(payload);
    if (read_u8(&reader) != PAYLOAD_VERSION)
        return ERR_VERSION;
    out->when = read_i64(&reader);
    out->kind = (enum event_kind)read_u16(&reader);
    out->outcome = read_u16(&reader);
    out->caller.party = (enum event_party)read_u8(&reader);
    read_into(&reader, out->caller.code, sizeof(out->caller.code));
    read_into(&reader, out->caller.certificate_id, sizeof(out->caller.certificate_id));
    uint8_t flags = read_u8(&reader);
    out->has_key = flags & HAS_KEY;
    out->personal.has_visit = flags & HAS_VISIT;
    read_into(&reader, out->key.key, sizeof(out->key.key));
    out->key.expiry = read_i64(&reader);
    read_into(&reader, out->key.request_hash, sizeof(out->key.request_hash));
    out->personal.person = read_i64(&reader);
    out->personal.subscription = read_i64(&reader);
    read_into(&reader, out->personal.visit.token_hash, sizeof(out->personal.visit.token_hash));
    out->personal.visit.expiry = read_i64(&reader);
    out->personal.answer = read_sized(&reader);
    out->personal.detail = read_sized(&reader);
    return reader_finish(&reader);
}

enum status event_outbox_put(struct db *changes, const struct event *event)
{
    struct buffer payload = {0};
    struct writer writer = writer_to(&payload);
    write_event(&writer, event);
    enum status status = writer.status;
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
        memcpy(rows[i].event.id, taken[i].event_id, sizeof(rows[i].event.id));
        status = read_event(taken[i].payload, &rows[i].event);
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
