#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/child.h"
#include "process/message.h"

/* The test runs itself again as a child: what main does then stands at the end of this file. */

static int exit_of(pid_t pid)
{
    int how;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
}

static void a_child_has_its_descriptors_at_their_numbers_and_no_others(void **state)
{
    (void)state;
    int one, other, third, fourth;
    assert_int_equal(child_socket_pair(&one, &other), OK);
    assert_int_equal(child_socket_pair(&third, &fourth), OK);
    /* Without close-on-exec, and asked for crosswise: neither may matter. */
    int stray = open("/dev/null", O_RDONLY);
    assert_true(stray >= 0);
    const struct child_fd fds[] = {{other, fourth}, {fourth, other}, {stray, 40}};
    const struct child_plan plan = {.name = "count-descriptors", .fds = fds, .fd_count = 3};
    pid_t pid;
    assert_int_equal(child_spawn(&plan, &pid), OK);
    assert_int_equal(exit_of(pid), 3 + 3);
    close(stray);
    close(one);
    close(other);
    close(third);
    close(fourth);
}

static void a_child_gets_its_arguments_and_no_blocked_signals(void **state)
{
    (void)state;
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    const char *const arguments[] = {"/some/where", NULL};
    const struct child_plan plan = {.name = "look-around", .arguments = arguments};
    pid_t pid;
    assert_int_equal(child_spawn(&plan, &pid), OK);
    assert_int_equal(exit_of(pid), 0);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void a_child_talks_over_its_socket(void **state)
{
    (void)state;
    int near, far;
    assert_int_equal(child_socket_pair(&near, &far), OK);
    const struct child_fd fd = {far, 3};
    const struct child_plan plan = {.name = "serve", .fds = &fd, .fd_count = 1};
    pid_t pid;
    assert_int_equal(child_spawn(&plan, &pid), OK);
    close(far);
    struct buffer reply = {0};
    assert_int_equal(message_call(near, 5, bytes_of_text("hello"), 5000, &reply), OK);
    assert_int_equal(reply.length, 5);
    assert_memory_equal(reply.data, "hello", 5);
    buffer_free(&reply);
    close(near);
    assert_int_equal(exit_of(pid), 0);
}

static void a_child_dies_with_its_parent(void **state)
{
    (void)state;
    /* The parent in between spawns a child that waits for ever and is then killed; the child holds the
     * pipe's only writing end, so its end shows as end of file. */
    int alive[2];
    assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
    const struct child_fd fd = {alive[1], 3};
    const struct child_plan plan = {.name = "parent-of-one", .fds = &fd, .fd_count = 1};
    pid_t pid;
    assert_int_equal(child_spawn(&plan, &pid), OK);
    close(alive[1]);
    char byte;
    assert_int_equal(read(alive[0], &byte, 1), 1); /* the grandchild lives */
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(exit_of(pid), -SIGKILL);
    assert_int_equal(read(alive[0], &byte, 1), 0);
    close(alive[0]);
}

static void numbers_out_of_range_or_twice_are_refused(void **state)
{
    (void)state;
    static const struct child_fd wrong[][2] = {
        {{0, 2}, {0, 3}}, {{0, 3}, {0, 3}}, {{0, 256}, {0, 3}}, {{-1, 3}, {0, 4}}};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        const struct child_plan plan = {.name = "none", .fds = wrong[i], .fd_count = 2};
        pid_t pid;
        assert_int_equal(child_spawn(&plan, &pid), ERR_RANGE);
    }
}

static void only_the_first_argument_names_a_child(void **state)
{
    (void)state;
    char *const child[] = {"program", "--as=vault", "x", NULL};
    char *const other[] = {"program", "x", "--as=vault", NULL};
    assert_string_equal(child_name(3, child), "vault");
    assert_null(child_name(3, other));
    assert_null(child_name(1, other));
}

/* The supervisor runs in a process of its own, named by the plan it is to follow; what its children do
 * reaches us as letters through the socket at 3. */
static pid_t supervise(const char *how, int *letters)
{
    int ends[2];
    assert_int_equal(child_socket_pair(&ends[0], &ends[1]), OK);
    const struct child_fd fd = {ends[1], 3};
    const char *const arguments[] = {how, NULL};
    const struct child_plan plan = {.name = "supervisor", .arguments = arguments, .fds = &fd, .fd_count = 1};
    pid_t pid;
    assert_int_equal(child_spawn(&plan, &pid), OK);
    close(ends[1]);
    *letters = ends[0];
    return pid;
}

static void await_letters(int from, const char *expected)
{
    size_t length = strlen(expected);
    char got[32] = {0};
    for (size_t i = 0; i < length; i++)
        assert_int_equal(read(from, &got[i], 1), 1);
    /* Two processes write: their order among each other is free. */
    for (size_t i = 0; i < length; i++) {
        char *found = memchr(got, expected[i], length);
        if (!found)
            fail_msg("expected %s, got %s", expected, got);
        *found = ' ';
    }
}

static void when_one_child_dies_all_are_ended_and_started_again(void **state)
{
    (void)state;
    int letters;
    pid_t pid = supervise("one-dies-once", &letters);
    await_letters(letters, "+-"); /* the steady one and the mortal one */
    assert_int_equal(write(letters, "x", 1), 1);
    await_letters(letters, "t++"); /* the steady one was asked to end; two more started */
    assert_int_equal(kill(pid, SIGTERM), 0);
    await_letters(letters, "tt");
    assert_int_equal(exit_of(pid), 0);
    close(letters);
}

static void signals_to_reload_and_to_end_reach_the_children(void **state)
{
    (void)state;
    int letters;
    pid_t pid = supervise("steady", &letters);
    await_letters(letters, "++");
    assert_int_equal(kill(pid, SIGHUP), 0);
    await_letters(letters, "hh");
    assert_int_equal(kill(pid, SIGTERM), 0);
    await_letters(letters, "tt");
    assert_int_equal(exit_of(pid), 0);
    close(letters);
}

static void a_child_that_ignores_the_end_is_killed_after_the_grace(void **state)
{
    (void)state;
    int letters;
    pid_t pid = supervise("stubborn", &letters);
    await_letters(letters, "!");
    int64_t before = monotonic_microseconds();
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(exit_of(pid), 0);
    assert_true(monotonic_microseconds() - before >= 100000);
    char byte;
    assert_int_equal(read(letters, &byte, 1), 0); /* and nobody is left */
    close(letters);
}

static void wrong_settings_are_not_tried_again(void **state)
{
    (void)state;
    int letters;
    pid_t pid = supervise("wrong-settings", &letters);
    assert_int_equal(exit_of(pid), CHILD_EXIT_SETTINGS);
    close(letters);
}

static void restarts_come_less_and_less_often(void **state)
{
    (void)state;
    int letters;
    int64_t before = monotonic_microseconds();
    pid_t pid = supervise("dies-at-once", &letters);
    await_letters(letters, "----"); /* pauses of 20, 40 and 80 ms between */
    int64_t took = monotonic_microseconds() - before;
    assert_true(took >= 140000);
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(exit_of(pid), 0);
    close(letters);
}

/* --- the children --- */

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 4096; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static int look_around(int argc, char **argv)
{
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    if (argc != 3 || strcmp(argv[2], "/some/where") != 0)
        return 1;
    return sigismember(&blocked, SIGTERM);
}

static void echo(void *context, struct message_channel *channel, const struct message *message)
{
    (void)context;
    if (message_reply(channel, message->type, message->correlation, OK, message->payload) != OK)
        abort();
}

static void letter(char which)
{
    if (write(3, &which, 1) != 1)
        _exit(9);
}

static int parent_of_one(void)
{
    const struct child_fd fd = {3, 3};
    const struct child_plan plan = {.name = "wait-for-ever", .fds = &fd, .fd_count = 1};
    pid_t pid;
    if (child_spawn(&plan, &pid) != OK)
        return 1;
    close(3);
    pause();
    return 0;
}

static int steady(void)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGHUP);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    letter('+');
    for (;;) {
        int signal = sigwaitinfo(&wanted, NULL);
        letter(signal == SIGHUP ? 'h' : 't');
        if (signal == SIGTERM)
            return 0;
    }
}

/* Says so, and ends at once; or when it is told to. */
static int mortal(const char *when)
{
    letter('-');
    char byte;
    if (strcmp(when, "when-told") == 0 && read(3, &byte, 1) != 1)
        return 9;
    return 1;
}

static _Noreturn void stubborn(void)
{
    signal(SIGTERM, SIG_IGN);
    letter('!');
    for (;;)
        pause();
}

struct company {
    const char *how;
    int starts;
};

static enum status company_add(struct supervised_child *children, size_t *count, const char *name,
                               const char *argument)
{
    const struct child_fd fd = {3, 3};
    const char *const arguments[] = {argument, NULL};
    const struct child_plan plan = {.name = name, .arguments = arguments, .fds = &fd, .fd_count = 1};
    children[*count].name = name;
    enum status status = child_spawn(&plan, &children[*count].pid);
    if (status == OK)
        ++*count;
    return status;
}

static enum status company_start(void *context, struct supervised_child children[CHILD_LIMIT], size_t *count)
{
    struct company *company = context;
    company->starts++;
    if (strcmp(company->how, "steady") == 0) {
        enum status status = company_add(children, count, "steady", "");
        return status == OK ? company_add(children, count, "steady", "") : status;
    }
    if (strcmp(company->how, "one-dies-once") == 0) {
        enum status status = company_add(children, count, "steady", "");
        if (status != OK)
            return status;
        return company->starts == 1 ? company_add(children, count, "mortal", "when-told")
                                    : company_add(children, count, "steady", "");
    }
    if (strcmp(company->how, "dies-at-once") == 0)
        return company_add(children, count, "mortal", "at-once");
    if (strcmp(company->how, "wrong-settings") == 0)
        return company_add(children, count, "wrong-settings", "");
    return company_add(children, count, "stubborn", "");
}

static int supervisor(const char *how)
{
    struct company company = {.how = how};
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    log_open(null, "test", LOG_ERROR);
    const struct supervisor plan = {.start = company_start,
                                    .context = &company,
                                    .grace_ms = strcmp(how, "stubborn") == 0 ? 100 : 5000,
                                    .first_pause_ms = 20,
                                    .steady_ms = 60000};
    enum status status = supervisor_run(&plan);
    return status == OK ? 0 : status == ERR_WRONG_STATE ? CHILD_EXIT_SETTINGS : 1;
}

static int run_as(const char *name, int argc, char **argv)
{
    if (strcmp(name, "count-descriptors") == 0)
        return count_descriptors();
    if (strcmp(name, "look-around") == 0)
        return look_around(argc, argv);
    if (strcmp(name, "serve") == 0)
        return message_serve((const int[]){3}, 1, -1, echo, NULL) == OK ? 0 : 1;
    if (strcmp(name, "parent-of-one") == 0)
        return parent_of_one();
    if (strcmp(name, "wait-for-ever") == 0) {
        letter('.');
        pause();
    }
    if (strcmp(name, "steady") == 0)
        return steady();
    if (strcmp(name, "mortal") == 0)
        return mortal(argv[2]);
    if (strcmp(name, "stubborn") == 0)
        stubborn();
    if (strcmp(name, "wrong-settings") == 0)
        return CHILD_EXIT_SETTINGS;
    if (strcmp(name, "supervisor") == 0)
        return supervisor(argv[2]);
    return 99;
}

int main(int argc, char **argv)
{
    const char *name = child_name(argc, argv);
    if (name)
        return run_as(name, argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_has_its_descriptors_at_their_numbers_and_no_others),
        cmocka_unit_test(a_child_gets_its_arguments_and_no_blocked_signals),
        cmocka_unit_test(a_child_talks_over_its_socket),
        cmocka_unit_test(a_child_dies_with_its_parent),
        cmocka_unit_test(numbers_out_of_range_or_twice_are_refused),
        cmocka_unit_test(only_the_first_argument_names_a_child),
        cmocka_unit_test(when_one_child_dies_all_are_ended_and_started_again),
        cmocka_unit_test(signals_to_reload_and_to_end_reach_the_children),
        cmocka_unit_test(a_child_that_ignores_the_end_is_killed_after_the_grace),
        cmocka_unit_test(wrong_settings_are_not_tried_again),
        cmocka_unit_test(restarts_come_less_and_less_often),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
