#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include "service.h"
#include "wire.h"

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

enum who { NOBODY, MACHINE, STRANGER };

static SSL_CTX *client(enum who who)
{
    struct tls_client_settings settings = {.server_ca_file = identities.server_ca};
    if (who == MACHINE) {
        settings.certificate_file = identities.machine_certificate;
        settings.key_file = identities.machine_key;
    } else if (who == STRANGER) {
        settings.certificate_file = identities.stranger_certificate;
        settings.key_file = identities.stranger_key;
    }
    SSL_CTX *context;
    assert_int_equal(tls_client_context(&settings, &context), OK);
    return context;
}

static struct service *start(const struct http_limits *limits, enum tls_client_certificate certificate)
{
    return service_start(limits ? limits : &http_default_limits, 1, &identities, certificate);
}

/* Status of one request on a connection of its own; 0 when there is no answer. */
static unsigned ask_as(struct service *service, enum who who, int version, const char *path,
                       struct buffer *body)
{
    struct wire wire;
    struct wire_response response = {0};
    struct buffer request = {0};
    SSL_CTX *context = client(who);
    if (version) {
        assert_int_equal(SSL_CTX_set_min_proto_version(context, version), 1);
        assert_int_equal(SSL_CTX_set_max_proto_version(context, version), 1);
    }
    assert_int_equal(buffer_printf(&request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path), OK);
    unsigned status = 0;
    if (wire_open_tls(&wire, service->tls_port, context) && wire_send(&wire, buffer_bytes(&request)) &&
        wire_read(&wire, &response, false)) {
        status = response.status;
        if (body)
            assert_int_equal(buffer_append(body, buffer_bytes(&response.body)), OK);
    }
    buffer_free(&request);
    wire_response_free(&response);
    wire_close(&wire);
    SSL_CTX_free(context);
    return status;
}

static void only_a_caller_with_our_certificate_gets_through_where_one_is_required(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct service *service = start(NULL, TLS_CLIENT_REQUIRED);
    for (size_t i = 0; i < ARRAY_LENGTH(versions); i++) {
        assert_int_equal(ask_as(service, MACHINE, versions[i], "/hello", NULL), 200);
        assert_int_equal(ask_as(service, NOBODY, versions[i], "/hello", NULL), 0);
        assert_int_equal(ask_as(service, STRANGER, versions[i], "/hello", NULL), 0);
    }
    struct http_metrics metrics = service_metrics(service);
    for (unsigned i = 0; i < 200 && metrics.handshake_failures < 4; i++) { /* the caller may learn it first */
        poll(NULL, 0, 10);
        metrics = service_metrics(service);
    }
    assert_int_equal(metrics.handshakes, 2);
    assert_int_equal(metrics.handshake_failures, 4);
    service_stop(service);
}

static void where_a_certificate_is_optional_the_route_decides(void **state)
{
    (void)state;
    struct service *service = start(NULL, TLS_CLIENT_OPTIONAL);
    assert_int_equal(ask_as(service, NOBODY, 0, "/hello", NULL), 200);
    assert_int_equal(ask_as(service, NOBODY, 0, "/whoami", NULL), 401);
    assert_int_equal(ask_as(service, STRANGER, 0, "/hello", NULL), 0);
    assert_int_equal(ask_as(service, MACHINE, 0, "/whoami", NULL), 200);
    service_stop(service);
}

static void the_handler_knows_who_calls(void **state)
{
    (void)state;
    struct service *service = start(NULL, TLS_CLIENT_REQUIRED);
    struct buffer code = {0};
    assert_int_equal(ask_as(service, MACHINE, 0, "/whoami", &code), 200);
    assert_true(bytes_equal(buffer_bytes(&code), bytes_of_text("1312345678")));
    buffer_free(&code);
    service_stop(service);
}

static void a_resumed_session_is_still_known(void **state)
{
    (void)state;
    struct service *service = start(NULL, TLS_CLIENT_REQUIRED);
    SSL_CTX *context = client(MACHINE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_SESSION *session = NULL;
    for (unsigned i = 0; i < 2; i++) {
        struct wire wire;
        struct wire_response response = {0};
        wire_open(&wire, service->tls_port);
        wire.ssl = SSL_new(context);
        SSL_set_fd(wire.ssl, wire.fd);
        if (session)
            SSL_set_session(wire.ssl, session);
        assert_int_equal(SSL_connect(wire.ssl), 1);
        assert_int_equal(SSL_session_reused(wire.ssl), (int)i);
        assert_true(wire_send_text(&wire, "GET /whoami HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_true(wire_read(&wire, &response, false));
        assert_int_equal(response.status, 200);
        assert_int_equal(response.body.length, 10);
        SSL_SESSION_free(session);
        session = SSL_get1_session(wire.ssl);
        wire_response_free(&response);
        SSL_shutdown(wire.ssl);
        wire_close(&wire);
    }
    SSL_SESSION_free(session);
    SSL_CTX_free(context);
    service_stop(service);
}

static void many_requests_share_a_connection(void **state)
{
    (void)state;
    struct service *service = start(NULL, TLS_CLIENT_REQUIRED);
    struct wire wire;
    SSL_CTX *context = client(MACHINE);
    assert_true(wire_open_tls(&wire, service->tls_port, context));
    for (unsigned i = 0; i < 30; i++) {
        assert_true(wire_send_text(
            &wire, i % 2 ? "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                         : "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"));
        assert_int_equal(wire_read_status(&wire), 200);
    }
    wire_close(&wire);
    assert_int_equal(service_metrics(service).handshakes, 1);
    SSL_CTX_free(context);
    service_stop(service);
}

/* One record holds several requests, or one request several records: what TLS holds back makes no socket
 * readable. */
static void requests_and_records_need_not_agree(void **state)
{
    (void)state;
    struct service *service = start(NULL, TLS_CLIENT_REQUIRED);
    struct wire wire;
    struct buffer many = {0};
    SSL_CTX *context = client(MACHINE);
    assert_true(wire_open_tls(&wire, service->tls_port, context));
    enum { REQUESTS = 300 };
    for (unsigned i = 0; i < REQUESTS; i++)
        assert_int_equal(buffer_printf(&many,
                                       "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n%0300u",
                                       i % 5 ? "/echo" : "/later", i),
                         OK);
    assert_true(wire_send(&wire, buffer_bytes(&many)));
    for (unsigned i = 0; i < REQUESTS; i++)
        assert_int_equal(wire_read_status(&wire), 200);
    static const char request[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    for (size_t i = 0; i < sizeof request - 1; i++)
        assert_true(wire_send(&wire, bytes_of(request + i, 1)));
    assert_int_equal(wire_read_status(&wire), 200);
    buffer_free(&many);
    wire_close(&wire);
    SSL_CTX_free(context);
    service_stop(service);
}

static void a_large_answer_arrives_whole(void **state)
{
    (void)state;
    struct service *service = start(NULL, TLS_CLIENT_REQUIRED);
    struct wire wire;
    struct wire_response response = {0};
    SSL_CTX *context = client(MACHINE);
    assert_true(wire_open_tls(&wire, service->tls_port, context));
    assert_true(wire_send_text(&wire, "GET /size/9000000 HTTP/1.1\r\nHost: a\r\n\r\n"
                                      "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    poll(NULL, 0, 50);
    assert_true(wire_read(&wire, &response, false));
    assert_int_equal(response.body.length, 9000000);
    assert_int_equal(wire_read_status(&wire), 200);
    wire_response_free(&response);
    wire_close(&wire);
    SSL_CTX_free(context);
    service_stop(service);
}

static void a_handshake_that_drips_is_cut_off_after_its_time(void **state)
{
    (void)state;
    struct http_limits limits = http_default_limits;
    limits.handshake_time = 300;
    struct service *service = start(&limits, TLS_CLIENT_REQUIRED);
    struct wire mute, dripping;
    wire_open(&mute, service->tls_port);
    wire_open(&dripping, service->tls_port);
    assert_true(wire_send(&dripping, bytes_of("\x16\x03\x01\x02", 4)));
    assert_true(wire_is_at_end(&mute));
    assert_true(wire_is_at_end(&dripping));
    wire_close(&mute);
    wire_close(&dripping);
    assert_int_equal(service_metrics(service).connections_timed_out, 2);
    service_stop(service);
}

static void plain_http_on_the_tls_port_gets_nothing(void **state)
{
    (void)state;
    struct service *service = start(NULL, TLS_CLIENT_REQUIRED);
    struct wire wire;
    wire_open(&wire, service->tls_port);
    assert_true(wire_send_text(&wire, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    while (!wire_is_at_end(&wire))
        buffer_clear(&wire.input); /* an alert of TLS */
    wire_close(&wire);
    assert_int_equal(service->log_length, 0);
    service_stop(service);
}

static void a_caller_cannot_renegotiate(void **state)
{
    (void)state;
    struct service *service = start(NULL, TLS_CLIENT_REQUIRED);
    struct wire wire;
    SSL_CTX *context = client(MACHINE);
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_clear_options(context, SSL_OP_NO_RENEGOTIATION);
    assert_true(wire_open_tls(&wire, service->tls_port, context));
    assert_true(wire_send_text(&wire, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(wire_read_status(&wire), 200);
    SSL_renegotiate(wire.ssl);
    assert_int_not_equal(SSL_do_handshake(wire.ssl), 1);
    wire_close(&wire);
    assert_int_equal(service_metrics(service).handshakes, 1);
    SSL_CTX_free(context);
    service_stop(service);
}

static void new_keys_within_a_connection_are_taken(void **state)
{
    (void)state;
    struct service *service = start(NULL, TLS_CLIENT_REQUIRED);
    struct wire wire;
    SSL_CTX *context = client(MACHINE);
    assert_true(wire_open_tls(&wire, service->tls_port, context));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(SSL_key_update(wire.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_true(wire_send_text(&wire, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_int_equal(wire_read_status(&wire), 200);
    }
    wire_close(&wire);
    SSL_CTX_free(context);
    service_stop(service);
}

static void the_server_says_goodbye_so_that_nobody_can_cut_an_answer_short(void **state)
{
    (void)state;
    struct service *service = start(NULL, TLS_CLIENT_REQUIRED);
    struct wire wire;
    SSL_CTX *context = client(MACHINE);
    assert_true(wire_open_tls(&wire, service->tls_port, context));
    assert_true(wire_send_text(&wire, "GET /last HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(wire_read_status(&wire), 200);
    assert_true(wire_is_at_end(&wire));
    assert_true(SSL_get_shutdown(wire.ssl) & SSL_RECEIVED_SHUTDOWN);
    wire_close(&wire);
    SSL_CTX_free(context);
    service_stop(service);
}

static void a_goodbye_within_a_request_ends_it(void **state)
{
    (void)state;
    struct service *service = start(NULL, TLS_CLIENT_REQUIRED);
    struct wire wire;
    SSL_CTX *context = client(MACHINE);
    assert_true(wire_open_tls(&wire, service->tls_port, context));
    assert_true(wire_send_text(&wire, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell"));
    SSL_shutdown(wire.ssl);
    assert_true(wire_is_at_end(&wire));
    wire_close(&wire);
    assert_int_equal(service->log_length, 0);
    SSL_CTX_free(context);
    service_stop(service);
}

static void a_new_certificate_serves_new_connections_and_old_ones_live_on(void **state)
{
    (void)state;
    struct service *service = start(NULL, TLS_CLIENT_REQUIRED);
    struct wire before, after;
    SSL_CTX *old_client = client(MACHINE);
    assert_true(wire_open_tls(&before, service->tls_port, old_client));
    assert_true(wire_send_text(&before, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(wire_read_status(&before), 200);
    assert_int_equal(identities_renew_server(&identities), OK);
    struct tls_server_settings settings = {.certificate_file = identities.server_certificate,
                                           .key_file = identities.server_key,
                                           .client = TLS_CLIENT_REQUIRED,
                                           .client_ca_file = identities.machine_ca};
    SSL_CTX *renewed;
    assert_int_equal(tls_server_context(&settings, &renewed), OK);
    http_server_replace_tls(service->server, service->tls_listener, renewed);
    assert_false(wire_open_tls(&after, service->tls_port, old_client)); /* it trusts the old CA only */
    wire_close(&after);
    SSL_CTX *new_client = client(MACHINE);
    assert_true(wire_open_tls(&after, service->tls_port, new_client));
    assert_true(wire_send_text(&after, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(wire_read_status(&after), 200);
    assert_true(wire_send_text(&before, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(wire_read_status(&before), 200);
    wire_close(&before);
    wire_close(&after);
    SSL_CTX_free(old_client);
    SSL_CTX_free(new_client);
    service_stop(service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_caller_with_our_certificate_gets_through_where_one_is_required),
        cmocka_unit_test(where_a_certificate_is_optional_the_route_decides),
        cmocka_unit_test(the_handler_knows_who_calls),
        cmocka_unit_test(a_resumed_session_is_still_known),
        cmocka_unit_test(many_requests_share_a_connection),
        cmocka_unit_test(requests_and_records_need_not_agree),
        cmocka_unit_test(a_large_answer_arrives_whole),
        cmocka_unit_test(a_handshake_that_drips_is_cut_off_after_its_time),
        cmocka_unit_test(plain_http_on_the_tls_port_gets_nothing),
        cmocka_unit_test(a_caller_cannot_renegotiate),
        cmocka_unit_test(new_keys_within_a_connection_are_taken),
        cmocka_unit_test(the_server_says_goodbye_so_that_nobody_can_cut_an_answer_short),
        cmocka_unit_test(a_goodbye_within_a_request_ends_it),
        cmocka_unit_test(a_new_certificate_serves_new_connections_and_old_ones_live_on),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_identities, remove_identities);
}
