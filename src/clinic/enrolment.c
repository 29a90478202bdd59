#include "clinic/enrolment.h"

#include <string.h>

#include "domain/consent.h"

enum { HTTP_OK = 200, SIGNING_ATTEMPTS = 2 };

static enum status read_terms(struct clinic *clinic, const struct http_reply *reply, struct terms *out)
{
    json_t *json = NULL;
    enum status status = json_read_text(buffer_bytes(&reply->body), &json);
    if (status == OK) {
        struct json_reading reading = json_reading_of(json, &clinic->texts);
        out->version = json_get_text(&reading, "version");
        out->text = json_get_text(&reading, "text");
        status = reading.status;
    }
    json_decref(json);
    return status;
}

enum status enrolment_fetch_terms(struct clinic *clinic, struct terms *out, struct outcome *refused)
{
    *out = (struct terms){0};
    struct http_reply reply = {0};
    enum status status = clinic_call(clinic, "/v1/terms", (struct bytes){0}, &reply);
    if (status == OK && reply.status != HTTP_OK) {
        outcome_of_enrolment_reply(reply.status, buffer_bytes(&reply.body), &clinic->texts, refused);
        status = ERR_DENIED;
    } else if (status != OK || read_terms(clinic, &reply, out) != OK) {
        outcome_of_reason(OUTCOME_NO_CENTRE, REASON_CENTRE_UNREACHABLE, -1, refused);
        status = ERR_DENIED;
    }
    http_reply_free(&reply);
    return status;
}

static enum status hash_terms(const struct terms *terms, struct sha256 *out)
{
    struct buffer content = {0};
    enum status status = terms_content(bytes_of_text(terms->text), &content);
    if (status == OK)
        status = sha256_of(buffer_bytes(&content), out);
    buffer_free(&content);
    return status;
}

static enum status write_request(const struct signed_part *part, const struct terms *terms,
                                 struct buffer *out)
{
    struct json_writing writing = json_writing_begin();
    signed_part_put(part, &writing);
    json_put_text(&writing, "terms_version", terms->version);
    return json_write_text(json_writing_end(&writing), out);
}

static void send_enrolment(struct clinic *clinic, const struct signed_part *part, const struct terms *terms,
                           struct outcome *out)
{
    struct buffer body = {0};
    struct http_reply reply = {0};
    if (write_request(part, terms, &body) != OK)
        outcome_of_reason(OUTCOME_LOCAL, REASON_TERMINAL_INTERNAL, -1, out);
    else if (clinic_call(clinic, "/v1/enrolments", buffer_bytes(&body), &reply) != OK)
        outcome_of_reason(OUTCOME_NO_CENTRE, REASON_CENTRE_UNREACHABLE, -1, out);
    else
        outcome_of_enrolment_reply(reply.status, buffer_bytes(&reply.body), &clinic->texts, out);
    http_reply_free(&reply);
    buffer_free(&body);
}

static void enrol_once(struct clinic *clinic, const struct card_use *use, const struct terms *terms,
                       struct outcome *out)
{
    struct statement statement = {.kind = STATEMENT_ENROL, .day = DATE_NONE};
    struct signed_part part = {0};
    if (hash_terms(terms, &statement.content) != OK)
        outcome_of_reason(OUTCOME_LOCAL, REASON_TERMINAL_INTERNAL, -1, out);
    else if (sign_statement(clinic, use, &statement, &part, out) == OK)
        send_enrolment(clinic, &part, terms, out);
    signed_part_free(&part);
}

void enrol_card(struct clinic *clinic, const struct card_use *use, const struct terms *terms,
                struct outcome *out)
{
    for (int attempt = 1;; attempt++) {
        enrol_once(clinic, use, terms, out);
        if (attempt == SIGNING_ATTEMPTS || !is_refused_for_challenge(out))
            return;
        outcome_free(out);
        clinic_forget_challenges(clinic);
    }
}
