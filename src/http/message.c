#include "http/message.h"

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
