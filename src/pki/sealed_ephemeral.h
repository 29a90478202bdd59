#ifndef SHIKAKU_PKI_SEALED_EPHEMERAL_H
#define SHIKAKU_PKI_SEALED_EPHEMERAL_H

#include "pki/sealed.h"

/* Sealing with a given ephemeral key: sealed_seal() makes a fresh one each time; the committed test vectors
 * need a known one. A key used twice gives away both messages. */
enum status sealed_seal_with(const struct private_key *ephemeral, const struct public_key *recipient,
                             struct sealed_context context, struct bytes plaintext,
                             struct buffer *out) MUST_CHECK;

#endif
