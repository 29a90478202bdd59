#ifndef SHIKAKU_CARD_VIRTUAL_PLAYER_H
#define SHIKAKU_CARD_VIRTUAL_PLAYER_H

#include "card/virtual_card.h"

/*
 * Plays the card on a listening socket (card/wire.h) until `stop` becomes readable: a signalfd, or a pipe
 * whose other end is closed. One reader at a time; when it goes away the card is powered off and waits for
 * the next. Both descriptors are borrowed. OK when it was told to stop.
 */
enum status virtual_card_play(struct virtual_card *card, int listener, int stop) MUST_CHECK;

#endif
