#include "http/message.h"

#include <string.h>
#include <strings.h>

#include "http/percent.h"

const char *method_name(enum method method)
{
    switch (method) {
    case METHOD_GET:
        return "GET";
    case METHOD_HEAD:
        return "HEAD";
    case METHOD_POST:
        return "POST";
    case METHOD_PUT:
        return "PUT";
    case METHOD_PATCH:
        return "PATCH";
    case METHOD_DELETE:
        return "DELETE";
    case METHOD_OPTIONS:
        return "OPTIONS";
    case METHOD_OTHER:
        break;
    }
    return "OTHER";
}

unsigned http_problem_status(enum http_problem problem)
{
    static const unsigned status[HTTP_PROBLEM_COUNT] = {
        [HTTP_PROBLEM_MALFORMED] = 400,
        [HTTP_PROBLEM_UNAUTHENTICATED] = 401,
        [HTTP_PROBLEM_NOT_FOUND] = 404,
        [HTTP_PROBLEM_METHOD_NOT_ALLOWED] = 405,
        [HTTP_PROBLEM_REQUEST_TIMEOUT] = 408,
        [HTTP_PROBLEM_BODY_TOO_LARGE] = 413,
        [HTTP_PROBLEM_TARGET_TOO_LONG] = 414,
        [HTTP_PROBLEM_UNSUPPORTED_MEDIA] = 415,
        [HTTP_PROBLEM_EXPECTATION_FAILED] = 417,
        [HTTP_PROBLEM_TOO_MANY_REQUESTS] = 429,
        [HTTP_PROBLEM_HEADERS_TOO_LARGE] = 431,
        [HTTP_PROBLEM_INTERNAL] = 500,
        [HTTP_PROBLEM_NOT_IMPLEMENTED] = 501,
        [HTTP_PROBLEM_UNAVAILABLE] = 503,
        [HTTP_PROBLEM_VERSION] = 505,
    };
    return problem < HTTP_PROBLEM_COUNT ? status[problem] : 500;
}

const struct bytes *http_request_header(const struct http_request *request, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (header->name.length == length && strncasecmp((const char *)header->name.data, name, length) == 0)
            return &header->value;
    }
    return NULL;
}

/* "name=value" up to '&', off the front of the query. */
static struct bytes next_pair(struct bytes *query)
{
    struct bytes pair = *query;
    const uint8_t *end = memchr(pair.data, '&', pair.length);
    if (end)
        pair.length = (size_t)(end - pair.data);
    *query = bytes_from(*query, pair.length + 1);
    return pair;
}

enum status http_request_query(const struct http_request *request, const char *name, struct bytes *out)
{
    struct bytes query = request->query, wanted = bytes_of_text(name);
    bool found = false;
    while (query.length) {
        struct bytes pair = next_pair(&query), key;
        const uint8_t *equals = pair.length ? memchr(pair.data, '=', pair.length) : NULL;
        size_t key_length = equals ? (size_t)(equals - pair.data) : pair.length;
        enum status status = percent_decode(request->region, bytes_of(pair.data, key_length), true, &key);
        if (status != OK)
            return status;
        if (!bytes_equal(key, wanted))
            continue;
        if (found)
            return ERR_MALFORMED;
        found = true;
        status = percent_decode(request->region, bytes_from(pair, key_length + 1), true, out);
        if (status != OK)
            return status;
    }
    return found ? OK : ERR_NOT_FOUND;
}
