#ifndef SHIKAKU_SERVICE_OUTBOX_EVENT_H
#define SHIKAKU_SERVICE_OUTBOX_EVENT_H

#include "audit/log.h"
#include "base/region.h"
#include "db/db.h"

/* Events of changes: an event goes into the registry's outbox in the change's own transaction, and from there
 * into the log. */

/* Inside db_transaction(). The event's id, key and personal part go along; salt and leaf are the log's. */
enum status event_outbox_put(struct db *changes, const struct event *event) MUST_CHECK;

/* What the log takes outbox rows from: a handle of its own, used on the log's thread only. */
struct event_outbox {
    struct db *changes; /* owned */
    struct region region;
};
struct audit_outbox event_outbox_interface(struct event_outbox *outbox);
void event_outbox_free(struct event_outbox *outbox);

#endif
