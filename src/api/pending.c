#include "api/pending.h"

#include "api/respond.h"

/*
 * On the request's loop. The proceeding lies in the request's region: what it owns besides must be freed
 * before the request is answered, since answering ends the region.
 */
static void answer(struct http_request *request, void *argument)
{
    struct proceeding *proceeding = argument;
    struct proceeding_outcome outcome = proceeding->outcome;
    struct buffer body = proceeding->body;
    struct buffer repeated = proceeding->submission.recorded_answer;
    respond_outcome(request, outcome.refused, outcome.reason, outcome.body);
    buffer_free(&body);
    buffer_free(&repeated);
}

static void on_done(struct proceeding *proceeding)
{
    const struct http_ticket *ticket = proceeding->context;
    http_ticket_post(*ticket, answer, proceeding);
}

struct proceeding *pending_start(struct http_request *request, const struct machine_api *api,
                                 enum machine_kind wanted, size_t size)
{
    struct proceeding *proceeding = region_alloc(request->region, size);
    struct http_ticket *ticket = region_alloc(request->region, sizeof(*ticket));
    enum reason reason = proceeding && ticket ? REASON_NONE : REASON_INTERNAL;
    if (reason == REASON_NONE)
        reason = caller_of(request, wanted, &proceeding->caller);
    if (reason == REASON_NONE && sha256_of(request->body, &proceeding->request_hash) != OK)
        reason = REASON_INTERNAL;
    if (reason != REASON_NONE) {
        respond_problem(request, reason, NULL);
        return NULL;
    }
    *ticket = http_request_keep(request);
    proceeding->centre = api->centre;
    proceeding->region = request->region;
    proceeding->encode_refusal = encode_problem;
    proceeding->done = on_done;
    proceeding->context = ticket;
    proceeding_begin(proceeding);
    return proceeding;
}

void pending_refuse(struct proceeding *proceeding, enum reason reason, const char *member)
{
    proceeding->member = member;
    proceeding_refuse(proceeding, reason);
}
