#include "card/ifd/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COMMAND_LEAST = 4, RESPONSE_LEAST = 2, ATR_LEAST = 2 };

/* The presence poll comes every 0.4 s and holds up the daemon's other work on this reader; the slowest
 * command, a signature, takes a real card well under 2 s. */
const struct channel_patience channel_patience_usual = {.presence = 500, .command = 10000};

enum status channel_prepare(struct channel *channel, const char *path, struct channel_patience patience)
{
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof channel->path)
        return ERR_RANGE;
    *channel = (struct channel){.fd = -1, .seen_empty = true, .patience = patience, .answer.secret = true};
    memcpy(channel->path, path, length + 1);
    return OK;
}

void channel_close(struct channel *channel)
{
    if (channel->fd >= 0)
        (void)close(channel->fd);
    channel->fd = -1;
    channel->seen_empty = false;
    channel->atr_length = 0;
    buffer_free(&channel->answer);
    channel->answer.secret = true;
}

static enum status hang_up(struct channel *channel, enum status why)
{
    channel_close(channel);
    return why;
}

/* Bytes that nobody asked for would be taken for the answer to the next question. */
static bool is_quiet(int fd)
{
    uint8_t unasked;
    return recv(fd, &unasked, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

static enum status tell(struct channel *channel, struct bytes frame)
{
    if (channel->fd < 0)
        return ERR_NOT_FOUND;
    if (!is_quiet(channel->fd))
        return hang_up(channel, ERR_MALFORMED);
    enum status status = wire_send(channel->fd, frame);
    return status == OK ? OK : hang_up(channel, status);
}

static enum status tell_control(struct channel *channel, enum wire_control control)
{
    const uint8_t byte = (uint8_t)control;
    return tell(channel, bytes_of(&byte, 1));
}

static enum status ask(struct channel *channel, struct bytes frame, int milliseconds)
{
    enum status status = tell(channel, frame);
    if (status != OK)
        return status;
    status = wire_receive(channel->fd, milliseconds, &channel->answer);
    return status == OK ? OK : hang_up(channel, status);
}

/* The ATR is then in channel->answer; empty: the card is there, and mute. */
static enum status ask_atr(struct channel *channel)
{
    const uint8_t byte = WIRE_ATR;
    enum status status = ask(channel, bytes_of(&byte, 1), channel->patience.presence);
    if (status != OK)
        return status;
    size_t length = channel->answer.length;
    bool is_plausible = length == 0 || (length >= ATR_LEAST && length <= CHANNEL_ATR_LENGTH);
    return is_plausible ? OK : hang_up(channel, ERR_MALFORMED);
}

bool channel_poll(struct channel *channel)
{
    if (channel->fd < 0 && channel->seen_empty && wire_connect(channel->path, &channel->fd) != OK)
        return false;
    bool present = ask_atr(channel) == OK;
    channel->seen_empty = !present;
    return present;
}

static enum status power_up(struct channel *channel, enum wire_control control)
{
    channel->atr_length = 0;
    enum status status = tell_control(channel, control);
    if (status == OK)
        status = ask_atr(channel);
    if (status != OK)
        return status;
    if (channel->answer.length == 0)
        return ERR_WRONG_STATE;
    memcpy(channel->atr, channel->answer.data, channel->answer.length);
    channel->atr_length = channel->answer.length;
    return OK;
}

enum status channel_power_on(struct channel *channel)
{
    return power_up(channel, WIRE_POWER_ON);
}

enum status channel_reset(struct channel *channel)
{
    return power_up(channel, WIRE_RESET);
}

enum status channel_power_off(struct channel *channel)
{
    channel->atr_length = 0;
    return tell_control(channel, WIRE_POWER_OFF);
}

enum status channel_transmit(struct channel *channel, struct bytes command)
{
    if (command.length < COMMAND_LEAST || command.length > WIRE_FRAME_LENGTH)
        return ERR_RANGE;
    enum status status = ask(channel, command, channel->patience.command);
    if (status == OK && channel->answer.length < RESPONSE_LEAST)
        return hang_up(channel, ERR_MALFORMED);
    return status;
}
