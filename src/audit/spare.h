#ifndef SHIKAKU_AUDIT_SPARE_H
#define SHIKAKU_AUDIT_SPARE_H

#include "base/bytes.h"

/*
 * The next segment's file, made ahead by a thread of its own: full of zeros, at its full size and synced, so
 * that changing over costs the log a header and a rename, and a full disk is met before the last file is
 * full.
 */
struct spare;

enum { SPARE_NAME_SIZE = 8 };
extern const char spare_name[SPARE_NAME_SIZE]; /* of the file, until it is renamed */

/* Starts making the first one, unless a whole one is left from before. */
enum status spare_create(const char *directory, uint32_t size, struct spare **out) MUST_CHECK NONNULL;
/* A file that was not taken stays for the next time. NULL is allowed. */
void spare_free(struct spare *spare);

/*
 * The file's descriptor, the caller's from here on; waits while it is being made. After an error (disk full:
 * ERR_IO) the next call tries anew. The caller renames the file, then spare_want_next.
 */
enum status spare_take(struct spare *spare, int *fd) MUST_CHECK NONNULL;
void spare_want_next(struct spare *spare) NONNULL;

#endif
