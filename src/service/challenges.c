#include "service/challenges.h"

#include "db/db.h"
#include "service/check.h"
#include "service/proceeding.h"

static enum reason create(struct challenges *challenges)
{
    struct bytes caller =
        bytes_of(challenges->caller.certificate.bytes, sizeof(challenges->caller.certificate.bytes));
    const struct secret_key *key = &challenges->loop->centre->challenge_key;
    for (size_t i = 0; i < challenges->count; i++)
        if (challenge_create(key, caller, challenges->now, &challenges->list[i]) != OK)
            return REASON_INTERNAL;
    challenges->expires_at = challenges->now + (int64_t)CHALLENGE_LIFE_SECONDS * MICROSECONDS;
    return REASON_NONE;
}

static void on_caller(void *argument, enum status status, struct db_rows *rows)
{
    struct challenges *challenges = argument;
    struct check_findings findings;
    if (status == OK)
        status = check_caller_collect(rows, &findings);
    enum reason reason = status == OK ? caller_refusal(&findings, challenges->now) : reason_of_store(status);
    challenges->reason = reason == REASON_NONE ? create(challenges) : reason;
    challenges->done(challenges);
}

void challenges_create(struct challenges *challenges)
{
    struct centre_loop *loop = challenges->loop;
    const struct centre *centre = loop->centre;
    const struct check_caller caller = caller_in_registry(&challenges->caller);
    challenges->now = clock_now(centre->clock);
    int64_t deadline = monotonic_microseconds() + centre->check_microseconds;
    enum status status = check_caller_submit(loop->checks, &caller, deadline, on_caller, challenges);
    if (status != OK) {
        challenges->reason = reason_of_store(status);
        challenges->done(challenges);
    }
    if (loop->submitted)
        loop->submitted(loop);
}
