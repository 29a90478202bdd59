#include "service/jobs.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/db.h"

/* Full is said well before submitting fails: between the two lie requests that were let in together. */
enum { JOBS_FULL = 1024, JOBS_WAITING_MAX = 2 * JOBS_FULL };

struct pool_thread {
    struct job_pool *pool;
    struct job_thread own;
    pthread_t thread;
};

struct job_pool {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct job *first;
    struct job **last;
    size_t waiting;
    bool stopping;
    size_t count;
    struct pool_thread threads[];
};

static void *work(void *argument)
{
    struct pool_thread *thread = argument;
    struct job_pool *pool = thread->pool;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        struct job *job = pool->first;
        if (!job && pool->stopping)
            break;
        if (!job) {
            pthread_cond_wait(&pool->changed, &pool->mutex);
            continue;
        }
        pool->first = job->next;
        if (!pool->first)
            pool->last = &pool->first;
        pool->waiting--;
        pthread_mutex_unlock(&pool->mutex);
        job->run(job, &thread->own);
        pthread_mutex_lock(&pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

enum status job_pool_start(const struct job_thread *threads, size_t count, struct job_pool **out)
{
    struct job_pool *pool = calloc(1, sizeof(*pool) + count * sizeof(pool->threads[0]));
    *out = pool;
    if (!pool)
        return ERR_NO_MEMORY;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->changed, NULL);
    pool->last = &pool->first;
    for (; pool->count < count; pool->count++) {
        struct pool_thread *thread = &pool->threads[pool->count];
        thread->pool = pool;
        thread->own = threads[pool->count];
        if (pthread_create(&thread->thread, NULL, work, thread) != 0) {
            job_pool_stop(pool);
            *out = NULL;
            return ERR_NO_MEMORY;
        }
    }
    return OK;
}

enum status job_submit(struct job_pool *pool, struct job *job)
{
    enum status status = OK;
    job->next = NULL;
    pthread_mutex_lock(&pool->mutex);
    if (pool->stopping) {
        status = ERR_WRONG_STATE;
    } else if (pool->waiting >= JOBS_WAITING_MAX) {
        status = ERR_BUSY;
    } else {
        *pool->last = job;
        pool->last = &job->next;
        pool->waiting++;
        pthread_cond_signal(&pool->changed);
    }
    pthread_mutex_unlock(&pool->mutex);
    return status;
}

bool job_pool_is_full(struct job_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    bool full = pool->waiting >= JOBS_FULL;
    pthread_mutex_unlock(&pool->mutex);
    return full;
}

void job_pool_stop(struct job_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->count; i++) {
        pthread_join(pool->threads[i].thread, NULL);
        db_close(pool->threads[i].own.changes);
        close(pool->threads[i].own.vault);
    }
    pthread_mutex_destroy(&pool->mutex);
    pthread_cond_destroy(&pool->changed);
    free(pool);
}
