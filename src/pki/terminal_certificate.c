#include "pki/terminal_certificate.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Tags and lengths, as they stand between the fields. */
static const uint8_t outer_head[] = {0x7F, 0x21, 0x82, 0x02, 0x33};
static const uint8_t body_head[] = {0x5F, 0x4E, 0x82, 0x01, 0x29};
static const uint8_t exponent[] = {0x90, 0x03, 0x01, 0x00, 0x01};
static const uint8_t modulus_head[] = {0x91, 0x82, 0x01, 0x00};
static const uint8_t signature_head[] = {0x5F, 0x37, 0x82, 0x01, 0x00};

static_assert(2 * TERMINAL_ID_LENGTH + sizeof(exponent) + sizeof(modulus_head) + RSA_2048_LENGTH ==
                  TERMINAL_BODY_LENGTH,
              "the body as cards have it");
static_assert(sizeof(outer_head) + sizeof(body_head) + TERMINAL_BODY_LENGTH + sizeof(signature_head) +
                      RSA_2048_LENGTH ==
                  TERMINAL_CERTIFICATE_LENGTH,
              "the whole");

enum status terminal_id_make(const char *institution, uint32_t number, struct terminal_id *out)
{
    if (strlen(institution) != INSTITUTION_CODE_LENGTH ||
        strspn(institution, "0123456789") != INSTITUTION_CODE_LENGTH)
        return ERR_MALFORMED;
    if (number > TERMINAL_NUMBER_MAX)
        return ERR_RANGE;
    char text[TERMINAL_ID_LENGTH + 8];
    snprintf(text, sizeof(text), "%s%06u", institution, number);
    memcpy(out->bytes, text, TERMINAL_ID_LENGTH);
    return OK;
}

bool terminal_belongs_to(const struct terminal_id *terminal, const char institution[INSTITUTION_CODE_LENGTH])
{
    return memcmp(terminal->bytes, institution, INSTITUTION_CODE_LENGTH) == 0;
}

static uint8_t *put(uint8_t *position, const void *bytes, size_t length)
{
    memcpy(position, bytes, length);
    return position + length;
}

static void body_compose(const struct terminal_certificate *certificate, uint8_t out[TERMINAL_BODY_LENGTH])
{
    uint8_t *position = put(out, certificate->issuer.bytes, TERMINAL_ID_LENGTH);
    position = put(position, certificate->subject.bytes, TERMINAL_ID_LENGTH);
    position = put(position, exponent, sizeof(exponent));
    position = put(position, modulus_head, sizeof(modulus_head));
    put(position, certificate->modulus, RSA_2048_LENGTH);
}

enum status terminal_certificate_issue(const struct private_key *issuer_key, const struct terminal_id *issuer,
                                       const struct terminal_id *subject, const struct public_key *key,
                                       struct terminal_certificate *out)
{
    if (issuer_key->kind != KEY_RSA_2048)
        return ERR_UNSUPPORTED;
    struct terminal_certificate certificate = {.issuer = *issuer, .subject = *subject};
    enum status status = public_key_modulus(key, certificate.modulus);
    if (status != OK)
        return status;
    uint8_t body[TERMINAL_BODY_LENGTH];
    body_compose(&certificate, body);
    struct signature signature;
    status = private_key_sign(issuer_key, bytes_of(body, sizeof(body)), &signature);
    if (status == OK && signature.length != RSA_2048_LENGTH)
        status = ERR_CRYPTO;
    if (status != OK)
        return status;
    memcpy(certificate.signature, signature.bytes, RSA_2048_LENGTH);
    *out = certificate;
    return OK;
}

void terminal_certificate_encode(const struct terminal_certificate *certificate,
                                 uint8_t out[TERMINAL_CERTIFICATE_LENGTH])
{
    uint8_t *position = put(out, outer_head, sizeof(outer_head));
    position = put(position, body_head, sizeof(body_head));
    body_compose(certificate, position);
    position += TERMINAL_BODY_LENGTH;
    position = put(position, signature_head, sizeof(signature_head));
    put(position, certificate->signature, RSA_2048_LENGTH);
}

enum status terminal_certificate_parse(struct bytes bytes, struct terminal_certificate *out)
{
    if (bytes.length != TERMINAL_CERTIFICATE_LENGTH)
        return ERR_MALFORMED;
    const uint8_t *body = bytes.data + sizeof(outer_head) + sizeof(body_head);
    struct terminal_certificate certificate;
    memcpy(certificate.issuer.bytes, body, TERMINAL_ID_LENGTH);
    memcpy(certificate.subject.bytes, body + TERMINAL_ID_LENGTH, TERMINAL_ID_LENGTH);
    memcpy(certificate.modulus, body + TERMINAL_BODY_LENGTH - RSA_2048_LENGTH, RSA_2048_LENGTH);
    memcpy(certificate.signature, bytes.data + bytes.length - RSA_2048_LENGTH, RSA_2048_LENGTH);
    /* All else is fixed, so what was read must give the same bytes again. */
    uint8_t again[TERMINAL_CERTIFICATE_LENGTH];
    terminal_certificate_encode(&certificate, again);
    if (memcmp(again, bytes.data, sizeof(again)) != 0)
        return ERR_MALFORMED;
    *out = certificate;
    return OK;
}

enum status terminal_certificate_verify(const struct terminal_certificate *certificate,
                                        const struct terminal_certificate *issuer)
{
    if (memcmp(&certificate->issuer, &issuer->subject, sizeof(issuer->subject)) != 0)
        return ERR_CRYPTO;
    struct public_key key;
    enum status status = terminal_certificate_key(issuer, &key);
    if (status != OK)
        return status;
    uint8_t body[TERMINAL_BODY_LENGTH];
    body_compose(certificate, body);
    status = public_key_verify(&key, bytes_of(body, sizeof(body)),
                               bytes_of(certificate->signature, RSA_2048_LENGTH));
    public_key_free(&key);
    return status;
}

enum status terminal_certificate_key(const struct terminal_certificate *certificate, struct public_key *out)
{
    return public_key_from_modulus(certificate->modulus, out);
}
