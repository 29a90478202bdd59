#ifndef SHIKAKU_CARD_PCSC_H
#define SHIKAKU_CARD_PCSC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/transport.h"

/* Readers and cards through the machine's PC/SC service (pcscd). One thread a context. */
struct pcsc;

enum { PCSC_READERS = 16, PCSC_READER_NAME = 128 };

enum pcsc_slot {
    PCSC_EMPTY,
    PCSC_CARD,
    PCSC_MUTE_CARD,
    PCSC_CARD_IN_USE, /* exclusively, by another program */
    PCSC_GONE,        /* the reader itself was unplugged */
};

struct pcsc_reader {
    char name[PCSC_READER_NAME];
    enum pcsc_slot slot;
};

struct pcsc_readers {
    size_t count; /* 0 is no error */
    struct pcsc_reader readers[PCSC_READERS];
};

/* CARD_ERR_SERVICE_MISSING where nothing answers. Freed by pcsc_close(), after its transports. */
enum card_error pcsc_open(struct pcsc **out) MUST_CHECK;
/* NULL is fine. */
void pcsc_close(struct pcsc *pcsc);

/* As things are now. */
enum card_error pcsc_look(struct pcsc *pcsc, struct pcsc_readers *out) MUST_CHECK;

/*
 * A My Number Card in the reader of that name, or, where reader is NULL, in any: other cards are passed over.
 * Waits until one is there or the deadline (monotonic_microseconds()) is over: then CARD_ERR_ABSENT, or what
 * is known better: CARD_ERR_READER_MISSING, _NOT_MY_NUMBER, _MUTE, _READER_BUSY. CARD_ERR_SEVERAL at once.
 * found may be NULL. Freed by card_transport_close().
 */
enum card_error pcsc_find_card(struct pcsc *pcsc, const char *reader, int64_t deadline,
                               struct pcsc_reader *found, struct card_transport **out) MUST_CHECK;

#endif
