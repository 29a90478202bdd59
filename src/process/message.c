#include "process/message.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"

enum {
    READ_CHUNK = 64 * 1024,
    READS_A_CALL = 4,
    UNSENT_LIMIT = 4 * 1024 * 1024,
    REQUEST_LIMIT = 1024,
    /* A correlation id is a slot's number and, above it, how often the slot was used: an answer that comes
     * after its time finds the slot in other hands, and is dropped. */
    SLOT_BITS = 20,
};

struct header {
    uint16_t type;
    bool reply;
    uint64_t correlation;
    int16_t status;
    uint32_t length;
};

struct pending_request {
    uint64_t correlation; /* 0: free */
    int64_t deadline;     /* monotonic microseconds; INT64_MAX: none */
    message_reply_handler *on_reply;
    void *context;
    uint32_t uses;
    uint32_t next_free;
};

struct message_channel {
    int fd;
    struct message_channel_options options;
    enum status dead; /* OK while alive */
    bool failing;     /* found dead while sending: told from message_channel_process */
    bool want_write;
    struct buffer in;
    struct buffer out;
    size_t out_sent;
    struct pending_request *slots;
    uint32_t slot_count;
    uint32_t first_free; /* slot_count: none */
    uint32_t under_way;
};

static enum status header_write(struct buffer *out, uint16_t type, uint64_t correlation, int16_t status,
                                size_t length)
{
    struct writer writer = writer_to(out);
    write_u16(&writer, MESSAGE_VERSION);
    write_u16(&writer, type);
    write_u64(&writer, correlation);
    write_u16(&writer, (uint16_t)status);
    write_u32(&writer, (uint32_t)length);
    return writer.status;
}

/* bytes holds at least a header. */
static enum status header_read(struct bytes bytes, struct header *out)
{
    struct reader reader = reader_of(bytes);
    if (read_u16(&reader) != MESSAGE_VERSION)
        return ERR_VERSION;
    uint16_t type = read_u16(&reader);
    out->reply = (type & MESSAGE_REPLY) != 0;
    out->type = (uint16_t)(type & ~MESSAGE_REPLY);
    out->correlation = read_u64(&reader);
    out->status = (int16_t)read_u16(&reader);
    out->length = read_u32(&reader);
    if (reader.status != OK)
        return reader.status;
    if (out->length > MESSAGE_PAYLOAD_LIMIT)
        return ERR_TOO_LARGE;
    if (out->type == 0 || out->status > 0 || (out->reply && out->correlation == 0) ||
        (!out->reply && out->status != 0))
        return ERR_MALFORMED;
    return OK;
}

enum status message_channel_open(int fd, const struct message_channel_options *options,
                                 struct message_channel **out)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return status_from_errno(errno);
    struct message_channel *channel = calloc(1, sizeof *channel);
    if (!channel)
        return ERR_NO_MEMORY;
    channel->options = *options;
    if (channel->options.unsent_limit == 0)
        channel->options.unsent_limit = UNSENT_LIMIT;
    size_t requests = options->request_limit ? options->request_limit : REQUEST_LIMIT;
    if (requests >= 1u << SLOT_BITS)
        requests = (1u << SLOT_BITS) - 1;
    channel->slot_count = (uint32_t)requests;
    channel->slots = calloc(requests, sizeof *channel->slots);
    if (!channel->slots) {
        free(channel);
        return ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < channel->slot_count; i++)
        channel->slots[i].next_free = i + 1;
    channel->in.secret = true;
    channel->out.secret = true;
    channel->fd = fd;
    *out = channel;
    return OK;
}

static void request_finish(struct message_channel *channel, struct pending_request *request,
                           enum status status, struct bytes payload)
{
    message_reply_handler *on_reply = request->on_reply;
    void *context = request->context;
    request->correlation = 0;
    request->next_free = channel->first_free;
    channel->first_free = (uint32_t)(request - channel->slots);
    channel->under_way--;
    on_reply(context, status, payload);
}

static enum status channel_fail(struct message_channel *channel, enum status status)
{
    channel->dead = status;
    channel->failing = false;
    for (uint32_t i = 0; i < channel->slot_count && channel->under_way; i++)
        if (channel->slots[i].correlation)
            request_finish(channel, &channel->slots[i], status, (struct bytes){0});
    return status;
}

void message_channel_close(struct message_channel *channel)
{
    if (!channel)
        return;
    if (channel->dead == OK)
        channel_fail(channel, ERR_UNREACHABLE);
    close(channel->fd);
    buffer_free(&channel->in);
    buffer_free(&channel->out);
    free(channel->slots);
    free(channel);
}

int message_channel_fd(const struct message_channel *channel)
{
    return channel->fd;
}

bool message_channel_wants_write(const struct message_channel *channel)
{
    return channel->want_write;
}

static void want_write(struct message_channel *channel, bool wanted)
{
    if (channel->want_write == wanted)
        return;
    channel->want_write = wanted;
    if (channel->options.on_want_write)
        channel->options.on_want_write(channel->options.context, wanted);
}

/* OK also when the socket took only a part. */
static enum status channel_flush(struct message_channel *channel)
{
    while (channel->out_sent < channel->out.length) {
        ssize_t sent = send(channel->fd, channel->out.data + channel->out_sent,
                            channel->out.length - channel->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            want_write(channel, true);
            return OK;
        }
        if (sent < 0)
            return errno == EPIPE || errno == ECONNRESET ? ERR_UNREACHABLE : ERR_IO;
        channel->out_sent += (size_t)sent;
    }
    buffer_clear(&channel->out);
    channel->out_sent = 0;
    want_write(channel, false);
    return OK;
}

/* What was sent already makes room before the buffer grows. */
static void out_compact(struct message_channel *channel)
{
    if (channel->out_sent < channel->out.length / 2 || channel->out_sent < READ_CHUNK)
        return;
    memmove(channel->out.data, channel->out.data + channel->out_sent,
            channel->out.length - channel->out_sent);
    channel->out.length -= channel->out_sent;
    channel->out_sent = 0;
}

static enum status frame_send(struct message_channel *channel, uint16_t type, uint64_t correlation,
                              int16_t status, struct bytes payload)
{
    out_compact(channel);
    size_t before = channel->out.length;
    enum status failure = header_write(&channel->out, type, correlation, status, payload.length);
    if (failure == OK)
        failure = buffer_append(&channel->out, payload);
    if (failure != OK) { /* half a frame would put the peer out of step */
        channel->out.length = before;
        return failure;
    }
    if (channel->want_write)
        return OK;
    if (channel_flush(channel) != OK) {
        /* Its reader finds out, too, and is told from message_channel_process: never from here. */
        channel->failing = true;
        want_write(channel, true);
    }
    return OK;
}

static enum status may_send(const struct message_channel *channel, uint16_t type, struct bytes payload)
{
    if (channel->dead != OK)
        return channel->dead;
    if (type == 0 || type & MESSAGE_REPLY)
        return ERR_RANGE;
    if (payload.length > MESSAGE_PAYLOAD_LIMIT)
        return ERR_TOO_LARGE;
    return OK;
}

static bool unsent_is_full(const struct message_channel *channel, struct bytes payload)
{
    size_t unsent = channel->out.length - channel->out_sent;
    return unsent && unsent + MESSAGE_HEADER_SIZE + payload.length > channel->options.unsent_limit;
}

enum status message_request(struct message_channel *channel, uint16_t type, struct bytes payload,
                            uint32_t timeout_ms, message_reply_handler *on_reply, void *context)
{
    enum status status = may_send(channel, type, payload);
    if (status != OK)
        return status;
    if (channel->first_free == channel->slot_count || unsent_is_full(channel, payload))
        return ERR_BUSY;
    uint32_t number = channel->first_free;
    struct pending_request *slot = &channel->slots[number];
    uint64_t correlation = (uint64_t)(slot->uses + 1) << SLOT_BITS | number;
    status = frame_send(channel, type, correlation, 0, payload);
    if (status != OK)
        return status;
    channel->first_free = slot->next_free;
    slot->uses++;
    slot->correlation = correlation;
    slot->deadline =
        timeout_ms ? monotonic_microseconds() + (int64_t)timeout_ms * (MICROSECONDS / 1000) : INT64_MAX;
    slot->on_reply = on_reply;
    slot->context = context;
    channel->under_way++;
    return OK;
}

enum status message_notify(struct message_channel *channel, uint16_t type, struct bytes payload)
{
    enum status status = may_send(channel, type, payload);
    if (status != OK)
        return status;
    if (unsent_is_full(channel, payload))
        return ERR_BUSY;
    return frame_send(channel, type, 0, 0, payload);
}

enum status message_reply(struct message_channel *channel, uint16_t type, uint64_t correlation,
                          enum status status, struct bytes payload)
{
    enum status failure = may_send(channel, type, payload);
    if (failure != OK)
        return failure;
    if (correlation == 0 || status > 0)
        return ERR_RANGE;
    return frame_send(channel, (uint16_t)(type | MESSAGE_REPLY), correlation, (int16_t)status, payload);
}

static enum status frame_take(struct message_channel *channel, const struct header *header,
                              struct bytes payload)
{
    if (!header->reply) {
        if (!channel->options.on_message)
            return ERR_MALFORMED;
        struct message message = {header->type, header->correlation, payload};
        channel->options.on_message(channel->options.context, channel, &message);
        return OK;
    }
    uint64_t number = header->correlation & ((1u << SLOT_BITS) - 1);
    if (number >= channel->slot_count || header->correlation >> SLOT_BITS == 0 ||
        header->correlation >> SLOT_BITS > channel->slots[number].uses)
        return ERR_MALFORMED; /* never asked */
    if (channel->slots[number].correlation == header->correlation)
        request_finish(channel, &channel->slots[number], (enum status)header->status, payload);
    return OK;
}

static enum status frames_take(struct message_channel *channel)
{
    size_t taken = 0;
    enum status status = OK;
    while (status == OK && channel->in.length - taken >= MESSAGE_HEADER_SIZE) {
        struct header header;
        struct bytes rest = bytes_from(buffer_bytes(&channel->in), taken);
        status = header_read(rest, &header);
        if (status != OK || rest.length - MESSAGE_HEADER_SIZE < header.length)
            break;
        taken += MESSAGE_HEADER_SIZE + header.length;
        status = frame_take(channel, &header, bytes_of(rest.data + MESSAGE_HEADER_SIZE, header.length));
    }
    if (taken) {
        memmove(channel->in.data, channel->in.data + taken, channel->in.length - taken);
        channel->in.length -= taken;
    }
    return status;
}

/* *more: the socket may hold more than this took. */
static enum status channel_read(struct message_channel *channel, bool *more)
{
    *more = false;
    enum status status = buffer_reserve(&channel->in, READ_CHUNK);
    if (status != OK)
        return status;
    ssize_t got = recv(channel->fd, channel->in.data + channel->in.length, READ_CHUNK, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return OK;
    if (got < 0)
        return errno == ECONNRESET ? ERR_UNREACHABLE : ERR_IO;
    if (got == 0)
        return ERR_UNREACHABLE;
    channel->in.length += (size_t)got;
    *more = got == READ_CHUNK;
    return frames_take(channel);
}

enum status message_channel_process(struct message_channel *channel)
{
    if (channel->dead != OK)
        return channel->dead;
    /* Read first: what the peer said before it went is still heard. */
    bool more = true;
    for (int i = 0; i < READS_A_CALL && more; i++) {
        enum status status = channel_read(channel, &more);
        if (status != OK)
            return channel_fail(channel, status);
    }
    enum status status = channel->failing ? ERR_UNREACHABLE : channel_flush(channel);
    return status == OK ? OK : channel_fail(channel, status);
}

int message_channel_expire(struct message_channel *channel)
{
    int64_t now = monotonic_microseconds();
    int64_t next = INT64_MAX;
    for (uint32_t i = 0; i < channel->slot_count && channel->under_way; i++) {
        struct pending_request *slot = &channel->slots[i];
        if (!slot->correlation || slot->deadline == INT64_MAX)
            continue;
        if (slot->deadline <= now)
            request_finish(channel, slot, ERR_TIMEOUT, (struct bytes){0});
        else if (slot->deadline < next)
            next = slot->deadline;
    }
    if (next == INT64_MAX)
        return -1;
    int64_t wait = (next - now + 999) / (MICROSECONDS / 1000);
    return wait > INT_MAX ? INT_MAX : (int)wait;
}
