#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/child.h"

struct family {
    const struct supervisor *supervisor;
    struct supervised_child children[CHILD_LIMIT]; /* pid 0: has ended */
    size_t count;
    sigset_t signals;
    bool stopping;       /* SIGTERM or SIGINT came */
    bool settings_wrong; /* a child says that it cannot run so */
};

static void family_signal(const struct family *family, int signal)
{
    for (size_t i = 0; i < family->count; i++)
        if (family->children[i].pid > 0)
            kill(family->children[i].pid, signal);
}

static size_t family_size(const struct family *family)
{
    size_t alive = 0;
    for (size_t i = 0; i < family->count; i++)
        alive += family->children[i].pid > 0;
    return alive;
}

static void child_ended(struct family *family, struct supervised_child *child, int how)
{
    child->pid = 0;
    if (WIFEXITED(how) && WEXITSTATUS(how) == CHILD_EXIT_SETTINGS)
        family->settings_wrong = true;
    bool expected = family->stopping && WIFEXITED(how) && WEXITSTATUS(how) == 0;
    LOG(expected ? LOG_INFO : LOG_WARNING, "child_ended", log_word("child", child->name),
        log_number("exit", WIFEXITED(how) ? WEXITSTATUS(how) : -1),
        log_number("signal", WIFSIGNALED(how) ? WTERMSIG(how) : 0));
}

static void family_reap(struct family *family)
{
    for (size_t i = 0; i < family->count; i++) {
        struct supervised_child *child = &family->children[i];
        int how;
        if (child->pid > 0 && waitpid(child->pid, &how, WNOHANG) == child->pid)
            child_ended(family, child, how);
    }
}

/* Waits for one signal, at most until the monotonic moment (INT64_MAX: for ever), and acts on it. */
static void family_wait(struct family *family, int64_t until)
{
    int signal;
    if (until == INT64_MAX) {
        signal = sigwaitinfo(&family->signals, NULL);
    } else {
        int64_t left = until - monotonic_microseconds();
        if (left < 0)
            left = 0;
        struct timespec wait = {.tv_sec = (time_t)(left / MICROSECONDS),
                                .tv_nsec = (long)(left % MICROSECONDS) * 1000};
        signal = sigtimedwait(&family->signals, NULL, &wait);
    }
    if (signal == SIGTERM || signal == SIGINT)
        family->stopping = true;
    else if (signal == SIGHUP)
        family_signal(family, SIGHUP);
    family_reap(family);
}

/* Asks all to end, and makes those that do not. */
static void family_end(struct family *family)
{
    unsigned grace = family->supervisor->grace_ms ? family->supervisor->grace_ms : 10000;
    int64_t until = monotonic_microseconds() + (int64_t)grace * (MICROSECONDS / 1000);
    family_signal(family, SIGTERM);
    while (family_size(family) && monotonic_microseconds() < until)
        family_wait(family, until);
    if (family_size(family))
        LOG(LOG_WARNING, "children_killed", log_number("count", (int64_t)family_size(family)));
    family_signal(family, SIGKILL);
    while (family_size(family))
        family_wait(family, INT64_MAX);
}

/* Starts all, returns when at least one has ended or all shall end; none is left. */
static enum status family_live(struct family *family)
{
    family->count = 0;
    enum status status =
        family->supervisor->start(family->supervisor->context, family->children, &family->count);
    size_t started = family->count;
    while (status == OK && !family->stopping && family_size(family) == started)
        family_wait(family, INT64_MAX);
    family_end(family);
    return status;
}

static void family_pause(struct family *family, unsigned pause_ms)
{
    LOG(LOG_WARNING, "children_restart", log_number("pause_ms", pause_ms));
    int64_t until = monotonic_microseconds() + (int64_t)pause_ms * (MICROSECONDS / 1000);
    while (!family->stopping && monotonic_microseconds() < until)
        family_wait(family, until);
}

enum status supervisor_run(const struct supervisor *supervisor)
{
    struct family family = {.supervisor = supervisor};
    sigemptyset(&family.signals);
    for (size_t i = 0; i < 4; i++)
        sigaddset(&family.signals, (int[]){SIGTERM, SIGINT, SIGHUP, SIGCHLD}[i]);
    if (sigprocmask(SIG_BLOCK, &family.signals, NULL) != 0)
        return status_from_errno(errno);
    unsigned first = supervisor->first_pause_ms ? supervisor->first_pause_ms : 500;
    unsigned longest = supervisor->longest_pause_ms ? supervisor->longest_pause_ms : 30000;
    unsigned steady = supervisor->steady_ms ? supervisor->steady_ms : 60000;
    unsigned pause = first;
    for (bool again = false;; again = true) {
        int64_t started = monotonic_microseconds();
        enum status status = family_live(&family);
        if (family.stopping)
            return OK;
        if (family.settings_wrong)
            return ERR_WRONG_STATE;
        if (status != OK && !again)
            return status;
        if (monotonic_microseconds() - started >= (int64_t)steady * (MICROSECONDS / 1000))
            pause = first;
        family_pause(&family, pause);
        if (family.stopping)
            return OK;
        pause = pause > longest / 2 ? longest : pause * 2;
    }
}
