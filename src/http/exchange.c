#include "http/exchange.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "http/loop_state.h"
#include "http/percent.h"

enum { KEPT_OUTPUT = 262144 /* an output buffer that one answer made larger is given back */ };

static struct exchange *exchange_of(struct http_request *request)
{
    return (struct exchange *)request;
}

/* Unique over restarts by its first half, within a loop by the second. */
static void write_id(struct http_loop *loop, char id[HTTP_REQUEST_ID_LENGTH + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t halves[2] = {loop->id_prefix, loop->id_count++};
    for (unsigned i = 0; i < HTTP_REQUEST_ID_LENGTH; i++)
        id[i] = digits[halves[i / 16] >> (60 - 4 * (i % 16)) & 15];
    id[HTTP_REQUEST_ID_LENGTH] = '\0';
}

static struct exchange *exchange_new(struct http_loop *loop)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return NULL;
    if (reader_open(&exchange->reader, &loop->server->limits) != OK) {
        free(exchange);
        return NULL;
    }
    exchange->region.limit = loop->server->limits.request_memory;
    atomic_init(&exchange->ticket, 0);
    exchange->next_of_all = loop->exchanges;
    loop->exchanges = exchange;
    return exchange;
}

void exchange_free(struct exchange *exchange)
{
    reader_close(&exchange->reader);
    region_free(&exchange->region);
    free(exchange);
}

struct exchange *exchange_acquire(struct connection *connection)
{
    struct http_loop *loop = connection->loop;
    struct exchange *exchange = loop->pool;
    if (exchange)
        loop->pool = exchange->next_free;
    else if (!(exchange = exchange_new(loop)))
        return NULL;
    exchange->request =
        (struct http_request){.peer = &connection->peer, .region = &exchange->region, .loop = loop};
    write_id(loop, exchange->request.id);
    exchange->connection = connection;
    exchange->route = NULL;
    exchange->problem = HTTP_PROBLEM_COUNT;
    exchange->allowed = 0;
    exchange->retry_after = 0;
    exchange->is_head = false;
    exchange->keep_alive = false;
    exchange->kept = false;
    connection->exchange = exchange;
    return exchange;
}

void exchange_release(struct exchange *exchange)
{
    struct http_loop *loop = exchange->request.loop;
    if (exchange->orphan_of)
        exchange->orphan_of->orphans--;
    exchange->orphan_of = NULL;
    exchange->connection = NULL;
    exchange->uses++;
    reader_reset(&exchange->reader);
    region_reset(&exchange->region);
    exchange->next_free = loop->pool;
    loop->pool = exchange;
}

static void split_target(struct http_request *request, struct bytes target)
{
    const uint8_t *mark = memchr(target.data, '?', target.length);
    size_t path = mark ? (size_t)(mark - target.data) : target.length;
    request->path = bytes_of(target.data, path);
    request->query = bytes_from(target, path + 1);
}

static bool is_admitted(struct exchange *exchange)
{
    const struct http_peer *peer = exchange->request.peer;
    struct rate *rate = exchange->request.loop->server->rate;
    uint8_t key[RATE_KEY_LENGTH] = {0};
    if (!rate)
        return true;
    if (peer->authenticated)
        memcpy(key, peer->identity.id.bytes, sizeof key);
    else
        memcpy(key, peer->address, sizeof peer->address);
    return rate_admits(rate, key, exchange->request.received, &exchange->retry_after);
}

static enum http_problem find_route(struct exchange *exchange)
{
    struct http_request *request = &exchange->request;
    struct http_match match = http_router_find(exchange->connection->listener->router,
                                               exchange->reader.parsed.method, request->path);
    exchange->route = match.route;
    exchange->allowed = match.allowed;
    if (!match.route)
        return match.problem;
    request->method = match.route->method;
    for (size_t i = 0; i < match.parameter_count; i++)
        if (percent_decode(request->region, match.parameters[i], false, &request->parameters[i]) != OK)
            return HTTP_PROBLEM_NOT_FOUND;
    if (match.route->needs_certificate && !request->peer->authenticated)
        return HTTP_PROBLEM_UNAUTHENTICATED;
    return is_admitted(exchange) ? HTTP_PROBLEM_COUNT : HTTP_PROBLEM_TOO_MANY_REQUESTS;
}

static void answer_problem(struct exchange *exchange);

void exchange_begin(struct exchange *exchange, bool body_follows)
{
    struct reader *reader = &exchange->reader;
    const struct http_limits *limits = reader->limits;
    struct http_request *request = &exchange->request;
    request->received = monotonic_microseconds();
    request->headers = reader->headers;
    request->header_count = reader->parsed.header_count;
    split_target(request, reader->parsed.target);
    exchange->keep_alive = reader->parsed.keep_alive;
    exchange->is_head = reader->parsed.method == METHOD_HEAD;
    exchange->problem = find_route(exchange);
    bool refused = exchange->problem != HTTP_PROBLEM_COUNT;
    size_t body_limit = !refused && exchange->route->body_limit ? exchange->route->body_limit : limits->body;
    if (!refused && !reader_body_fits(reader, body_limit))
        exchange->problem = HTTP_PROBLEM_BODY_TOO_LARGE;
    reader->body_limit = body_limit;
    reader->discard = refused;
    /* A small body is read and forgotten, so that the connection lives; for a large one, or one that waits
     * for our word, there is nothing to wait for. */
    bool waits = reader->expects_continue && !body_follows;
    if (exchange->problem == HTTP_PROBLEM_BODY_TOO_LARGE ||
        (refused && reader->parsed.has_body && (waits || !reader_body_fits(reader, body_limit))))
        exchange_refuse(exchange, exchange->problem);
}

/* The handler has returned: it must have answered or kept the request. */
static void expect_answer(struct exchange *exchange, uint64_t uses)
{
    if (exchange->uses != uses || exchange->kept)
        return;
    LOG(LOG_ERROR, "http_handler_gave_no_answer");
    exchange->problem = HTTP_PROBLEM_INTERNAL;
    answer_problem(exchange);
}

void exchange_handle(struct exchange *exchange)
{
    uint64_t uses = exchange->uses;
    if (exchange->problem != HTTP_PROBLEM_COUNT) {
        answer_problem(exchange);
        return;
    }
    exchange->request.body = buffer_bytes(&exchange->reader.body);
    exchange->route->handler(&exchange->request, exchange->route->context);
    expect_answer(exchange, uses);
}

static bool ends_connection(const struct exchange *exchange, const struct http_response *response)
{
    const struct http_loop *loop = exchange->request.loop;
    size_t limit = loop->server->limits.requests_per_connection;
    return response->close || !exchange->keep_alive || loop->stopping ||
           (limit && exchange->connection->requests >= limit);
}

static void note_answer(struct exchange *exchange, unsigned status)
{
    struct counters *counters = &exchange->request.loop->counters;
    int64_t received = exchange->request.received; /* 0 when the head was refused */
    count(counters, COUNT_CLASSES + status / 100, 1);
    if (exchange->problem != HTTP_PROBLEM_COUNT)
        count(counters, COUNT_PROBLEMS + exchange->problem, 1);
    count_time(counters, received ? monotonic_microseconds() - received : 0);
}

static enum status send_answer(struct exchange *exchange, const struct http_response *response)
{
    struct http_loop *loop = exchange->request.loop;
    struct connection *connection = exchange->connection;
    bool close = ends_connection(exchange, response);
    struct response_frame frame = {.date = loop->date,
                                   .id = exchange->request.id,
                                   .keep_alive = !close,
                                   .old_version = exchange->reader.parsed.minor == 0,
                                   .head_only = exchange->is_head};
    buffer_clear(&loop->output);
    enum status status = response_encode(response, &frame, &loop->output);
    if (status != OK)
        return status;
    note_answer(exchange, response->status);
    connection->exchange = NULL;
    exchange_release(exchange);
    connection_send(connection, buffer_bytes(&loop->output), close);
    if (loop->output.capacity > KEPT_OUTPUT)
        buffer_free(&loop->output);
    return OK;
}

/* No longer the handler's to answer, now or later. */
static void take_back(struct exchange *exchange)
{
    if (!exchange->kept)
        return;
    exchange->kept = false;
    atomic_store_explicit(&exchange->ticket, 0, memory_order_relaxed);
    count(&exchange->request.loop->counters, COUNT_FINISHED, 1);
}

static void drop_answer(struct exchange *exchange)
{
    count(&exchange->request.loop->counters, COUNT_DROPPED, 1);
    exchange_release(exchange);
}

void http_answer(struct http_request *request, const struct http_response *response)
{
    struct exchange *exchange = exchange_of(request);
    assert(http_loop_is_current(request->loop));
    take_back(exchange);
    if (!exchange->connection) {
        drop_answer(exchange);
        return;
    }
    if (send_answer(exchange, response) == OK)
        return;
    LOG(LOG_ERROR, "http_answer_cannot_be_sent", log_number("http_status", response->status));
    exchange->problem = HTTP_PROBLEM_INTERNAL;
    answer_problem(exchange);
}

void http_answer_with(struct http_request *request, unsigned status, const char *content_type,
                      struct bytes body)
{
    http_answer(request,
                &(struct http_response){.status = status, .content_type = content_type, .body = body});
}

/* "GET, HEAD" */
static struct bytes list_methods(struct region *region, unsigned allowed)
{
    enum { LONGEST = 64 }; /* all the names that method_name() knows */
    char *text = region_alloc(region, LONGEST);
    if (!text)
        return (struct bytes){0};
    for (enum method method = METHOD_GET; method < METHOD_OTHER; method++) {
        if (!(allowed & 1u << method))
            continue;
        if (*text)
            strcat(text, ", ");
        strcat(text, method_name(method));
    }
    return bytes_of_text(text);
}

static size_t problem_headers(struct exchange *exchange, struct http_header headers[1])
{
    struct region *region = exchange->request.region;
    if (exchange->problem == HTTP_PROBLEM_METHOD_NOT_ALLOWED) {
        headers[0] = (struct http_header){bytes_of_text("Allow"), list_methods(region, exchange->allowed)};
        return 1;
    }
    if (exchange->problem == HTTP_PROBLEM_TOO_MANY_REQUESTS) {
        const char *seconds = region_printf(region, "%u", exchange->retry_after);
        headers[0] =
            (struct http_header){bytes_of_text("Retry-After"), bytes_of_text(seconds ? seconds : "1")};
        return 1;
    }
    return 0;
}

static void answer_problem(struct exchange *exchange)
{
    const struct http_server *server = exchange->request.loop->server;
    struct http_header headers[1];
    struct http_response response = {.status = http_problem_status(exchange->problem), .headers = headers};
    struct connection *connection = exchange->connection;
    if (!connection) {
        drop_answer(exchange);
        return;
    }
    response.header_count = problem_headers(exchange, headers);
    if (server->problem_writer)
        server->problem_writer(server->problem_context, &exchange->request, exchange->problem, &response);
    if (send_answer(exchange, &response) == OK)
        return;
    /* The writer's text cannot be sent: the status alone then. */
    response = (struct http_response){.status = http_problem_status(exchange->problem), .close = true};
    if (send_answer(exchange, &response) != OK)
        connection_close(connection);
}

void exchange_refuse(struct exchange *exchange, enum http_problem problem)
{
    exchange->problem = problem;
    exchange->keep_alive = false;
    answer_problem(exchange);
}

void exchange_orphan(struct exchange *exchange)
{
    exchange->orphan_of = exchange->connection;
    exchange->connection->orphans++;
    exchange->connection = NULL;
}

void exchange_give_up(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;
    exchange_orphan(exchange);
    connection->exchange = NULL;
    struct exchange *stand_in = exchange_acquire(connection);
    if (!stand_in) {
        connection_close(connection);
        return;
    }
    memcpy(stand_in->request.id, exchange->request.id, sizeof stand_in->request.id);
    stand_in->request.method = exchange->request.method;
    stand_in->request.received = exchange->request.received;
    stand_in->is_head = exchange->is_head;
    exchange_refuse(stand_in, HTTP_PROBLEM_UNAVAILABLE);
}

struct http_ticket http_request_keep(struct http_request *request)
{
    struct exchange *exchange = exchange_of(request);
    assert(http_loop_is_current(request->loop));
    exchange->kept = true;
    exchange->generation++;
    atomic_store_explicit(&exchange->ticket, exchange->generation, memory_order_relaxed);
    count(&request->loop->counters, COUNT_KEPT, 1);
    return (struct http_ticket){request, exchange->generation};
}

struct http_request *http_ticket_request(struct http_ticket ticket)
{
    struct exchange *exchange = exchange_of(ticket.request);
    uint64_t open = atomic_load_explicit(&exchange->ticket, memory_order_relaxed);
    return open == ticket.generation ? ticket.request : NULL;
}

/* On the loop again. */
static void run_finish(struct http_task *task)
{
    struct exchange *exchange = (struct exchange *)((char *)task - offsetof(struct exchange, task));
    uint64_t uses = exchange->uses;
    take_back(exchange);
    exchange->finish(&exchange->request, exchange->finish_argument);
    expect_answer(exchange, uses);
}

bool http_ticket_post(struct http_ticket ticket, void (*finish)(struct http_request *request, void *argument),
                      void *argument)
{
    struct exchange *exchange = exchange_of(ticket.request);
    uint64_t open = ticket.generation;
    if (!atomic_compare_exchange_strong(&exchange->ticket, &open, 0))
        return false;
    exchange->finish = finish;
    exchange->finish_argument = argument;
    exchange->task.run = run_finish;
    http_loop_post(ticket.request->loop, &exchange->task);
    return true;
}

bool http_request_is_connected(const struct http_request *request)
{
    return ((const struct exchange *)request)->connection != NULL;
}
