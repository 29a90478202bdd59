#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "pki/issue.h"
#include "pki/trust.h"

/* Two certificates behind a u16 with the first one's length: an anchor and what a caller presents. Both are
 * the fuzzer's, so that it can reach every outcome. Also taken as a request and as a public key. */

static void parse(struct bytes der)
{
    struct certificate certificate;
    if (certificate_parse(der, &certificate) != OK)
        return;
    struct buffer again = {0};
    if (certificate_encode(&certificate, &again) != OK || !bytes_equal(buffer_bytes(&again), der))
        abort();
    buffer_free(&again);
    certificate_free(&certificate);
}

static void check(struct bytes anchor, struct bytes der)
{
    struct trust_anchors *anchors;
    const struct trust_settings settings = {.accept_test_policy = true, .remembered = 4};
    if (trust_anchors_create(&settings, &anchors) != OK)
        return;
    if (trust_anchors_add(anchors, CERTIFICATE_AUTHENTICATION, anchor) == OK) {
        enum trust_outcome first = TRUST_FAILED;
        for (int again = 0; again < 2; again++) {
            struct trusted_certificate trusted;
            enum trust_outcome outcome =
                trust_check(anchors, der, CERTIFICATE_AUTHENTICATION, 1795316400LL * MICROSECONDS, &trusted);
            if (again && outcome != first)
                abort(); /* what is remembered must say the same */
            first = outcome;
            trusted_certificate_free(&trusted);
        }
    }
    trust_anchors_free(anchors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t length = (size_t)data[0] << 8 | data[1];
    if (length > size - 2)
        length = size - 2;
    struct bytes first = bytes_of(data + 2, length), second = bytes_of(data + 2 + length, size - 2 - length);
    struct public_key key;
    parse(first);
    parse(second);
    check(first, second);
    if (certificate_request_open(second, &key) == OK)
        public_key_free(&key);
    if (public_key_decode(second, &key) == OK)
        public_key_free(&key);
    return 0;
}
