#include "api/machine.h"

#include "api/checks.h"
#include "api/enrolments.h"
#include "api/insurers.h"
#include "api/respond.h"
#include "exchange/problem_json.h"

const struct http_route *machine_api_routes(struct machine_api *api, struct region *region, size_t *count)
{
    const struct http_route routes[] = {
        {METHOD_POST, "/v1/challenges", handle_challenges, api, 4096, true},
        {METHOD_POST, "/v1/checks/card", handle_check_by_card, api, 65536, true},
        {METHOD_POST, "/v1/checks/number", handle_check_by_number, api, 4096, true},
        {METHOD_GET, "/v1/terms", handle_terms, api, 0, true},
        {METHOD_POST, "/v1/enrolments", handle_enrolment, api, 65536, true},
        {METHOD_POST, "/v1/loads", handle_load_begin, api, 4096, true},
        {METHOD_GET, "/v1/loads/{load}", handle_load_show, api, 0, true},
        {METHOD_POST, "/v1/loads/{load}/rows", handle_load_rows, api, LOAD_BODY_LIMIT, true},
        {METHOD_POST, "/v1/loads/{load}/publish", handle_load_publish, api, 4096, true},
        {METHOD_POST, "/v1/loads/{load}/undo", handle_load_undo, api, 4096, true},
        {METHOD_POST, "/v1/links", handle_number_registration, api, 8192, true},
    };
    *count = ARRAY_LENGTH(routes);
    return (const struct http_route *)(const void *)region_copy(region, bytes_of(routes, sizeof(routes)))
        .data;
}

static enum reason reason_of_problem(enum http_problem problem)
{
    switch (problem) {
    case HTTP_PROBLEM_UNAUTHENTICATED:
        return REASON_MACHINE_CERTIFICATE_MISSING;
    case HTTP_PROBLEM_NOT_FOUND:
        return REASON_NOT_FOUND;
    case HTTP_PROBLEM_METHOD_NOT_ALLOWED:
        return REASON_METHOD_NOT_ALLOWED;
    case HTTP_PROBLEM_REQUEST_TIMEOUT:
        return REASON_REQUEST_TIMEOUT;
    case HTTP_PROBLEM_BODY_TOO_LARGE:
    case HTTP_PROBLEM_TARGET_TOO_LONG:
    case HTTP_PROBLEM_HEADERS_TOO_LARGE:
        return REASON_TOO_LARGE;
    case HTTP_PROBLEM_UNSUPPORTED_MEDIA:
        return REASON_UNSUPPORTED_MEDIA_TYPE;
    case HTTP_PROBLEM_TOO_MANY_REQUESTS:
        return REASON_RATE_LIMITED;
    case HTTP_PROBLEM_INTERNAL:
        return REASON_INTERNAL;
    case HTTP_PROBLEM_UNAVAILABLE:
        return REASON_SHUTTING_DOWN;
    case HTTP_PROBLEM_MALFORMED:
    case HTTP_PROBLEM_EXPECTATION_FAILED:
    case HTTP_PROBLEM_NOT_IMPLEMENTED:
    case HTTP_PROBLEM_VERSION:
    case HTTP_PROBLEM_COUNT:
        return REASON_REQUEST_MALFORMED;
    }
    return REASON_INTERNAL;
}

void machine_api_write_problem(void *context, struct http_request *request, enum http_problem problem,
                               struct http_response *response)
{
    (void)context;
    struct problem document = problem_of(reason_of_problem(problem));
    struct buffer text = {0};
    document.request_id = request->id;
    if (problem_to_json_text(&document, &text) == OK) {
        response->content_type = PROBLEM_TYPE;
        response->body = region_copy(request->region, buffer_bytes(&text));
    }
    buffer_free(&text);
}
