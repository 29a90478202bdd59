#ifndef SHIKAKU_AUDIT_VISIT_H
#define SHIKAKU_AUDIT_VISIT_H

#include "audit/event.h"

/* What a visit token stands for: the check in whose answer it was given out. */
struct audit_visit {
    uint64_t sequence;
    uint8_t event_id[EVENT_ID_SIZE];
    struct event_caller caller;
    int64_t person;
    int64_t subscription;
    moment expiry;
};

/* Of an event that has one. */
struct audit_visit audit_visit_of(const struct event *event, uint64_t sequence) NONNULL;

#endif
