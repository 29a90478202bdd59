#ifndef SHIKAKU_PROGRAMS_LOOP_DATABASE_H
#define SHIKAKU_PROGRAMS_LOOP_DATABASE_H

#include "http/loop.h"
#include "service/centre.h"

/*
 * Lets an HTTP loop drive its database connection (PostgreSQL; nothing to do for SQLite): readiness and
 * deadlines as libevent events on the loop's base.
 */
struct event;

struct loop_database {
    struct centre_loop own; /* first: what checks get; `own.submitted` re-arms the events */
    struct http_loop *loop;
    struct http_task task;
    struct event *readiness;
    struct event *timer;
    int watched;
    unsigned wanted;
    unsigned generation; /* of the descriptor watched */
};

/* Before the server listens, so that the first checks find a connection. A database that is away for longer
 * is waited for by the loop; checks cannot be confirmed meanwhile. */
void loop_database_connect(struct db *checks, int wait_ms);
/* After the server has started. The database stays until the loops have ended. */
void loop_database_watch(struct loop_database *database, struct http_loop *loop);
/* After the loops have ended, before the server is freed. */
void loop_database_free(struct loop_database *database);

#endif
