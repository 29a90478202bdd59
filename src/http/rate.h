#ifndef SHIKAKU_HTTP_RATE_H
#define SHIKAKU_HTTP_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/*
 * Token buckets by caller, shared by all loops. The table has a fixed size; where more callers share a place
 * than it has ways, the one that was quiet longest is forgotten, which gives it a full bucket.
 */
struct rate;

enum { RATE_KEY_LENGTH = 32 };

/* per_second ≥ 1, burst ≥ 1. */
enum status rate_new(unsigned per_second, unsigned burst, struct rate **out) MUST_CHECK;
void rate_free(struct rate *rate);
/* Takes a token. now: monotonic microseconds. When there is none, false and the seconds (≥ 1) until one is
 * due. */
bool rate_admits(struct rate *rate, const uint8_t key[RATE_KEY_LENGTH], int64_t now, unsigned *wait);

#endif
