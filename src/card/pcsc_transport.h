#ifndef SHIKAKU_CARD_PCSC_TRANSPORT_H
#define SHIKAKU_CARD_PCSC_TRANSPORT_H

#include <winscard.h>

#include "card/pcsc.h"

/* The way to the card in one reader. Only pcsc*.c include this. */

/* NULL without memory. Touches no card before its begin(). */
struct card_transport *pcsc_transport_create(const char *reader);

enum card_error pcsc_error_of(LONG code);
/* What a context of an earlier run of the service gets. */
bool pcsc_service_was_restarted(LONG code);
/* Of dwEventState. */
enum pcsc_slot pcsc_slot_of(DWORD state);

#endif
