#ifndef SHIKAKU_REGISTRY_CERTIFICATE_H
#define SHIKAKU_REGISTRY_CERTIFICATE_H

#include "domain/facts.h"
#include "registry/registry.h"

/* Certificates and their state, as the card authority's feed tells it; and whose a card certificate is. */

enum { CERTIFICATE_ID_SIZE = 32, TERMINAL_ID_SIZE = 16 };

/* One entry of the feed. */
struct certificate_change {
    uint8_t id[CERTIFICATE_ID_SIZE]; /* a terminal's: its 16 bytes, then zeros */
    enum certificate_state state;
    struct date last_day;                   /* inclusive, in Tokyo */
    uint8_t successor[CERTIFICATE_ID_SIZE]; /* zeros unless state is CERTIFICATE_SUPERSEDED */
};

/*
 * Each adds or updates. The successor of a superseded card certificate belongs to the same person, so that
 * person's enrolment goes on with it, whichever of the two entries comes first.
 */
enum status certificate_apply(struct db *db, const struct certificate_change *change) MUST_CHECK;
enum status machine_certificate_apply(struct db *db, const struct certificate_change *change) MUST_CHECK;
enum status terminal_apply(struct db *db, const struct certificate_change *change) MUST_CHECK;

/* How far the feed has been applied, and when its newest batch was issued. Zeros where nothing came yet. */
struct feed_position {
    uint64_t through;
    moment issued_at;
};
enum status feed_position_read(struct db *db, struct feed_position *out) MUST_CHECK;
/* ERR_RANGE: goes back. */
enum status feed_position_set(struct db *db, const struct feed_position *position) MUST_CHECK;

/* As the feed named it; whose it is stands in the certificate itself, so institution is "" here.
 * ERR_NOT_FOUND. */
enum status machine_certificate_find(struct db *db, const uint8_t id[CERTIFICATE_ID_SIZE],
                                     struct machine_certificate_facts *out) MUST_CHECK;

/* Whose a card certificate is, learnt once. ERR_EXISTS: it was learnt before and is someone else's.
 * ERR_NOT_FOUND: the feed has not named it. */
enum status certificate_learn_person(struct db *db, const uint8_t id[CERTIFICATE_ID_SIZE], int64_t person,
                                     bool on_phone) MUST_CHECK;
/* out->known is false where the feed has not named it. */
enum status certificate_read(struct db *db, const uint8_t id[CERTIFICATE_ID_SIZE],
                             struct certificate_facts *out) MUST_CHECK;

#endif
