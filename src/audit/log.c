#include "audit/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit/encoding.h"
#include "audit/index.h"
#include "audit/queue.h"
#include "audit/relay.h"
#include "audit/store_driver.h"
#include "base/log.h"

enum {
    QUEUE_LIMIT = 8192,
    GROUP_LIMIT = 1024,
    INDEX_WAIT_MS = 5000,
    /* While events come faster than they are synced, the thread rests before it takes the next group: a sync
     * costs as much for one event as for thirty. An event that comes alone is never held up. */
    REST_MICROSECONDS = 2000,
    GROUP_LARGE_ENOUGH = 32,
};

struct audit_log {
    struct audit_store *store;
    struct audit_index *index; /* NULL where the store looks up by itself */
    struct audit_queue *queue;
    struct audit_relay *relay; /* NULL: no outbox */
    void (*after_group)(void *context);
    void *context;
    pthread_t thread;
    atomic_uint_least64_t events, groups, repeated, replayed, failed, refused;
};

static void count(atomic_uint_least64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* ---- The log's thread ---- */

/* What came back from the relay is decided already; it goes behind the others. */
static size_t undecided_first(struct audit_submission **group, size_t length)
{
    size_t undecided = 0;
    for (size_t i = 0; i < length; i++) {
        if (group[i]->step == AUDIT_AWAIT)
            continue;
        struct audit_submission *submission = group[i];
        memmove(&group[undecided + 1], &group[undecided], (i - undecided) * sizeof group[0]);
        group[undecided++] = submission;
    }
    return undecided;
}

static void outcome_note(struct audit_log *log, const struct audit_submission *submission)
{
    const struct event *event = &submission->event;
    switch (submission->outcome) {
    case AUDIT_RECORDED:
        count(&log->events, submission->step != AUDIT_AWAIT);
        if (log->index && submission->step != AUDIT_AWAIT && event->personal.has_visit &&
            audit_index_add_visit(log->index, event, submission->sequence) != OK)
            LOG(LOG_WARNING, "audit_visit_only_in_index");
        break;
    case AUDIT_REPEATED:
        count(&log->repeated, 1);
        break;
    case AUDIT_REPLAYED:
        count(&log->events, 1);
        count(&log->replayed, 1);
        break;
    case AUDIT_FAILED:
    case AUDIT_PENDING:
        count(&log->failed, 1);
        break;
    case AUDIT_CLAIMED:
        break;
    }
}

static void group_finish(struct audit_log *log, struct audit_submission **group, size_t length)
{
    for (size_t i = 0; i < length; i++)
        outcome_note(log, group[i]);
    if (log->index)
        audit_index_wake(log->index);
    /* From its done call on a submission may be gone. */
    for (size_t i = 0; i < length; i++)
        group[i]->done(group[i]);
    if (log->after_group)
        log->after_group(log->context);
}

static void rest_after(size_t length)
{
    static const struct timespec rest = {.tv_nsec = REST_MICROSECONDS * 1000};
    if (length > 1 && length < GROUP_LARGE_ENOUGH)
        clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
}

static void *log_run(void *context)
{
    struct audit_log *log = context;
    struct audit_submission *group[GROUP_LIMIT];
    size_t length;
    while ((length = audit_queue_take(log->queue, group, GROUP_LIMIT)) > 0) {
        size_t undecided = undecided_first(group, length);
        if (undecided) {
            log->store->driver->append(log->store, group, undecided);
            count(&log->groups, 1);
        }
        group_finish(log, group, length);
        rest_after(length);
    }
    return NULL;
}

/* ---- Opening ---- */

static void log_free(struct audit_log *log)
{
    audit_index_close(log->index);
    audit_queue_free(log->queue);
    free(log);
}

enum status audit_log_open(const struct audit_log_options *options, struct audit_log **out)
{
    bool needs_index = options->store->driver->directory != NULL;
    if (needs_index != (options->index_path != NULL))
        return ERR_RANGE;
    struct audit_log *log = calloc(1, sizeof *log);
    if (!log)
        return ERR_NO_MEMORY;
    log->store = options->store;
    log->after_group = options->after_group;
    log->context = options->context;
    enum status status =
        audit_queue_create(options->queue_limit ? options->queue_limit : QUEUE_LIMIT, &log->queue);
    if (status == OK && needs_index)
        status = audit_index_open(options->index_path, options->store, options->clock, &log->index);
    if (status == OK && pthread_create(&log->thread, NULL, log_run, log) != 0)
        status = ERR_NO_MEMORY;
    if (status != OK) {
        log_free(log);
        return status;
    }
    if (options->outbox)
        status = audit_relay_start(options->outbox, log->store, log->queue, log->index, &log->relay);
    if (status != OK) {
        audit_queue_close(log->queue);
        pthread_join(log->thread, NULL);
        log_free(log);
        return status;
    }
    *out = log;
    return OK;
}

void audit_log_close(struct audit_log *log)
{
    if (!log)
        return;
    audit_relay_stop(log->relay);
    audit_queue_close(log->queue);
    pthread_join(log->thread, NULL);
    struct audit_store *store = log->store;
    log_free(log);
    audit_store_close(store);
}

/* ---- Any thread ---- */

enum status audit_log_submit(struct audit_log *log, struct audit_submission *submission)
{
    submission->outcome = AUDIT_PENDING;
    submission->status = OK;
    submission->has_happened = false;
    submission->recorded_answer = (struct buffer){0};
    if (submission->step == AUDIT_AWAIT) {
        if (!log->relay)
            return ERR_WRONG_STATE;
        audit_relay_await(log->relay, submission);
        return OK;
    }
    enum status status = submission->step == AUDIT_UNCLAIM ? OK : event_check(&submission->event);
    if (status == OK)
        status = audit_queue_put(log->queue, submission);
    if (status == ERR_BUSY)
        count(&log->refused, 1);
    return status;
}

void audit_log_wake_outbox(struct audit_log *log)
{
    if (log->relay)
        audit_relay_wake(log->relay);
}

uint64_t audit_log_newest(const struct audit_log *log)
{
    return log->store->driver->newest(log->store);
}

void audit_log_measure(struct audit_log *log, struct audit_measures *out)
{
    *out = (struct audit_measures){
        .events = atomic_load_explicit(&log->events, memory_order_relaxed),
        .groups = atomic_load_explicit(&log->groups, memory_order_relaxed),
        .repeated = atomic_load_explicit(&log->repeated, memory_order_relaxed),
        .replayed = atomic_load_explicit(&log->replayed, memory_order_relaxed),
        .failed = atomic_load_explicit(&log->failed, memory_order_relaxed),
        .refused = atomic_load_explicit(&log->refused, memory_order_relaxed),
        .queued = audit_queue_length(log->queue),
        .newest = audit_log_newest(log),
        .sync_microseconds = log->store->driver->sync_microseconds(log->store),
    };
    out->indexed = log->index ? audit_index_sequence(log->index) : out->newest;
}

enum status audit_visit_find(struct audit_log *log, const uint8_t token_hash[EVENT_HASH_SIZE], moment now,
                             struct audit_visit *out)
{
    enum status status = log->index ? audit_index_visit(log->index, token_hash, out)
                                    : log->store->driver->visit(log->store, token_hash, out);
    return status == OK && now >= out->expiry ? ERR_EXPIRED : status;
}

enum status audit_person_events(struct audit_log *log, int64_t person, uint64_t from, uint64_t *sequences,
                                size_t limit, size_t *found)
{
    if (!log->index)
        return log->store->driver->person(log->store, person, from, sequences, limit, found);
    return audit_index_person(log->index, person, from, sequences, limit, found);
}

enum status audit_log_await_index(struct audit_log *log, uint64_t sequence, int timeout_ms)
{
    return log->index ? audit_index_await(log->index, sequence, timeout_ms) : OK;
}

enum status audit_event_by_sequence(struct audit_log *log, uint64_t sequence, struct buffer *hold,
                                    struct event *out)
{
    const struct event_place place = {.sequence = sequence};
    return log->store->driver->event_at(log->store, &place, hold, out);
}

/* Of an id that is not indexed, or not yet. */
static enum status place_await(struct audit_log *log, const uint8_t id[EVENT_ID_SIZE],
                               struct event_place *out)
{
    enum status status = audit_index_place(log->index, id, out);
    if (status != ERR_NOT_FOUND)
        return status;
    status = audit_index_await(log->index, audit_log_newest(log), INDEX_WAIT_MS);
    return status == OK ? audit_index_place(log->index, id, out) : status;
}

enum status audit_event_by_id(struct audit_log *log, const uint8_t id[EVENT_ID_SIZE], struct buffer *hold,
                              struct event *out)
{
    struct event_place place;
    enum status status =
        log->index ? place_await(log, id, &place) : log->store->driver->place(log->store, id, &place);
    return status == OK ? log->store->driver->event_at(log->store, &place, hold, out) : status;
}
