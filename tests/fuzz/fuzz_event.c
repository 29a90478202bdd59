#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "audit/outbox.h"

/* Bytes of an outbox row: what is read as an event packs to an event that reads the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event event, again;
    if (event_unpack(bytes_of(data, size), &event) != OK)
        return 0;
    struct buffer packed = {0}, twice = {0};
    if (event_pack(&event, &packed) != OK || event_unpack(buffer_bytes(&packed), &again) != OK ||
        event_pack(&again, &twice) != OK)
        abort();
    if (!bytes_equal(buffer_bytes(&packed), buffer_bytes(&twice)) ||
        !bytes_equal(event.personal.answer, again.personal.answer))
        abort();
    buffer_free(&packed);
    buffer_free(&twice);
    return 0;
}
