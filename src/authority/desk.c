#include "authority/desk.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"

enum { EXPIRY_PERIOD_SECONDS = 60 };

struct job {
    struct job *next;
    struct http_ticket ticket;
    struct http_request *request; /* kept: ours until the ticket is posted */
    desk_work *work;              /* NULL: the feed */
    enum operation operation;
    uint64_t after; /* feed */
    int64_t until;  /* feed: monotonic_microseconds() */
    struct desk_reply reply;
};

struct desk {
    struct authority *authority;
    const struct clock *clock;
    pthread_t thread;
    pthread_mutex_t lock; /* of the four below */
    pthread_cond_t handed_in;
    struct job *first, **last;
    bool released;
    bool closing;
    /* The thread's own. */
    struct job *waiting;
    int64_t next_expiry;
    uint64_t newest;
};

/* ---- answering ---- */

static void finish(struct http_request *request, void *argument)
{
    struct job *job = argument;
    http_answer_with(request, job->reply.status, job->reply.content_type, buffer_bytes(&job->reply.body));
    buffer_free(&job->reply.body);
    free(job);
}

static void send_reply(struct job *job)
{
    http_ticket_post(job->ticket, finish, job);
}

void desk_reply_problem(struct desk_reply *reply, unsigned status, const char *code, const char *title)
{
    reply->status = status;
    reply->content_type = "application/problem+json";
    buffer_clear(&reply->body);
    enum status written =
        buffer_printf(&reply->body,
                      "{\"type\": \"urn:shikaku:authority:problem:%s\", \"status\": %u, \"code\": \"%s\", "
                      "\"title\": \"%s\"}\n",
                      code, status, code, title);
    if (written != OK)
        buffer_clear(&reply->body);
}

/* ---- who may ---- */

static bool caller_is_good(struct desk *desk, const struct http_request *request)
{
    const struct machine_identity *caller = &request->peer->identity;
    struct machine_row row;
    moment now = clock_now(desk->clock);
    if (!request->peer->authenticated || now >= caller->not_after + MICROSECONDS)
        return false;
    return authority_find_machine(desk->authority, &caller->id, &row) == OK && row.state == STATE_ACTIVE;
}

/* True when the work may go on; otherwise the reply says why not. */
static bool admit(struct desk *desk, struct job *job)
{
    if (!caller_is_good(desk, job->request)) {
        desk_reply_problem(&job->reply, 403, "caller_not_active",
                           "The caller's machine certificate is unknown, suspended, revoked or expired.");
        return false;
    }
    if (!caller_may(&job->request->peer->identity.subject, job->operation)) {
        desk_reply_problem(&job->reply, 403, "not_permitted", "The caller's role may not do this.");
        return false;
    }
    return true;
}

/* ---- the feed ---- */

static void answer_feed(struct desk *desk, struct job *job)
{
    enum status status = authority_feed(desk->authority, job->after, &job->reply.body);
    job->reply.status = 200;
    job->reply.content_type = "application/octet-stream";
    if (status == ERR_RANGE)
        desk_reply_problem(&job->reply, 409, "ahead_of_feed", "That sequence has not been reached yet.");
    else if (status != OK)
        desk_reply_problem(&job->reply, 500, "internal", "The feed could not be read.");
    send_reply(job);
}

static bool may_wait(struct desk *desk, const struct job *job)
{
    pthread_mutex_lock(&desk->lock);
    bool released = desk->released;
    pthread_mutex_unlock(&desk->lock);
    return !released && job->after == desk->newest && job->until > monotonic_microseconds();
}

static void take_feed(struct desk *desk, struct job *job)
{
    if (!may_wait(desk, job)) {
        answer_feed(desk, job);
        return;
    }
    job->next = desk->waiting;
    desk->waiting = job;
}

/* Answers everybody for whom there is news, whose time is over or whose connection has gone; all, when told.
 */
static void answer_waiting(struct desk *desk, bool all)
{
    int64_t now = monotonic_microseconds();
    struct job **place = &desk->waiting;
    while (*place) {
        struct job *job = *place;
        if (all || job->after != desk->newest || job->until <= now) {
            *place = job->next;
            answer_feed(desk, job);
        } else {
            place = &job->next;
        }
    }
}

static void look_for_news(struct desk *desk)
{
    uint64_t newest;
    if (authority_newest_sequence(desk->authority, &newest) != OK || newest == desk->newest)
        return;
    desk->newest = newest;
    answer_waiting(desk, false);
}

/* ---- the thread ---- */

static void do_job(struct desk *desk, struct job *job)
{
    if (!admit(desk, job)) {
        send_reply(job);
        return;
    }
    if (!job->work) {
        take_feed(desk, job);
        return;
    }
    job->work(desk->authority, job->request, &job->reply);
    send_reply(job);
    look_for_news(desk);
}

static void expire_when_due(struct desk *desk)
{
    if (monotonic_microseconds() < desk->next_expiry)
        return;
    size_t changed;
    enum status status = authority_expire(desk->authority, &changed);
    if (status != OK)
        LOG(LOG_ERROR, "expiry_failed", log_status("status", status));
    else if (changed)
        LOG(LOG_INFO, "expired", log_number("count", (int64_t)changed));
    /* Where a whole load of them ended there may be more. */
    desk->next_expiry = monotonic_microseconds() +
                        (status == OK && changed ? 1 : EXPIRY_PERIOD_SECONDS) * (int64_t)MICROSECONDS;
    look_for_news(desk);
}

static int64_t wake_at(const struct desk *desk)
{
    int64_t earliest = desk->next_expiry;
    for (const struct job *job = desk->waiting; job; job = job->next)
        earliest = job->until < earliest ? job->until : earliest;
    return earliest;
}

/* The next job, or NULL when it is time for something else. Sets the two flags as they are now. */
static struct job *wait_for_job(struct desk *desk, bool *released, bool *closing)
{
    int64_t wake = wake_at(desk);
    const struct timespec until = {.tv_sec = wake / MICROSECONDS, .tv_nsec = wake % MICROSECONDS * 1000};
    pthread_mutex_lock(&desk->lock);
    int timed_out = 0;
    bool was_released = *released;
    while (!desk->first && !desk->closing && desk->released == was_released && !timed_out)
        timed_out = pthread_cond_timedwait(&desk->handed_in, &desk->lock, &until);
    struct job *job = desk->first;
    if (job) {
        desk->first = job->next;
        if (!desk->first)
            desk->last = &desk->first;
        job->next = NULL;
    }
    *released = desk->released;
    *closing = desk->closing;
    pthread_mutex_unlock(&desk->lock);
    return job;
}

static void *work_at_desk(void *argument)
{
    struct desk *desk = argument;
    bool released = false, closing = false;
    look_for_news(desk);
    while (!closing) {
        expire_when_due(desk);
        struct job *job = wait_for_job(desk, &released, &closing);
        if (job)
            do_job(desk, job);
        answer_waiting(desk, released || closing);
    }
    return NULL;
}

static bool make_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    bool made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(condition, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return made;
}

enum status desk_open(struct authority *authority, const struct clock *clock, struct desk **out)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    if (!desk)
        return ERR_NO_MEMORY;
    desk->authority = authority;
    desk->clock = clock;
    desk->last = &desk->first;
    if (pthread_mutex_init(&desk->lock, NULL) != 0 || !make_condition(&desk->handed_in) ||
        pthread_create(&desk->thread, NULL, work_at_desk, desk) != 0) {
        free(desk);
        return ERR_NO_MEMORY;
    }
    *out = desk;
    return OK;
}

void desk_release(struct desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    desk->released = true;
    pthread_cond_signal(&desk->handed_in);
    pthread_mutex_unlock(&desk->lock);
}

void desk_close(struct desk *desk)
{
    if (!desk)
        return;
    pthread_mutex_lock(&desk->lock);
    desk->closing = true;
    pthread_cond_signal(&desk->handed_in);
    pthread_mutex_unlock(&desk->lock);
    pthread_join(desk->thread, NULL);
    while (desk->first) {
        struct job *job = desk->first;
        desk->first = job->next;
        desk_reply_problem(&job->reply, 503, "shutting_down", "The authority is shutting down.");
        send_reply(job);
    }
    pthread_cond_destroy(&desk->handed_in);
    pthread_mutex_destroy(&desk->lock);
    free(desk);
}

/* ---- handing in ---- */

static void refuse_for_memory(struct http_request *request)
{
    http_answer_with(request, 503, NULL, (struct bytes){0});
}

static void append(struct desk *desk, struct job *job)
{
    pthread_mutex_lock(&desk->lock);
    *desk->last = job;
    desk->last = &job->next;
    pthread_cond_signal(&desk->handed_in);
    pthread_mutex_unlock(&desk->lock);
}

static void hand_in(struct desk *desk, struct http_request *request, const struct job *what)
{
    struct job *job = malloc(sizeof(*job));
    if (!job) {
        refuse_for_memory(request);
        return;
    }
    *job = *what;
    job->request = request;
    job->ticket = http_request_keep(request);
    append(desk, job);
}

void desk_hand_in(struct desk *desk, struct http_request *request, desk_work *work, enum operation operation)
{
    const struct job job = {.work = work, .operation = operation};
    hand_in(desk, request, &job);
}

void desk_hand_in_feed(struct desk *desk, struct http_request *request, uint64_t after, unsigned wait_ms)
{
    const struct job job = {
        .operation = OPERATION_READ_FEED,
        .after = after,
        .until = monotonic_microseconds() + (int64_t)wait_ms * 1000,
    };
    hand_in(desk, request, &job);
}
