#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pki/terminal_certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct terminal_certificate certificate;
    if (terminal_certificate_parse(bytes_of(data, size), &certificate) != OK)
        return 0;
    uint8_t again[TERMINAL_CERTIFICATE_LENGTH];
    terminal_certificate_encode(&certificate, again);
    if (size != sizeof(again) || memcmp(again, data, size) != 0)
        abort();
    enum status verified = terminal_certificate_verify(&certificate, &certificate);
    (void)verified;
    return 0;
}
