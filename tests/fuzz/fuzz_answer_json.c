/* What a client reads from the network: an answer or a problem. Nothing that is refused may read as a
 * decision. */
#include <stdlib.h>

#include "exchange/answer_json.h"
#include "exchange/problem_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct region region = {.limit = 1 << 20};
    struct answer_view answer;
    struct problem_view problem;
    enum status status = answer_from_json_text(bytes_of(data, size), &region, &answer);
    if (status != OK && (answer.result != RESULT_CANNOT_BE_CONFIRMED || answer.has_coverage))
        abort();
    if (status == OK && answer.result == RESULT_ELIGIBLE && answer.cd006 != 1 && answer.cd006 != 6)
        abort();
    status = problem_from_json_text(bytes_of(data, size), &region, &problem);
    if (status == OK && (!problem.code || !problem.staff_ja || problem.step_count > NEXT_STEPS_MAX))
        abort();
    region_free(&region);
    return 0;
}
