#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "service.h"
#include "wire.h"

enum { POSTERS = 4, POSTS = 5000 };

struct counted_task {
    struct http_task task;
    struct http_loop *loop;
    unsigned poster;
    unsigned number;
};

/* Written on the loop's thread alone. */
static struct {
    unsigned next[POSTERS];
    bool in_order;
    bool on_its_loop;
    atomic_uint run;
} seen;

static void count_task(struct http_task *task)
{
    struct counted_task *counted = (struct counted_task *)task;
    if (counted->number != seen.next[counted->poster]++)
        seen.in_order = false;
    if (!http_loop_is_current(counted->loop))
        seen.on_its_loop = false;
    atomic_fetch_add(&seen.run, 1);
}

static void *post_many(void *argument)
{
    struct counted_task *tasks = argument;
    for (unsigned i = 0; i < POSTS; i++)
        http_loop_post(tasks[i].loop, &tasks[i].task);
    return NULL;
}

static void tasks_of_a_thread_run_in_their_order_on_the_loop(void **state)
{
    (void)state;
    struct service *service = service_start(&http_default_limits, 2, NULL, TLS_CLIENT_NONE);
    struct counted_task *tasks = calloc(POSTERS * POSTS, sizeof *tasks);
    pthread_t threads[POSTERS];
    struct http_loop *loop = http_server_loop(service->server, 1);
    seen.in_order = seen.on_its_loop = true;
    for (unsigned i = 0; i < POSTERS * POSTS; i++)
        tasks[i] = (struct counted_task){{.run = count_task}, loop, i / POSTS, i % POSTS};
    for (unsigned i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, tasks + i * POSTS), 0);
    for (unsigned i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < 5000 && atomic_load(&seen.run) < POSTERS * POSTS; i++)
        usleep(1000);
    assert_int_equal(atomic_load(&seen.run), POSTERS * POSTS);
    assert_int_equal(http_loop_index(loop), 1);
    assert_false(http_loop_is_current(loop));
    service_stop(service);
    assert_true(seen.in_order);
    assert_true(seen.on_its_loop);
    free(tasks);
}

/* A task that posts itself again runs in the next turn, so that it cannot shut out the sockets. */
struct again {
    struct http_task task;
    struct http_loop *loop;
    atomic_bool stop;
    atomic_uint turns;
};

static void run_again(struct http_task *task)
{
    struct again *again = (struct again *)task;
    atomic_fetch_add(&again->turns, 1);
    if (!atomic_load(&again->stop))
        http_loop_post(again->loop, &again->task);
}

static void a_task_that_posts_itself_does_not_shut_out_callers(void **state)
{
    (void)state;
    struct service *service = service_start(&http_default_limits, 1, NULL, TLS_CLIENT_NONE);
    struct again again = {{.run = run_again}, http_server_loop(service->server, 0), false, 0};
    struct wire wire;
    http_loop_post(again.loop, &again.task);
    wire_open(&wire, service->port);
    for (unsigned i = 0; i < 10; i++) {
        assert_true(
            wire_send_text(&wire, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"));
        assert_int_equal(wire_read_status(&wire), 200);
    }
    assert_true(atomic_load(&again.turns) > 10);
    atomic_store(&again.stop, true);
    wire_close(&wire);
    service_stop(service);
}

enum { CALLERS = 8, CALLS = 60 };

static void *call(void *argument)
{
    const struct service *service = argument;
    struct wire wire;
    wire_open(&wire, service->port);
    for (unsigned i = 0; i < CALLS; i++) {
        char request[128];
        snprintf(request, sizeof request, "POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
                 i % 3 ? "later" : "echo");
        assert_true(wire_send_text(&wire, request));
        if (i % 10 == 9) { /* goes away before the answer */
            wire_reset(&wire);
            wire_open(&wire, service->port);
        } else {
            assert_int_equal(wire_read_status(&wire), 200);
        }
    }
    wire_close(&wire);
    return NULL;
}

static void callers_that_come_and_go_do_not_disturb_each_other(void **state)
{
    (void)state;
    struct service *service = service_start(&http_default_limits, 2, NULL, TLS_CLIENT_NONE);
    pthread_t threads[CALLERS];
    for (unsigned i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call, service), 0);
    for (unsigned i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    struct http_metrics metrics;
    for (unsigned i = 0; i < 200; i++) {
        metrics = service_metrics(service);
        if (metrics.requests_in_work == 0 && metrics.connections_open == 0)
            break;
        usleep(10000);
    }
    assert_int_equal(metrics.requests_in_work, 0);
    assert_int_equal(metrics.connections_open, 0);
    assert_int_equal(metrics.responses[5], 0);
    assert_true(metrics.responses[2] >= CALLERS * CALLS * 9 / 10);
    service_stop(service);
}

static void tickets_posted_after_the_end_come_to_nothing(void **state)
{
    (void)state;
    struct service *service = service_start(&http_default_limits, 1, NULL, TLS_CLIENT_NONE);
    struct wire wire;
    wire_open(&wire, service->port);
    assert_true(wire_send_text(&wire, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
    service_wait_for_held(service, 1);
    http_server_stop(service->server, 0);
    service_release(service, 1);
    assert_true(wire_is_at_end(&wire));
    wire_close(&wire);
    service_stop(service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_of_a_thread_run_in_their_order_on_the_loop),
        cmocka_unit_test(a_task_that_posts_itself_does_not_shut_out_callers),
        cmocka_unit_test(callers_that_come_and_go_do_not_disturb_each_other),
        cmocka_unit_test(tickets_posted_after_the_end_come_to_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
