#include "pki/state_feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"

enum {
    LABEL_LENGTH = 16,
    BATCH_HEAD_LENGTH = LABEL_LENGTH + 8 + 8 + 8 + 8 + 4,
    ENTRY_LENGTH = 8 + 1 + SHA256_LENGTH + 1 + 8 + SHA256_LENGTH,
};

static const uint8_t label[LABEL_LENGTH] = "shikaku-feed-1";

const char *subject_state_name(enum subject_state state)
{
    switch (state) {
    case STATE_ACTIVE:
        return "active";
    case STATE_SUSPENDED:
        return "suspended";
    case STATE_REVOKED:
        return "revoked";
    case STATE_EXPIRED:
        return "expired";
    case STATE_SUPERSEDED:
        return "superseded";
    }
    return "unknown";
}

struct certificate_id certificate_id_of_terminal(const struct terminal_id *terminal)
{
    struct certificate_id id = {0};
    memcpy(id.bytes, terminal->bytes, TERMINAL_ID_LENGTH);
    return id;
}

static bool has_successor(const struct state_entry *entry)
{
    static const struct certificate_id none;
    return !certificate_id_equal(&entry->successor, &none);
}

static bool entry_is_sound(const struct state_entry *entry)
{
    if (entry->kind < SUBJECT_CARD || entry->kind > SUBJECT_TERMINAL)
        return false;
    if (entry->state < STATE_ACTIVE || entry->state > STATE_SUPERSEDED)
        return false;
    return has_successor(entry) == (entry->state == STATE_SUPERSEDED);
}

static bool batch_is_sound(const struct state_batch *batch)
{
    if (batch->after > batch->through || batch->through > batch->newest ||
        batch->count > STATE_BATCH_ENTRIES_MAX)
        return false;
    uint64_t last = batch->after;
    for (size_t i = 0; i < batch->count; i++) {
        const struct state_entry *entry = &batch->entries[i];
        if (entry->sequence <= last || entry->sequence > batch->through || !entry_is_sound(entry))
            return false;
        last = entry->sequence;
    }
    return true;
}

static void write_entry(struct writer *writer, const struct state_entry *entry)
{
    write_u64(writer, entry->sequence);
    write_u8(writer, (uint8_t)entry->kind);
    write_bytes(writer, bytes_of(entry->id.bytes, sizeof(entry->id.bytes)));
    write_u8(writer, (uint8_t)entry->state);
    write_i64(writer, entry->not_after);
    write_bytes(writer, bytes_of(entry->successor.bytes, sizeof(entry->successor.bytes)));
}

static enum status write_batch(const struct state_batch *batch, struct buffer *out)
{
    struct writer writer = writer_to(out);
    write_bytes(&writer, bytes_of(label, sizeof(label)));
    write_u64(&writer, batch->after);
    write_u64(&writer, batch->through);
    write_u64(&writer, batch->newest);
    write_i64(&writer, batch->issued_at);
    write_u32(&writer, (uint32_t)batch->count);
    for (size_t i = 0; i < batch->count; i++)
        write_entry(&writer, &batch->entries[i]);
    return writer.status;
}

enum status state_batch_seal(const struct state_batch *batch, const struct private_key *feed_key,
                             struct buffer *out)
{
    if (feed_key->kind != KEY_P256)
        return ERR_UNSUPPORTED;
    if (!batch_is_sound(batch))
        return ERR_RANGE;
    size_t before = out->length;
    struct signature signature;
    enum status status = write_batch(batch, out);
    if (status == OK)
        status = private_key_sign(feed_key, bytes_from(buffer_bytes(out), before), &signature);
    if (status == OK) {
        struct writer writer = writer_to(out);
        write_u16(&writer, (uint16_t)signature.length);
        write_bytes(&writer, bytes_of(signature.bytes, signature.length));
        status = writer.status;
    }
    if (status != OK)
        out->length = before;
    return status;
}

static void read_entry(struct reader *reader, struct state_entry *out)
{
    out->sequence = read_u64(reader);
    out->kind = read_u8(reader);
    read_into(reader, out->id.bytes, sizeof(out->id.bytes));
    out->state = read_u8(reader);
    out->not_after = read_i64(reader);
    read_into(reader, out->successor.bytes, sizeof(out->successor.bytes));
}

/* The length of what is signed, by the count it states; 0 where that cannot be. */
static size_t signed_length(struct bytes bytes)
{
    struct reader reader = reader_of(bytes);
    read_bytes(&reader, BATCH_HEAD_LENGTH - 4);
    uint32_t count = read_u32(&reader);
    if (reader.status != OK || count > STATE_BATCH_ENTRIES_MAX)
        return 0;
    size_t length = BATCH_HEAD_LENGTH + (size_t)count * ENTRY_LENGTH;
    return length < bytes.length ? length : 0;
}

static enum status check_signature(struct bytes bytes, size_t length, const struct public_key *feed_key)
{
    struct reader reader = reader_of(bytes_from(bytes, length));
    uint16_t signature_length = read_u16(&reader);
    struct bytes signature = read_bytes(&reader, signature_length);
    if (reader_finish(&reader) != OK)
        return ERR_MALFORMED;
    return public_key_verify(feed_key, bytes_of(bytes.data, length), signature);
}

static enum status read_batch(struct bytes bytes, struct state_batch *out)
{
    struct reader reader = reader_of(bytes);
    read_bytes(&reader, LABEL_LENGTH);
    struct state_batch batch = {0};
    batch.after = read_u64(&reader);
    batch.through = read_u64(&reader);
    batch.newest = read_u64(&reader);
    batch.issued_at = read_i64(&reader);
    batch.count = read_u32(&reader);
    batch.entries = calloc(batch.count ? batch.count : 1, sizeof(*batch.entries));
    if (!batch.entries)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < batch.count; i++)
        read_entry(&reader, &batch.entries[i]);
    if (reader_finish(&reader) != OK || !batch_is_sound(&batch)) {
        state_batch_free(&batch);
        return ERR_MALFORMED;
    }
    *out = batch;
    return OK;
}

enum status state_batch_open(struct bytes bytes, const struct public_key *feed_key, struct state_batch *out)
{
    if (feed_key->kind != KEY_P256)
        return ERR_UNSUPPORTED;
    if (bytes.length < BATCH_HEAD_LENGTH)
        return ERR_MALFORMED;
    if (memcmp(bytes.data, label, sizeof(label)) != 0)
        return ERR_VERSION;
    size_t length = signed_length(bytes);
    if (length == 0)
        return ERR_MALFORMED;
    enum status status = check_signature(bytes, length, feed_key);
    return status == OK ? read_batch(bytes_of(bytes.data, length), out) : status;
}

void state_batch_free(struct state_batch *batch)
{
    free(batch->entries);
    *batch = (struct state_batch){0};
}
