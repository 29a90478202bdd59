#include "base/cursor.h"

#include <string.h>

struct reader reader_of(struct bytes bytes)
{
    return (struct reader){.bytes = bytes};
}

size_t reader_left(const struct reader *reader)
{
    return reader->bytes.length - reader->position;
}

struct bytes read_bytes(struct reader *reader, size_t length)
{
    if (reader->status != OK)
        return (struct bytes){0};
    if (length > reader_left(reader)) {
        reader->status = ERR_TRUNCATED;
        return (struct bytes){0};
    }
    struct bytes view = bytes_of(bytes_from(reader->bytes, reader->position).data, length);
    reader->position += length;
    return view;
}

static uint64_t read_big_endian(struct reader *reader, size_t length)
{
    struct bytes view = read_bytes(reader, length);
    uint64_t value = 0;
    for (size_t i = 0; i < view.length; i++)
        value = value << 8 | view.data[i];
    return value;
}

uint8_t read_u8(struct reader *reader)
{
    return (uint8_t)read_big_endian(reader, 1);
}

uint16_t read_u16(struct reader *reader)
{
    return (uint16_t)read_big_endian(reader, 2);
}

uint32_t read_u32(struct reader *reader)
{
    return (uint32_t)read_big_endian(reader, 4);
}

uint64_t read_u64(struct reader *reader)
{
    return read_big_endian(reader, 8);
}

int64_t read_i64(struct reader *reader)
{
    return (int64_t)read_big_endian(reader, 8);
}

struct bytes read_sized(struct reader *reader)
{
    return read_bytes(reader, read_u32(reader));
}

void read_into(struct reader *reader, void *out, size_t length)
{
    struct bytes view = read_bytes(reader, length);
    if (length == 0)
        return;
    if (view.length == length)
        memcpy(out, view.data, length);
    else
        memset(out, 0, length);
}

enum status reader_finish(const struct reader *reader)
{
    if (reader->status != OK)
        return reader->status;
    return reader_left(reader) == 0 ? OK : ERR_MALFORMED;
}

struct writer writer_to(struct buffer *out)
{
    return (struct writer){.out = out};
}

void write_bytes(struct writer *writer, struct bytes bytes)
{
    if (writer->status == OK)
        writer->status = buffer_append(writer->out, bytes);
}

static void write_big_endian(struct writer *writer, uint64_t value, size_t length)
{
    uint8_t encoded[8];
    for (size_t i = 0; i < length; i++)
        encoded[i] = (uint8_t)(value >> (8 * (length - 1 - i)) & 0xFF);
    write_bytes(writer, bytes_of(encoded, length));
}

void write_u8(struct writer *writer, uint8_t value)
{
    write_big_endian(writer, value, 1);
}

void write_u16(struct writer *writer, uint16_t value)
{
    write_big_endian(writer, value, 2);
}

void write_u32(struct writer *writer, uint32_t value)
{
    write_big_endian(writer, value, 4);
}

void write_u64(struct writer *writer, uint64_t value)
{
    write_big_endian(writer, value, 8);
}

void write_i64(struct writer *writer, int64_t value)
{
    write_big_endian(writer, (uint64_t)value, 8);
}

void write_sized(struct writer *writer, struct bytes bytes)
{
    if (bytes.length > UINT32_MAX) {
        writer->status = ERR_TOO_LARGE;
        return;
    }
    write_u32(writer, (uint32_t)bytes.length);
    write_bytes(writer, bytes);
}
