#ifndef SHIKAKU_AUDIT_STORE_DRIVER_H
#define SHIKAKU_AUDIT_STORE_DRIVER_H

#include "audit/place.h"
#include "audit/store.h"
#include "audit/submission.h"
#include "audit/visit.h"

/* What a kind of store does. Every store begins with a struct audit_store. */
struct audit_store_driver {
    /*
     * Decides and records: each submission (AUDIT_APPEND, AUDIT_CLAIM, AUDIT_UNCLAIM) has its outcome when
     * this returns, and what is recorded is durable. On the log's thread only.
     */
    void (*append)(struct audit_store *store, struct audit_submission **group, size_t count);
    /* The newest durable sequence; 0: none. From any thread. */
    uint64_t (*newest)(const struct audit_store *store);
    /* From any thread. Views in *out point into hold. ERR_NOT_FOUND, ERR_DAMAGED, ERR_IO. */
    enum status (*event_at)(const struct audit_store *store, const struct event_place *place,
                            struct buffer *hold, struct event *out);
    /* Time spent making groups durable. From any thread. */
    uint64_t (*sync_microseconds)(const struct audit_store *store);
    /* Of the segment files; NULL where there are none. */
    const char *(*directory)(const struct audit_store *store);
    /* Look-ups as in audit/log.h, from any thread; NULL where the index does them (segment files). */
    enum status (*place)(const struct audit_store *store, const uint8_t id[EVENT_ID_SIZE],
                         struct event_place *out);
    enum status (*visit)(const struct audit_store *store, const uint8_t token_hash[EVENT_HASH_SIZE],
                         struct audit_visit *out);
    enum status (*person)(const struct audit_store *store, int64_t person, uint64_t from, uint64_t *sequences,
                          size_t limit, size_t *count);
    void (*close)(struct audit_store *store);
};

struct audit_store {
    const struct audit_store_driver *driver;
};

/* What is kept of an attempt with a key that was used for something else: whom it was about, not what would
 * have been answered. With an id of its own. */
struct event audit_refusal_of(const struct audit_submission *submission) NONNULL;

#endif
