#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "process/child.h"
#include "process/sandbox.h"

/* The test runs itself again in each profile and tries what the profile forbids. */

enum {
    COULD = 10,     /* what was tried worked */
    COULD_NOT = 11, /* it failed with an error */
    NOT_ENTERED = 12,
};

static int exit_of(const char *profile, const char *attempt)
{
    const char *const arguments[] = {attempt, NULL};
    const struct child_plan plan = {.name = profile, .arguments = arguments};
    pid_t pid;
    assert_int_equal(child_spawn(&plan, &pid), OK);
    int how;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
}

static const struct {
    const char *profile;
    const char *attempt;
    int end;
} attempts[] = {
    {"vault", "socket", -SIGSYS},
    {"vault", "exec", -SIGSYS},
    {"vault", "open", COULD},
    {"vault", "use-sqlite", COULD},
    {"vault", "thread", COULD},
    {"vault", "map-code", COULD_NOT},
    {"vault", "read-other-memory", -SIGSYS},
    {"vault", "dump-core", COULD_NOT},
    {"vault", "gain-privileges", COULD_NOT},
    {"link", "socket", COULD},
    {"link", "open", COULD_NOT},
    {"link", "exec", -SIGSYS},
    {"link", "thread", COULD},
    {"link", "remove-file", COULD_NOT},
    {"front", "socket", COULD},
    {"front", "open", COULD},
    {"front", "thread", COULD},
    {"front", "exec", -SIGSYS},
    {"front", "read-other-memory", -SIGSYS},
    {"front", "signal-others", COULD_NOT},
    {"front", "raise-limits", COULD_NOT},
    {"front", "dump-core", COULD_NOT},
};

static void each_process_can_do_what_it_needs_and_no_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(attempts); i++) {
        int end = exit_of(attempts[i].profile, attempts[i].attempt);
        if (end != attempts[i].end)
            fail_msg("%s: %s ended with %d, not %d", attempts[i].profile, attempts[i].attempt, end,
                     attempts[i].end);
    }
}

static void without_a_sandbox_all_of_it_works(void **state)
{
    (void)state;
    /* Otherwise the table above would prove nothing. */
    static const char *const works[] = {"socket",   "exec",         "open",
                                        "map-code", "raise-limits", "signal-others"};
    for (size_t i = 0; i < ARRAY_LENGTH(works); i++)
        if (exit_of("none", works[i]) != COULD)
            fail_msg("%s does not work here anyway", works[i]);
}

/* The leak check of a sanitizer build traces. */
#if defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static void tracing_is_deadly(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    static const char *const profiles[] = {"vault", "link", "front"};
    for (size_t i = 0; i < ARRAY_LENGTH(profiles); i++)
        assert_int_equal(exit_of(profiles[i], "trace"), -SIGSYS);
}

static void root_is_given_up_for_the_user_named(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(exit_of("nobody", "be-root"), COULD_NOT);
    assert_int_equal(exit_of("nobody", "read-shadow"), COULD_NOT);
    assert_int_equal(exit_of("no-such-user", "open"), NOT_ENTERED);
}

static void outside_its_root_a_process_sees_no_files(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(exit_of("enclosed", "open"), COULD_NOT);
}

static void the_vault_sees_no_network_interface(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* a machine may forbid user namespaces */
    assert_int_equal(exit_of("vault", "see-interfaces"), COULD_NOT);
}

/* --- the children --- */

static bool can_open(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool can_use_sqlite(void)
{
    char path[] = "/tmp/sandbox-XXXXXX";
    if (!mkdtemp(path))
        return false;
    char file[64];
    snprintf(file, sizeof file, "%s/a.db", path);
    sqlite3 *db;
    bool works = sqlite3_open(file, &db) == SQLITE_OK &&
                 sqlite3_exec(db,
                              "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                              "CREATE TABLE a(b); INSERT INTO a VALUES(1);",
                              NULL, NULL, NULL) == SQLITE_OK;
    works = sqlite3_close(db) == SQLITE_OK && works;
    return unlink(file) == 0 && rmdir(path) == 0 && works;
}

static void *nothing(void *context)
{
    return context;
}

static bool can_start_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

static bool can_map_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool can_signal_others(void)
{
    return kill(getppid(), 0) == 0;
}

static bool can_raise_limits(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_CORE, &limit) == 0 && setrlimit(RLIMIT_CORE, &limit) == 0;
}

static bool can_read_other_memory(void)
{
    char byte;
    struct iovec ours = {&byte, 1}, theirs = {&byte, 1};
    return process_vm_readv(getppid(), &ours, 1, &theirs, 1, 0) == 1;
}

static bool can_dump_core(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur != 0 || limit.rlim_max != 0;
}

static bool can_gain_privileges(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || setuid(geteuid() + 1) == 0;
}

static bool can_see_interfaces(void)
{
    char line[256];
    FILE *file = fopen("/proc/self/net/dev", "re");
    int lines = 0;
    while (file && fgets(line, sizeof line, file))
        lines += strchr(line, ':') != NULL;
    if (file)
        fclose(file);
    return lines > 1; /* loopback is always there */
}

static bool exec_here(void)
{
    /* In our own place, so that the end is ours. */
    char *const arguments[] = {"sh", "-c", "exit 10", NULL};
    execv("/bin/sh", arguments);
    return false;
}

static bool can(const char *attempt)
{
    if (strcmp(attempt, "socket") == 0)
        return socket(AF_INET, SOCK_STREAM, 0) >= 0;
    if (strcmp(attempt, "exec") == 0)
        return exec_here();
    if (strcmp(attempt, "open") == 0)
        return can_open("/etc/passwd");
    if (strcmp(attempt, "read-shadow") == 0)
        return can_open("/etc/shadow");
    if (strcmp(attempt, "be-root") == 0)
        return geteuid() == 0 || getegid() == 0 || setuid(0) == 0;
    if (strcmp(attempt, "use-sqlite") == 0)
        return can_use_sqlite();
    if (strcmp(attempt, "thread") == 0)
        return can_start_thread();
    if (strcmp(attempt, "map-code") == 0)
        return can_map_code();
    if (strcmp(attempt, "remove-file") == 0)
        return unlink("/tmp/there-is-no-such-file") == 0 || errno == ENOENT;
    if (strcmp(attempt, "signal-others") == 0)
        return can_signal_others();
    if (strcmp(attempt, "raise-limits") == 0)
        return can_raise_limits();
    if (strcmp(attempt, "read-other-memory") == 0)
        return can_read_other_memory();
    if (strcmp(attempt, "dump-core") == 0)
        return can_dump_core();
    if (strcmp(attempt, "gain-privileges") == 0)
        return can_gain_privileges();
    if (strcmp(attempt, "see-interfaces") == 0)
        return can_see_interfaces();
    return strcmp(attempt, "trace") == 0 && ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static int run_as(const char *name, const char *attempt)
{
    struct sandbox sandbox = {.profile = SANDBOX_VAULT};
    if (strcmp(name, "link") == 0)
        sandbox.profile = SANDBOX_LINK;
    else if (strcmp(name, "front") == 0)
        sandbox.profile = SANDBOX_FRONT;
    else if (strcmp(name, "nobody") == 0 || strcmp(name, "no-such-user") == 0)
        sandbox.user = name;
    else if (strcmp(name, "enclosed") == 0)
        sandbox.root = "/tmp";
    struct sandbox_result result;
    if (strcmp(name, "none") != 0 && sandbox_enter(&sandbox, &result) != OK)
        _exit(NOT_ENTERED);
    _exit(can(attempt) ? COULD : COULD_NOT);
}

int main(int argc, char **argv)
{
    const char *name = child_name(argc, argv);
    if (name)
        return run_as(name, argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_process_can_do_what_it_needs_and_no_more),
        cmocka_unit_test(without_a_sandbox_all_of_it_works),
        cmocka_unit_test(tracing_is_deadly),
        cmocka_unit_test(root_is_given_up_for_the_user_named),
        cmocka_unit_test(outside_its_root_a_process_sees_no_files),
        cmocka_unit_test(the_vault_sees_no_network_interface),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
