#include "load.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <http_parser.h>
#include <math.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    STEPS = 64, /* of a power of two: times are kept to 1.6 % */
    BUCKETS = 40 * STEPS,
    READ_SIZE = 65536,
};

struct connection {
    int fd;
    SSL *ssl;
    struct http_parser parser;
    struct load *load;
    struct buffer body;
    int64_t sent;
    bool complete;
    bool broken;
};

struct load {
    const struct load_settings *settings;
    struct connection *connections;
    int epoll;
    bool counting;
    uint64_t requests, failures;
    uint64_t buckets[BUCKETS]; /* by nanoseconds, logarithmic */
    int64_t longest;
};

static int64_t now_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static unsigned bucket_of(int64_t nanoseconds)
{
    double log = nanoseconds < 1 ? 0 : log2((double)nanoseconds) * STEPS;
    return log >= BUCKETS ? BUCKETS - 1 : (unsigned)log;
}

static double percentile(const struct load *load, double part)
{
    uint64_t wanted = (uint64_t)ceil((double)load->requests * part), seen = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += load->buckets[i];
        if (seen >= wanted && wanted)
            return exp2((i + 0.5) / STEPS) / 1000;
    }
    return 0;
}

/* Nanoseconds on a processor, of all threads. */
static uint64_t processor_time(pid_t process)
{
    char path[512];
    uint64_t sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    DIR *tasks = process ? opendir(path) : NULL;
    const struct dirent *task;
    while (tasks && (task = readdir(tasks)) != NULL) {
        unsigned long long ran = 0;
        snprintf(path, sizeof path, "/proc/%d/task/%.32s/schedstat", (int)process, task->d_name);
        FILE *file = task->d_name[0] == '.' ? NULL : fopen(path, "re");
        if (file && fscanf(file, "%llu", &ran) == 1)
            sum += ran;
        if (file)
            fclose(file);
    }
    if (tasks)
        closedir(tasks);
    return sum;
}

static int on_body(struct http_parser *parser, const char *at, size_t length)
{
    struct connection *connection = parser->data;
    if (!connection->load->settings->see_response)
        return 0;
    return buffer_append(&connection->body, bytes_of(at, length)) == OK ? 0 : 1;
}

static int on_complete(struct http_parser *parser)
{
    struct connection *connection = parser->data;
    connection->complete = true;
    return 0;
}

static const struct http_parser_settings callbacks = {.on_body = on_body, .on_message_complete = on_complete};

static enum status connect_to(const struct load_settings *settings, struct connection *connection)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(settings->port)};
    int on = 1;
    if (inet_pton(AF_INET, settings->address, &to.sin_addr) != 1)
        return ERR_MALFORMED;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&to, sizeof to) != 0)
        return status_from_errno(errno);
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (settings->tls) {
        connection->ssl = SSL_new(settings->tls);
        if (!connection->ssl || SSL_set_fd(connection->ssl, connection->fd) != 1)
            return ERR_NO_MEMORY;
        SSL_set_read_ahead(connection->ssl, 1);
        if (SSL_connect(connection->ssl) != 1)
            return ERR_CRYPTO;
    }
    return fcntl(connection->fd, F_SETFL, O_NONBLOCK) == 0 ? OK : ERR_IO;
}

/* Requests here fit a socket's buffer: one that does not go out at once is a failure. */
static void send_next(struct connection *connection)
{
    const struct load_settings *settings = connection->load->settings;
    struct bytes request = settings->next_request(settings->context);
    http_parser_init(&connection->parser, HTTP_RESPONSE);
    connection->parser.data = connection;
    connection->complete = false;
    buffer_clear(&connection->body);
    size_t written = 0;
    connection->sent = now_nanoseconds();
    if (connection->ssl)
        connection->broken = SSL_write_ex(connection->ssl, request.data, request.length, &written) != 1;
    else
        written = (size_t)send(connection->fd, request.data, request.length, MSG_NOSIGNAL);
    connection->broken |= written != request.length;
}

static void note(struct connection *connection)
{
    struct load *load = connection->load;
    const struct load_settings *settings = load->settings;
    int64_t took = now_nanoseconds() - connection->sent;
    unsigned status = connection->parser.status_code;
    if (settings->see_response)
        settings->see_response(settings->context, status, buffer_bytes(&connection->body));
    if (!load->counting)
        return;
    load->requests++;
    load->failures += status / 100 != 2;
    load->buckets[bucket_of(took)]++;
    if (took > load->longest)
        load->longest = took;
}

/* Bytes read; 0 when there is nothing now. */
static size_t read_some(struct connection *connection, char *into)
{
    size_t length = 0;
    if (!connection->ssl) {
        ssize_t got = recv(connection->fd, into, READ_SIZE, 0);
        connection->broken |= got == 0 || (got < 0 && errno != EAGAIN);
        return got > 0 ? (size_t)got : 0;
    }
    ERR_clear_error();
    int given = SSL_read_ex(connection->ssl, into, READ_SIZE, &length);
    if (given == 1)
        return length;
    connection->broken |= SSL_get_error(connection->ssl, given) != SSL_ERROR_WANT_READ;
    return 0;
}

static void on_readable(struct connection *connection)
{
    static char into[READ_SIZE];
    size_t length = read_some(connection, into);
    if (length && http_parser_execute(&connection->parser, &callbacks, into, length) != length)
        connection->broken = true;
    if (!connection->broken && connection->complete) {
        note(connection);
        send_next(connection);
    }
    if (connection->broken) {
        connection->load->failures++;
        epoll_ctl(connection->load->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
    }
}

static void run_until(struct load *load, int64_t end)
{
    struct epoll_event events[256];
    for (;;) {
        int64_t left = end - now_nanoseconds();
        if (left <= 0)
            return;
        int count = epoll_wait(load->epoll, events, (int)ARRAY_LENGTH(events), (int)(left / 1000000) + 1);
        for (int i = 0; i < count; i++)
            on_readable(events[i].data.ptr);
    }
}

static enum status open_all(struct load *load)
{
    const struct load_settings *settings = load->settings;
    enum status status = OK;
    for (unsigned i = 0; i < settings->connections && status == OK; i++) {
        struct connection *connection = &load->connections[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        connection->load = load;
        status = connect_to(settings, connection);
        if (status == OK && epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
            status = status_from_errno(errno);
    }
    for (unsigned i = 0; i < settings->connections && status == OK; i++)
        send_next(&load->connections[i]);
    return status;
}

static void close_all(struct load *load)
{
    for (unsigned i = 0; i < load->settings->connections; i++) {
        struct connection *connection = &load->connections[i];
        SSL_free(connection->ssl);
        if (connection->fd >= 0)
            close(connection->fd);
        buffer_free(&connection->body);
    }
}

static void measure(struct load *load, struct load_result *result)
{
    const struct load_settings *settings = load->settings;
    run_until(load, now_nanoseconds() + (int64_t)(settings->warm_up * 1e9));
    load->counting = true;
    uint64_t server = processor_time(settings->server), own = processor_time(getpid());
    int64_t begun = now_nanoseconds();
    run_until(load, begun + (int64_t)(settings->seconds * 1e9));
    result->seconds = (double)(now_nanoseconds() - begun) / 1e9;
    server = processor_time(settings->server) - server;
    own = processor_time(getpid()) - own;
    double requests = load->requests ? (double)load->requests : 1;
    result->requests = load->requests;
    result->failures = load->failures;
    result->server_microseconds = (double)server / 1000 / requests;
    result->own_microseconds = (double)own / 1000 / requests;
    result->p50 = percentile(load, 0.5);
    result->p90 = percentile(load, 0.9);
    result->p99 = percentile(load, 0.99);
    result->p999 = percentile(load, 0.999);
    result->longest = (double)load->longest / 1000;
}

static void pin(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    sched_setaffinity(0, sizeof set, &set);
}

enum status load_run(const struct load_settings *settings, struct load_result *result)
{
    *result = (struct load_result){0};
    struct load *load = calloc(1, sizeof *load);
    if (!load)
        return ERR_NO_MEMORY;
    signal(SIGPIPE, SIG_IGN);
    if (settings->processor >= 0)
        pin(settings->processor);
    load->settings = settings;
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->connections = calloc(settings->connections, sizeof load->connections[0]);
    enum status status = load->connections && load->epoll >= 0 ? OK : ERR_NO_MEMORY;
    for (unsigned i = 0; i < settings->connections && status == OK; i++)
        load->connections[i].fd = -1;
    if (status == OK) {
        status = open_all(load);
        if (status == OK)
            measure(load, result);
        close_all(load);
    }
    free(load->connections);
    close(load->epoll);
    free(load);
    return status;
}

void load_print(const char *name, const struct load_result *result, bool json)
{
    const char *format =
        json
            ? "{\"name\":\"%s\",\"requests\":%llu,\"failures\":%llu,\"seconds\":%.3f,\"rate\":%.0f,\"p50_"
              "us\":%.1f,"
              "\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f,\"server_us\":%.2f,"
              "\"own_us\":%.2f}\n"
            : "%-24s %9llu requests, %llu failed, %.1f s: %8.0f/s  p50 %.0f  p90 %.0f  p99 %.0f  p99.9 %.0f  "
              "max %.0f us   processor: server %.2f, load %.2f us a request\n";
    printf(format, name, (unsigned long long)result->requests, (unsigned long long)result->failures,
           result->seconds, (double)result->requests / result->seconds, result->p50, result->p90, result->p99,
           result->p999, result->longest, result->server_microseconds, result->own_microseconds);
}
