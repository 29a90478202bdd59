#ifndef SHIKAKU_PKI_SYMMETRIC_H
#define SHIKAKU_PKI_SYMMETRIC_H

#include "base/bytes.h"

/* Hashes, derivation and authenticated encryption that need no certificate. All from OpenSSL. */

enum {
    SHA256_LENGTH = 32,
    SHA384_LENGTH = 48,
    AEAD_NONCE_LENGTH = 12,
    AEAD_TAG_LENGTH = 16,
    /* What aead_seal() adds to the plaintext's length. */
    AEAD_OVERHEAD = AEAD_NONCE_LENGTH + AEAD_TAG_LENGTH,
};

struct sha256 {
    uint8_t bytes[SHA256_LENGTH];
};

/* 32 secret bytes: for AES-256-GCM, HMAC and HKDF. Whoever holds one wipes it with secret_key_wipe(). */
struct secret_key {
    uint8_t bytes[32];
};

/* The hash of all parts, one after another. ERR_CRYPTO only where the library itself fails. */
enum status sha256_of(struct bytes bytes, struct sha256 *out) MUST_CHECK;
enum status sha256_of_parts(const struct bytes *parts, size_t count, struct sha256 *out) MUST_CHECK;
bool sha256_equal(const struct sha256 *a, const struct sha256 *b);

enum status hmac_sha256(const struct secret_key *key, const struct bytes *parts, size_t count,
                        struct sha256 *out) MUST_CHECK;

/* RFC 5869 with SHA-256, extract and expand. length ≤ 255 * 32. An empty salt is 32 zero bytes, as there. */
enum status hkdf_sha256(struct bytes input_key, struct bytes salt, struct bytes context, uint8_t *out,
                        size_t length) MUST_CHECK;

void secret_key_create(struct secret_key *out);
void secret_key_wipe(struct secret_key *key);
/* 32 raw bytes, file mode 0600. Loading refuses (ERR_DENIED) a file that group or others can open. */
enum status secret_key_save(const struct secret_key *key, const char *path) MUST_CHECK;
enum status secret_key_load(const char *path, struct secret_key *out) MUST_CHECK;

/*
 * AES-256-GCM under a random nonce: nonce 12 ‖ ciphertext ‖ tag 16, appended to out. One key must not seal
 * more than 2^32 messages (NIST SP 800-38D 8.3). `associated` is authenticated and not contained.
 */
enum status aead_seal(const struct secret_key *key, struct bytes associated, struct bytes plaintext,
                      struct buffer *out) MUST_CHECK;
/* Appended to out, which the caller marks secret where it must be wiped. ERR_CRYPTO: key, associated bytes
 * or content do not fit; out is then as it was. */
enum status aead_open(const struct secret_key *key, struct bytes associated, struct bytes sealed,
                      struct buffer *out) MUST_CHECK;

#endif
