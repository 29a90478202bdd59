/* What a peer may send before anything is known about it. The first byte says in which pieces it arrives. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static size_t feed(struct reader *reader, struct bytes input, size_t piece)
{
    size_t taken = 0;
    while (reader->state != READER_COMPLETE && reader->state != READER_REFUSED) {
        struct bytes next = bytes_from(input, taken);
        if (next.length == 0 && reader->state != READER_ROUTING)
            break;
        if (next.length > piece)
            next.length = piece;
        size_t step = reader_feed(reader, next);
        must(step <= next.length);
        taken += step;
    }
    return taken;
}

static bool lies_in(struct bytes part, struct bytes whole)
{
    return part.length == 0 ||
           (part.data >= whole.data && part.data + part.length <= whole.data + whole.length);
}

/* Nothing that two readers could understand differently has come through. */
static void is_strict(const struct reader *reader)
{
    struct bytes head = buffer_bytes(&reader->head);
    unsigned lengths = 0, codings = 0;
    for (size_t i = 0; i < head.length; i++) {
        must(head.data[i] != '\n' || (i > 0 && head.data[i - 1] == '\r'));
        must(head.data[i] != '\r' || (i + 1 < head.length && head.data[i + 1] == '\n'));
        must(head.data[i] == '\r' || head.data[i] == '\n' || head.data[i] == '\t' ||
             (head.data[i] >= ' ' && head.data[i] < 0x7f));
    }
    must(lies_in(reader->parsed.target, head) && reader->parsed.target.length > 0);
    must(reader->parsed.target.data[0] == '/');
    for (size_t i = 0; i < reader->parsed.header_count; i++) {
        const struct http_header *header = &reader->headers[i];
        must(lies_in(header->name, head) && lies_in(header->value, head) && header->name.length > 0);
        must(header->name.data[header->name.length] == ':');
        lengths += header->name.length == 14 &&
                   strncasecmp((const char *)header->name.data, "content-length", 14) == 0;
        codings += header->name.length == 17 &&
                   strncasecmp((const char *)header->name.data, "transfer-encoding", 17) == 0;
    }
    must(lengths + codings <= 1);
    must(reader->parsed.chunked == (codings == 1));
    must(lengths == 1 || codings == 1 || reader->body.length == 0);
    must(reader->body.length <= reader->body_limit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reader whole, pieces;
    if (!whole.parser)
        must(reader_open(&whole, &http_default_limits) == OK &&
             reader_open(&pieces, &http_default_limits) == OK);
    if (size < 1)
        return 0;
    struct bytes input = bytes_of(data + 1, size - 1);
    reader_reset(&whole);
    reader_reset(&pieces);
    size_t taken = feed(&whole, input, SIZE_MAX), taken_in_pieces = feed(&pieces, input, (size_t)data[0] + 1);
    must(whole.state == pieces.state);
    if (whole.state == READER_REFUSED)
        must(whole.problem < HTTP_PROBLEM_COUNT && whole.problem == pieces.problem);
    if (whole.state == READER_COMPLETE) {
        must(taken == taken_in_pieces);
        must(bytes_equal(buffer_bytes(&whole.body), buffer_bytes(&pieces.body)));
        is_strict(&whole);
    }
    return 0;
}
