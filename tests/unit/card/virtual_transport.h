#ifndef SHIKAKU_TESTS_VIRTUAL_TRANSPORT_H
#define SHIKAKU_TESTS_VIRTUAL_TRANSPORT_H

#include "card/transport.h"
#include "card/virtual_card.h"

/* A card in the same process behind the client's transport, with what can go wrong on the way. */
struct virtual_transport {
    struct card_transport transport;
    struct virtual_card *card;    /* borrowed */
    unsigned commands;            /* sent so far */
    unsigned verifications;       /* VERIFY commands with a PIN in them */
    unsigned resets;              /* sessions after which the card had to forget */
    unsigned pulled_after;        /* so many commands; 0: stays */
    struct bytes forged;          /* answered instead of the card; empty: the card answers */
    uint8_t forged_for;           /* this instruction only; 0: every command */
    bool my_number_was_asked_for; /* code A was presented, or a file that holds the number selected */
};

struct virtual_transport virtual_transport_to(struct virtual_card *card);

#endif
