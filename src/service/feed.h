#ifndef SHIKAKU_SERVICE_FEED_H
#define SHIKAKU_SERVICE_FEED_H

#include "audit/log.h"
#include "db/db.h"
#include "pki/key.h"

/*
 * The news of certificates: a thread that asks link for the authority's next signed batch, verifies it and
 * applies it. A suspended card is refused from the commit on (Q8).
 */
struct feed;

struct feed_settings {
    struct db *changes;          /* taken over */
    int link;                    /* socket for message_call(); taken over */
    struct public_key authority; /* the feed's key; shared with the caller's */
    struct audit_log *log;       /* borrowed: woken for the events of changes */
    const struct clock *clock;   /* borrowed */
};

enum status feed_start(const struct feed_settings *settings, struct feed **out) MUST_CHECK;
/* When the newest batch that was applied was made; 0: none yet. From any thread, until feed_stop(). */
moment feed_issued_at(const struct feed *feed);
/* Waits for the call under way. NULL is fine. */
void feed_stop(struct feed *feed);

#endif
