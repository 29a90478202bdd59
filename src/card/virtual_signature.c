#include "card/virtual_state.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "pki/library.h"

/* PERFORM SECURITY OPERATION, compute signature: 80 2A P1 P2 Lc data 00. */

enum sign_mode {
    SIGN_PADDED = 0x00,      /* PKCS#1 v1.5 type 1 over what is supplied: a DigestInfo */
    SIGN_HASHED_BARE = 0x01, /* the card hashes; type 1 padding over the bare hash */
    SIGN_HASH = 0x02,        /* takes a hash and wraps it in a DigestInfo */
    SIGN_MESSAGE = 0x03,     /* hashes and wraps */
    SIGN_PSS_HASH = 0x04,    /* takes a hash, PSS */
    SIGN_PSS_MESSAGE = 0x05, /* hashes, PSS */
    SIGN_MODE_LAST = SIGN_PSS_MESSAGE,
};

enum { PKCS1_SUPPLIED_MAX = 245 /* 256 less the eleven bytes of padding that there must be */ };

static uint16_t answer_signature(enum status status, const struct signature *signature, struct buffer *answer)
{
    if (status == OK)
        status = buffer_append(answer, bytes_of(signature->bytes, signature->length));
    return status == OK ? SW_OK : SW_DEAD;
}

static uint16_t sign_padded(const struct private_key *key, struct bytes supplied, struct buffer *answer)
{
    struct signature signature;
    return answer_signature(private_key_sign_padded(key, supplied, &signature), &signature, answer);
}

static uint16_t sign_wrapped(const struct private_key *key, const struct sha256 *hash, struct buffer *answer)
{
    uint8_t digest_info[DIGEST_INFO_LENGTH];
    digest_info_sha256(hash, digest_info);
    return sign_padded(key, bytes_of(digest_info, sizeof digest_info), answer);
}

static bool prepare_pss(EVP_PKEY_CTX *context)
{
    return EVP_PKEY_sign_init(context) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* A hash, signed by what the key and `prepare` make of it. */
static uint16_t sign_digest(const struct private_key *key, bool (*prepare)(EVP_PKEY_CTX *), struct bytes hash,
                            struct buffer *answer)
{
    struct signature signature = {.length = sizeof signature.bytes};
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->handle, NULL);
    bool signed_it = context && prepare(context) &&
                     EVP_PKEY_sign(context, signature.bytes, &signature.length, hash.data, hash.length) == 1;
    EVP_PKEY_CTX_free(context);
    return answer_signature(signed_it ? OK : library_refused(ERR_CRYPTO), &signature, answer);
}

/* What SIGN_HASH and SIGN_PSS_HASH are given, or the hash of what the other modes are given. */
static uint16_t take_hash(enum sign_mode mode, struct bytes data, struct sha256 *hash)
{
    if (mode == SIGN_HASH || mode == SIGN_PSS_HASH) {
        if (data.length != SHA256_LENGTH)
            return SW_CONDITIONS;
        memcpy(hash->bytes, data.data, SHA256_LENGTH);
        return SW_OK;
    }
    return sha256_of(data, hash) == OK ? SW_OK : SW_DEAD;
}

static uint16_t sign_rsa(const struct private_key *key, enum sign_mode mode, struct bytes data,
                         struct buffer *answer)
{
    if (mode == SIGN_PADDED)
        return data.length <= PKCS1_SUPPLIED_MAX ? sign_padded(key, data, answer) : SW_CONDITIONS;
    struct sha256 hash;
    uint16_t word = take_hash(mode, data, &hash);
    if (word != SW_OK)
        return word;
    struct bytes bare = bytes_of(hash.bytes, sizeof hash.bytes);
    if (mode == SIGN_HASHED_BARE)
        return sign_padded(key, bare, answer);
    if (mode == SIGN_HASH || mode == SIGN_MESSAGE)
        return sign_wrapped(key, &hash, answer);
    return sign_digest(key, prepare_pss, bare, answer);
}

static bool prepare_ecdsa(EVP_PKEY_CTX *context)
{
    return EVP_PKEY_sign_init(context) == 1;
}

/* The coming card (ours): SHA-384 supplied or made; the signature as DER. */
static uint16_t sign_p384(const struct private_key *key, enum sign_mode mode, struct bytes data,
                          struct buffer *answer)
{
    struct signature signature;
    if (mode == SIGN_MESSAGE)
        return answer_signature(private_key_sign(key, data, &signature), &signature, answer);
    if (mode != SIGN_HASH)
        return SW_WRONG_PARAMETERS;
    return data.length == SHA384_LENGTH ? sign_digest(key, prepare_ecdsa, data, answer) : SW_CONDITIONS;
}

/* The hash of which the marked form is made: bare, or for RSA in a DigestInfo as every client sends it. */
static uint16_t take_supplied_hash(enum sign_mode mode, struct bytes data, struct sha256 *out)
{
    uint8_t expected[DIGEST_INFO_LENGTH];
    if (mode != SIGN_PADDED && mode != SIGN_HASH)
        return SW_WRONG_PARAMETERS;
    size_t length = mode == SIGN_HASH ? SHA256_LENGTH : DIGEST_INFO_LENGTH;
    if (data.length != length)
        return SW_CONDITIONS;
    memcpy(out->bytes, data.data + length - SHA256_LENGTH, SHA256_LENGTH);
    digest_info_sha256(out, expected);
    bool wrapped = mode == SIGN_PADDED;
    return !wrapped || bytes_equal(bytes_of(expected, sizeof expected), data) ? SW_OK : SW_CONDITIONS;
}

/*
 * Without PIN the card signs the marked form only, so that the signature fits nowhere where a PIN is meant;
 * once.
 */
static uint16_t sign_without_pin(struct virtual_card *card, const struct private_key *key,
                                 enum sign_mode mode, struct bytes data, struct buffer *answer)
{
    struct card_session *session = &card->session;
    struct sha256 supplied;
    uint16_t word = take_supplied_hash(mode, data, &supplied);
    if (word != SW_OK)
        return word;
    session->may_sign_without_pin = false;
    struct card_nonce nonce;
    memcpy(nonce.bytes, session->challenge, sizeof nonce.bytes);
    uint8_t message[PINLESS_MESSAGE_LENGTH];
    pinless_message_compose(&session->terminal.subject, &nonce, &supplied, message);
    struct signature signature;
    return answer_signature(private_key_sign(key, bytes_of(message, sizeof message), &signature), &signature,
                            answer);
}

/* Surface check: proves that the chip is there. 80 2A 00 00, after a challenge, without PIN. */
static bool names_presence_key(const struct virtual_card *card, const struct command_apdu *command)
{
    return card->session.application == CARD_SURFACE_CHECK && command->p1 == SIGN_PADDED && command->p2 == 0;
}

static uint16_t sign_by_file(struct virtual_card *card, const struct command_apdu *command,
                             struct buffer *answer)
{
    const struct card_file_rule *rule = NULL;
    uint16_t word = virtual_take_file(card, command->p2, &rule);
    if (word != SW_OK)
        return word;
    if (rule->kind != CARD_FILE_KEY)
        return SW_WRONG_STRUCTURE;
    if (command->p1 > SIGN_MODE_LAST)
        return SW_WRONG_PARAMETERS;
    const struct private_key *key = &card->state.keys[rule->key];
    enum sign_mode mode = (enum sign_mode)command->p1;
    if (rule->key == CARD_KEY_AUTHENTICATION && card->session.may_sign_without_pin)
        return sign_without_pin(card, key, mode, command->data, answer);
    if (!virtual_is_open(card, rule))
        return SW_SECURITY_STATUS;
    return card->state.generation == CARD_GENERATION_P384 ? sign_p384(key, mode, command->data, answer)
                                                          : sign_rsa(key, mode, command->data, answer);
}

uint16_t virtual_sign(struct virtual_card *card, const struct command_apdu *command, struct buffer *answer)
{
    if (command->data.length == 0)
        return SW_WRONG_LENGTH;
    uint16_t word = SW_OK;
    if (names_presence_key(card, command))
        word = sign_rsa(&card->state.keys[CARD_KEY_PRESENCE], SIGN_PADDED, command->data, answer);
    else
        word = sign_by_file(card, command, answer);
    if (word == SW_OK && command->expected_length > 0 && command->expected_length < answer->length)
        return SW_WRONG_LENGTH;
    return word;
}
