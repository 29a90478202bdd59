#include "service/feed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/log.h"
#include "link/link.h"
#include "pki/state_feed.h"
#include "process/message.h"
#include "registry/certificate.h"
#include "service/outbox_event.h"

enum { FEED_CALL_MS = 15000, FEED_PAUSE_MS = 250 };

struct feed {
    struct feed_settings settings;
    pthread_t thread;
    atomic_bool stopping;
    struct feed_position position;
    _Atomic moment issued_at; /* of position, for other threads */
};

struct application {
    const struct feed *feed;
    const struct state_batch *batch;
    bool wake; /* an event waits in the outbox */
};

static bool state_of(enum subject_state state, enum certificate_state *out)
{
    switch (state) {
    case STATE_ACTIVE:
        *out = CERTIFICATE_ACTIVE;
        return true;
    case STATE_SUSPENDED:
        *out = CERTIFICATE_SUSPENDED;
        return true;
    case STATE_REVOKED:
        *out = CERTIFICATE_REVOKED;
        return true;
    case STATE_EXPIRED:
        *out = CERTIFICATE_EXPIRED;
        return true;
    case STATE_SUPERSEDED:
        *out = CERTIFICATE_SUPERSEDED;
        return true;
    }
    return false;
}

/* A card that stops or works again is told to the log; the many that are simply issued are not. */
static enum status tell(struct application *application, struct db *db, const struct state_entry *entry)
{
    if (entry->kind != SUBJECT_CARD || entry->state == STATE_ACTIVE || entry->state == STATE_EXPIRED)
        return OK;
    struct event event = {
        .when = clock_now(application->feed->settings.clock),
        .kind = EVENT_CERTIFICATE_STATE_APPLIED,
        .caller.party = PARTY_AUTHORITY,
        .outcome = (uint16_t)entry->state,
        .personal.detail = bytes_of(entry->id.bytes, sizeof(entry->id.bytes)),
    };
    event_make_id(event.id);
    application->wake = true;
    return event_outbox_put(db, &event);
}

static enum status apply_entry(struct application *application, struct db *db,
                               const struct state_entry *entry)
{
    struct certificate_change change = {.last_day = date_in_tokyo(entry->not_after)};
    if (!state_of(entry->state, &change.state))
        return ERR_MALFORMED;
    memcpy(change.id, entry->id.bytes, sizeof(change.id));
    memcpy(change.successor, entry->successor.bytes, sizeof(change.successor));
    enum status status = ERR_MALFORMED;
    if (entry->kind == SUBJECT_CARD)
        status = certificate_apply(db, &change);
    else if (entry->kind == SUBJECT_MACHINE)
        status = machine_certificate_apply(db, &change);
    else if (entry->kind == SUBJECT_TERMINAL)
        status = terminal_apply(db, &change);
    return status == OK ? tell(application, db, entry) : status;
}

static enum status apply_batch(struct db *db, void *argument)
{
    struct application *application = argument;
    const struct state_batch *batch = application->batch;
    enum status status = OK;
    for (size_t i = 0; i < batch->count && status == OK; i++)
        status = apply_entry(application, db, &batch->entries[i]);
    const struct feed_position position = {.through = batch->through, .issued_at = batch->issued_at};
    return status == OK ? feed_position_set(db, &position) : status;
}

/* A batch that was put back in place of a newer one would un-suspend cards. */
static bool follows(const struct feed *feed, const struct state_batch *batch)
{
    return batch->after == feed->position.through && batch->through >= batch->after &&
           batch->issued_at >= feed->position.issued_at;
}

static enum status apply(struct feed *feed, struct bytes sealed)
{
    struct state_batch batch;
    enum status status = state_batch_open(sealed, &feed->settings.authority, &batch);
    if (status != OK)
        return status;
    struct application application = {.feed = feed, .batch = &batch};
    status =
        follows(feed, &batch) ? db_transaction(feed->settings.changes, apply_batch, &application) : ERR_RANGE;
    if (status == OK) {
        feed->position = (struct feed_position){.through = batch.through, .issued_at = batch.issued_at};
        atomic_store(&feed->issued_at, batch.issued_at);
    }
    if (status == OK && application.wake)
        audit_log_wake_outbox(feed->settings.log);
    state_batch_free(&batch);
    return status;
}

static enum status fetch(struct feed *feed, struct buffer *reply)
{
    struct buffer request = {0};
    struct writer writer = writer_to(&request);
    write_u64(&writer, feed->position.through);
    enum status status = writer.status;
    if (status == OK)
        status =
            message_call(feed->settings.link, LINK_NEXT_BATCH, buffer_bytes(&request), FEED_CALL_MS, reply);
    buffer_free(&request);
    return status;
}

static void pause_briefly(void)
{
    const struct timespec pause = {.tv_nsec = (long)FEED_PAUSE_MS * 1000000};
    nanosleep(&pause, NULL);
}

static void *follow(void *argument)
{
    struct feed *feed = argument;
    bool was_well = true;
    while (!atomic_load(&feed->stopping)) {
        struct buffer reply = {0};
        enum status status = fetch(feed, &reply);
        if (status == OK)
            status = apply(feed, buffer_bytes(&reply));
        buffer_free(&reply);
        if (status != OK && was_well)
            LOG(LOG_WARNING, "feed_interrupted", log_status("status", status));
        if (status == OK && !was_well)
            LOG(LOG_INFO, "feed_goes_on", log_number("sequence", (int64_t)feed->position.through));
        was_well = status == OK;
        if (!was_well)
            pause_briefly();
    }
    return NULL;
}

enum status feed_start(const struct feed_settings *settings, struct feed **out)
{
    *out = NULL;
    struct feed *feed = calloc(1, sizeof(*feed));
    if (!feed)
        return ERR_NO_MEMORY;
    feed->settings = *settings;
    enum status status = feed_position_read(settings->changes, &feed->position);
    atomic_store(&feed->issued_at, feed->position.issued_at);
    if (status == OK && pthread_create(&feed->thread, NULL, follow, feed) != 0)
        status = ERR_NO_MEMORY;
    if (status != OK) {
        free(feed);
        return status;
    }
    *out = feed;
    return OK;
}

moment feed_issued_at(const struct feed *feed)
{
    return atomic_load(&feed->issued_at);
}

void feed_stop(struct feed *feed)
{
    if (!feed)
        return;
    atomic_store(&feed->stopping, true);
    pthread_join(feed->thread, NULL);
    db_close(feed->settings.changes);
    close(feed->settings.link);
    public_key_free(&feed->settings.authority);
    free(feed);
}
