#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "api/machine.h"
#include "api/operations.h"
#include "base/log.h"
#include "pki/tls.h"
#include "process/child.h"
#include "process/sandbox.h"
#include "programs/loop_database.h"
#include "programs/shikakud.h"
#include "registry/registry.h"
#include "service/feed.h"
#include "service/jobs.h"
#include "service/outbox_event.h"

enum {
    JOB_THREADS_MAX = 8,
    LOOPS_MAX = 256,
    TERMS_LIMIT = 1 << 18,
    CHAINS_REMEMBERED = 65536,
    CONNECT_MS = 2000
};

/* All that front is made of, in the order in which it is made; unmade in the opposite one. */
struct front {
    const struct centre_settings *settings;
    struct region region;
    struct centre centre;
    struct buffer terms;
    struct event_outbox outbox;
    struct audit_outbox outbox_interface;
    struct feed *feed;
    struct loop_database *loops;
    unsigned loop_count;
    struct machine_api machine;
    struct centre_loop **machine_loops;
    struct operations_api operations;
    struct http_router *machine_router, *operations_router;
    struct http_server *server;
    unsigned machine_listener;
};

static const char *path_in(struct front *front, const char *directory, const char *name)
{
    const char *path = region_printf(&front->region, "%s/%s", directory, name);
    return path ? path : "";
}

/* ---- Keys, certificates, terms ---- */

static enum status load_anchors(struct front *front)
{
    const struct centre_settings *settings = front->settings;
    const struct trust_settings trust = {
        .accept_test_policy = settings->accept_test_policy,
        .remembered = CHAINS_REMEMBERED,
    };
    enum status status = trust_anchors_create(&trust, &front->centre.anchors);
    for (size_t i = 0; status == OK && settings->authentication_cas[i]; i++)
        status = trust_anchors_add_file(front->centre.anchors, CERTIFICATE_AUTHENTICATION,
                                        settings->authentication_cas[i]);
    for (size_t i = 0; status == OK && settings->signature_cas[i]; i++)
        status =
            trust_anchors_add_file(front->centre.anchors, CERTIFICATE_SIGNATURE, settings->signature_cas[i]);
    return status;
}

static enum status load_terminal_ca(struct front *front)
{
    struct buffer encoded = {0};
    enum status status = file_read(front->settings->terminal_ca, 4096, &encoded);
    if (status == OK)
        status = terminal_certificate_parse(buffer_bytes(&encoded), &front->centre.terminal_ca);
    buffer_free(&encoded);
    return status;
}

static enum status load_identity(struct front *front)
{
    const char *keys = front->settings->keys_directory;
    struct certificate ca;
    enum status status = certificate_load(path_in(front, keys, "centre-ca.crt"), &ca);
    if (status != OK)
        return status;
    status = public_key_hash(&ca.key, &front->centre.id);
    certificate_free(&ca);
    if (status == OK)
        status = secret_key_load(path_in(front, keys, "challenge.key"), &front->centre.challenge_key);
    return status;
}

static enum status load_terms(struct front *front)
{
    enum status status = file_read(front->settings->terms_file, TERMS_LIMIT, &front->terms);
    front->centre.terms = (struct terms){front->settings->terms_version, buffer_bytes(&front->terms)};
    return status;
}

/* ---- Stores ---- */

static enum status open_database(const struct front *front, enum db_use use, struct db **out)
{
    const struct db_options options = {.location = front->settings->database, .use = use};
    return registry_open(&options, out);
}

/* Segment files beside the embedded database; where machines share a database, the log is shared in it. */
static bool shares_database(const struct front *front)
{
    return strncmp(front->settings->database, "sqlite:", 7) != 0;
}

static enum status open_store(const struct front *front, struct audit_store **out)
{
    if (shares_database(front))
        return audit_store_open_database(front->settings->database, &real_clock, out);
    const struct audit_segments_options segments = {.directory = front->settings->log_directory,
                                                    .clock = &real_clock};
    return audit_store_open_segments(&segments, out);
}

static enum status open_log(struct front *front)
{
    struct audit_store *store = NULL;
    enum status status = open_database(front, DB_FOR_CHANGES, &front->outbox.changes);
    if (status == OK)
        status = open_store(front, &store);
    if (status != OK)
        return status;
    front->outbox_interface = event_outbox_interface(&front->outbox);
    const struct audit_log_options options = {
        .store = store,
        .index_path =
            shares_database(front) ? NULL : path_in(front, front->settings->log_directory, "index.db"),
        .clock = &real_clock,
        .outbox = &front->outbox_interface,
    };
    return audit_log_open(&options, &front->centre.log);
}

static enum status start_jobs(struct front *front)
{
    struct job_thread threads[JOB_THREADS_MAX];
    for (unsigned i = 0; i < front->settings->job_threads; i++) {
        threads[i].vault = FRONT_VAULT_FD + (int)i;
        enum status status = open_database(front, DB_FOR_CHANGES, &threads[i].changes);
        if (status != OK)
            return status;
    }
    return job_pool_start(threads, front->settings->job_threads, &front->centre.jobs);
}

static enum status start_feed(struct front *front)
{
    struct feed_settings settings = {.link = FRONT_LINK_FD, .log = front->centre.log, .clock = &real_clock};
    enum status status = public_key_load(path_in(front, front->settings->authority_directory, "feed.pem"),
                                         &settings.authority);
    if (status == OK)
        status = open_database(front, DB_FOR_CHANGES, &settings.changes);
    return status == OK ? feed_start(&settings, &front->feed) : status;
}

/* ---- The server ---- */

static enum status tls_context(struct front *front, SSL_CTX **out)
{
    const struct tls_server_settings settings = {
        .certificate_file = path_in(front, front->settings->keys_directory, "server.crt"),
        .key_file = path_in(front, front->settings->keys_directory, "server.key"),
        .client = TLS_CLIENT_REQUIRED,
        .client_ca_file = front->settings->machine_ca,
    };
    return tls_server_context(&settings, out);
}

static enum status new_server(struct front *front)
{
    const struct centre_settings *settings = front->settings;
    struct http_server_settings server = {
        .loops = settings->loops,
        .limits = http_default_limits,
        .problem_writer = machine_api_write_problem,
    };
    server.limits.connections = settings->connections;
    server.limits.requests_per_second = settings->requests_per_second;
    if (settings->burst)
        server.limits.burst = settings->burst;
    return http_server_new(&server, &front->server);
}

static enum status listen_for_machines(struct front *front)
{
    size_t count;
    front->machine = (struct machine_api){.centre = &front->centre, .loops = front->machine_loops};
    const struct http_route *routes = machine_api_routes(&front->machine, &front->region, &count);
    enum status status = routes ? http_router_new(routes, count, &front->machine_router) : ERR_NO_MEMORY;
    SSL_CTX *tls = NULL;
    if (status == OK)
        status = tls_context(front, &tls);
    if (status != OK)
        return status;
    const struct http_listener_settings listener = {
        .address = front->settings->address,
        .port = front->settings->port,
        .tls = tls,
        .router = front->machine_router,
    };
    return http_server_listen(front->server, &listener, &front->machine_listener);
}

static enum status listen_for_operations(struct front *front)
{
    size_t count;
    front->operations =
        (struct operations_api){.centre = &front->centre, .server = front->server, .feed = front->feed};
    const struct http_route *routes = operations_api_routes(&front->operations, &front->region, &count);
    enum status status = routes ? http_router_new(routes, count, &front->operations_router) : ERR_NO_MEMORY;
    if (status != OK)
        return status;
    const struct http_listener_settings listener = {
        .address = front->settings->operations_address,
        .port = front->settings->operations_port,
        .router = front->operations_router,
    };
    return http_server_listen(front->server, &listener, NULL);
}

static enum status open_loops(struct front *front)
{
    front->loop_count = http_server_loops(front->server);
    front->loops = region_alloc(&front->region, front->loop_count * sizeof(*front->loops));
    front->machine_loops = region_alloc(&front->region, front->loop_count * sizeof(*front->machine_loops));
    enum status status = front->loops && front->machine_loops ? OK : ERR_NO_MEMORY;
    for (unsigned i = 0; i < front->loop_count && status == OK; i++) {
        front->loops[i].own.centre = &front->centre;
        front->machine_loops[i] = &front->loops[i].own;
        status = open_database(front, DB_FOR_CHECKS, &front->loops[i].own.checks);
        if (status == OK)
            loop_database_connect(front->loops[i].own.checks, CONNECT_MS);
    }
    return status;
}

static void close_front(struct front *front)
{
    if (front->server)
        http_server_stop(front->server, front->settings->shutdown_ms);
    job_pool_stop(front->centre.jobs);
    feed_stop(front->feed);
    audit_log_close(front->centre.log);
    for (unsigned i = 0; front->loops && i < front->loop_count; i++)
        loop_database_free(&front->loops[i]);
    http_server_free(front->server);
    http_router_free(front->machine_router);
    http_router_free(front->operations_router);
    event_outbox_free(&front->outbox);
    trust_anchors_free(front->centre.anchors);
    secret_key_wipe(&front->centre.challenge_key);
    buffer_free(&front->terms);
    region_free(&front->region);
}

static enum status confine(const struct centre_settings *settings)
{
    const struct sandbox sandbox = {.profile = SANDBOX_FRONT, .user = settings->user};
    struct sandbox_result result;
    return sandbox_enter(&sandbox, &result);
}

static enum status open_front(struct front *front)
{
    static enum status (*const steps[])(struct front *) = {
        load_identity,
        load_anchors,
        load_terminal_ca,
        load_terms,
        open_log,
        start_jobs,
        start_feed,
        new_server,
        open_loops,
        listen_for_machines,
        listen_for_operations,
    };
    enum status status = confine(front->settings);
    for (size_t i = 0; i < ARRAY_LENGTH(steps) && status == OK; i++) {
        status = steps[i](front);
        if (status != OK)
            LOG(LOG_ERROR, "front_not_opened", log_number("step", (int64_t)i), log_status("status", status));
    }
    if (status == OK)
        status = http_server_start(front->server);
    for (unsigned i = 0; i < front->loop_count && status == OK; i++)
        loop_database_watch(&front->loops[i], http_server_loop(front->server, i));
    return status;
}

/* A renewed server certificate is used by new connections; open ones go on. */
static void reload(struct front *front)
{
    SSL_CTX *tls = NULL;
    enum status status = tls_context(front, &tls);
    if (status == OK)
        http_server_replace_tls(front->server, front->machine_listener, tls);
    LOG(status == OK ? LOG_INFO : LOG_ERROR, "reloaded", log_status("status", status));
}

static void wait_for_end(struct front *front, const sigset_t *signals)
{
    for (int signal = 0; signal != SIGTERM && signal != SIGINT;) {
        if (sigwait(signals, &signal) == 0 && signal == SIGHUP)
            reload(front);
    }
}

/* What another start may find otherwise: a port or a log still held, a database server that is not up yet. */
static bool may_pass(enum status status)
{
    return status == ERR_EXISTS || status == ERR_BUSY || status == ERR_UNREACHABLE || status == ERR_TIMEOUT;
}

int run_front(const struct centre_settings *settings)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    struct front front = {
        .settings = settings,
        .centre = {.clock = &real_clock,
                   .challenges_most = settings->challenges_most,
                   .check_microseconds = (int64_t)settings->checks_ms * 1000,
                   .feed_microseconds = (int64_t)settings->feed_limit_seconds * MICROSECONDS},
    };
    enum status status = open_front(&front);
    if (status == OK) {
        LOG(LOG_INFO, "ready", log_number("port", http_server_port(front.server, front.machine_listener)),
            log_number("loops", front.loop_count));
        wait_for_end(&front, &signals);
    }
    close_front(&front);
    return status == OK ? 0 : may_pass(status) ? 1 : CHILD_EXIT_SETTINGS;
}
