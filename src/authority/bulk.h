#ifndef SHIKAKU_AUTHORITY_BULK_H
#define SHIKAKU_AUTHORITY_BULK_H

#include "authority/authority.h"

/*
 * Filling the authority with a synthetic population. Certificates are promised, not made: serials and so ids
 * are fixed now, keys and certificates come when a card is really issued.
 */
struct bulk_resident {
    struct resident resident;
    bool has_card;
    bool has_signature;        /* with has_card */
    moment certificate_begins; /* with has_card */
    moment certificate_ends;   /* the last second */
    enum subject_state state;  /* of the certificates; 0: active. Not superseded */
    bool is_renewed;           /* certificates before these, on the same card, are superseded by them */
    moment renewed_begins;     /* with is_renewed: theirs */
    moment renewed_ends;
};

struct bulk_stored {
    int64_t resident;
    struct certificate_id authentication;                            /* zeros without a card */
    struct certificate_id signature;                                 /* zeros where there is none */
    struct certificate_id renewed_authentication, renewed_signature; /* zeros unless is_renewed */
};

struct bulk_source {
    /* The next resident; false at the end. What it points to is copied before the next call. */
    bool (*next)(void *context, struct bulk_resident *out);
    /* The index-th resident given by next(), in that order, once it is committed. NULL: nobody asks. */
    void (*stored)(void *context, uint64_t index, const struct bulk_stored *stored);
    void *context;
};

/* In transactions of thousands, then more: what was stored() stays when a later one fails. */
enum status authority_load_residents(struct authority *authority, const struct bulk_source *source,
                                     uint64_t *count) MUST_CHECK;

#endif
