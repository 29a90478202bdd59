#ifndef SHIKAKU_PKI_TERMINAL_CERTIFICATE_H
#define SHIKAKU_PKI_TERMINAL_CERTIFICATE_H

#include "pki/key.h"
#include "pki/statement.h"

/*
 * Card-verifiable certificates: small enough for a chip to check, without dates.
 *   7F21 { 5F4E[297] = issuer 16 ‖ subject 16 ‖ 9003 010001 ‖ 91820100 modulus 256 ; 5F37[256] signature }
 * The signature is RSA-2048 PKCS#1 v1.5 SHA-256 over the value of 5F4E. The terminal CA's own certificate
 * has issuer = subject. A terminal's revocation is checked at the centre: the chip has no clock.
 */
enum {
    TERMINAL_BODY_LENGTH = 297,
    TERMINAL_CERTIFICATE_LENGTH = 568, /* the whole, tags included */
};

/* Tags and lengths as they stand on the wire are fixed, so what was parsed is exactly what was encoded. */
struct terminal_certificate {
    struct terminal_id issuer;
    struct terminal_id subject;
    uint8_t modulus[RSA_2048_LENGTH];
    uint8_t signature[RSA_2048_LENGTH];
};

enum { TERMINAL_NUMBER_MAX = 999999 };
/* institution: ten digits, with final NUL. ERR_MALFORMED, ERR_RANGE. */
enum status terminal_id_make(const char *institution, uint32_t number, struct terminal_id *out) MUST_CHECK;
/* Whether a terminal is one of this institution's: a stolen one must not work elsewhere. */
bool terminal_belongs_to(const struct terminal_id *terminal, const char institution[INSTITUTION_CODE_LENGTH]);

enum status terminal_certificate_issue(const struct private_key *issuer_key, const struct terminal_id *issuer,
                                       const struct terminal_id *subject, const struct public_key *key,
                                       struct terminal_certificate *out) MUST_CHECK;
void terminal_certificate_encode(const struct terminal_certificate *certificate,
                                 uint8_t out[TERMINAL_CERTIFICATE_LENGTH]);
/* ERR_MALFORMED. Proves nothing about who issued it. */
enum status terminal_certificate_parse(struct bytes bytes, struct terminal_certificate *out) MUST_CHECK;
/* Issued by `issuer`, by name and signature: ERR_CRYPTO otherwise. The CA's verifies under itself. */
enum status terminal_certificate_verify(const struct terminal_certificate *certificate,
                                        const struct terminal_certificate *issuer) MUST_CHECK;
enum status terminal_certificate_key(const struct terminal_certificate *certificate,
                                     struct public_key *out) MUST_CHECK;

#endif
