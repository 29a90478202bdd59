#include "http/parser.h"

#include <http_parser.h>
#include <stdlib.h>

struct parser {
    struct http_parser machine;
    /* Where the callbacks of one feed leave what they saw. */
    struct parsed_head *head;
    struct http_header *headers;
    size_t capacity;
    bool too_many;
    bool head_complete;
    bool chunk_began;
    uint64_t chunk_size;
    size_t body;
    bool complete;
};

/* A head is fed in one piece, so each of these comes once a name, value and target. */
static int on_target(struct http_parser *machine, const char *at, size_t length)
{
    struct parser *parser = machine->data;
    parser->head->target = bytes_of(at, length);
    return 0;
}

static int on_name(struct http_parser *machine, const char *at, size_t length)
{
    struct parser *parser = machine->data;
    if (!parser->head)
        return 1; /* a trailer */
    if (parser->head->header_count == parser->capacity) {
        parser->too_many = true;
        return 1;
    }
    parser->headers[parser->head->header_count++] = (struct http_header){.name = bytes_of(at, length)};
    return 0;
}

static int on_value(struct http_parser *machine, const char *at, size_t length)
{
    struct parser *parser = machine->data;
    if (!parser->head || parser->head->header_count == 0)
        return 1;
    parser->headers[parser->head->header_count - 1].value = bytes_of(at, length);
    return 0;
}

static int on_head(struct http_parser *machine)
{
    struct parser *parser = machine->data;
    parser->head_complete = true;
    return 0;
}

static int on_body(struct http_parser *machine, const char *at, size_t length)
{
    struct parser *parser = machine->data;
    (void)at;
    parser->body += length;
    return 0;
}

static int on_chunk(struct http_parser *machine)
{
    struct parser *parser = machine->data;
    parser->chunk_began = true;
    parser->chunk_size = machine->content_length;
    return 0;
}

static int on_complete(struct http_parser *machine)
{
    struct parser *parser = machine->data;
    parser->complete = true;
    return 0;
}

static const struct http_parser_settings callbacks = {
    .on_url = on_target,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_chunk_header = on_chunk,
    .on_message_complete = on_complete,
};

struct parser *parser_new(void)
{
    struct parser *parser = calloc(1, sizeof *parser);
    if (parser)
        parser_reset(parser);
    return parser;
}

void parser_free(struct parser *parser)
{
    free(parser);
}

void parser_reset(struct parser *parser)
{
    *parser = (struct parser){0};
    http_parser_init(&parser->machine, HTTP_REQUEST);
    parser->machine.data = parser;
}

/* Every byte must be taken: what is left over would belong to another message. */
static enum status feed(struct parser *parser, struct bytes piece)
{
    parser->chunk_began = false;
    parser->complete = false;
    parser->body = 0;
    size_t taken = http_parser_execute(&parser->machine, &callbacks, (const char *)piece.data, piece.length);
    if (HTTP_PARSER_ERRNO(&parser->machine) == HPE_INVALID_METHOD ||
        HTTP_PARSER_ERRNO(&parser->machine) == HPE_INVALID_TRANSFER_ENCODING)
        return ERR_UNSUPPORTED;
    if (HTTP_PARSER_ERRNO(&parser->machine) != HPE_OK || taken != piece.length)
        return ERR_MALFORMED;
    return OK;
}

static enum method method_of(unsigned method)
{
    switch (method) {
    case HTTP_GET:
        return METHOD_GET;
    case HTTP_HEAD:
        return METHOD_HEAD;
    case HTTP_POST:
        return METHOD_POST;
    case HTTP_PUT:
        return METHOD_PUT;
    case HTTP_PATCH:
        return METHOD_PATCH;
    case HTTP_DELETE:
        return METHOD_DELETE;
    case HTTP_OPTIONS:
        return METHOD_OPTIONS;
    default:
        return METHOD_OTHER;
    }
}

/* http_parser takes leading but not always trailing white space off a value. */
static void trim(struct bytes *value)
{
    while (value->length && (value->data[value->length - 1] == ' ' || value->data[value->length - 1] == '\t'))
        value->length--;
}

enum status parser_read_head(struct parser *parser, struct bytes head, struct http_header *headers,
                             size_t capacity, struct parsed_head *out)
{
    *out = (struct parsed_head){0};
    parser->head = out;
    parser->headers = headers;
    parser->capacity = capacity;
    enum status status = feed(parser, head);
    parser->head = NULL;
    if (parser->too_many)
        return ERR_TOO_LARGE;
    if (status != OK)
        return status;
    if (!parser->head_complete)
        return ERR_MALFORMED;
    for (size_t i = 0; i < out->header_count; i++)
        trim(&headers[i].value);
    out->method = method_of(parser->machine.method);
    out->major = parser->machine.http_major;
    out->minor = parser->machine.http_minor;
    out->chunked = (parser->machine.flags & F_CHUNKED) != 0;
    out->has_body = !parser->complete;
    if (out->has_body && !out->chunked)
        out->content_length = parser->machine.content_length;
    out->keep_alive = http_should_keep_alive(&parser->machine) != 0;
    return OK;
}

enum status parser_read_chunk_line(struct parser *parser, struct bytes line, uint64_t *size)
{
    enum status status = feed(parser, line);
    if (status == OK && (!parser->chunk_began || parser->complete))
        status = ERR_MALFORMED;
    *size = status == OK ? parser->chunk_size : 0;
    return status;
}

enum status parser_read_body(struct parser *parser, struct bytes piece, size_t *body, bool *complete)
{
    enum status status = feed(parser, piece);
    *body = parser->body;
    *complete = parser->complete;
    return status;
}
