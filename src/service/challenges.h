#ifndef SHIKAKU_SERVICE_CHALLENGES_H
#define SHIKAKU_SERVICE_CHALLENGES_H

#include "pki/challenge.h"
#include "service/centre.h"

/* Challenges fetched ahead by a machine whose certificate is in use. Nothing is stored until one is used. */
struct challenges {
    /* filled in by the owner, who keeps it until done was called */
    struct centre_loop *loop;
    struct caller caller;
    void (*done)(struct challenges *challenges); /* on the loop's thread, once */
    void *context;

    /* filled in before done */
    enum reason reason; /* REASON_NONE: count challenges stand in list */
    moment now;
    moment expires_at;

    size_t count; /* asked for */
    struct challenge list[];
};

void challenges_create(struct challenges *challenges);

#endif
