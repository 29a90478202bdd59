#include "api/checks.h"

#include <string.h>

#include "api/pending.h"
#include "api/respond.h"
#include "exchange/answer_json.h"
#include "http/loop.h"
#include "service/challenges.h"
#include "service/check.h"

bool institution_calls(struct http_request *request, struct caller *out)
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
    struct decoder decoder = decode_document(request->body);
    int64_t count = decode_integer(&decoder, "count", 1, api->centre->challenges_most);
    enum reason reason = decode_finish(&decoder);
    const char *member = decoder.member;
    decode_free(&decoder);
    struct challenges *challenges = NULL;
    if (reason == REASON_NONE) {
        challenges =
            region_alloc(request->region, sizeof(*challenges) + (size_t)count * sizeof(struct challenge));
        reason = challenges ? REASON_NONE : REASON_INTERNAL;
    }
    struct http_ticket *ticket = reason == REASON_NONE ? keep(request) : NULL;
    if (!ticket) {
        respond_problem(request, reason == REASON_NONE ? REASON_INTERNAL : reason, member);
        return;
    }
    challenges->loop = api->loops[http_loop_index(request->loop)];
    challenges->caller = caller;
    challenges->count = (size_t)count;
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

static void decode_number_request(struct decoder *decoder, struct date today,
                                  struct number_check_request *out)
{
    DECODE_MEMBER(decoder, "insurer_number", insurer_number_parse, &out->key.insurer);
    DECODE_MEMBER(decoder, "symbol", insured_symbol_parse, &out->key.symbol);
    DECODE_MEMBER(decoder, "number", insured_number_parse, &out->key.number);
    DECODE_MEMBER(decoder, "branch", branch_number_parse, &out->key.branch);
    struct bytes birth = decode_text(decoder, "birth_date");
    if (decoder->reason == REASON_NONE)
        decode_refuse(decoder, birth_date_parse((const char *)birth.data, birth.length, today, &out->birth),
                      "birth_date");
    DECODE_MEMBER(decoder, "day", day_of_treatment_parse, &out->day);
}

void handle_check_by_number(struct http_request *request, void *context)
{
    const struct machine_api *api = context;
    struct check *check = check_new(request, api);
    if (!check)
        return;
    struct number_check_request asked = {0};
    struct decoder decoder = decode_document(request->body);
    decode_number_request(&decoder, date_in_tokyo(clock_now(api->centre->clock)), &asked);
    enum reason reason = decode_finish(&decoder);
    decode_free(&decoder);
    if (reason == REASON_NONE)
        check_by_number_start(check, &asked);
    else
        pending_refuse(&check->proceeding, reason, decoder.member);
}

void decode_card_proof(struct decoder *decoder, struct region *region, struct card_proof *out)
{
    static const char *const forms[] = {"pin", "pinless", NULL};
    static const char *const with_pin[] = {"pin", NULL};
    static const char *const without_pin[] = {"face", "staff_eyes", NULL};
    decode_exact_base64(decoder, "challenge", out->challenge.bytes, sizeof(out->challenge.bytes));
    out->certificate = decode_base64(decoder, "certificate", CERTIFICATE_LIMIT, region);
    out->signature.signature = decode_base64(decoder, "signature", SIGNATURE_LIMIT, region);
    bool pinless = decode_word(decoder, "form", forms) == 1;
    out->signature.form = pinless ? STATEMENT_WITHOUT_PIN : STATEMENT_WITH_PIN;
    size_t word = decode_word(decoder, "authenticated_by", pinless ? without_pin : with_pin);
    out->authenticated_by = !pinless    ? AUTHENTICATED_BY_PIN
                            : word == 0 ? AUTHENTICATED_BY_FACE
                                        : AUTHENTICATED_BY_STAFF_EYES;
    if (!pinless)
        return;
    out->terminal_certificate =
        decode_base64(decoder, "terminal_certificate", TERMINAL_CERTIFICATE_LENGTH, region);
    decode_exact_base64(decoder, "card_nonce", out->signature.nonce.bytes,
                        sizeof(out->signature.nonce.bytes));
}

static void decode_card_request(struct decoder *decoder, struct region *region,
                                struct card_check_request *out)
{
    static const char *const purposes[] = {"treatment", "dispensing", NULL};
    decode_card_proof(decoder, region, &out->proof);
    out->purpose =
        decode_word(decoder, "purpose", purposes) == 0 ? CHECK_FOR_TREATMENT : CHECK_FOR_DISPENSING;
    DECODE_MEMBER(decoder, "day", day_of_treatment_parse, &out->day);
    struct decoder consents = decode_object(decoder, "consents", true);
    out->has_consents = consents.object != NULL;
    for (int kind = 0; consents.object && kind < CONSENT_KINDS; kind++)
        out->consents.given[kind] = decode_bool(&consents, consent_kind_code((enum consent_kind)kind));
    decode_end_object(decoder, &consents);
}

void handle_check_by_card(struct http_request *request, void *context)
{
    const struct machine_api *api = context;
    struct check *check = check_new(request, api);
    if (!check)
        return;
    struct card_check_request asked = {0};
    struct decoder decoder = decode_document(request->body);
    decode_card_request(&decoder, request->region, &asked);
    enum reason reason = decode_finish(&decoder);
    decode_free(&decoder);
    if (reason == REASON_NONE)
        check_by_card_start(check, &asked);
    else
        pending_refuse(&check->proceeding, reason, decoder.member);
}
