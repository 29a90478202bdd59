#ifndef SHIKAKU_BASE_BYTES_H
#define SHIKAKU_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A borrowed view: whoever made the bytes owns them. data may be NULL iff length is 0. */
struct bytes {
    const uint8_t *data;
    size_t length;
};

/* Bytes that we own and that grow. Zero-initialised is empty. Freed by buffer_free(); wiped on free if
 * secret. */
struct buffer {
    uint8_t *data;
    size_t length;
    size_t capacity;
    bool secret;
};

struct bytes bytes_of(const void *data, size_t length);
struct bytes bytes_of_text(const char *text); /* without the final NUL; NULL gives empty */
struct bytes buffer_bytes(const struct buffer *buffer);
/* The part from offset; empty when offset is past the end. */
struct bytes bytes_from(struct bytes bytes, size_t offset);

bool bytes_equal(struct bytes a, struct bytes b);
/* As bytes_equal, in a time that depends on the lengths only: for tags, tokens and other secrets. */
bool bytes_equal_secret(struct bytes a, struct bytes b);

enum status buffer_reserve(struct buffer *buffer, size_t extra) MUST_CHECK;
enum status buffer_append(struct buffer *buffer, struct bytes bytes) MUST_CHECK;
enum status buffer_append_text(struct buffer *buffer, const char *text) MUST_CHECK;
enum status buffer_printf(struct buffer *buffer, const char *format, ...) MUST_CHECK PRINTF_LIKE(2, 3);
/* Keeps the memory, forgets the content. */
void buffer_clear(struct buffer *buffer);
void buffer_free(struct buffer *buffer);

/* Not optimised away. */
void secret_wipe(void *data, size_t length);

/* Lower-case hexadecimal with final NUL; out holds 2 * length + 1. */
void hex_encode(struct bytes bytes, char *out);
/* Exactly out_length bytes from exactly 2 * out_length digits of either case: ERR_MALFORMED otherwise. */
enum status hex_decode(const char *hex, size_t hex_length, uint8_t *out, size_t out_length) MUST_CHECK;

/* RFC 4648 base64 with padding, appended to out. */
enum status base64_encode(struct bytes bytes, struct buffer *out) MUST_CHECK;
/* Strict: padding required, no white space, unused bits zero. Appended to out. */
enum status base64_decode(const char *text, size_t length, struct buffer *out) MUST_CHECK;

/* Whole file into out (appended); ERR_TOO_LARGE beyond limit bytes. */
enum status file_read(const char *path, size_t limit, struct buffer *out) MUST_CHECK;
/* Written to a temporary name beside path, fsynced, renamed, directory fsynced. mode as in open(2). */
enum status file_write_durably(const char *path, struct bytes bytes, unsigned mode) MUST_CHECK;

#endif
