#ifndef SHIKAKU_LINK_LINK_H
#define SHIKAKU_LINK_LINK_H

#include "http/client.h"

/*
 * The link process: the only one that talks to the card authority. It relays what vault and authority seal to
 * each other and the authority's signed feed; it keeps nothing and can open nothing.
 */
enum link_message {
    /* vault -> link: a sealed question; the reply is the sealed answer. Same number as VAULT_ASK_AUTHORITY.
     */
    LINK_RELAY_SEALED = 4,
    /* front -> link: u64 sequence; the reply is the next signed batch after it, a heartbeat where nothing
     * changed within LINK_FEED_WAIT_MS. */
    LINK_NEXT_BATCH = 20,
};

enum { LINK_FEED_WAIT_MS = 1000, LINK_WORKERS = 4, LINK_CLIENTS = LINK_WORKERS + 1 };

struct link_service {
    struct http_client **clients; /* LINK_CLIENTS of them, connected to the authority; borrowed */
    int front;                    /* sockets, owned by link_serve() from the call on */
    int vault;
};

/* Until a peer closes (OK) or breaks the protocol (that error). */
enum status link_serve(const struct link_service *service) MUST_CHECK;

#endif
