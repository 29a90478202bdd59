#ifndef SHIKAKU_AUDIT_OUTBOX_H
#define SHIKAKU_AUDIT_OUTBOX_H

#include "audit/event.h"

/* An event that was made inside a registry transaction, waiting in the registry's outbox. */
struct audit_outbox_row {
    int64_t row; /* the outbox's own key */
    struct event event;
};

/*
 * Where outbox rows come from. Both functions are called on one thread of the log's. Rows may be given again
 * until they are confirmed: the log recognises their event ids and records each once.
 */
struct audit_outbox {
    void *context;
    /* Up to limit oldest rows. What they borrow stays valid until `confirm` or the next `take`. */
    enum status (*take)(void *context, struct audit_outbox_row *rows, size_t limit, size_t *count);
    /* These are durable in the log: remove them. */
    enum status (*confirm)(void *context, const int64_t *rows, size_t count);
};

/* An event as bytes, for the payload of an outbox row: everything but what the log gives (sequence, salt,
 * leaf). Appended to out. ERR_RANGE, ERR_TOO_LARGE: what audit_log_submit would refuse. */
enum status event_pack(const struct event *event, struct buffer *out) MUST_CHECK NONNULL;
/* Views in *out point into bytes. ERR_VERSION, ERR_MALFORMED. */
enum status event_unpack(struct bytes bytes, struct event *out) MUST_CHECK NONNULL;

#endif
