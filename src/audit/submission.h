#ifndef SHIKAKU_AUDIT_SUBMISSION_H
#define SHIKAKU_AUDIT_SUBMISSION_H

#include "audit/event.h"

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

    /* the log's own, while it has the submission */
    struct audit_submission *next;
    bool has_happened; /* from the outbox: recorded whatever its key says */
};

#endif
