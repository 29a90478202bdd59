#include "http/connection.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/loop_state.h"

enum {
    READS_A_TURN = 4,      /* then other connections have their turn */
    REQUESTS_A_TURN = 32,  /* the same for requests that came in one go */
    LINGER_LIMIT = 262144, /* bytes thrown away before we stop being polite */
};

static void list_remove(struct connection *connection)
{
    struct connection_list *list = &connection->loop->lists[connection->state];
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        list->first = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    else
        list->last = connection->previous;
}

static void list_append(struct connection *connection, enum connection_state state)
{
    struct connection_list *list = &connection->loop->lists[state];
    connection->state = state;
    connection->previous = list->last;
    connection->next = NULL;
    if (list->last)
        list->last->next = connection;
    else
        list->first = connection;
    list->last = connection;
}

static void enter(struct connection *connection, enum connection_state state)
{
    list_remove(connection);
    connection->since = monotonic_microseconds();
    list_append(connection, state);
}

static bool takes_input(const struct connection *connection)
{
    return connection->state == CONNECTION_IDLE || connection->state == CONNECTION_HEAD ||
           connection->state == CONNECTION_BODY;
}

static bool has_unread(const struct connection *connection)
{
    return connection->input.length > connection->input_done ||
           connection->stream.io->holds_more(&connection->stream);
}

static void watch_reading(struct connection *connection, bool watch)
{
    if (connection->reading == watch)
        return;
    connection->reading = watch;
    if (watch)
        event_add(&connection->readable, NULL);
    else
        event_del(&connection->readable);
}

void connection_close(struct connection *connection)
{
    struct http_loop *loop = connection->loop;
    if (connection->state == CONNECTION_DEAD)
        return;
    event_del(&connection->readable);
    event_del(&connection->writable);
    stream_close(&connection->stream);
    if (connection->exchange && connection->exchange->kept)
        exchange_orphan(connection->exchange);
    else if (connection->exchange)
        exchange_release(connection->exchange);
    connection->exchange = NULL;
    enter(connection, CONNECTION_DEAD);
    census_leave(loop->server->census, connection->peer.address);
    count(&loop->counters, COUNT_CLOSED, 1);
    loop->open--;
    loop_end_if_done(loop);
}

void connection_finish(struct connection *connection)
{
    connection->stream.io->finish(&connection->stream);
    enter(connection, CONNECTION_LINGERING);
    watch_reading(connection, true);
}

/* The answer is out. */
static void go_on(struct connection *connection)
{
    if (connection->close_after_write) {
        connection_finish(connection);
        return;
    }
    enter(connection, CONNECTION_IDLE);
    watch_reading(connection, true);
    if (!connection->feeding && has_unread(connection))
        event_active(&connection->readable, EV_READ, 0);
}

static enum stream_result write_some(struct connection *connection, struct bytes bytes, size_t *done)
{
    enum stream_result result = STREAM_DONE;
    for (*done = 0; *done < bytes.length && result == STREAM_DONE;) {
        size_t written = 0;
        result = connection->stream.io->write(&connection->stream, bytes_from(bytes, *done), &written);
        *done += written;
    }
    count(&connection->loop->counters, COUNT_BYTES_OUT, *done);
    return result;
}

void connection_send(struct connection *connection, struct bytes encoded, bool close)
{
    size_t done;
    connection->close_after_write = close;
    enum stream_result result = write_some(connection, encoded, &done);
    if (result == STREAM_DONE) {
        go_on(connection);
        return;
    }
    if (result != STREAM_WANTS_WRITE || buffer_append(&connection->output, bytes_from(encoded, done)) != OK) {
        connection_close(connection);
        return;
    }
    connection->output_done = 0;
    enter(connection, CONNECTION_WRITING);
    event_add(&connection->writable, NULL);
}

static void write_on(struct connection *connection)
{
    size_t done;
    struct bytes rest = bytes_from(buffer_bytes(&connection->output), connection->output_done);
    enum stream_result result = write_some(connection, rest, &done);
    connection->output_done += done;
    if (result == STREAM_WANTS_WRITE) {
        event_add(&connection->writable, NULL);
    } else if (result == STREAM_DONE) {
        buffer_free(&connection->output);
        go_on(connection);
    } else {
        connection_close(connection);
    }
}

static void send_continue(struct connection *connection)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t done;
    /* A fresh request on an empty socket: where not even this fits, something is wrong. */
    if (write_some(connection, bytes_of_text(interim), &done) != STREAM_DONE)
        connection_close(connection);
}

/* Lets the reader take the next step. False when it needs more bytes, or when the connection does. */
static bool step(struct connection *connection, struct bytes input, size_t *taken)
{
    struct exchange *exchange = connection->exchange;
    *taken += reader_feed(&exchange->reader, bytes_from(input, *taken));
    switch (exchange->reader.state) {
    case READER_ROUTING:
        exchange_begin(exchange, *taken < input.length);
        if (takes_input(connection) && exchange->reader.expects_continue &&
            exchange->reader.parsed.has_body && *taken == input.length)
            send_continue(connection);
        return true;
    case READER_COMPLETE:
        connection->requests++;
        enter(connection, CONNECTION_HANDLING);
        exchange_handle(exchange);
        return *taken < input.length;
    case READER_REFUSED:
        exchange_refuse(exchange, exchange->reader.problem);
        return false;
    case READER_HEAD:
        if (connection->state == CONNECTION_IDLE && reader_has_begun(&exchange->reader))
            enter(connection, CONNECTION_HEAD);
        return false;
    default:
        if (connection->state != CONNECTION_BODY)
            enter(connection, CONNECTION_BODY);
        return false;
    }
}

/* Returns how many bytes were looked at: fewer than given while a request is handled, an answer waits, or
 * when it is the others' turn. */
static size_t feed(struct connection *connection, struct bytes input)
{
    size_t taken = 0, requests = connection->requests;
    bool more = input.length > 0;
    connection->feeding = true;
    while (more && takes_input(connection) && connection->requests - requests < REQUESTS_A_TURN) {
        if (!connection->exchange && !exchange_acquire(connection)) {
            connection_close(connection);
            break;
        }
        more = step(connection, input, &taken);
    }
    connection->feeding = false;
    return taken;
}

static void feed_saved(struct connection *connection)
{
    connection->input_done +=
        feed(connection, bytes_from(buffer_bytes(&connection->input), connection->input_done));
    if (connection->input_done == connection->input.length) {
        buffer_free(&connection->input);
        connection->input_done = 0;
    }
}

static void feed_fresh(struct connection *connection, struct bytes input)
{
    count(&connection->loop->counters, COUNT_BYTES_IN, input.length);
    size_t taken = feed(connection, input);
    if (taken < input.length && connection->state != CONNECTION_DEAD &&
        connection->state != CONNECTION_LINGERING &&
        buffer_append(&connection->input, bytes_from(input, taken)) != OK)
        connection_close(connection);
}

/* False when there is nothing more to read now. */
static bool read_once(struct connection *connection)
{
    size_t length = 0;
    enum stream_result result =
        connection->stream.io->read(&connection->stream, connection->loop->scratch, READ_SIZE, &length);
    switch (result) {
    case STREAM_DONE:
        feed_fresh(connection, bytes_of(connection->loop->scratch, length));
        return takes_input(connection) && has_unread(connection);
    case STREAM_WANTS_READ:
        return false;
    case STREAM_WANTS_WRITE:
        connection->read_waits_for_write = true;
        event_add(&connection->writable, NULL);
        return false;
    case STREAM_ENDED:
        connection->stream.io->finish(&connection->stream);
        connection_close(connection);
        return false;
    case STREAM_FAILED:
        connection_close(connection);
        return false;
    }
    return false;
}

static void take_input(struct connection *connection)
{
    unsigned reads = 0;
    if (connection->input.length)
        feed_saved(connection);
    while (takes_input(connection) && connection->input.length == 0 && reads++ < READS_A_TURN)
        if (!read_once(connection))
            return;
    if (takes_input(connection)) /* no socket becomes readable for what we or TLS hold already */
        event_active(&connection->readable, EV_READ, 0);
}

static void linger_on(struct connection *connection)
{
    ssize_t got = recv(connection->stream.fd, connection->loop->scratch, READ_SIZE, MSG_DONTWAIT);
    if (got > 0)
        connection->lingered += (size_t)got;
    if (got <= 0 || connection->lingered > LINGER_LIMIT)
        connection_close(connection);
}

static bool identify(struct connection *connection)
{
    if (!connection->stream.ssl)
        return true;
    enum status status = tls_peer_identity(connection->stream.ssl, &connection->peer.identity);
    connection->peer.authenticated = status == OK;
    return status == OK || status == ERR_NOT_FOUND;
}

static void shake_hands(struct connection *connection)
{
    struct http_loop *loop = connection->loop;
    enum stream_result result = connection->stream.io->handshake(&connection->stream);
    if (result == STREAM_WANTS_READ)
        return;
    if (result == STREAM_WANTS_WRITE) {
        event_add(&connection->writable, NULL);
        return;
    }
    if (result != STREAM_DONE || !identify(connection)) {
        count(&loop->counters, COUNT_HANDSHAKE_FAILURES, 1);
        connection_close(connection);
        return;
    }
    count(&loop->counters, COUNT_HANDSHAKES, 1);
    enter(connection, CONNECTION_IDLE);
    if (has_unread(connection)) /* the first request came along with the client's last message */
        take_input(connection);
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;
    (void)fd, (void)what;
    switch (connection->state) {
    case CONNECTION_HANDSHAKE:
        shake_hands(connection);
        break;
    case CONNECTION_IDLE:
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
        take_input(connection);
        break;
    case CONNECTION_HANDLING:
    case CONNECTION_WRITING:
        /* Left alone until the answer is out. Only now, since most callers wait for it and cost no call. */
        watch_reading(connection, false);
        break;
    case CONNECTION_LINGERING:
        linger_on(connection);
        break;
    case CONNECTION_DEAD:
    case CONNECTION_STATES:
        break;
    }
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;
    (void)fd, (void)what;
    if (connection->state == CONNECTION_HANDSHAKE) {
        shake_hands(connection);
    } else if (connection->state == CONNECTION_WRITING) {
        write_on(connection);
    } else if (connection->read_waits_for_write && takes_input(connection)) {
        connection->read_waits_for_write = false;
        take_input(connection);
    }
}

static bool is_loopback(const uint8_t address[16])
{
    static const uint8_t mapped[13] = {[10] = 0xff, [11] = 0xff, [12] = 127}, six[16] = {[15] = 1};
    return memcmp(address, mapped, sizeof mapped) == 0 || memcmp(address, six, sizeof six) == 0;
}

static enum status open_stream(struct stream *stream, struct listener *listener, int fd)
{
    if (!listener->is_tls) {
        stream_open_plain(stream, fd);
        return OK;
    }
    pthread_mutex_lock(&listener->lock);
    enum status status = stream_open_tls(stream, fd, listener->context);
    pthread_mutex_unlock(&listener->lock);
    return status;
}

void connection_open(struct http_loop *loop, struct listener *listener, int fd, const uint8_t address[16])
{
    struct connection *connection = calloc(1, sizeof *connection);
    struct stream stream;
    if (open_stream(&stream, listener, fd) != OK || !connection) {
        if (connection)
            free(connection);
        else
            stream_close(&stream);
        census_leave(loop->server->census, address);
        return;
    }
    connection->loop = loop;
    connection->listener = listener;
    connection->stream = stream;
    memcpy(connection->peer.address, address, 16);
    connection->peer.loopback = is_loopback(address);
    event_assign(&connection->readable, loop->base, fd, EV_READ | EV_PERSIST, on_readable, connection);
    event_assign(&connection->writable, loop->base, fd, EV_WRITE, on_writable, connection);
    connection->since = monotonic_microseconds();
    list_append(connection, listener->is_tls ? CONNECTION_HANDSHAKE : CONNECTION_IDLE);
    watch_reading(connection, true);
    loop->open++;
    count(&loop->counters, COUNT_ACCEPTED, 1);
}

static unsigned time_limit(const struct http_limits *limits, enum connection_state state)
{
    switch (state) {
    case CONNECTION_HANDSHAKE:
        return limits->handshake_time;
    case CONNECTION_IDLE:
        return limits->idle_time;
    case CONNECTION_HEAD:
        return limits->header_time;
    case CONNECTION_BODY:
        return limits->body_time;
    case CONNECTION_HANDLING:
        return limits->answer_time;
    case CONNECTION_WRITING:
        return limits->write_time;
    case CONNECTION_LINGERING:
        return limits->linger_time;
    case CONNECTION_DEAD:
    case CONNECTION_STATES:
        break;
    }
    return 0;
}

/* Leaves the list of its state in every case. */
static void expire(struct connection *connection)
{
    if (connection->state != CONNECTION_LINGERING)
        count(&connection->loop->counters, COUNT_TIMED_OUT, 1);
    switch (connection->state) {
    case CONNECTION_IDLE:
        connection_finish(connection);
        break;
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
        exchange_refuse(connection->exchange, HTTP_PROBLEM_REQUEST_TIMEOUT);
        break;
    case CONNECTION_HANDLING:
        exchange_give_up(connection->exchange);
        break;
    default:
        connection_close(connection);
        break;
    }
}

static void free_dead(struct http_loop *loop)
{
    struct connection *next;
    for (struct connection *dead = loop->lists[CONNECTION_DEAD].first; dead; dead = next) {
        next = dead->next;
        if (dead->orphans)
            continue;
        list_remove(dead);
        buffer_free(&dead->input);
        buffer_free(&dead->output);
        free(dead);
    }
}

void connections_sweep(struct http_loop *loop)
{
    int64_t now = monotonic_microseconds();
    free_dead(loop);
    for (enum connection_state state = 0; state < CONNECTION_DEAD; state++) {
        unsigned limit = time_limit(&loop->server->limits, state);
        struct connection *first;
        while (limit && (first = loop->lists[state].first) != NULL &&
               now - first->since >= (int64_t)limit * 1000)
            expire(first);
    }
}

void connections_end(struct http_loop *loop, bool force)
{
    while (loop->lists[CONNECTION_HANDSHAKE].first)
        connection_close(loop->lists[CONNECTION_HANDSHAKE].first);
    while (loop->lists[CONNECTION_IDLE].first)
        connection_finish(loop->lists[CONNECTION_IDLE].first);
    for (enum connection_state state = 0; force && state < CONNECTION_DEAD; state++)
        while (loop->lists[state].first)
            connection_close(loop->lists[state].first);
}

void connections_free(struct http_loop *loop)
{
    for (struct connection *dead = loop->lists[CONNECTION_DEAD].first; dead; dead = dead->next)
        dead->orphans = 0;
    free_dead(loop);
}
