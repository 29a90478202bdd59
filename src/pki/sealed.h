#ifndef SHIKAKU_PKI_SEALED_H
#define SHIKAKU_PKI_SEALED_H

#include "pki/key.h"

/*
 * A message that only one recipient can open (ours; version in the first byte). WebCrypto has all of it.
 *
 *   header  1 version (1) ‖ 32 recipient: SHA-256 of its SubjectPublicKeyInfo ‖ 65 ephemeral P-256 point,
 *           uncompressed
 *   body    AES-256-GCM ciphertext ‖ 16 tag
 *
 *   secret  ECDH P-256 of the ephemeral key and the recipient's: the x coordinate, 32 bytes
 *   okm     HKDF-SHA256(ikm = secret, salt = empty, info = "shikaku-sealed-1" ‖ header), 44 bytes:
 *           32 key ‖ 12 nonce (the key serves one message)
 *   aad     header ‖ u16 length of label ‖ label ‖ u32 length of context ‖ context
 *
 * The label names the kind of message; the context carries what it is about (insurer, row, purpose,
 * requester), which the opener knows from its own state. The sender is not authenticated by this.
 */
enum {
    SEALED_VERSION = 1,
    SEALED_HEADER_LENGTH = 98,
    SEALED_OVERHEAD = SEALED_HEADER_LENGTH + AEAD_TAG_LENGTH,
    SEALED_LIMIT = 1 << 20, /* bytes of a whole message that we are willing to open */
};

struct sealed_context {
    const char *label; /* ASCII, ours, for instance "shikaku-number-1" */
    struct bytes context;
};

/* Appended to out. recipient: P-256. */
enum status sealed_seal(const struct public_key *recipient, struct sealed_context context,
                        struct bytes plaintext, struct buffer *out) MUST_CHECK;
/* The recipient's key hash, to find the right private key; ERR_MALFORMED, ERR_VERSION. */
enum status sealed_recipient(struct bytes message, struct sha256 *out) MUST_CHECK;
/* Appended to out, which is marked secret. ERR_NOT_FOUND: sealed to another key. ERR_CRYPTO: label, context
 * or any byte differs; out is then as it was. */
enum status sealed_open(const struct private_key *recipient, struct sealed_context context,
                        struct bytes message, struct buffer *out) MUST_CHECK;

#endif
