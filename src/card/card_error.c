#include "card/card_error.h"

#include <stddef.h>

enum { ERRORS_A_FAULT = 100 };

enum card_fault card_error_fault(enum card_error error)
{
    int fault = (int)error / ERRORS_A_FAULT;
    return fault >= CARD_FAULT_NONE && fault <= CARD_FAULT_US ? (enum card_fault)fault : CARD_FAULT_US;
}

const char *card_error_name(enum card_error error)
{
    static const struct {
        enum card_error error;
        const char *name;
    } names[] = {
        {CARD_OK, "ok"},
        {CARD_ERR_SERVICE_MISSING, "service_missing"},
        {CARD_ERR_READER_MISSING, "reader_missing"},
        {CARD_ERR_READER_BUSY, "reader_busy"},
        {CARD_ERR_READER_FAILED, "reader_failed"},
        {CARD_ERR_ABSENT, "absent"},
        {CARD_ERR_SEVERAL, "several"},
        {CARD_ERR_NOT_MY_NUMBER, "not_my_number"},
        {CARD_ERR_REMOVED, "removed"},
        {CARD_ERR_MUTE, "mute"},
        {CARD_ERR_FAILED, "failed"},
        {CARD_ERR_WITHOUT_PIN, "without_pin"},
        {CARD_ERR_WITHOUT_PHOTO, "without_photo"},
        {CARD_ERR_WITHOUT_CERTIFICATE, "without_certificate"},
        {CARD_ERR_PIN_WRONG, "pin_wrong"},
        {CARD_ERR_PIN_LAST_TRY, "pin_last_try"},
        {CARD_ERR_PIN_LOCKED, "pin_locked"},
        {CARD_ERR_PIN_FORMAT, "pin_format"},
        {CARD_ERR_PIN_NEEDED, "pin_needed"},
        {CARD_ERR_TERMINAL_REFUSED, "terminal_refused"},
        {CARD_ERR_TIMEOUT, "timeout"},
        {CARD_ERR_NO_MEMORY, "no_memory"},
        {CARD_ERR_INTERNAL, "internal"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (names[i].error == error)
            return names[i].name;
    return "unknown";
}
