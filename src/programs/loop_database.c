#include "programs/loop_database.h"

#include <event2/event.h>
#include <poll.h>

#include "base/clock.h"
#include "db/db.h"

static void arm(struct loop_database *database);

static void on_ready(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct loop_database *database = argument;
    db_process(database->own.checks);
    arm(database);
}

static void watch(struct loop_database *database, int fd, unsigned wanted)
{
    unsigned generation = db_fd_generation(database->own.checks);
    if (fd == database->watched && wanted == database->wanted && generation == database->generation)
        return;
    if (database->readiness)
        event_free(database->readiness);
    database->readiness = NULL;
    database->watched = fd;
    database->wanted = wanted;
    database->generation = generation;
    if (fd < 0 || wanted == 0)
        return;
    short events = (short)(EV_PERSIST | (wanted & DB_WANTS_READ ? EV_READ : 0) |
                           (wanted & DB_WANTS_WRITE ? EV_WRITE : 0));
    database->readiness = event_new(http_loop_base(database->loop), fd, events, on_ready, database);
    if (database->readiness)
        event_add(database->readiness, NULL);
}

static void arm(struct loop_database *database)
{
    struct db *db = database->own.checks;
    watch(database, db_fd(db), db_wants(db));
    int64_t wake_at = db_wake_at(db);
    if (wake_at == INT64_MAX || !database->timer) {
        if (database->timer)
            event_del(database->timer);
        return;
    }
    int64_t left = wake_at - monotonic_microseconds();
    if (left < 1000)
        left = 1000;
    const struct timeval wait = {.tv_sec = left / MICROSECONDS, .tv_usec = left % MICROSECONDS};
    event_add(database->timer, &wait);
}

static void on_submitted(struct centre_loop *loop)
{
    arm((struct loop_database *)(void *)loop);
}

static void begin(struct http_task *task)
{
    struct loop_database *database =
        (struct loop_database *)(void *)((char *)task - offsetof(struct loop_database, task));
    database->timer = event_new(http_loop_base(database->loop), -1, 0, on_ready, database);
    db_process(database->own.checks);
    arm(database);
}

/* A connection that is of use waits for nothing. */
static bool is_connected(const struct db *db)
{
    return db_wake_at(db) == INT64_MAX;
}

void loop_database_connect(struct db *checks, int wait_ms)
{
    enum { STEP_MS = 10 };
    int64_t until = monotonic_microseconds() + (int64_t)wait_ms * (MICROSECONDS / 1000);
    while (!is_connected(checks) && monotonic_microseconds() < until) {
        db_process(checks);
        unsigned wants = db_wants(checks);
        struct pollfd socket = {
            .fd = db_fd(checks),
            .events = (short)((wants & DB_WANTS_READ ? POLLIN : 0) | (wants & DB_WANTS_WRITE ? POLLOUT : 0))};
        (void)poll(&socket, 1, STEP_MS); /* an error shows in the next db_process() */
    }
}

void loop_database_watch(struct loop_database *database, struct http_loop *loop)
{
    database->loop = loop;
    database->watched = -1;
    if (db_is_embedded(database->own.checks))
        return;
    database->own.submitted = on_submitted;
    database->task.run = begin;
    http_loop_post(loop, &database->task);
}

void loop_database_free(struct loop_database *database)
{
    if (database->readiness)
        event_free(database->readiness);
    if (database->timer)
        event_free(database->timer);
    db_close(database->own.checks);
}
