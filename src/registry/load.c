#include "registry/load.h"

#include "registry/stored.h"

_Static_assert(LOAD_STAGED == 1 && LOAD_PUBLISHED == 2 && LOAD_UNDONE == 3, "states stand in registry.sql");

enum status load_begin(struct db *db, const uint8_t id[LOAD_ID_SIZE], const struct insurer_number *insurer,
                       moment at, int64_t *key)
{
    *key = 0;
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    struct registry_sql_load_add_in in = {
        .public_id = bytes_of(id, LOAD_ID_SIZE), .insurer = stored_insurer(insurer), .begun_at = at};
    struct db_rows rows;
    enum status status = registry_sql_load_add(db, &in, &rows);
    return status == OK ? take_id(&rows, key) : status;
}

static enum status load_of_row(const struct registry_sql_load_row *row, struct load *out)
{
    if (row->state < LOAD_STAGED || row->state > LOAD_UNDONE)
        return ERR_DAMAGED;
    *out = (struct load){
        .key = row->id,
        .state = (enum load_state)row->state,
        .begun_at = row->begun_at,
        .published_at = row->published_at.value,
        .undone_at = row->undone_at.value,
        .rows = row->received,
        .new_subscriptions = row->new_subscriptions,
        .new_periods = row->new_periods,
        .changed = row->changed,
        .unchanged = row->unchanged,
    };
    enum status status = insurer_of_stored(row->insurer, &out->insurer);
    return status == OK ? id_of_stored(row->public_id, out->id, LOAD_ID_SIZE) : status;
}

static enum status take_load(struct db_rows *rows, struct load *out)
{
    struct registry_sql_load_row row;
    enum status found = registry_sql_load_next(rows, &row) ? load_of_row(&row, out) : ERR_NOT_FOUND;
    enum status status = db_rows_close(rows);
    return status == OK ? found : status;
}

enum status load_find(struct db *db, const uint8_t id[LOAD_ID_SIZE], struct load *out)
{
    *out = (struct load){0};
    struct registry_sql_load_by_public_id_in in = {.public_id = bytes_of(id, LOAD_ID_SIZE)};
    struct db_rows rows;
    enum status status = registry_sql_load_by_public_id(db, &in, &rows);
    return status == OK ? take_load(&rows, out) : status;
}

static enum status read_load(struct db *db, int64_t key, struct load *out)
{
    *out = (struct load){0};
    struct registry_sql_load_by_id_in in = {.id = key};
    struct db_rows rows;
    enum status status = registry_sql_load_by_id(db, &in, &rows);
    return status == OK ? take_load(&rows, out) : status;
}

/* ---- Staging ---- */

struct chunk {
    int64_t key;
    int64_t first_row;
    const struct subscription_record *rows;
    size_t count;
    moment at;
};

static void count_outcome(struct load *load, enum record_outcome outcome)
{
    load->rows++;
    switch (outcome) {
    case RECORD_NEW_SUBSCRIPTION:
        load->new_subscriptions++;
        break;
    case RECORD_NEW_PERIOD:
        load->new_periods++;
        break;
    case RECORD_CHANGED:
    case RECORD_PERSON_CHANGED:
        load->changed++;
        break;
    case RECORD_UNCHANGED:
        load->unchanged++;
        break;
    }
}

static enum status write_counts(struct db *db, const struct load *load)
{
    struct registry_sql_load_count_in in = {
        .id = load->key,
        .received = load->rows,
        .new_subscriptions = load->new_subscriptions,
        .new_periods = load->new_periods,
        .changed = load->changed,
        .unchanged = load->unchanged,
    };
    return registry_sql_load_count(db, &in, NULL);
}

static enum status stage_row(struct db *db, struct load *load, const struct subscription_record *row,
                             moment at)
{
    if (!insurer_number_equal(&row->coverage.key.insurer, &load->insurer))
        return ERR_RANGE;
    struct recording recording = {.at = at, .load = load->key};
    enum record_outcome outcome;
    int64_t subscription;
    enum status status = subscription_record(db, row, &recording, &outcome, &subscription);
    if (status == OK)
        count_outcome(load, outcome);
    return status;
}

static enum status stage_chunk(struct db *db, void *argument)
{
    const struct chunk *chunk = argument;
    struct load load;
    enum status status = read_load(db, chunk->key, &load);
    if (status != OK)
        return status;
    if (load.state != LOAD_STAGED)
        return ERR_WRONG_STATE;
    if (chunk->first_row > load.rows)
        return ERR_RANGE;
    size_t known = (size_t)(load.rows - chunk->first_row);
    for (size_t i = known; status == OK && i < chunk->count; i++)
        status = stage_row(db, &load, &chunk->rows[i], chunk->at);
    return status == OK && known < chunk->count ? write_counts(db, &load) : status;
}

/* Halves a chunk that failed, so that everything before the row that is refused is received. */
static enum status stage_as_far_as_possible(struct db *db, struct chunk chunk)
{
    enum status status = db_transaction(db, stage_chunk, &chunk);
    bool is_a_rows_fault = status == ERR_RANGE || status == ERR_NOT_FOUND || status == ERR_EXISTS;
    if (!is_a_rows_fault || chunk.count <= 1)
        return status;
    struct chunk half = chunk;
    half.count = chunk.count / 2;
    status = stage_as_far_as_possible(db, half);
    if (status != OK)
        return status;
    chunk.first_row += (int64_t)half.count;
    chunk.rows += half.count;
    chunk.count -= half.count;
    return stage_as_far_as_possible(db, chunk);
}

enum status load_append_rows(struct db *db, int64_t key, int64_t first_row,
                             const struct subscription_record *rows, size_t count, moment at)
{
    if (db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    enum status status = OK;
    for (size_t done = 0; status == OK && done < count; done += LOAD_CHUNK_ROWS) {
        size_t left = count - done;
        struct chunk chunk = {key, first_row + (int64_t)done, rows + done,
                              left < LOAD_CHUNK_ROWS ? left : LOAD_CHUNK_ROWS, at};
        status = stage_as_far_as_possible(db, chunk);
    }
    return status;
}

/* ---- One row ---- */

enum status load_publish(struct db *db, int64_t key, moment at)
{
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    int64_t changed;
    struct registry_sql_load_set_published_in in = {.id = key, .published_at = at};
    enum status status = registry_sql_load_set_published(db, &in, &changed);
    return status == OK && changed != 1 ? ERR_WRONG_STATE : status;
}

enum status load_undo(struct db *db, int64_t key, moment at)
{
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    int64_t changed;
    struct registry_sql_load_set_undone_in in = {.id = key, .undone_at = at};
    enum status status = registry_sql_load_set_undone(db, &in, &changed);
    return status == OK && changed != 1 ? ERR_WRONG_STATE : status;
}
