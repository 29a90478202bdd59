#ifndef SHIKAKU_CARD_IFD_CHANNEL_H
#define SHIKAKU_CARD_IFD_CHANNEL_H

#include <stdbool.h>

#include "card/wire.h"

/*
 * The driver's end of the line to one card: a Unix socket on which a card process listens while the card is
 * in the reader (card/wire.h). Whoever sits behind it may be dead, slow or hostile: each exchange has one
 * deadline for the whole of it, nothing is taken that was not asked for, and after the first fault the line
 * is closed. It stays so until the reader has been seen empty once, since what answers afterwards is another
 * card.
 */
enum {
    CHANNEL_ATR_LENGTH = 33,
    /* Longer commands than this do not fit a frame: header 4, Lc 3, data, Le 2. */
    CHANNEL_COMMAND_DATA_LENGTH = WIRE_FRAME_LENGTH - 9,
};

/* Milliseconds that the card has for one exchange. */
struct channel_patience {
    int presence;
    int command;
};

extern const struct channel_patience channel_patience_usual;

struct channel {
    int fd; /* -1: no card */
    bool seen_empty;
    struct channel_patience patience;
    char path[108];       /* of the socket */
    struct buffer answer; /* to the last exchange; wiped */
    uint8_t atr[CHANNEL_ATR_LENGTH];
    size_t atr_length; /* 0: the card is not powered */
};

/* ERR_RANGE where path is empty or longer than a socket's name may be. Touches no socket. */
enum status channel_prepare(struct channel *channel, const char *path,
                            struct channel_patience patience) MUST_CHECK NONNULL;
void channel_close(struct channel *channel) NONNULL;

/* Is a card there? Connects where none was and the reader has been seen empty. */
bool channel_poll(struct channel *channel) NONNULL;
/* Fills atr. ERR_NOT_FOUND: no card; ERR_WRONG_STATE: a card that is mute; others: the card failed, the line
 * is closed. */
enum status channel_power_on(struct channel *channel) MUST_CHECK NONNULL;
enum status channel_reset(struct channel *channel) MUST_CHECK NONNULL;
enum status channel_power_off(struct channel *channel) MUST_CHECK NONNULL;
/*
 * One command APDU; what the card answered, two bytes at least, is in channel->answer until the next call.
 * ERR_RANGE: the command is no APDU that fits a frame (nothing was sent); other errors as above.
 */
enum status channel_transmit(struct channel *channel, struct bytes command) MUST_CHECK NONNULL;

#endif
