#include "api/operations.h"

#include <inttypes.h>

#include "api/respond.h"

/* What keeps the service from doing its work; NULL where nothing does. */
static const char *ailment(const struct operations_api *api)
{
    const struct centre *centre = api->centre;
    if (clock_now(centre->clock) - feed_issued_at(api->feed) > centre->feed_microseconds)
        return "card authority unreachable: checks by card cannot be confirmed";
    return NULL;
}

static void handle_health(struct http_request *request, void *context)
{
    const char *ill = ailment(context);
    json_t *object = json_pack("{s:s, s:s?}", "status", ill ? "degraded" : "ok", "reason", ill);
    respond_json(request, object);
}

static enum status write_number(struct buffer *out, const char *name, const char *type, const char *help,
                                uint64_t value)
{
    return buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", name, help, name, type, name,
                         value);
}

struct measure {
    const char *name, *type, *help;
    uint64_t value;
};

static enum status write_measures(struct buffer *out, const struct measure *measures, size_t count)
{
    enum status status = OK;
    for (size_t i = 0; i < count && status == OK; i++)
        status = write_number(out, measures[i].name, measures[i].type, measures[i].help, measures[i].value);
    return status;
}

static enum status write_http(struct buffer *out, const struct http_metrics *m)
{
    const struct measure measures[] = {
        {"shikaku_http_connections_open", "gauge", "Connections open now.", m->connections_open},
        {"shikaku_http_connections_total", "counter", "Connections accepted.", m->connections_accepted},
        {"shikaku_http_connections_refused_total", "counter", "Connections refused by a limit.",
         m->connections_refused},
        {"shikaku_http_handshake_failures_total", "counter", "TLS handshakes that failed.",
         m->handshake_failures},
        {"shikaku_http_requests_in_work", "gauge", "Requests not yet answered.", m->requests_in_work},
        {"shikaku_http_answers_dropped_total", "counter", "Answers whose caller had gone.",
         m->answers_dropped},
        {"shikaku_http_received_bytes_total", "counter", "Bytes of HTTP received.", m->bytes_in},
        {"shikaku_http_sent_bytes_total", "counter", "Bytes of HTTP sent.", m->bytes_out},
    };
    enum status status = write_measures(out, measures, ARRAY_LENGTH(measures));
    if (status == OK)
        status = buffer_append_text(out, "# HELP shikaku_http_responses_total Responses by class.\n"
                                         "# TYPE shikaku_http_responses_total counter\n");
    for (unsigned class = 2; class < 6 && status == OK; class ++)
        status = buffer_printf(out, "shikaku_http_responses_total{class=\"%uxx\"} %" PRIu64 "\n", class,
                               m->responses[class]);
    return status;
}

static enum status write_times(struct buffer *out, const struct http_metrics *m)
{
    static const char name[] = "shikaku_http_request_seconds";
    uint64_t below = 0;
    enum status status = buffer_printf(
        out, "# HELP %s From the end of a request's head to its answer.\n# TYPE %s histogram\n", name, name);
    for (size_t i = 0; i < HTTP_TIME_BUCKETS && status == OK; i++) {
        below += m->time_buckets[i];
        if (http_time_bounds[i] == INT64_MAX)
            status = buffer_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, below);
        else
            status = buffer_printf(out, "%s_bucket{le=\"%.6f\"} %" PRIu64 "\n", name,
                                   (double)http_time_bounds[i] / MICROSECONDS, below);
    }
    if (status == OK)
        status = buffer_printf(out, "%s_sum %.6f\n%s_count %" PRIu64 "\n", name,
                               (double)m->time_total / MICROSECONDS, name, below);
    return status;
}

static enum status write_log(struct buffer *out, struct audit_log *log)
{
    struct audit_measures m;
    audit_log_measure(log, &m);
    const struct measure measures[] = {
        {"shikaku_events_total", "counter", "Events recorded since the start.", m.events},
        {"shikaku_event_groups_total", "counter", "Groups in which they were made durable.", m.groups},
        {"shikaku_event_repeats_total", "counter", "Requests answered again from the log.", m.repeated},
        {"shikaku_event_replays_total", "counter", "Requests refused since their challenge was used.",
         m.replayed},
        {"shikaku_event_failures_total", "counter", "Events that could not be recorded.", m.failed},
        {"shikaku_event_refusals_total", "counter", "Events refused since the queue was full.", m.refused},
        {"shikaku_events_queued", "gauge", "Events waiting.", m.queued},
        {"shikaku_events_newest", "gauge", "Sequence of the newest event.", m.newest},
        {"shikaku_events_indexed", "gauge", "Sequence up to which the index by person is built.", m.indexed},
    };
    return write_measures(out, measures, ARRAY_LENGTH(measures));
}

static void handle_metrics(struct http_request *request, void *context)
{
    const struct operations_api *api = context;
    struct http_metrics http;
    struct buffer text = {0};
    http_server_metrics(api->server, &http);
    int64_t age = clock_now(api->centre->clock) - feed_issued_at(api->feed);
    enum status status = write_http(&text, &http);
    if (status == OK)
        status = write_times(&text, &http);
    if (status == OK)
        status = write_log(&text, api->centre->log);
    if (status == OK)
        status = write_number(&text, "shikaku_feed_age_milliseconds", "gauge",
                              "Age of the newest news of certificates.", age > 0 ? (uint64_t)age / 1000 : 0);
    if (status == OK)
        http_answer_with(request, 200, "text/plain; version=0.0.4; charset=utf-8", buffer_bytes(&text));
    else
        respond_problem(request, REASON_INTERNAL, NULL);
    buffer_free(&text);
}

const struct http_route *operations_api_routes(struct operations_api *api, struct region *region,
                                               size_t *count)
{
    const struct http_route routes[] = {
        {METHOD_GET, "/healthz", handle_health, api, 0, false},
        {METHOD_GET, "/metrics", handle_metrics, api, 0, false},
    };
    *count = ARRAY_LENGTH(routes);
    return (const struct http_route *)(const void *)region_copy(region, bytes_of(routes, sizeof(routes)))
        .data;
}
