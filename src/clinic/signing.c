#include "clinic/signing.h"

#include <string.h>

#include "clinic/card_reason.h"

static enum status refuse(struct outcome *out, enum reason reason, int tries_left)
{
    outcome_of_reason(OUTCOME_LOCAL, reason, tries_left, out);
    return ERR_DENIED;
}

static enum status refuse_by_card(struct outcome *out, const struct card_client *client,
                                  enum card_error error)
{
    bool is_about_pin =
        error == CARD_ERR_PIN_WRONG || error == CARD_ERR_PIN_LAST_TRY || error == CARD_ERR_PIN_LOCKED;
    return refuse(out, reason_of_card_error(error, client->tries_left),
                  is_about_pin ? (int)client->tries_left : -1);
}

/* ---- The card ---- */

static enum card_error read_certificate(struct card_client *client, struct signed_part *out,
                                        enum key_kind *kind)
{
    enum card_error error = card_read_certificate(client, CARD_CERTIFICATE_AUTHENTICATION, &out->certificate);
    if (error != CARD_OK)
        return error;
    struct certificate certificate = {0};
    enum status status = certificate_parse(buffer_bytes(&out->certificate), &certificate);
    *kind = certificate.key.kind;
    certificate_free(&certificate);
    return status == OK ? CARD_OK : CARD_ERR_FAILED;
}

static enum card_error sign_with_pin(struct card_client *client, const struct card_use *use,
                                     enum key_kind kind, const struct statement_message *message,
                                     struct signed_part *out)
{
    enum card_error error = card_verify_pin(client, CARD_PIN_AUTHENTICATION, use->pin,
                                            use->spend_last_try ? SPEND_LAST_TRY : KEEP_LAST_TRY);
    if (error != CARD_OK)
        return error;
    return card_sign(client, CARD_KEY_AUTHENTICATION, kind, bytes_of(message->bytes, sizeof message->bytes),
                     &out->signature);
}

static enum card_error use_card(struct clinic *clinic, struct card_client *client, const struct card_use *use,
                                const struct statement_message *message, struct signed_part *out)
{
    struct card_description description;
    enum key_kind kind = KEY_NONE;
    enum card_error error = card_recognise(client, &description);
    if (error == CARD_OK)
        error = read_certificate(client, out, &kind);
    if (error != CARD_OK)
        return error;
    if (use->authenticated_by == AUTHENTICATED_BY_PIN)
        return description.has_pin ? sign_with_pin(client, use, kind, message, out) : CARD_ERR_WITHOUT_PIN;
    out->terminal = clinic->terminal.certificate;
    return card_sign_without_pin(client, &clinic->terminal, kind, message, &out->nonce, &out->signature);
}

static enum status sign_by_card(struct clinic *clinic, const struct card_use *use,
                                const struct statement_message *message, struct signed_part *out,
                                struct outcome *refused)
{
    int64_t since = monotonic_microseconds();
    struct card_client client = card_client_of(use->card, use->deadline);
    enum card_error error = card_client_begin(&client);
    if (error == CARD_OK)
        error = use_card(clinic, &client, use, message, out);
    card_client_end(&client);
    trace_add(&clinic->trace, HOP_SIGNATURE, card_error_name(error), since);
    enum status status = error == CARD_OK ? OK : refuse_by_card(refused, &client, error);
    card_client_free(&client);
    return status;
}

/* ---- The statement ---- */

static void fill_statement(const struct clinic *clinic, struct statement *statement)
{
    _Static_assert(sizeof statement->institution == INSTITUTION_CODE_LENGTH, "ten digits, no NUL");
    statement->centre = clinic->centre;
    statement->caller = clinic->machine.fingerprint;
    memcpy(statement->institution, clinic->settings->institution.digits, INSTITUTION_CODE_LENGTH);
}

static bool is_well_formed_pin(struct bytes pin)
{
    if (pin.length != 4)
        return false;
    for (size_t i = 0; i < pin.length; i++)
        if (pin.data[i] < '0' || pin.data[i] > '9')
            return false;
    return true;
}

enum status sign_statement(struct clinic *clinic, const struct card_use *use, struct statement *statement,
                           struct signed_part *out, struct outcome *refused)
{
    *out = (struct signed_part){.authenticated_by = use->authenticated_by};
    bool by_pin = use->authenticated_by == AUTHENTICATED_BY_PIN;
    if (by_pin && !is_well_formed_pin(use->pin))
        return refuse(refused, REASON_PIN_FORMAT, -1);
    if (!by_pin && !clinic->has_terminal)
        return refuse(refused, REASON_SETTINGS_INVALID, -1);
    enum status status = clinic_take_challenge(clinic, &out->challenge, refused);
    if (status != OK)
        return ERR_DENIED;
    fill_statement(clinic, statement);
    statement->challenge = out->challenge;
    struct statement_message message;
    statement_compose(statement, &message);
    return sign_by_card(clinic, use, &message, out, refused);
}

void signed_part_free(struct signed_part *part)
{
    buffer_free(&part->certificate);
    *part = (struct signed_part){0};
}

/* ---- The request ---- */

static void put_base64(struct json_writing *writing, const char *key, struct bytes bytes)
{
    struct buffer text = {0};
    json_t *value =
        base64_encode(bytes, &text) == OK ? json_stringn((const char *)text.data, text.length) : NULL;
    json_put(writing, key, value);
    buffer_free(&text);
}

void signed_part_put(const struct signed_part *part, struct json_writing *writing)
{
    put_base64(writing, "challenge", bytes_of(part->challenge.bytes, CHALLENGE_LENGTH));
    put_base64(writing, "certificate", buffer_bytes(&part->certificate));
    put_base64(writing, "signature", bytes_of(part->signature.bytes, part->signature.length));
    json_put_text(writing, "authenticated_by", authentication_code(part->authenticated_by));
    if (part->authenticated_by == AUTHENTICATED_BY_PIN) {
        json_put_text(writing, "form", "pin");
        return;
    }
    uint8_t terminal[TERMINAL_CERTIFICATE_LENGTH];
    terminal_certificate_encode(&part->terminal, terminal);
    json_put_text(writing, "form", "pinless");
    put_base64(writing, "terminal_certificate", bytes_of(terminal, sizeof terminal));
    put_base64(writing, "card_nonce", bytes_of(part->nonce.bytes, CARD_NONCE_LENGTH));
}

bool is_refused_for_challenge(const struct outcome *outcome)
{
    static const enum reason reasons[] = {REASON_CHALLENGE_EXPIRED, REASON_CHALLENGE_FOREIGN,
                                          REASON_CHALLENGE_REPLAYED};
    for (size_t i = 0; i < ARRAY_LENGTH(reasons); i++)
        if (outcome->source == OUTCOME_REFUSED && strcmp(outcome->reason, reason_code(reasons[i])) == 0)
            return true;
    return false;
}
