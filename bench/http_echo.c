/*
 * The smallest server on http/: answers every POST /echo with a small JSON object, either from the handler
 * or, like the centre does, from another thread that answers in groups. For measuring what http/ itself
 * costs.
 *
 *   http_echo PORT plain|tls DIRECTORY [loops] [later]
 *
 * With tls it looks for server.crt, server.key and machine-ca.crt in DIRECTORY and makes them, with a
 * client's certificate, where they are missing.
 */
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/server.h"
#include "identities.h"

static const char answer[] = "{\"result\":\"eligible\",\"validity\":1,\"reason\":\"in_force\",\"event_id\":"
                             "\"00112233445566778899aabbccddeeff\"}";

static void answer_now(struct http_request *request, void *context)
{
    (void)context;
    http_answer_with(request, 200, "application/json", bytes_of(answer, sizeof answer - 1));
}

/* Answers in groups from a thread of its own. */
struct committer {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct http_ticket queues[2][4096];
    unsigned filling; /* which of the two */
    size_t count;
};

static void finish(struct http_request *request, void *argument)
{
    (void)argument;
    http_answer_with(request, 200, "application/json", bytes_of(answer, sizeof answer - 1));
}

static void answer_later(struct http_request *request, void *context)
{
    struct committer *committer = context;
    pthread_mutex_lock(&committer->lock);
    bool full = committer->count == ARRAY_LENGTH(committer->queues[0]);
    if (!full)
        committer->queues[committer->filling][committer->count++] = http_request_keep(request);
    bool first = committer->count == 1;
    pthread_mutex_unlock(&committer->lock);
    if (first)
        pthread_cond_signal(&committer->more);
    if (full)
        answer_now(request, NULL);
}

static void *commit(void *argument)
{
    struct committer *committer = argument;
    for (;;) {
        pthread_mutex_lock(&committer->lock);
        while (committer->count == 0)
            pthread_cond_wait(&committer->more, &committer->lock);
        size_t count = committer->count;
        struct http_ticket *taken = committer->queues[committer->filling];
        committer->filling = !committer->filling;
        committer->count = 0;
        pthread_mutex_unlock(&committer->lock);
        for (size_t i = 0; i < count; i++)
            http_ticket_post(taken[i], finish, NULL);
    }
    return NULL;
}

static SSL_CTX *tls_context(const char *directory)
{
    struct tls_server_settings settings = {.client = TLS_CLIENT_REQUIRED};
    char certificate[128], key[128], ca[128];
    snprintf(certificate, sizeof certificate, "%s/server.crt", directory);
    snprintf(key, sizeof key, "%s/server.key", directory);
    snprintf(ca, sizeof ca, "%s/machine-ca.crt", directory);
    settings.certificate_file = certificate;
    settings.key_file = key;
    settings.client_ca_file = ca;
    SSL_CTX *context = NULL;
    if (access(certificate, R_OK) != 0) {
        struct identities identities;
        mkdir(directory, 0755);
        if (identities_create_in(&identities, directory) != OK)
            return NULL;
    }
    return tls_server_context(&settings, &context) == OK ? context : NULL;
}

int main(int count, char **arguments)
{
    if (count < 4) {
        fprintf(stderr, "usage: http_echo PORT plain|tls DIRECTORY [loops] [later]\n");
        return 2;
    }
    static struct committer committer = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
    bool later = count > 5 && strcmp(arguments[5], "later") == 0;
    struct http_route routes[] = {
        {METHOD_POST, "/echo", later ? answer_later : answer_now, later ? &committer : NULL, 0, false},
        {METHOD_GET, "/echo", answer_now, NULL, 0, false},
    };
    struct http_server_settings settings = {.loops = count > 4 ? (unsigned)atoi(arguments[4]) : 1,
                                            .limits = http_default_limits};
    settings.limits.requests_per_connection = 0;
    struct http_server *server;
    struct http_router *router;
    if (http_router_new(routes, ARRAY_LENGTH(routes), &router) != OK ||
        http_server_new(&settings, &server) != OK)
        return 1;
    struct http_listener_settings listener = {
        .address = "127.0.0.1", .port = (uint16_t)atoi(arguments[1]), .router = router};
    bool tls = strcmp(arguments[2], "tls") == 0;
    if (tls && !(listener.tls = tls_context(arguments[3])))
        return 1;
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ending, NULL);
    pthread_t thread;
    if (later && pthread_create(&thread, NULL, commit, &committer) != 0)
        return 1;
    if (http_server_listen(server, &listener, NULL) != OK || http_server_start(server) != OK)
        return 1;
    int received;
    sigwait(&ending, &received);
    http_server_stop(server, 1000);
    struct http_metrics metrics;
    http_server_metrics(server, &metrics);
    printf("requests %llu handshakes %llu\n", (unsigned long long)metrics.responses[2],
           (unsigned long long)metrics.handshakes);
    return 0;
}
