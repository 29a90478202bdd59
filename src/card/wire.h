#ifndef SHIKAKU_CARD_WIRE_H
#define SHIKAKU_CARD_WIRE_H

#include "base/bytes.h"

/*
 * How the reader's driver (libifdshikaku) and a virtual card talk on a Unix stream socket: the card's process
 * listens, the driver connects. Each frame is a u16 big-endian length and that many bytes. A frame of one
 * byte is a control; every longer frame is an APDU, which is answered by one frame. The framing is that of
 * vsmartcard's vpcd. Several drivers may not share a card: one connection is served at a time.
 */
enum wire_control {
    WIRE_POWER_OFF = 0x00, /* not answered */
    WIRE_POWER_ON = 0x01,  /* not answered */
    WIRE_RESET = 0x02,     /* not answered */
    WIRE_ATR = 0x04,       /* answered by the ATR, powered or not; also how the driver polls for presence. A
                              destroyed card answers an empty frame: it is there, and mute */
};

enum {
    WIRE_FRAME_LENGTH = 65535,
    WIRE_SEND_TIME = 500, /* ms that the driver's end waits for a card that does not take what is sent */
};

/* A listening socket, made mode 0600 under a temporary name and renamed to path, so that whoever sees it can
 * connect. Close-on-exec. */
enum status wire_listen(const char *path, int *listener) MUST_CHECK;
/* The driver's end. ERR_UNREACHABLE where nobody listens, ERR_TIMEOUT where the listener does not accept.
 * Close-on-exec. */
enum status wire_connect(const char *path, int *connection) MUST_CHECK;

/* One frame, in one write where the kernel takes it. No SIGPIPE. ERR_UNREACHABLE when the other end is gone;
 * ERR_TIMEOUT (driver's end only) when it takes nothing. */
enum status wire_send(int connection, struct bytes payload) MUST_CHECK;
enum status wire_send_control(int connection, enum wire_control control) MUST_CHECK;
/*
 * One frame into payload (replaced). timeout in milliseconds for the whole frame, -1: no limit. ERR_TIMEOUT,
 * ERR_UNREACHABLE when the other end is gone. After an error the connection is out of step: close it.
 */
enum status wire_receive(int connection, int timeout, struct buffer *payload) MUST_CHECK;

#endif
