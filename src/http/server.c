#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/loop_state.h"

enum {
    MAX_LOOPS = 64,
    MAX_HEAD = 65536, /* http_parser gives up at 80 KiB */
    BACKLOG = 1024,
};

static unsigned processors(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : online > MAX_LOOPS ? MAX_LOOPS : (unsigned)online;
}

static bool are_possible(const struct http_limits *limits)
{
    return limits->request_line && limits->request_line <= MAX_HEAD && limits->header_bytes &&
           limits->header_bytes <= MAX_HEAD - limits->request_line && limits->header_count &&
           limits->header_count <= HTTP_MAX_HEADERS && limits->connections && limits->request_memory;
}

static enum status open_rate(const struct http_limits *limits, struct rate **out)
{
    unsigned burst = limits->burst ? limits->burst : 2 * limits->requests_per_second;
    return limits->requests_per_second ? rate_new(limits->requests_per_second, burst, out) : OK;
}

enum status http_server_new(const struct http_server_settings *settings, struct http_server **out)
{
    unsigned loops = settings->loops ? settings->loops : processors();
    *out = NULL;
    if (loops > MAX_LOOPS || !are_possible(&settings->limits))
        return ERR_RANGE;
    struct http_server *server = calloc(1, sizeof *server + loops * sizeof server->loops[0]);
    if (!server)
        return ERR_NO_MEMORY;
    server->limits = settings->limits;
    server->problem_writer = settings->problem_writer;
    server->problem_context = settings->problem_context;
    enum status status =
        census_new(settings->limits.connections, settings->limits.connections_per_peer, &server->census);
    if (status == OK)
        status = open_rate(&settings->limits, &server->rate);
    for (unsigned i = 0; i < loops && status == OK; i++) {
        status = loop_open(server, i, &server->loops[i]);
        server->loop_count = i + 1;
    }
    if (status != OK) {
        http_server_free(server);
        return status;
    }
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    *out = server;
    return OK;
}

struct socket_address {
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    };
    socklen_t length;
};

static enum status parse_address(const char *text, uint16_t port, struct socket_address *out)
{
    *out = (struct socket_address){0};
    if (inet_pton(AF_INET, text, &out->four.sin_addr) == 1) {
        out->four.sin_family = AF_INET;
        out->four.sin_port = htons(port);
        out->length = sizeof out->four;
        return OK;
    }
    if (inet_pton(AF_INET6, text, &out->six.sin6_addr) == 1) {
        out->six.sin6_family = AF_INET6;
        out->six.sin6_port = htons(port);
        out->length = sizeof out->six;
        return OK;
    }
    return ERR_MALFORMED;
}

static void set_port(struct socket_address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET)
        address->four.sin_port = htons(port);
    else
        address->six.sin6_port = htons(port);
}

static uint16_t port_of(int fd)
{
    struct socket_address address = {.length = sizeof(struct sockaddr_in6)};
    if (getsockname(fd, &address.any, &address.length) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET ? address.four.sin_port : address.six.sin6_port);
}

static enum status bind_status(int error)
{
    return error == EADDRINUSE ? ERR_EXISTS : status_from_errno(error);
}

/* share: with the other loops' sockets. Connections inherit TCP_NODELAY from the listening socket. */
static enum status open_socket(const struct socket_address *address, bool share, int *out)
{
    int on = 1, fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return status_from_errno(errno);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (share)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, &address->any, address->length) != 0 || (share && listen(fd, BACKLOG) != 0)) {
        enum status status = bind_status(errno);
        close(fd);
        return status;
    }
    *out = fd;
    return OK;
}

/* SO_REUSEPORT would let a second server of the same user listen beside a first one unnoticed, so the address
 * is first bound without it. */
static enum status find_address_free(const struct socket_address *address)
{
    int fd;
    enum status status = open_socket(address, false, &fd);
    if (status == OK)
        close(fd);
    return status;
}

static enum status open_doors(struct http_server *server, struct listener *listener,
                              struct socket_address *address)
{
    enum status status = find_address_free(address);
    for (unsigned i = 0; i < server->loop_count && status == OK; i++) {
        int fd;
        status = open_socket(address, true, &fd);
        if (status != OK)
            break;
        listener->port = port_of(fd);
        set_port(address, listener->port); /* the first one chose it where it was 0 */
        status = loop_add_door(server->loops[i], listener, fd);
    }
    return status;
}

enum status http_server_listen(struct http_server *server, const struct http_listener_settings *settings,
                               unsigned *number)
{
    struct socket_address address;
    enum status status = parse_address(settings->address, settings->port, &address);
    if (status == OK && (server->running || server->ended))
        status = ERR_WRONG_STATE;
    if (status == OK && server->listener_count == MAX_LISTENERS)
        status = ERR_TOO_LARGE;
    if (status != OK) {
        SSL_CTX_free(settings->tls);
        return status;
    }
    struct listener *listener = &server->listeners[server->listener_count];
    *listener = (struct listener){.server = server,
                                  .router = settings->router,
                                  .is_tls = settings->tls != NULL,
                                  .context = settings->tls};
    pthread_mutex_init(&listener->lock, NULL);
    if (number)
        *number = server->listener_count;
    server->listener_count++;
    return open_doors(server, listener, &address);
}

uint16_t http_server_port(const struct http_server *server, unsigned listener)
{
    return server->listeners[listener].port;
}

enum status http_server_start(struct http_server *server)
{
    if (server->running || server->ended)
        return ERR_WRONG_STATE;
    server->running = true;
    enum status status = OK;
    for (unsigned i = 0; i < server->loop_count && status == OK; i++)
        status = loop_start(server->loops[i]);
    if (status != OK)
        http_server_stop(server, 0);
    return status;
}

void http_server_replace_tls(struct http_server *server, unsigned number, SSL_CTX *tls)
{
    struct listener *listener = &server->listeners[number];
    pthread_mutex_lock(&listener->lock);
    SSL_CTX *before = listener->context;
    listener->context = tls;
    pthread_mutex_unlock(&listener->lock);
    SSL_CTX_free(before);
}

void http_server_stop(struct http_server *server, unsigned milliseconds)
{
    if (!server->running)
        return;
    server->running = false;
    server->ended = true;
    atomic_store(&server->force_at, monotonic_microseconds() + (int64_t)milliseconds * 1000);
    for (unsigned i = 0; i < server->loop_count; i++)
        if (server->loops[i]->started)
            http_loop_post(server->loops[i], &server->loops[i]->stop_task);
    for (unsigned i = 0; i < server->loop_count; i++)
        if (server->loops[i]->started)
            pthread_join(server->loops[i]->thread, NULL);
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    http_server_stop(server, 0);
    for (unsigned i = 0; i < server->loop_count; i++)
        loop_free(server->loops[i]);
    for (unsigned i = 0; i < server->listener_count; i++) {
        SSL_CTX_free(server->listeners[i].context);
        pthread_mutex_destroy(&server->listeners[i].lock);
    }
    census_free(server->census);
    rate_free(server->rate);
    free(server);
}

unsigned http_server_loops(const struct http_server *server)
{
    return server->loop_count;
}

struct http_loop *http_server_loop(struct http_server *server, unsigned index)
{
    return server->loops[index];
}

void http_server_metrics(const struct http_server *server, struct http_metrics *out)
{
    *out = (struct http_metrics){0};
    for (unsigned i = 0; i < server->loop_count; i++)
        counters_add(&server->loops[i]->counters, out);
}
