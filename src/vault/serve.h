#ifndef SHIKAKU_VAULT_SERVE_H
#define SHIKAKU_VAULT_SERVE_H

#include "vault/vault.h"

/*
 * The vault process: answers front's messages (vault/messages.h) and asks the card authority through link,
 * sealed end to end. One thread.
 */
enum { VAULT_FRONTS_MAX = 16 };

struct vault_service {
    struct vault *vault;                /* borrowed */
    const struct public_key *authority; /* to which questions are sealed; borrowed */
    const struct clock *clock;          /* borrowed */
    const int *fronts;       /* sockets, one a thread of front's; owned by vault_serve() from the call on */
    size_t front_count;      /* 1 … VAULT_FRONTS_MAX */
    int link;                /* socket, owned likewise */
    unsigned authority_time; /* ms that the authority has for an answer; 0: 5,000 */
};

/* Until a peer closes (OK) or breaks the protocol (that error). */
enum status vault_serve(const struct vault_service *service) MUST_CHECK;

#endif
