#ifndef SHIKAKU_PKI_GCM_H
#define SHIKAKU_PKI_GCM_H

#include "pki/symmetric.h"

/* AES-256-GCM under a nonce of the caller's, who never uses one twice with a key. Inside pki only: everyone
 * else has aead_seal() or sealed_seal(). */

/* ciphertext ‖ tag, appended to out. On failure out is as it was. */
enum status gcm_seal(const struct secret_key *key, const uint8_t nonce[AEAD_NONCE_LENGTH],
                     struct bytes associated, struct bytes plaintext, struct buffer *out) MUST_CHECK;
/* sealed: ciphertext ‖ tag. Appended to out; on failure out is as it was and what was decrypted is wiped. */
enum status gcm_open(const struct secret_key *key, const uint8_t nonce[AEAD_NONCE_LENGTH],
                     struct bytes associated, struct bytes sealed, struct buffer *out) MUST_CHECK;

#endif
