#include "audit/recovery.h"

#include <stdlib.h>
#include <string.h>

#include "audit/segment.h"

/* From offset to the first thing that is no frame of ours. */
static enum status frames_follow(struct segment *segment, struct log_end *end)
{
    for (;;) {
        struct frame frame;
        struct event event;
        enum status status = segment_read(segment, end->offset, &frame);
        if (status == OK)
            status = frame_decode(&frame, &event);
        if (status == ERR_NOT_FOUND || status == ERR_DAMAGED)
            return OK;
        if (status != OK)
            return status;
        if (event.sequence != end->next_sequence)
            return ERR_DAMAGED;
        status = chain_extend(end->chain, frame.core);
        if (status != OK)
            return status;
        end->offset += frame.length;
        end->next_sequence++;
    }
}

/* Nothing behind the end may belong to a later group than the one that is torn. */
static enum status tail_check(struct segment *segment, struct log_end *end)
{
    enum status status = segment_written_end(segment, end->offset, &end->written_end);
    if (status != OK)
        return status;
    uint64_t from = end->offset;
    while (from < end->written_end) {
        struct frame frame;
        status = segment_search(segment, from, end->written_end, &frame);
        if (status == ERR_NOT_FOUND)
            return OK;
        if (status != OK)
            return status;
        if (frame.group_first > end->next_sequence)
            return ERR_DAMAGED;
        from = frame.offset + frame.length;
    }
    return OK;
}

enum status log_end_find(const char *directory, struct log_end *out)
{
    uint64_t *firsts;
    size_t count;
    *out = (struct log_end){.next_sequence = 1};
    enum status status = segment_list(directory, &firsts, &count);
    out->empty = status == OK && count == 0;
    out->segment = count ? firsts[count - 1] : 0;
    free(firsts);
    if (status != OK || out->empty)
        return status;
    struct segment segment;
    status = segment_open(directory, out->segment, &segment);
    if (status != OK)
        return status;
    out->segment_size = segment.header.size;
    out->next_sequence = out->segment;
    out->offset = SEGMENT_HEADER_SIZE;
    memcpy(out->chain, segment.header.chain, EVENT_HASH_SIZE);
    status = frames_follow(&segment, out);
    if (status == OK)
        status = tail_check(&segment, out);
    segment_close(&segment);
    return status;
}

static enum status key_learn(const struct event *event, const struct event_place *place, moment expiring_from,
                             struct live_keys *keys)
{
    if (!event->has_key || event->key.expiry < expiring_from || live_keys_find(keys, event->key.key))
        return OK;
    struct live_key key = {.expiry = event->key.expiry, .place = *place};
    memcpy(key.key, event->key.key, EVENT_HASH_SIZE);
    enum status status = claimant_of(&event->caller, &event->key, key.claimant);
    struct live_key *added;
    return status == OK ? live_keys_add(keys, &key, &added) : status;
}

static enum status segment_keys_learn(struct segment *segment, uint64_t end, moment expiring_from,
                                      struct live_keys *keys)
{
    uint64_t offset = SEGMENT_HEADER_SIZE;
    while (offset < end) {
        struct frame frame;
        struct event event = {0};
        enum status status = segment_read(segment, offset, &frame);
        if (status == ERR_NOT_FOUND)
            return OK;
        if (status == OK)
            status = event_core_decode(frame.core, &event);
        const struct event_place place = {event.sequence, segment->header.first_sequence, offset};
        if (status == OK)
            status = key_learn(&event, &place, expiring_from, keys);
        if (status != OK)
            return status;
        offset += frame.length;
    }
    return OK;
}

/* The first segment that may hold a key still alive: the newest one made before any such key could be. */
static enum status first_with_keys(const char *directory, const uint64_t *firsts, size_t count,
                                   moment expiring_from, size_t *first)
{
    moment earliest_use = expiring_from - (int64_t)EVENT_KEY_LIFE_LIMIT * MICROSECONDS;
    *first = count;
    while (*first > 0) {
        struct segment segment;
        enum status status = segment_open(directory, firsts[--*first], &segment);
        if (status != OK)
            return status;
        moment created = segment.header.created;
        segment_close(&segment);
        if (created < earliest_use)
            break;
    }
    return OK;
}

enum status log_keys_learn(const char *directory, const struct log_end *end, moment expiring_from,
                           struct live_keys *keys)
{
    uint64_t *firsts;
    size_t count;
    size_t at = 0;
    enum status status = segment_list(directory, &firsts, &count);
    if (status == OK)
        status = first_with_keys(directory, firsts, count, expiring_from, &at);
    for (; status == OK && at < count; at++) {
        struct segment segment;
        status = segment_open(directory, firsts[at], &segment);
        if (status != OK)
            break;
        uint64_t stop = firsts[at] == end->segment ? end->offset : segment.header.size;
        status = segment_keys_learn(&segment, stop, expiring_from, keys);
        segment_close(&segment);
    }
    free(firsts);
    return status;
}
