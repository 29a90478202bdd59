#include "api/checks.h"

#include <string.h>

#include "api/pending.h"
#include "api/requests.h"
#include "api/respond.h"
#include "exchange/answer_json.h"
#include "http/loop.h"

static bool institution_calls(struct http_request *request, struct caller *out)
{
    enum reason reason = caller_of(request, MACHINE_INSTITUTION, out);
    if (reason != REASON_NONE)
        respond_problem(request, reason, NULL);
    return reason == REASON_NONE;
}

/* ---- Challenges ---- */

static json_t *challenges_to_json(const struct challenges *challenges)
{
    json_t *list = json_array();
    char expires_at[33], now[33];
    struct buffer text = {0};
    enum status status = list ? OK : ERR_NO_MEMORY;
    for (size_t i = 0; i < challenges->count && status == OK; i++) {
        buffer_clear(&text);
        status = base64_encode(bytes_of(challenges->list[i].bytes, CHALLENGE_LENGTH), &text);
        if (status == OK &&
            json_array_append_new(list, json_stringn((const char *)text.data, text.length)) != 0)
            status = ERR_NO_MEMORY;
    }
    buffer_free(&text);
    moment_format(challenges->expires_at, expires_at);
    moment_format(challenges->now, now);
    if (status == OK)
        return json_pack("{s:o, s:s, s:s}", "challenges", list, "expires_at", expires_at, "now", now);
    json_decref(list);
    return NULL;
}

static void finish_challenges(struct http_request *request, void *argument)
{
    struct challenges *challenges = argument;
    if (challenges->reason == REASON_NONE)
        respond_json(request, challenges_to_json(challenges));
    else
        respond_problem(request, challenges->reason, NULL);
}

static void on_challenges(struct challenges *challenges)
{
    const struct http_ticket *ticket = challenges->context;
    http_ticket_post(*ticket, finish_challenges, challenges);
}

static struct http_ticket *keep(struct http_request *request)
{
    struct http_ticket *ticket = region_alloc(request->region, sizeof(*ticket));
    if (ticket)
        *ticket = http_request_keep(request);
    return ticket;
}

void handle_challenges(struct http_request *request, void *context)
{
    const struct machine_api *api = context;
    struct caller caller;
    if (!institution_calls(request, &caller))
        return;
    size_t count;
    const char *member = NULL;
    enum reason reason = decode_challenges(request->body, api->centre->challenges_most, &count, &member);
    struct challenges *challenges = NULL;
    if (reason == REASON_NONE) {
        challenges = region_alloc(request->region, sizeof(*challenges) + count * sizeof(struct challenge));
        reason = challenges ? REASON_NONE : REASON_INTERNAL;
    }
    struct http_ticket *ticket = reason == REASON_NONE ? keep(request) : NULL;
    if (!ticket) {
        respond_problem(request, reason == REASON_NONE ? REASON_INTERNAL : reason, member);
        return;
    }
    challenges->loop = api->loops[http_loop_index(request->loop)];
    challenges->caller = caller;
    challenges->count = count;
    challenges->done = on_challenges;
    challenges->context = ticket;
    challenges_create(challenges);
}

/* ---- Checks ---- */

static enum status encode_answer(const struct answer *answer, const uint8_t *visit_token, struct buffer *out)
{
    struct buffer token = {.secret = true};
    enum status status = OK;
    if (visit_token)
        status = base64_encode(bytes_of(visit_token, VISIT_TOKEN_LENGTH), &token);
    if (status == OK)
        status = answer_to_json_text(answer, buffer_bytes(&token), out);
    buffer_free(&token);
    return status;
}

static struct check *check_new(struct http_request *request, const struct machine_api *api)
{
    struct check *check =
        (struct check *)(void *)pending_start(request, api, MACHINE_INSTITUTION, sizeof(*check));
    if (check) {
        check->loop = api->loops[http_loop_index(request->loop)];
        check->encode = encode_answer;
    }
    return check;
}

void handle_check_by_number(struct http_request *request, void *context)
{
    const struct machine_api *api = context;
    struct check *check = check_new(request, api);
    if (!check)
        return;
    struct number_check_request asked;
    const char *member = NULL;
    enum reason reason =
        decode_number_check(request->body, date_in_tokyo(clock_now(api->centre->clock)), &asked, &member);
    if (reason == REASON_NONE)
        check_by_number_start(check, &asked);
    else
        pending_refuse(&check->proceeding, reason, member);
}

void handle_check_by_card(struct http_request *request, void *context)
{
    const struct machine_api *api = context;
    struct check *check = check_new(request, api);
    if (!check)
        return;
    struct card_check_request asked;
    const char *member = NULL;
    enum reason reason = decode_card_check(request->body, request->region, &asked, &member);
    if (reason == REASON_NONE)
        check_by_card_start(check, &asked);
    else
        pending_refuse(&check->proceeding, reason, member);
}
