#include "http/router.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SEGMENTS = 12, MAX_ROUTES = 4096 };

struct entry {
    struct http_route route;
    struct bytes pattern;
    size_t segments;
    size_t exact; /* leading bytes without a parameter */
    bool has_parameters;
};

struct http_router {
    size_t count;
    struct entry entries[]; /* sorted by more_specific() */
};

/* The next segment of a path that starts with '/'; *rest moves on. */
static struct bytes next_segment(struct bytes *rest)
{
    struct bytes segment = bytes_from(*rest, 1);
    const uint8_t *end = segment.length ? memchr(segment.data, '/', segment.length) : NULL;
    if (end)
        segment.length = (size_t)(end - segment.data);
    *rest = bytes_from(*rest, 1 + segment.length);
    return segment;
}

static bool is_parameter(struct bytes segment)
{
    return segment.length > 2 && segment.data[0] == '{' && segment.data[segment.length - 1] == '}';
}

static enum status entry_open(struct entry *entry, const struct http_route *route)
{
    *entry = (struct entry){.route = *route, .pattern = bytes_of_text(route->pattern)};
    struct bytes rest = entry->pattern;
    size_t parameters = 0;
    if (rest.length == 0 || rest.data[0] != '/' || !route->handler || route->method >= METHOD_OTHER ||
        route->method == METHOD_HEAD)
        return ERR_MALFORMED;
    while (rest.length) {
        struct bytes segment = next_segment(&rest);
        bool brace = memchr(segment.data ? segment.data : (const uint8_t *)"", '{', segment.length) != NULL;
        if (is_parameter(segment))
            parameters++;
        else if (brace || (segment.length == 0 && entry->pattern.length > 1))
            return ERR_MALFORMED;
        else if (parameters == 0)
            entry->exact += segment.length + 1;
        entry->segments++;
    }
    entry->has_parameters = parameters > 0;
    return parameters <= HTTP_MAX_PARAMETERS && entry->segments <= MAX_SEGMENTS ? OK : ERR_MALFORMED;
}

/* A path that fits two patterns is the first one's: segment by segment, an exact one comes before a
 * parameter. */
static int more_specific(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    struct bytes one = a->pattern, other = b->pattern;
    if (a->has_parameters != b->has_parameters)
        return a->has_parameters ? 1 : -1;
    while (one.length && other.length) {
        struct bytes x = next_segment(&one), y = next_segment(&other);
        if (is_parameter(x) != is_parameter(y))
            return is_parameter(x) ? 1 : -1;
        size_t common = x.length < y.length ? x.length : y.length;
        int order = is_parameter(x) ? 0 : common ? memcmp(x.data, y.data, common) : 0;
        if (order == 0 && !is_parameter(x) && x.length != y.length)
            order = x.length < y.length ? -1 : 1;
        if (order)
            return order;
    }
    if (one.length != other.length)
        return one.length ? 1 : -1;
    return (int)a->route.method - (int)b->route.method;
}

/* Whether both patterns stand for the same paths: parameters may have different names. */
static bool same_paths(const struct entry *a, const struct entry *b)
{
    struct bytes left = a->pattern, right = b->pattern;
    if (a->segments != b->segments)
        return false;
    while (left.length && right.length) {
        struct bytes one = next_segment(&left), other = next_segment(&right);
        bool fits = is_parameter(one) ? is_parameter(other) : bytes_equal(one, other);
        if (!fits)
            return false;
    }
    return true;
}

static bool has_twins(const struct http_router *router)
{
    for (size_t i = 0; i < router->count; i++)
        for (size_t j = 0; j < i; j++)
            if (router->entries[i].route.method == router->entries[j].route.method &&
                same_paths(&router->entries[i], &router->entries[j]))
                return true;
    return false;
}

enum status http_router_new(const struct http_route *routes, size_t count, struct http_router **out)
{
    *out = NULL;
    if (count > MAX_ROUTES)
        return ERR_TOO_LARGE;
    struct http_router *router = calloc(1, sizeof *router + count * sizeof router->entries[0]);
    if (!router)
        return ERR_NO_MEMORY;
    router->count = count;
    enum status status = OK;
    for (size_t i = 0; i < count && status == OK; i++)
        status = entry_open(&router->entries[i], &routes[i]);
    if (status == OK && has_twins(router))
        status = ERR_EXISTS;
    if (status != OK) {
        free(router);
        return status;
    }
    qsort(router->entries, count, sizeof router->entries[0], more_specific);
    *out = router;
    return OK;
}

void http_router_free(struct http_router *router)
{
    free(router);
}

static bool fits(const struct entry *entry, struct bytes path, struct http_match *match)
{
    match->parameter_count = 0;
    if (!entry->has_parameters)
        return bytes_equal(entry->pattern, path);
    if (path.length <= entry->exact || memcmp(path.data, entry->pattern.data, entry->exact) != 0)
        return false;
    struct bytes pattern = bytes_from(entry->pattern, entry->exact), rest = bytes_from(path, entry->exact);
    while (pattern.length && rest.length) {
        if (rest.data[0] != '/')
            return false;
        struct bytes wanted = next_segment(&pattern), segment = next_segment(&rest);
        if (!is_parameter(wanted)) {
            if (!bytes_equal(wanted, segment))
                return false;
        } else if (segment.length == 0) {
            return false;
        } else {
            match->parameters[match->parameter_count++] = segment;
        }
    }
    return pattern.length == 0 && rest.length == 0;
}

struct http_match http_router_find(const struct http_router *router, enum method method, struct bytes path)
{
    struct http_match match = {.problem = HTTP_PROBLEM_NOT_FOUND};
    enum method wanted = method == METHOD_HEAD ? METHOD_GET : method;
    for (size_t i = 0; i < router->count; i++) {
        const struct entry *entry = &router->entries[i];
        if (!fits(entry, path, &match))
            continue;
        if (entry->route.method == wanted) {
            match.route = &entry->route;
            return match;
        }
        match.problem = HTTP_PROBLEM_METHOD_NOT_ALLOWED;
        match.allowed |= 1u << entry->route.method;
        if (entry->route.method == METHOD_GET)
            match.allowed |= 1u << METHOD_HEAD;
    }
    return match;
}
