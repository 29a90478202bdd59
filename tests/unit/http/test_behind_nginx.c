/* Smuggling behind a proxy: what nginx forwards as one request must be one request to us. nginx says in its
 * log what it forwarded; we count what we answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service.h"
#include "smuggling_vectors.h"
#include "wire.h"

static const char *const nginx_paths[] = {"/usr/sbin/nginx", "/usr/bin/nginx"};

struct proxy {
    char directory[64];
    uint16_t port;
    pid_t process;
};

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void write_configuration(const struct proxy *proxy, uint16_t upstream)
{
    static const char *const temporary[] = {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"};
    char path[128];
    snprintf(path, sizeof path, "%s/nginx.conf", proxy->directory);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file,
            "daemon off; master_process off; pid %s/pid;\n"
            "events { worker_connections 64; }\n"
            "http {\n"
            "  log_format forwarded '$upstream_status $request_uri';\n"
            "  access_log %s/access.log forwarded;\n",
            proxy->directory, proxy->directory);
    for (size_t i = 0; i < ARRAY_LENGTH(temporary); i++)
        fprintf(file, "  %s_temp_path %s/%s;\n", temporary[i], proxy->directory, temporary[i]);
    /* Bodies go on as they come, over few connections that are kept: where smuggling would work best. */
    fprintf(file,
            "  upstream service { server 127.0.0.1:%u max_fails=0; keepalive 1; }\n"
            "  server {\n"
            "    listen 127.0.0.1:%u;\n"
            "    location / {\n"
            "      proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection '';\n"
            "      proxy_request_buffering off; proxy_next_upstream off; proxy_pass_request_headers on;\n"
            "    }\n"
            "  }\n"
            "}\n",
            upstream, proxy->port);
    assert_int_equal(fclose(file), 0);
}

static const char *nginx(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(nginx_paths); i++)
        if (access(nginx_paths[i], X_OK) == 0)
            return nginx_paths[i];
    return NULL;
}

static bool is_listening(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool listening = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    close(fd);
    return listening;
}

static void proxy_start(struct proxy *proxy, uint16_t upstream)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(proxy->directory, sizeof proxy->directory, "%.40s/http-XXXXXX", temporary ? temporary : "/tmp");
    assert_non_null(mkdtemp(proxy->directory));
    proxy->port = free_port();
    write_configuration(proxy, upstream);
    char configuration[128], errors[128];
    snprintf(configuration, sizeof configuration, "%s/nginx.conf", proxy->directory);
    snprintf(errors, sizeof errors, "%s/error.log", proxy->directory);
    proxy->process = fork();
    assert_true(proxy->process >= 0);
    if (proxy->process == 0) {
        execl(nginx(), "nginx", "-p", proxy->directory, "-c", configuration, "-e", errors, (char *)NULL);
        _exit(127);
    }
    for (unsigned i = 0; i < 250 && !is_listening(proxy->port); i++)
        poll(NULL, 0, 20);
    assert_true(is_listening(proxy->port));
}

static void remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    while (directory && (entry = readdir(directory)) != NULL) {
        char name[400];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(name) != 0)
            rmdir(name);
    }
    if (directory)
        closedir(directory);
    rmdir(path);
}

/* Ends nginx, so that its log is whole, and gives the log. */
static struct buffer proxy_stop(struct proxy *proxy)
{
    struct buffer log = {0};
    char path[128];
    kill(proxy->process, SIGQUIT);
    assert_int_equal(waitpid(proxy->process, NULL, 0), proxy->process);
    snprintf(path, sizeof path, "%s/access.log", proxy->directory);
    assert_int_equal(file_read(path, 1 << 20, &log), OK);
    assert_int_equal(buffer_append(&log, bytes_of("", 1)), OK);
    remove_directory(proxy->directory);
    return log;
}

static size_t occurrences(const char *text, const char *of)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, of)) != NULL; at += strlen(of))
        count++;
    return count;
}

/* Lines of requests that were forwarded: "-" stands where nginx answered by itself. */
static size_t forwarded(const char *log)
{
    size_t count = 0;
    for (const char *line = log; *line; line = strchr(line, '\n') + 1)
        count += *line != '-';
    return count;
}

#define HIDDEN "GET /items/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

/* The head of a request whose body is a whole chunked body and a hidden request. %zu: their length. */
static const char *const disguises[] = {
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: %zu\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nTransfer-Encoding : chunked\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nTransfer-Encoding\t: chunked\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nTransfer-Encoding:\tchunked\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nTransfer-Encoding: identity, chunked\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n Transfer-Encoding: chunked\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nTransfer-Encoding:\r\n chunked\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nX: y\n\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nTransfer_Encoding: chunked\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nTRANSFER-ENCODING: CHUNKED\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: %zu\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nContent-Length: 5\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nContent-Length : 5\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nConnection: Content-Length\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nExpect: 100-continue\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    "GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
    "POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
    "POST /echo HTTP/1.0\r\nHost: a\r\nContent-Length: %zu\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
};

static const char *const bodies[] = {
    "0\r\n\r\n" HIDDEN,
    "5\r\nhello\r\n0\r\n\r\n" HIDDEN,
    "5;\nxx\r\nhello\r\n0\r\n\r\n" HIDDEN,
    "5\nhello\r\n0\r\n\r\n" HIDDEN,
    "0\r\nContent-Length: 40\r\n\r\n" HIDDEN,
    "0\r\n\n" HIDDEN,
    "00000000000000000\r\n\r\n" HIDDEN,
};

/* What comes back is taken until the other end stops or has been silent for a while. */
static void send_and_drain(uint16_t port, struct bytes request)
{
    enum { PATIENCE = 300, SILENCE = 10 };
    struct wire wire;
    uint8_t into[4096];
    wire_open(&wire, port);
    wire_send(&wire, request);
    struct pollfd readable = {.fd = wire.fd, .events = POLLIN};
    int patience = PATIENCE;
    while (poll(&readable, 1, patience) == 1 && recv(wire.fd, into, sizeof into, 0) > 0)
        patience = SILENCE;
    wire_close(&wire);
}

static void send_disguised(uint16_t port)
{
    for (size_t i = 0; i < ARRAY_LENGTH(disguises); i++) {
        for (size_t j = 0; j < ARRAY_LENGTH(bodies); j++) {
            struct buffer request = {0};
            char head[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the formats are those above */
            snprintf(head, sizeof head, disguises[i], strlen(bodies[j]));
#pragma GCC diagnostic pop
            assert_int_equal(buffer_printf(&request, "%s%s", head, bodies[j]), OK);
            send_and_drain(port, buffer_bytes(&request));
            buffer_free(&request);
        }
    }
}

static void behind_nginx_one_forwarded_request_is_one_request(void **state)
{
    (void)state;
    if (!nginx())
        skip();
    struct service *service = service_start(&http_default_limits, 1, NULL, TLS_CLIENT_NONE);
    struct proxy proxy;
    proxy_start(&proxy, service->port);
    for (size_t i = 0; i < ARRAY_LENGTH(smuggling_vectors); i++)
        send_and_drain(proxy.port, bytes_of(smuggling_vectors[i].text, smuggling_vectors[i].length));
    send_disguised(proxy.port);
    static const char plain[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    for (unsigned i = 0; i < 5; i++)
        send_and_drain(proxy.port, bytes_of_text(plain));
    struct buffer log = proxy_stop(&proxy);
    const char *text = (const char *)log.data;
    struct http_metrics metrics = service_metrics(service);
    uint64_t answered = metrics.responses[2] + metrics.responses[4] + metrics.responses[5];
    assert_true(forwarded(text) > 50); /* or the proxy did not do its part */
    assert_true(answered <= forwarded(text));
    service->log[service->log_length] = '\0';
    assert_int_equal(occurrences(service->log, "/items/smuggled\n"),
                     occurrences(text, "200 /items/smuggled\n"));
    assert_true(occurrences(service->log, "POST /echo\n") >= 5);
    buffer_free(&log);
    service_stop(service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behind_nginx_one_forwarded_request_is_one_request),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
