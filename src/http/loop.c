#include "http/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "http/loop_state.h"

enum {
    ACCEPTS_A_TURN = 16,
    SWEEP_MICROSECONDS = 250000,
    STOPPING_SWEEP_MICROSECONDS = 10000,
};

static _Thread_local const struct http_loop *current_loop;

struct event_base *http_loop_base(struct http_loop *loop)
{
    return loop->base;
}

unsigned http_loop_index(const struct http_loop *loop)
{
    return loop->index;
}

bool http_loop_is_current(const struct http_loop *loop)
{
    return loop == current_loop;
}

/* A stack that posters push to and the loop takes as a whole: no lock, and one wake for many tasks. */
void http_loop_post(struct http_loop *loop, struct http_task *task)
{
    struct http_task *newest = atomic_load_explicit(&loop->tasks, memory_order_relaxed);
    do
        task->next = newest;
    while (!atomic_compare_exchange_weak_explicit(&loop->tasks, &newest, task, memory_order_release,
                                                  memory_order_relaxed));
    if (newest)
        return; /* whoever pushed onto the empty stack wakes the loop, which will find this task too */
    uint64_t one = 1;
    ssize_t written = write(loop->wake_fd, &one, sizeof one);
    (void)written; /* fails only when the counter is full: then the loop is awake already */
}

static struct http_task *reverse(struct http_task *newest)
{
    struct http_task *oldest = NULL;
    while (newest) {
        struct http_task *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

/* The event is edge-triggered, so that the counter need not be read: one system call less a wake. */
static void on_wake(evutil_socket_t fd, short what, void *argument)
{
    struct http_loop *loop = argument;
    (void)fd, (void)what;
    struct http_task *task = reverse(atomic_exchange_explicit(&loop->tasks, NULL, memory_order_acquire));
    while (task) {
        struct http_task *next = task->next;
        task->run(task);
        task = next;
    }
}

static void map_address(const struct sockaddr_storage *from, uint8_t address[16])
{
    memset(address, 0, 16);
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)from;
        address[10] = address[11] = 0xff;
        memcpy(address + 12, &four->sin_addr, 4);
    } else if (from->ss_family == AF_INET6) {
        memcpy(address, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
    }
}

static void receive(struct door *door, int fd, const struct sockaddr_storage *from)
{
    struct http_loop *loop = door->loop;
    uint8_t address[16];
    map_address(from, address);
    enum census_answer answer = census_enter(loop->server->census, address);
    struct connection *idle = loop->lists[CONNECTION_IDLE].first;
    if (answer == CENSUS_FULL && idle) {
        idle->stream.io->finish(&idle->stream);
        connection_close(idle);
        answer = census_enter(loop->server->census, address);
    }
    if (answer == CENSUS_ADMITTED) {
        connection_open(loop, door->listener, fd, address);
        return;
    }
    count(&loop->counters, COUNT_REFUSED, 1);
    close(fd);
}

static void on_acceptable(evutil_socket_t fd, short what, void *argument)
{
    struct door *door = argument;
    (void)what;
    for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage from;
        socklen_t length = sizeof from;
        int accepted = accept4(fd, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted >= 0) {
            receive(door, accepted, &from);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            LOG(LOG_WARNING, "http_accept_has_to_wait", log_status("status", status_from_errno(errno)));
            event_del(&door->acceptable);
            door->resting = true;
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return; /* EAGAIN: none left; anything else is that connection's own trouble */
        }
    }
}

static void sweep_every(struct http_loop *loop, long microseconds)
{
    struct timeval interval = {.tv_usec = microseconds};
    event_add(&loop->sweep, &interval);
}

static void on_sweep(evutil_socket_t fd, short what, void *argument)
{
    struct http_loop *loop = argument;
    (void)fd, (void)what;
    http_date_format((int64_t)time(NULL), loop->date);
    connections_sweep(loop);
    for (size_t i = 0; i < loop->door_count; i++) {
        struct door *door = &loop->doors[i];
        if (door->resting)
            event_add(&door->acceptable, NULL);
        door->resting = false;
    }
    if (loop->stopping && monotonic_microseconds() >= loop->force_at)
        connections_end(loop, true);
}

static void close_doors(struct http_loop *loop)
{
    for (size_t i = 0; i < loop->door_count; i++) {
        event_del(&loop->doors[i].acceptable);
        close(loop->doors[i].fd);
    }
    loop->door_count = 0;
}

static void stop(struct http_task *task)
{
    struct http_loop *loop = (struct http_loop *)((char *)task - offsetof(struct http_loop, stop_task));
    loop->stopping = true;
    loop->force_at = atomic_load(&loop->server->force_at);
    close_doors(loop);
    connections_end(loop, false);
    sweep_every(loop, STOPPING_SWEEP_MICROSECONDS);
    loop_end_if_done(loop);
}

void loop_end_if_done(struct http_loop *loop)
{
    if (loop->stopping && loop->open == 0)
        event_base_loopbreak(loop->base);
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    if (!config)
        return NULL;
    /* Only its own thread touches a base; other threads go through http_loop_post(). */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

enum status loop_open(struct http_server *server, unsigned index, struct http_loop **out)
{
    struct http_loop *loop = calloc(1, sizeof *loop);
    *out = loop;
    if (!loop)
        return ERR_NO_MEMORY;
    loop->server = server;
    loop->index = index;
    loop->stop_task.run = stop;
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    random_fill(&loop->id_prefix, sizeof loop->id_prefix);
    http_date_format((int64_t)time(NULL), loop->date);
    loop->base = new_base();
    if (!loop->base || loop->wake_fd < 0)
        return ERR_NO_MEMORY;
    event_assign(&loop->wake, loop->base, loop->wake_fd, EV_READ | EV_ET | EV_PERSIST, on_wake, loop);
    event_assign(&loop->sweep, loop->base, -1, EV_PERSIST, on_sweep, loop);
    if (event_add(&loop->wake, NULL) != 0)
        return ERR_NO_MEMORY;
    sweep_every(loop, SWEEP_MICROSECONDS);
    return OK;
}

enum status loop_add_door(struct http_loop *loop, struct listener *listener, int fd)
{
    struct door *door = &loop->doors[loop->door_count];
    *door = (struct door){.loop = loop, .listener = listener, .fd = fd};
    event_assign(&door->acceptable, loop->base, fd, EV_READ | EV_PERSIST, on_acceptable, door);
    if (event_add(&door->acceptable, NULL) != 0) {
        close(fd);
        return ERR_NO_MEMORY;
    }
    loop->door_count++;
    return OK;
}

static void *run(void *argument)
{
    struct http_loop *loop = argument;
    current_loop = loop;
    event_base_dispatch(loop->base);
    connections_end(loop, true);
    return NULL;
}

enum status loop_start(struct http_loop *loop)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited by the thread */
    int failed = pthread_create(&loop->thread, NULL, run, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return status_from_errno(failed);
    char name[16];
    snprintf(name, sizeof name, "http-%u", loop->index % 1000);
    pthread_setname_np(loop->thread, name);
    loop->started = true;
    return OK;
}

void loop_free(struct http_loop *loop)
{
    if (!loop)
        return;
    close_doors(loop);
    connections_free(loop);
    while (loop->exchanges) {
        struct exchange *exchange = loop->exchanges;
        loop->exchanges = exchange->next_of_all;
        exchange_free(exchange);
    }
    if (loop->base)
        event_base_free(loop->base);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    buffer_free(&loop->output);
    free(loop);
}
