#include "card/virtual_player.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "card/wire.h"

/* Milliseconds: for the rest of a frame of which the first byte is there. */
enum { FRAME_PATIENCE = 2000 };

/* OK: fd is readable. ERR_WRONG_STATE: told to stop. */
static enum status wait_for(int fd, int stop)
{
    for (;;) {
        struct pollfd wanted[] = {{.fd = stop, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
        int ready = poll(wanted, 2, -1);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready < 0)
            return status_from_errno(errno);
        return wanted[0].revents ? ERR_WRONG_STATE : OK;
    }
}

static enum status answer_control(struct virtual_card *card, int reader, uint8_t control)
{
    switch (control) {
    case WIRE_POWER_OFF:
        virtual_card_power_off(card);
        return OK;
    case WIRE_POWER_ON:
        virtual_card_power_on(card);
        return OK;
    case WIRE_RESET:
        virtual_card_reset(card);
        return OK;
    case WIRE_ATR:
        return wire_send(reader, virtual_card_atr(card));
    default:
        return ERR_MALFORMED;
    }
}

static enum status answer_frame(struct virtual_card *card, int reader, struct bytes frame,
                                struct buffer *response)
{
    if (frame.length == 0)
        return ERR_MALFORMED;
    if (frame.length == 1)
        return answer_control(card, reader, frame.data[0]);
    virtual_card_transmit(card, frame, response);
    return wire_send(reader, buffer_bytes(response));
}

/* Until the reader goes away (OK) or we are told to stop. */
static enum status serve(struct virtual_card *card, int reader, int stop)
{
    struct buffer frame = {.secret = true}; /* it may hold a PIN */
    struct buffer response = {.secret = true};
    enum status status = OK;
    while ((status = wait_for(reader, stop)) == OK) {
        if (wire_receive(reader, FRAME_PATIENCE, &frame) != OK)
            break;
        if (answer_frame(card, reader, buffer_bytes(&frame), &response) != OK)
            break;
        secret_wipe(frame.data, frame.length);
    }
    buffer_free(&frame);
    buffer_free(&response);
    return status;
}

enum status virtual_card_play(struct virtual_card *card, int listener, int stop)
{
    enum status status = OK;
    while ((status = wait_for(listener, stop)) == OK) {
        int reader = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (reader < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue; /* it went away before we came */
        if (reader < 0)
            return status_from_errno(errno);
        status = serve(card, reader, stop);
        (void)close(reader);
        virtual_card_power_off(card);
        if (status != OK)
            break;
    }
    return status == ERR_WRONG_STATE ? OK : status;
}
