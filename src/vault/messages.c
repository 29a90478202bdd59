#include "vault/messages.h"

#include <string.h>

#include "base/cursor.h"

enum status vault_add_encode(const struct vault_add *add, struct buffer *out)
{
    struct writer writer = writer_to(out);
    write_bytes(&writer, bytes_of(add->insurer, sizeof(add->insurer)));
    write_u16(&writer, add->purpose);
    write_sized(&writer, add->row);
    write_sized(&writer, add->sealed);
    return writer.status;
}

enum status vault_add_decode(struct bytes payload, struct vault_add *out)
{
    struct reader reader = reader_of(payload);
    *out = (struct vault_add){0};
    read_into(&reader, out->insurer, sizeof(out->insurer));
    out->purpose = read_u16(&reader);
    out->row = read_sized(&reader);
    out->sealed = read_sized(&reader);
    if (out->row.length > VAULT_ROW_MAX)
        return ERR_TOO_LARGE;
    return reader_finish(&reader);
}

enum status vault_compare_encode(const struct vault_compare *compare, struct buffer *out)
{
    struct writer writer = writer_to(out);
    write_bytes(&writer, bytes_of(compare->reference.bytes, VAULT_REFERENCE_LENGTH));
    write_sized(&writer, compare->name_kanji);
    write_sized(&writer, compare->name_kana);
    write_sized(&writer, compare->alias);
    write_u32(&writer, (uint32_t)compare->birth.days);
    write_u8(&writer, compare->sex);
    write_sized(&writer, compare->address);
    return writer.status;
}

enum status vault_compare_decode(struct bytes payload, struct vault_compare *out)
{
    struct reader reader = reader_of(payload);
    *out = (struct vault_compare){0};
    read_into(&reader, out->reference.bytes, VAULT_REFERENCE_LENGTH);
    out->name_kanji = read_sized(&reader);
    out->name_kana = read_sized(&reader);
    out->alias = read_sized(&reader);
    out->birth.days = (int32_t)read_u32(&reader);
    out->sex = read_u8(&reader);
    out->address = read_sized(&reader);
    return reader_finish(&reader);
}

enum status vault_reply_encode(const struct vault_reply *reply, struct buffer *out)
{
    struct writer writer = writer_to(out);
    write_u8(&writer, (uint8_t)reply->outcome);
    write_bytes(&writer, bytes_of(reply->reference.bytes, VAULT_REFERENCE_LENGTH));
    write_u8(&writer, reply->created);
    write_bytes(&writer, bytes_of(reply->fit, sizeof(reply->fit)));
    return writer.status;
}

enum status vault_reply_decode(struct bytes payload, struct vault_reply *out)
{
    struct reader reader = reader_of(payload);
    *out = (struct vault_reply){0};
    uint8_t outcome = read_u8(&reader);
    read_into(&reader, out->reference.bytes, VAULT_REFERENCE_LENGTH);
    out->created = read_u8(&reader);
    read_into(&reader, out->fit, sizeof(out->fit));
    if (outcome > VAULT_FAILED)
        return ERR_MALFORMED;
    out->outcome = (enum vault_outcome)outcome;
    return reader_finish(&reader);
}

enum status vault_number_context(const uint8_t insurer[8], uint16_t purpose, struct bytes row,
                                 struct buffer *out)
{
    struct writer writer = writer_to(out);
    write_bytes(&writer, bytes_of(insurer, 8));
    write_u16(&writer, purpose);
    write_sized(&writer, row);
    return writer.status;
}
