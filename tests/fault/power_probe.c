/*
 * Does to files what its arguments say, then kills itself: what libpower.so and power_loss.py are tested
 * with.
 *
 *   create:NAME  write:NAME:OFFSET:TEXT  append:NAME:TEXT  cut:NAME:SIZE  sync:NAME  sync-directory
 * rename:OLD:NEW unlink:NAME  mkdir:NAME  sqlite:NAME:SQL
 *
 * Names lie in the current directory. Exits with 3 when a step fails, so that a test sees it.
 */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool with_file(const char *name, int flags, bool (*act)(int fd, char *rest), char *rest)
{
    int fd = open(name, flags, 0600);
    bool done = fd >= 0 && act(fd, rest);
    if (fd >= 0)
        close(fd);
    return done;
}

static bool nothing(int fd, char *rest)
{
    (void)rest;
    return fd >= 0;
}

static bool write_at(int fd, char *rest)
{
    const char *offset = strsep(&rest, ":");
    return rest && pwrite(fd, rest, strlen(rest), atol(offset)) == (ssize_t)strlen(rest);
}

static bool write_on(int fd, char *rest)
{
    return rest && write(fd, rest, strlen(rest)) == (ssize_t)strlen(rest);
}

static bool cut(int fd, char *rest)
{
    return rest && ftruncate(fd, atol(rest)) == 0;
}

static bool sync_file(int fd, char *rest)
{
    (void)rest;
    return fdatasync(fd) == 0;
}

static bool sync_directory(int fd, char *rest)
{
    (void)rest;
    return fsync(fd) == 0;
}

/* The connection stays open: closing it would checkpoint. */
static bool run_sql(const char *name, const char *sql)
{
    static sqlite3 *db;
    if (!db && sqlite3_open(name, &db) != SQLITE_OK)
        return false;
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool step(char *text)
{
    const char *verb = strsep(&text, ":");
    if (strcmp(verb, "sync-directory") == 0)
        return with_file(".", O_RDONLY | O_DIRECTORY, sync_directory, NULL);
    const char *name = strsep(&text, ":");
    if (!name)
        return false;
    if (strcmp(verb, "create") == 0)
        return with_file(name, O_WRONLY | O_CREAT | O_TRUNC, nothing, text);
    if (strcmp(verb, "write") == 0)
        return with_file(name, O_WRONLY, write_at, text);
    if (strcmp(verb, "append") == 0)
        return with_file(name, O_WRONLY | O_APPEND, write_on, text);
    if (strcmp(verb, "cut") == 0)
        return with_file(name, O_WRONLY, cut, text);
    if (strcmp(verb, "sync") == 0)
        return with_file(name, O_RDONLY, sync_file, text);
    if (strcmp(verb, "rename") == 0)
        return text && rename(name, text) == 0;
    if (strcmp(verb, "unlink") == 0)
        return unlink(name) == 0;
    if (strcmp(verb, "mkdir") == 0)
        return mkdir(name, 0700) == 0;
    return strcmp(verb, "sqlite") == 0 && run_sql(name, text);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (step(argv[i]))
            continue;
        perror(argv[i]);
        return 3;
    }
    raise(SIGKILL);
    return 1;
}
