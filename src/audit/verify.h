#ifndef SHIKAKU_AUDIT_VERIFY_H
#define SHIKAKU_AUDIT_VERIFY_H

#include "audit/event.h"

/* What can be wrong with segment files. */
enum audit_finding_kind {
    FINDING_SEGMENT_UNREADABLE, /* its header is not ours, or of a newer format */
    FINDING_SEGMENT_MISSING,    /* the one before ends earlier than this one begins */
    FINDING_FRAME_DAMAGED,      /* bytes that are no whole frame, before the log's end */
    FINDING_EVENT_DAMAGED,      /* a whole frame whose content does not fit its leaf */
    FINDING_SEQUENCE_BROKEN,    /* another event than the one expected */
    FINDING_CHAIN_BROKEN,       /* a segment begins with another chain than the one before ends with */
};

/* "frame_damaged" */
const char *audit_finding_name(enum audit_finding_kind kind);

struct audit_finding {
    enum audit_finding_kind kind;
    uint64_t segment;  /* its first sequence */
    uint64_t offset;   /* in it */
    uint64_t sequence; /* expected there */
};

struct audit_verification {
    uint64_t segments;
    uint64_t events;
    uint64_t erased; /* events whose personal part is gone */
    uint64_t first;  /* sequences; 0: no event */
    uint64_t last;
    uint64_t findings;
    uint64_t torn_bytes; /* behind the end, from an interrupted write: cut at the next start, no finding */
    uint8_t chain[EVENT_HASH_SIZE]; /* after the last event */
};

typedef void audit_finding_handler(void *context, const struct audit_finding *finding);

/*
 * Reads every segment of a log that nobody writes: CRCs, leaves, sequences and the chain through all files.
 * Goes on after a finding. OK: nothing found. ERR_DAMAGED: *out and the findings say what. Otherwise the
 * files could not be read. An older start of the log may have been archived: the first segment there is
 * where it begins.
 */
enum status audit_verify(const char *directory, audit_finding_handler *on_finding, void *context,
                         struct audit_verification *out) MUST_CHECK;

#endif
