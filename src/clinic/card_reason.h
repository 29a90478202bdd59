#ifndef SHIKAKU_CLINIC_CARD_REASON_H
#define SHIKAKU_CLINIC_CARD_REASON_H

#include "card/card_error.h"
#include "domain/reason.h"

/* What the staff are told about a card error. tries_left tells a wrong PIN from a wrong PIN with one try
 * left (Q8). */
enum reason reason_of_card_error(enum card_error error, unsigned tries_left);

#endif
