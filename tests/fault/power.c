/*
 * libpower.so: preloaded, it keeps the undo journal of power.h. What a kill alone never shows – that
 * something was not synced – then shows.
 *
 * POWER_JOURNAL          directory of the journal, on the same file system as the files (for hard links).
 * Unset: off POWER_SYNC_DELAY_US    a sync takes up to this long, by chance, and nothing else: the disk is
 * left in peace POWER_FAIL_SYNC_AT     the syncs of files from this one on fail with EIO,
 * POWER_FAIL_SYNC_COUNT (1) of them POWER_KILL_AT          the process kills itself just before its change of
 * this number (names, writes, syncs count)
 *
 * Seen are calls that go through the dynamic linker: those of programs and of libraries such as SQLite, not
 * those inside the C library (stdio). Shared writable mappings are not seen; SQLite's -shm, the only one
 * here, is made anew after a crash anyway. Files opened for writing only are opened for reading, too.
 */
#include "power.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COPY = 64 * 1024, HIGH_DESCRIPTOR = 500 };

static struct {
    int directory; /* -1: off */
    int journal;
    _Atomic uint64_t *counter;
    uint64_t kill_at;
    uint64_t fail_sync_at, fail_sync_count;
    _Atomic uint64_t changes, syncs;
    unsigned delay;
    pthread_mutex_t lock;
} power = {.directory = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

/* The kernel itself, so that nothing here comes back to here. */
static long kernel(long number, long a, long b, long c, long d, long e)
{
    return syscall(number, a, b, c, d, e);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static int high(long fd)
{
    int moved = fcntl((int)fd, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR);
    close((int)fd);
    return moved;
}

static void die(const char *what)
{
    dprintf(STDERR_FILENO, "libpower: %s: errno %d\n", what, errno);
    abort();
}

__attribute__((constructor)) static void power_start(void)
{
    const char *path = getenv("POWER_JOURNAL");
    if (!path)
        return;
    int directory = high(kernel(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_DIRECTORY, 0, 0));
    power.journal =
        high(kernel(SYS_openat, directory, (long)"journal", O_WRONLY | O_CREAT | O_APPEND, 0600, 0));
    int counter = high(kernel(SYS_openat, directory, (long)"counter", O_RDWR | O_CREAT, 0600, 0));
    if (directory < 0 || power.journal < 0 || kernel(SYS_ftruncate, counter, sizeof(uint64_t), 0, 0, 0) != 0)
        die("no journal");
    power.counter = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, counter, 0);
    if (power.counter == MAP_FAILED)
        die("no counter");
    close(counter);
    power.kill_at = setting("POWER_KILL_AT", 0);
    power.fail_sync_at = setting("POWER_FAIL_SYNC_AT", 0);
    power.fail_sync_count = setting("POWER_FAIL_SYNC_COUNT", 1);
    power.delay = (unsigned)setting("POWER_SYNC_DELAY_US", 0);
    power.directory = directory;
}

/* ---- Records ---- */

static uint64_t next_number(void)
{
    return atomic_fetch_add(power.counter, 1) + 1;
}

static void record_append(struct power_record *record, const void *payload, size_t length)
{
    record->magic = POWER_MAGIC;
    record->payload = (uint32_t)length;
    struct iovec parts[] = {{record, sizeof *record}, {(void *)(uintptr_t)payload, length}};
    /* One append: the kernel orders those of several processes. */
    if (kernel(SYS_writev, power.journal, (long)parts, 2, 0, 0) != (long)(sizeof *record + length))
        die("journal not written");
}

/* Locked. Every change passes here first. */
static void change_begins(void)
{
    if (atomic_fetch_add(&power.changes, 1) + 1 == power.kill_at)
        kernel(SYS_tgkill, getpid(), gettid(), SIGKILL, 0, 0);
}

static bool is_zeros(const uint8_t *bytes, size_t length)
{
    return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

/* The old content of a range, in pieces. Locked. */
static void old_bytes_record(int fd, const struct stat *file, uint64_t offset, uint64_t length, uint32_t kind)
{
    static uint8_t old[COPY];
    uint64_t size = (uint64_t)file->st_size;
    do {
        uint64_t piece = length < COPY ? length : COPY;
        uint64_t there = offset >= size ? 0 : size - offset < piece ? size - offset : piece;
        long got = there ? kernel(SYS_pread64, fd, (long)old, (long)there, (long)offset, 0) : 0;
        if (got != (long)there)
            die("old bytes not read");
        struct power_record record = {.kind = kind,
                                      .number = next_number(),
                                      .device = file->st_dev,
                                      .file = file->st_ino,
                                      .offset = offset,
                                      .length = piece,
                                      .size = size,
                                      .zeros = there && is_zeros(old, there)};
        if (record.zeros)
            record.before = there; /* how many of them */
        record_append(&record, old, record.zeros ? 0 : there);
        offset += piece;
        length -= piece;
    } while (length);
}

/* *out is filled in for a regular file; the journal's own and all else are left alone. */
static bool is_watched(int fd, struct stat *out)
{
    return power.directory >= 0 && fd != power.journal && fstat(fd, out) == 0 && S_ISREG(out->st_mode);
}

static ssize_t watched_write(int fd, const struct iovec *parts, int count, off_t at, bool has_offset)
{
    struct stat file;
    uint64_t length = 0;
    for (int i = 0; i < count; i++)
        length += parts[i].iov_len;
    bool watched = length && is_watched(fd, &file);
    if (watched) {
        pthread_mutex_lock(&power.lock);
        change_begins();
        fstat(fd, &file);
        off_t offset = at;
        if (!has_offset)
            offset = fcntl(fd, F_GETFL) & O_APPEND ? file.st_size : lseek(fd, 0, SEEK_CUR);
        old_bytes_record(fd, &file, (uint64_t)offset, length, POWER_WRITE);
    }
    long written = has_offset ? kernel(SYS_pwritev, fd, (long)parts, count, (long)at, 0)
                              : kernel(SYS_writev, fd, (long)parts, count, 0, 0);
    int error = errno;
    if (watched)
        pthread_mutex_unlock(&power.lock);
    errno = error;
    return written;
}

/* ---- Writing ---- */

ssize_t write(int fd, const void *data, size_t length)
{
    const struct iovec part = {(void *)(uintptr_t)data, length};
    return watched_write(fd, &part, 1, 0, false);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return watched_write(fd, parts, count, 0, false);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
    const struct iovec part = {(void *)(uintptr_t)data, length};
    return watched_write(fd, &part, 1, offset, true);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return watched_write(fd, parts, count, offset, true);
}

static int watched_size(int fd, off_t size, bool only_grow, off_t from, bool allocate)
{
    struct stat file;
    bool watched = is_watched(fd, &file);
    if (watched) {
        pthread_mutex_lock(&power.lock);
        change_begins();
        fstat(fd, &file);
        uint64_t cut = file.st_size > size && !only_grow ? (uint64_t)(file.st_size - size) : 0;
        if (cut || file.st_size < size)
            old_bytes_record(fd, &file, (uint64_t)size, cut, POWER_SIZE);
    }
    long result = allocate ? kernel(SYS_fallocate, fd, 0, (long)from, (long)(size - from), 0)
                           : kernel(SYS_ftruncate, fd, (long)size, 0, 0, 0);
    int error = errno;
    if (watched)
        pthread_mutex_unlock(&power.lock);
    errno = error;
    return (int)result;
}

int ftruncate(int fd, off_t size)
{
    return watched_size(fd, size, false, 0, false);
}

int posix_fallocate(int fd, off_t offset, off_t length)
{
    return watched_size(fd, offset + length, true, offset, true) == 0 ? 0 : errno;
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    if (mode != 0) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return watched_size(fd, offset + length, true, offset, true);
}

/* ---- Syncing ---- */

static void delay(void)
{
    uint32_t chance = 0;
    if (power.delay && getrandom(&chance, sizeof chance, 0) == (ssize_t)sizeof chance)
        usleep(chance % power.delay);
}

static int watched_sync(int fd, long number)
{
    struct stat file;
    if (power.directory < 0 || fstat(fd, &file) != 0)
        return (int)kernel(number, fd, 0, 0, 0, 0);
    pthread_mutex_lock(&power.lock);
    change_begins();
    uint64_t before = atomic_load(power.counter);
    pthread_mutex_unlock(&power.lock);
    delay();
    uint64_t turn = S_ISREG(file.st_mode) ? atomic_fetch_add(&power.syncs, 1) + 1 : 0;
    if (power.fail_sync_at && turn >= power.fail_sync_at &&
        turn < power.fail_sync_at + power.fail_sync_count) {
        errno = EIO;
        return -1;
    }
    struct power_record record = {.kind = S_ISDIR(file.st_mode) ? POWER_SYNC_DIRECTORY : POWER_SYNC,
                                  .number = next_number(),
                                  .device = file.st_dev,
                                  .file = file.st_ino,
                                  .before = before};
    record_append(&record, NULL, 0);
    return 0;
}

int fsync(int fd)
{
    return watched_sync(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return watched_sync(fd, SYS_fdatasync);
}

/* ---- Names ---- */

/* Directory and last part of a path. */
static const char *parent_of(int at, const char *path, struct stat *parent)
{
    const char *name = strrchr(path, '/');
    char directory[4096] = ".";
    if (name) {
        size_t length = name == path ? 1 : (size_t)(name - path);
        if (length >= sizeof directory)
            die("path too long");
        memcpy(directory, path, length);
        directory[length] = '\0';
    }
    if (fstatat(at, directory, parent, 0) != 0)
        return NULL;
    return name ? name + 1 : path;
}

static void keep(struct power_record *record, int at, const char *path)
{
    char kept[32];
    snprintf(kept, sizeof kept, "kept.%llu", (unsigned long long)record->number);
    record->kept = kernel(SYS_linkat, at, (long)path, power.directory, (long)kept, 0) == 0;
}

static void name_record(uint32_t kind, int at, const char *path)
{
    struct stat parent;
    const char *name = parent_of(at, path, &parent);
    if (!name)
        return;
    struct power_record record = {
        .kind = kind, .number = next_number(), .device = parent.st_dev, .file = parent.st_ino};
    if (kind == POWER_UNLINK)
        keep(&record, at, path);
    record_append(&record, name, strlen(name) + 1);
}

/* Locked for the call around it. */
static void name_change_begins(void)
{
    if (power.directory < 0)
        return;
    pthread_mutex_lock(&power.lock);
    change_begins();
}

static void name_change_ends(void)
{
    int error = errno;
    if (power.directory >= 0)
        pthread_mutex_unlock(&power.lock);
    errno = error;
}

static bool is_there(int at, const char *path)
{
    struct stat file;
    return fstatat(at, path, &file, AT_SYMLINK_NOFOLLOW) == 0;
}

static int watched_open(int at, const char *path, int flags, mode_t mode)
{
    bool changes = power.directory >= 0 && (flags & (O_CREAT | O_TRUNC)) && !(flags & O_DIRECTORY) &&
                   (flags & O_TMPFILE) != O_TMPFILE;
    if (power.directory >= 0 && (flags & O_ACCMODE) == O_WRONLY)
        flags = (flags & ~O_ACCMODE) | O_RDWR;
    if (!changes)
        return (int)kernel(SYS_openat, at, (long)path, flags, mode, 0);
    name_change_begins();
    bool there = is_there(at, path);
    /* Cut after it is open, so that what is cut can be read. */
    int fd = (int)kernel(SYS_openat, at, (long)path, there ? flags & ~O_TRUNC : flags, mode, 0);
    if (fd >= 0 && !there)
        name_record(POWER_CREATE, at, path);
    name_change_ends();
    if (fd >= 0 && there && (flags & O_TRUNC) && ftruncate(fd, 0) != 0)
        die("not truncated");
    return fd;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(arguments, int) : 0;
    va_end(arguments);
    return watched_open(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(arguments, int) : 0;
    va_end(arguments);
    return watched_open(at, path, flags, mode);
}

int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
    return watched_open(AT_FDCWD, path, flags, 0);
}

int __openat_2(int at, const char *path, int flags);
int __openat_2(int at, const char *path, int flags)
{
    return watched_open(at, path, flags, 0);
}

int creat(const char *path, mode_t mode)
{
    return watched_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

int mkostemp(char *template, int flags)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = strlen(template);
    for (int tries = 0; tries < 100; tries++) {
        uint8_t chance[6];
        if (getrandom(chance, sizeof chance, 0) != (ssize_t)sizeof chance)
            die("no chance");
        for (size_t i = 0; i < sizeof chance; i++)
            template[length - sizeof chance + i] = letters[chance[i] % (sizeof letters - 1)];
        int fd = watched_open(AT_FDCWD, template, flags | O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

int mkstemp(char *template)
{
    return mkostemp(template, 0);
}

int unlinkat(int at, const char *path, int flags)
{
    name_change_begins();
    if (power.directory >= 0 && is_there(at, path))
        name_record(flags & AT_REMOVEDIR ? POWER_RMDIR : POWER_UNLINK, at, path);
    long result = kernel(SYS_unlinkat, at, (long)path, flags, 0, 0);
    name_change_ends();
    return (int)result;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int remove(const char *path)
{
    int result = unlink(path);
    return result != 0 && errno == EISDIR ? rmdir(path) : result;
}

static void rename_record(int from, const char *old, int to, const char *new)
{
    struct stat parent, other;
    const char *name = parent_of(from, old, &parent);
    const char *other_name = parent_of(to, new, &other);
    if (!name || !other_name || !is_there(from, old))
        return;
    struct power_record record = {.kind = POWER_RENAME,
                                  .number = next_number(),
                                  .device = parent.st_dev,
                                  .file = parent.st_ino,
                                  .other_parent = other.st_ino};
    if (is_there(to, new))
        keep(&record, to, new);
    char names[1024];
    int length = snprintf(names, sizeof names, "%s%c%s", name, '\0', other_name);
    if (length < 0 || (size_t)length >= sizeof names)
        die("names too long");
    record_append(&record, names, (size_t)length + 1);
}

int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    name_change_begins();
    if (power.directory >= 0)
        rename_record(from, old, to, new);
    long result = kernel(SYS_renameat2, from, (long)old, to, (long)new, flags);
    name_change_ends();
    return (int)result;
}

int renameat(int from, const char *old, int to, const char *new)
{
    return renameat2(from, old, to, new, 0);
}

int rename(const char *old, const char *new)
{
    return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int linkat(int from, const char *old, int to, const char *new, int flags)
{
    name_change_begins();
    long result = kernel(SYS_linkat, from, (long)old, to, (long)new, flags);
    if (result == 0 && power.directory >= 0)
        name_record(POWER_CREATE, to, new);
    name_change_ends();
    return (int)result;
}

int link(const char *old, const char *new)
{
    return linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int mkdirat(int at, const char *path, mode_t mode)
{
    name_change_begins();
    long result = kernel(SYS_mkdirat, at, (long)path, mode, 0, 0);
    if (result == 0 && power.directory >= 0)
        name_record(POWER_MKDIR, at, path);
    name_change_ends();
    return (int)result;
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

char *mkdtemp(char *template)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = strlen(template);
    for (int tries = 0; tries < 100; tries++) {
        uint8_t chance[6];
        if (getrandom(chance, sizeof chance, 0) != (ssize_t)sizeof chance)
            die("no chance");
        for (size_t i = 0; i < sizeof chance; i++)
            template[length - sizeof chance + i] = letters[chance[i] % (sizeof letters - 1)];
        if (mkdir(template, 0700) == 0)
            return template;
        if (errno != EEXIST)
            return NULL;
    }
    return NULL;
}

/* What would change files unseen. */
ssize_t copy_file_range(int from, off_t *from_offset, int to, off_t *to_offset, size_t length, unsigned flags)
{
    (void)from, (void)from_offset, (void)to, (void)to_offset, (void)length, (void)flags;
    errno = ENOSYS;
    return -1;
}

/* The names of programs that were built for small files, and the other way round. */
#define SAME(name, other) extern __typeof__(name) other __attribute__((alias(#name)))
SAME(pwrite, pwrite64);
SAME(pwritev, pwritev64);
SAME(ftruncate, ftruncate64);
SAME(posix_fallocate, posix_fallocate64);
SAME(fallocate, fallocate64);
SAME(open, open64);
SAME(openat, openat64);
SAME(__open_2, __open64_2);
SAME(__openat_2, __openat64_2);
SAME(creat, creat64);
SAME(mkstemp, mkstemp64);
SAME(mkostemp, mkostemp64);
