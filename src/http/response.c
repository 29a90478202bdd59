#include "http/response.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const struct {
    unsigned status;
    const char *line;
} status_lines[] = {
    {200, "HTTP/1.1 200 OK\r\n"},
    {201, "HTTP/1.1 201 Created\r\n"},
    {202, "HTTP/1.1 202 Accepted\r\n"},
    {204, "HTTP/1.1 204 No Content\r\n"},
    {302, "HTTP/1.1 302 Found\r\n"},
    {303, "HTTP/1.1 303 See Other\r\n"},
    {304, "HTTP/1.1 304 Not Modified\r\n"},
    {400, "HTTP/1.1 400 Bad Request\r\n"},
    {401, "HTTP/1.1 401 Unauthorized\r\n"},
    {403, "HTTP/1.1 403 Forbidden\r\n"},
    {404, "HTTP/1.1 404 Not Found\r\n"},
    {405, "HTTP/1.1 405 Method Not Allowed\r\n"},
    {406, "HTTP/1.1 406 Not Acceptable\r\n"},
    {408, "HTTP/1.1 408 Request Timeout\r\n"},
    {409, "HTTP/1.1 409 Conflict\r\n"},
    {410, "HTTP/1.1 410 Gone\r\n"},
    {412, "HTTP/1.1 412 Precondition Failed\r\n"},
    {413, "HTTP/1.1 413 Content Too Large\r\n"},
    {414, "HTTP/1.1 414 URI Too Long\r\n"},
    {415, "HTTP/1.1 415 Unsupported Media Type\r\n"},
    {417, "HTTP/1.1 417 Expectation Failed\r\n"},
    {422, "HTTP/1.1 422 Unprocessable Content\r\n"},
    {425, "HTTP/1.1 425 Too Early\r\n"},
    {428, "HTTP/1.1 428 Precondition Required\r\n"},
    {429, "HTTP/1.1 429 Too Many Requests\r\n"},
    {431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
    {500, "HTTP/1.1 500 Internal Server Error\r\n"},
    {501, "HTTP/1.1 501 Not Implemented\r\n"},
    {502, "HTTP/1.1 502 Bad Gateway\r\n"},
    {503, "HTTP/1.1 503 Service Unavailable\r\n"},
    {504, "HTTP/1.1 504 Gateway Timeout\r\n"},
    {505, "HTTP/1.1 505 HTTP Version Not Supported\r\n"},
};

void http_date_format(int64_t seconds, char out[HTTP_DATE_SIZE])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t time = (time_t)seconds;
    struct tm tm;
    char text[80]; /* what snprintf would need for fields out of range, which gmtime_r never gives */
    gmtime_r(&time, &tm);
    snprintf(text, sizeof text, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday, tm.tm_mday,
             months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    memcpy(out, text, HTTP_DATE_SIZE - 1);
    out[HTTP_DATE_SIZE - 1] = '\0';
}

static bool is_sendable_value(struct bytes value)
{
    for (size_t i = 0; i < value.length; i++)
        if (value.data[i] < ' ' ? value.data[i] != '\t' : value.data[i] == 0x7f)
            return false;
    return true;
}

static bool is_sendable_name(struct bytes name)
{
    /* Ours alone: a second one would change where the message ends. */
    static const char *const ours[] = {"Content-Length", "Transfer-Encoding", "Connection", "Date",
                                       "X-Request-Id"};
    for (size_t i = 0; i < ARRAY_LENGTH(ours); i++)
        if (name.length == strlen(ours[i]) && strncasecmp((const char *)name.data, ours[i], name.length) == 0)
            return false;
    for (size_t i = 0; i < name.length; i++)
        if (name.data[i] <= ' ' || name.data[i] >= 0x7f || name.data[i] == ':')
            return false;
    return name.length > 0;
}

static bool is_sendable(const struct http_response *response)
{
    if (response->status < 200 || response->status > 599)
        return false;
    if (response->content_type && !is_sendable_value(bytes_of_text(response->content_type)))
        return false;
    if (response->server_timing && !is_sendable_value(bytes_of_text(response->server_timing)))
        return false;
    for (size_t i = 0; i < response->header_count; i++)
        if (!is_sendable_name(response->headers[i].name) || !is_sendable_value(response->headers[i].value))
            return false;
    return true;
}

/* Room was reserved for all of it. */
static void put(struct buffer *out, const void *data, size_t length)
{
    if (length)
        memcpy(out->data + out->length, data, length);
    out->length += length;
}

static void put_text(struct buffer *out, const char *text)
{
    put(out, text, strlen(text));
}

static void put_number(struct buffer *out, size_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    put(out, digits + at, sizeof digits - at);
}

static void put_header(struct buffer *out, const char *name, const char *value)
{
    put_text(out, name);
    put_text(out, value);
    put(out, "\r\n", 2);
}

static void put_status_line(struct buffer *out, unsigned status)
{
    for (size_t i = 0; i < ARRAY_LENGTH(status_lines); i++) {
        if (status_lines[i].status == status) {
            put_text(out, status_lines[i].line);
            return;
        }
    }
    put_text(out, "HTTP/1.1 ");
    put_number(out, status);
    put_text(out, " \r\n"); /* the reason may be empty, the space before it may not */
}

static size_t space_for(const struct http_response *response)
{
    enum { OUR_HEADERS = 400 };
    size_t space = OUR_HEADERS + response->body.length;
    space += response->content_type ? strlen(response->content_type) : 0;
    space += response->server_timing ? strlen(response->server_timing) : 0;
    for (size_t i = 0; i < response->header_count; i++)
        space += response->headers[i].name.length + response->headers[i].value.length + 4;
    return space;
}

enum status response_encode(const struct http_response *response, const struct response_frame *frame,
                            struct buffer *out)
{
    bool bodiless = response->status == 204 || response->status == 304;
    if (!is_sendable(response) || (bodiless && response->body.length))
        return ERR_MALFORMED;
    enum status status = buffer_reserve(out, space_for(response));
    if (status != OK)
        return status;
    put_status_line(out, response->status);
    put_header(out, "Date: ", frame->date);
    if (response->content_type)
        put_header(out, "Content-Type: ", response->content_type);
    if (!bodiless) {
        put_text(out, "Content-Length: ");
        put_number(out, response->body.length);
        put(out, "\r\n", 2);
    }
    put_header(out, "X-Request-Id: ", frame->id);
    if (response->server_timing)
        put_header(out, "Server-Timing: ", response->server_timing);
    for (size_t i = 0; i < response->header_count; i++) {
        put(out, response->headers[i].name.data, response->headers[i].name.length);
        put(out, ": ", 2);
        put(out, response->headers[i].value.data, response->headers[i].value.length);
        put(out, "\r\n", 2);
    }
    if (!frame->keep_alive)
        put_text(out, "Connection: close\r\n");
    else if (frame->old_version)
        put_text(out, "Connection: keep-alive\r\n");
    put(out, "\r\n", 2);
    if (!frame->head_only)
        put(out, response->body.data, response->body.length);
    return OK;
}
