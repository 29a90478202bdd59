#ifndef SHIKAKU_HTTP_LOOP_H
#define SHIKAKU_HTTP_LOOP_H

#include <stdbool.h>

#include "base/status.h"

/*
 * One thread with one libevent base. Other threads hand it tasks; a handler may hang its own libevent events
 * on the base (a database connection's socket, a timer), from the loop's own thread only.
 */
struct http_loop;
struct event_base;

/* Embedded in whatever the task is about; owned by the poster, not touched by the loop once run was called.
 */
struct http_task {
    struct http_task *next;
    void (*run)(struct http_task *task);
};

/* Any thread; never fails, blocks or allocates. Tasks of one thread run in the order posted. The task must
 * not be posted again before it ran. After the loop has ended tasks no longer run. */
void http_loop_post(struct http_loop *loop, struct http_task *task);

struct event_base *http_loop_base(struct http_loop *loop);
/* 0 … loops - 1 of its server: for one database connection a loop. */
unsigned http_loop_index(const struct http_loop *loop);
bool http_loop_is_current(const struct http_loop *loop);

#endif
