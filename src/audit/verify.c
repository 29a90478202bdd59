#include "audit/verify.h"

#include <stdlib.h>
#include <string.h>

#include "audit/segment.h"

struct verifier {
    const char *directory;
    audit_finding_handler *on_finding;
    void *context;
    struct audit_verification *out;
    uint64_t expected; /* sequence; 0: not known yet */
    bool chain_known;
};

const char *audit_finding_name(enum audit_finding_kind kind)
{
    switch (kind) {
    case FINDING_SEGMENT_UNREADABLE:
        return "segment_unreadable";
    case FINDING_SEGMENT_MISSING:
        return "segment_missing";
    case FINDING_FRAME_DAMAGED:
        return "frame_damaged";
    case FINDING_EVENT_DAMAGED:
        return "event_damaged";
    case FINDING_SEQUENCE_BROKEN:
        return "sequence_broken";
    case FINDING_CHAIN_BROKEN:
        return "chain_broken";
    }
    return "unknown";
}

static void found(struct verifier *verifier, enum audit_finding_kind kind, uint64_t segment, uint64_t offset)
{
    const struct audit_finding finding = {kind, segment, offset, verifier->expected};
    verifier->out->findings++;
    if (verifier->on_finding)
        verifier->on_finding(verifier->context, &finding);
}

static enum status event_verify(struct verifier *verifier, const struct segment *segment,
                                const struct frame *frame)
{
    struct audit_verification *out = verifier->out;
    struct event event;
    enum status status = frame_decode(frame, &event);
    if (status != OK && status != ERR_DAMAGED && status != ERR_VERSION)
        return status;
    if (status != OK)
        found(verifier, FINDING_EVENT_DAMAGED, segment->header.first_sequence, frame->offset);
    if (event.sequence != verifier->expected)
        found(verifier, FINDING_SEQUENCE_BROKEN, segment->header.first_sequence, frame->offset);
    verifier->expected = event.sequence + 1;
    out->events++;
    out->erased += frame->erased;
    out->last = event.sequence;
    if (!out->first)
        out->first = event.sequence;
    return chain_extend(out->chain, frame->core);
}

/* Bytes at offset that are no frame. In the last segment that is the torn end unless a later group follows.
 */
static enum status gap_verify(struct verifier *verifier, struct segment *segment, bool last, uint64_t *offset)
{
    struct frame frame;
    uint64_t end;
    enum status status = segment_written_end(segment, *offset, &end);
    if (status != OK)
        return status;
    uint64_t gap = *offset;
    for (uint64_t from = gap; from < end; from = frame.offset + frame.length) {
        status = segment_search(segment, from, end, &frame);
        if (status == ERR_NOT_FOUND)
            break;
        if (status != OK)
            return status;
        if (last && frame.group_first <= verifier->expected)
            continue;
        found(verifier, FINDING_FRAME_DAMAGED, segment->header.first_sequence, gap);
        verifier->chain_known = false;
        *offset = frame.offset;
        return OK;
    }
    if (last)
        verifier->out->torn_bytes = end - gap;
    else if (end > gap)
        found(verifier, FINDING_FRAME_DAMAGED, segment->header.first_sequence, gap);
    return ERR_NOT_FOUND;
}

static void segment_begin(struct verifier *verifier, const struct segment *segment)
{
    const struct segment_header *header = &segment->header;
    if (verifier->expected && verifier->expected != header->first_sequence)
        found(verifier, FINDING_SEGMENT_MISSING, header->first_sequence, 0);
    else if (verifier->chain_known && memcmp(header->chain, verifier->out->chain, EVENT_HASH_SIZE) != 0)
        found(verifier, FINDING_CHAIN_BROKEN, header->first_sequence, 0);
    verifier->expected = header->first_sequence;
    verifier->chain_known = true;
    memcpy(verifier->out->chain, header->chain, EVENT_HASH_SIZE);
    verifier->out->segments++;
}

static enum status segment_verify(struct verifier *verifier, uint64_t first, bool last)
{
    struct segment segment;
    enum status status = segment_open(verifier->directory, first, &segment);
    if (status == ERR_DAMAGED || status == ERR_VERSION) {
        found(verifier, FINDING_SEGMENT_UNREADABLE, first, 0);
        verifier->chain_known = false;
        verifier->expected = 0;
        return OK;
    }
    if (status != OK)
        return status;
    segment_begin(verifier, &segment);
    uint64_t offset = SEGMENT_HEADER_SIZE;
    while (status == OK) {
        struct frame frame;
        status = segment_read(&segment, offset, &frame);
        if (status == OK) {
            offset += frame.length;
            status = event_verify(verifier, &segment, &frame);
        } else if (status == ERR_NOT_FOUND || status == ERR_DAMAGED) {
            status = gap_verify(verifier, &segment, last, &offset);
        }
    }
    segment_close(&segment);
    return status == ERR_NOT_FOUND ? OK : status;
}

enum status audit_verify(const char *directory, audit_finding_handler *on_finding, void *context,
                         struct audit_verification *out)
{
    *out = (struct audit_verification){0};
    struct verifier verifier = {
        .directory = directory, .on_finding = on_finding, .context = context, .out = out};
    uint64_t *firsts;
    size_t count;
    enum status status = segment_list(directory, &firsts, &count);
    for (size_t i = 0; status == OK && i < count; i++)
        status = segment_verify(&verifier, firsts[i], i + 1 == count);
    free(firsts);
    return status == OK && out->findings ? ERR_DAMAGED : status;
}
