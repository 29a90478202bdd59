#ifndef SHIKAKU_TESTS_SCRIPTED_CARD_H
#define SHIKAKU_TESTS_SCRIPTED_CARD_H

#include <pthread.h>

#include "card/wire.h"

/*
 * A card process that does exactly as its script says, to play the broken and the hostile ones. Each step
 * awaits one frame from the driver and then sends raw bytes (frame header included), slowly if wanted.
 */
struct scripted_step {
    struct bytes expect; /* the frame's payload; empty: whatever comes */
    struct bytes send;   /* raw; empty: nothing */
    int pause;           /* ms before each byte of send; 0: all at once */
    bool hang_up;        /* close the line after this step */
};

struct scripted_card {
    const struct scripted_step *steps; /* borrowed; then the card waits until the driver hangs up */
    size_t count;
    struct bytes greeting; /* raw bytes sent unasked upon connection */
    int listener;
    size_t played;  /* steps that went as expected */
    bool surprised; /* a frame other than expected came */
    pthread_t thread;
};

#define STEP_BYTES(text)                                                                                     \
    {                                                                                                        \
        (const uint8_t *)(text), sizeof(text) - 1                                                            \
    }

/* One connection is served. The path is unlinked by scripted_card_end(). */
void scripted_card_begin(struct scripted_card *card, const char *path);
/* The driver must have hung up, or the script have ended with hang_up. */
void scripted_card_end(struct scripted_card *card, const char *path);

#endif
