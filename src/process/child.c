#include "process/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char child_option[] = "--as=";

enum {
    /* Descriptors are first moved above every number that a plan may ask for, then down to their places. */
    FD_NUMBER_LIMIT = 256,
    EXIT_NOT_STARTED = 127,
};

static enum status plan_check(const struct child_plan *plan)
{
    if (plan->fd_count > CHILD_FD_LIMIT)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < plan->fd_count; i++) {
        if (plan->fds[i].childs < 3 || plan->fds[i].childs >= FD_NUMBER_LIMIT || plan->fds[i].ours < 0)
            return ERR_RANGE;
        for (size_t j = 0; j < i; j++)
            if (plan->fds[j].childs == plan->fds[i].childs)
                return ERR_RANGE;
    }
    return OK;
}

/* argv of the child; one allocation, owned by the caller. NULL: no memory. */
static char **child_arguments(const struct child_plan *plan)
{
    size_t extra = 0;
    while (plan->arguments && plan->arguments[extra])
        extra++;
    size_t option_length = sizeof child_option + strlen(plan->name);
    char **arguments = calloc(1, (extra + 3) * sizeof *arguments + option_length);
    if (!arguments)
        return NULL;
    char *option = (char *)(arguments + extra + 3);
    memcpy(option, child_option, sizeof child_option - 1);
    memcpy(option + sizeof child_option - 1, plan->name, strlen(plan->name));
    arguments[0] = program_invocation_name;
    arguments[1] = option;
    for (size_t i = 0; i < extra; i++)
        memcpy(&arguments[i + 2], &plan->arguments[i], sizeof *arguments);
    return arguments;
}

/* From here to exec only what is safe after fork in a process that had threads. */
static bool descriptors_place(const struct child_plan *plan)
{
    int moved[CHILD_FD_LIMIT];
    int above = 2;
    for (size_t i = 0; i < plan->fd_count; i++) {
        moved[i] = fcntl(plan->fds[i].ours, F_DUPFD, FD_NUMBER_LIMIT);
        if (moved[i] < 0)
            return false;
    }
    for (size_t i = 0; i < plan->fd_count; i++) {
        if (dup2(moved[i], plan->fds[i].childs) < 0)
            return false;
        if (plan->fds[i].childs > above)
            above = plan->fds[i].childs;
    }
    /* Numbers between those asked for belong to nobody either. */
    for (int fd = 3; fd < above; fd++) {
        bool asked = false;
        for (size_t i = 0; i < plan->fd_count && !asked; i++)
            asked = plan->fds[i].childs == fd;
        if (!asked)
            close(fd);
    }
    return close_range((unsigned)above + 1, ~0u, 0) == 0;
}

static bool signals_reset(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &action, NULL); /* fails for SIGKILL and the like, rightly */
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

static _Noreturn void child_become(const struct child_plan *plan, char *const *arguments, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(EXIT_NOT_STARTED); /* the parent went between fork and here */
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || !descriptors_place(plan) || !signals_reset())
        _exit(EXIT_NOT_STARTED);
    execv("/proc/self/exe", arguments);
    _exit(EXIT_NOT_STARTED);
}

enum status child_spawn(const struct child_plan *plan, pid_t *out)
{
    enum status status = plan_check(plan);
    if (status != OK)
        return status;
    char **arguments = child_arguments(plan);
    if (!arguments)
        return ERR_NO_MEMORY;
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        child_become(plan, arguments, parent);
    int error = errno;
    free(arguments);
    if (pid < 0)
        return status_from_errno(error);
    *out = pid;
    return OK;
}

enum status child_socket_pair(int *one, int *other)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return status_from_errno(errno);
    *one = pair[0];
    *other = pair[1];
    return OK;
}

const char *child_name(int argc, char *const *argv)
{
    if (argc < 2 || strncmp(argv[1], child_option, sizeof child_option - 1) != 0)
        return NULL;
    return argv[1] + sizeof child_option - 1;
}
