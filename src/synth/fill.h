#ifndef SHIKAKU_SYNTH_FILL_H
#define SHIKAKU_SYNTH_FILL_H

#include "authority/authority.h"
#include "base/clock.h"
#include "pki/key.h"
#include "synth/nation.h"
#include "vault/vault.h"

/*
 * Fills a new authority and a new centre with one nation, so that both agree from the start. Neither may be
 * running. The authority is filled on a thread of its own.
 */
struct fill {
    struct nation_plan plan;
    struct authority *authority;
    const struct public_key *authority_feed; /* as the centre holds it */
    struct db *registry;                     /* for changes */
    struct vault *vault;
    const struct clock *clock;
    const char *terms_version; /* that enrolments accept */
};

enum fill_finding {
    FILL_FOUND_EMPTY,
    FILL_FOUND_HALF,            /* an earlier filling did not come to its end */
    FILL_FOUND_DONE,            /* one did */
    FILL_FOUND_PEOPLE,          /* the centre holds people or has followed the authority's news */
    FILL_FOUND_RESIDENTS,       /* the authority has issued cards */
    FILL_FOUND_OTHER_AUTHORITY, /* its news is not signed by the authority that the centre believes */
};
enum status fill_look(const struct fill *fill, enum fill_finding *out) MUST_CHECK;

struct fill_counts {
    uint64_t people;
    uint64_t subscriptions;
    uint64_t in_vault;
    uint64_t certificates;
    uint64_t enrolled;
};
/* After fill_look() found both empty. After an error neither may be used. */
enum status fill_run(const struct fill *fill, struct fill_counts *counts) MUST_CHECK;

#endif
