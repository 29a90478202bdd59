/* shikakud: the central service. The parent starts front, vault and link, and waits. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "process/child.h"
#include "programs/shikakud.h"

struct processes {
    const char *directory;
    unsigned job_threads;
};

enum { PAIRS_MAX = 8, PAIR_LINK_FRONT = PAIRS_MAX, PAIR_LINK_VAULT, PAIR_COUNT };

/* One end each of every socket pair; -1 where there is none. */
struct pairs {
    int one[PAIR_COUNT];
    int other[PAIR_COUNT];
};

static void close_pairs(const struct pairs *pairs)
{
    for (size_t i = 0; i < PAIR_COUNT; i++) {
        if (pairs->one[i] >= 0)
            close(pairs->one[i]);
        if (pairs->other[i] >= 0)
            close(pairs->other[i]);
    }
}

static enum status make_pairs(unsigned job_threads, struct pairs *pairs)
{
    enum status status = OK;
    for (size_t i = 0; i < PAIR_COUNT; i++)
        pairs->one[i] = pairs->other[i] = -1;
    for (size_t i = 0; i < PAIR_COUNT && status == OK; i++)
        if (i >= PAIRS_MAX || i < job_threads)
            status = child_socket_pair(&pairs->one[i], &pairs->other[i]);
    return status;
}

static enum status spawn(const struct processes *processes, const char *name, const struct child_fd *fds,
                         size_t count, struct supervised_child children[CHILD_LIMIT], size_t *running)
{
    const char *const arguments[] = {processes->directory, NULL};
    const struct child_plan plan = {.name = name, .arguments = arguments, .fds = fds, .fd_count = count};
    enum status status = child_spawn(&plan, &children[*running].pid);
    if (status == OK)
        children[(*running)++].name = name;
    return status;
}

static enum status spawn_all(const struct processes *processes, const struct pairs *pairs,
                             struct supervised_child children[CHILD_LIMIT], size_t *running)
{
    struct child_fd front[PAIRS_MAX + 1], vault[PAIRS_MAX + 1];
    size_t count = processes->job_threads;
    for (size_t i = 0; i < count; i++) {
        front[i] = (struct child_fd){pairs->one[i], FRONT_VAULT_FD + (int)i};
        vault[i] = (struct child_fd){pairs->other[i], VAULT_FRONT_FD + (int)i};
    }
    front[count] = (struct child_fd){pairs->one[PAIR_LINK_FRONT], FRONT_LINK_FD};
    vault[count] = (struct child_fd){pairs->one[PAIR_LINK_VAULT], VAULT_LINK_FD};
    const struct child_fd link[] = {
        {pairs->other[PAIR_LINK_FRONT], LINK_FRONT_FD},
        {pairs->other[PAIR_LINK_VAULT], LINK_VAULT_FD},
    };
    enum status status = spawn(processes, "link", link, ARRAY_LENGTH(link), children, running);
    if (status == OK)
        status = spawn(processes, "vault", vault, count + 1, children, running);
    if (status == OK)
        status = spawn(processes, "front", front, count + 1, children, running);
    return status;
}

static enum status start(void *context, struct supervised_child children[CHILD_LIMIT], size_t *running)
{
    const struct processes *processes = context;
    struct pairs pairs;
    enum status status = make_pairs(processes->job_threads, &pairs);
    if (status == OK)
        status = spawn_all(processes, &pairs, children, running);
    close_pairs(&pairs);
    return status;
}

static int supervise(const struct centre_settings *settings)
{
    struct processes processes = {.directory = settings->directory, .job_threads = settings->job_threads};
    const struct supervisor supervisor = {
        .start = start,
        .context = &processes,
        .grace_ms = settings->shutdown_ms + 2000,
    };
    enum status status = supervisor_run(&supervisor);
    if (status != OK)
        LOG(LOG_ERROR, "service_ended", log_status("status", status));
    return status == OK ? 0 : 1;
}

static int run_as(const char *name, const struct centre_settings *settings)
{
    if (!name)
        return supervise(settings);
    if (strcmp(name, "front") == 0)
        return run_front(settings);
    if (strcmp(name, "vault") == 0)
        return run_vault(settings);
    if (strcmp(name, "link") == 0)
        return run_link(settings);
    return CHILD_EXIT_SETTINGS;
}

int main(int argc, char **argv)
{
    const char *name = child_name(argc, argv);
    const char *directory = argc == (name ? 3 : 2) ? argv[argc - 1] : NULL;
    log_open(STDERR_FILENO, name ? name : "shikakud", LOG_INFO);
    if (!directory || directory[0] == '-') {
        fprintf(stderr, "usage: shikakud DIRECTORY\n  DIRECTORY holds centre.json; see shikaku init\n");
        return 2;
    }
    struct centre_settings settings;
    enum status status = centre_settings_load(directory, &settings);
    int result = CHILD_EXIT_SETTINGS;
    if (status != OK)
        LOG(LOG_ERROR, "settings_not_loaded", log_status("status", status));
    else
        result = run_as(name, &settings);
    centre_settings_free(&settings);
    return result;
}
