#include "card/tlv.h"

enum { MORE_TAG_BYTES = 0x1F, CONTINUES = 0x80, LONG_LENGTH = 0x80, FILLER = 0xFF, MAX_LENGTH_BYTES = 4 };

static enum status read_tag(struct reader *reader, uint32_t *tag)
{
    *tag = read_u8(reader);
    if (reader->status != OK || (*tag & MORE_TAG_BYTES) != MORE_TAG_BYTES)
        return reader->status;
    for (int i = 0; i < 2; i++) {
        uint8_t next = read_u8(reader);
        *tag = *tag << 8 | next;
        if (reader->status != OK || !(next & CONTINUES))
            return reader->status;
    }
    return ERR_MALFORMED;
}

static enum status read_length(struct reader *reader, size_t *length)
{
    *length = read_u8(reader);
    if (reader->status != OK || *length < LONG_LENGTH)
        return reader->status;
    size_t count = *length & 0x7F;
    if (count == 0 || count > MAX_LENGTH_BYTES) /* 0 is the indefinite form */
        return ERR_MALFORMED;
    for (*length = 0; count > 0; count--)
        *length = *length << 8 | read_u8(reader);
    return reader->status;
}

static bool at_filler(const struct reader *reader)
{
    struct bytes left = bytes_from(reader->bytes, reader->position);
    return left.length == 0 || (left.data[0] == FILLER && (left.length == 1 || left.data[1] == FILLER));
}

static enum status read_header(struct reader *reader, uint32_t *tag, size_t *length)
{
    enum status status = read_tag(reader, tag);
    return status != OK ? status : read_length(reader, length);
}

enum status tlv_next(struct reader *reader, struct tlv *out)
{
    *out = (struct tlv){0};
    if (reader->status != OK)
        return reader->status;
    if (at_filler(reader))
        return ERR_NOT_FOUND;
    struct reader ahead = *reader;
    size_t length = 0;
    enum status status = read_header(&ahead, &out->tag, &length);
    if (status != OK)
        return status;
    out->value = read_bytes(&ahead, length);
    if (ahead.status != OK)
        return ERR_TRUNCATED;
    out->whole = bytes_of(reader->bytes.data + reader->position, ahead.position - reader->position);
    *reader = ahead;
    return OK;
}

enum status tlv_find(struct bytes objects, uint32_t tag, struct tlv *out)
{
    struct reader reader = reader_of(objects);
    enum status status;
    while ((status = tlv_next(&reader, out)) == OK)
        if (out->tag == tag)
            return OK;
    *out = (struct tlv){0};
    return status;
}

enum status tlv_find_inside(struct bytes objects, uint32_t outer, uint32_t inner, struct tlv *out)
{
    struct tlv around;
    enum status status = tlv_find(objects, outer, &around);
    if (status != OK) {
        *out = (struct tlv){0};
        return status;
    }
    return tlv_find(around.value, inner, out);
}

enum status tlv_measure(struct bytes beginning, size_t *total)
{
    struct reader reader = reader_of(beginning);
    uint32_t tag = 0;
    size_t length = 0;
    *total = 0;
    if (at_filler(&reader))
        return ERR_NOT_FOUND;
    enum status status = read_header(&reader, &tag, &length);
    if (status == OK)
        *total = reader.position + length;
    return status;
}

static size_t tag_width(uint32_t tag)
{
    return tag > 0xFFFF ? 3 : tag > 0xFF ? 2 : 1;
}

static size_t length_width(size_t length)
{
    size_t width = 0;
    for (size_t rest = length; rest > 0; rest >>= 8)
        width++;
    return width;
}

size_t tlv_header_length(uint32_t tag, size_t value_length)
{
    return tag_width(tag) + 1 + (value_length < LONG_LENGTH ? 0 : length_width(value_length));
}

enum status tlv_append(struct buffer *out, uint32_t tag, struct bytes value)
{
    if (value.length > UINT32_MAX)
        return ERR_RANGE;
    struct writer writer = writer_to(out);
    for (size_t i = tag_width(tag); i-- > 0;)
        write_u8(&writer, (uint8_t)(tag >> 8 * i));
    if (value.length < LONG_LENGTH) {
        write_u8(&writer, (uint8_t)value.length);
    } else {
        size_t width = length_width(value.length);
        write_u8(&writer, (uint8_t)(LONG_LENGTH | width));
        for (size_t i = width; i-- > 0;)
            write_u8(&writer, (uint8_t)(value.length >> 8 * i));
    }
    write_bytes(&writer, value);
    return writer.status;
}
