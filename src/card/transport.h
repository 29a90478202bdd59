#ifndef SHIKAKU_CARD_TRANSPORT_H
#define SHIKAKU_CARD_TRANSPORT_H

#include "base/bytes.h"
#include "card/card_error.h"

/*
 * The way to one card, whatever lies between: PC/SC (card/pcsc.h), or a virtual card in the same process.
 * Implementations embed this struct as their first member.
 */
struct card_transport;

struct card_transport_operations {
    /*
     * Takes the card for ourselves: from here to end() nobody else speaks to it. It is powered; nothing that
     * was selected or verified before counts. deadline: monotonic_microseconds() until which another program
     * may keep us waiting.
     */
    enum card_error (*begin)(struct card_transport *transport, int64_t deadline);
    /* One command APDU; response (data and status word, two bytes at least) replaces what it held. */
    enum card_error (*transmit)(struct card_transport *transport, struct bytes command,
                                struct buffer *response);
    /* Lets go. forget: resets the card, so that nobody inherits what was verified. Never fails. */
    void (*end)(struct card_transport *transport, bool forget);
    /* Frees. Never inside begin() and end(). */
    void (*close)(struct card_transport *transport);
};

struct card_transport {
    const struct card_transport_operations *operations;
};

/* NULL is fine. */
void card_transport_close(struct card_transport *transport);

#endif
