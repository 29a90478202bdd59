#ifndef SHIKAKU_PKI_STATE_FEED_H
#define SHIKAKU_PKI_STATE_FEED_H

#include "pki/certificate.h"
#include "pki/statement.h"

/*
 * How the card authority tells the centre what became of certificates: batches signed with its feed key
 * (P-256), relayed unopened by whoever carries them.
 *
 *   16 label "shikaku-feed-1", zero-padded   8 after   8 through   8 newest   8 issued at   4 count
 *   count × { 8 sequence  1 kind  32 id  1 state  8 not_after  32 successor }
 *   u16 length ‖ ECDSA-SHA256 signature, DER, over everything before it
 *
 * A batch covers the sequences after < s ≤ through: it holds every id whose latest change lies there, in
 * order of sequence, each with its state at that change (an id that changed again later stands in a later
 * batch only). newest is the authority's highest sequence when the batch was made: while through < newest
 * there is more to fetch. A batch without entries is the heartbeat. Moments are microseconds since 1970.
 */
enum subject_kind { SUBJECT_CARD = 1, SUBJECT_MACHINE = 2, SUBJECT_TERMINAL = 3 };

enum subject_state {
    STATE_ACTIVE = 1,
    STATE_SUSPENDED = 2,  /* 一時停止: may become active again, at the municipal counter only (Q8) */
    STATE_REVOKED = 3,    /* 失効: for good */
    STATE_EXPIRED = 4,    /* 有効期限切れ */
    STATE_SUPERSEDED = 5, /* 更新: the successor belongs to the same person */
};
/* "active", "suspended", … */
const char *subject_state_name(enum subject_state state);

struct state_entry {
    uint64_t sequence;
    enum subject_kind kind;
    struct certificate_id id; /* a terminal's: its 16-byte id and 16 zeros */
    enum subject_state state;
    moment not_after;
    struct certificate_id successor; /* zeros unless superseded */
};

struct certificate_id certificate_id_of_terminal(const struct terminal_id *terminal);

enum { STATE_BATCH_ENTRIES_MAX = 8192 };

struct state_batch {
    uint64_t after;
    uint64_t through;
    uint64_t newest;
    moment issued_at;
    size_t count;
    struct state_entry *entries; /* owned, when the batch was made by state_batch_open() */
};

/* Encodes and signs; appended to out. ERR_RANGE: entries not in order or outside (after, through]. */
enum status state_batch_seal(const struct state_batch *batch, const struct private_key *feed_key,
                             struct buffer *out) MUST_CHECK;
/* Verifies, then parses. ERR_CRYPTO: not signed by this key; ERR_MALFORMED, ERR_VERSION. The caller still
 * checks that `after` is what it has applied and that issued_at does not go back. */
enum status state_batch_open(struct bytes bytes, const struct public_key *feed_key,
                             struct state_batch *out) MUST_CHECK;
void state_batch_free(struct state_batch *batch);

#endif
