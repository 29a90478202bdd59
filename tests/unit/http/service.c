#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "service.h"

#include <stdio.h>
#include <string.h>

static void note(struct service *service, const struct http_request *request)
{
    pthread_mutex_lock(&service->lock);
    int length =
        snprintf(service->log + service->log_length, sizeof service->log - service->log_length, "%s %.*s\n",
                 method_name(request->method), (int)request->path.length, request->path.data);
    if (length > 0 && service->log_length + (size_t)length < sizeof service->log)
        service->log_length += (size_t)length;
    pthread_mutex_unlock(&service->lock);
}

static void answer_hello(struct http_request *request, void *context)
{
    note(context, request);
    http_answer_with(request, 200, "text/plain", bytes_of_text("hello"));
}

static void answer_echo(struct http_request *request, void *context)
{
    note(context, request);
    http_answer_with(request, 200, "application/octet-stream", request->body);
}

static void answer_item(struct http_request *request, void *context)
{
    note(context, request);
    http_answer_with(request, 200, "text/plain", request->parameters[0]);
}

static void answer_size(struct http_request *request, void *context)
{
    note(context, request);
    char digits[16] = "";
    struct bytes text = request->parameters[0];
    if (text.length < sizeof digits)
        memcpy(digits, text.data, text.length);
    size_t size = strtoul(digits, NULL, 10);
    uint8_t *body = region_alloc(request->region, size);
    if (body)
        memset(body, 'x', size);
    http_answer_with(request, body ? 200 : 500, "text/plain", bytes_of(body, body ? size : 0));
}

static void answer_large(struct http_request *request, void *context)
{
    note(context, request);
    const char *length = region_printf(request->region, "%zu", request->body.length);
    http_answer_with(request, 200, "text/plain", bytes_of_text(length));
}

static void answer_nothing(struct http_request *request, void *context)
{
    note(context, request);
}

static void answer_split(struct http_request *request, void *context)
{
    note(context, request);
    struct http_header header = {bytes_of_text("X-Name"), bytes_of_text("a\r\nX-Injected: b")};
    http_answer(request, &(struct http_response){.status = 200, .headers = &header, .header_count = 1});
}

static void answer_whoami(struct http_request *request, void *context)
{
    note(context, request);
    http_answer_with(request, 200, "text/plain", bytes_of_text(request->peer->identity.subject.code));
}

static void answer_last(struct http_request *request, void *context)
{
    note(context, request);
    http_answer(request, &(struct http_response){.status = 200, .close = true});
}

static void finish_echo(struct http_request *request, void *argument)
{
    struct service *service = argument;
    pthread_mutex_lock(&service->lock);
    service->connected = http_request_is_connected(request);
    pthread_mutex_unlock(&service->lock);
    http_answer_with(request, 200, "application/octet-stream", request->body);
}

static void answer_later(struct http_request *request, void *context)
{
    struct service *service = context;
    note(service, request);
    pthread_mutex_lock(&service->lock);
    service->later[service->later_count++ % ARRAY_LENGTH(service->later)] = http_request_keep(request);
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
}

static void *run_answerer(void *argument)
{
    struct service *service = argument;
    size_t done = 0;
    pthread_mutex_lock(&service->lock);
    while (!service->ending) {
        if (done == service->later_count) {
            pthread_cond_wait(&service->changed, &service->lock);
            continue;
        }
        struct http_ticket ticket = service->later[done++ % ARRAY_LENGTH(service->later)];
        pthread_mutex_unlock(&service->lock);
        http_ticket_post(ticket, finish_echo, service);
        pthread_mutex_lock(&service->lock);
    }
    pthread_mutex_unlock(&service->lock);
    return NULL;
}

static void finish_released(struct http_request *request, void *argument)
{
    struct service *service = argument;
    pthread_mutex_lock(&service->lock);
    service->connected = http_request_is_connected(request);
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
    http_answer_with(request, 200, "text/plain", bytes_of_text("released"));
}

static void answer_hold(struct http_request *request, void *context)
{
    struct service *service = context;
    note(service, request);
    pthread_mutex_lock(&service->lock);
    assert_true(service->held_count < MOST_HELD);
    service->held[service->held_count++] = http_request_keep(request);
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
}

static void write_problem(void *context, struct http_request *request, enum http_problem problem,
                          struct http_response *response)
{
    (void)context;
    const char *text = region_printf(request->region, "{\"problem\":%d}", (int)problem);
    response->content_type = "application/problem+json";
    response->body = bytes_of_text(text);
}

static void make_router(struct service *service)
{
    const struct http_route routes[] = {
        {METHOD_GET, "/hello", answer_hello, service, 0, false},
        {METHOD_POST, "/echo", answer_echo, service, 0, false},
        {METHOD_GET, "/items/{id}", answer_item, service, 0, false},
        {METHOD_GET, "/size/{n}", answer_size, service, 0, false},
        {METHOD_POST, "/large", answer_large, service, (size_t)1 << 20, false},
        {METHOD_GET, "/none", answer_nothing, service, 0, false},
        {METHOD_GET, "/split", answer_split, service, 0, false},
        {METHOD_GET, "/whoami", answer_whoami, service, 0, true},
        {METHOD_GET, "/last", answer_last, service, 0, false},
        {METHOD_POST, "/later", answer_later, service, 0, false},
        {METHOD_POST, "/hold", answer_hold, service, 0, false},
    };
    assert_int_equal(http_router_new(routes, ARRAY_LENGTH(routes), &service->router), OK);
}

static void listen_tls(struct service *service, const struct identities *identities,
                       enum tls_client_certificate client)
{
    struct http_listener_settings listener = {.address = "127.0.0.1", .router = service->router};
    struct tls_server_settings settings = {.certificate_file = identities->server_certificate,
                                           .key_file = identities->server_key,
                                           .client = client,
                                           .client_ca_file = identities->machine_ca};
    assert_int_equal(tls_server_context(&settings, &listener.tls), OK);
    assert_int_equal(http_server_listen(service->server, &listener, &service->tls_listener), OK);
    service->tls_port = http_server_port(service->server, service->tls_listener);
}

struct service *service_start(const struct http_limits *limits, unsigned loops,
                              const struct identities *identities, enum tls_client_certificate client)
{
    struct service *service = calloc(1, sizeof *service);
    assert_non_null(service);
    pthread_mutex_init(&service->lock, NULL);
    pthread_cond_init(&service->changed, NULL);
    make_router(service);
    struct http_server_settings settings = {
        .loops = loops, .limits = *limits, .problem_writer = write_problem};
    assert_int_equal(http_server_new(&settings, &service->server), OK);
    struct http_listener_settings plain = {.address = "127.0.0.1", .router = service->router};
    unsigned listener;
    assert_int_equal(http_server_listen(service->server, &plain, &listener), OK);
    service->port = http_server_port(service->server, listener);
    if (identities)
        listen_tls(service, identities, client);
    assert_int_equal(http_server_start(service->server), OK);
    assert_int_equal(pthread_create(&service->answerer, NULL, run_answerer, service), 0);
    return service;
}

void service_wait_for_held(struct service *service, size_t n)
{
    pthread_mutex_lock(&service->lock);
    while (service->held_count < n)
        pthread_cond_wait(&service->changed, &service->lock);
    pthread_mutex_unlock(&service->lock);
}

void service_release(struct service *service, size_t n)
{
    struct http_ticket held[MOST_HELD];
    service_wait_for_held(service, n);
    pthread_mutex_lock(&service->lock);
    size_t count = service->held_count;
    memcpy(held, service->held, count * sizeof held[0]);
    service->held_count = 0;
    pthread_mutex_unlock(&service->lock);
    for (size_t i = 0; i < count; i++)
        assert_true(http_ticket_post(held[i], finish_released, service));
}

bool service_saw_caller(struct service *service)
{
    pthread_mutex_lock(&service->lock);
    bool connected = service->connected;
    pthread_mutex_unlock(&service->lock);
    return connected;
}

void service_stop(struct service *service)
{
    http_server_stop(service->server, 1000);
    pthread_mutex_lock(&service->lock);
    service->ending = true;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
    pthread_join(service->answerer, NULL);
    http_server_free(service->server);
    http_router_free(service->router);
    pthread_cond_destroy(&service->changed);
    pthread_mutex_destroy(&service->lock);
    free(service);
}

struct http_metrics service_metrics(const struct service *service)
{
    struct http_metrics metrics;
    http_server_metrics(service->server, &metrics);
    return metrics;
}
