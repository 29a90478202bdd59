#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "audit/encoding.h"
#include "audit/event_store_sql.h"
#include "audit/live_keys.h"
#include "audit/store_driver.h"
#include "base/log.h"
#include "base/random.h"
#include "db/db.h"

enum {
    /* As for segment files: a submission was checked against its key's expiry before it waited. */
    KEY_MARGIN = 60 * MICROSECONDS,
    /* Whoever claimed a key and ended before its change was committed does not keep it for longer. */
    CLAIM_LIFE = 60 * MICROSECONDS,
    FORGET_EVERY = 60 * MICROSECONDS,
};

struct database_store {
    struct audit_store base;
    const struct clock *clock;
    struct db *writing; /* the log's thread's */
    moment forgot_at;
    pthread_mutex_t reading_lock;
    struct db *reading;
    atomic_uint_least64_t newest;
    atomic_uint_least64_t sync_microseconds;
};

static struct database_store *store_of(const struct audit_store *store)
{
    return (struct database_store *)(uintptr_t)store;
}

/* ---- Outcomes ---- */

/* What a run of the transaction came to. It may be run again, and only the last run counts. */
struct decision {
    enum audit_outcome outcome;
    enum status status;
    uint64_t sequence;
    uint8_t refusal_id[EVENT_ID_SIZE];
};

struct group {
    struct database_store *store;
    struct audit_submission **submissions;
    struct decision *decisions;
    size_t count;
};

static enum status sequence_read(enum status status, struct db_rows *rows,
                                 bool (*next)(struct db_rows *rows, uint64_t *sequence), uint64_t *out)
{
    if (status != OK)
        return status;
    bool found = next(rows, out);
    status = db_rows_close(rows);
    return status == OK && !found ? ERR_NOT_FOUND : status;
}

static bool added_next(struct db_rows *rows, uint64_t *sequence)
{
    struct event_store_sql_event_add_row row;
    bool found = event_store_sql_event_add_next(rows, &row);
    *sequence = found ? (uint64_t)row.sequence : 0;
    return found;
}

static bool of_id_next(struct db_rows *rows, uint64_t *sequence)
{
    struct event_store_sql_sequence_of_id_row row;
    bool found = event_store_sql_sequence_of_id_next(rows, &row);
    *sequence = found ? (uint64_t)row.sequence : 0;
    return found;
}

static enum status sequence_of_id(struct db *db, const uint8_t *id, uint64_t *out)
{
    const struct event_store_sql_sequence_of_id_in in = {.event_id = bytes_of(id, EVENT_ID_SIZE)};
    struct db_rows rows;
    return sequence_read(event_store_sql_sequence_of_id(db, &in, &rows), &rows, of_id_next, out);
}

static enum status event_insert(struct db *db, const struct event *event, struct bytes personal,
                                uint64_t *sequence)
{
    const struct event_visit *visit = &event->personal.visit;
    const struct event_store_sql_event_add_in in = {
        .event_id = bytes_of(event->id, EVENT_ID_SIZE),
        .happened_at = event->when,
        .kind = event->kind,
        .outcome = event->outcome,
        .party = event->caller.party,
        .code = bytes_of_text(event->caller.code),
        .certificate_id = bytes_of(event->caller.certificate_id, EVENT_HASH_SIZE),
        .used_key = event->has_key ? bytes_of(event->key.key, EVENT_HASH_SIZE) : (struct bytes){0},
        .key_expires_at = event->has_key ? event->key.expiry : 0,
        .request_hash = bytes_of(event->key.request_hash, event->has_key ? EVENT_HASH_SIZE : 0),
        .leaf = bytes_of(event->leaf, EVENT_HASH_SIZE),
        .salt = bytes_of(event->salt, EVENT_SALT_SIZE),
        .personal = personal,
        .person = {.present = event->personal.person != 0, .value = event->personal.person},
        .visit_hash =
            event->personal.has_visit ? bytes_of(visit->token_hash, EVENT_HASH_SIZE) : (struct bytes){0},
        .visit_expires_at = event->personal.has_visit ? visit->expiry : 0,
    };
    struct db_rows rows;
    enum status status =
        sequence_read(event_store_sql_event_add(db, &in, &rows), &rows, added_next, sequence);
    return status == ERR_NOT_FOUND ? ERR_EXISTS : status;
}

static enum status record(struct db *db, struct event *event, uint64_t *sequence)
{
    struct buffer personal = {0};
    random_fill(event->salt, EVENT_SALT_SIZE);
    enum status status = event_personal_encode(&event->personal, &personal);
    if (status == OK)
        status = event_leaf(event->salt, buffer_bytes(&personal), event->leaf);
    if (status == OK)
        status = event_insert(db, event, buffer_bytes(&personal), sequence);
    buffer_free(&personal);
    return status;
}

/* ---- Keys ---- */

struct key_state {
    bool ours;      /* same caller, same request */
    bool abandoned; /* claimed by whoever has not come back */
    uint64_t sequence;
};

static enum status key_read(struct db *db, const uint8_t *key, const uint8_t *claimant, moment now,
                            struct key_state *out)
{
    const struct event_store_sql_key_find_in in = {.key = bytes_of(key, EVENT_HASH_SIZE)};
    struct event_store_sql_key_find_row row;
    struct db_rows rows;
    enum status status = event_store_sql_key_find(db, &in, &rows);
    if (status != OK)
        return status;
    bool found = event_store_sql_key_find_next(&rows, &row);
    if (found)
        *out = (struct key_state){.ours = bytes_equal(row.claimant, bytes_of(claimant, EVENT_HASH_SIZE)),
                                  .abandoned = row.sequence == 0 && row.claimed_at + CLAIM_LIFE < now,
                                  .sequence = (uint64_t)row.sequence};
    status = db_rows_close(&rows);
    return status == OK && !found ? ERR_NOT_FOUND : status;
}

static enum status key_set(struct db *db, const uint8_t *key, const uint8_t *claimant, moment now,
                           uint64_t sequence)
{
    const struct event_store_sql_key_set_in in = {.key = bytes_of(key, EVENT_HASH_SIZE),
                                                  .claimant = bytes_of(claimant, EVENT_HASH_SIZE),
                                                  .claimed_at = now,
                                                  .sequence = (int64_t)sequence};
    return event_store_sql_key_set(db, &in, NULL);
}

/* ERR_EXISTS: somebody has it, *state says who. */
static enum status key_take(struct db *db, const struct event_key *key, const uint8_t *claimant, moment now,
                            struct key_state *state)
{
    const struct event_store_sql_key_add_in in = {.key = bytes_of(key->key, EVENT_HASH_SIZE),
                                                  .claimant = bytes_of(claimant, EVENT_HASH_SIZE),
                                                  .expires_at = key->expiry,
                                                  .claimed_at = now};
    int64_t added;
    enum status status = event_store_sql_key_add(db, &in, &added);
    if (status != OK || added)
        return status;
    status = key_read(db, key->key, claimant, now, state);
    if (status != OK)
        return status == ERR_NOT_FOUND ? ERR_BUSY : status;
    return state->abandoned ? key_set(db, key->key, claimant, now, 0) : ERR_EXISTS;
}

/* ---- Deciding ---- */

static enum status refusal_record(struct db *db, const struct audit_submission *submission,
                                  struct decision *decision)
{
    struct event refusal = audit_refusal_of(submission);
    memcpy(decision->refusal_id, refusal.id, EVENT_ID_SIZE);
    decision->outcome = AUDIT_REPLAYED;
    return record(db, &refusal, &decision->sequence);
}

static enum status recorded(struct db *db, struct audit_submission *submission, struct decision *decision)
{
    decision->outcome = AUDIT_RECORDED;
    return record(db, &submission->event, &decision->sequence);
}

static enum status decide_by_key(struct db *db, const struct database_store *store,
                                 struct audit_submission *submission, struct decision *decision)
{
    const struct event_key *key = &submission->event.key;
    moment now = clock_now(store->clock);
    uint8_t claimant[EVENT_HASH_SIZE];
    struct key_state state;
    if (key->expiry + KEY_MARGIN / 2 < now) {
        *decision = (struct decision){.outcome = AUDIT_FAILED, .status = ERR_EXPIRED};
        return OK;
    }
    enum status status = claimant_of(&submission->event.caller, key, claimant);
    if (status == OK)
        status = key_take(db, key, claimant, now, &state);
    if (status == OK && submission->step == AUDIT_CLAIM) {
        decision->outcome = AUDIT_CLAIMED;
        return OK;
    }
    if (status == OK) {
        status = recorded(db, submission, decision);
        return status == OK ? key_set(db, key->key, claimant, now, decision->sequence) : status;
    }
    if (status != ERR_EXISTS)
        return status;
    if (!state.ours)
        return refusal_record(db, submission, decision);
    if (state.sequence == 0)
        *decision = (struct decision){.outcome = AUDIT_FAILED, .status = ERR_BUSY};
    else
        *decision = (struct decision){.outcome = AUDIT_REPEATED, .sequence = state.sequence};
    return OK;
}

/* A change that has happened: recorded whoever has the key, and once however many machines take it from the
 * outbox. */
static enum status change_record(struct db *db, const struct database_store *store,
                                 struct audit_submission *submission, struct decision *decision)
{
    decision->outcome = AUDIT_RECORDED;
    enum status status = record(db, &submission->event, &decision->sequence);
    if (status == ERR_EXISTS)
        return sequence_of_id(db, submission->event.id, &decision->sequence);
    if (status != OK || !submission->event.has_key)
        return status;
    const struct event_key *key = &submission->event.key;
    uint8_t claimant[EVENT_HASH_SIZE];
    struct key_state state = {0};
    moment now = clock_now(store->clock);
    status = claimant_of(&submission->event.caller, key, claimant);
    if (status == OK)
        status = key_take(db, key, claimant, now, &state);
    if (status == OK || (status == ERR_EXISTS && state.sequence == 0))
        status = key_set(db, key->key, claimant, now, decision->sequence);
    return status == ERR_EXISTS ? OK : status;
}

static enum status decide(struct db *db, const struct database_store *store,
                          struct audit_submission *submission, struct decision *decision)
{
    *decision = (struct decision){0};
    if (submission->has_happened)
        return change_record(db, store, submission, decision);
    if (submission->step == AUDIT_UNCLAIM) {
        const struct event_store_sql_key_unclaim_in in = {
            .key = bytes_of(submission->event.key.key, EVENT_HASH_SIZE)};
        decision->outcome = AUDIT_CLAIMED;
        return event_store_sql_key_unclaim(db, &in, NULL);
    }
    if (submission->event.has_key)
        return decide_by_key(db, store, submission, decision);
    if (submission->step == AUDIT_APPEND)
        return recorded(db, submission, decision);
    *decision = (struct decision){.outcome = AUDIT_FAILED, .status = ERR_RANGE}; /* a claim of nothing */
    return OK;
}

static enum status group_write(struct db *db, void *argument)
{
    const struct group *group = argument;
    for (size_t i = 0; i < group->count; i++) {
        enum status status = decide(db, group->store, group->submissions[i], &group->decisions[i]);
        if (status != OK)
            return status;
    }
    return OK;
}

/* ---- Reading ---- */

static bool row_fits(const struct event_store_sql_event_find_row *row)
{
    return row->event_id.length == EVENT_ID_SIZE && row->code.length <= EVENT_CODE_LIMIT &&
           row->certificate_id.length == EVENT_HASH_SIZE && row->leaf.length == EVENT_HASH_SIZE &&
           (!row->salt.data || row->salt.length == EVENT_SALT_SIZE) &&
           (!row->used_key.data ||
            (row->used_key.length == EVENT_HASH_SIZE && row->request_hash.length == EVENT_HASH_SIZE));
}

static enum status event_of_row(const struct event_store_sql_event_find_row *row, uint64_t sequence,
                                struct buffer *hold, struct event *out)
{
    if (!row_fits(row))
        return ERR_DAMAGED;
    *out = (struct event){.sequence = sequence,
                          .when = row->happened_at,
                          .kind = (enum event_kind)row->kind,
                          .outcome = (uint16_t)row->outcome,
                          .caller.party = (enum event_party)row->party,
                          .has_key = row->used_key.data != NULL,
                          .key.expiry = row->key_expires_at,
                          .personal_erased = !row->salt.data};
    memcpy(out->id, row->event_id.data, EVENT_ID_SIZE);
    memcpy(out->caller.code, row->code.data, row->code.length);
    memcpy(out->caller.certificate_id, row->certificate_id.data, EVENT_HASH_SIZE);
    memcpy(out->leaf, row->leaf.data, EVENT_HASH_SIZE);
    if (out->has_key) {
        memcpy(out->key.key, row->used_key.data, EVENT_HASH_SIZE);
        memcpy(out->key.request_hash, row->request_hash.data, EVENT_HASH_SIZE);
    }
    if (out->personal_erased)
        return OK;
    memcpy(out->salt, row->salt.data, EVENT_SALT_SIZE);
    buffer_clear(hold);
    uint8_t leaf[EVENT_HASH_SIZE];
    enum status status = buffer_append(hold, row->personal);
    if (status == OK)
        status = event_leaf(out->salt, buffer_bytes(hold), leaf);
    if (status != OK)
        return status;
    if (memcmp(leaf, out->leaf, EVENT_HASH_SIZE) != 0)
        return ERR_DAMAGED;
    return event_personal_decode(buffer_bytes(hold), &out->personal) == OK ? OK : ERR_DAMAGED;
}

static enum status event_read(struct db *db, uint64_t sequence, struct buffer *hold, struct event *out)
{
    if (sequence == 0 || sequence > INT64_MAX)
        return ERR_NOT_FOUND;
    const struct event_store_sql_event_find_in in = {.sequence = (int64_t)sequence};
    struct event_store_sql_event_find_row row;
    struct db_rows rows;
    enum status status = event_store_sql_event_find(db, &in, &rows);
    if (status != OK)
        return status;
    enum status read = ERR_NOT_FOUND;
    if (event_store_sql_event_find_next(&rows, &row))
        read = event_of_row(&row, sequence, hold, out);
    status = db_rows_close(&rows);
    return status == OK ? read : status;
}

static enum status database_event_at(const struct audit_store *base, const struct event_place *place,
                                     struct buffer *hold, struct event *out)
{
    struct database_store *store = store_of(base);
    pthread_mutex_lock(&store->reading_lock);
    enum status status = event_read(store->reading, place->sequence, hold, out);
    pthread_mutex_unlock(&store->reading_lock);
    return status;
}

static enum status database_place(const struct audit_store *base, const uint8_t id[EVENT_ID_SIZE],
                                  struct event_place *out)
{
    struct database_store *store = store_of(base);
    *out = (struct event_place){0};
    pthread_mutex_lock(&store->reading_lock);
    enum status status = sequence_of_id(store->reading, id, &out->sequence);
    pthread_mutex_unlock(&store->reading_lock);
    return status;
}

static bool of_visit_next(struct db_rows *rows, uint64_t *sequence)
{
    struct event_store_sql_sequence_of_visit_row row;
    bool found = event_store_sql_sequence_of_visit_next(rows, &row);
    *sequence = found ? (uint64_t)row.sequence : 0;
    return found;
}

static enum status visit_read(struct db *db, const uint8_t *token_hash, struct audit_visit *out)
{
    const struct event_store_sql_sequence_of_visit_in in = {.visit_hash =
                                                                bytes_of(token_hash, EVENT_HASH_SIZE)};
    struct db_rows rows;
    struct buffer hold = {0};
    struct event event;
    uint64_t sequence;
    enum status status =
        sequence_read(event_store_sql_sequence_of_visit(db, &in, &rows), &rows, of_visit_next, &sequence);
    if (status == OK)
        status = event_read(db, sequence, &hold, &event);
    if (status == OK && event.personal_erased)
        status = ERR_NOT_FOUND;
    if (status == OK)
        *out = audit_visit_of(&event, sequence);
    buffer_free(&hold);
    return status;
}

static enum status database_visit(const struct audit_store *base, const uint8_t token_hash[EVENT_HASH_SIZE],
                                  struct audit_visit *out)
{
    struct database_store *store = store_of(base);
    pthread_mutex_lock(&store->reading_lock);
    enum status status = visit_read(store->reading, token_hash, out);
    pthread_mutex_unlock(&store->reading_lock);
    return status;
}

static enum status database_person(const struct audit_store *base, int64_t person, uint64_t from,
                                   uint64_t *sequences, size_t limit, size_t *count)
{
    struct database_store *store = store_of(base);
    const struct event_store_sql_person_events_in in = {
        .person = person, .newest = from > INT64_MAX ? INT64_MAX : (int64_t)from, .most = (int64_t)limit};
    struct event_store_sql_person_events_row row;
    struct db_rows rows;
    *count = 0;
    pthread_mutex_lock(&store->reading_lock);
    enum status status = event_store_sql_person_events(store->reading, &in, &rows);
    if (status == OK) {
        while (*count < limit && event_store_sql_person_events_next(&rows, &row))
            sequences[(*count)++] = (uint64_t)row.sequence;
        status = db_rows_close(&rows);
    }
    pthread_mutex_unlock(&store->reading_lock);
    return status;
}

/* ---- The driver ---- */

static void repeat_answer(struct database_store *store, struct audit_submission *submission)
{
    struct buffer hold = {0};
    struct event first;
    enum status status = event_read(store->writing, submission->sequence, &hold, &first);
    if (status == OK)
        status = buffer_append(&submission->recorded_answer, first.personal.answer);
    if (status == OK) {
        memcpy(submission->recorded_id, first.id, EVENT_ID_SIZE);
        submission->recorded_outcome = first.outcome;
    } else {
        submission->outcome = AUDIT_FAILED;
        submission->status = status;
    }
    buffer_free(&hold);
}

static void decision_apply(struct database_store *store, struct audit_submission *submission,
                           const struct decision *decision)
{
    submission->outcome = decision->outcome;
    submission->status = decision->status;
    submission->sequence = decision->sequence;
    if (decision->outcome == AUDIT_REPEATED) {
        repeat_answer(store, submission);
        return;
    }
    bool refused = decision->outcome == AUDIT_REPLAYED;
    memcpy(submission->recorded_id, refused ? decision->refusal_id : submission->event.id, EVENT_ID_SIZE);
    submission->recorded_outcome = refused ? submission->replay_outcome : submission->event.outcome;
    uint64_t newest = atomic_load_explicit(&store->newest, memory_order_relaxed);
    if (decision->sequence > newest)
        atomic_store_explicit(&store->newest, decision->sequence, memory_order_release);
}

static void keys_forget(struct database_store *store)
{
    moment now = clock_now(store->clock);
    if (now - store->forgot_at < FORGET_EVERY)
        return;
    store->forgot_at = now;
    const struct event_store_sql_keys_forget_in in = {.before = now - KEY_MARGIN};
    enum status status = event_store_sql_keys_forget(store->writing, &in, NULL);
    if (status != OK)
        LOG(LOG_WARNING, "audit_keys_not_forgotten", log_status("status", status));
}

static void database_append(struct audit_store *base, struct audit_submission **submissions, size_t count)
{
    struct database_store *store = store_of(base);
    struct decision *decisions = calloc(count, sizeof *decisions);
    struct group group = {store, submissions, decisions, count};
    int64_t before = monotonic_microseconds();
    enum status status = decisions ? db_transaction(store->writing, group_write, &group) : ERR_NO_MEMORY;
    atomic_fetch_add_explicit(&store->sync_microseconds, (uint64_t)(monotonic_microseconds() - before),
                              memory_order_relaxed);
    if (status != OK)
        LOG(LOG_ERROR, "audit_write_failed", log_status("status", status),
            log_number("events", (int64_t)count));
    for (size_t i = 0; i < count; i++) {
        if (status == OK) {
            decision_apply(store, submissions[i], &decisions[i]);
        } else {
            submissions[i]->outcome = AUDIT_FAILED;
            submissions[i]->status = status;
        }
    }
    free(decisions);
    keys_forget(store);
}

static uint64_t database_newest(const struct audit_store *base)
{
    return atomic_load_explicit(&store_of(base)->newest, memory_order_acquire);
}

static uint64_t database_sync_microseconds(const struct audit_store *base)
{
    return atomic_load_explicit(&store_of(base)->sync_microseconds, memory_order_relaxed);
}

static void database_close(struct audit_store *base)
{
    struct database_store *store = store_of(base);
    db_close(store->reading);
    db_close(store->writing);
    pthread_mutex_destroy(&store->reading_lock);
    free(store);
}

static const struct audit_store_driver database_driver = {
    .append = database_append,
    .newest = database_newest,
    .event_at = database_event_at,
    .sync_microseconds = database_sync_microseconds,
    .place = database_place,
    .visit = database_visit,
    .person = database_person,
    .close = database_close,
};

/* ---- Opening ---- */

static bool newest_next(struct db_rows *rows, uint64_t *sequence)
{
    struct event_store_sql_newest_find_row row;
    bool found = event_store_sql_newest_find_next(rows, &row);
    *sequence = found ? (uint64_t)row.sequence : 0;
    return found;
}

static enum status database_prepare(struct database_store *store, const char *location)
{
    const struct db_options options = {.location = location, .use = DB_FOR_CHANGES};
    enum status status = db_open(&options, &event_store_catalogue, &store->writing);
    if (status == OK)
        status = db_migrate(store->writing);
    if (status == OK)
        status = db_open(&options, &event_store_catalogue, &store->reading);
    if (status != OK)
        return status;
    uint64_t newest = 0;
    struct db_rows rows;
    status = sequence_read(event_store_sql_newest_find(store->writing, &rows), &rows, newest_next, &newest);
    atomic_init(&store->newest, newest);
    return status == ERR_NOT_FOUND ? OK : status;
}

enum status audit_store_open_database(const char *location, const struct clock *clock,
                                      struct audit_store **out)
{
    struct database_store *store = calloc(1, sizeof *store);
    if (!store)
        return ERR_NO_MEMORY;
    store->base.driver = &database_driver;
    store->clock = clock;
    pthread_mutex_init(&store->reading_lock, NULL);
    enum status status = database_prepare(store, location);
    if (status != OK) {
        audit_store_close(&store->base);
        return status;
    }
    *out = &store->base;
    return OK;
}
