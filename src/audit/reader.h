#ifndef SHIKAKU_AUDIT_READER_H
#define SHIKAKU_AUDIT_READER_H

#include "audit/event.h"
#include "audit/place.h"

/*
 * Reads events one after another from segment files, whether a service has them open or not. Of a log that
 * is being written the newest events may be not yet durable; a reader inside the service stops at
 * audit_log_newest. One thread.
 */
struct audit_reader;

/* The first event read is the one of this sequence (≥ 1). ERR_NOT_FOUND: not in the log. directory is copied.
 */
enum status audit_reader_open(const char *directory, uint64_t sequence,
                              struct audit_reader **out) MUST_CHECK NONNULL;
/* The first event read is the one that is or will be at this place; its sequence is the one expected. */
enum status audit_reader_open_at(const char *directory, const struct event_place *place,
                                 struct audit_reader **out) MUST_CHECK NONNULL;
void audit_reader_close(struct audit_reader *reader); /* NULL is allowed */

/*
 * The next event; its views live until the next call. ERR_NOT_FOUND: no more now, perhaps later. ERR_DAMAGED:
 * what follows is not what was written (or, at the very end, not written to its end); the reader stays.
 */
enum status audit_reader_next(struct audit_reader *reader, struct event *out) MUST_CHECK NONNULL;
/* Where the next event is looked for. */
struct event_place audit_reader_place(const struct audit_reader *reader) NONNULL;
/* Where the event read last stands. */
struct event_place audit_reader_last_place(const struct audit_reader *reader) NONNULL;

#endif
