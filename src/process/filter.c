#include "process/filter.h"

#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/*
 * Lists by name, since a name that this machine's kernel or architecture lacks is simply left out. A call
 * on no list fails with ENOSYS: the C library then takes its older way.
 */

/* Computing, threads, time, and using the descriptors that one has. */
static const char *const always_allowed[] = {
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "preadv",
    "pwritev",
    "preadv2",
    "pwritev2",
    "lseek",
    "_llseek",
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "fcntl64",
    "pipe",
    "pipe2",
    "fstat",
    "fstat64",
    "newfstatat",
    "fstatat64",
    "statx",
    "fsync",
    "fdatasync",
    "ftruncate",
    "ftruncate64",
    "fallocate",
    "fadvise64",
    "sync_file_range",
    "flock",
    "fstatfs",
    "fstatfs64",
    "poll",
    "ppoll",
    "ppoll_time64",
    "select",
    "_newselect",
    "pselect6",
    "pselect6_time64",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "eventfd",
    "eventfd2",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_gettime",
    "signalfd4",
    "send",
    "sendto",
    "sendmsg",
    "recv",
    "recvfrom",
    "recvmsg",
    "shutdown",
    "getsockopt",
    "setsockopt",
    "getsockname",
    "getpeername",
    "munmap",
    "mremap",
    "madvise",
    "brk",
    "mlock",
    "mlock2",
    "munlock",
    "msync",
    "membarrier",
    "futex",
    "futex_time64",
    "futex_waitv",
    "clone",
    "clone3",
    "set_robust_list",
    "get_robust_list",
    "rseq",
    "set_tid_address",
    "exit",
    "exit_group",
    "sched_yield",
    "sched_getaffinity",
    "gettid",
    "tgkill",
    "tkill",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigreturn",
    "rt_sigtimedwait",
    "rt_sigpending",
    "rt_sigsuspend",
    "sigaltstack",
    "restart_syscall",
    "pause",
    "alarm",
    "setitimer",
    "clock_gettime",
    "clock_gettime64",
    "clock_getres",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "nanosleep",
    "gettimeofday",
    "time",
    "times",
    "getrandom",
    "getpid",
    "getppid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getuid32",
    "geteuid32",
    "getgid32",
    "getegid32",
    "getrusage",
    "getrlimit",
    "ugetrlimit",
    "sysinfo",
    "uname",
    "getcwd",
    "umask",
    "getcpu",
};

static const char *const open_calls[] = {"open", "openat", "openat2", "creat"};

static const char *const file_calls[] = {
    "stat",      "stat64",     "lstat",      "lstat64",         "access",   "faccessat", "faccessat2",
    "readlink",  "readlinkat", "getdents",   "getdents64",      "statfs",   "statfs64",  "mkdir",
    "mkdirat",   "rmdir",      "unlink",     "unlinkat",        "rename",   "renameat",  "renameat2",
    "link",      "linkat",     "chmod",      "fchmod",          "fchmodat", "fchown",    "fchown32",
    "utimensat", "sendfile",   "sendfile64", "copy_file_range",
};

static const char *const socket_calls[] = {"socket", "connect", "bind", "listen", "accept", "accept4"};
static const char *const network_calls[] = {"socketpair", "sendmmsg", "recvmmsg", "recvmmsg_time64"};

/* Whoever makes one of these is not us. */
static const char *const deadly_calls[] = {
    "execve",
    "execveat",
    "process_vm_readv",
    "process_vm_writev",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "setns",
    "unshare",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "open_by_handle_at",
    "add_key",
    "request_key",
    "keyctl",
    "reboot",
    "swapon",
    "swapoff",
    "iopl",
    "ioperm",
    "move_mount",
    "open_tree",
    "fsopen",
};

static int add_all(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);
        int error = number < 0 ? 0 : seccomp_rule_add(filter, action, number, 0);
        if (error)
            return error;
    }
    return 0;
}
#define ADD_ALL(filter, action, names) add_all(filter, action, names, ARRAY_LENGTH(names))

/* Calls of which only some uses are harmless. */
static int add_conditional(scmp_filter_ctx filter, enum sandbox_profile profile)
{
    static const uint64_t requests[] = {FIONREAD, FIONBIO, FIOCLEX, TCGETS, TIOCGWINSZ};
    int error = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(requests) && !error; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                 SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, requests[i]));
    static const uint64_t options[] = {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS};
    for (size_t i = 0; i < ARRAY_LENGTH(options) && !error; i++)
        error =
            seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, options[i]));
    /* Limits are read, not set. */
    if (!error)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0));
    /* Only front may map code after its start (libraries that are loaded when first used). */
    const int mapping[] = {SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect)};
    for (size_t i = 0; i < ARRAY_LENGTH(mapping) && !error; i++) {
        if (profile == SANDBOX_FRONT)
            error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, mapping[i], 0);
        else
            error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, mapping[i], 1,
                                     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    }
    return error;
}

static int add_profile(scmp_filter_ctx filter, enum sandbox_profile profile)
{
    bool files = profile != SANDBOX_LINK;
    bool network = profile != SANDBOX_VAULT;
    int error = ADD_ALL(filter, network ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS, socket_calls);
    if (!error && network)
        error = ADD_ALL(filter, SCMP_ACT_ALLOW, network_calls);
    if (!error)
        error = ADD_ALL(filter, files ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES), open_calls);
    if (!error && files)
        error = ADD_ALL(filter, SCMP_ACT_ALLOW, file_calls);
    return error;
}

static int filter_fill(scmp_filter_ctx filter, enum sandbox_profile profile, bool may_be_traced)
{
    int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (!error)
        error = ADD_ALL(filter, SCMP_ACT_ALLOW, always_allowed);
    if (!error)
        error = add_conditional(filter, profile);
    if (!error)
        error = add_profile(filter, profile);
    if (!error)
        error = ADD_ALL(filter, SCMP_ACT_KILL_PROCESS, deadly_calls);
    if (!error)
        error = seccomp_rule_add(filter, may_be_traced ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS,
                                 SCMP_SYS(ptrace), 0);
    return error;
}

enum status filter_enter(enum sandbox_profile profile, bool may_be_traced)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter)
        return ERR_NO_MEMORY;
    int error = filter_fill(filter, profile, may_be_traced);
    if (!error)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return error ? status_from_errno(-error) : OK;
}
