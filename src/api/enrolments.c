#include "api/enrolments.h"

#include <stdlib.h>

#include "api/pending.h"
#include "api/requests.h"
#include "api/respond.h"

void handle_terms(struct http_request *request, void *context)
{
    const struct machine_api *api = context;
    const struct terms *terms = &api->centre->terms;
    respond_json(request, json_pack("{s:s, s:s%}", "version", terms->version, "text",
                                    (const char *)terms->text.data, terms->text.length));
}

static enum status encode_result(const struct enrolment_result *result, struct buffer *out)
{
    char event_id[2 * EVENT_ID_SIZE + 1], at[33];
    hex_encode(bytes_of(result->event_id, EVENT_ID_SIZE), event_id);
    moment_format(result->at, at);
    json_t *object = json_pack("{s:s, s:s, s:s}", "result", result->already ? "already_enrolled" : "enrolled",
                               "enrolled_at", at, "event_id", event_id);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    enum status status = text ? buffer_append_text(out, text) : ERR_NO_MEMORY;
    free(text);
    return status;
}

void handle_enrolment(struct http_request *request, void *context)
{
    const struct machine_api *api = context;
    struct enrol *enrol =
        (struct enrol *)(void *)pending_start(request, api, MACHINE_INSTITUTION, sizeof(*enrol));
    if (!enrol)
        return;
    enrol->encode = encode_result;
    struct enrolment_request asked;
    const char *member = NULL;
    enum reason reason = decode_enrolment(request->body, request->region, &asked, &member);
    if (reason == REASON_NONE)
        enrol_start(enrol, &asked);
    else
        pending_refuse(&enrol->proceeding, reason, member);
}
