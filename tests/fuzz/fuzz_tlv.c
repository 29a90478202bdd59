/* What a card may have in its files: objects in a row, inside others, and a beginning to measure. */
#include <stdlib.h>

#include "card/tlv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_written_again(const struct tlv *object)
{
    struct buffer again = {0};
    struct tlv read;
    if (tlv_append(&again, object->tag, object->value) != OK)
        abort();
    struct reader reader = reader_of(buffer_bytes(&again));
    if (tlv_next(&reader, &read) != OK || read.tag != object->tag || !bytes_equal(read.value, object->value))
        abort();
    if (again.length > object->whole.length) /* we write the shortest form */
        abort();
    buffer_free(&again);
}

static void walk(struct bytes objects, int depth)
{
    struct reader reader = reader_of(objects);
    struct tlv object;
    while (tlv_next(&reader, &object) == OK) {
        size_t total = 0;
        if (tlv_measure(object.whole, &total) != OK || total != object.whole.length)
            abort();
        check_written_again(&object);
        if (depth < 8)
            walk(object.value, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tlv found;
    struct bytes input = bytes_of(data, size);
    walk(input, 0);
    if (tlv_find_inside(input, 0xFF20, 0xDF22, &found) == OK && found.tag != 0xDF22)
        abort();
    return 0;
}
