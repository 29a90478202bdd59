#ifndef SHIKAKU_PKI_LIBRARY_H
#define SHIKAKU_PKI_LIBRARY_H

#include <openssl/evp.h>

#include "base/status.h"

/* Empties OpenSSL's error queue of this thread and gives the status on: an error left in the queue would be
 * taken for one of the next TLS operation. */
enum status library_refused(enum status status) MUST_CHECK;
void library_forget(void);

/* SHA-256, looked up among the library's providers once: EVP_sha256() is looked up anew at every use.
 * Borrowed; NULL where the library has none. */
const EVP_MD *library_sha256(void);
/* HMAC with SHA-256 and no key yet, likewise; to be duplicated for each use. */
const EVP_MAC_CTX *library_hmac_sha256(void);

#endif
