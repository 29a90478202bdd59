#include "audit/index.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit/event_index_sql.h"
#include "audit/reader.h"
#include "audit/recent_visits.h"
#include "audit/segment.h"
#include "audit/store_driver.h"
#include "base/log.h"
#include "db/db.h"

enum {
    EVENTS_A_TRANSACTION = 4096,
    /* The index follows at this distance: a transaction writes every page that it touches and syncs, so fewer
     * and larger ones cost less an event. Who looks up an event id waits for it, and hurries it. */
    PACE_MS = 1000,
    RETRY_MS = 5000,
    FORGET_EVERY_MS = 3600 * 1000,
};

struct audit_index {
    const struct audit_store *store;
    const struct clock *clock;
    pthread_t thread;

    /* the thread's */
    struct db *writing;
    struct event_place next;     /* the first event that is not indexed */
    struct audit_reader *reader; /* there; NULL: to be opened */
    int64_t forgot_at;           /* monotonic */

    pthread_mutex_t reading_lock;
    struct db *reading;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t woken;
    pthread_cond_t reached;
    uint64_t sequence;     /* up to which it is built */
    uint64_t known_gap_to; /* of events up to here the visits are found in the index only */
    struct recent_visits *recent;
    unsigned hurried; /* how many wait */
    bool ending;
};

/* ---- Building ---- */

static enum status visit_write(struct db *db, const struct event *event)
{
    const struct event_visit *visit = &event->personal.visit;
    const struct event_index_sql_visit_add_in in = {
        .token_hash = bytes_of(visit->token_hash, EVENT_HASH_SIZE),
        .sequence = (int64_t)event->sequence,
        .event_id = bytes_of(event->id, EVENT_ID_SIZE),
        .party = event->caller.party,
        .code = bytes_of_text(event->caller.code),
        .certificate_id = bytes_of(event->caller.certificate_id, EVENT_HASH_SIZE),
        .person = event->personal.person,
        .subscription = event->personal.subscription,
        .expires_at = visit->expiry,
    };
    return event_index_sql_visit_add(db, &in, NULL);
}

static enum status event_write(struct db *db, const struct event *event, const struct event_place *place)
{
    const struct event_index_sql_place_add_in at = {
        .event_id = bytes_of(event->id, EVENT_ID_SIZE),
        .sequence = (int64_t)event->sequence,
        .segment = (int64_t)place->segment,
        .segment_offset = (int64_t)place->offset,
    };
    enum status status = event_index_sql_place_add(db, &at, NULL);
    if (status == OK && event->personal.person) {
        const struct event_index_sql_person_add_in person = {.person = event->personal.person,
                                                             .sequence = (int64_t)event->sequence};
        status = event_index_sql_person_add(db, &person, NULL);
    }
    if (status == OK && event->personal.has_visit)
        status = visit_write(db, event);
    return status;
}

static enum status position_write(struct db *db, const struct event_place *at)
{
    const struct event_index_sql_position_set_in in = {.sequence = (int64_t)at->sequence,
                                                       .segment = (int64_t)at->segment,
                                                       .segment_offset = (int64_t)at->offset};
    return event_index_sql_position_set(db, &in, NULL);
}

struct batch {
    struct audit_index *index;
    uint64_t last; /* sequence */
};

static enum status reader_at_next(struct audit_index *index)
{
    if (index->reader && audit_reader_place(index->reader).sequence == index->next.sequence)
        return OK;
    audit_reader_close(index->reader);
    index->reader = NULL;
    return audit_reader_open_at(index->store->driver->directory(index->store), &index->next, &index->reader);
}

static enum status batch_write(struct db *db, void *argument)
{
    const struct batch *batch = argument;
    struct audit_reader *reader;
    enum status status = reader_at_next(batch->index);
    if (status != OK)
        return status;
    reader = batch->index->reader;
    while (status == OK && audit_reader_place(reader).sequence <= batch->last) {
        struct event event;
        status = audit_reader_next(reader, &event);
        const struct event_place place = audit_reader_last_place(reader);
        if (status == OK)
            status = event_write(db, &event, &place);
    }
    const struct event_place next = audit_reader_place(reader);
    return status == OK ? position_write(db, &next) : status;
}

/* Up to a transaction's worth of what is durable. */
static enum status batch_run(struct audit_index *index)
{
    struct batch batch = {.index = index, .last = index->store->driver->newest(index->store)};
    if (batch.last - index->next.sequence >= EVENTS_A_TRANSACTION)
        batch.last = index->next.sequence + EVENTS_A_TRANSACTION - 1;
    enum status status = db_transaction(index->writing, batch_write, &batch);
    if (status == OK)
        index->next = audit_reader_place(index->reader);
    return status;
}

static enum status index_clear(struct db *db, void *argument)
{
    (void)argument;
    enum status status = event_index_sql_places_clear(db, NULL);
    if (status == OK)
        status = event_index_sql_persons_clear(db, NULL);
    if (status == OK)
        status = event_index_sql_visits_clear(db, NULL);
    return status == OK ? event_index_sql_position_clear(db, NULL) : status;
}

static void expired_forget(struct audit_index *index)
{
    int64_t now = monotonic_microseconds();
    if (index->forgot_at && now - index->forgot_at < (int64_t)FORGET_EVERY_MS * 1000)
        return;
    index->forgot_at = now;
    /* An hour past its end it may still be told as expired rather than as unknown. */
    const struct event_index_sql_visits_forget_in in = {.before = clock_now(index->clock) -
                                                                  (int64_t)3600 * MICROSECONDS};
    enum status status = event_index_sql_visits_forget(index->writing, &in, NULL);
    if (status != OK)
        LOG(LOG_WARNING, "audit_index_forget_failed", log_status("status", status));
}

static struct timespec after_ms(int ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Waits for something to index, then a little longer for more of it. Locked. */
static void work_await(struct audit_index *index)
{
    while (!index->ending && index->store->driver->newest(index->store) <= index->sequence)
        pthread_cond_wait(&index->woken, &index->lock);
    struct timespec until = after_ms(PACE_MS);
    int timeout = 0;
    while (!index->ending && !index->hurried && timeout == 0 &&
           index->store->driver->newest(index->store) - index->sequence < EVENTS_A_TRANSACTION)
        timeout = pthread_cond_timedwait(&index->woken, &index->lock, &until);
}

static void retry_await(struct audit_index *index)
{
    struct timespec until = after_ms(RETRY_MS);
    int timeout = 0;
    while (!index->ending && timeout == 0)
        timeout = pthread_cond_timedwait(&index->woken, &index->lock, &until);
}

static void *index_run(void *context)
{
    struct audit_index *index = context;
    pthread_mutex_lock(&index->lock);
    for (;;) {
        work_await(index);
        if (index->ending)
            break;
        pthread_mutex_unlock(&index->lock);
        enum status status = batch_run(index);
        if (status == OK)
            expired_forget(index);
        else
            LOG(LOG_ERROR, "audit_index_failed", log_status("status", status),
                log_number("sequence", (int64_t)index->next.sequence));
        pthread_mutex_lock(&index->lock);
        index->sequence = index->next.sequence - 1;
        recent_visits_forget(index->recent, index->sequence);
        pthread_cond_broadcast(&index->reached);
        if (status != OK)
            retry_await(index);
    }
    pthread_mutex_unlock(&index->lock);
    return NULL;
}

/* ---- Opening ---- */

static enum status position_read(struct audit_index *index)
{
    struct db_rows rows;
    enum status status = event_index_sql_position_find(index->writing, &rows);
    if (status != OK)
        return status;
    struct event_index_sql_position_find_row row;
    index->next = (struct event_place){1, 1, SEGMENT_HEADER_SIZE};
    if (event_index_sql_position_find_next(&rows, &row))
        index->next =
            (struct event_place){(uint64_t)row.sequence, (uint64_t)row.segment, (uint64_t)row.segment_offset};
    return db_rows_close(&rows);
}

static enum status index_prepare(struct audit_index *index, const char *path)
{
    char location[4096];
    if (snprintf(location, sizeof location, "sqlite:%s", path) >= (int)sizeof location)
        return ERR_TOO_LARGE;
    const struct db_options options = {.location = location, .use = DB_FOR_CHANGES};
    enum status status = db_open(&options, &event_index_catalogue, &index->writing);
    if (status == OK)
        status = db_migrate(index->writing);
    if (status == OK)
        status = db_open(&options, &event_index_catalogue, &index->reading);
    if (status == OK)
        status = position_read(index);
    if (status == OK && index->next.sequence > index->store->driver->newest(index->store) + 1) {
        LOG(LOG_WARNING, "audit_index_ahead_of_log", log_number("sequence", (int64_t)index->next.sequence));
        status = db_transaction(index->writing, index_clear, NULL);
        if (status == OK)
            status = position_read(index);
    }
    if (status == OK)
        status = recent_visits_create(&index->recent);
    return status;
}

static void index_free(struct audit_index *index)
{
    recent_visits_free(index->recent);
    audit_reader_close(index->reader);
    db_close(index->reading);
    db_close(index->writing);
    pthread_cond_destroy(&index->woken);
    pthread_cond_destroy(&index->reached);
    pthread_mutex_destroy(&index->lock);
    pthread_mutex_destroy(&index->reading_lock);
    free(index);
}

enum status audit_index_open(const char *path, const struct audit_store *store, const struct clock *clock,
                             struct audit_index **out)
{
    if (!store->driver->directory)
        return ERR_UNSUPPORTED;
    struct audit_index *index = calloc(1, sizeof *index);
    if (!index)
        return ERR_NO_MEMORY;
    index->store = store;
    index->clock = clock;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&index->woken, &monotonic);
    pthread_cond_init(&index->reached, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&index->lock, NULL);
    pthread_mutex_init(&index->reading_lock, NULL);
    enum status status = index_prepare(index, path);
    index->sequence = index->next.sequence - 1;
    index->known_gap_to = store->driver->newest(store);
    if (status == OK && pthread_create(&index->thread, NULL, index_run, index) != 0)
        status = ERR_NO_MEMORY;
    if (status != OK) {
        index_free(index);
        return status;
    }
    *out = index;
    return OK;
}

void audit_index_close(struct audit_index *index)
{
    if (!index)
        return;
    pthread_mutex_lock(&index->lock);
    index->ending = true;
    pthread_cond_broadcast(&index->woken);
    pthread_mutex_unlock(&index->lock);
    pthread_join(index->thread, NULL);
    index_free(index);
}

/* ---- Looking up ---- */

enum status audit_index_add_visit(struct audit_index *index, const struct event *event, uint64_t sequence)
{
    const struct audit_visit visit = audit_visit_of(event, sequence);
    pthread_mutex_lock(&index->lock);
    enum status status = OK;
    if (sequence > index->sequence)
        status = recent_visits_add(index->recent, event->personal.visit.token_hash, &visit);
    if (status != OK)
        index->known_gap_to = sequence;
    pthread_mutex_unlock(&index->lock);
    return status;
}

void audit_index_wake(struct audit_index *index)
{
    pthread_mutex_lock(&index->lock);
    pthread_cond_signal(&index->woken);
    pthread_mutex_unlock(&index->lock);
}

uint64_t audit_index_sequence(struct audit_index *index)
{
    pthread_mutex_lock(&index->lock);
    uint64_t sequence = index->sequence;
    pthread_mutex_unlock(&index->lock);
    return sequence;
}

enum status audit_index_await(struct audit_index *index, uint64_t sequence, int timeout_ms)
{
    struct timespec until = after_ms(timeout_ms);
    int timeout = 0;
    pthread_mutex_lock(&index->lock);
    index->hurried++;
    pthread_cond_signal(&index->woken);
    while (index->sequence < sequence && timeout == 0)
        timeout = pthread_cond_timedwait(&index->reached, &index->lock, &until);
    index->hurried--;
    bool reached = index->sequence >= sequence;
    pthread_mutex_unlock(&index->lock);
    return reached ? OK : ERR_TIMEOUT;
}

static enum status visit_read(struct db *db, const uint8_t *token_hash, struct audit_visit *out)
{
    const struct event_index_sql_visit_find_in in = {.token_hash = bytes_of(token_hash, EVENT_HASH_SIZE)};
    struct event_index_sql_visit_find_row row;
    struct db_rows rows;
    enum status status = event_index_sql_visit_find(db, &in, &rows);
    if (status != OK)
        return status;
    bool found = event_index_sql_visit_find_next(&rows, &row);
    bool fits = found && row.event_id.length == EVENT_ID_SIZE && row.code.length <= EVENT_CODE_LIMIT &&
                row.certificate_id.length == EVENT_HASH_SIZE;
    if (fits) {
        *out = (struct audit_visit){.sequence = (uint64_t)row.sequence,
                                    .caller.party = (enum event_party)row.party,
                                    .person = row.person,
                                    .subscription = row.subscription,
                                    .expiry = row.expires_at};
        memcpy(out->event_id, row.event_id.data, EVENT_ID_SIZE);
        memcpy(out->caller.code, row.code.data, row.code.length);
        memcpy(out->caller.certificate_id, row.certificate_id.data, EVENT_HASH_SIZE);
    }
    status = db_rows_close(&rows);
    if (status != OK)
        return status;
    return fits ? OK : found ? ERR_DAMAGED : ERR_NOT_FOUND;
}

enum status audit_index_visit(struct audit_index *index, const uint8_t token_hash[EVENT_HASH_SIZE],
                              struct audit_visit *out)
{
    pthread_mutex_lock(&index->lock);
    const struct audit_visit *recent = recent_visits_find(index->recent, token_hash);
    if (recent)
        *out = *recent;
    bool gap = index->sequence < index->known_gap_to;
    pthread_mutex_unlock(&index->lock);
    if (recent)
        return OK;
    pthread_mutex_lock(&index->reading_lock);
    enum status status = visit_read(index->reading, token_hash, out);
    pthread_mutex_unlock(&index->reading_lock);
    return status == ERR_NOT_FOUND && gap ? ERR_BUSY : status;
}

static enum status person_read(struct db *db, const struct event_index_sql_person_events_in *in,
                               uint64_t *sequences, size_t *count)
{
    struct event_index_sql_person_events_row row;
    struct db_rows rows;
    enum status status = event_index_sql_person_events(db, in, &rows);
    if (status != OK)
        return status;
    while (event_index_sql_person_events_next(&rows, &row))
        sequences[(*count)++] = (uint64_t)row.sequence;
    return db_rows_close(&rows);
}

enum status audit_index_person(struct audit_index *index, int64_t person, uint64_t from, uint64_t *sequences,
                               size_t limit, size_t *count)
{
    const struct event_index_sql_person_events_in in = {
        .person = person, .newest = from > INT64_MAX ? INT64_MAX : (int64_t)from, .most = (int64_t)limit};
    *count = 0;
    pthread_mutex_lock(&index->reading_lock);
    enum status status = person_read(index->reading, &in, sequences, count);
    pthread_mutex_unlock(&index->reading_lock);
    return status;
}

enum status audit_index_place(struct audit_index *index, const uint8_t id[EVENT_ID_SIZE],
                              struct event_place *out)
{
    const struct event_index_sql_place_find_in in = {.event_id = bytes_of(id, EVENT_ID_SIZE)};
    struct event_index_sql_place_find_row row;
    struct db_rows rows;
    pthread_mutex_lock(&index->reading_lock);
    enum status status = event_index_sql_place_find(index->reading, &in, &rows);
    bool found = status == OK && event_index_sql_place_find_next(&rows, &row);
    if (found)
        *out =
            (struct event_place){(uint64_t)row.sequence, (uint64_t)row.segment, (uint64_t)row.segment_offset};
    if (status == OK)
        status = db_rows_close(&rows);
    pthread_mutex_unlock(&index->reading_lock);
    return status == OK && !found ? ERR_NOT_FOUND : status;
}
