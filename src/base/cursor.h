#ifndef SHIKAKU_BASE_CURSOR_H
#define SHIKAKU_BASE_CURSOR_H

#include <stdint.h>

#include "base/bytes.h"

/*
 * Reads or writes binary fields one after another, big-endian. The first error sticks: ten reads need one
 * check, of cursor.status, at the end. A failed read gives zeros and an empty view.
 */
struct reader {
    struct bytes bytes;
    size_t position;
    enum status status;
};

struct writer {
    struct buffer *out; /* borrowed */
    enum status status;
};

struct reader reader_of(struct bytes bytes);
uint8_t read_u8(struct reader *reader);
uint16_t read_u16(struct reader *reader);
uint32_t read_u32(struct reader *reader);
uint64_t read_u64(struct reader *reader);
int64_t read_i64(struct reader *reader);
struct bytes read_bytes(struct reader *reader, size_t length);
/* A u32 length and that many bytes. */
struct bytes read_sized(struct reader *reader);
/* Copies exactly length bytes to out, or zero-fills it and fails. */
void read_into(struct reader *reader, void *out, size_t length);
size_t reader_left(const struct reader *reader);
/* OK iff nothing failed and nothing is left. */
enum status reader_finish(const struct reader *reader) MUST_CHECK;

struct writer writer_to(struct buffer *out);
void write_u8(struct writer *writer, uint8_t value);
void write_u16(struct writer *writer, uint16_t value);
void write_u32(struct writer *writer, uint32_t value);
void write_u64(struct writer *writer, uint64_t value);
void write_i64(struct writer *writer, int64_t value);
void write_bytes(struct writer *writer, struct bytes bytes);
void write_sized(struct writer *writer, struct bytes bytes);

#endif
