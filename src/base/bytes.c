#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct bytes bytes_of(const void *data, size_t length)
{
    return (struct bytes){.data = data, .length = length};
}

struct bytes bytes_of_text(const char *text)
{
    return bytes_of(text, text ? strlen(text) : 0);
}

struct bytes buffer_bytes(const struct buffer *buffer)
{
    return bytes_of(buffer->data, buffer->length);
}

struct bytes bytes_from(struct bytes bytes, size_t offset)
{
    if (offset >= bytes.length)
        return (struct bytes){0};
    return bytes_of(bytes.data + offset, bytes.length - offset);
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

bool bytes_equal_secret(struct bytes a, struct bytes b)
{
    if (a.length != b.length)
        return false;
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < a.length; i++)
        difference = (uint8_t)(difference | (a.data[i] ^ b.data[i]));
    return difference == 0;
}

void secret_wipe(void *data, size_t length)
{
    if (data && length)
        explicit_bzero(data, length);
}

enum status buffer_reserve(struct buffer *buffer, size_t extra)
{
    if (extra > SIZE_MAX - buffer->length)
        return ERR_TOO_LARGE;
    size_t needed = buffer->length + extra;
    if (needed <= buffer->capacity)
        return OK;
    size_t capacity = buffer->capacity ? buffer->capacity : 64;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    uint8_t *data;
    if (buffer->secret) { /* realloc would leave a copy behind */
        data = malloc(capacity);
        if (data && buffer->length)
            memcpy(data, buffer->data, buffer->length);
        if (data) {
            secret_wipe(buffer->data, buffer->capacity);
            free(buffer->data);
        }
    } else {
        data = realloc(buffer->data, capacity);
    }
    if (!data)
        return ERR_NO_MEMORY;
    buffer->data = data;
    buffer->capacity = capacity;
    return OK;
}

enum status buffer_append(struct buffer *buffer, struct bytes bytes)
{
    enum status status = buffer_reserve(buffer, bytes.length);
    if (status != OK)
        return status;
    if (bytes.length)
        memcpy(buffer->data + buffer->length, bytes.data, bytes.length);
    buffer->length += bytes.length;
    return OK;
}

enum status buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, bytes_of_text(text));
}

enum status buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        return ERR_MALFORMED;
    enum status status = buffer_reserve(buffer, (size_t)length + 1);
    if (status != OK)
        return status;
    va_start(arguments, format);
    vsnprintf((char *)buffer->data + buffer->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->length += (size_t)length;
    return OK;
}

void buffer_clear(struct buffer *buffer)
{
    if (buffer->secret)
        secret_wipe(buffer->data, buffer->capacity);
    buffer->length = 0;
}

void buffer_free(struct buffer *buffer)
{
    if (buffer->secret)
        secret_wipe(buffer->data, buffer->capacity);
    free(buffer->data);
    bool secret = buffer->secret;
    *buffer = (struct buffer){.secret = secret};
}

void hex_encode(struct bytes bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.length; i++) {
        *out++ = digits[bytes.data[i] >> 4];
        *out++ = digits[bytes.data[i] & 15];
    }
    *out = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum status hex_decode(const char *hex, size_t hex_length, uint8_t *out, size_t out_length)
{
    if (hex_length != out_length * 2)
        return ERR_MALFORMED;
    for (size_t i = 0; i < out_length; i++) {
        int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return ERR_MALFORMED;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return OK;
}

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum status base64_encode(struct bytes bytes, struct buffer *out)
{
    if (bytes.length == 0)
        return OK;
    enum status status = buffer_reserve(out, (bytes.length + 2) / 3 * 4);
    if (status != OK)
        return status;
    uint8_t *to = out->data + out->length;
    for (size_t i = 0; i < bytes.length; i += 3) {
        size_t left = bytes.length - i;
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        if (left > 1)
            group |= (uint32_t)bytes.data[i + 1] << 8;
        if (left > 2)
            group |= bytes.data[i + 2];
        *to++ = (uint8_t)base64_alphabet[group >> 18];
        *to++ = (uint8_t)base64_alphabet[group >> 12 & 63];
        *to++ = left > 1 ? (uint8_t)base64_alphabet[group >> 6 & 63] : '=';
        *to++ = left > 2 ? (uint8_t)base64_alphabet[group & 63] : '=';
    }
    out->length += (bytes.length + 2) / 3 * 4;
    return OK;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum status base64_decode(const char *text, size_t length, struct buffer *out)
{
    if (length == 0)
        return OK;
    if (length % 4 != 0)
        return ERR_MALFORMED;
    enum status status = buffer_reserve(out, length / 4 * 3);
    if (status != OK)
        return status;
    uint8_t *to = out->data + out->length;
    for (size_t i = 0; i < length; i += 4) {
        size_t padding = 0;
        if (i + 4 == length)
            padding = text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
        uint32_t group = 0;
        for (size_t j = 0; j < 4; j++) {
            int value = j >= 4 - padding ? 0 : base64_value(text[i + j]);
            if (value < 0)
                return ERR_MALFORMED;
            group = group << 6 | (uint32_t)value;
        }
        if ((padding == 1 && (group & 0xFF)) || (padding == 2 && (group & 0xFFFF)))
            return ERR_MALFORMED;
        *to++ = (uint8_t)(group >> 16);
        if (padding < 2)
            *to++ = (uint8_t)(group >> 8 & 0xFF);
        if (padding < 1)
            *to++ = (uint8_t)(group & 0xFF);
    }
    out->length = (size_t)(to - out->data);
    return OK;
}

enum status file_read(const char *path, size_t limit, struct buffer *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return status_from_errno(errno);
    enum status status = OK;
    size_t start = out->length;
    for (;;) {
        status = buffer_reserve(out, 16384);
        if (status != OK)
            break;
        ssize_t got = read(fd, out->data + out->length, 16384);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            status = status_from_errno(errno);
        if (got <= 0)
            break;
        out->length += (size_t)got;
        if (out->length - start > limit) {
            status = ERR_TOO_LARGE;
            break;
        }
    }
    close(fd);
    return status;
}

static enum status write_and_sync(int fd, struct bytes bytes)
{
    while (bytes.length) {
        ssize_t wrote = write(fd, bytes.data, bytes.length);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return status_from_errno(errno);
        bytes = bytes_from(bytes, (size_t)wrote);
    }
    return fsync(fd) == 0 ? OK : status_from_errno(errno);
}

static enum status directory_sync(const char *path)
{
    char directory[4096];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (length >= sizeof(directory))
        return ERR_TOO_LARGE;
    memcpy(directory, path, length);
    directory[length] = '\0';
    int fd = open(slash ? (length ? directory : "/") : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return status_from_errno(errno);
    enum status status = fsync(fd) == 0 ? OK : status_from_errno(errno);
    close(fd);
    return status;
}

enum status file_write_durably(const char *path, struct bytes bytes, unsigned mode)
{
    char temporary[4096];
    int length = snprintf(temporary, sizeof(temporary), "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof(temporary))
        return ERR_TOO_LARGE;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        return status_from_errno(errno);
    enum status status = write_and_sync(fd, bytes);
    if (close(fd) != 0 && status == OK)
        status = status_from_errno(errno);
    if (status == OK && rename(temporary, path) != 0)
        status = status_from_errno(errno);
    if (status != OK) {
        unlink(temporary);
        return status;
    }
    return directory_sync(path);
}
