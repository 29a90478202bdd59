#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "audit/recovery.h"
#include "audit/segment.h"
#include "audit/verify.h"

/*
 * A segment file with any bytes behind its header. A start and verify-log agree: where the log opens, exactly
 * the events before its end verify. So that more than checksums is tried, those of the frames that the input
 * begins with are put right.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[64];

static void directory_remove(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/00000000000000000001.log", directory);
    unlink(path);
    rmdir(directory);
}

static uint32_t u32_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void u32_put(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void checksums_put_right(uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + FRAME_HEAD_SIZE + EVENT_CORE_SIZE + EVENT_SALT_SIZE <= size;) {
        uint8_t *frame = bytes + at;
        uint32_t length = u32_at(frame + 4), personal = u32_at(frame + 16);
        if (length < FRAME_HEAD_SIZE || length > size - at || personal > length)
            return;
        uLong core = crc32(crc32(0, frame, 20), frame + FRAME_HEAD_SIZE, EVENT_CORE_SIZE);
        u32_put(frame + 20, (uint32_t)core);
        if (FRAME_HEAD_SIZE + EVENT_CORE_SIZE + EVENT_SALT_SIZE + (size_t)personal <= length)
            u32_put(frame + 24, (uint32_t)crc32(0, frame + FRAME_HEAD_SIZE + EVENT_CORE_SIZE,
                                                EVENT_SALT_SIZE + personal));
        at += length;
    }
}

static void segment_make(const uint8_t *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/00000000000000000001.log", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    const struct segment_header header = {.size = SEGMENT_SIZE_LEAST, .first_sequence = 1, .created = 1};
    if (fd < 0 || ftruncate(fd, SEGMENT_SIZE_LEAST) != 0 || segment_header_write(fd, &header) != OK ||
        pwrite(fd, bytes, size, SEGMENT_HEADER_SIZE) != (ssize_t)size)
        abort();
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[64 * 1024];
    if (!directory[0]) {
        /* In memory where that can be had: thousands of files are made. */
        strcpy(directory, "/dev/shm/fuzz-segment-XXXXXX");
        if (!mkdtemp(directory) && !mkdtemp(strcpy(directory, "/tmp/fuzz-segment-XXXXXX")))
            abort();
        atexit(directory_remove);
    }
    if (size > sizeof bytes)
        size = sizeof bytes;
    if (size)
        memcpy(bytes, data, size);
    checksums_put_right(bytes, size);
    segment_make(bytes, size);
    struct log_end end;
    struct audit_verification verification;
    enum status opened = log_end_find(directory, &end);
    enum status verified = audit_verify(directory, NULL, NULL, &verification);
    if (opened == OK && verified == OK &&
        (verification.events != end.next_sequence - 1 ||
         verification.torn_bytes != end.written_end - end.offset))
        abort();
    if (opened != OK && verified == OK)
        abort();
    return 0;
}
