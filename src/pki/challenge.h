#ifndef SHIKAKU_PKI_CHALLENGE_H
#define SHIKAKU_PKI_CHALLENGE_H

#include "base/clock.h"
#include "pki/statement.h"

/*
 * Challenges that need no store until they are used: 16 random bytes ‖ expiry, 4 bytes of seconds since 1970
 * ‖ 12 bytes of HMAC-SHA256(key, "shikaku-challenge-1" ‖ random ‖ expiry ‖ caller). The caller is whatever
 * identity the use is bound to (an institution's certificate id, a session). Strength: 128 random bits keep
 * them distinct; forging one, or moving one to another caller or a later expiry, succeeds with probability
 * 2^-96 a try, and each try is a request. That a challenge is used once is the event store's matter.
 * Expiries end in the year 2106.
 */
enum { CHALLENGE_LIFE_SECONDS = 300 };

enum challenge_outcome {
    CHALLENGE_GOOD,
    CHALLENGE_EXPIRED,
    CHALLENGE_FOREIGN, /* not made by this centre for this caller: another's, or altered */
};
const char *challenge_outcome_name(enum challenge_outcome outcome);

enum status challenge_create(const struct secret_key *key, struct bytes caller, moment now,
                             struct challenge *out) MUST_CHECK;
/* expiry may be NULL; it is filled for GOOD and EXPIRED. */
enum challenge_outcome challenge_check(const struct secret_key *key, struct bytes caller,
                                       const struct challenge *challenge, moment now,
                                       moment *expiry) MUST_CHECK;

#endif
