#ifndef SHIKAKU_AUDIT_STORE_DRIVER_H
#define SHIKAKU_AUDIT_STORE_DRIVER_H

#include "audit/place.h"
#include "audit/store.h"
#include "audit/submission.h"

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
    void (*close)(struct audit_store *store);
};

struct audit_store {
    const struct audit_store_driver *driver;
};

#endif
