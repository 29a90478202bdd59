#ifndef SHIKAKU_SERVICE_PROCEEDING_H
#define SHIKAKU_SERVICE_PROCEEDING_H

#include "domain/reason.h"
#include "service/centre.h"
#include "service/jobs.h"

/*
 * One request of a machine and how it ends: an answer or a refusal, recorded before it is told. Each use case
 * embeds one as its first member. It lives in its request's memory, and is not touched by its owner until
 * done was called.
 */
struct proceeding;

/* How it ended. body is empty only where nothing could be recorded: then the caller is told `reason` alone.
 */
struct proceeding_outcome {
    bool refused;       /* with reason; otherwise an answer */
    enum reason reason; /* of the refusal or of the answer; REASON_NONE for a change that was made */
    struct bytes body;  /* as recorded; lives until proceeding_free() */
};

struct proceeding {
    /* filled in by the owner */
    struct centre *centre;
    struct caller caller;
    struct region *region;
    struct sha256 request_hash; /* of the request's body, byte for byte */
    /* How a refusal is written for this caller: what is recorded is what is sent. */
    enum status (*encode_refusal)(enum reason reason, const char *member, struct buffer *out);
    void (*done)(struct proceeding *proceeding); /* on any thread, once */
    void *context;

    /* What a refusal is about: a JSON pointer without its first '/', names and row numbers only; NULL:
     * nothing in particular. Set by whoever refuses. */
    const char *member;

    /* filled in before done */
    struct proceeding_outcome outcome;

    /* the use case's: from proceeding_begin() on */
    moment now;
    uint8_t event_id[EVENT_ID_SIZE];
    struct buffer body; /* of the answer, written before it is recorded */
    struct event event; /* personal part, key and visit are filled in by the use case */

    /* its own */
    struct audit_submission submission;
    struct audit_submission unclaim;
    struct job job;
    void (*claimed)(struct proceeding *proceeding);
    void (*work)(struct proceeding *proceeding, struct job_thread *thread);
};

/* The moment and the event's id. First of all. */
void proceeding_begin(struct proceeding *proceeding);

/* Records that the request was refused, then done. */
void proceeding_refuse(struct proceeding *proceeding, enum reason reason);
/* Records the body as the answer, then done. The outcome's reason is stored with the event. */
void proceeding_answer(struct proceeding *proceeding, enum event_kind kind, enum reason reason);
/* Done with the body, unrecorded: for what only the caller's own unpublished work is about. */
void proceeding_tell(struct proceeding *proceeding);
/* Nothing can be recorded, so nothing was decided: done with too_busy or internal. */
void proceeding_fail(struct proceeding *proceeding, enum status status);

/* The event of this request uses up the challenge. */
void proceeding_use_challenge(struct proceeding *proceeding, const uint8_t challenge[EVENT_HASH_SIZE],
                              moment expiry);

/*
 * For changes. With a challenge (used by proceeding_use_challenge): claim it, then `next` on the log's
 * thread, which must not block; a repeat or a replay ends here. Then work runs on a job thread, which ends in
 * one of proceeding_commit   the change and its event stand in the registry: wait until the event is in the
 * log, then done proceeding_abandon  nothing was changed: the challenge is given back, the refusal is
 * recorded, then done
 */
void proceeding_claim(struct proceeding *proceeding, void (*next)(struct proceeding *proceeding));
void proceeding_work(struct proceeding *proceeding,
                     void (*work)(struct proceeding *proceeding, struct job_thread *thread));
/* The event of the change, to be put into the outbox with it: body and what the use case filled in. */
const struct event *proceeding_event(struct proceeding *proceeding, enum event_kind kind, enum reason reason);
void proceeding_commit(struct proceeding *proceeding);
void proceeding_abandon(struct proceeding *proceeding, enum reason reason);

/* too_busy where the store is busy or away, internal otherwise. */
enum reason reason_of_store(enum status status);

void proceeding_free(struct proceeding *proceeding);

#endif
