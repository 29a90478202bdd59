#include "pki/challenge.h"

#include <string.h>

#include "base/random.h"

enum { RANDOM_LENGTH = 16, EXPIRY_LENGTH = 4, MAC_LENGTH = 12 };

static enum status mac_of(const struct secret_key *key, struct bytes caller,
                          const struct challenge *challenge, struct sha256 *out)
{
    /* The caller, of any length, stands last behind fields of fixed length: no two inputs read alike. */
    const struct bytes parts[] = {
        bytes_of_text("shikaku-challenge-1"),
        bytes_of(challenge->bytes, RANDOM_LENGTH + EXPIRY_LENGTH),
        caller,
    };
    return hmac_sha256(key, parts, ARRAY_LENGTH(parts), out);
}

static uint32_t expiry_seconds(const struct challenge *challenge)
{
    const uint8_t *field = challenge->bytes + RANDOM_LENGTH;
    return (uint32_t)field[0] << 24 | (uint32_t)field[1] << 16 | (uint32_t)field[2] << 8 | field[3];
}

enum status challenge_create(const struct secret_key *key, struct bytes caller, moment now,
                             struct challenge *out)
{
    moment seconds = now / MICROSECONDS + CHALLENGE_LIFE_SECONDS;
    if (seconds < 0 || seconds > UINT32_MAX)
        return ERR_RANGE;
    random_fill(out->bytes, RANDOM_LENGTH);
    for (int i = 0; i < EXPIRY_LENGTH; i++)
        out->bytes[RANDOM_LENGTH + i] = (uint8_t)((uint64_t)seconds >> (24 - 8 * i));
    struct sha256 mac;
    enum status status = mac_of(key, caller, out, &mac);
    if (status == OK)
        memcpy(out->bytes + RANDOM_LENGTH + EXPIRY_LENGTH, mac.bytes, MAC_LENGTH);
    return status;
}

enum challenge_outcome challenge_check(const struct secret_key *key, struct bytes caller,
                                       const struct challenge *challenge, moment now, moment *expiry)
{
    struct sha256 mac;
    if (mac_of(key, caller, challenge, &mac) != OK)
        return CHALLENGE_FOREIGN; /* cannot be shown to be ours: never accepted */
    if (!bytes_equal_secret(bytes_of(mac.bytes, MAC_LENGTH),
                            bytes_of(challenge->bytes + RANDOM_LENGTH + EXPIRY_LENGTH, MAC_LENGTH)))
        return CHALLENGE_FOREIGN;
    moment end = (moment)expiry_seconds(challenge) * MICROSECONDS;
    if (expiry)
        *expiry = end;
    return now < end ? CHALLENGE_GOOD : CHALLENGE_EXPIRED;
}

const char *challenge_outcome_name(enum challenge_outcome outcome)
{
    switch (outcome) {
    case CHALLENGE_GOOD:
        return "good";
    case CHALLENGE_EXPIRED:
        return "expired";
    case CHALLENGE_FOREIGN:
        return "foreign";
    }
    return "unknown";
}
