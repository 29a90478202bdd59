#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "process/message.h"

/* One more than the sockets: the last one is stop_fd. */
struct server {
    struct message_channel **channels; /* NULL where the peer has closed */
    struct pollfd *polls;
    size_t count;
    size_t open;
};

static void server_close(struct server *server)
{
    if (server->channels)
        for (size_t i = 0; i < server->count; i++)
            message_channel_close(server->channels[i]);
    free(server->channels);
    free(server->polls);
}

static enum status server_open(struct server *server, const int *fds, size_t count,
                               const struct message_channel_options *options)
{
    server->channels = calloc(count, sizeof(struct message_channel *));
    server->polls = calloc(count + 1, sizeof *server->polls);
    enum status status = server->channels && server->polls ? OK : ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (status == OK)
            status = message_channel_open(fds[i], options, &server->channels[i]);
        if (!server->channels || !server->channels[i])
            close(fds[i]);
        else
            server->open++;
    }
    server->count = count;
    return status;
}

static void server_watch(struct server *server, int stop_fd)
{
    for (size_t i = 0; i < server->count; i++) {
        struct message_channel *channel = server->channels[i];
        int fd = channel ? message_channel_fd(channel) : -1;
        short wanted = (short)(channel && message_channel_wants_write(channel) ? POLLIN | POLLOUT : POLLIN);
        server->polls[i] = (struct pollfd){.fd = fd, .events = wanted};
    }
    server->polls[server->count] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
}

static enum status server_turn(struct server *server)
{
    for (size_t i = 0; i < server->count; i++) {
        if (!server->channels[i] || !server->polls[i].revents)
            continue;
        enum status status = message_channel_process(server->channels[i]);
        if (status == OK)
            continue;
        message_channel_close(server->channels[i]);
        server->channels[i] = NULL;
        server->open--;
        if (status != ERR_UNREACHABLE)
            return status;
    }
    return OK;
}

enum status message_serve(const int *fds, size_t count, int stop_fd, message_handler *handler, void *context)
{
    struct message_channel_options options = {.on_message = handler, .context = context};
    struct server server = {0};
    enum status status = server_open(&server, fds, count, &options);
    while (status == OK && server.open) {
        server_watch(&server, stop_fd);
        if (poll(server.polls, server.count + 1, -1) < 0) {
            status = errno == EINTR ? OK : ERR_IO;
            continue;
        }
        if (server.polls[server.count].revents)
            break;
        status = server_turn(&server);
    }
    server_close(&server);
    return status;
}

/* The blocking caller is a channel that is waited for. */
struct call {
    bool finished;
    enum status status;
    struct buffer *reply;
};

static void call_finish(void *context, enum status status, struct bytes payload)
{
    struct call *call = context;
    call->finished = true;
    call->status = buffer_append(call->reply, payload);
    if (status != OK)
        call->status = status;
}

static enum status call_wait(struct message_channel *channel, struct call *call)
{
    while (!call->finished) {
        int wait = message_channel_expire(channel);
        if (call->finished)
            break;
        struct pollfd polled = {.fd = message_channel_fd(channel), .events = POLLIN};
        if (message_channel_wants_write(channel))
            polled.events = POLLIN | POLLOUT;
        int ready = poll(&polled, 1, wait);
        if (ready < 0 && errno != EINTR)
            return ERR_IO;
        if (ready > 0) {
            enum status status = message_channel_process(channel);
            if (status != OK && !call->finished)
                return status;
        }
    }
    return call->status;
}

enum status message_call(int fd, uint16_t type, struct bytes payload, int timeout_ms, struct buffer *reply)
{
    /* A channel owns its descriptor, and reads ahead nothing: one request, one reply. */
    int own = dup(fd);
    if (own < 0)
        return status_from_errno(errno);
    struct message_channel_options options = {.request_limit = 1};
    struct message_channel *channel = NULL;
    enum status status = message_channel_open(own, &options, &channel);
    if (status != OK) {
        close(own);
        return status;
    }
    struct call call = {.reply = reply};
    uint32_t timeout = timeout_ms < 0 ? 0 : timeout_ms == 0 ? 1 : (uint32_t)timeout_ms;
    status = message_request(channel, type, payload, timeout, call_finish, &call);
    if (status == OK)
        status = call_wait(channel, &call);
    message_channel_close(channel);
    return status;
}
