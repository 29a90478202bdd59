/* Bodies of requests to the machine port, as they come from any caller with a certificate. The first byte
 * chooses the endpoint. What is taken must be whole; what is refused must have a reason of the catalogue. */
#include <stdlib.h>

#include "api/requests.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_rows(struct bytes body, struct date today, struct region *region)
{
    struct insurer_number insurer;
    struct load_rows rows = {0};
    if (insurer_number_parse("06139463", 8, &insurer) != REASON_NONE)
        abort();
    enum reason reason = decode_load_rows(body, &insurer, today, region, &rows);
    for (size_t i = 0; reason == REASON_NONE && i < rows.count; i++)
        if (!insurer_number_equal(&rows.rows[i].coverage.key.insurer, &insurer))
            abort();
    free_load_rows(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct region region = {.limit = 16 << 20};
    const struct date today = {20780};
    struct number_check_request by_number;
    struct card_check_request by_card;
    struct enrolment_request enrolment;
    struct number_registration registration;
    const char *member = NULL;
    size_t count = 0;
    enum reason reason = REASON_NONE;
    if (size == 0)
        return 0;
    struct bytes body = bytes_of(data + 1, size - 1);
    switch (data[0] % 6) {
    case 0:
        reason = decode_challenges(body, 100, &count, &member);
        if (reason == REASON_NONE && (count < 1 || count > 100))
            abort();
        break;
    case 1:
        reason = decode_number_check(body, today, &by_number, &member);
        if (reason == REASON_NONE && (date_is_none(by_number.birth) || date_is_none(by_number.day)))
            abort();
        break;
    case 2:
        reason = decode_card_check(body, &region, &by_card, &member);
        if (reason == REASON_NONE && (by_card.proof.certificate.length == 0 || date_is_none(by_card.day)))
            abort();
        break;
    case 3:
        reason = decode_enrolment(body, &region, &enrolment, &member);
        break;
    case 4:
        reason = decode_number_registration(body, &region, &registration, &member);
        if (reason == REASON_NONE && registration.row.length > VAULT_ROW_MAX)
            abort();
        break;
    default:
        try_rows(body, today, &region);
    }
    if (reason != REASON_NONE && reason_entry(reason)->reason != reason)
        abort();
    region_free(&region);
    return 0;
}
