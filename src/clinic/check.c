#include "clinic/check.h"

#include <string.h>

enum { SIGNING_ATTEMPTS = 2 /* the second with a fresh challenge, where ours had gone stale */ };

static void fail_here(struct outcome *out)
{
    outcome_of_reason(OUTCOME_LOCAL, REASON_TERMINAL_INTERNAL, -1, out);
}

static void put_day(struct json_writing *writing, const char *key, struct date day)
{
    char text[11];
    date_format(day, text);
    json_put_text(writing, key, text);
}

/* json is taken over. */
static void send_check(struct clinic *clinic, const char *path, json_t *json, struct outcome *out)
{
    struct buffer body = {0};
    struct http_reply reply = {0};
    if (json_write_text(json, &body) != OK)
        fail_here(out);
    else if (clinic_call(clinic, path, buffer_bytes(&body), &reply) != OK)
        outcome_of_reason(OUTCOME_NO_CENTRE, REASON_CENTRE_UNREACHABLE, -1, out);
    else
        outcome_of_check_reply(reply.status, buffer_bytes(&reply.body), &clinic->texts, out);
    http_reply_free(&reply);
    buffer_free(&body);
}

/* ---- By card ---- */

static void put_consents(struct json_writing *writing, const struct consents *consents)
{
    struct json_writing given = json_writing_begin();
    for (int kind = 0; kind < CONSENT_KINDS; kind++)
        json_put_boolean(&given, consent_kind_code((enum consent_kind)kind), consents->given[kind]);
    json_put(writing, "consents", json_writing_end(&given));
}

static enum status hash_consents(const struct consents *consents, struct sha256 *out)
{
    *out = (struct sha256){0};
    if (!consents)
        return OK;
    struct buffer content = {0};
    enum status status = consents_content(consents, &content);
    if (status == OK)
        status = sha256_of(buffer_bytes(&content), out);
    buffer_free(&content);
    return status;
}

static json_t *card_request(const struct card_check *check, const struct signed_part *part)
{
    struct json_writing writing = json_writing_begin();
    signed_part_put(part, &writing);
    json_put_text(&writing, "purpose", check->purpose == PURPOSE_TREATMENT ? "treatment" : "dispensing");
    put_day(&writing, "day", check->day);
    if (check->consents)
        put_consents(&writing, check->consents);
    return json_writing_end(&writing);
}

static void check_by_card_once(struct clinic *clinic, const struct card_check *check, struct outcome *out)
{
    struct statement statement = {
        .kind = STATEMENT_CHECK, .purpose = (uint16_t)check->purpose, .day = check->day};
    struct signed_part part = {0};
    if (hash_consents(check->consents, &statement.content) != OK)
        fail_here(out);
    else if (sign_statement(clinic, &check->use, &statement, &part, out) == OK)
        send_check(clinic, "/v1/checks/card", card_request(check, &part), out);
    signed_part_free(&part);
}

void check_by_card(struct clinic *clinic, const struct card_check *check, struct outcome *out)
{
    for (int attempt = 1;; attempt++) {
        check_by_card_once(clinic, check, out);
        if (attempt == SIGNING_ATTEMPTS || !is_refused_for_challenge(out))
            return;
        outcome_free(out);
        clinic_forget_challenges(clinic);
    }
}

/* ---- By number ---- */

static json_t *number_request(const struct number_check *check)
{
    char insurer[9];
    insurer_number_format(&check->key.insurer, insurer);
    struct json_writing writing = json_writing_begin();
    json_put_text(&writing, "insurer_number", insurer);
    json_put_text(&writing, "symbol", check->key.symbol.text);
    json_put_text(&writing, "number", check->key.number.text);
    json_put_text(&writing, "branch", check->key.branch.digits);
    put_day(&writing, "birth_date", check->birth);
    put_day(&writing, "day", check->day);
    return json_writing_end(&writing);
}

void check_by_number(struct clinic *clinic, const struct number_check *check, struct outcome *out)
{
    send_check(clinic, "/v1/checks/number", number_request(check), out);
}
