#include "clinic/card_reason.h"

enum reason reason_of_card_error(enum card_error error, unsigned tries_left)
{
    switch (error) {
    case CARD_OK:
        return REASON_NONE;
    case CARD_ERR_SERVICE_MISSING:
        return REASON_READER_SERVICE_MISSING;
    case CARD_ERR_READER_MISSING:
        return REASON_READER_MISSING;
    case CARD_ERR_READER_BUSY:
        return REASON_READER_IN_USE;
    case CARD_ERR_READER_FAILED:
        return REASON_READER_FAILED;
    case CARD_ERR_ABSENT:
        return REASON_CARD_MISSING;
    case CARD_ERR_SEVERAL:
        return REASON_SEVERAL_CARDS;
    case CARD_ERR_NOT_MY_NUMBER:
        return REASON_CARD_NOT_MY_NUMBER;
    case CARD_ERR_REMOVED:
        return REASON_CARD_REMOVED;
    case CARD_ERR_MUTE:
        return REASON_CARD_DEAD;
    case CARD_ERR_FAILED:
    case CARD_ERR_TIMEOUT:
        return REASON_CARD_FAILED;
    case CARD_ERR_WITHOUT_PIN:
        return REASON_CARD_WITHOUT_PIN;
    case CARD_ERR_WITHOUT_PHOTO:
        return REASON_CARD_WITHOUT_PHOTO;
    case CARD_ERR_WITHOUT_CERTIFICATE:
        return REASON_CARD_WITHOUT_CERTIFICATE;
    case CARD_ERR_PIN_WRONG:
        return tries_left == 1 ? REASON_PIN_LAST_TRY : REASON_PIN_WRONG;
    case CARD_ERR_PIN_LAST_TRY:
        return REASON_PIN_LAST_TRY_KEPT;
    case CARD_ERR_PIN_LOCKED:
        return REASON_PIN_LOCKED;
    case CARD_ERR_PIN_FORMAT:
        return REASON_PIN_FORMAT;
    case CARD_ERR_TERMINAL_REFUSED:
        return REASON_TERMINAL_REFUSED_BY_CARD;
    case CARD_ERR_PIN_NEEDED:
    case CARD_ERR_NO_MEMORY:
    case CARD_ERR_INTERNAL:
        break;
    }
    return REASON_TERMINAL_INTERNAL;
}
