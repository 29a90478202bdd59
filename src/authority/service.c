#include "authority/service.h"

#include <stdlib.h>

#include "authority/endpoints.h"
#include "authority/holdings.h"
#include "http/server.h"

enum { STOP_MS = 3000, ANSWER_MS = 90000 };

struct authority_service {
    struct authority *authority;
    struct desk *desk;
    struct http_router *router;
    struct http_server *server;
    struct authority_settings settings;
};

static const char *code_of(enum http_problem problem)
{
    switch (problem) {
    case HTTP_PROBLEM_UNAUTHENTICATED:
        return "certificate_needed";
    case HTTP_PROBLEM_NOT_FOUND:
    case HTTP_PROBLEM_METHOD_NOT_ALLOWED:
        return "no_such_endpoint";
    case HTTP_PROBLEM_BODY_TOO_LARGE:
        return "too_large";
    case HTTP_PROBLEM_UNAVAILABLE:
        return "unavailable";
    case HTTP_PROBLEM_INTERNAL:
        return "internal";
    default:
        return "malformed_http";
    }
}

static void write_problem(void *context, struct http_request *request, enum http_problem problem,
                          struct http_response *response)
{
    (void)context;
    char *text =
        region_printf(request->region,
                      "{\"type\": \"urn:shikaku:authority:problem:%s\", \"status\": %u, \"code\": \"%s\", "
                      "\"title\": \"The request was refused before it reached the authority's desk.\"}\n",
                      code_of(problem), response->status, code_of(problem));
    if (!text)
        return;
    response->content_type = "application/problem+json";
    response->body = bytes_of_text(text);
}

static enum status make_tls(const char *directory, SSL_CTX **out)
{
    char *certificate = path_in(directory, "server.crt"), *key = path_in(directory, "server.key");
    char *machines = path_in(directory, "public/machine-ca.pem");
    const struct tls_server_settings settings = {
        .certificate_file = certificate,
        .key_file = key,
        .client = TLS_CLIENT_REQUIRED,
        .client_ca_file = machines,
    };
    enum status status = certificate && key && machines ? tls_server_context(&settings, out) : ERR_NO_MEMORY;
    free(certificate);
    free(key);
    free(machines);
    return status;
}

static enum status listen_on(struct authority_service *service, const char *directory)
{
    struct http_listener_settings listener = {
        .address = service->settings.address, .port = service->settings.port, .router = service->router};
    unsigned number;
    enum status status = make_tls(directory, &listener.tls);
    if (status == OK)
        status = http_server_listen(service->server, &listener, &number);
    if (status == OK)
        service->settings.port = http_server_port(service->server, number);
    return status == OK ? http_server_start(service->server) : status;
}

static enum status start(struct authority_service *service, const char *directory, const struct clock *clock)
{
    struct http_server_settings server = {
        .loops = 1, .limits = http_default_limits, .problem_writer = write_problem};
    server.limits.answer_time = ANSWER_MS; /* longer than anybody waits for the feed */
    enum status status = authority_settings_load(directory, &service->settings);
    if (status == OK)
        status = authority_open(directory, clock, &service->authority);
    if (status == OK)
        status = desk_open(service->authority, clock, &service->desk);
    if (status == OK)
        status = authority_router_new(service->desk, &service->router);
    if (status == OK)
        status = http_server_new(&server, &service->server);
    return status == OK ? listen_on(service, directory) : status;
}

enum status authority_service_start(const char *directory, const struct clock *clock,
                                    struct authority_service **out)
{
    struct authority_service *service = calloc(1, sizeof(*service));
    if (!service)
        return ERR_NO_MEMORY;
    enum status status = start(service, directory, clock);
    if (status != OK)
        authority_service_stop(service);
    else
        *out = service;
    return status;
}

const struct authority_settings *authority_service_settings(const struct authority_service *service)
{
    return &service->settings;
}

void authority_service_stop(struct authority_service *service)
{
    if (!service)
        return;
    if (service->desk)
        desk_release(service->desk);
    if (service->server)
        http_server_stop(service->server, STOP_MS);
    desk_close(service->desk);
    http_server_free(service->server);
    http_router_free(service->router);
    authority_close(service->authority);
    free(service);
}
