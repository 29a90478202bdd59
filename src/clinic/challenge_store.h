#ifndef SHIKAKU_CLINIC_CHALLENGE_STORE_H
#define SHIKAKU_CLINIC_CHALLENGE_STORE_H

#include "base/clock.h"
#include "pki/statement.h"

/*
 * Challenges fetched ahead, in a file (mode 0600) that all programs of one terminal share, so that a check is
 * one round trip. Each is given out once. The file is bound to one centre and one machine certificate: after
 * either was replaced, what it holds is dropped.
 */
struct challenge_store {
    const char *path; /* borrowed */
    struct sha256 centre;
    struct sha256 caller;
};

enum {
    CHALLENGE_STORE_LIMIT = 100,
    /* Seconds of life a challenge must have left: the card has yet to sign and the request to arrive. */
    CHALLENGE_MARGIN = 20,
};

/* ERR_NOT_FOUND where none is left, or none that lives long enough. */
enum status challenge_store_take(const struct challenge_store *store, moment now,
                                 struct challenge *out) MUST_CHECK;
/* Replaces what there was. expires_at by this machine's clock. */
enum status challenge_store_put(const struct challenge_store *store, const struct challenge *challenges,
                                size_t count, moment expires_at) MUST_CHECK;
/* How many there are that live long enough. */
enum status challenge_store_count(const struct challenge_store *store, moment now, size_t *out) MUST_CHECK;

#endif
