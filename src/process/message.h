#ifndef SHIKAKU_PROCESS_MESSAGE_H
#define SHIKAKU_PROCESS_MESSAGE_H

#include "base/bytes.h"

/*
 * Typed messages between our own processes, over a stream socketpair. A frame, big-endian:
 *
 *   version u16 | type u16 | correlation u64 | status i16 | length u32 | payload
 *
 * The version comes first and is looked at first: another version than ours is refused (ERR_VERSION), since
 * both ends are the same program. A request carries a correlation id that its reply repeats, so many
 * requests may be under way at once and replies may come in any order. A notice has correlation 0 and no
 * reply. `status` is 0 in requests and notices; in a reply it is the handler's result.
 *
 * What the payload holds, and the numbers of types (1 … 0x7fff), is the business of the two ends.
 */
enum {
    MESSAGE_VERSION = 1,
    MESSAGE_HEADER_SIZE = 18,
    MESSAGE_PAYLOAD_LIMIT = 1024 * 1024,
    MESSAGE_REPLY = 0x8000, /* set in the type of a reply */
};

struct message {
    uint16_t type; /* without MESSAGE_REPLY */
    uint64_t correlation;
    struct bytes payload; /* borrowed, valid during the callback only */
};

struct message_channel;

/* A request (correlation ≠ 0) or a notice. A request must be answered with message_reply, now or later, on
 * the thread that owns the channel. */
typedef void message_handler(void *context, struct message_channel *channel, const struct message *message);
/* status: the handler's own, or ERR_UNREACHABLE (the peer has gone), ERR_TIMEOUT, ERR_VERSION,
 * ERR_MALFORMED. payload is borrowed for the call. Called exactly once a request. */
typedef void message_reply_handler(void *context, enum status status, struct bytes payload);

struct message_channel_options {
    message_handler *on_message; /* NULL: whatever the peer sends unasked is refused (ERR_MALFORMED) */
    /* Asked for when there is something that the socket did not take, withdrawn when it has gone: add or
     * remove the loop's write event. May be NULL for an owner that looks at message_channel_wants_write. */
    void (*on_want_write)(void *context, bool wanted);
    void *context;        /* of both */
    size_t unsent_limit;  /* bytes waiting for the socket; 0: 4 MiB */
    size_t request_limit; /* requests under way; 0: 1024 */
};

/*
 * The event loop's side. Never blocks; belongs to one thread. fd is owned from here on and made
 * non-blocking. Watch it for reading always, for writing when asked, and call message_channel_process when
 * either is ready.
 */
enum status message_channel_open(int fd, const struct message_channel_options *options,
                                 struct message_channel **out) MUST_CHECK NONNULL;
/* Requests under way get ERR_UNREACHABLE. Not from within a handler. NULL is allowed. */
void message_channel_close(struct message_channel *channel);
int message_channel_fd(const struct message_channel *channel) NONNULL;
bool message_channel_wants_write(const struct message_channel *channel) NONNULL;

/*
 * Sends what the socket takes, reads what there is (at most about 256 KiB a call, so that one peer does not
 * keep a loop to itself) and calls the handlers. On an error all requests under way have got it, the
 * channel stays dead and every later call says the same: ERR_UNREACHABLE when the peer has closed,
 * ERR_VERSION, ERR_MALFORMED, ERR_TOO_LARGE, ERR_IO.
 */
enum status message_channel_process(struct message_channel *channel) MUST_CHECK NONNULL;

/*
 * on_reply is called from message_channel_process, message_channel_expire or message_channel_close, never
 * from here. ERR_BUSY (and on_reply not called, ever) when a limit of the options is reached: back-pressure,
 * say too_busy to the caller. timeout_ms: 0 for none.
 */
enum status message_request(struct message_channel *channel, uint16_t type, struct bytes payload,
                            uint32_t timeout_ms, message_reply_handler *on_reply, void *context) MUST_CHECK;
enum status message_notify(struct message_channel *channel, uint16_t type, struct bytes payload) MUST_CHECK;
/* Not held back by unsent_limit: who took a request may answer it. */
enum status message_reply(struct message_channel *channel, uint16_t type, uint64_t correlation,
                          enum status status, struct bytes payload) MUST_CHECK;

/* Gives ERR_TIMEOUT to requests whose time is over. Returns milliseconds to the next such moment, or -1.
 * Call it from a timer, or after each wait. A reply that comes later is dropped. */
int message_channel_expire(struct message_channel *channel) NONNULL;

/*
 * The side of a process that only serves: waits on all fds with poll and calls the handler, until all peers
 * have closed (OK), or stop_fd (-1: none) becomes readable (OK), or a peer breaks the protocol (that
 * error). The fds are owned from here on.
 */
enum status message_serve(const int *fds, size_t count, int stop_fd, message_handler *handler,
                          void *context) MUST_CHECK;

/*
 * The blocking caller: one request at a time over an fd of its own (borrowed). The reply's payload is
 * appended to reply. Returns the handler's status, or ERR_UNREACHABLE, ERR_TIMEOUT, ERR_VERSION,
 * ERR_MALFORMED, after which the fd is of no more use. timeout_ms: -1 for none.
 */
enum status message_call(int fd, uint16_t type, struct bytes payload, int timeout_ms,
                         struct buffer *reply) MUST_CHECK;

#endif
