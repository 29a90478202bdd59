#ifndef SHIKAKU_CARD_CARD_ERROR_H
#define SHIKAKU_CARD_CARD_ERROR_H

#include "base/attributes.h"

/*
 * What can go wrong between us and a card, grouped by who is at fault. What is said to people about it is
 * the catalogue's matter (domain/reason.h), of which this layer knows nothing.
 */
enum card_error {
    CARD_OK = 0,

    /* The reader */
    CARD_ERR_SERVICE_MISSING = 100, /* no PC/SC service runs */
    CARD_ERR_READER_MISSING,        /* none, or not the one named */
    CARD_ERR_READER_BUSY,           /* another program holds the card */
    CARD_ERR_READER_FAILED,

    /* The card */
    CARD_ERR_ABSENT = 200,
    CARD_ERR_SEVERAL,             /* more than one My Number Card in the readers */
    CARD_ERR_NOT_MY_NUMBER,       /* a card, and another */
    CARD_ERR_REMOVED,             /* pulled, or reset by another program, while we used it */
    CARD_ERR_MUTE,                /* there, and answers nothing: wrong side up, or destroyed */
    CARD_ERR_FAILED,              /* answers what no such card answers */
    CARD_ERR_WITHOUT_PIN,         /* 顔認証マイナンバーカード */
    CARD_ERR_WITHOUT_PHOTO,       /* issued to an infant */
    CARD_ERR_WITHOUT_CERTIFICATE, /* no such certificate on it */

    /* The person */
    CARD_ERR_PIN_WRONG = 300,
    CARD_ERR_PIN_LAST_TRY, /* one try is left and was not spent */
    CARD_ERR_PIN_LOCKED,

    /* The caller */
    CARD_ERR_PIN_FORMAT = 400, /* not what such a PIN is made of; no try was spent */
    CARD_ERR_PIN_NEEDED,       /* not verified in this session */
    CARD_ERR_TERMINAL_REFUSED, /* the card does not believe this terminal */

    /* We */
    CARD_ERR_TIMEOUT = 500,
    CARD_ERR_NO_MEMORY,
    CARD_ERR_INTERNAL,
};

enum card_fault {
    CARD_FAULT_NONE,
    CARD_FAULT_READER,
    CARD_FAULT_CARD,
    CARD_FAULT_PERSON,
    CARD_FAULT_CALLER,
    CARD_FAULT_US,
};

enum card_fault card_error_fault(enum card_error error);
/* Stable lower-case word for logs ("pin_wrong"); never NULL. */
const char *card_error_name(enum card_error error);

#endif
