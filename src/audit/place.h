#ifndef SHIKAKU_AUDIT_PLACE_H
#define SHIKAKU_AUDIT_PLACE_H

#include <stdint.h>

/* Where an event stands in the segment files. */
struct event_place {
    uint64_t sequence; /* 0: nowhere */
    uint64_t segment;  /* its first sequence; 0: to be found by the sequence */
    uint64_t offset;
};

#endif
