#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "pki/sealed.h"

/* The recipient of tests/vectors/sealed.json, so that its messages open and are good seeds. */
static const char recipient_hex[] = "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420"
                                    "ca9eceb2043ae10a5b64be9568c4f4c36be4"
                                    "db16e0821670475f59e144d570bea14403420004ebb8ce601d53e6aa87b83dfa052463c9"
                                    "c7563e8f28e8b15e79a5e69ca4cbe2b3418e"
                                    "3b1bdc0f5d28aeb63f888249856070ae4fd27d14e1c29b68bee208d88fd7";

static struct private_key recipient;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    uint8_t der[sizeof(recipient_hex) / 2];
    if (hex_decode(recipient_hex, sizeof(recipient_hex) - 1, der, sizeof(der)) != OK ||
        private_key_decode(bytes_of(der, sizeof(der)), &recipient) != OK)
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer opened = {0};
    const struct sealed_context context = {"shikaku-number-1", bytes_of_text("06139463|1|register")};
    if (sealed_open(&recipient, context, bytes_of(data, size), &opened) != OK && opened.length != 0)
        abort();
    buffer_free(&opened);
    return 0;
}
