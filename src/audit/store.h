#ifndef SHIKAKU_AUDIT_STORE_H
#define SHIKAKU_AUDIT_STORE_H

#include "audit/event.h"

/*
 * Where events are kept: segment files on this machine, or PostgreSQL for many machines. The log drives
 * either through the same few functions.
 */
struct audit_store;

struct audit_segments_options {
    const char *directory; /* made when missing */
    uint32_t segment_size; /* bytes of one file, a multiple of 4096 from 1 MiB; 0: 64 MiB */
    const struct clock *clock;
};

/*
 * Opens the segment files, cuts a torn end, and learns which keys are in use from the newest ones.
 * ERR_DAMAGED: bytes that had been made durable are not what was written; nothing is touched, see
 * `shikaku verify-log`. ERR_BUSY: another process has the log open. ERR_VERSION: a newer format.
 */
enum status audit_store_open_segments(const struct audit_segments_options *options,
                                      struct audit_store **out) MUST_CHECK NONNULL;

/*
 * The log as a table of a database that several machines share ("postgresql://…"), and with it the keys in
 * use: what one machine has accepted, no other does. Made ready if need be. There is no chain. A claimed key
 * whose claimant ended is free again after a minute.
 */
enum status audit_store_open_database(const char *location, const struct clock *clock,
                                      struct audit_store **out) MUST_CHECK NONNULL;

/* For a store that no log owns. NULL is allowed. */
void audit_store_close(struct audit_store *store);

#endif
