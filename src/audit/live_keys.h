#ifndef SHIKAKU_AUDIT_LIVE_KEYS_H
#define SHIKAKU_AUDIT_LIVE_KEYS_H

#include "audit/event.h"
#include "audit/place.h"

/*
 * The keys that were used, as long as anybody could use them again: in memory, since they live minutes, and
 * learnt again from the newest events at a start. One thread.
 */
struct live_keys;

struct live_key {
    uint8_t key[EVENT_HASH_SIZE];
    uint8_t claimant[EVENT_HASH_SIZE]; /* of caller and request: see claimant_of */
    moment expiry;
    struct event_place place; /* nowhere: the key is only claimed */
    struct live_key *next;    /* in its bucket */
    struct live_key *newer;   /* in order of insertion */
    struct live_key *older;
};

/* SHA-256 over the caller and the hash of the request: equal for the same request by the same caller. */
enum status claimant_of(const struct event_caller *caller, const struct event_key *key,
                        uint8_t out[EVENT_HASH_SIZE]) MUST_CHECK NONNULL;

enum status live_keys_create(struct live_keys **out) MUST_CHECK NONNULL;
void live_keys_free(struct live_keys *keys); /* NULL is allowed */

/* NULL: not used. Valid until removed or forgotten. */
struct live_key *live_keys_find(struct live_keys *keys, const uint8_t key[EVENT_HASH_SIZE]) NONNULL;
/* The key must not be there yet. */
enum status live_keys_add(struct live_keys *keys, const struct live_key *key,
                          struct live_key **added) MUST_CHECK NONNULL;
void live_keys_remove(struct live_keys *keys, struct live_key *key) NONNULL;
/* Forgets what expired before the moment; a few at each call, oldest first. */
void live_keys_forget(struct live_keys *keys, moment before) NONNULL;
size_t live_keys_count(const struct live_keys *keys) NONNULL;

#endif
