#ifndef SHIKAKU_SERVICE_JOBS_H
#define SHIKAKU_SERVICE_JOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/*
 * Threads for what must not run on a loop: changes of the registry, questions to the vault. Each has a
 * database handle and a socket to the vault of its own.
 */
struct db;
struct job_pool;

struct job_thread {
    struct db *changes; /* DB_FOR_CHANGES */
    int vault;          /* for message_call() */
};

/* Embedded in what the job is about; stays where it is until run is called. */
struct job {
    struct job *next;
    void (*run)(struct job *job, struct job_thread *thread);
};

/* Takes over handles and sockets. */
enum status job_pool_start(const struct job_thread *threads, size_t count, struct job_pool **out) MUST_CHECK;
/* ERR_BUSY where far too many wait, ERR_WRONG_STATE while stopping: run is not called then. */
enum status job_submit(struct job_pool *pool, struct job *job) MUST_CHECK;
/* Look before something is claimed whose work should then not be refused. */
bool job_pool_is_full(struct job_pool *pool);
/* Runs what waits, then ends the threads. NULL is fine. */
void job_pool_stop(struct job_pool *pool);

#endif
