#ifndef SHIKAKU_PROCESS_SANDBOX_H
#define SHIKAKU_PROCESS_SANDBOX_H

#include <stdbool.h>

#include "base/status.h"

/*
 * What a process may still do after sandbox_enter. A call that is never needed and only an intruder makes
 * (running a program, tracing, loading a module, mounting; sockets in the vault) kills the process; any
 * other call outside the profile fails with ENOSYS, as on an older kernel.
 */
enum sandbox_profile {
    SANDBOX_FRONT, /* network and files; no exec, no ptrace */
    SANDBOX_VAULT, /* files, the descriptors it has; no sockets, no exec */
    SANDBOX_LINK,  /* network; opens no file (EACCES): read certificates and settings before */
};

struct sandbox {
    enum sandbox_profile profile;
    const char *user; /* dropped to when we are root, with its own group only; NULL: stay */
    const char *root; /* chroot where permitted; paths are seen from there afterwards. NULL: none */
};

/* What could be had; all else of the sandbox is certain. */
struct sandbox_result {
    bool user_dropped;
    bool root_changed;
    bool network_cut; /* in a network namespace of its own, without interfaces (vault only) */
};

/*
 * Enters for good. Call once, in main, before threads; open beforehand what lies outside. Always: no new
 * privileges, no capabilities, not dumpable, no core file, killed with the parent, system calls filtered.
 * ERR_NOT_FOUND: no such user. ERR_DENIED: root is given, chroot is permitted, and yet it failed.
 */
enum status sandbox_enter(const struct sandbox *sandbox, struct sandbox_result *result) MUST_CHECK NONNULL;

#endif
