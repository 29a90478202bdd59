#ifndef SHIKAKU_CLINIC_RECEPTION_H
#define SHIKAKU_CLINIC_RECEPTION_H

#include "card/pcsc.h"
#include "clinic/clinic.h"

/* The reader at the desk and the card in it. */
struct reception {
    struct pcsc *pcsc;
    struct card_transport *card;
    struct pcsc_reader reader;
    struct card_description description;
};

/* Waits for a My Number Card until the deadline (monotonic_microseconds()). ERR_DENIED: *refused says what
 * stands in the way. Freed by reception_close(), also then. */
enum status reception_open(struct clinic *clinic, int64_t deadline, struct reception *out,
                           struct outcome *refused) MUST_CHECK;
void reception_close(struct reception *reception);

#endif
