#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "pki/resident_query.h"

/* Whatever is accepted must encode to the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes bytes = bytes_of(data, size);
    struct resident_question question;
    struct resident_answer answer;
    struct buffer again = {0};
    if (resident_question_decode(bytes, &question) == OK &&
        (resident_question_encode(&question, &again) != OK || !bytes_equal(buffer_bytes(&again), bytes)))
        abort();
    buffer_clear(&again);
    if (resident_answer_decode(bytes, &answer) == OK &&
        (resident_answer_encode(&answer, &again) != OK || !bytes_equal(buffer_bytes(&again), bytes)))
        abort();
    buffer_free(&again);
    return 0;
}
