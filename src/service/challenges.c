#include "service/challenges.h"

#include <string.h>

#include "db/db.h"
#include "registry/checks.h"

struct challenge_request {
    struct centre_loop *loop;
};

static enum reason create(const struct centre *centre, struct challenges *challenges)
{
    struct bytes caller =
        bytes_of(challenges->caller.certificate.bytes, sizeof(challenges->caller.certificate.bytes));
    for (size_t i = 0; i < challenges->count; i++)
        if (challenge_create(&centre->challenge_key, caller, challenges->now, &challenges->list[i]) != OK)
            return REASON_INTERNAL;
    challenges->expires_at = challenges->now + (int64_t)CHALLENGE_LIFE_SECONDS * MICROSECONDS;
    return REASON_NONE;
}
