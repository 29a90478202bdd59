#ifndef SHIKAKU_AUDIT_LOG_H
#define SHIKAKU_AUDIT_LOG_H

#include "audit/event.h"
#include "audit/outbox.h"
#include "audit/store.h"
#include "audit/submission.h"
#include "audit/visit.h"

/*
 * The event log as the rest of the service sees it. One thread of its own takes whatever is queued, decides
 * about keys that can be used once, appends, syncs once a group, and only then says so: no answer without
 * its event.
 */
struct audit_log;

struct audit_log_options {
    struct audit_store *store; /* owned by the log once opened */
    const char *index_path;    /* of index.db; NULL where the store has its own indexes (PostgreSQL) */
    const struct clock *clock; /* borrowed */
    const struct audit_outbox *outbox; /* borrowed; NULL: none */
    size_t queue_limit;                /* events waiting; 0: 8192 */
    /* Called on the log's thread after the done calls of a group: wake the loops once. May be NULL. Neither
     * may close the log. */
    void (*after_group)(void *context);
    void *context;
};

/*
 * With an outbox, returns when what lay there was recorded (or could not be now). An error leaves the store
 * with the caller.
 */
enum status audit_log_open(const struct audit_log_options *options,
                           struct audit_log **out) MUST_CHECK NONNULL;
/* Records what is queued, calls every done, stops the threads. NULL is allowed. */
void audit_log_close(struct audit_log *log);

/* Never blocks, any thread. ERR_BUSY: the queue is full (done is not called): answer too_busy. ERR_TOO_LARGE,
 * ERR_RANGE (a key that lives too long): a bug of the caller's. */
enum status audit_log_submit(struct audit_log *log, struct audit_submission *submission) MUST_CHECK NONNULL;

/* A registry transaction with an outbox row has committed. Cheap, from any thread. */
void audit_log_wake_outbox(struct audit_log *log) NONNULL;

/* The newest durable sequence; 0: none yet. From any thread. */
uint64_t audit_log_newest(const struct audit_log *log) NONNULL;

struct audit_measures {
    uint64_t events;            /* recorded since the log was opened */
    uint64_t groups;            /* of how many groups */
    uint64_t repeated;          /* AUDIT_REPEATED */
    uint64_t replayed;          /* AUDIT_REPLAYED */
    uint64_t failed;            /* AUDIT_FAILED */
    uint64_t refused;           /* ERR_BUSY */
    uint64_t queued;            /* now */
    uint64_t newest;            /* sequence */
    uint64_t indexed;           /* sequence up to which the index is built */
    uint64_t sync_microseconds; /* spent making groups durable */
};
/* From any thread. */
void audit_log_measure(struct audit_log *log, struct audit_measures *out) NONNULL;

/*
 * A visit is found as soon as its event's `done` was called, whether indexed yet or not. Whether the caller
 * may use it (same institution, same certificate) is the caller's to decide.
 * ERR_NOT_FOUND; ERR_EXPIRED at or after expiry; ERR_BUSY: the index is still being built from the log after
 * a start, try again. Blocks for a look-up in a local file, not for the index. */
enum status audit_visit_find(struct audit_log *log, const uint8_t token_hash[EVENT_HASH_SIZE], moment now,
                             struct audit_visit *out) MUST_CHECK NONNULL;

/* Events of a person in order of sequence, newest first. from: newest sequence wanted, inclusive
 * (UINT64_MAX: all). Only what is indexed; audit_log_await_index first where that matters. */
enum status audit_person_events(struct audit_log *log, int64_t person, uint64_t from, uint64_t *sequences,
                                size_t limit, size_t *count) MUST_CHECK NONNULL;

/* Waits until the index has reached the sequence. ERR_TIMEOUT. Not on a loop. */
enum status audit_log_await_index(struct audit_log *log, uint64_t sequence,
                                  int timeout_ms) MUST_CHECK NONNULL;

/* Events read back. Views in *out point into hold, which the caller frees. ERR_NOT_FOUND. Not on a loop. */
enum status audit_event_by_sequence(struct audit_log *log, uint64_t sequence, struct buffer *hold,
                                    struct event *out) MUST_CHECK NONNULL;
enum status audit_event_by_id(struct audit_log *log, const uint8_t id[EVENT_ID_SIZE], struct buffer *hold,
                              struct event *out) MUST_CHECK NONNULL;

#endif
