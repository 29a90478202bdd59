#include "audit/relay.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit/store_driver.h"
#include "base/log.h"

enum {
    ROWS_AT_ONCE = 64,
    /* Events of the last rows, for whoever asks for one just after. */
    REMEMBERED = 1024,
    INDEX_WAIT_MS = 10000,
    /* Without being woken: a writer may have ended between its commit and its word. */
    LOOK_EVERY_MS = 1000,
};

struct remembered {
    uint8_t id[EVENT_ID_SIZE];
    uint64_t sequence;
    uint16_t outcome;
};

struct audit_relay {
    const struct audit_outbox *outbox;
    struct audit_store *store;
    struct audit_queue *queue;
    struct audit_index *index;
    pthread_t thread;

    /* the thread's */
    struct audit_outbox_row rows[ROWS_AT_ONCE];
    struct audit_submission submissions[ROWS_AT_ONCE];
    bool recorded[ROWS_AT_ONCE];
    bool uncertain; /* rows may have been recorded already: look them up */

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t woken;
    pthread_cond_t changed;
    struct remembered remembered[REMEMBERED];
    size_t remembered_next;
    struct audit_submission *waiting; /* came since the last look into the outbox */
    struct audit_submission *looked_for;
    size_t under_way;
    bool wake;
    bool started;
    bool ending;
};

/* ---- Who waits ---- */

/* Back through the queue, so that its owner hears of it on the log's thread like of anything else. */
static void waiter_finish(struct audit_relay *relay, struct audit_submission *waiter, enum status status,
                          const struct remembered *found)
{
    waiter->status = status;
    waiter->outcome = status == OK ? AUDIT_RECORDED : AUDIT_FAILED;
    if (found) {
        waiter->sequence = found->sequence;
        waiter->recorded_outcome = found->outcome;
        memcpy(waiter->recorded_id, found->id, EVENT_ID_SIZE);
    }
    audit_queue_put_always(relay->queue, waiter);
}

static void waiters_match(struct audit_relay *relay, struct audit_submission **list, enum status status,
                          const struct remembered *found)
{
    while (*list) {
        struct audit_submission *waiter = *list;
        if (memcmp(waiter->event.id, found->id, EVENT_ID_SIZE) != 0) {
            list = &waiter->next;
            continue;
        }
        *list = waiter->next;
        waiter_finish(relay, waiter, status, status == OK ? found : NULL);
    }
}

static void waiters_fail(struct audit_relay *relay, struct audit_submission **list, enum status status)
{
    while (*list) {
        struct audit_submission *waiter = *list;
        *list = waiter->next;
        waiter_finish(relay, waiter, status, NULL);
    }
}

static void row_settled(struct audit_relay *relay, const struct remembered *found, enum status status)
{
    pthread_mutex_lock(&relay->lock);
    if (status == OK)
        relay->remembered[relay->remembered_next++ % REMEMBERED] = *found;
    waiters_match(relay, &relay->looked_for, status, found);
    waiters_match(relay, &relay->waiting, status, found);
    pthread_mutex_unlock(&relay->lock);
}

static const struct remembered *remembered_find(const struct audit_relay *relay, const uint8_t *id)
{
    static const uint8_t none[EVENT_ID_SIZE];
    for (size_t i = 0; i < REMEMBERED; i++)
        if (memcmp(relay->remembered[i].id, id, EVENT_ID_SIZE) == 0)
            return memcmp(id, none, EVENT_ID_SIZE) == 0 ? NULL : &relay->remembered[i];
    return NULL;
}

void audit_relay_await(struct audit_relay *relay, struct audit_submission *submission)
{
    pthread_mutex_lock(&relay->lock);
    const struct remembered *found = remembered_find(relay, submission->event.id);
    if (found) {
        waiter_finish(relay, submission, OK, found);
    } else {
        submission->next = relay->waiting;
        relay->waiting = submission;
        relay->wake = true;
        pthread_cond_signal(&relay->woken);
    }
    pthread_mutex_unlock(&relay->lock);
}

/* ---- Rows ---- */

static void row_done(struct audit_submission *submission)
{
    struct audit_relay *relay = submission->context;
    pthread_mutex_lock(&relay->lock);
    if (--relay->under_way == 0)
        pthread_cond_broadcast(&relay->changed);
    pthread_mutex_unlock(&relay->lock);
}

/* Rows that an interruption left may be in the log. ERR_NOT_FOUND: this one is not. */
static enum status recorded_before(struct audit_relay *relay, const struct event *event,
                                   struct remembered *out)
{
    if (!relay->uncertain || !relay->index)
        return ERR_NOT_FOUND;
    uint64_t newest = relay->store->driver->newest(relay->store);
    enum status status = audit_index_await(relay->index, newest, INDEX_WAIT_MS);
    struct event_place place = {0};
    if (status == OK)
        status = audit_index_place(relay->index, event->id, &place);
    *out = (struct remembered){.sequence = place.sequence, .outcome = event->outcome};
    memcpy(out->id, event->id, EVENT_ID_SIZE);
    return status;
}

static void rows_send(struct audit_relay *relay, size_t count)
{
    pthread_mutex_lock(&relay->lock);
    for (size_t i = 0; i < count; i++)
        relay->under_way += !relay->recorded[i];
    pthread_mutex_unlock(&relay->lock);
    for (size_t i = 0; i < count; i++) {
        if (relay->recorded[i])
            continue;
        relay->submissions[i] = (struct audit_submission){
            .event = relay->rows[i].event, .has_happened = true, .done = row_done, .context = relay};
        audit_queue_put_always(relay->queue, &relay->submissions[i]);
    }
    pthread_mutex_lock(&relay->lock);
    while (relay->under_way)
        pthread_cond_wait(&relay->changed, &relay->lock);
    pthread_mutex_unlock(&relay->lock);
}

/* Makes sure that each row is in the log; recorded[] says which are. */
static enum status rows_record(struct audit_relay *relay, size_t count)
{
    enum status status = OK;
    memset(relay->recorded, 0, sizeof relay->recorded);
    for (size_t i = 0; i < count; i++) {
        struct remembered found;
        enum status before = recorded_before(relay, &relay->rows[i].event, &found);
        if (before != OK && before != ERR_NOT_FOUND)
            return before;
        relay->recorded[i] = before == OK;
        if (before == OK)
            row_settled(relay, &found, OK);
    }
    bool known[ROWS_AT_ONCE];
    memcpy(known, relay->recorded, sizeof known);
    rows_send(relay, count);
    for (size_t i = 0; i < count; i++) {
        if (known[i])
            continue;
        const struct audit_submission *sent = &relay->submissions[i];
        struct remembered settled = {.sequence = sent->sequence, .outcome = sent->event.outcome};
        memcpy(settled.id, sent->event.id, EVENT_ID_SIZE);
        row_settled(relay, &settled, sent->status);
        relay->recorded[i] = sent->outcome == AUDIT_RECORDED;
        if (!relay->recorded[i])
            status = sent->status;
    }
    return status;
}

static enum status rows_confirm(struct audit_relay *relay, size_t count)
{
    int64_t numbers[ROWS_AT_ONCE];
    size_t recorded = 0;
    for (size_t i = 0; i < count; i++)
        if (relay->recorded[i])
            numbers[recorded++] = relay->rows[i].row;
    if (!recorded)
        return OK;
    return relay->outbox->confirm(relay->outbox->context, numbers, recorded);
}

/* Empties the outbox. What stays because of an error is found again later. */
static enum status outbox_empty(struct audit_relay *relay)
{
    for (;;) {
        pthread_mutex_lock(&relay->lock);
        struct audit_submission **last = &relay->looked_for;
        while (*last)
            last = &(*last)->next;
        *last = relay->waiting;
        relay->waiting = NULL;
        pthread_mutex_unlock(&relay->lock);
        size_t count = 0;
        enum status status = relay->outbox->take(relay->outbox->context, relay->rows, ROWS_AT_ONCE, &count);
        if (status != OK || count == 0)
            return status;
        status = rows_record(relay, count);
        enum status confirmed = rows_confirm(relay, count);
        relay->uncertain = status != OK || confirmed != OK;
        if (relay->uncertain)
            return status != OK ? status : confirmed;
    }
}

/* Those whose rows were not among what was there: long recorded, or never committed. */
static void left_over_settle(struct audit_relay *relay, enum status status)
{
    pthread_mutex_lock(&relay->lock);
    struct audit_submission *left = relay->looked_for;
    relay->looked_for = NULL;
    pthread_mutex_unlock(&relay->lock);
    bool before = relay->uncertain;
    relay->uncertain = true;
    while (left) {
        struct audit_submission *waiter = left;
        left = left->next;
        struct remembered found;
        enum status known = status == OK ? recorded_before(relay, &waiter->event, &found) : status;
        waiter_finish(relay, waiter, known, known == OK ? &found : NULL);
    }
    relay->uncertain = before;
}

static void relay_wait(struct audit_relay *relay)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOOK_EVERY_MS / 1000;
    int timeout = 0;
    while (!relay->ending && !relay->wake && timeout == 0)
        timeout = pthread_cond_timedwait(&relay->woken, &relay->lock, &until);
    relay->wake = false;
}

static void *relay_run(void *context)
{
    struct audit_relay *relay = context;
    pthread_mutex_lock(&relay->lock);
    while (!relay->ending) {
        pthread_mutex_unlock(&relay->lock);
        enum status status = outbox_empty(relay);
        if (status != OK)
            LOG(LOG_ERROR, "audit_outbox_failed", log_status("status", status));
        left_over_settle(relay, status);
        pthread_mutex_lock(&relay->lock);
        relay->started = true;
        pthread_cond_broadcast(&relay->changed);
        relay_wait(relay);
    }
    pthread_mutex_unlock(&relay->lock);
    return NULL;
}

enum status audit_relay_start(const struct audit_outbox *outbox, struct audit_store *store,
                              struct audit_queue *queue, struct audit_index *index, struct audit_relay **out)
{
    struct audit_relay *relay = calloc(1, sizeof *relay);
    if (!relay)
        return ERR_NO_MEMORY;
    relay->outbox = outbox;
    relay->store = store;
    relay->queue = queue;
    relay->index = index;
    relay->uncertain = true;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&relay->lock, NULL);
    pthread_cond_init(&relay->woken, &monotonic);
    pthread_cond_init(&relay->changed, NULL);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&relay->thread, NULL, relay_run, relay) != 0) {
        free(relay);
        return ERR_NO_MEMORY;
    }
    pthread_mutex_lock(&relay->lock);
    while (!relay->started)
        pthread_cond_wait(&relay->changed, &relay->lock);
    pthread_mutex_unlock(&relay->lock);
    *out = relay;
    return OK;
}

void audit_relay_stop(struct audit_relay *relay)
{
    if (!relay)
        return;
    pthread_mutex_lock(&relay->lock);
    relay->ending = true;
    pthread_cond_signal(&relay->woken);
    pthread_mutex_unlock(&relay->lock);
    pthread_join(relay->thread, NULL);
    waiters_fail(relay, &relay->looked_for, ERR_UNREACHABLE);
    waiters_fail(relay, &relay->waiting, ERR_UNREACHABLE);
    pthread_mutex_destroy(&relay->lock);
    pthread_cond_destroy(&relay->woken);
    pthread_cond_destroy(&relay->changed);
    free(relay);
}

void audit_relay_wake(struct audit_relay *relay)
{
    pthread_mutex_lock(&relay->lock);
    relay->wake = true;
    pthread_cond_signal(&relay->woken);
    pthread_mutex_unlock(&relay->lock);
}
