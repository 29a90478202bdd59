#include "process/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/filter.h"

/* The leak check of a sanitizer build stops and traces the process at its end; nothing else differs. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static enum status user_find(const char *name, struct passwd *out)
{
    errno = 0;
    const struct passwd *found = getpwnam(name);
    if (!found)
        return errno ? status_from_errno(errno) : ERR_NOT_FOUND;
    *out = *found;
    return OK;
}

static bool file_says(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return written;
}

/* Without root a network namespace needs a user namespace around it, in which we stay who we are. */
static enum status network_cut(bool *cut)
{
    uid_t user = geteuid();
    gid_t group = getegid();
    *cut = unshare(CLONE_NEWNET) == 0;
    if (*cut || unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return OK;
    *cut = true;
    char map[64];
    snprintf(map, sizeof map, "%u %u 1", (unsigned)user, (unsigned)user);
    if (!file_says("/proc/self/uid_map", map) || !file_says("/proc/self/setgroups", "deny"))
        return ERR_IO;
    snprintf(map, sizeof map, "%u %u 1", (unsigned)group, (unsigned)group);
    return file_says("/proc/self/gid_map", map) ? OK : ERR_IO;
}

static enum status root_change(const char *root, bool *changed)
{
    *changed = false;
    if (!root)
        return OK;
    if (chroot(root) != 0)
        return errno == EPERM ? OK : ERR_DENIED;
    *changed = true;
    return chdir("/") == 0 ? OK : ERR_DENIED;
}

static enum status user_drop(const struct passwd *user)
{
    if (setgroups(1, &user->pw_gid) != 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
        return status_from_errno(errno);
    return setuid(0) == 0 && user->pw_uid != 0 ? ERR_INTERNAL : OK;
}

static enum status capabilities_drop(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
    memset(none, 0, sizeof none);
    return syscall(SYS_capset, &header, none) == 0 ? OK : status_from_errno(errno);
}

static enum status process_harden(pid_t parent)
{
    const struct rlimit no_core = {0, 0};
    if (setrlimit(RLIMIT_CORE, &no_core) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return status_from_errno(errno);
    if (!SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return status_from_errno(errno);
    /* A change of user forgets the signal that child_spawn asked for; the parent may have gone since. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return status_from_errno(errno);
    return getppid() == parent ? OK : ERR_WRONG_STATE;
}

enum status sandbox_enter(const struct sandbox *sandbox, struct sandbox_result *result)
{
    *result = (struct sandbox_result){0};
    pid_t parent = getppid();
    struct passwd user;
    bool drop = sandbox->user && geteuid() == 0;
    enum status status = drop ? user_find(sandbox->user, &user) : OK;
    if (status == OK && sandbox->profile == SANDBOX_VAULT)
        status = network_cut(&result->network_cut);
    if (status == OK)
        status = root_change(sandbox->root, &result->root_changed);
    if (status == OK && drop) {
        status = user_drop(&user);
        result->user_dropped = status == OK;
    }
    if (status == OK)
        status = capabilities_drop();
    if (status == OK)
        status = process_harden(parent);
    if (status == OK)
        status = filter_enter(sandbox->profile, SANITIZED);
    return status;
}
