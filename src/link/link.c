#include "link/link.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/log.h"
#include "process/message.h"

/* One message on its way to the authority and back. In `waiting`, then with a worker, then in `done`. */
struct link_job {
    struct link_job *next;
    struct message_channel *from;
    uint16_t type;
    uint64_t correlation;
    struct buffer request;
    struct buffer reply;
    enum status status;
};

struct link_queue {
    struct link_job *first;
    struct link_job **last;
};

/* A worker has a connection of its own. One is kept for the feed, whose calls wait. */
struct link_worker {
    struct link_process *process;
    struct link_queue *waiting;
    struct http_client *client;
    pthread_t thread;
    bool started;
};

struct link_process {
    struct message_channel *front;
    struct message_channel *vault;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct link_queue sealed, feed, done;
    bool stopping;
    int wake; /* eventfd: something is done */
    struct link_worker workers[LINK_CLIENTS];
};

static void queue_put(struct link_queue *queue, struct link_job *job)
{
    job->next = NULL;
    *queue->last = job;
    queue->last = &job->next;
}

static struct link_job *queue_take(struct link_queue *queue)
{
    struct link_job *job = queue->first;
    if (!job)
        return NULL;
    queue->first = job->next;
    if (!queue->first)
        queue->last = &queue->first;
    return job;
}

static void job_free(struct link_job *job)
{
    buffer_free(&job->request);
    buffer_free(&job->reply);
    free(job);
}

/* ---- The workers: network, blocking ---- */

static enum status call_authority(struct link_worker *worker, const struct link_job *job,
                                  struct http_reply *reply)
{
    struct http_call call = {.deadline = 10000, .response_limit = 4 << 20};
    char path[96];
    if (job->type == LINK_RELAY_SEALED) {
        call.method = METHOD_POST;
        call.path = "/v1/sealed";
        call.content_type = "application/octet-stream";
        call.body = buffer_bytes(&job->request);
    } else {
        struct reader reader = reader_of(buffer_bytes(&job->request));
        uint64_t after = read_u64(&reader);
        enum status status = reader_finish(&reader);
        if (status != OK)
            return status;
        snprintf(path, sizeof(path), "/v1/feed?after=%llu&wait_ms=%d", (unsigned long long)after,
                 LINK_FEED_WAIT_MS);
        call.method = METHOD_GET;
        call.path = path;
    }
    return http_client_call(worker->client, &call, reply);
}

static void run_job(struct link_worker *worker, struct link_job *job)
{
    struct http_reply reply = {0};
    enum status status = call_authority(worker, job, &reply);
    if (status == OK && reply.status != 200)
        status = reply.status >= 500 || reply.status == 429 ? ERR_UNREACHABLE : ERR_DENIED;
    if (status == OK)
        status = buffer_append(&job->reply, buffer_bytes(&reply.body));
    if (status != OK)
        LOG(LOG_WARNING, "authority_call_failed", log_status("status", status),
            log_word("hop", http_hop_name(reply.failed)), log_number("http_status", reply.status));
    job->status = status;
    http_reply_free(&reply);
}

static void *work(void *argument)
{
    struct link_worker *worker = argument;
    struct link_process *process = worker->process;
    pthread_mutex_lock(&process->mutex);
    while (!process->stopping) {
        struct link_job *job = queue_take(worker->waiting);
        if (!job) {
            pthread_cond_wait(&process->changed, &process->mutex);
            continue;
        }
        pthread_mutex_unlock(&process->mutex);
        run_job(worker, job);
        pthread_mutex_lock(&process->mutex);
        queue_put(&process->done, job);
        eventfd_write(process->wake, 1);
    }
    pthread_mutex_unlock(&process->mutex);
    return NULL;
}

/* ---- The loop: messages, never blocking ---- */

static void on_message(void *context, struct message_channel *channel, const struct message *message)
{
    struct link_process *process = context;
    bool sealed = message->type == LINK_RELAY_SEALED && channel == process->vault;
    bool feed = message->type == LINK_NEXT_BATCH && channel == process->front;
    struct link_job *job = sealed || feed ? calloc(1, sizeof(*job)) : NULL;
    enum status status = job ? buffer_append(&job->request, message->payload) : ERR_UNSUPPORTED;
    if (status != OK) {
        if (job)
            job_free(job);
        status = message_reply(channel, message->type, message->correlation, status, (struct bytes){0});
        if (status != OK)
            LOG(LOG_WARNING, "link_reply_lost", log_status("status", status));
        return;
    }
    job->from = channel;
    job->type = message->type;
    job->correlation = message->correlation;
    pthread_mutex_lock(&process->mutex);
    queue_put(sealed ? &process->sealed : &process->feed, job);
    pthread_cond_broadcast(&process->changed);
    pthread_mutex_unlock(&process->mutex);
}

static enum status reply_done(struct link_process *process)
{
    eventfd_t count;
    eventfd_read(process->wake, &count);
    for (;;) {
        pthread_mutex_lock(&process->mutex);
        struct link_job *job = queue_take(&process->done);
        pthread_mutex_unlock(&process->mutex);
        if (!job)
            return OK;
        enum status status =
            message_reply(job->from, job->type, job->correlation, job->status, buffer_bytes(&job->reply));
        job_free(job);
        if (status != OK)
            return status;
    }
}

static short wanted_events(const struct message_channel *channel)
{
    return (short)(POLLIN | (message_channel_wants_write(channel) ? POLLOUT : 0));
}

static enum status serve_until_closed(struct link_process *process)
{
    for (;;) {
        struct pollfd polled[] = {
            {.fd = message_channel_fd(process->front), .events = wanted_events(process->front)},
            {.fd = message_channel_fd(process->vault), .events = wanted_events(process->vault)},
            {.fd = process->wake, .events = POLLIN},
        };
        if (poll(polled, ARRAY_LENGTH(polled), -1) < 0 && errno != EINTR)
            return status_from_errno(errno);
        enum status status = OK;
        if (polled[2].revents)
            status = reply_done(process);
        if (status == OK && polled[0].revents)
            status = message_channel_process(process->front);
        if (status == OK && polled[1].revents)
            status = message_channel_process(process->vault);
        if (status != OK)
            return status == ERR_UNREACHABLE ? OK : status;
    }
}

static enum status start_workers(struct link_process *process, struct http_client **clients)
{
    for (size_t i = 0; i < ARRAY_LENGTH(process->workers); i++) {
        struct link_worker *worker = &process->workers[i];
        worker->process = process;
        worker->waiting = i < LINK_WORKERS ? &process->sealed : &process->feed;
        worker->client = clients[i];
        if (pthread_create(&worker->thread, NULL, work, worker) != 0)
            return ERR_NO_MEMORY;
        worker->started = true;
    }
    return OK;
}

static void stop_workers(struct link_process *process)
{
    pthread_mutex_lock(&process->mutex);
    process->stopping = true;
    pthread_cond_broadcast(&process->changed);
    pthread_mutex_unlock(&process->mutex);
    for (size_t i = 0; i < ARRAY_LENGTH(process->workers); i++) {
        struct link_worker *worker = &process->workers[i];
        if (worker->started) {
            http_client_cancel(worker->client);
            pthread_join(worker->thread, NULL);
        }
    }
}

static void queue_free(struct link_queue *queue)
{
    for (struct link_job *job = queue_take(queue); job; job = queue_take(queue))
        job_free(job);
}

enum status link_serve(const struct link_service *service)
{
    struct link_process process = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    process.sealed.last = &process.sealed.first;
    process.feed.last = &process.feed.first;
    process.done.last = &process.done.first;
    process.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (process.wake < 0)
        return status_from_errno(errno);
    const struct message_channel_options options = {.on_message = on_message, .context = &process};
    enum status status = message_channel_open(service->front, &options, &process.front);
    if (status == OK)
        status = message_channel_open(service->vault, &options, &process.vault);
    if (status == OK)
        status = start_workers(&process, service->clients);
    if (status == OK)
        status = serve_until_closed(&process);
    stop_workers(&process);
    queue_free(&process.sealed);
    queue_free(&process.feed);
    queue_free(&process.done);
    message_channel_close(process.front);
    message_channel_close(process.vault);
    close(process.wake);
    return status;
}
