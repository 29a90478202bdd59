#ifndef SHIKAKU_TESTS_SUPPORT_POSTGRESQL_H
#define SHIKAKU_TESTS_SUPPORT_POSTGRESQL_H

#include <sys/types.h>

/*
 * A PostgreSQL of one's own: a fresh cluster in a temporary directory, reachable through a Unix socket there
 * and nothing else, without fsync. It ends with the process that started it. A missing PostgreSQL fails the
 * test that needs it.
 */
struct postgresql_server {
    char directory[64];
    pid_t process; /* 0: not running */
};

/* Makes the cluster and starts it. Fails the running test on any error. */
void postgresql_server_create(struct postgresql_server *server);
/* On what is created and not running. */
void postgresql_server_start(struct postgresql_server *server);
/* At once, as if the power failed. */
void postgresql_server_kill(struct postgresql_server *server);
/* Kills it and removes the directory. */
void postgresql_server_destroy(struct postgresql_server *server);

/* "postgresql:///NAME?host=…": a location for db_open. */
void postgresql_server_location(const struct postgresql_server *server, const char *database, char *out,
                                size_t size);
/* To each server process that works for the product's connections to the database: SIGTERM ends them, SIGSTOP
 * makes them silent. Waits until ended ones are gone. */
void postgresql_server_signal(const struct postgresql_server *server, const char *database,
                              int signal_number);
/* Runs one statement as the cluster's owner, outside any transaction. */
void postgresql_server_execute(const struct postgresql_server *server, const char *database, const char *sql);

#endif
