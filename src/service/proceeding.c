#include "service/proceeding.h"

#include <stddef.h>
#include <string.h>

enum reason reason_of_store(enum status status)
{
    bool busy = status == ERR_BUSY || status == ERR_TIMEOUT || status == ERR_UNREACHABLE;
    return busy ? REASON_TOO_BUSY : REASON_INTERNAL;
}

void proceeding_begin(struct proceeding *proceeding)
{
    proceeding->now = clock_now(proceeding->centre->clock);
    event_make_id(proceeding->event_id);
}

static void finish(struct proceeding *proceeding, bool refused, enum reason reason, struct bytes body)
{
    proceeding->outcome = (struct proceeding_outcome){.refused = refused, .reason = reason, .body = body};
    proceeding->done(proceeding);
}

void proceeding_fail(struct proceeding *proceeding, enum status status)
{
    buffer_clear(&proceeding->body);
    finish(proceeding, true, reason_of_store(status), (struct bytes){0});
}

void proceeding_tell(struct proceeding *proceeding)
{
    finish(proceeding, false, REASON_NONE, buffer_bytes(&proceeding->body));
}

/* The log has recorded the refusal itself. */
static void finish_replayed(struct proceeding *proceeding)
{
    buffer_clear(&proceeding->body);
    enum status status = proceeding->encode_refusal(REASON_CHALLENGE_REPLAYED, NULL, &proceeding->body);
    finish(proceeding, true, REASON_CHALLENGE_REPLAYED,
           status == OK ? buffer_bytes(&proceeding->body) : (struct bytes){0});
}

/* On the log's thread. */
static void on_log(struct audit_submission *submission)
{
    struct proceeding *proceeding = submission->context;
    switch (submission->outcome) {
    case AUDIT_RECORDED:
        finish(proceeding, proceeding->outcome.refused, proceeding->outcome.reason,
               buffer_bytes(&proceeding->body));
        return;
    case AUDIT_CLAIMED:
        proceeding->claimed(proceeding);
        return;
    case AUDIT_REPEATED:
        finish(proceeding, false, (enum reason)submission->recorded_outcome,
               buffer_bytes(&submission->recorded_answer));
        return;
    case AUDIT_REPLAYED:
        finish_replayed(proceeding);
        return;
    case AUDIT_PENDING:
    case AUDIT_FAILED:
        proceeding_fail(proceeding, submission->status);
        return;
    }
}

static enum event_party party_of(enum machine_kind kind)
{
    switch (kind) {
    case MACHINE_INSTITUTION:
        return PARTY_INSTITUTION;
    case MACHINE_INSURER:
        return PARTY_INSURER;
    case MACHINE_LINK:
        return PARTY_AUTHORITY;
    case MACHINE_NONE:
    case MACHINE_OPERATOR:
        return PARTY_SYSTEM;
    }
    return PARTY_SYSTEM;
}

static void name_caller(const struct caller *caller, struct event_caller *out)
{
    out->party = party_of(caller->subject.kind);
    size_t length = strnlen(caller->subject.code, EVENT_CODE_LIMIT);
    memcpy(out->code, caller->subject.code, length);
    out->code[length] = '\0';
    memcpy(out->certificate_id, caller->certificate.bytes, sizeof(out->certificate_id));
}

const struct event *proceeding_event(struct proceeding *proceeding, enum event_kind kind, enum reason reason)
{
    struct event *event = &proceeding->event;
    event->when = proceeding->now;
    event->kind = kind;
    event->outcome = (uint16_t)reason;
    memcpy(event->id, proceeding->event_id, sizeof(event->id));
    name_caller(&proceeding->caller, &event->caller);
    event->personal.answer = buffer_bytes(&proceeding->body);
    return event;
}

static void submit(struct proceeding *proceeding, enum audit_step step)
{
    struct audit_submission *submission = &proceeding->submission;
    *submission = (struct audit_submission){
        .step = step,
        .event = proceeding->event,
        .replay_outcome = REASON_CHALLENGE_REPLAYED,
        .done = on_log,
        .context = proceeding,
    };
    enum status status = audit_log_submit(proceeding->centre->log, submission);
    if (status != OK)
        proceeding_fail(proceeding, status);
}

void proceeding_answer(struct proceeding *proceeding, enum event_kind kind, enum reason reason)
{
    proceeding->outcome.refused = false;
    proceeding->outcome.reason = reason;
    (void)proceeding_event(proceeding, kind, reason);
    submit(proceeding, AUDIT_APPEND);
}

void proceeding_refuse(struct proceeding *proceeding, enum reason reason)
{
    proceeding->outcome.refused = true;
    proceeding->outcome.reason = reason;
    buffer_clear(&proceeding->body);
    enum status status = proceeding->encode_refusal(reason, proceeding->member, &proceeding->body);
    if (status != OK) {
        proceeding_fail(proceeding, status);
        return;
    }
    /* A refusal uses up nothing and ties nobody to it. */
    proceeding->event = (struct event){0};
    (void)proceeding_event(proceeding, EVENT_REFUSAL, reason);
    submit(proceeding, AUDIT_APPEND);
}

void proceeding_use_challenge(struct proceeding *proceeding, const uint8_t challenge[EVENT_HASH_SIZE],
                              moment expiry)
{
    struct event_key *key = &proceeding->event.key;
    proceeding->event.has_key = true;
    memcpy(key->key, challenge, sizeof(key->key));
    key->expiry = expiry;
    memcpy(key->request_hash, proceeding->request_hash.bytes, sizeof(key->request_hash));
}

/* ---- Changes ---- */

void proceeding_claim(struct proceeding *proceeding, void (*next)(struct proceeding *proceeding))
{
    if (job_pool_is_full(proceeding->centre->jobs)) {
        proceeding_refuse(proceeding, REASON_TOO_BUSY);
        return;
    }
    proceeding->claimed = next;
    (void)proceeding_event(proceeding, EVENT_REFUSAL, REASON_CHALLENGE_REPLAYED);
    submit(proceeding, AUDIT_CLAIM);
}

static void run_work(struct job *job, struct job_thread *thread)
{
    struct proceeding *proceeding =
        (struct proceeding *)(void *)((char *)job - offsetof(struct proceeding, job));
    proceeding->work(proceeding, thread);
}

void proceeding_work(struct proceeding *proceeding,
                     void (*work)(struct proceeding *proceeding, struct job_thread *thread))
{
    proceeding->work = work;
    proceeding->job.run = run_work;
    /* Perhaps on the log's thread, where nothing more can be recorded. */
    enum status status = job_submit(proceeding->centre->jobs, &proceeding->job);
    if (status != OK)
        proceeding_fail(proceeding, status);
}

void proceeding_commit(struct proceeding *proceeding)
{
    proceeding->outcome.refused = false;
    proceeding->outcome.reason = (enum reason)proceeding->event.outcome;
    audit_log_wake_outbox(proceeding->centre->log);
    submit(proceeding, AUDIT_AWAIT);
}

static void on_unclaimed(struct audit_submission *submission)
{
    (void)submission; /* the refusal that follows it tells the caller */
}

void proceeding_abandon(struct proceeding *proceeding, enum reason reason)
{
    if (proceeding->event.has_key) {
        proceeding->unclaim = (struct audit_submission){
            .step = AUDIT_UNCLAIM, .event = proceeding->event, .done = on_unclaimed, .context = proceeding};
        enum status status = audit_log_submit(proceeding->centre->log, &proceeding->unclaim);
        if (status != OK) {
            proceeding_fail(proceeding, status);
            return;
        }
    }
    proceeding_refuse(proceeding, reason);
}

void proceeding_free(struct proceeding *proceeding)
{
    buffer_free(&proceeding->body);
    buffer_free(&proceeding->submission.recorded_answer);
}
