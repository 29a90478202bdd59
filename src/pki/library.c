#include "pki/library.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <pthread.h>

void library_forget(void)
{
    ERR_clear_error();
}

enum status library_refused(enum status status)
{
    library_forget();
    return status;
}

/* Written once, read by any thread from then on; the library's own state, kept until the process ends. */
static pthread_once_t found = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;
static EVP_MAC_CTX *hmac_sha256;

static void find(void)
{
    char digest[] = "SHA256";
    const OSSL_PARAM settings[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    hmac_sha256 = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    EVP_MAC_free(hmac);
    if (hmac_sha256 && EVP_MAC_CTX_set_params(hmac_sha256, settings) != 1) {
        EVP_MAC_CTX_free(hmac_sha256);
        hmac_sha256 = NULL;
    }
}

const EVP_MD *library_sha256(void)
{
    pthread_once(&found, find);
    return sha256;
}

const EVP_MAC_CTX *library_hmac_sha256(void)
{
    pthread_once(&found, find);
    return hmac_sha256;
}
