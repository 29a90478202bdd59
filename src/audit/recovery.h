#ifndef SHIKAKU_AUDIT_RECOVERY_H
#define SHIKAKU_AUDIT_RECOVERY_H

#include "audit/live_keys.h"

/* Where the log ends, as found in its files. */
struct log_end {
    bool empty;            /* no segment yet */
    uint64_t segment;      /* the last one's first sequence */
    uint32_t segment_size; /* of the last one */
    uint64_t offset;       /* behind its last whole frame */
    uint64_t written_end;  /* behind its last byte that is not zero: more than offset where the end is torn */
    uint64_t next_sequence; /* 1 where empty */
    uint8_t chain[EVENT_HASH_SIZE];
};

/*
 * Reads the last segment. What lies behind the last whole frame is torn, and was never answered for, unless
 * a frame of a later group follows: then the bytes in between had been durable, and it is ERR_DAMAGED.
 * Changes nothing.
 */
enum status log_end_find(const char *directory, struct log_end *out) MUST_CHECK NONNULL;

/*
 * Adds the keys that expire at or after the moment, from every segment that can hold one (end: as found,
 * torn part excluded).
 */
enum status log_keys_learn(const char *directory, const struct log_end *end, moment expiring_from,
                           struct live_keys *keys) MUST_CHECK;

#endif
