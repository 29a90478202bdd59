#include "audit/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cursor.h"
#include "base/random.h"
#include "pki/symmetric.h"

enum {
    FRAME_MARKER = 0x53484b46, /* "SHKF" */
    STATE_KEPT = 0x4b455054,   /* "KEPT" */
    STATE_ERASED = 0x474f4e45, /* "GONE" */
    CRC_AT = 20,
    HEADER_LENGTH = 8 + 2 + 2 + 4 + 8 + 8 + EVENT_HASH_SIZE,
    WINDOW = 256 * 1024,
};

static const char header_magic[8] = {'S', 'H', 'K', 'K', 'L', 'O', 'G', '\n'};

static uint32_t crc_of(uint32_t before, struct bytes bytes)
{
    return (uint32_t)crc32(before, bytes.data, (uInt)bytes.length);
}

void segment_name(uint64_t first_sequence, char out[SEGMENT_NAME_SIZE])
{
    snprintf(out, SEGMENT_NAME_SIZE, "%020" PRIu64 ".log", first_sequence);
}

static bool name_parse(const char *name, uint64_t *first_sequence)
{
    if (strlen(name) != 24 || strspn(name, "0123456789") != 20)
        return false;
    errno = 0;
    *first_sequence = strtoull(name, NULL, 10);
    return errno == 0 && strcmp(name + 20, ".log") == 0;
}

static int compare_sequences(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a;
    uint64_t other = *(const uint64_t *)b;
    return (one > other) - (one < other);
}

enum status segment_list(const char *directory, uint64_t **firsts, size_t *count)
{
    *firsts = NULL;
    *count = 0;
    DIR *stream = opendir(directory);
    if (!stream)
        return status_from_errno(errno);
    struct buffer found = {0};
    enum status status = OK;
    const struct dirent *entry;
    while (status == OK && (entry = readdir(stream))) {
        uint64_t first;
        if (name_parse(entry->d_name, &first))
            status = buffer_append(&found, bytes_of(&first, sizeof first));
    }
    closedir(stream);
    if (status != OK) {
        buffer_free(&found);
        return status;
    }
    *count = found.length / sizeof(uint64_t);
    *firsts = (uint64_t *)(void *)found.data;
    if (*count)
        qsort(*firsts, *count, sizeof(uint64_t), compare_sequences);
    return OK;
}

enum status segment_header_write(int fd, const struct segment_header *header)
{
    struct buffer bytes = {0};
    struct writer writer = writer_to(&bytes);
    write_bytes(&writer, bytes_of(header_magic, sizeof header_magic));
    write_u16(&writer, SEGMENT_FORMAT);
    write_u16(&writer, 0);
    write_u32(&writer, header->size);
    write_u64(&writer, header->first_sequence);
    write_i64(&writer, header->created);
    write_bytes(&writer, bytes_of(header->chain, EVENT_HASH_SIZE));
    write_u32(&writer, crc_of(0, buffer_bytes(&bytes)));
    enum status status = writer.status;
    if (status == OK && pwrite(fd, bytes.data, bytes.length, 0) != (ssize_t)bytes.length)
        status = ERR_IO;
    buffer_free(&bytes);
    return status;
}

static enum status header_decode(struct bytes bytes, struct segment_header *out)
{
    struct reader reader = reader_of(bytes);
    if (!bytes_equal(read_bytes(&reader, sizeof header_magic), bytes_of(header_magic, sizeof header_magic)))
        return ERR_DAMAGED;
    uint16_t format = read_u16(&reader);
    if (format != SEGMENT_FORMAT)
        return format > SEGMENT_FORMAT ? ERR_VERSION : ERR_DAMAGED;
    read_u16(&reader);
    out->size = read_u32(&reader);
    out->first_sequence = read_u64(&reader);
    out->created = read_i64(&reader);
    read_into(&reader, out->chain, EVENT_HASH_SIZE);
    uint32_t crc = read_u32(&reader);
    if (reader.status != OK || crc != crc_of(0, bytes_of(bytes.data, HEADER_LENGTH)))
        return ERR_DAMAGED;
    return out->size >= SEGMENT_SIZE_LEAST ? OK : ERR_DAMAGED;
}

enum status segment_open(const char *directory, uint64_t first_sequence, struct segment *out)
{
    *out = (struct segment){.fd = -1};
    char name[SEGMENT_NAME_SIZE];
    char path[PATH_MAX];
    segment_name(first_sequence, name);
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
        return ERR_TOO_LARGE;
    out->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (out->fd < 0)
        return status_from_errno(errno);
    uint8_t header[HEADER_LENGTH + 4];
    ssize_t got = pread(out->fd, header, sizeof header, 0);
    enum status status = got < 0 ? ERR_IO : header_decode(bytes_of(header, (size_t)got), &out->header);
    if (status == OK && out->header.first_sequence != first_sequence)
        status = ERR_DAMAGED;
    if (status != OK)
        segment_close(out);
    return status;
}

void segment_close(struct segment *segment)
{
    if (segment->fd >= 0)
        close(segment->fd);
    segment->fd = -1;
    buffer_free(&segment->window);
}

static bool window_holds(const struct segment *segment, uint64_t offset, size_t length)
{
    return offset >= segment->window_at && offset + length <= segment->window_at + segment->window.length;
}

static enum status window_fill(struct segment *segment, uint64_t offset, size_t length)
{
    buffer_clear(&segment->window);
    size_t wanted = length > WINDOW ? length : WINDOW;
    if (wanted > segment->header.size - offset)
        wanted = (size_t)(segment->header.size - offset);
    enum status status = buffer_reserve(&segment->window, wanted);
    segment->window_at = offset;
    while (status == OK && segment->window.length < wanted) {
        ssize_t got = pread(segment->fd, segment->window.data + segment->window.length,
                            wanted - segment->window.length, (off_t)(offset + segment->window.length));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? ERR_IO : ERR_DAMAGED; /* the file is shorter than it says */
        segment->window.length += (size_t)got;
    }
    return status;
}

/* length bytes at offset; *fresh is set when they were read anew. */
static enum status segment_view(struct segment *segment, uint64_t offset, size_t length, bool *fresh,
                                struct bytes *out)
{
    if (offset + length > segment->header.size)
        return ERR_DAMAGED;
    if (!window_holds(segment, offset, length)) {
        enum status status = window_fill(segment, offset, length);
        if (status != OK)
            return status;
        *fresh = true;
    }
    *out = bytes_of(segment->window.data + (offset - segment->window_at), length);
    return OK;
}

struct frame_head {
    uint32_t length;
    uint64_t group_first;
    uint32_t personal_length;
    uint32_t core_crc;
    uint32_t personal_crc;
    uint32_t state;
};

static size_t frame_size(size_t personal_length)
{
    size_t size = FRAME_HEAD_SIZE + EVENT_CORE_SIZE + EVENT_SALT_SIZE + personal_length;
    return (size + 7) & ~(size_t)7;
}

static enum status frame_head_decode(struct bytes bytes, struct frame_head *out)
{
    struct reader reader = reader_of(bytes);
    uint32_t marker = read_u32(&reader);
    out->length = read_u32(&reader);
    out->group_first = read_u64(&reader);
    out->personal_length = read_u32(&reader);
    out->core_crc = read_u32(&reader);
    out->personal_crc = read_u32(&reader);
    out->state = read_u32(&reader);
    if (marker == 0 && out->length == 0)
        return ERR_NOT_FOUND;
    if (marker != FRAME_MARKER || out->personal_length > EVENT_PERSONAL_LIMIT ||
        out->length != frame_size(out->personal_length))
        return ERR_DAMAGED;
    return OK;
}

static enum status frame_check(struct bytes bytes, const struct frame_head *head, struct frame *out)
{
    out->core = bytes_of(bytes.data + FRAME_HEAD_SIZE, EVENT_CORE_SIZE);
    uint32_t crc = crc_of(0, bytes_of(bytes.data, CRC_AT));
    if (crc_of(crc, out->core) != head->core_crc)
        return ERR_DAMAGED;
    out->erased = head->state == STATE_ERASED;
    if (out->erased)
        return OK;
    struct bytes salted =
        bytes_of(bytes.data + FRAME_HEAD_SIZE + EVENT_CORE_SIZE, EVENT_SALT_SIZE + head->personal_length);
    if (head->state != STATE_KEPT || crc_of(0, salted) != head->personal_crc)
        return ERR_DAMAGED;
    out->salt = bytes_of(salted.data, EVENT_SALT_SIZE);
    out->personal = bytes_of(salted.data + EVENT_SALT_SIZE, head->personal_length);
    return OK;
}

static enum status frame_read(struct segment *segment, uint64_t offset, bool *fresh, struct frame *out)
{
    struct frame_head head;
    struct bytes bytes;
    *out = (struct frame){.offset = offset};
    enum status status = segment_view(segment, offset, FRAME_HEAD_SIZE, fresh, &bytes);
    if (status == OK)
        status = frame_head_decode(bytes, &head);
    if (status == OK)
        status = segment_view(segment, offset, head.length, fresh, &bytes);
    if (status != OK)
        return status;
    out->length = head.length;
    out->group_first = head.group_first;
    return frame_check(bytes, &head, out);
}

enum status segment_read(struct segment *segment, uint64_t offset, struct frame *out)
{
    if (offset + FRAME_HEAD_SIZE > segment->header.size)
        return ERR_NOT_FOUND;
    bool fresh = false;
    enum status status = frame_read(segment, offset, &fresh, out);
    if (status == OK || fresh)
        return status;
    /* The window may be older than what was written since. */
    buffer_clear(&segment->window);
    return frame_read(segment, offset, &fresh, out);
}

enum status segment_search(struct segment *segment, uint64_t offset, uint64_t end, struct frame *out)
{
    for (; offset < end && offset + FRAME_HEAD_SIZE <= segment->header.size; offset += 8) {
        struct bytes marker;
        bool fresh;
        enum status status = segment_view(segment, offset, 4, &fresh, &marker);
        if (status != OK)
            return status;
        struct reader reader = reader_of(marker);
        if (read_u32(&reader) != FRAME_MARKER)
            continue;
        status = frame_read(segment, offset, &fresh, out);
        if (status == OK || status == ERR_IO || status == ERR_NO_MEMORY)
            return status;
    }
    return ERR_NOT_FOUND;
}

enum status segment_written_end(struct segment *segment, uint64_t offset, uint64_t *end)
{
    *end = offset;
    while (offset < segment->header.size) {
        uint64_t left = segment->header.size - offset;
        size_t length = left > WINDOW ? WINDOW : (size_t)left;
        struct bytes view;
        bool fresh;
        enum status status = segment_view(segment, offset, length, &fresh, &view);
        if (status != OK)
            return status;
        size_t last = length;
        if (view.data[0] == 0 && memcmp(view.data, view.data + 1, length - 1) == 0)
            last = 0;
        while (last && view.data[last - 1] == 0)
            last--;
        if (last)
            *end = offset + last;
        offset += length;
    }
    return OK;
}

enum status frame_decode(const struct frame *frame, struct event *out)
{
    *out = (struct event){.personal_erased = frame->erased};
    enum status status = event_core_decode(frame->core, out);
    if (status == ERR_VERSION)
        return status;
    if (status != OK)
        return ERR_DAMAGED;
    if (frame->erased)
        return OK;
    uint8_t leaf[EVENT_HASH_SIZE];
    memcpy(out->salt, frame->salt.data, EVENT_SALT_SIZE);
    status = event_leaf(out->salt, frame->personal, leaf);
    if (status != OK)
        return status;
    if (memcmp(leaf, out->leaf, EVENT_HASH_SIZE) != 0)
        return ERR_DAMAGED;
    status = event_personal_decode(frame->personal, &out->personal);
    return status == OK || status == ERR_VERSION ? status : ERR_DAMAGED;
}

/* Appends the frame of an encoded core and of salt ‖ personal part. */
static enum status frame_write(uint64_t group_first, struct bytes core, struct bytes salted,
                               struct buffer *out)
{
    static const uint8_t zeros[8];
    size_t start = out->length;
    size_t length = frame_size(salted.length - EVENT_SALT_SIZE);
    enum status status = buffer_reserve(out, length);
    if (status != OK)
        return status;
    struct writer writer = writer_to(out);
    write_u32(&writer, FRAME_MARKER);
    write_u32(&writer, (uint32_t)length);
    write_u64(&writer, group_first);
    write_u32(&writer, (uint32_t)(salted.length - EVENT_SALT_SIZE));
    write_u32(&writer, crc_of(crc_of(0, bytes_of(out->data + start, CRC_AT)), core));
    write_u32(&writer, crc_of(0, salted));
    write_u32(&writer, STATE_KEPT);
    write_bytes(&writer, core);
    write_bytes(&writer, salted);
    write_bytes(&writer, bytes_of(zeros, start + length - out->length));
    return writer.status;
}

enum status frame_encode(struct event *event, uint64_t group_first, struct buffer *out, struct bytes *core)
{
    size_t start = out->length;
    struct buffer salted = {0};
    struct buffer encoded = {0};
    random_fill(event->salt, EVENT_SALT_SIZE);
    enum status status = buffer_append(&salted, bytes_of(event->salt, EVENT_SALT_SIZE));
    if (status == OK)
        status = event_personal_encode(&event->personal, &salted);
    if (status == OK)
        status = event_leaf(event->salt, bytes_from(buffer_bytes(&salted), EVENT_SALT_SIZE), event->leaf);
    if (status == OK)
        status = event_core_encode(event, &encoded);
    if (status == OK)
        status = frame_write(group_first, buffer_bytes(&encoded), buffer_bytes(&salted), out);
    if (status == OK)
        *core = bytes_of(out->data + start + FRAME_HEAD_SIZE, EVENT_CORE_SIZE);
    else
        out->length = start;
    buffer_free(&encoded);
    buffer_free(&salted);
    return status;
}

enum status chain_extend(uint8_t chain[EVENT_HASH_SIZE], struct bytes core)
{
    const struct bytes parts[] = {bytes_of(chain, EVENT_HASH_SIZE), core};
    struct sha256 hash;
    enum status status = sha256_of_parts(parts, ARRAY_LENGTH(parts), &hash);
    if (status == OK)
        memcpy(chain, hash.bytes, EVENT_HASH_SIZE);
    return status;
}
