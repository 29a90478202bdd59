#include "audit/live_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "pki/symmetric.h"

enum {
    FIRST_BUCKETS = 1024, /* a power of two; doubled when there are more keys than buckets */
    FORGET_AT_ONCE = 4096,
};

struct live_keys {
    struct live_key **buckets;
    size_t bucket_count;
    size_t count;
    struct live_key *oldest;
    struct live_key *newest;
    uint64_t seed; /* nobody outside can aim at a bucket */
};

enum status claimant_of(const struct event_caller *caller, const struct event_key *key,
                        uint8_t out[EVENT_HASH_SIZE])
{
    uint8_t party = (uint8_t)caller->party;
    char code[EVENT_CODE_LIMIT] = {0};
    memcpy(code, caller->code, strnlen(caller->code, EVENT_CODE_LIMIT));
    const struct bytes parts[] = {
        bytes_of(&party, 1),
        bytes_of(code, sizeof code),
        bytes_of(caller->certificate_id, EVENT_HASH_SIZE),
        bytes_of(key->request_hash, EVENT_HASH_SIZE),
    };
    struct sha256 hash;
    enum status status = sha256_of_parts(parts, ARRAY_LENGTH(parts), &hash);
    if (status == OK)
        memcpy(out, hash.bytes, EVENT_HASH_SIZE);
    return status;
}

enum status live_keys_create(struct live_keys **out)
{
    struct live_keys *keys = calloc(1, sizeof *keys);
    if (!keys)
        return ERR_NO_MEMORY;
    keys->bucket_count = FIRST_BUCKETS;
    keys->buckets = calloc(keys->bucket_count, sizeof(struct live_key *));
    if (!keys->buckets) {
        free(keys);
        return ERR_NO_MEMORY;
    }
    random_fill(&keys->seed, sizeof keys->seed);
    *out = keys;
    return OK;
}

void live_keys_free(struct live_keys *keys)
{
    if (!keys)
        return;
    while (keys->oldest)
        live_keys_remove(keys, keys->oldest);
    free(keys->buckets);
    free(keys);
}

static struct live_key **bucket_of(struct live_key **buckets, size_t count, uint64_t seed, const uint8_t *key)
{
    uint64_t hash = seed;
    for (size_t i = 0; i < EVENT_HASH_SIZE; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, key + i, sizeof word);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 32;
    }
    return &buckets[hash & (count - 1)];
}

struct live_key *live_keys_find(struct live_keys *keys, const uint8_t key[EVENT_HASH_SIZE])
{
    struct live_key *found = *bucket_of(keys->buckets, keys->bucket_count, keys->seed, key);
    while (found && memcmp(found->key, key, EVENT_HASH_SIZE) != 0)
        found = found->next;
    return found;
}

/* Without memory it stays as it is: slower, not wrong. */
static void buckets_double(struct live_keys *keys)
{
    size_t count = keys->bucket_count * 2;
    struct live_key **buckets = calloc(count, sizeof(struct live_key *));
    if (!buckets)
        return;
    for (struct live_key *key = keys->oldest; key; key = key->newer) {
        struct live_key **bucket = bucket_of(buckets, count, keys->seed, key->key);
        key->next = *bucket;
        *bucket = key;
    }
    free(keys->buckets);
    keys->buckets = buckets;
    keys->bucket_count = count;
}

enum status live_keys_add(struct live_keys *keys, const struct live_key *key, struct live_key **added)
{
    struct live_key *made = malloc(sizeof *made);
    if (!made)
        return ERR_NO_MEMORY;
    if (keys->count >= keys->bucket_count)
        buckets_double(keys);
    struct live_key **bucket = bucket_of(keys->buckets, keys->bucket_count, keys->seed, key->key);
    *made = *key;
    made->next = *bucket;
    made->older = keys->newest;
    made->newer = NULL;
    *bucket = made;
    if (keys->newest)
        keys->newest->newer = made;
    else
        keys->oldest = made;
    keys->newest = made;
    keys->count++;
    *added = made;
    return OK;
}

void live_keys_remove(struct live_keys *keys, struct live_key *key)
{
    struct live_key **link = bucket_of(keys->buckets, keys->bucket_count, keys->seed, key->key);
    while (*link != key)
        link = &(*link)->next;
    *link = key->next;
    if (key->older)
        key->older->newer = key->newer;
    else
        keys->oldest = key->newer;
    if (key->newer)
        key->newer->older = key->older;
    else
        keys->newest = key->older;
    keys->count--;
    free(key);
}

void live_keys_forget(struct live_keys *keys, moment before)
{
    /* Lives differ, so an early long one may keep later short ones a while: no more than the longest life. */
    for (int i = 0; i < FORGET_AT_ONCE && keys->oldest && keys->oldest->expiry < before; i++)
        live_keys_remove(keys, keys->oldest);
}

size_t live_keys_count(const struct live_keys *keys)
{
    return keys->count;
}
