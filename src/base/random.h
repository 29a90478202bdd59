#ifndef SHIKAKU_BASE_RANDOM_H
#define SHIKAKU_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* From the kernel's generator; aborts where that fails, since nothing sane can follow. */
void random_fill(void *out, size_t length);

/*
 * A deterministic stream for synthetic data (never for keys): the same seed gives the same numbers on every
 * machine. splitmix64.
 */
struct dice {
    uint64_t state;
};
struct dice dice_of(uint64_t seed, uint64_t stream);
uint64_t dice_next(struct dice *dice);
/* 0 … sides - 1; sides ≥ 1. */
uint32_t dice_roll(struct dice *dice, uint32_t sides);

#endif
