#include "http/rate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

enum { PLACES = 4096, WAYS = 4, LOCKS = 64 };
#define TOKEN INT64_C(1000000) /* tokens are counted in millionths, since time is in microseconds */

struct bucket {
    uint8_t key[RATE_KEY_LENGTH];
    int64_t filled; /* when it was last brought up to date; 0: never used */
    int64_t tokens; /* millionths */
};

struct rate {
    int64_t per_second;
    int64_t full;
    uint64_t seed; /* so that nobody can choose keys that share a place */
    pthread_mutex_t locks[LOCKS];
    struct bucket buckets[PLACES][WAYS];
};

enum status rate_new(unsigned per_second, unsigned burst, struct rate **out)
{
    *out = NULL;
    struct rate *rate = calloc(1, sizeof *rate);
    if (!rate)
        return ERR_NO_MEMORY;
    rate->per_second = per_second;
    rate->full = (int64_t)burst * TOKEN;
    random_fill(&rate->seed, sizeof rate->seed);
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&rate->locks[i], NULL);
    *out = rate;
    return OK;
}

void rate_free(struct rate *rate)
{
    if (!rate)
        return;
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&rate->locks[i]);
    free(rate);
}

static size_t place_of(const struct rate *rate, const uint8_t key[RATE_KEY_LENGTH])
{
    uint64_t hash = rate->seed;
    for (size_t i = 0; i < RATE_KEY_LENGTH; i += 8) {
        uint64_t word;
        memcpy(&word, key + i, sizeof word);
        hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd); /* the mixing step of MurmurHash3 */
        hash ^= hash >> 33;
    }
    return (size_t)(hash % PLACES);
}

/* The caller's bucket, or the longest unused one made over to it. */
static struct bucket *bucket_of(struct rate *rate, size_t place, const uint8_t key[RATE_KEY_LENGTH],
                                int64_t now)
{
    struct bucket *oldest = &rate->buckets[place][0];
    for (size_t i = 0; i < WAYS; i++) {
        struct bucket *bucket = &rate->buckets[place][i];
        if (bucket->filled && memcmp(bucket->key, key, RATE_KEY_LENGTH) == 0)
            return bucket;
        if (bucket->filled < oldest->filled)
            oldest = bucket;
    }
    memcpy(oldest->key, key, RATE_KEY_LENGTH);
    oldest->tokens = rate->full;
    oldest->filled = now;
    return oldest;
}

static void fill(const struct rate *rate, struct bucket *bucket, int64_t now)
{
    if (now <= bucket->filled)
        return;
    int64_t missing = rate->full - bucket->tokens, elapsed = now - bucket->filled;
    bool brim = elapsed > missing / rate->per_second; /* compared this way round nothing overflows */
    bucket->tokens = brim ? rate->full : bucket->tokens + elapsed * rate->per_second;
    bucket->filled = now;
}

bool rate_admits(struct rate *rate, const uint8_t key[RATE_KEY_LENGTH], int64_t now, unsigned *wait)
{
    size_t place = place_of(rate, key);
    pthread_mutex_t *lock = &rate->locks[place % LOCKS];
    pthread_mutex_lock(lock);
    struct bucket *bucket = bucket_of(rate, place, key, now);
    fill(rate, bucket, now);
    bool admitted = bucket->tokens >= TOKEN;
    if (admitted)
        bucket->tokens -= TOKEN;
    int64_t missing = TOKEN - bucket->tokens;
    pthread_mutex_unlock(lock);
    *wait = admitted ? 0 : (unsigned)(missing / (rate->per_second * TOKEN)) + 1;
    return admitted;
}
