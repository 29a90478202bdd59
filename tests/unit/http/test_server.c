#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "service.h"
#include "smuggling_vectors.h"
#include "wire.h"

static struct service *start(const struct http_limits *limits)
{
    return service_start(limits ? limits : &http_default_limits, 1, NULL, TLS_CLIENT_NONE);
}

static void assert_body(const struct wire_response *response, const char *text)
{
    assert_int_equal(response->body.length, strlen(text));
    if (response->body.length)
        assert_memory_equal(response->body.data, text, response->body.length);
}

/* One request on a connection of its own, which the test then looks at. */
static struct wire_response ask(struct wire *wire, const char *request)
{
    struct wire_response response = {0};
    assert_true(wire_send_text(wire, request));
    assert_true(wire_read(wire, &response, false));
    return response;
}

static void assert_refused(struct service *service, const char *request, enum http_problem problem,
                           bool keep_alive)
{
    struct wire wire;
    char expected[32];
    wire_open(&wire, service->port);
    struct wire_response response = ask(&wire, request);
    assert_int_equal(response.status, http_problem_status(problem));
    snprintf(expected, sizeof expected, "{\"problem\":%d}", (int)problem);
    assert_body(&response, expected);
    assert_int_equal(response.keep_alive, keep_alive);
    if (keep_alive) {
        struct wire_response next = ask(&wire, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(next.status, 200);
        wire_response_free(&next);
    } else {
        assert_true(wire_is_at_end(&wire));
    }
    wire_response_free(&response);
    wire_close(&wire);
}

static void a_connection_serves_one_request_after_another(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    struct wire wire;
    wire_open(&wire, service->port);
    for (unsigned i = 0; i < 50; i++) {
        struct wire_response response =
            ask(&wire, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
        assert_int_equal(response.status, 200);
        assert_true(response.keep_alive);
        assert_body(&response, "hello");
        assert_true(wire_response_has(&response, "\r\nDate: "));
        assert_true(wire_response_has(&response, " GMT\r\n"));
        assert_true(wire_response_has(&response, "\r\nX-Request-Id: "));
        wire_response_free(&response);
    }
    wire_close(&wire);
    struct http_metrics metrics = service_metrics(service);
    assert_int_equal(metrics.connections_accepted, 1);
    assert_int_equal(metrics.responses[2], 50);
    uint64_t timed = 0;
    for (unsigned i = 0; i < HTTP_TIME_BUCKETS; i++)
        timed += metrics.time_buckets[i];
    assert_int_equal(timed, 50);
    service_stop(service);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    enum { REQUESTS = 40 };
    struct service *service = start(NULL);
    struct buffer all = {0};
    struct wire wire;
    wire_open(&wire, service->port);
    for (unsigned i = 0; i < REQUESTS; i++) /* every third is answered by another thread */
        assert_int_equal(buffer_printf(&all, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n%04u",
                                       i % 3 ? "/echo" : "/later", i),
                         OK);
    assert_true(wire_send(&wire, buffer_bytes(&all)));
    for (unsigned i = 0; i < REQUESTS; i++) {
        struct wire_response response = {0};
        char expected[8];
        snprintf(expected, sizeof expected, "%04u", i);
        assert_true(wire_read(&wire, &response, false));
        assert_body(&response, expected);
        wire_response_free(&response);
    }
    buffer_free(&all);
    wire_close(&wire);
    service_stop(service);
}

static void thousands_of_requests_in_one_go_are_all_answered(void **state)
{
    (void)state;
    enum { REQUESTS = 3000 };
    struct service *service = start(NULL);
    struct buffer all = {0};
    struct wire wire;
    wire_open(&wire, service->port);
    for (unsigned i = 0; i < REQUESTS; i++)
        assert_int_equal(buffer_append_text(&all, "GET /items/7 HTTP/1.1\r\nHost: a\r\n\r\n"), OK);
    assert_true(wire_send(&wire, buffer_bytes(&all)));
    for (unsigned i = 0; i < REQUESTS; i++)
        assert_int_equal(wire_read_status(&wire), 200);
    assert_true(wire_is_silent(&wire, 20));
    buffer_free(&all);
    wire_close(&wire);
    service_stop(service);
}

static void a_request_that_arrives_byte_by_byte_is_served(void **state)
{
    (void)state;
    static const char request[] = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
    struct service *service = start(NULL);
    struct wire wire;
    wire_open(&wire, service->port);
    for (size_t i = 0; i < sizeof request - 1; i++) {
        assert_true(wire_send(&wire, bytes_of(request + i, 1)));
        if (i % 16 == 0)
            poll(NULL, 0, 1); /* lets the server see pieces of several lengths, one byte among them */
    }
    assert_int_equal(wire_read_status(&wire), 200);
    assert_int_equal(wire_read_status(&wire), 200);
    wire_close(&wire);
    service_stop(service);
}

static void a_request_cut_in_two_anywhere_is_served(void **state)
{
    (void)state;
    static const char request[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    struct service *service = start(NULL);
    struct wire wire;
    wire_open(&wire, service->port);
    for (size_t cut = 1; cut < sizeof request - 1; cut++) {
        assert_true(wire_send(&wire, bytes_of(request, cut)));
        poll(NULL, 0, 1);
        assert_true(wire_send(&wire, bytes_of(request + cut, sizeof request - 1 - cut)));
        assert_int_equal(wire_read_status(&wire), 200);
    }
    wire_close(&wire);
    service_stop(service);
}

static void what_cannot_be_routed_is_a_problem_and_the_connection_lives(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    assert_refused(service, "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PROBLEM_NOT_FOUND, true);
    assert_refused(service, "POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
                   HTTP_PROBLEM_NOT_FOUND, true);
    assert_refused(service,
                   "POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "5\r\nhello\r\n0\r\n\r\n",
                   HTTP_PROBLEM_NOT_FOUND, true);
    assert_refused(service, "GET /items/%ff HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PROBLEM_NOT_FOUND, true);
    assert_refused(service, "GET /whoami HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PROBLEM_UNAUTHENTICATED, true);
    assert_refused(service, "DELETE /hello HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PROBLEM_METHOD_NOT_ALLOWED,
                   true);
    assert_refused(service, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PROBLEM_INTERNAL, true);
    assert_refused(service, "GET /split HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PROBLEM_INTERNAL, true);
    service_stop(service);
}

static void a_wrong_method_is_told_the_right_ones(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    struct wire wire;
    wire_open(&wire, service->port);
    struct wire_response response = ask(&wire, "PATCH /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(response.status, 405);
    assert_true(wire_response_has(&response, "\r\nAllow: GET, HEAD\r\n"));
    wire_response_free(&response);
    wire_close(&wire);
    service_stop(service);
}

static void parameters_reach_the_handler_decoded(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    struct wire wire;
    wire_open(&wire, service->port);
    struct wire_response response = ask(&wire, "GET /items/a%20b%2Fc?d=e HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_body(&response, "a b/c");
    wire_response_free(&response);
    wire_close(&wire);
    service_stop(service);
}

static void whatever_could_smuggle_a_request_ends_the_connection(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(smuggling_vectors); i++) {
        struct wire wire;
        const struct smuggling_vector *vector = &smuggling_vectors[i];
        wire_open(&wire, service->port);
        assert_true(wire_send(&wire, bytes_of(vector->text, vector->length)));
        wire_send_text(&wire, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"); /* must not be read as a request */
        struct wire_response response = {0};
        if (!wire_read(&wire, &response, false))
            fail_msg("%s: no answer", vector->name);
        /* Where the head is sound, the route decides first: there is none for "/". */
        unsigned expected = http_problem_status(vector->problem);
        if (response.status != expected || response.keep_alive || !wire_is_at_end(&wire))
            fail_msg("%s: %u", vector->name, response.status);
        wire_response_free(&response);
        wire_close(&wire);
    }
    assert_int_equal(service->log_length, 0);
    service_stop(service);
}

static void sizes_are_limited(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    struct buffer request = {0};
    assert_int_equal(buffer_append_text(&request, "GET /"), OK);
    for (unsigned i = 0; i < 5000; i++)
        assert_int_equal(buffer_append_text(&request, "a"), OK);
    assert_int_equal(buffer_append(&request, bytes_of("", 1)), OK);
    assert_refused(service, (const char *)request.data, HTTP_PROBLEM_TARGET_TOO_LONG, false);
    buffer_clear(&request);
    assert_int_equal(buffer_append_text(&request, "GET /hello HTTP/1.1\r\nHost: a\r\n"), OK);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(buffer_append_text(&request, "X: y\r\n"), OK);
    assert_int_equal(buffer_append(&request, bytes_of("\r\n", 3)), OK);
    assert_refused(service, (const char *)request.data, HTTP_PROBLEM_HEADERS_TOO_LARGE, false);
    assert_refused(service, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n",
                   HTTP_PROBLEM_BODY_TOO_LARGE, false);
    assert_refused(service, "POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n",
                   HTTP_PROBLEM_BODY_TOO_LARGE, false);
    assert_refused(service, "POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n",
                   HTTP_PROBLEM_NOT_FOUND, false);
    assert_refused(service, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n",
                   HTTP_PROBLEM_BODY_TOO_LARGE, false);
    buffer_free(&request);
    service_stop(service);
}

static void a_refusal_reaches_a_caller_that_goes_on_sending(void **state)
{
    (void)state;
    static uint8_t piece[20000];
    struct service *service = start(NULL);
    struct wire wire;
    wire_open(&wire, service->port);
    assert_true(wire_send_text(&wire, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n"));
    for (unsigned i = 0; i < 10; i++) { /* a connection closed over unread bytes would be reset */
        poll(NULL, 0, 2);
        assert_true(wire_send(&wire, bytes_of(piece, sizeof piece)));
    }
    assert_int_equal(wire_read_status(&wire), 413);
    assert_true(wire_is_at_end(&wire));
    wire_close(&wire);
    service_stop(service);
}

static void a_caller_that_never_stops_sending_is_not_listened_to_for_ever(void **state)
{
    (void)state;
    static uint8_t piece[100000];
    struct service *service = start(NULL);
    struct wire wire;
    wire_open(&wire, service->port);
    assert_true(wire_send_text(&wire, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 900000000\r\n\r\n"));
    unsigned sent = 0;
    while (sent < 1000 && wire_send(&wire, bytes_of(piece, sizeof piece)))
        sent++;
    assert_true(sent < 1000);
    wire_close(&wire);
    service_stop(service);
}

static void a_large_body_is_taken_where_the_route_allows_it(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    struct buffer request = {0};
    struct wire wire;
    wire_open(&wire, service->port);
    assert_int_equal(
        buffer_append_text(&request, "POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n"),
        OK);
    for (unsigned i = 0; i < 1048576; i++)
        assert_int_equal(buffer_append_text(&request, "x"), OK);
    assert_true(wire_send(&wire, buffer_bytes(&request)));
    struct wire_response response = {0};
    assert_true(wire_read(&wire, &response, false));
    assert_body(&response, "1048576");
    buffer_free(&request);
    wire_response_free(&response);
    wire_close(&wire);
    service_stop(service);
}

static void a_caller_that_waits_is_told_to_continue(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    struct wire wire;
    wire_open(&wire, service->port);
    assert_true(wire_send_text(
        &wire, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
    struct wire_response response = {0};
    assert_true(wire_read(&wire, &response, true));
    assert_int_equal(response.status, 100);
    assert_true(wire_send_text(&wire, "hello"));
    assert_true(wire_read(&wire, &response, false));
    assert_int_equal(response.status, 200);
    assert_body(&response, "hello");
    wire_response_free(&response);
    wire_close(&wire);
    service_stop(service);
}

static void a_caller_that_waits_is_refused_before_it_sends_the_body(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    assert_refused(service,
                   "POST /nowhere HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
                   HTTP_PROBLEM_NOT_FOUND, false);
    assert_refused(service,
                   "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 70000\r\n\r\n",
                   HTTP_PROBLEM_BODY_TOO_LARGE, false);
    service_stop(service);
}

static void a_head_is_a_get_without_its_body(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    struct wire wire;
    struct wire_response response = {0};
    wire_open(&wire, service->port);
    assert_true(wire_send_text(&wire, "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(wire_read(&wire, &response, true));
    assert_int_equal(response.status, 200);
    assert_true(wire_response_has(&response, "Content-Length: 5\r\n"));
    assert_true(wire_send_text(&wire, "HEAD /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(wire_read(&wire, &response, true));
    assert_int_equal(response.status, 404);
    wire_response_free(&response);
    response = ask(&wire, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_body(&response, "hello");
    wire_response_free(&response);
    wire_close(&wire);
    service_stop(service);
}

static void a_connection_ends_when_either_side_says_so(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /hello HTTP/1.0\r\n\r\n",
        "GET /last HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    struct service *service = start(NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
        struct wire wire;
        wire_open(&wire, service->port);
        struct wire_response response = ask(&wire, requests[i]);
        assert_int_equal(response.status, 200);
        assert_true(wire_response_has(&response, "Connection: close\r\n"));
        assert_true(wire_is_at_end(&wire));
        wire_response_free(&response);
        wire_close(&wire);
    }
    struct wire wire;
    wire_open(&wire, service->port);
    struct wire_response response = ask(&wire, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_true(wire_response_has(&response, "Connection: keep-alive\r\n"));
    wire_response_free(&response);
    response = ask(&wire, "GET /hello HTTP/1.0\r\n\r\n");
    assert_int_equal(response.status, 200);
    wire_response_free(&response);
    wire_close(&wire);
    service_stop(service);
}

static void a_connection_serves_no_more_requests_than_its_limit(void **state)
{
    (void)state;
    struct http_limits limits = http_default_limits;
    limits.requests_per_connection = 3;
    struct service *service = start(&limits);
    struct wire wire;
    wire_open(&wire, service->port);
    for (unsigned i = 0; i < 3; i++) {
        struct wire_response response = ask(&wire, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(response.keep_alive, i < 2);
        wire_response_free(&response);
    }
    assert_true(wire_is_at_end(&wire));
    wire_close(&wire);
    service_stop(service);
}

static void a_caller_that_has_finished_sending_still_gets_its_answer(void **state)
{
    (void)state;
    static const char *const paths[] = {"/echo", "/later"};
    struct service *service = start(NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        struct wire wire;
        char request[128];
        snprintf(request, sizeof request, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
                 paths[i]);
        wire_open(&wire, service->port);
        assert_true(wire_send_text(&wire, request));
        shutdown(wire.fd, SHUT_WR);
        assert_int_equal(wire_read_status(&wire), 200);
        assert_true(wire_is_at_end(&wire));
        wire_close(&wire);
    }
    service_stop(service);
}

static void a_request_that_breaks_off_reaches_no_handler(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "GET /hello HTTP/1.1\r\nHost: a\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    };
    struct service *service = start(NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        struct wire wire;
        wire_open(&wire, service->port);
        assert_true(wire_send_text(&wire, parts[i]));
        shutdown(wire.fd, SHUT_WR);
        assert_true(wire_is_at_end(&wire));
        wire_close(&wire);
    }
    assert_int_equal(service->log_length, 0);
    service_stop(service);
}

/* Sends what keeps the head unfinished, a byte at a time, until the server has had enough. */
static void a_head_that_drips_is_cut_off_after_its_time(void **state)
{
    (void)state;
    struct http_limits limits = http_default_limits;
    limits.header_time = 300;
    struct service *service = start(&limits);
    struct wire wire;
    wire_open(&wire, service->port);
    assert_true(wire_send_text(&wire, "GET /hello HTTP/1.1\r\nHost: a\r\nX: "));
    int64_t begun = monotonic_microseconds();
    while (wire_is_silent(&wire, 20) && monotonic_microseconds() - begun < 3000000)
        wire_send_text(&wire, "a");
    assert_int_equal(wire_read_status(&wire), 408);
    int64_t took = monotonic_microseconds() - begun;
    assert_true(took >= 300000 && took < 2000000);
    wire_close(&wire);
    assert_int_equal(service_metrics(service).connections_timed_out, 1);
    service_stop(service);
}

static void a_body_that_drips_is_cut_off_after_its_time(void **state)
{
    (void)state;
    struct http_limits limits = http_default_limits;
    limits.body_time = 300;
    struct service *service = start(&limits);
    struct wire wire;
    wire_open(&wire, service->port);
    assert_true(wire_send_text(&wire, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n"));
    int64_t begun = monotonic_microseconds();
    while (wire_is_silent(&wire, 20) && monotonic_microseconds() - begun < 3000000)
        wire_send_text(&wire, "a");
    assert_int_equal(wire_read_status(&wire), 408);
    wire_close(&wire);
    service_stop(service);
}

static void an_idle_connection_is_ended_and_not_before_its_time(void **state)
{
    (void)state;
    struct http_limits limits = http_default_limits;
    limits.idle_time = 400;
    struct service *service = start(&limits);
    struct wire wire, mute;
    wire_open(&wire, service->port);
    wire_open(&mute, service->port);
    struct wire_response response = ask(&wire, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    wire_response_free(&response);
    assert_true(wire_is_silent(&wire, 200));
    assert_true(wire_is_at_end(&wire));
    assert_true(wire_is_at_end(&mute));
    wire_close(&wire);
    wire_close(&mute);
    service_stop(service);
}

static void a_caller_that_takes_no_answer_is_cut_off_after_its_time(void **state)
{
    (void)state;
    struct http_limits limits = http_default_limits;
    limits.write_time = 300;
    struct service *service = start(&limits);
    struct wire wire;
    wire_open(&wire, service->port);
    assert_true(wire_send_text(&wire, "GET /size/15000000 HTTP/1.1\r\nHost: a\r\n\r\n"));
    struct http_metrics metrics;
    for (unsigned i = 0; i < 100; i++) {
        metrics = service_metrics(service);
        if (metrics.connections_open == 0 && metrics.connections_accepted == 1)
            break;
        poll(NULL, 0, 20);
    }
    assert_int_equal(metrics.connections_open, 0);
    assert_int_equal(metrics.connections_timed_out, 1);
    wire_close(&wire);
    service_stop(service);
}

static void a_large_answer_arrives_whole_and_the_next_one_after_it(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    struct wire wire;
    struct wire_response response = {0};
    wire_open(&wire, service->port);
    assert_true(wire_send_text(&wire, "GET /size/9000000 HTTP/1.1\r\nHost: a\r\n\r\n"
                                      "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    poll(NULL, 0, 50); /* the socket's buffers are full by now */
    assert_true(wire_read(&wire, &response, false));
    assert_int_equal(response.body.length, 9000000);
    assert_true(wire_read(&wire, &response, false));
    assert_body(&response, "hello");
    wire_response_free(&response);
    wire_close(&wire);
    service_stop(service);
}

static void nothing_is_read_while_an_answer_is_pending(void **state)
{
    (void)state;
    static uint8_t flood[1 << 20];
    struct service *service = start(NULL);
    struct wire wire;
    wire_open(&wire, service->port);
    assert_true(wire_send_text(&wire, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
    service_wait_for_held(service, 1);
    memset(flood, '\n', sizeof flood);
    uint64_t before = service_metrics(service).bytes_in, sent = 0;
    for (;;) {
        ssize_t got = send(wire.fd, flood, sizeof flood, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (got <= 0)
            break;
        sent += (uint64_t)got;
        poll(NULL, 0, 5);
    }
    assert_true(sent > 0);
    clock_t busy = clock();
    poll(NULL, 0, 200);
    assert_true(clock() - busy < CLOCKS_PER_SEC / 20); /* nor looked at again and again */
    assert_int_equal(service_metrics(service).bytes_in, before);
    service_release(service, 1);
    assert_int_equal(wire_read_status(&wire), 200);
    assert_true(service_saw_caller(service));
    wire_close(&wire);
    service_stop(service);
}

static void an_answer_to_a_caller_that_has_gone_is_dropped(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    for (unsigned i = 0; i < 2; i++) {
        struct wire wire;
        wire_open(&wire, service->port);
        assert_true(
            wire_send_text(&wire, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"));
        service_wait_for_held(service, 1);
        if (i == 0)
            wire_reset(&wire);
        else
            wire_close(&wire);
        poll(NULL, 0, 20);
        service_release(service, 1);
    }
    struct wire wire;
    wire_open(&wire, service->port);
    struct wire_response response = ask(&wire, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(response.status, 200);
    wire_response_free(&response);
    wire_close(&wire);
    service_stop(service);
}

static void a_ticket_can_be_used_once(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    struct wire wire;
    wire_open(&wire, service->port);
    assert_true(wire_send_text(&wire, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
    service_wait_for_held(service, 1);
    struct http_ticket ticket = service->held[0];
    service_release(service, 1);
    assert_false(http_ticket_post(ticket, NULL, NULL));
    assert_int_equal(wire_read_status(&wire), 200);
    /* The same memory serves the next request: the old ticket must not answer it. */
    assert_true(wire_send_text(&wire, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
    service_wait_for_held(service, 1);
    assert_ptr_equal(service->held[0].request, ticket.request);
    assert_false(http_ticket_post(ticket, NULL, NULL));
    assert_true(wire_is_silent(&wire, 20));
    service_release(service, 1);
    assert_int_equal(wire_read_status(&wire), 200);
    wire_close(&wire);
    service_stop(service);
}

static void an_answer_that_takes_too_long_is_a_503_and_comes_to_nothing_later(void **state)
{
    (void)state;
    struct http_limits limits = http_default_limits;
    limits.answer_time = 300;
    struct service *service = start(&limits);
    struct wire wire;
    wire_open(&wire, service->port);
    assert_true(wire_send_text(&wire, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"));
    assert_int_equal(wire_read_status(&wire), 503);
    assert_true(wire_is_at_end(&wire));
    wire_close(&wire);
    poll(NULL, 0, 600); /* the connection itself is swept away */
    assert_int_equal(service_metrics(service).requests_in_work, 1);
    service_release(service, 1);
    for (unsigned i = 0; i < 100 && service_metrics(service).answers_dropped == 0; i++)
        poll(NULL, 0, 10);
    assert_int_equal(service_metrics(service).answers_dropped, 1);
    assert_int_equal(service_metrics(service).requests_in_work, 0);
    assert_false(service_saw_caller(service));
    service_stop(service);
}

static void a_caller_over_its_rate_is_told_when_to_come_back(void **state)
{
    (void)state;
    struct http_limits limits = http_default_limits;
    limits.requests_per_second = 1;
    limits.burst = 2;
    struct service *service = start(&limits);
    struct wire wire;
    wire_open(&wire, service->port);
    for (unsigned i = 0; i < 2; i++) {
        struct wire_response response = ask(&wire, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(response.status, 200);
        wire_response_free(&response);
    }
    struct wire_response response = ask(&wire, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(response.status, 429);
    assert_true(response.keep_alive);
    assert_true(wire_response_has(&response, "Retry-After: 1\r\n"));
    wire_response_free(&response);
    wire_close(&wire);
    service_stop(service);
}

static void beyond_the_connection_limit_the_longest_idle_one_makes_room(void **state)
{
    (void)state;
    struct http_limits limits = http_default_limits;
    limits.connections = 2;
    struct service *service = start(&limits);
    struct wire first, second, third;
    wire_open(&first, service->port);
    struct wire_response response = ask(&first, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    wire_response_free(&response);
    wire_open(&second, service->port);
    response = ask(&second, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    wire_response_free(&response);
    wire_open(&third, service->port);
    response = ask(&third, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(response.status, 200);
    wire_response_free(&response);
    assert_true(wire_is_at_end(&first));
    response = ask(&second, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(response.status, 200);
    wire_response_free(&response);
    wire_close(&first);
    wire_close(&second);
    wire_close(&third);
    service_stop(service);
}

static void busy_connections_make_no_room_for_more(void **state)
{
    (void)state;
    struct http_limits limits = http_default_limits;
    limits.connections = 1;
    struct service *service = start(&limits);
    struct wire first, second;
    wire_open(&first, service->port);
    assert_true(wire_send_text(&first, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
    service_wait_for_held(service, 1);
    wire_open(&second, service->port);
    assert_true(wire_is_at_end(&second));
    assert_int_equal(service_metrics(service).connections_refused, 1);
    service_release(service, 1);
    assert_int_equal(wire_read_status(&first), 200);
    wire_close(&first);
    wire_close(&second);
    service_stop(service);
}

static void a_peer_has_no_more_connections_than_its_limit(void **state)
{
    (void)state;
    struct http_limits limits = http_default_limits;
    limits.connections_per_peer = 2;
    struct service *service = start(&limits);
    struct wire wires[3];
    for (unsigned i = 0; i < 3; i++)
        wire_open(&wires[i], service->port);
    assert_true(wire_is_at_end(&wires[2]));
    wire_close(&wires[0]);
    wire_close(&wires[2]);
    struct wire again = {.fd = -1};
    for (unsigned i = 0; i < 100; i++) { /* until the server has seen the first one go */
        wire_open(&again, service->port);
        if (wire_is_silent(&again, 20))
            break;
        wire_close(&again);
    }
    struct wire_response response = ask(&again, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(response.status, 200);
    wire_response_free(&response);
    wire_close(&again);
    wire_close(&wires[1]);
    service_stop(service);
}

static void without_file_descriptors_callers_wait_until_there_are_some(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    struct rlimit before, tight;
    struct wire wire;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    wire_open(&wire, service->port);
    struct wire_response response = ask(&wire, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    wire_response_free(&response);
    struct wire late = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    int next = dup(0);
    assert_true(next >= 0);
    close(next);
    tight = before;
    tight.rlim_cur = (rlim_t)next; /* no descriptor from here on */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(service->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(late.fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_true(wire_send_text(&late, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(wire_is_silent(&late, 50));
    response = ask(&wire, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"); /* those that are in go on */
    assert_int_equal(response.status, 200);
    wire_response_free(&response);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(wire_read_status(&late), 200);
    wire_close(&late);
    wire_close(&wire);
    service_stop(service);
}

struct stopping {
    struct service *service;
    int64_t took;
};

static void *stop(void *argument)
{
    struct stopping *stopping = argument;
    int64_t begun = monotonic_microseconds();
    http_server_stop(stopping->service->server, 3000);
    stopping->took = monotonic_microseconds() - begun;
    return NULL;
}

static void stopping_lets_requests_in_work_finish_and_ends_idle_connections(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    struct wire busy, idle, late;
    wire_open(&busy, service->port);
    wire_open(&idle, service->port);
    wire_open(&late, service->port);
    assert_true(wire_send_text(&busy, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
    service_wait_for_held(service, 1);
    assert_true(wire_send_text(&late, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel"));
    poll(NULL, 0, 50);
    struct stopping stopping = {service, 0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop, &stopping), 0);
    assert_true(wire_is_at_end(&idle));
    assert_true(wire_send_text(&late, "lo"));
    assert_int_equal(wire_read_status(&late), 200);
    assert_true(wire_is_at_end(&late));
    assert_true(wire_is_silent(&busy, 100));
    service_release(service, 1);
    struct wire_response response = {0};
    assert_true(wire_read(&busy, &response, false));
    assert_body(&response, "released");
    assert_false(response.keep_alive);
    wire_response_free(&response);
    assert_true(wire_is_at_end(&busy));
    wire_close(&busy);
    wire_close(&idle);
    wire_close(&late);
    pthread_join(thread, NULL);
    assert_true(stopping.took < 2000000);
    service_stop(service);
}

static void stopping_does_not_wait_beyond_its_time(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    struct wire wire;
    wire_open(&wire, service->port);
    assert_true(wire_send_text(&wire, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
    service_wait_for_held(service, 1);
    int64_t begun = monotonic_microseconds();
    http_server_stop(service->server, 200);
    assert_int_equal(http_server_start(service->server), ERR_WRONG_STATE);
    int64_t took = monotonic_microseconds() - begun;
    assert_true(took >= 190000 && took < 2000000);
    assert_true(wire_is_at_end(&wire));
    service_release(service, 1); /* comes to nothing */
    wire_close(&wire);
    service_stop(service);
}

static void an_address_in_use_is_not_shared_with_another_server(void **state)
{
    (void)state;
    struct service *service = start(NULL);
    struct http_server_settings settings = {.loops = 1, .limits = http_default_limits};
    struct http_server *second;
    assert_int_equal(http_server_new(&settings, &second), OK);
    struct http_listener_settings listener = {
        .address = "127.0.0.1", .port = service->port, .router = service->router};
    assert_int_equal(http_server_listen(second, &listener, NULL), ERR_EXISTS);
    listener.address = "localhost";
    assert_int_equal(http_server_listen(second, &listener, NULL), ERR_MALFORMED);
    http_server_free(second);
    service_stop(service);
}

static void limits_that_cannot_hold_are_refused(void **state)
{
    (void)state;
    struct http_server_settings settings = {.loops = 1, .limits = http_default_limits};
    struct http_server *server;
    settings.limits.header_count = HTTP_MAX_HEADERS + 1;
    assert_int_equal(http_server_new(&settings, &server), ERR_RANGE);
    settings.limits = http_default_limits;
    settings.limits.header_bytes = 70000;
    assert_int_equal(http_server_new(&settings, &server), ERR_RANGE);
    settings.limits = (struct http_limits){0};
    assert_int_equal(http_server_new(&settings, &server), ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_serves_one_request_after_another),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(thousands_of_requests_in_one_go_are_all_answered),
        cmocka_unit_test(a_request_that_arrives_byte_by_byte_is_served),
        cmocka_unit_test(a_request_cut_in_two_anywhere_is_served),
        cmocka_unit_test(what_cannot_be_routed_is_a_problem_and_the_connection_lives),
        cmocka_unit_test(a_wrong_method_is_told_the_right_ones),
        cmocka_unit_test(parameters_reach_the_handler_decoded),
        cmocka_unit_test(whatever_could_smuggle_a_request_ends_the_connection),
        cmocka_unit_test(sizes_are_limited),
        cmocka_unit_test(a_refusal_reaches_a_caller_that_goes_on_sending),
        cmocka_unit_test(a_caller_that_never_stops_sending_is_not_listened_to_for_ever),
        cmocka_unit_test(a_large_body_is_taken_where_the_route_allows_it),
        cmocka_unit_test(a_caller_that_waits_is_told_to_continue),
        cmocka_unit_test(a_caller_that_waits_is_refused_before_it_sends_the_body),
        cmocka_unit_test(a_head_is_a_get_without_its_body),
        cmocka_unit_test(a_connection_ends_when_either_side_says_so),
        cmocka_unit_test(a_connection_serves_no_more_requests_than_its_limit),
        cmocka_unit_test(a_caller_that_has_finished_sending_still_gets_its_answer),
        cmocka_unit_test(a_request_that_breaks_off_reaches_no_handler),
        cmocka_unit_test(a_head_that_drips_is_cut_off_after_its_time),
        cmocka_unit_test(a_body_that_drips_is_cut_off_after_its_time),
        cmocka_unit_test(an_idle_connection_is_ended_and_not_before_its_time),
        cmocka_unit_test(a_caller_that_takes_no_answer_is_cut_off_after_its_time),
        cmocka_unit_test(a_large_answer_arrives_whole_and_the_next_one_after_it),
        cmocka_unit_test(nothing_is_read_while_an_answer_is_pending),
        cmocka_unit_test(an_answer_to_a_caller_that_has_gone_is_dropped),
        cmocka_unit_test(a_ticket_can_be_used_once),
        cmocka_unit_test(an_answer_that_takes_too_long_is_a_503_and_comes_to_nothing_later),
        cmocka_unit_test(a_caller_over_its_rate_is_told_when_to_come_back),
        cmocka_unit_test(beyond_the_connection_limit_the_longest_idle_one_makes_room),
        cmocka_unit_test(busy_connections_make_no_room_for_more),
        cmocka_unit_test(a_peer_has_no_more_connections_than_its_limit),
        cmocka_unit_test(without_file_descriptors_callers_wait_until_there_are_some),
        cmocka_unit_test(stopping_lets_requests_in_work_finish_and_ends_idle_connections),
        cmocka_unit_test(stopping_does_not_wait_beyond_its_time),
        cmocka_unit_test(an_address_in_use_is_not_shared_with_another_server),
        cmocka_unit_test(limits_that_cannot_hold_are_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
