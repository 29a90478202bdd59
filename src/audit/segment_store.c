#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/live_keys.h"
#include "audit/reader.h"
#include "audit/recovery.h"
#include "audit/segment.h"
#include "audit/spare.h"
#include "audit/store_driver.h"
#include "base/log.h"

enum {
    /* A key is remembered this long after it expired: a submission was checked against its expiry before it
     * waited in the queue. */
    KEY_MARGIN = 60 * MICROSECONDS,
};

/* One submission that waits for the sync. */
struct staged {
    struct audit_submission *submission;
    enum audit_outcome outcome; /* if the sync succeeds */
    struct live_key *key;       /* first used by this event; NULL: none */
    bool was_claimed;           /* the key stood there before, without an event */
};

struct segment_store {
    struct audit_store base;
    char *path;
    int directory;
    int lock;
    const struct clock *clock;
    uint32_t segment_size;
    struct spare *spare;
    struct live_keys *keys;

    /* The segment that is written, and its durable state. */
    int fd;
    uint64_t segment; /* its first sequence */
    uint32_t size;
    uint64_t offset;
    uint64_t next_sequence;
    uint8_t chain[EVENT_HASH_SIZE];
    uint64_t torn_to; /* bytes from offset to here may be anything, and must become zero; 0: none */
    bool must_change; /* to a new segment before anything else is written */

    /* What has been staged since. */
    struct buffer group;
    uint64_t staged_sequence; /* the next one */
    uint8_t staged_chain[EVENT_HASH_SIZE];
    struct staged *staged;
    size_t staged_count;
    size_t staged_capacity;
    enum status failure; /* of this group: nothing more is recorded in it */

    atomic_uint_least64_t newest;
    atomic_uint_least64_t sync_microseconds;
};

static struct segment_store *segment_store_of(struct audit_store *store)
{
    return (struct segment_store *)(void *)store;
}

/* ---- Writing ---- */

static enum status durable(struct segment_store *store)
{
#ifdef AUDIT_UNSYNCED
    (void)store; /* a build that exists to be caught by the crash test */
    return OK;
#else
    int64_t before = monotonic_microseconds();
    int failed = fdatasync(store->fd);
    atomic_fetch_add_explicit(&store->sync_microseconds, (uint64_t)(monotonic_microseconds() - before),
                              memory_order_relaxed);
    return failed ? ERR_IO : OK;
#endif
}

static enum status write_at(int fd, struct bytes bytes, uint64_t offset)
{
    while (bytes.length) {
        ssize_t written = pwrite(fd, bytes.data, bytes.length, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return ERR_IO;
        bytes = bytes_from(bytes, (size_t)written);
        offset += (uint64_t)written;
    }
    return OK;
}

/*
 * After a failed write or sync nobody knows what is on the disk: before anything else is recorded the bytes
 * become zeros again, durably, so that no event reappears that was answered as failed.
 */
static enum status torn_clear(struct segment_store *store)
{
    if (store->torn_to <= store->offset)
        return OK;
    static const uint8_t zeros[64 * 1024];
    for (uint64_t at = store->offset; at < store->torn_to;) {
        uint64_t left = store->torn_to - at;
        size_t length = left > sizeof zeros ? sizeof zeros : (size_t)left;
        enum status status = write_at(store->fd, bytes_of(zeros, length), at);
        if (status != OK)
            return status;
        at += length;
    }
    if (durable(store) != OK)
        return ERR_IO;
    store->torn_to = 0;
    return OK;
}

static enum status segment_start(struct segment_store *store, int fd)
{
    struct segment_header header = {.size = store->segment_size,
                                    .first_sequence = store->next_sequence,
                                    .created = clock_now(store->clock)};
    memcpy(header.chain, store->chain, EVENT_HASH_SIZE);
    char name[SEGMENT_NAME_SIZE];
    segment_name(store->next_sequence, name);
    enum status status = segment_header_write(fd, &header);
    if (status == OK && fdatasync(fd) != 0)
        status = ERR_IO;
    if (status == OK && renameat(store->directory, spare_name, store->directory, name) != 0)
        status = ERR_IO;
    if (status == OK && fsync(store->directory) != 0)
        status = ERR_IO;
    return status;
}

/* Everything staged has been flushed. */
static enum status segment_change(struct segment_store *store)
{
    /* If this fails half-way a file of this name may stand there already, so nothing may be added to the old
     * segment; the next attempt replaces the file. */
    store->must_change = true;
    int fd;
    enum status status = spare_take(store->spare, &fd);
    if (status != OK)
        return status;
    status = segment_start(store, fd);
    if (status != OK) {
        close(fd);
        return status;
    }
    spare_want_next(store->spare);
    if (store->fd >= 0)
        close(store->fd);
    store->fd = fd;
    store->segment = store->next_sequence;
    store->size = store->segment_size;
    store->offset = SEGMENT_HEADER_SIZE;
    store->must_change = false;
    return OK;
}

/* ---- Outcomes ---- */

static void fail(struct audit_submission *submission, enum status status)
{
    submission->outcome = AUDIT_FAILED;
    submission->status = status;
}

static void key_take_back(struct segment_store *store, const struct staged *staged)
{
    if (!staged->key)
        return;
    if (staged->was_claimed)
        staged->key->place = (struct event_place){0};
    else
        live_keys_remove(store->keys, staged->key);
}

static void staged_finish(struct segment_store *store, enum status status)
{
    for (size_t i = 0; i < store->staged_count; i++) {
        struct staged *staged = &store->staged[i];
        if (status == OK) {
            staged->submission->outcome = staged->outcome;
        } else {
            key_take_back(store, staged);
            fail(staged->submission, status);
        }
    }
    store->staged_count = 0;
    buffer_clear(&store->group);
}

/* Writes what is staged and makes it durable: the group, or its part that still fits into this segment. */
static void group_flush(struct segment_store *store)
{
    if (store->staged_count == 0)
        return;
    enum status status = write_at(store->fd, buffer_bytes(&store->group), store->offset);
    if (status == OK)
        status = durable(store);
    if (status == OK) {
        store->offset += store->group.length;
        store->next_sequence = store->staged_sequence;
        memcpy(store->chain, store->staged_chain, EVENT_HASH_SIZE);
        atomic_store_explicit(&store->newest, store->next_sequence - 1, memory_order_release);
    } else {
        LOG(LOG_ERROR, "audit_write_failed", log_status("status", status),
            log_number("events", (int64_t)store->staged_count));
        store->failure = status;
        store->torn_to = store->offset + store->group.length;
        store->staged_sequence = store->next_sequence;
        memcpy(store->staged_chain, store->chain, EVENT_HASH_SIZE);
    }
    staged_finish(store, status);
}

/* ---- Staging ---- */

static enum status staged_reserve(struct segment_store *store)
{
    if (store->staged_count < store->staged_capacity)
        return OK;
    size_t capacity = store->staged_capacity ? store->staged_capacity * 2 : 64;
    struct staged *staged = realloc(store->staged, capacity * sizeof *staged);
    if (!staged)
        return ERR_NO_MEMORY;
    store->staged = staged;
    store->staged_capacity = capacity;
    return OK;
}

/* Encodes behind what is staged; *length is the frame's. Nothing is changed when it fails. */
static enum status frame_stage(struct segment_store *store, struct event *event, size_t *length)
{
    size_t before = store->group.length;
    struct bytes core;
    event->sequence = store->staged_sequence;
    enum status status = frame_encode(event, store->next_sequence, &store->group, &core);
    if (status == OK)
        status = chain_extend(store->staged_chain, core);
    if (status != OK)
        store->group.length = before;
    *length = store->group.length - before;
    return status;
}

/* Room for a frame of this event in the segment, if need be in the next one. */
static enum status room_make(struct segment_store *store, const struct event *event)
{
    size_t most =
        FRAME_HEAD_SIZE + EVENT_CORE_SIZE + EVENT_SALT_SIZE + event_personal_size(&event->personal) + 8;
    if (!store->must_change && store->offset + store->group.length + most <= store->size)
        return OK;
    group_flush(store);
    return store->failure == OK ? segment_change(store) : store->failure;
}

static enum status record(struct segment_store *store, struct audit_submission *submission,
                          struct event *event, enum audit_outcome outcome, struct event_place *place)
{
    enum status status = store->failure;
    if (status == OK)
        status = staged_reserve(store);
    if (status == OK) {
        status = room_make(store, event);
        if (status != OK && store->failure == OK) {
            LOG(LOG_ERROR, "audit_no_segment", log_status("status", status));
            store->failure = status; /* not tried again for every event of the group */
        }
    }
    size_t length;
    if (status == OK)
        status = frame_stage(store, event, &length);
    if (status != OK) {
        fail(submission, status);
        return status;
    }
    *place = (struct event_place){.sequence = store->staged_sequence++,
                                  .segment = store->segment,
                                  .offset = store->offset + store->group.length - length};
    submission->sequence = place->sequence;
    submission->recorded_outcome = event->outcome;
    memcpy(submission->recorded_id, event->id, EVENT_ID_SIZE);
    store->staged[store->staged_count++] = (struct staged){.submission = submission, .outcome = outcome};
    return OK;
}

static enum status key_add(struct segment_store *store, const struct audit_submission *submission,
                           const uint8_t claimant[EVENT_HASH_SIZE], struct live_key **added)
{
    struct live_key key = {.expiry = submission->event.key.expiry};
    memcpy(key.key, submission->event.key.key, EVENT_HASH_SIZE);
    memcpy(key.claimant, claimant, EVENT_HASH_SIZE);
    return live_keys_add(store->keys, &key, added);
}

/* Records an event whose key is nobody's, or was claimed for it. */
static void record_with_key(struct segment_store *store, struct audit_submission *submission,
                            struct live_key *claimed, const uint8_t claimant[EVENT_HASH_SIZE])
{
    struct live_key *key = claimed;
    enum status status = key ? OK : key_add(store, submission, claimant, &key);
    if (status != OK) {
        fail(submission, status);
        return;
    }
    struct event_place place;
    if (record(store, submission, &submission->event, AUDIT_RECORDED, &place) != OK) {
        if (!claimed)
            live_keys_remove(store->keys, key);
        return;
    }
    key->place = place;
    struct staged *staged = &store->staged[store->staged_count - 1];
    staged->key = key;
    staged->was_claimed = claimed != NULL;
}

static void refusal_record(struct segment_store *store, struct audit_submission *submission)
{
    struct event refusal = audit_refusal_of(submission);
    struct event_place place;
    (void)record(store, submission, &refusal, AUDIT_REPLAYED, &place);
}

/* The first event of a repeated request may still be staged: its answer is read after the sync. */
static void repeat_note(const struct live_key *key, struct audit_submission *submission)
{
    submission->outcome = AUDIT_REPEATED;
    submission->sequence = key->place.sequence;
}

static void key_claim(struct segment_store *store, struct audit_submission *submission,
                      const uint8_t claimant[EVENT_HASH_SIZE])
{
    struct live_key *key;
    enum status status = key_add(store, submission, claimant, &key);
    if (status != OK)
        fail(submission, status);
    else
        submission->outcome = AUDIT_CLAIMED;
}

/* A change that has happened: its event is recorded whoever has the key. */
static void change_record(struct segment_store *store, struct audit_submission *submission)
{
    uint8_t claimant[EVENT_HASH_SIZE];
    struct live_key *key = NULL;
    struct event_place place;
    if (submission->event.has_key) {
        enum status status = claimant_of(&submission->event.caller, &submission->event.key, claimant);
        if (status != OK) {
            fail(submission, status);
            return;
        }
        key = live_keys_find(store->keys, submission->event.key.key);
    }
    if (submission->event.has_key && (!key || key->place.sequence == 0))
        record_with_key(store, submission, key, claimant);
    else
        (void)record(store, submission, &submission->event, AUDIT_RECORDED, &place);
}

static void decide_by_key(struct segment_store *store, struct audit_submission *submission)
{
    if (submission->event.key.expiry + KEY_MARGIN / 2 < clock_now(store->clock)) {
        fail(submission, ERR_EXPIRED);
        return;
    }
    uint8_t claimant[EVENT_HASH_SIZE];
    enum status status = claimant_of(&submission->event.caller, &submission->event.key, claimant);
    if (status != OK) {
        fail(submission, status);
        return;
    }
    struct live_key *key = live_keys_find(store->keys, submission->event.key.key);
    if (!key && submission->step == AUDIT_CLAIM)
        key_claim(store, submission, claimant);
    else if (!key)
        record_with_key(store, submission, NULL, claimant);
    else if (memcmp(key->claimant, claimant, EVENT_HASH_SIZE) != 0)
        refusal_record(store, submission);
    else if (key->place.sequence == 0)
        fail(submission, ERR_BUSY);
    else
        repeat_note(key, submission);
}

static void key_unclaim(struct segment_store *store, struct audit_submission *submission)
{
    struct live_key *key = live_keys_find(store->keys, submission->event.key.key);
    if (key && key->place.sequence == 0)
        live_keys_remove(store->keys, key);
    submission->outcome = AUDIT_CLAIMED;
}

static void stage(struct segment_store *store, struct audit_submission *submission)
{
    struct event_place place;
    submission->status = OK;
    submission->outcome = AUDIT_PENDING;
    if (submission->has_happened)
        change_record(store, submission);
    else if (submission->step == AUDIT_UNCLAIM)
        key_unclaim(store, submission);
    else if (submission->event.has_key)
        decide_by_key(store, submission);
    else if (submission->step == AUDIT_APPEND)
        (void)record(store, submission, &submission->event, AUDIT_RECORDED, &place);
    else
        fail(submission, ERR_RANGE); /* a claim of nothing */
}

/* ---- Reading ---- */

static enum status event_read(const struct segment_store *store, const struct event_place *place,
                              struct buffer *hold, struct event *out)
{
    struct segment segment;
    struct frame frame;
    enum status status = segment_open(store->path, place->segment, &segment);
    if (status != OK)
        return status;
    status = segment_read(&segment, place->offset, &frame);
    buffer_clear(hold);
    if (status == OK)
        status = buffer_append(hold, frame.personal);
    if (status == OK) {
        frame.personal = buffer_bytes(hold);
        status = frame_decode(&frame, out);
    }
    segment_close(&segment);
    if (status == OK && out->sequence != place->sequence)
        status = ERR_NOT_FOUND;
    return status;
}

static enum status segments_event_at(const struct audit_store *base, const struct event_place *place,
                                     struct buffer *hold, struct event *out)
{
    const struct segment_store *store = (const struct segment_store *)(const void *)base;
    if (place->sequence == 0 || place->sequence > atomic_load_explicit(&store->newest, memory_order_acquire))
        return ERR_NOT_FOUND;
    if (place->segment)
        return event_read(store, place, hold, out);
    struct audit_reader *reader;
    enum status status = audit_reader_open(store->path, place->sequence, &reader);
    if (status != OK)
        return status;
    struct event_place found = audit_reader_place(reader);
    audit_reader_close(reader);
    return event_read(store, &found, hold, out);
}

/* ---- The driver ---- */

static void repeat_answer(struct segment_store *store, struct audit_submission *submission)
{
    const struct live_key *key = live_keys_find(store->keys, submission->event.key.key);
    if (!key || key->place.sequence == 0) { /* the first one was not recorded after all */
        fail(submission, store->failure == OK ? ERR_BUSY : store->failure);
        return;
    }
    struct buffer hold = {0};
    struct event first;
    enum status status = event_read(store, &key->place, &hold, &first);
    if (status == OK)
        status = buffer_append(&submission->recorded_answer, first.personal.answer);
    if (status == OK) {
        memcpy(submission->recorded_id, first.id, EVENT_ID_SIZE);
        submission->recorded_outcome = first.outcome;
    } else {
        fail(submission, status);
    }
    buffer_free(&hold);
}

static void segments_append(struct audit_store *base, struct audit_submission **group, size_t count)
{
    struct segment_store *store = segment_store_of(base);
    store->failure = torn_clear(store);
    live_keys_forget(store->keys, clock_now(store->clock) - KEY_MARGIN);
    for (size_t i = 0; i < count; i++)
        stage(store, group[i]);
    group_flush(store);
    for (size_t i = 0; i < count; i++)
        if (group[i]->outcome == AUDIT_REPEATED)
            repeat_answer(store, group[i]);
}

static uint64_t segments_newest(const struct audit_store *base)
{
    const struct segment_store *store = (const struct segment_store *)(const void *)base;
    return atomic_load_explicit(&store->newest, memory_order_acquire);
}

static uint64_t segments_sync_microseconds(const struct audit_store *base)
{
    const struct segment_store *store = (const struct segment_store *)(const void *)base;
    return atomic_load_explicit(&store->sync_microseconds, memory_order_relaxed);
}

static const char *segments_directory(const struct audit_store *base)
{
    return ((const struct segment_store *)(const void *)base)->path;
}

static void segments_close(struct audit_store *base)
{
    struct segment_store *store = segment_store_of(base);
    spare_free(store->spare);
    live_keys_free(store->keys);
    buffer_free(&store->group);
    free(store->staged);
    if (store->fd >= 0)
        close(store->fd);
    if (store->lock >= 0)
        close(store->lock);
    if (store->directory >= 0)
        close(store->directory);
    free(store->path);
    free(store);
}

static const struct audit_store_driver segments_driver = {
    .append = segments_append,
    .newest = segments_newest,
    .event_at = segments_event_at,
    .sync_microseconds = segments_sync_microseconds,
    .directory = segments_directory,
    .close = segments_close,
};

/* ---- Opening ---- */

/* The directory's own name must outlast a power loss as its segments do. */
static enum status parent_sync(const struct segment_store *store)
{
    int parent = openat(store->directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return status_from_errno(errno);
    int failed = fsync(parent);
    close(parent);
    return failed ? ERR_IO : OK;
}

static enum status directory_open(struct segment_store *store, const char *path)
{
    store->path = strdup(path);
    if (!store->path)
        return ERR_NO_MEMORY;
    bool made = mkdir(path, 0700) == 0;
    if (!made && errno != EEXIST)
        return status_from_errno(errno);
    store->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->directory < 0)
        return status_from_errno(errno);
    if (made && parent_sync(store) != OK)
        return ERR_IO;
    store->lock = openat(store->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock < 0)
        return status_from_errno(errno);
    if (flock(store->lock, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO;
    return OK;
}

static enum status last_segment_open(struct segment_store *store, const struct log_end *end)
{
    char name[SEGMENT_NAME_SIZE];
    segment_name(end->segment, name);
    store->fd = openat(store->directory, name, O_RDWR | O_CLOEXEC);
    if (store->fd < 0)
        return status_from_errno(errno);
    store->segment = end->segment;
    store->size = end->segment_size;
    store->offset = end->offset;
    /* Also where nothing is torn: whole frames at the end may have been written and never synced. */
    if (fdatasync(store->fd) != 0 || fsync(store->directory) != 0)
        return ERR_IO;
    if (end->written_end > end->offset) {
        LOG(LOG_WARNING, "audit_torn_end_cut", log_number("sequence", (int64_t)end->next_sequence),
            log_number("bytes", (int64_t)(end->written_end - end->offset)));
        store->torn_to = end->written_end;
    }
    return torn_clear(store);
}

static enum status store_recover(struct segment_store *store)
{
    struct log_end end;
    enum status status = log_end_find(store->path, &end);
    if (status == OK)
        status = live_keys_create(&store->keys);
    if (status == OK)
        status = log_keys_learn(store->path, &end, clock_now(store->clock) - KEY_MARGIN, store->keys);
    if (status != OK)
        return status;
    store->next_sequence = end.next_sequence;
    store->staged_sequence = end.next_sequence;
    memcpy(store->chain, end.chain, EVENT_HASH_SIZE);
    memcpy(store->staged_chain, end.chain, EVENT_HASH_SIZE);
    atomic_init(&store->newest, end.next_sequence - 1);
    if (!end.empty)
        status = last_segment_open(store, &end);
    if (status == OK)
        status = spare_create(store->path, store->segment_size, &store->spare);
    if (status == OK && end.empty)
        status = segment_change(store);
    return status;
}

enum status audit_store_open_segments(const struct audit_segments_options *options, struct audit_store **out)
{
    uint32_t size = options->segment_size ? options->segment_size : SEGMENT_SIZE_USUAL;
    if (size < SEGMENT_SIZE_LEAST || size % 4096 != 0)
        return ERR_RANGE;
    struct segment_store *store = calloc(1, sizeof *store);
    if (!store)
        return ERR_NO_MEMORY;
    store->base.driver = &segments_driver;
    store->clock = options->clock;
    store->segment_size = size;
    store->directory = store->lock = store->fd = -1;
    enum status status = directory_open(store, options->directory);
    if (status == OK)
        status = store_recover(store);
    if (status != OK) {
        audit_store_close(&store->base);
        return status;
    }
    *out = &store->base;
    return OK;
}
