#include "card/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

static enum status address_of(const char *path, const char *suffix, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(out->sun_path, sizeof out->sun_path, "%s%s", path, suffix);
    return length < 0 || (size_t)length >= sizeof out->sun_path ? ERR_TOO_LARGE : OK;
}

enum status wire_listen(const char *path, int *listener)
{
    *listener = -1;
    struct sockaddr_un address;
    enum status status = address_of(path, ".new", &address);
    if (status != OK)
        return status;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return status_from_errno(errno);
    (void)unlink(address.sun_path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        chmod(address.sun_path, S_IRUSR | S_IWUSR) != 0 || listen(fd, 4) != 0 ||
        rename(address.sun_path, path) != 0) {
        status = status_from_errno(errno);
        (void)unlink(address.sun_path);
        (void)close(fd);
        return status;
    }
    *listener = fd;
    return OK;
}

static enum status status_of_peer(int error_number)
{
    if (error_number == EPIPE || error_number == ECONNRESET)
        return ERR_UNREACHABLE;
    return error_number == EAGAIN ? ERR_TIMEOUT : status_from_errno(error_number);
}

enum status wire_connect(const char *path, int *connection)
{
    *connection = -1;
    struct sockaddr_un address;
    enum status status = address_of(path, "", &address);
    if (status != OK)
        return status;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return status_from_errno(errno);
    /* Also how long connect() waits for a listener that does not accept. */
    const struct timeval patience = {.tv_usec = WIRE_SEND_TIME * 1000};
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        status = errno == ENOENT || errno == ECONNREFUSED ? ERR_UNREACHABLE : status_of_peer(errno);
        (void)close(fd);
        return status;
    }
    *connection = fd;
    return OK;
}

static enum status send_all(int connection, struct bytes bytes)
{
    while (bytes.length > 0) {
        ssize_t sent = send(connection, bytes.data, bytes.length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return status_of_peer(errno);
        bytes = bytes_from(bytes, (size_t)sent);
    }
    return OK;
}

enum status wire_send(int connection, struct bytes payload)
{
    if (payload.length > WIRE_FRAME_LENGTH)
        return ERR_TOO_LARGE;
    struct buffer frame = {.secret = true}; /* it may hold a PIN */
    const uint8_t length[] = {(uint8_t)(payload.length >> 8), (uint8_t)payload.length};
    enum status status = buffer_append(&frame, bytes_of(length, sizeof length));
    if (status == OK)
        status = buffer_append(&frame, payload);
    if (status == OK)
        status = send_all(connection, buffer_bytes(&frame));
    buffer_free(&frame);
    return status;
}

enum status wire_send_control(int connection, enum wire_control control)
{
    const uint8_t byte = (uint8_t)control;
    return wire_send(connection, bytes_of(&byte, 1));
}

/* deadline: monotonic microseconds, -1 for none. */
static enum status wait_readable(int connection, int64_t deadline)
{
    for (;;) {
        int timeout = -1;
        if (deadline >= 0) {
            int64_t left = deadline - monotonic_microseconds();
            timeout = left <= 0 ? 0 : (int)((left + 999) / 1000);
        }
        struct pollfd wanted = {.fd = connection, .events = POLLIN};
        int ready = poll(&wanted, 1, timeout);
        if (ready > 0)
            return OK;
        if (ready == 0)
            return ERR_TIMEOUT;
        if (errno != EINTR)
            return status_from_errno(errno);
    }
}

static enum status receive_exactly(int connection, int64_t deadline, uint8_t *out, size_t length)
{
    while (length > 0) {
        enum status status = wait_readable(connection, deadline);
        if (status != OK)
            return status;
        ssize_t got = recv(connection, out, length, MSG_DONTWAIT);
        if (got == 0)
            return ERR_UNREACHABLE;
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0)
            return status_of_peer(errno);
        out += got;
        length -= (size_t)got;
    }
    return OK;
}

enum status wire_receive(int connection, int timeout, struct buffer *payload)
{
    int64_t deadline = timeout < 0 ? -1 : monotonic_microseconds() + (int64_t)timeout * 1000;
    uint8_t length_field[2];
    buffer_clear(payload);
    enum status status = receive_exactly(connection, deadline, length_field, sizeof length_field);
    if (status != OK)
        return status;
    size_t length = (size_t)length_field[0] << 8 | length_field[1];
    status = buffer_reserve(payload, length);
    if (status == OK && length > 0)
        status = receive_exactly(connection, deadline, payload->data, length);
    if (status == OK)
        payload->length = length;
    return status;
}
