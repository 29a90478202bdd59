#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "pki/state_feed.h"

/* The input is a batch without its signature, which is put behind it here: otherwise nothing would get past
 * the verification. It is also tried as it stands. */
static struct private_key feed_key;
static struct public_key feed_public;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    if (private_key_create(KEY_P256, &feed_key) != OK || public_key_of(&feed_key, &feed_public) != OK)
        abort();
    return 0;
}

static enum status append_signature(struct buffer *bytes)
{
    struct signature signature;
    enum status status = private_key_sign(&feed_key, buffer_bytes(bytes), &signature);
    if (status != OK)
        return status;
    struct writer writer = writer_to(bytes);
    write_u16(&writer, (uint16_t)signature.length);
    write_bytes(&writer, bytes_of(signature.bytes, signature.length));
    return writer.status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer bytes = {0}, again = {0};
    struct state_batch batch;
    if (state_batch_open(bytes_of(data, size), &feed_public, &batch) == OK)
        abort(); /* nobody else has the key */
    if (buffer_append(&bytes, bytes_of(data, size)) == OK && append_signature(&bytes) == OK &&
        state_batch_open(buffer_bytes(&bytes), &feed_public, &batch) == OK) {
        if (state_batch_seal(&batch, &feed_key, &again) != OK || again.length < size ||
            !bytes_equal(bytes_of(again.data, size), bytes_of(data, size)))
            abort();
        state_batch_free(&batch);
    }
    buffer_free(&bytes);
    buffer_free(&again);
    return 0;
}
