#ifndef SHIKAKU_AUDIT_RELAY_H
#define SHIKAKU_AUDIT_RELAY_H

#include "audit/index.h"
#include "audit/outbox.h"
#include "audit/queue.h"

/*
 * Carries outbox rows into the log, in their order, each once: rows are confirmed only when they are durable
 * in the log, and after an interruption they are looked up there first.
 */
struct audit_relay;

/*
 * Returns after the first pass, so that what had happened before a crash is recorded before anything new.
 * index: NULL where the store itself recognises the id of an event that it has. All is borrowed.
 */
enum status audit_relay_start(const struct audit_outbox *outbox, struct audit_store *store,
                              struct audit_queue *queue, struct audit_index *index,
                              struct audit_relay **out) MUST_CHECK;
/* The queue must still be served. Who waits gets AUDIT_FAILED. NULL is allowed. */
void audit_relay_stop(struct audit_relay *relay);
void audit_relay_wake(struct audit_relay *relay) NONNULL;
/* AUDIT_AWAIT: comes back through the queue, with its outcome. */
void audit_relay_await(struct audit_relay *relay, struct audit_submission *submission) NONNULL;

#endif
