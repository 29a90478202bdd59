#ifndef SHIKAKU_AUDIT_SEGMENT_H
#define SHIKAKU_AUDIT_SEGMENT_H

#include "audit/encoding.h"
#include "audit/event.h"

/*
 * One file of the log. All integers are big-endian, CRCs are CRC-32 (zlib's).
 *
 *   header, 4096 bytes: "SHKKLOG\n" | format u16 | zero u16 | size of the file u32 | first sequence u64 |
 *                       created i64 | chain 32 | CRC of all that u32 | zeros
 *   frames, each at a multiple of 8
 *   zeros to the end: the file has its full size from the start, so that syncing an appended frame changes
 *   no metadata
 *
 *   frame: marker u32 | length u32 | first sequence of its group u64 | personal length u32 | CRC of these
 *          and the core u32 | CRC of salt and personal part u32 | state u32 | core 191 | salt 16 |
 *          personal part | zeros to a multiple of 8
 *
 * chain: SHA-256(chain ‖ core) from event to event, through all files; the header has its value before the
 * file's first event (zeros in the very first file). It does not depend on personal parts.
 *
 * A group is what was made durable by one sync. A frame of a later group proves that all before it had been
 * made durable: so a torn end is told from damage.
 *
 * state says whether salt and personal part are there or were erased. It stands outside the first CRC, so
 * that erasing overwrites in place: first the state, then the bytes.
 */
enum {
    SEGMENT_FORMAT = 1,
    SEGMENT_HEADER_SIZE = 4096,
    SEGMENT_SIZE_LEAST = 1024 * 1024,
    SEGMENT_SIZE_USUAL = 64 * 1024 * 1024,
    SEGMENT_NAME_SIZE = 32,
    FRAME_HEAD_SIZE = 32,
    FRAME_SIZE_LIMIT = FRAME_HEAD_SIZE + EVENT_CORE_SIZE + EVENT_SALT_SIZE + EVENT_PERSONAL_LIMIT + 8,
};

struct segment_header {
    uint32_t size;
    uint64_t first_sequence;
    moment created;
    uint8_t chain[EVENT_HASH_SIZE];
};

/* "00000000000000000001.log" */
void segment_name(uint64_t first_sequence, char out[SEGMENT_NAME_SIZE]) NONNULL;

/* First sequences of all segments of the directory, ascending; the caller frees. */
enum status segment_list(const char *directory, uint64_t **firsts, size_t *count) MUST_CHECK NONNULL;

enum status segment_header_write(int fd, const struct segment_header *header) MUST_CHECK NONNULL;

/* A segment open for reading. */
struct segment {
    int fd; /* -1: closed */
    struct segment_header header;
    struct buffer window; /* what was read last */
    uint64_t window_at;
};

/* ERR_NOT_FOUND, ERR_VERSION, ERR_DAMAGED (the header is not that of this file). Closed by segment_close. */
enum status segment_open(const char *directory, uint64_t first_sequence,
                         struct segment *out) MUST_CHECK NONNULL;
void segment_close(struct segment *segment) NONNULL;

struct frame {
    uint64_t offset;
    uint32_t length;      /* of the whole frame */
    uint64_t group_first; /* sequence */
    bool erased;
    struct bytes core;
    struct bytes salt;     /* empty when erased */
    struct bytes personal; /* empty when erased */
};

/*
 * The frame at offset, both CRCs checked. Views live until the next read. ERR_NOT_FOUND: nothing was
 * written there. ERR_DAMAGED: something was that is no frame. ERR_IO.
 */
enum status segment_read(struct segment *segment, uint64_t offset, struct frame *out) MUST_CHECK NONNULL;
/* The first whole frame that begins at or after offset and before end, whatever lies before it.
 * ERR_NOT_FOUND. */
enum status segment_search(struct segment *segment, uint64_t offset, uint64_t end,
                           struct frame *out) MUST_CHECK NONNULL;
/* Where the last byte that is not zero ends, from offset on; offset itself when there is none. */
enum status segment_written_end(struct segment *segment, uint64_t offset, uint64_t *end) MUST_CHECK NONNULL;

/* The event in a frame. Its personal part points into the frame. ERR_DAMAGED when the content does not fit
 * its leaf or cannot be decoded. */
enum status frame_decode(const struct frame *frame, struct event *out) MUST_CHECK NONNULL;

/* Gives the event salt and leaf and appends its frame; sequence is set by the caller. core: the encoded core
 * within out, until out changes. */
enum status frame_encode(struct event *event, uint64_t group_first, struct buffer *out,
                         struct bytes *core) MUST_CHECK NONNULL;

/* chain = SHA-256(chain ‖ core) */
enum status chain_extend(uint8_t chain[EVENT_HASH_SIZE], struct bytes core) MUST_CHECK NONNULL;

#endif
