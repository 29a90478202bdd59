#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/client.h"
#include "service.h"

static struct identities identities;

static int make_identities(void **state)
{
    (void)state;
    return identities_create(&identities) == OK ? 0 : -1;
}

static int remove_identities(void **state)
{
    (void)state;
    identities_remove(&identities);
    return 0;
}

static struct service *start(void)
{
    return service_start(&http_default_limits, 1, &identities, TLS_CLIENT_REQUIRED);
}

static struct http_client *client_of(const char *host, uint16_t port, bool machine)
{
    char url[64];
    struct http_client_settings settings = {.base_url = url, .ca_file = identities.server_ca};
    snprintf(url, sizeof url, "https://%s:%u", host, port);
    if (machine) {
        settings.certificate_file = identities.machine_certificate;
        settings.key_file = identities.machine_key;
    }
    struct http_client *client;
    assert_int_equal(http_client_new(&settings, &client), OK);
    return client;
}

static struct http_client *plain_client(uint16_t port)
{
    char url[64];
    struct http_client_settings settings = {.base_url = url, .connect_time = 1000};
    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    struct http_client *client;
    assert_int_equal(http_client_new(&settings, &client), OK);
    return client;
}

static void assert_body(const struct http_reply *reply, const char *text)
{
    assert_true(bytes_equal(buffer_bytes(&reply->body), bytes_of_text(text)));
}

static void calls_share_one_connection(void **state)
{
    (void)state;
    struct service *service = start();
    struct http_client *client = client_of("localhost", service->tls_port, true);
    struct http_reply reply = {0};
    for (unsigned i = 0; i < 5; i++) {
        struct http_call post = {.method = METHOD_POST,
                                 .path = "/echo",
                                 .content_type = "text/plain",
                                 .body = bytes_of_text("hello")};
        assert_int_equal(http_client_call(client, &post, &reply), OK);
        assert_int_equal(reply.status, 200);
        assert_body(&reply, "hello");
        assert_string_equal(reply.content_type, "application/octet-stream");
        struct http_call get = {.method = METHOD_GET, .path = "/whoami"};
        assert_int_equal(http_client_call(client, &get, &reply), OK);
        assert_body(&reply, "1312345678");
        assert_true(reply.microseconds > 0);
    }
    assert_int_equal(service_metrics(service).connections_accepted, 1);
    http_reply_free(&reply);
    http_client_free(client);
    service_stop(service);
}

static void an_answer_is_an_answer_whatever_its_status(void **state)
{
    (void)state;
    struct service *service = start();
    struct http_client *client = client_of("127.0.0.1", service->tls_port, true);
    struct http_reply reply = {0};
    struct http_call call = {.method = METHOD_GET, .path = "/nowhere", .with_headers = true};
    assert_int_equal(http_client_call(client, &call, &reply), OK);
    assert_int_equal(reply.status, 404);
    assert_string_equal(reply.content_type, "application/problem+json");
    assert_int_equal(http_reply_header(&reply, "x-request-id").length, 32);
    assert_int_equal(http_reply_header(&reply, "X-None").length, 0);
    assert_int_equal(reply.failed, HTTP_HOP_NONE);
    http_reply_free(&reply);
    http_client_free(client);
    service_stop(service);
}

static void a_server_that_is_not_the_expected_one_is_not_believed(void **state)
{
    (void)state;
    struct service *service = start();
    struct http_reply reply = {0};
    struct http_call call = {.method = METHOD_GET, .path = "/hello"};
    char url[64];
    snprintf(url, sizeof url, "https://localhost:%u", service->tls_port);
    struct http_client_settings settings = {.base_url = url, .ca_file = identities.machine_ca};
    struct http_client *client;
    assert_int_equal(http_client_new(&settings, &client), OK);
    assert_int_equal(http_client_call(client, &call, &reply), ERR_CRYPTO);
    assert_int_equal(reply.failed, HTTP_HOP_TLS);
    assert_int_equal(reply.status, 0);
    http_client_free(client);
    client = client_of("127.0.0.2", service->tls_port, true); /* not in the certificate */
    assert_int_not_equal(http_client_call(client, &call, &reply), OK);
    http_client_free(client);
    http_reply_free(&reply);
    service_stop(service);
}

static void a_caller_that_is_not_believed_learns_that_it_was_tls(void **state)
{
    (void)state;
    struct service *service = start();
    struct http_client *client = client_of("localhost", service->tls_port, false);
    struct http_reply reply = {0};
    struct http_call call = {.method = METHOD_GET, .path = "/hello"};
    assert_int_equal(http_client_call(client, &call, &reply), ERR_CRYPTO);
    assert_int_equal(reply.failed, HTTP_HOP_TLS);
    http_reply_free(&reply);
    http_client_free(client);
    service_stop(service);
}

/* A port that nobody listens on. */
static uint16_t closed_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* Accepts in the kernel's queue and never says a word. */
static int mute_listener(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void a_failure_says_which_hop_failed(void **state)
{
    (void)state;
    struct http_reply reply = {0};
    struct http_call call = {.method = METHOD_GET, .path = "/hello", .deadline = 300};
    struct http_client *client = client_of("name.invalid", 443, true);
    assert_int_not_equal(http_client_call(client, &call, &reply), OK);
    assert_int_equal(reply.failed, HTTP_HOP_RESOLVE);
    http_client_free(client);

    client = plain_client(closed_port());
    assert_int_equal(http_client_call(client, &call, &reply), ERR_UNREACHABLE);
    assert_int_equal(reply.failed, HTTP_HOP_CONNECT);
    http_client_free(client);

    uint16_t port;
    int mute = mute_listener(&port);
    client = client_of("localhost", port, true);
    assert_int_equal(http_client_call(client, &call, &reply), ERR_TIMEOUT);
    assert_int_equal(reply.failed, HTTP_HOP_TLS);
    http_client_free(client);
    client = plain_client(port);
    assert_int_equal(http_client_call(client, &call, &reply), ERR_TIMEOUT);
    assert_int_equal(reply.failed, HTTP_HOP_HTTP);
    assert_true(reply.microseconds >= 290000 && reply.microseconds < 3000000);
    http_client_free(client);
    close(mute);
    http_reply_free(&reply);
}

static void an_answer_over_the_limit_is_not_taken(void **state)
{
    (void)state;
    static const struct {
        size_t limit;
        enum status status;
    } rows[] = {{1000, OK}, {999, ERR_TOO_LARGE}};
    struct service *service = start();
    struct http_client *client = plain_client(service->port);
    struct http_reply reply = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct http_call call = {.method = METHOD_GET, .path = "/size/1000", .response_limit = rows[i].limit};
        assert_int_equal(http_client_call(client, &call, &reply), rows[i].status);
    }
    struct http_call call = {.method = METHOD_GET, .path = "/hello"};
    assert_int_equal(http_client_call(client, &call, &reply), OK);
    http_reply_free(&reply);
    http_client_free(client);
    service_stop(service);
}

static void a_kept_connection_that_has_gone_is_replaced(void **state)
{
    (void)state;
    struct http_limits limits = http_default_limits;
    limits.requests_per_connection = 2;
    struct service *service = service_start(&limits, 1, NULL, TLS_CLIENT_NONE);
    struct http_client *client = plain_client(service->port);
    struct http_reply reply = {0};
    for (unsigned i = 0; i < 6; i++) {
        struct http_call call = {.method = METHOD_GET, .path = "/hello"};
        assert_int_equal(http_client_call(client, &call, &reply), OK);
        assert_body(&reply, "hello");
    }
    assert_int_equal(service_metrics(service).connections_accepted, 3);
    http_reply_free(&reply);
    http_client_free(client);
    service_stop(service);
}

static void methods_and_headers_arrive(void **state)
{
    (void)state;
    struct service *service = start();
    struct http_client *client = plain_client(service->port);
    struct http_reply reply = {0};
    struct http_header header = {bytes_of_text("X-Test"), bytes_of_text("yes")};
    const struct {
        enum method method;
        const char *path;
        unsigned status;
    } rows[] = {
        {METHOD_GET, "/items/7", 200},  {METHOD_HEAD, "/hello", 200},  {METHOD_PUT, "/hello", 405},
        {METHOD_DELETE, "/hello", 405}, {METHOD_PATCH, "/hello", 405}, {METHOD_POST, "/echo", 200},
        {METHOD_GET, "/items/8", 200},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct http_call call = {
            .method = rows[i].method, .path = rows[i].path, .headers = &header, .header_count = 1};
        assert_int_equal(http_client_call(client, &call, &reply), OK);
        assert_int_equal(reply.status, rows[i].status);
    }
    assert_int_equal(service_metrics(service).connections_accepted, 1);
    http_reply_free(&reply);
    http_client_free(client);
    service_stop(service);
}

struct cancelling {
    struct http_client *client;
    struct service *service;
};

static void *cancel(void *argument)
{
    struct cancelling *cancelling = argument;
    service_wait_for_held(cancelling->service, 1);
    http_client_cancel(cancelling->client);
    return NULL;
}

static void a_long_poll_ends_when_it_is_cancelled(void **state)
{
    (void)state;
    struct service *service = start();
    struct cancelling cancelling = {plain_client(service->port), service};
    struct http_reply reply = {0};
    struct http_call poll = {.method = METHOD_POST, .path = "/hold", .deadline = 30000};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel, &cancelling), 0);
    assert_int_equal(http_client_call(cancelling.client, &poll, &reply), ERR_WRONG_STATE);
    assert_true(reply.microseconds < 5000000);
    pthread_join(thread, NULL);
    struct http_call call = {.method = METHOD_GET, .path = "/hello"};
    assert_int_equal(http_client_call(cancelling.client, &call, &reply), OK);
    http_client_cancel(cancelling.client);
    assert_int_equal(http_client_call(cancelling.client, &call, &reply), ERR_WRONG_STATE);
    assert_int_equal(http_client_call(cancelling.client, &call, &reply), OK);
    http_reply_free(&reply);
    http_client_free(cancelling.client);
    service_release(service, 1);
    service_stop(service);
}

static void settings_that_cannot_work_are_refused_at_once(void **state)
{
    (void)state;
    struct http_client *client;
    struct http_client_settings settings = {.base_url = "ftp://localhost"};
    assert_int_equal(http_client_new(&settings, &client), ERR_MALFORMED);
    settings.base_url = "https://localhost";
    assert_int_equal(http_client_new(&settings, &client), ERR_NOT_FOUND);
    settings.ca_file = "/nowhere/ca.crt";
    assert_int_equal(http_client_new(&settings, &client), ERR_NOT_FOUND);
    settings.ca_file = identities.server_ca;
    settings.certificate_file = identities.machine_certificate;
    settings.key_file = identities.machine_key;
    assert_int_equal(chmod(identities.machine_key, 0644), 0);
    assert_int_equal(http_client_new(&settings, &client), ERR_DENIED);
    assert_int_equal(chmod(identities.machine_key, 0600), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_share_one_connection),
        cmocka_unit_test(an_answer_is_an_answer_whatever_its_status),
        cmocka_unit_test(a_server_that_is_not_the_expected_one_is_not_believed),
        cmocka_unit_test(a_caller_that_is_not_believed_learns_that_it_was_tls),
        cmocka_unit_test(a_failure_says_which_hop_failed),
        cmocka_unit_test(an_answer_over_the_limit_is_not_taken),
        cmocka_unit_test(a_kept_connection_that_has_gone_is_replaced),
        cmocka_unit_test(methods_and_headers_arrive),
        cmocka_unit_test(a_long_poll_ends_when_it_is_cancelled),
        cmocka_unit_test(settings_that_cannot_work_are_refused_at_once),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_identities, remove_identities);
}
