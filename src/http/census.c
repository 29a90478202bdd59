#include "http/census.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

enum { KEY_LENGTH = 16, PREFIX_LENGTH = 8 /* an IPv6 subscriber's network, /64 */ };

struct peer {
    struct peer *next;
    uint8_t key[KEY_LENGTH];
    size_t connections;
};

struct census {
    size_t limit, peer_limit;
    atomic_size_t total;
    pthread_mutex_t lock; /* for what follows */
    uint64_t seed;
    size_t places; /* a power of two */
    struct peer *peers[];
};

enum status census_new(size_t total, size_t per_peer, struct census **out)
{
    size_t places = 1;
    while (per_peer && places < total && places < 65536)
        places *= 2;
    struct census *census = calloc(1, sizeof *census + places * sizeof(struct peer *));
    *out = census;
    if (!census)
        return ERR_NO_MEMORY;
    census->limit = total;
    census->peer_limit = per_peer;
    census->places = places;
    random_fill(&census->seed, sizeof census->seed);
    pthread_mutex_init(&census->lock, NULL);
    return OK;
}

void census_free(struct census *census)
{
    if (!census)
        return;
    for (size_t i = 0; i < census->places; i++) {
        while (census->peers[i]) {
            struct peer *peer = census->peers[i];
            census->peers[i] = peer->next;
            free(peer);
        }
    }
    pthread_mutex_destroy(&census->lock);
    free(census);
}

static bool is_mapped_ipv4(const uint8_t address[16])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address, prefix, sizeof prefix) == 0;
}

static void key_of(const uint8_t address[16], uint8_t key[KEY_LENGTH])
{
    memset(key, 0, KEY_LENGTH);
    memcpy(key, address, is_mapped_ipv4(address) ? KEY_LENGTH : PREFIX_LENGTH);
}

static struct peer **find(struct census *census, const uint8_t key[KEY_LENGTH])
{
    uint64_t words[2];
    memcpy(words, key, sizeof words);
    uint64_t hash = (census->seed ^ words[0]) * UINT64_C(0xff51afd7ed558ccd);
    hash = ((hash ^ hash >> 33) ^ words[1]) * UINT64_C(0xff51afd7ed558ccd);
    struct peer **place = &census->peers[(hash >> 33) & (census->places - 1)];
    while (*place && memcmp((*place)->key, key, KEY_LENGTH) != 0)
        place = &(*place)->next;
    return place;
}

static bool peer_enters(struct census *census, const uint8_t address[16])
{
    uint8_t key[KEY_LENGTH];
    key_of(address, key);
    pthread_mutex_lock(&census->lock);
    struct peer **place = find(census, key);
    if (!*place && (*place = calloc(1, sizeof **place)) != NULL)
        memcpy((*place)->key, key, KEY_LENGTH);
    bool enters = *place && (*place)->connections < census->peer_limit;
    if (enters)
        (*place)->connections++;
    pthread_mutex_unlock(&census->lock);
    return enters;
}

static void peer_leaves(struct census *census, const uint8_t address[16])
{
    uint8_t key[KEY_LENGTH];
    key_of(address, key);
    pthread_mutex_lock(&census->lock);
    struct peer **place = find(census, key), *peer = *place;
    if (peer && --peer->connections == 0) {
        *place = peer->next;
        free(peer);
    }
    pthread_mutex_unlock(&census->lock);
}

enum census_answer census_enter(struct census *census, const uint8_t address[16])
{
    if (atomic_fetch_add_explicit(&census->total, 1, memory_order_relaxed) >= census->limit) {
        atomic_fetch_sub_explicit(&census->total, 1, memory_order_relaxed);
        return CENSUS_FULL;
    }
    if (census->peer_limit && !peer_enters(census, address)) {
        atomic_fetch_sub_explicit(&census->total, 1, memory_order_relaxed);
        return CENSUS_PEER_FULL;
    }
    return CENSUS_ADMITTED;
}

void census_leave(struct census *census, const uint8_t address[16])
{
    if (census->peer_limit)
        peer_leaves(census, address);
    atomic_fetch_sub_explicit(&census->total, 1, memory_order_relaxed);
}
