#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/postgresql.h"

/* PostgreSQL refuses to run as root. */
static void become_postgres(void)
{
    if (geteuid() != 0)
        return;
    const struct passwd *user = getpwnam("postgres");
    if (!user || setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
        _exit(126);
}

static pid_t spawn(const char *directory, char *const arguments[])
{
    pid_t parent = getpid();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    become_postgres();
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (getppid() != parent || chdir(directory) != 0)
        _exit(126);
    int out = open("output", O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (out < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
        _exit(126);
    execv(arguments[0], arguments);
    _exit(127);
}

static void wait_until_ready(const struct postgresql_server *server)
{
    char location[256];
    postgresql_server_location(server, "postgres", location, sizeof location);
    for (int i = 0; i < 1000; i++) {
        if (PQping(location) == PQPING_OK)
            return;
        assert_int_equal(waitpid(server->process, NULL, WNOHANG), 0);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("PostgreSQL does not answer");
}

void postgresql_server_create(struct postgresql_server *server)
{
    const char *temporary = getenv("TMPDIR");
    int length = snprintf(server->directory, sizeof server->directory, "%s/shikaku-pg-XXXXXX",
                          temporary && *temporary ? temporary : "/tmp");
    assert_true(length < (int)sizeof server->directory);
    assert_non_null(mkdtemp(server->directory));
    const struct passwd *user = geteuid() == 0 ? getpwnam("postgres") : NULL;
    assert_true(geteuid() != 0 || user);
    assert_true(!user || chown(server->directory, user->pw_uid, user->pw_gid) == 0);

    char *initdb[] = {POSTGRESQL_PROGRAMS "/initdb",
                      "--pgdata=cluster",
                      "--auth=trust",
                      "--username=postgres",
                      "--no-sync",
                      "--encoding=UTF8",
                      "--no-locale",
                      "--no-instructions",
                      NULL};
    int status;
    pid_t child = spawn(server->directory, initdb);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("initdb failed: PostgreSQL 15 is needed at " POSTGRESQL_PROGRAMS);
    postgresql_server_start(server);
}

void postgresql_server_start(struct postgresql_server *server)
{
    char *postgres[] = {POSTGRESQL_PROGRAMS "/postgres",
                        "-D",
                        "cluster",
                        "-k",
                        server->directory,
                        "-c",
                        "listen_addresses=",
                        "-c",
                        "fsync=off",
                        "-c",
                        "full_page_writes=off",
                        "-c",
                        "shared_buffers=32MB",
                        "-c",
                        "max_connections=40",
                        "-c",
                        "autovacuum=off",
                        NULL};
    server->process = spawn(server->directory, postgres);
    wait_until_ready(server);
}

void postgresql_server_kill(struct postgresql_server *server)
{
    if (server->process == 0)
        return;
    kill(server->process, SIGQUIT);
    waitpid(server->process, NULL, 0);
    server->process = 0;
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat;
    (void)kind;
    (void)walk;
    return remove(path);
}

void postgresql_server_destroy(struct postgresql_server *server)
{
    if (server->directory[0] == '\0')
        return;
    postgresql_server_kill(server);
    nftw(server->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    server->directory[0] = '\0';
}

void postgresql_server_location(const struct postgresql_server *server, const char *database, char *out,
                                size_t size)
{
    int length = snprintf(out, size, "postgresql:///%s?host=%s&user=postgres", database, server->directory);
    assert_true(length > 0 && (size_t)length < size);
}

void postgresql_server_execute(const struct postgresql_server *server, const char *database, const char *sql)
{
    char location[256];
    postgresql_server_location(server, database, location, sizeof location);
    PGconn *connection = PQconnectdb(location);
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(connection));
    PQclear(result);
    PQfinish(connection);
}

void postgresql_server_signal(const struct postgresql_server *server, const char *database, int signal_number)
{
    char location[256];
    postgresql_server_location(server, "postgres", location, sizeof location);
    PGconn *connection = PQconnectdb(location);
    const char *const names[] = {database};
    PGresult *result = PQexecParams(connection,
                                    "select pid from pg_stat_activity "
                                    "where application_name = 'shikaku' and datname = $1::text",
                                    1, NULL, names, NULL, NULL, 0);
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    assert_true(PQntuples(result) > 0);
    for (int i = 0; i < PQntuples(result); i++)
        assert_int_equal(kill((pid_t)atoi(PQgetvalue(result, i, 0)), signal_number), 0);
    for (int i = 0; i < PQntuples(result) && signal_number == SIGTERM; i++) {
        while (kill((pid_t)atoi(PQgetvalue(result, i, 0)), 0) == 0)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    PQclear(result);
    PQfinish(connection);
}
