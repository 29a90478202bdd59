#ifndef SHIKAKU_AUDIT_ENCODING_H
#define SHIKAKU_AUDIT_ENCODING_H

#include "audit/event.h"

/*
 * The bytes of an event, the same in every store. The core has a fixed size and names no person; the
 * personal part is what the leaf commits to. Both begin with the version of their layout.
 */
enum {
    EVENT_CORE_SIZE = 191,
    EVENT_ENCODING_VERSION = 1,
};

/* Fits what can be stored: code of printable ASCII, key's life, personal part's size. */
enum status event_check(const struct event *event) MUST_CHECK NONNULL;

/* leaf = SHA-256(salt ‖ personal) */
enum status event_leaf(const uint8_t salt[EVENT_SALT_SIZE], struct bytes personal,
                       uint8_t leaf[EVENT_HASH_SIZE]) MUST_CHECK NONNULL;

/* Appended to out. */
enum status event_core_encode(const struct event *event, struct buffer *out) MUST_CHECK NONNULL;
/* ERR_VERSION, ERR_MALFORMED. Leaves salt and personal part alone. */
enum status event_core_decode(struct bytes core, struct event *out) MUST_CHECK NONNULL;

size_t event_personal_size(const struct event_personal *personal) NONNULL;
enum status event_personal_encode(const struct event_personal *personal,
                                  struct buffer *out) MUST_CHECK NONNULL;
/* Views in out point into bytes. */
enum status event_personal_decode(struct bytes bytes, struct event_personal *out) MUST_CHECK NONNULL;

#endif
