#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pki/challenge.h"

/* Any 32 bytes, for any caller: never good, and never anything but foreign. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct secret_key key;
    static bool made;
    if (!made)
        secret_key_create(&key);
    made = true;
    struct challenge challenge = {0};
    size_t length = size < sizeof(challenge.bytes) ? size : sizeof(challenge.bytes);
    if (length)
        memcpy(challenge.bytes, data, length);
    moment expiry = 0;
    enum challenge_outcome outcome = challenge_check(&key, bytes_from(bytes_of(data, size), length),
                                                     &challenge, 1795316400LL * MICROSECONDS, &expiry);
    if (outcome != CHALLENGE_FOREIGN)
        abort();
    return 0;
}
