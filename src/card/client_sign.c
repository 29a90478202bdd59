#include <string.h>

#include <openssl/evp.h>

#include "card/client_session.h"

/* Compute signature, with the PIN and without. */

enum {
    SUPPLY_PADDED = 0x00, /* P1: PKCS#1 v1.5 padding over what is supplied, a DigestInfo */
    SUPPLY_HASH = 0x02,   /* P1: a hash is supplied; P-384 */
    NAMED_FILE = 0x80,
    TERMINAL_KEY = 0x80,
    PROPRIETARY_CLASS = 0x80,
};

/* What goes to the card for a message under a key of this kind. */
struct supply {
    uint8_t p1;
    size_t length;
    uint8_t bytes[DIGEST_INFO_LENGTH];
};

static enum card_error supply_digest_info(const struct sha256 *digest, struct supply *out)
{
    *out = (struct supply){.p1 = SUPPLY_PADDED, .length = DIGEST_INFO_LENGTH};
    digest_info_sha256(digest, out->bytes);
    return CARD_OK;
}

static enum card_error supply_for(enum key_kind kind, struct bytes message, struct supply *out)
{
    if (kind == KEY_RSA_2048) {
        struct sha256 digest;
        return sha256_of(message, &digest) == OK ? supply_digest_info(&digest, out) : CARD_ERR_INTERNAL;
    }
    if (kind != KEY_P384)
        return CARD_ERR_INTERNAL;
    *out = (struct supply){.p1 = SUPPLY_HASH, .length = SHA384_LENGTH};
    bool done = EVP_Digest(message.data, message.length, out->bytes, NULL, EVP_sha384(), NULL) == 1;
    return done ? CARD_OK : CARD_ERR_INTERNAL;
}

/* An RSA signature has one length, an ECDSA one (DER) at most so many bytes. */
static bool has_right_length(enum key_kind kind, size_t length)
{
    enum { P384_SIGNATURE_LEAST = 8, P384_SIGNATURE_MOST = 104 };
    if (kind == KEY_RSA_2048)
        return length == RSA_2048_LENGTH;
    return length >= P384_SIGNATURE_LEAST && length <= P384_SIGNATURE_MOST;
}

static enum card_error compute_signature(struct card_client *client, unsigned key_file, enum key_kind kind,
                                         const struct supply *supply, struct signature *out)
{
    const struct command_apdu command = {.class_byte = PROPRIETARY_CLASS,
                                         .instruction = INS_SECURITY_OPERATION,
                                         .p1 = supply->p1,
                                         .p2 = NAMED_FILE | card_short_id(key_file),
                                         .data = bytes_of(supply->bytes, supply->length),
                                         .expected_length = APDU_SHORT_RESPONSE_LENGTH};
    struct bytes data;
    enum card_error error = client_transmit(client, &command, &data);
    if (error == CARD_OK)
        error = client_error_of(client->status_word);
    if (error != CARD_OK)
        return error;
    if (!has_right_length(kind, data.length))
        return CARD_ERR_FAILED;
    out->length = data.length;
    memcpy(out->bytes, data.data, data.length);
    return CARD_OK;
}

enum card_error card_sign(struct card_client *client, enum card_key key, enum key_kind kind,
                          struct bytes message, struct signature *out)
{
    if (key != CARD_KEY_AUTHENTICATION && key != CARD_KEY_SIGNATURE)
        return CARD_ERR_INTERNAL;
    struct supply supply;
    enum card_error error = supply_for(kind, message, &supply);
    if (error == CARD_OK)
        error = client_select(client, CARD_JPKI);
    if (error != CARD_OK)
        return error;
    unsigned file = key == CARD_KEY_SIGNATURE ? JPKI_SIGNATURE_KEY : JPKI_AUTHENTICATION_KEY;
    return compute_signature(client, file, kind, &supply, out);
}

/* ---- Without the PIN ---- */

static enum card_error get_challenge(struct card_client *client, struct card_nonce *nonce)
{
    _Static_assert((int)CARD_CHALLENGE_LENGTH == (int)CARD_NONCE_LENGTH, "the challenge is the nonce");
    const struct command_apdu command = {.instruction = INS_GET_CHALLENGE,
                                         .expected_length = CARD_CHALLENGE_LENGTH};
    struct bytes data;
    enum card_error error = client_transmit(client, &command, &data);
    if (error == CARD_OK)
        error = client_error_of(client->status_word);
    if (error == CARD_OK && data.length != CARD_CHALLENGE_LENGTH)
        error = CARD_ERR_FAILED;
    if (error == CARD_OK)
        memcpy(nonce->bytes, data.data, CARD_CHALLENGE_LENGTH);
    return error;
}

/* A refusal here is about the terminal, whatever the word. */
static enum card_error send_proof(struct card_client *client, const struct command_apdu *command)
{
    enum card_error error = client_transmit(client, command, NULL);
    if (error != CARD_OK || client->status_word == SW_OK)
        return error;
    return client->status_word == SW_DEAD ? CARD_ERR_MUTE : CARD_ERR_TERMINAL_REFUSED;
}

static enum card_error present_certificate(struct card_client *client,
                                           const struct terminal_certificate *certificate)
{
    uint8_t encoded[TERMINAL_CERTIFICATE_LENGTH];
    terminal_certificate_encode(certificate, encoded);
    const struct command_apdu command = {.class_byte = PROPRIETARY_CLASS,
                                         .instruction = INS_PINLESS,
                                         .p2 = TERMINAL_KEY,
                                         .data = bytes_of(encoded, sizeof encoded),
                                         .extended = true};
    return send_proof(client, &command);
}

static enum card_error prove_key(struct card_client *client, const struct private_key *key,
                                 const struct card_nonce *nonce)
{
    uint8_t message[CARD_LABEL_LENGTH + CARD_CHALLENGE_LENGTH] = CARD_TERMINAL_LABEL;
    memcpy(message + CARD_LABEL_LENGTH, nonce->bytes, CARD_CHALLENGE_LENGTH);
    struct signature proof;
    if (private_key_sign(key, bytes_of(message, sizeof message), &proof) != OK)
        return CARD_ERR_INTERNAL;
    const struct command_apdu command = {.instruction = INS_EXTERNAL_AUTHENTICATE,
                                         .p2 = TERMINAL_KEY,
                                         .data = bytes_of(proof.bytes, proof.length),
                                         .extended = true};
    return send_proof(client, &command);
}

static enum card_error authenticate_terminal(struct card_client *client, const struct card_terminal *terminal,
                                             struct card_nonce *nonce)
{
    enum card_error error = client_select(client, CARD_JPKI);
    if (error == CARD_OK)
        error = client_select_file(client, JPKI_TERMINAL_CA);
    if (error == CARD_OK)
        error = get_challenge(client, nonce);
    if (error == CARD_OK)
        error = present_certificate(client, &terminal->certificate);
    if (error == CARD_OK)
        error = prove_key(client, &terminal->key, nonce);
    if (error == CARD_OK)
        client->opened = true;
    return error;
}

/* The card hashes the marked form itself, so what it is given is the same for either kind of key: SHA-256 of
 * the statement. */
static enum card_error supply_statement(enum key_kind kind, const struct statement_message *message,
                                        struct supply *out)
{
    struct sha256 digest;
    if (statement_digest(message, &digest) != OK)
        return CARD_ERR_INTERNAL;
    if (kind == KEY_RSA_2048)
        return supply_digest_info(&digest, out);
    if (kind != KEY_P384)
        return CARD_ERR_INTERNAL;
    *out = (struct supply){.p1 = SUPPLY_HASH, .length = SHA256_LENGTH};
    memcpy(out->bytes, digest.bytes, SHA256_LENGTH);
    return CARD_OK;
}

enum card_error card_sign_without_pin(struct card_client *client, const struct card_terminal *terminal,
                                      enum key_kind kind, const struct statement_message *message,
                                      struct card_nonce *nonce, struct signature *out)
{
    struct supply supply;
    enum card_error error = supply_statement(kind, message, &supply);
    if (error == CARD_OK)
        error = authenticate_terminal(client, terminal, nonce);
    return error != CARD_OK ? error : compute_signature(client, JPKI_AUTHENTICATION_KEY, kind, &supply, out);
}
