#include "audit/reader.h"

#include <stdlib.h>
#include <string.h>

#include "audit/segment.h"

struct audit_reader {
    char *directory;
    struct segment segment;
    struct event_place next;
    struct event_place last;
};

enum status audit_reader_open_at(const char *directory, const struct event_place *place,
                                 struct audit_reader **out)
{
    struct audit_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return ERR_NO_MEMORY;
    reader->segment.fd = -1;
    reader->next = *place;
    reader->directory = strdup(directory);
    if (!reader->directory) {
        free(reader);
        return ERR_NO_MEMORY;
    }
    *out = reader;
    return OK;
}

void audit_reader_close(struct audit_reader *reader)
{
    if (!reader)
        return;
    segment_close(&reader->segment);
    free(reader->directory);
    free(reader);
}

static enum status segment_change(struct audit_reader *reader, const struct event_place *to)
{
    struct segment segment;
    enum status status = segment_open(reader->directory, to->segment, &segment);
    if (status != OK)
        return status;
    segment_close(&reader->segment);
    reader->segment = segment;
    reader->next = *to;
    return OK;
}

/* The frame at the reader's place; where its segment holds no more, the next one's first. */
static enum status frame_follow(struct audit_reader *reader, struct frame *frame)
{
    enum status status = reader->segment.fd < 0 ? segment_change(reader, &reader->next) : OK;
    if (status == OK)
        status = segment_read(&reader->segment, reader->next.offset, frame);
    const uint64_t sequence = reader->next.sequence;
    if (status != ERR_NOT_FOUND || reader->next.segment == sequence)
        return status;
    const struct event_place start = {sequence, sequence, SEGMENT_HEADER_SIZE};
    status = segment_change(reader, &start);
    return status == OK ? segment_read(&reader->segment, start.offset, frame) : status;
}

enum status audit_reader_next(struct audit_reader *reader, struct event *out)
{
    struct frame frame;
    enum status status = frame_follow(reader, &frame);
    if (status == OK)
        status = frame_decode(&frame, out);
    if (status == OK && out->sequence != reader->next.sequence)
        status = ERR_DAMAGED;
    if (status != OK)
        return status;
    reader->last = reader->next;
    reader->next.sequence++;
    reader->next.offset += frame.length;
    return OK;
}

struct event_place audit_reader_place(const struct audit_reader *reader)
{
    return reader->next;
}

struct event_place audit_reader_last_place(const struct audit_reader *reader)
{
    return reader->last;
}

/* The segment that holds the sequence, and its start. */
static enum status segment_find(const char *directory, uint64_t sequence, struct event_place *out)
{
    uint64_t *firsts;
    size_t count;
    enum status status = segment_list(directory, &firsts, &count);
    while (count && firsts[count - 1] > sequence)
        count--;
    uint64_t first = count ? firsts[count - 1] : 0;
    *out = (struct event_place){first, first, SEGMENT_HEADER_SIZE};
    free(firsts);
    return status == OK && first == 0 ? ERR_NOT_FOUND : status;
}

enum status audit_reader_open(const char *directory, uint64_t sequence, struct audit_reader **out)
{
    struct event_place start;
    enum status status = segment_find(directory, sequence, &start);
    if (status == OK)
        status = audit_reader_open_at(directory, &start, out);
    while (status == OK && (*out)->next.sequence < sequence) {
        struct event event;
        status = audit_reader_next(*out, &event);
        if (status != OK)
            audit_reader_close(*out);
    }
    return status;
}
