#include "audit/queue.h"

#include <pthread.h>
#include <stdlib.h>

struct audit_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct audit_submission *first;
    struct audit_submission *last;
    size_t length;
    size_t limit;
    bool closed;
};

enum status audit_queue_create(size_t limit, struct audit_queue **out)
{
    struct audit_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return ERR_NO_MEMORY;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->filled, NULL);
    queue->limit = limit;
    *out = queue;
    return OK;
}

void audit_queue_free(struct audit_queue *queue)
{
    if (!queue)
        return;
    pthread_mutex_destroy(&queue->lock);
    pthread_cond_destroy(&queue->filled);
    free(queue);
}

static void add_last(struct audit_queue *queue, struct audit_submission *submission)
{
    submission->next = NULL;
    if (queue->last)
        queue->last->next = submission;
    else
        queue->first = submission;
    queue->last = submission;
    /* Who takes waits only for an empty queue. */
    if (queue->length++ == 0)
        pthread_cond_signal(&queue->filled);
}

enum status audit_queue_put(struct audit_queue *queue, struct audit_submission *submission)
{
    enum status status = OK;
    pthread_mutex_lock(&queue->lock);
    if (queue->closed)
        status = ERR_WRONG_STATE;
    else if (queue->length >= queue->limit)
        status = ERR_BUSY;
    else
        add_last(queue, submission);
    pthread_mutex_unlock(&queue->lock);
    return status;
}

void audit_queue_put_always(struct audit_queue *queue, struct audit_submission *submission)
{
    pthread_mutex_lock(&queue->lock);
    add_last(queue, submission);
    pthread_mutex_unlock(&queue->lock);
}

size_t audit_queue_take(struct audit_queue *queue, struct audit_submission **group, size_t limit)
{
    size_t count = 0;
    pthread_mutex_lock(&queue->lock);
    while (queue->length == 0 && !queue->closed)
        pthread_cond_wait(&queue->filled, &queue->lock);
    while (queue->first && count < limit) {
        group[count++] = queue->first;
        queue->first = queue->first->next;
    }
    if (!queue->first)
        queue->last = NULL;
    queue->length -= count;
    pthread_mutex_unlock(&queue->lock);
    return count;
}

void audit_queue_close(struct audit_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

size_t audit_queue_length(struct audit_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t length = queue->length;
    pthread_mutex_unlock(&queue->lock);
    return length;
}
