#include "audit/encoding.h"

#include <string.h>

#include "audit/outbox.h"
#include "base/cursor.h"
#include "pki/symmetric.h"

enum {
    PERSONAL_FIXED = 1 + 8 + 8 + 1 + 4 + 4,
    VISIT_SIZE = EVENT_HASH_SIZE + 8,
};

static bool code_is_printable(const char code[EVENT_CODE_LIMIT + 1])
{
    size_t length = strnlen(code, EVENT_CODE_LIMIT + 1);
    if (length > EVENT_CODE_LIMIT)
        return false;
    for (size_t i = 0; i < length; i++)
        if (code[i] <= ' ' || code[i] > '~')
            return false;
    return true;
}

enum status event_check(const struct event *event)
{
    if (event->kind <= 0 || event->kind > UINT16_MAX || event->caller.party > UINT8_MAX)
        return ERR_RANGE;
    if (!code_is_printable(event->caller.code))
        return ERR_RANGE;
    if (event->has_key && event->key.expiry > event->when + (int64_t)EVENT_KEY_LIFE_LIMIT * MICROSECONDS)
        return ERR_RANGE;
    if (event->personal.answer.length > EVENT_PERSONAL_LIMIT ||
        event->personal.detail.length > EVENT_PERSONAL_LIMIT ||
        event_personal_size(&event->personal) > EVENT_PERSONAL_LIMIT)
        return ERR_TOO_LARGE;
    return OK;
}

enum status event_leaf(const uint8_t salt[EVENT_SALT_SIZE], struct bytes personal,
                       uint8_t leaf[EVENT_HASH_SIZE])
{
    const struct bytes parts[] = {bytes_of(salt, EVENT_SALT_SIZE), personal};
    struct sha256 hash;
    enum status status = sha256_of_parts(parts, ARRAY_LENGTH(parts), &hash);
    memcpy(leaf, hash.bytes, EVENT_HASH_SIZE);
    return status;
}

enum status event_core_encode(const struct event *event, struct buffer *out)
{
    struct writer writer = writer_to(out);
    char code[EVENT_CODE_LIMIT] = {0};
    memcpy(code, event->caller.code, strnlen(event->caller.code, EVENT_CODE_LIMIT));
    static const struct event_key none;
    const struct event_key *key = event->has_key ? &event->key : &none;
    write_u8(&writer, EVENT_ENCODING_VERSION);
    write_u64(&writer, event->sequence);
    write_i64(&writer, event->when);
    write_bytes(&writer, bytes_of(event->id, EVENT_ID_SIZE));
    write_u16(&writer, (uint16_t)event->kind);
    write_u16(&writer, event->outcome);
    write_u8(&writer, (uint8_t)event->caller.party);
    write_bytes(&writer, bytes_of(code, EVENT_CODE_LIMIT));
    write_bytes(&writer, bytes_of(event->caller.certificate_id, EVENT_HASH_SIZE));
    write_u8(&writer, event->has_key);
    write_bytes(&writer, bytes_of(key->key, EVENT_HASH_SIZE));
    write_i64(&writer, key->expiry);
    write_bytes(&writer, bytes_of(key->request_hash, EVENT_HASH_SIZE));
    write_bytes(&writer, bytes_of(event->leaf, EVENT_HASH_SIZE));
    return writer.status;
}

enum status event_core_decode(struct bytes core, struct event *out)
{
    struct reader reader = reader_of(core);
    if (read_u8(&reader) != EVENT_ENCODING_VERSION)
        return reader.status == OK ? ERR_VERSION : ERR_MALFORMED;
    out->sequence = read_u64(&reader);
    out->when = read_i64(&reader);
    read_into(&reader, out->id, EVENT_ID_SIZE);
    out->kind = (enum event_kind)read_u16(&reader);
    out->outcome = read_u16(&reader);
    out->caller.party = (enum event_party)read_u8(&reader);
    read_into(&reader, out->caller.code, EVENT_CODE_LIMIT);
    out->caller.code[EVENT_CODE_LIMIT] = '\0';
    read_into(&reader, out->caller.certificate_id, EVENT_HASH_SIZE);
    out->has_key = read_u8(&reader) != 0;
    read_into(&reader, out->key.key, EVENT_HASH_SIZE);
    out->key.expiry = read_i64(&reader);
    read_into(&reader, out->key.request_hash, EVENT_HASH_SIZE);
    read_into(&reader, out->leaf, EVENT_HASH_SIZE);
    return reader_finish(&reader) == OK ? OK : ERR_MALFORMED;
}

size_t event_personal_size(const struct event_personal *personal)
{
    size_t visit = personal->has_visit ? VISIT_SIZE : 0;
    return PERSONAL_FIXED + visit + personal->answer.length + personal->detail.length;
}

enum status event_personal_encode(const struct event_personal *personal, struct buffer *out)
{
    struct writer writer = writer_to(out);
    write_u8(&writer, EVENT_ENCODING_VERSION);
    write_i64(&writer, personal->person);
    write_i64(&writer, personal->subscription);
    write_u8(&writer, personal->has_visit);
    if (personal->has_visit) {
        write_bytes(&writer, bytes_of(personal->visit.token_hash, EVENT_HASH_SIZE));
        write_i64(&writer, personal->visit.expiry);
    }
    write_sized(&writer, personal->answer);
    write_sized(&writer, personal->detail);
    return writer.status;
}

enum status event_personal_decode(struct bytes bytes, struct event_personal *out)
{
    struct reader reader = reader_of(bytes);
    *out = (struct event_personal){0};
    if (read_u8(&reader) != EVENT_ENCODING_VERSION)
        return reader.status == OK ? ERR_VERSION : ERR_MALFORMED;
    out->person = read_i64(&reader);
    out->subscription = read_i64(&reader);
    out->has_visit = read_u8(&reader) != 0;
    if (out->has_visit) {
        read_into(&reader, out->visit.token_hash, EVENT_HASH_SIZE);
        out->visit.expiry = read_i64(&reader);
    }
    out->answer = read_sized(&reader);
    out->detail = read_sized(&reader);
    return reader_finish(&reader) == OK ? OK : ERR_MALFORMED;
}

enum status event_pack(const struct event *event, struct buffer *out)
{
    struct event bare = *event;
    bare.sequence = 0;
    memset(bare.leaf, 0, sizeof bare.leaf);
    enum status status = event_check(&bare);
    if (status == OK)
        status = event_core_encode(&bare, out);
    return status == OK ? event_personal_encode(&bare.personal, out) : status;
}

enum status event_unpack(struct bytes bytes, struct event *out)
{
    *out = (struct event){0};
    if (bytes.length < EVENT_CORE_SIZE)
        return ERR_MALFORMED;
    enum status status = event_core_decode(bytes_of(bytes.data, EVENT_CORE_SIZE), out);
    if (status == OK)
        status = event_personal_decode(bytes_from(bytes, EVENT_CORE_SIZE), &out->personal);
    if (status == OK)
        status = event_check(out) == OK ? OK : ERR_MALFORMED;
    return status;
}
