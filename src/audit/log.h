#ifndef SHIKAKU_AUDIT_LOG_H
#define SHIKAKU_AUDIT_LOG_H

#include "audit/event.h"
#include "audit/store.h"

/*
 * The event log as the rest of the service sees it. One thread of its own takes whatever is queued, decides
 * about keys that can be used once, appends, syncs once a group, and only then says so: no answer without
 * its event.
 */
struct audit_log;

/* What is asked of the log. Zero is the usual case. */
enum audit_step {
    /* Record the event. A check: nothing but the answer depends on it. */
    AUDIT_APPEND = 0,
    /*
     * For a request that uses a key *and* changes the registry, three steps. First the key is claimed,
     * nothing is recorded yet (AUDIT_CLAIMED); then the registry commits the change together with an outbox
     * row that holds the event with key and answer; then AUDIT_AWAIT. If the change fails: AUDIT_UNCLAIM.
     * A claim does not outlive the process; the outbox row does.
     */
    AUDIT_CLAIM,
    AUDIT_UNCLAIM,
    /* Wait until the outbox row whose event has event.id is recorded. */
    AUDIT_AWAIT,
};

enum audit_outcome {
    AUDIT_PENDING = 0, /* not decided yet */
    AUDIT_RECORDED,    /* the event is durable: send the answer */
    AUDIT_CLAIMED,     /* of AUDIT_CLAIM: the key is yours; of AUDIT_UNCLAIM: it is nobody's */
    AUDIT_REPEATED,    /* the same caller sent the same request before: send `recorded_answer`, whose event
                          is `recorded_id` and outcome `recorded_outcome`; nothing new was recorded */
    AUDIT_REPLAYED,    /* the key was used for something else: refuse. The refusal is recorded and durable,
                          its event is `recorded_id` */
    AUDIT_FAILED,      /* not recorded, `status` says why: ERR_IO (disk), ERR_BUSY (the key is claimed by a
                          request still under way), ERR_NOT_FOUND (AUDIT_AWAIT: no such outbox row). Answer
                          *cannot be confirmed* */
};

/*
 * One event on its way, embedded in the request that it belongs to. It and everything that its event
 * borrows must stay where they are until `done` is called, even if the connection has gone meanwhile.
 */
struct audit_submission {
    /* filled in by the owner */
    enum audit_step step;
    struct event event;      /* AUDIT_AWAIT: id only; AUDIT_UNCLAIM: key only */
    uint16_t replay_outcome; /* outcome of the refusal that is recorded when the key is a replay */
    /* Called on the log's thread, once: hand the submission back to its loop; do not block, do not submit. */
    void (*done)(struct audit_submission *submission);
    void *context; /* the owner's */

    /* filled in by the log before done */
    enum audit_outcome outcome;
    enum status status; /* OK unless AUDIT_FAILED */
    uint64_t sequence;  /* of the event in recorded_id */
    uint8_t recorded_id[EVENT_ID_SIZE];
    uint16_t recorded_outcome;
    struct buffer recorded_answer; /* AUDIT_REPEATED only; the owner's to free */

    struct audit_submission *next; /* the log's, while it has the submission */
};

/* An event that was made inside a registry transaction, waiting in the registry's outbox. */
struct audit_outbox_row {
    int64_t row; /* the outbox's own key */
    struct event event;
};

/*
 * Where outbox rows come from. All three are called on a thread of the log's. Rows may be given again until
 * they are confirmed: the log recognises their event ids and records each once.
 */
struct audit_outbox {
    void *context;
    /* Up to limit oldest rows. What they borrow stays valid until `confirm` or the next `take`. */
    enum status (*take)(void *context, struct audit_outbox_row *rows, size_t limit, size_t *count);
    /* These are durable in the log: remove them. */
    enum status (*confirm)(void *context, const int64_t *rows, size_t count);
};

struct audit_log_options {
    struct audit_store *store; /* owned by the log once opened */
    const char *index_path;    /* of index.db; NULL where the store has its own indexes (PostgreSQL) */
    const struct clock *clock; /* borrowed */
    const struct audit_outbox *outbox; /* borrowed; NULL: none */
    size_t queue_limit;                /* events waiting; 0: 8192 */
    /* Called on the log's thread after the done calls of a group: wake the loops once. May be NULL. */
    void (*after_group)(void *context);
    void *context;
};

enum status audit_log_open(const struct audit_log_options *options,
                           struct audit_log **out) MUST_CHECK NONNULL;
/* Records what is queued, calls every done, stops the threads. NULL is allowed. */
void audit_log_close(struct audit_log *log);

/* Never blocks. ERR_BUSY: the queue is full (done is not called): answer too_busy. ERR_TOO_LARGE,
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
 * What a visit token stands for. The event is found as soon as its `done` was called, whether indexed yet
 * or not. Whether the caller may use it (same institution, same certificate) is the caller's to decide.
 */
struct audit_visit {
    uint64_t sequence;
    uint8_t event_id[EVENT_ID_SIZE];
    struct event_caller caller;
    int64_t person;
    int64_t subscription;
    moment expiry;
};
/* ERR_NOT_FOUND; ERR_EXPIRED at or after expiry; ERR_BUSY: the index is still being built from the log after
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
