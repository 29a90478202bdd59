#ifndef SHIKAKU_PROCESS_CHILD_H
#define SHIKAKU_PROCESS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/status.h"

/* A descriptor of ours and the fixed number under which the child finds it (≥ 3). */
struct child_fd {
    int ours;
    int childs; /* 3 … 255 */
};

struct child_plan {
    const char *name;             /* the child is executed as: PROGRAM --as=NAME ARGUMENTS… */
    const char *const *arguments; /* NULL-terminated; NULL: none */
    const struct child_fd *fds;
    size_t fd_count;
};

enum { CHILD_FD_LIMIT = 64, CHILD_LIMIT = 16 };

/*
 * Runs our own executable again: nothing of the parent's memory goes along. The child has standard input
 * from /dev/null, our standard output and error, the descriptors of the plan and no others, no blocked
 * signals, all handlers at default, and is killed when the thread that called this ends (so call it from
 * the main thread). ERR_IO, ERR_NO_MEMORY, ERR_RANGE (a number out of range or given twice).
 */
enum status child_spawn(const struct child_plan *plan, pid_t *out) MUST_CHECK NONNULL;

/* A connected pair of stream sockets, both closed on exec. */
enum status child_socket_pair(int *one, int *other) MUST_CHECK NONNULL;

/* NAME of --as=NAME if argv[1] is that; otherwise NULL. */
const char *child_name(int argc, char *const *argv);

struct supervised_child {
    const char *name; /* ours, for the log */
    pid_t pid;
};

/* A child that exits with this cannot run as it is set up: it is not started again (EX_CONFIG). */
enum { CHILD_EXIT_SETTINGS = 78 };

struct supervisor {
    /* Makes the sockets anew, spawns every child, closes its own copies. What it has spawned stands in
     * children[0 … *count) even when it fails. Called again after each failure. */
    enum status (*start)(void *context, struct supervised_child children[CHILD_LIMIT], size_t *count);
    void *context;
    unsigned grace_ms;         /* from SIGTERM to SIGKILL; 0: 10 s */
    unsigned first_pause_ms;   /* before the first restart, doubled each time; 0: 0.5 s */
    unsigned longest_pause_ms; /* 0: 30 s */
    unsigned steady_ms;        /* run this long, the pause starts anew; 0: 60 s */
};

/*
 * Starts the children and waits. When one ends, all are ended and started again after a pause, since each
 * holds ends of the others' sockets. SIGTERM and SIGINT are passed on and end it (OK); SIGHUP is passed on.
 * Call it from a process with one thread: it blocks these signals and SIGCHLD for good. ERR_WRONG_STATE when
 * a child says CHILD_EXIT_SETTINGS; whatever start returned when the very first start fails.
 */
enum status supervisor_run(const struct supervisor *supervisor) MUST_CHECK NONNULL;

#endif
