#include "api/respond.h"

#include <stdio.h>
#include <stdlib.h>

#include "exchange/problem_json.h"

enum status encode_problem(enum reason reason, const char *member, struct buffer *out)
{
    char pointer[128];
    struct problem problem = problem_of(reason);
    if (member && snprintf(pointer, sizeof(pointer), "/%s", member) < (int)sizeof(pointer))
        problem.pointer = pointer;
    return problem_to_json_text(&problem, out);
}

static void answer_problem(struct http_request *request, enum reason reason, struct bytes body)
{
    const struct reason_entry *entry = reason_entry(reason);
    char seconds[16];
    struct http_header retry = {.name = bytes_of_text("Retry-After")};
    if (entry->retry == RETRY_AFTER) {
        snprintf(seconds, sizeof(seconds), "%d", entry->retry_after);
        retry.value = bytes_of_text(seconds);
    }
    /* A reason of an answer (a check decided nothing) told as a problem is not a success. */
    unsigned status = entry->http_status >= 400 ? (unsigned)entry->http_status : 409;
    const struct http_response response = {
        .status = status,
        .content_type = PROBLEM_TYPE,
        .body = body,
        .headers = &retry,
        .header_count = entry->retry == RETRY_AFTER,
    };
    http_answer(request, &response);
}

void respond_problem(struct http_request *request, enum reason reason, const char *member)
{
    struct buffer body = {0};
    enum status status = encode_problem(reason, member, &body);
    answer_problem(request, reason, status == OK ? buffer_bytes(&body) : (struct bytes){0});
    buffer_free(&body);
}

void respond_outcome(struct http_request *request, bool refused, enum reason reason, struct bytes body)
{
    if (!refused)
        http_answer_with(request, 200, JSON_TYPE, body);
    else if (body.length)
        answer_problem(request, reason, body);
    else
        respond_problem(request, reason, NULL);
}

void respond_json(struct http_request *request, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (text)
        http_answer_with(request, 200, JSON_TYPE, bytes_of_text(text));
    else
        respond_problem(request, REASON_INTERNAL, NULL);
    free(text);
}

enum reason caller_of(const struct http_request *request, enum machine_kind wanted, struct caller *out)
{
    const struct http_peer *peer = request->peer;
    if (!peer->authenticated)
        return REASON_MACHINE_CERTIFICATE_MISSING;
    *out = (struct caller){
        .subject = peer->identity.subject,
        .certificate = peer->identity.id,
        .fingerprint = peer->identity.fingerprint,
    };
    return out->subject.kind == wanted ? REASON_NONE : REASON_CALLER_NOT_ALLOWED;
}
