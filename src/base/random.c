#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void random_fill(void *out, size_t length)
{
    uint8_t *at = out;
    while (length) {
        ssize_t got = getrandom(at, length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            abort();
        at += got;
        length -= (size_t)got;
    }
}

struct dice dice_of(uint64_t seed, uint64_t stream)
{
    struct dice dice = {seed ^ (stream * 0x9E3779B97F4A7C15u)};
    /* Otherwise stream n + 1 would be stream n, one number later. */
    dice.state = dice_next(&dice);
    return dice;
}

uint64_t dice_next(struct dice *dice)
{
    uint64_t z = (dice->state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

uint32_t dice_roll(struct dice *dice, uint32_t sides)
{
    return (uint32_t)(((dice_next(dice) >> 32) * sides) >> 32);
}
