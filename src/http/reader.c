#include "http/reader.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    CHUNK_LINE_LIMIT = 10, /* eight hexadecimal digits and CRLF */
    LENGTH_DIGITS = 18,    /* of Content-Length: far beyond any limit, and no overflow */
    FIRST_BODY = 16384,    /* reserved at most before a byte of the body has come */
    KEPT_BODY = 65536,     /* a body buffer larger than this is given back */
};

/* What each byte may be part of: a name (RFC 9110 5.6.2 tchar), a target (RFC 3986 pchar, '/', '?'), a line.
 */
enum { TOKEN = 1, TARGET = 2, LINE = 4, HOST = 8, DIGIT = 16, HEX = 32 };
static const uint8_t classes[256] = {
    ['\t'] = LINE,
    [' '] = LINE,
    ['"'] = LINE,
    ['#'] = LINE | TOKEN,
    ['!'] = LINE | TOKEN | TARGET,
    ['$' ... '\''] = LINE | TOKEN | TARGET,
    ['(' ... ')'] = LINE | TARGET,
    ['*' ... '+'] = LINE | TOKEN | TARGET,
    [','] = LINE | TARGET,
    ['-' ... '.'] = LINE | TOKEN | TARGET | HOST,
    ['/'] = LINE | TARGET,
    ['0' ... '9'] = LINE | TOKEN | TARGET | HOST | DIGIT | HEX,
    [':'] = LINE | TARGET | HOST,
    [';'] = LINE | TARGET,
    ['<'] = LINE,
    ['='] = LINE | TARGET,
    ['>'] = LINE,
    ['?' ... '@'] = LINE | TARGET,
    ['A' ... 'F'] = LINE | TOKEN | TARGET | HOST | HEX,
    ['G' ... 'Z'] = LINE | TOKEN | TARGET | HOST,
    ['['] = LINE | HOST,
    ['\\'] = LINE,
    [']'] = LINE | HOST,
    ['^'] = LINE | TOKEN,
    ['_'] = LINE | TOKEN | TARGET | HOST,
    ['`'] = LINE | TOKEN,
    ['a' ... 'f'] = LINE | TOKEN | TARGET | HOST | HEX,
    ['g' ... 'z'] = LINE | TOKEN | TARGET | HOST,
    ['{'] = LINE,
    ['|'] = LINE | TOKEN,
    ['}'] = LINE,
    ['~'] = LINE | TOKEN | TARGET,
};

/* How many leading bytes are of the class. */
static size_t span(struct bytes bytes, uint8_t class)
{
    size_t i = 0;
    while (i < bytes.length && classes[bytes.data[i]] & class)
        i++;
    return i;
}

static bool all_of(struct bytes bytes, uint8_t class)
{
    return span(bytes, class) == bytes.length;
}

static bool is_word(struct bytes value, const char *word)
{
    return value.length == strlen(word) && strncasecmp((const char *)value.data, word, value.length) == 0;
}

enum status reader_open(struct reader *reader, const struct http_limits *limits)
{
    *reader = (struct reader){.limits = limits, .parser = parser_new()};
    return reader->parser ? OK : ERR_NO_MEMORY;
}

void reader_close(struct reader *reader)
{
    parser_free(reader->parser);
    buffer_free(&reader->head);
    buffer_free(&reader->line);
    buffer_free(&reader->body);
    reader->parser = NULL;
}

void reader_reset(struct reader *reader)
{
    if (reader->body.capacity > KEPT_BODY)
        buffer_free(&reader->body);
    buffer_clear(&reader->head);
    buffer_clear(&reader->line);
    buffer_clear(&reader->body);
    parser_reset(reader->parser);
    reader->state = READER_HEAD;
    reader->line_start = 0;
    reader->parsed = (struct parsed_head){0};
    reader->left = 0;
    reader->received = 0;
    reader->body_limit = 0;
    reader->discard = false;
    reader->skipped_line = false;
    reader->expects_continue = false;
}

bool reader_has_begun(const struct reader *reader)
{
    return reader->state != READER_HEAD || reader->head.length > 0 || reader->skipped_line;
}

bool reader_body_fits(const struct reader *reader, size_t limit)
{
    return reader->parsed.content_length <= limit;
}

static void refuse(struct reader *reader, enum http_problem problem)
{
    reader->state = READER_REFUSED;
    reader->problem = problem;
}

/* "METHOD /path HTTP/1.x": http_parser would also take several spaces, none at all (HTTP/0.9) and a URL. */
static bool is_request_line(struct bytes line)
{
    size_t method = span(line, TOKEN);
    struct bytes rest = bytes_from(line, method);
    if (method == 0 || rest.length < 2 || rest.data[0] != ' ' || rest.data[1] != '/')
        return false;
    rest = bytes_from(rest, 1 + span(bytes_from(rest, 1), TARGET));
    return rest.length == 9 && memcmp(rest.data, " HTTP/", 6) == 0 && classes[rest.data[6]] & DIGIT &&
           rest.data[7] == '.' && classes[rest.data[8]] & DIGIT;
}

static bool is_header_line(struct bytes line)
{
    size_t name = span(line, TOKEN); /* 0 where a folded line begins with white space */
    return name > 0 && name < line.length && line.data[name] == ':' && all_of(bytes_from(line, name), LINE);
}

static enum http_problem problem_of(enum status status)
{
    switch (status) {
    case ERR_TOO_LARGE:
        return HTTP_PROBLEM_HEADERS_TOO_LARGE;
    case ERR_UNSUPPORTED:
        return HTTP_PROBLEM_NOT_IMPLEMENTED;
    case ERR_NO_MEMORY:
        return HTTP_PROBLEM_UNAVAILABLE;
    default:
        return HTTP_PROBLEM_MALFORMED;
    }
}

/* The headers that decide where a message ends or what it means. */
struct framing {
    unsigned hosts, lengths, codings;
    bool host_is_sound;
    bool length_is_sound;
    bool coding_is_chunked;
    bool content_is_encoded;
    bool expects_continue;
    bool expects_other;
};

static void note_header(struct framing *framing, const struct http_header *header)
{
    struct bytes value = header->value;
    switch (header->name.length) {
    case 4:
        if (is_word(header->name, "Host")) {
            framing->hosts++;
            framing->host_is_sound = value.length > 0 && all_of(value, HOST);
        }
        break;
    case 6:
        if (is_word(header->name, "Expect")) {
            bool known = is_word(value, "100-continue");
            framing->expects_continue |= known;
            framing->expects_other |= !known;
        }
        break;
    case 14:
        if (is_word(header->name, "Content-Length")) {
            framing->lengths++;
            framing->length_is_sound =
                value.length > 0 && value.length <= LENGTH_DIGITS && all_of(value, DIGIT);
        }
        break;
    case 16:
        if (is_word(header->name, "Content-Encoding"))
            framing->content_is_encoded |= !is_word(value, "identity");
        break;
    case 17:
        if (is_word(header->name, "Transfer-Encoding")) {
            framing->codings++;
            framing->coding_is_chunked = is_word(value, "chunked");
        }
        break;
    default:
        break;
    }
}

/* HTTP_PROBLEM_COUNT when there is none. */
static enum http_problem framing_problem(const struct framing *framing, const struct parsed_head *head)
{
    if (head->minor == 1 ? framing->hosts != 1 : framing->hosts > 1)
        return HTTP_PROBLEM_MALFORMED;
    if (framing->hosts && !framing->host_is_sound)
        return HTTP_PROBLEM_MALFORMED;
    if (framing->lengths + framing->codings > 1)
        return HTTP_PROBLEM_MALFORMED;
    if (framing->lengths && !framing->length_is_sound)
        return HTTP_PROBLEM_MALFORMED;
    if (framing->codings && head->minor == 0)
        return HTTP_PROBLEM_MALFORMED;
    if (framing->codings && !framing->coding_is_chunked)
        return HTTP_PROBLEM_NOT_IMPLEMENTED;
    if (head->chunked != (framing->codings > 0))
        return HTTP_PROBLEM_MALFORMED; /* parser and we do not agree: never go on */
    if (framing->content_is_encoded)
        return HTTP_PROBLEM_UNSUPPORTED_MEDIA;
    if (framing->expects_other)
        return HTTP_PROBLEM_EXPECTATION_FAILED;
    return HTTP_PROBLEM_COUNT;
}

static void finish_head(struct reader *reader)
{
    size_t capacity =
        reader->limits->header_count < HTTP_MAX_HEADERS ? reader->limits->header_count : HTTP_MAX_HEADERS;
    enum status status = parser_read_head(reader->parser, buffer_bytes(&reader->head), reader->headers,
                                          capacity, &reader->parsed);
    if (status != OK) {
        refuse(reader, problem_of(status));
        return;
    }
    if (reader->parsed.major != 1 || reader->parsed.minor > 1) {
        refuse(reader, HTTP_PROBLEM_VERSION);
        return;
    }
    struct framing framing = {0};
    for (size_t i = 0; i < reader->parsed.header_count; i++)
        note_header(&framing, &reader->headers[i]);
    enum http_problem problem = framing_problem(&framing, &reader->parsed);
    if (problem != HTTP_PROBLEM_COUNT) {
        refuse(reader, problem);
        return;
    }
    reader->expects_continue = framing.expects_continue && reader->parsed.minor == 1;
    reader->body_limit = reader->limits->body;
    reader->state = READER_ROUTING;
}

/* A line of the head is there, with its LF. */
static void take_line(struct reader *reader)
{
    struct bytes line = bytes_from(buffer_bytes(&reader->head), reader->line_start);
    if (line.length < 2 || line.data[line.length - 2] != '\r') {
        refuse(reader, HTTP_PROBLEM_MALFORMED);
        return;
    }
    bool first = reader->line_start == 0;
    line.length -= 2;
    if (line.length == 0 && first && !reader->skipped_line) {
        reader->skipped_line = true;
        buffer_clear(&reader->head);
        return;
    }
    if (line.length == 0 && !first) {
        finish_head(reader);
        return;
    }
    if (first ? !is_request_line(line) : !is_header_line(line)) {
        refuse(reader, HTTP_PROBLEM_MALFORMED);
        return;
    }
    if (first)
        reader->first_line = reader->head.length;
    reader->line_start = reader->head.length;
}

/* What this piece of a line would make too large; HTTP_PROBLEM_COUNT when it fits. */
static enum http_problem size_problem(const struct reader *reader, size_t piece)
{
    if (reader->line_start == 0)
        return reader->head.length + piece > reader->limits->request_line ? HTTP_PROBLEM_TARGET_TOO_LONG
                                                                          : HTTP_PROBLEM_COUNT;
    return reader->head.length - reader->first_line + piece > reader->limits->header_bytes
               ? HTTP_PROBLEM_HEADERS_TOO_LARGE
               : HTTP_PROBLEM_COUNT;
}

static size_t feed_head(struct reader *reader, struct bytes input)
{
    const uint8_t *end = memchr(input.data, '\n', input.length);
    size_t length = end ? (size_t)(end - input.data) + 1 : input.length;
    enum http_problem problem = size_problem(reader, length);
    if (problem == HTTP_PROBLEM_COUNT && buffer_append(&reader->head, bytes_of(input.data, length)) != OK)
        problem = HTTP_PROBLEM_UNAVAILABLE;
    if (problem != HTTP_PROBLEM_COUNT)
        refuse(reader, problem);
    else if (end)
        take_line(reader);
    return length;
}

static void begin_body(struct reader *reader)
{
    if (!reader->parsed.has_body) {
        reader->state = READER_COMPLETE;
        return;
    }
    if (!reader_body_fits(reader, reader->body_limit)) {
        refuse(reader, HTTP_PROBLEM_BODY_TOO_LARGE);
        return;
    }
    if (reader->parsed.chunked) {
        reader->state = READER_CHUNK_LINE;
        return;
    }
    reader->left = reader->parsed.content_length;
    reader->state = READER_LENGTH;
    size_t first = reader->left < FIRST_BODY ? (size_t)reader->left : FIRST_BODY;
    if (!reader->discard && buffer_reserve(&reader->body, first) != OK)
        refuse(reader, HTTP_PROBLEM_UNAVAILABLE);
}

/* The parser must count as we do, and see the end where we see it. */
static bool parser_agrees(struct reader *reader, struct bytes piece, size_t content, bool ends)
{
    size_t body = 0;
    bool complete = false;
    return parser_read_body(reader->parser, piece, &body, &complete) == OK && body == content &&
           complete == ends;
}

static size_t feed_content(struct reader *reader, struct bytes input)
{
    struct bytes piece = input;
    if (piece.length > reader->left)
        piece.length = (size_t)reader->left;
    reader->left -= piece.length;
    bool ends = reader->state == READER_LENGTH && reader->left == 0;
    if (!parser_agrees(reader, piece, piece.length, ends))
        refuse(reader, HTTP_PROBLEM_MALFORMED);
    else if (!reader->discard && buffer_append(&reader->body, piece) != OK)
        refuse(reader, HTTP_PROBLEM_UNAVAILABLE);
    else if (reader->left == 0)
        reader->state = ends ? READER_COMPLETE : READER_CHUNK_END;
    return piece.length;
}

static void take_chunk_line(struct reader *reader)
{
    struct bytes line = buffer_bytes(&reader->line);
    size_t digits = span(line, HEX);
    uint64_t size = 0;
    if (digits == 0 || line.length != digits + 2 || line.data[digits] != '\r' ||
        parser_read_chunk_line(reader->parser, line, &size) != OK)
        refuse(reader, HTTP_PROBLEM_MALFORMED);
    else if (size > reader->body_limit - reader->received)
        refuse(reader, HTTP_PROBLEM_BODY_TOO_LARGE);
    else
        reader->state = size ? READER_CHUNK : READER_BODY_END;
    reader->received += (size_t)size;
    reader->left = size;
    buffer_clear(&reader->line);
}

static size_t feed_chunk_line(struct reader *reader, struct bytes input)
{
    const uint8_t *end = memchr(input.data, '\n', input.length);
    size_t length = end ? (size_t)(end - input.data) + 1 : input.length;
    if (reader->line.length + length > CHUNK_LINE_LIMIT)
        refuse(reader, HTTP_PROBLEM_MALFORMED);
    else if (buffer_append(&reader->line, bytes_of(input.data, length)) != OK)
        refuse(reader, HTTP_PROBLEM_UNAVAILABLE);
    else if (end)
        take_chunk_line(reader);
    return length;
}

/* CRLF after a chunk, or after the last one, and nothing else there. */
static size_t feed_line_end(struct reader *reader, struct bytes input)
{
    static const char line_end[] = "\r\n";
    bool last = reader->state == READER_BODY_END;
    if (input.data[0] != (uint8_t)line_end[reader->line.length] ||
        buffer_append(&reader->line, bytes_of(input.data, 1)) != OK) {
        refuse(reader, HTTP_PROBLEM_MALFORMED);
        return 1;
    }
    if (reader->line.length < 2)
        return 1;
    if (parser_agrees(reader, buffer_bytes(&reader->line), 0, last))
        reader->state = last ? READER_COMPLETE : READER_CHUNK_LINE;
    else
        refuse(reader, HTTP_PROBLEM_MALFORMED);
    buffer_clear(&reader->line);
    return 1;
}

static size_t feed_once(struct reader *reader, struct bytes input)
{
    switch (reader->state) {
    case READER_HEAD:
        return feed_head(reader, input);
    case READER_LENGTH:
    case READER_CHUNK:
        return feed_content(reader, input);
    case READER_CHUNK_LINE:
        return feed_chunk_line(reader, input);
    case READER_CHUNK_END:
    case READER_BODY_END:
        return feed_line_end(reader, input);
    case READER_ROUTING:
    case READER_COMPLETE:
    case READER_REFUSED:
        break;
    }
    return 0;
}

size_t reader_feed(struct reader *reader, struct bytes input)
{
    size_t taken = 0;
    if (reader->state == READER_ROUTING)
        begin_body(reader);
    while (taken < input.length && reader->state != READER_ROUTING && reader->state != READER_COMPLETE &&
           reader->state != READER_REFUSED)
        taken += feed_once(reader, bytes_from(input, taken));
    return taken;
}
