#include "audit/recent_visits.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"

/* A power of two. The index is some hundred visits behind, thousands at the worst. */
enum { BUCKETS = 4096 };

struct recent_visit {
    uint8_t token_hash[EVENT_HASH_SIZE];
    struct audit_visit visit;
    struct recent_visit *next;  /* in its bucket */
    struct recent_visit *newer; /* in order of sequence */
};

struct recent_visits {
    struct recent_visit *buckets[BUCKETS];
    struct recent_visit *oldest;
    struct recent_visit *newest;
    uint64_t seed;
};

struct audit_visit audit_visit_of(const struct event *event, uint64_t sequence)
{
    struct audit_visit visit = {
        .sequence = sequence,
        .caller = event->caller,
        .person = event->personal.person,
        .subscription = event->personal.subscription,
        .expiry = event->personal.visit.expiry,
    };
    memcpy(visit.event_id, event->id, EVENT_ID_SIZE);
    return visit;
}

enum status recent_visits_create(struct recent_visits **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return ERR_NO_MEMORY;
    random_fill(&(*out)->seed, sizeof(*out)->seed);
    return OK;
}

/* Hashes of random tokens are spread already; who sends made-up ones does not know the seed. */
static size_t bucket_of(const struct recent_visits *visits, const uint8_t *token_hash)
{
    uint64_t word;
    memcpy(&word, token_hash, sizeof word);
    return (size_t)(((word ^ visits->seed) * 0x9E3779B97F4A7C15u) >> 52) & (BUCKETS - 1);
}

enum status recent_visits_add(struct recent_visits *visits, const uint8_t token_hash[EVENT_HASH_SIZE],
                              const struct audit_visit *visit)
{
    struct recent_visit *made = malloc(sizeof *made);
    if (!made)
        return ERR_NO_MEMORY;
    struct recent_visit **bucket = &visits->buckets[bucket_of(visits, token_hash)];
    *made = (struct recent_visit){.visit = *visit, .next = *bucket};
    memcpy(made->token_hash, token_hash, EVENT_HASH_SIZE);
    *bucket = made;
    if (visits->newest)
        visits->newest->newer = made;
    else
        visits->oldest = made;
    visits->newest = made;
    return OK;
}

const struct audit_visit *recent_visits_find(const struct recent_visits *visits,
                                             const uint8_t token_hash[EVENT_HASH_SIZE])
{
    const struct recent_visit *found = visits->buckets[bucket_of(visits, token_hash)];
    while (found && memcmp(found->token_hash, token_hash, EVENT_HASH_SIZE) != 0)
        found = found->next;
    return found ? &found->visit : NULL;
}

static void oldest_remove(struct recent_visits *visits)
{
    struct recent_visit *oldest = visits->oldest;
    struct recent_visit **link = &visits->buckets[bucket_of(visits, oldest->token_hash)];
    while (*link != oldest)
        link = &(*link)->next;
    *link = oldest->next;
    visits->oldest = oldest->newer;
    if (!visits->oldest)
        visits->newest = NULL;
    free(oldest);
}

void recent_visits_forget(struct recent_visits *visits, uint64_t up_to)
{
    while (visits->oldest && visits->oldest->visit.sequence <= up_to)
        oldest_remove(visits);
}

void recent_visits_free(struct recent_visits *visits)
{
    if (!visits)
        return;
    recent_visits_forget(visits, UINT64_MAX);
    free(visits);
}
