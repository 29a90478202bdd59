#ifndef SHIKAKU_AUDIT_QUEUE_H
#define SHIKAKU_AUDIT_QUEUE_H

#include "audit/submission.h"

/* Submissions on their way from any thread to the log's. */
struct audit_queue;

/* limit: how many may wait. */
enum status audit_queue_create(size_t limit, struct audit_queue **out) MUST_CHECK NONNULL;
void audit_queue_free(struct audit_queue *queue); /* empty by then; NULL is allowed */

/* Never waits. ERR_BUSY: full. */
enum status audit_queue_put(struct audit_queue *queue,
                            struct audit_submission *submission) MUST_CHECK NONNULL;
/* For what the log itself sends: not held back by the limit. */
void audit_queue_put_always(struct audit_queue *queue, struct audit_submission *submission) NONNULL;

/* Waits for something, takes up to limit in order. 0: closed and empty. */
size_t audit_queue_take(struct audit_queue *queue, struct audit_submission **group, size_t limit) NONNULL;
/* What is queued is still taken; audit_queue_put gives ERR_WRONG_STATE from now on. */
void audit_queue_close(struct audit_queue *queue) NONNULL;
size_t audit_queue_length(struct audit_queue *queue) NONNULL;

#endif
