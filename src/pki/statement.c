#include "pki/statement.h"

#include <assert.h>
#include <string.h>

enum { LABEL_LENGTH = 32 };

static const char *label_of(enum statement_kind kind)
{
    switch (kind) {
    case STATEMENT_CHECK:
        return "shikaku-check-1";
    case STATEMENT_LOGIN:
        return "shikaku-login-1";
    case STATEMENT_ENROL:
        return "shikaku-enrol-1";
    case STATEMENT_DECLARE:
        return "shikaku-declare-1";
    }
    return "";
}

static uint8_t *put(uint8_t *position, const void *bytes, size_t length)
{
    memcpy(position, bytes, length);
    return position + length;
}

static uint8_t *put_label(uint8_t *position, const char *label)
{
    memset(position, 0, LABEL_LENGTH);
    memcpy(position, label, strlen(label));
    return position + LABEL_LENGTH;
}

void statement_compose(const struct statement *statement, struct statement_message *out)
{
    uint8_t *position = put_label(out->bytes, label_of(statement->kind));
    position = put(position, statement->centre.bytes, SHA256_LENGTH);
    position = put(position, statement->challenge.bytes, CHALLENGE_LENGTH);
    position = put(position, statement->institution, INSTITUTION_CODE_LENGTH);
    position = put(position, statement->caller.bytes, SHA256_LENGTH);
    *position++ = (uint8_t)(statement->purpose >> 8);
    *position++ = (uint8_t)statement->purpose;
    char day[9];
    date_format_compact(statement->day, day);
    position = put(position, day, 8);
    position = put(position, statement->content.bytes, SHA256_LENGTH);
    assert(position == out->bytes + STATEMENT_LENGTH);
}

enum status statement_digest(const struct statement_message *message, struct sha256 *out)
{
    return sha256_of(bytes_of(message->bytes, STATEMENT_LENGTH), out);
}

void pinless_message_compose(const struct terminal_id *terminal, const struct card_nonce *nonce,
                             const struct sha256 *supplied, uint8_t out[PINLESS_MESSAGE_LENGTH])
{
    uint8_t *position = put_label(out, "shikaku-pinless-1");
    position = put(position, terminal->bytes, TERMINAL_ID_LENGTH);
    position = put(position, nonce->bytes, CARD_NONCE_LENGTH);
    position = put(position, supplied->bytes, SHA256_LENGTH);
    assert(position == out + PINLESS_MESSAGE_LENGTH);
}

enum status statement_verify(const struct public_key *key, const struct statement_message *message,
                             const struct statement_signature *signature)
{
    if (key->kind != KEY_RSA_2048 && key->kind != KEY_P384)
        return ERR_UNSUPPORTED;
    if (signature->form == STATEMENT_WITH_PIN)
        return public_key_verify(key, bytes_of(message->bytes, STATEMENT_LENGTH), signature->signature);
    struct sha256 supplied;
    enum status status = statement_digest(message, &supplied);
    if (status != OK)
        return status;
    uint8_t marked[PINLESS_MESSAGE_LENGTH];
    pinless_message_compose(&signature->terminal, &signature->nonce, &supplied, marked);
    return public_key_verify(key, bytes_of(marked, sizeof(marked)), signature->signature);
}
