#include <string.h>

#include "authority/holdings.h"

enum { EXPIRED_AT_ONCE = 2000 };

static struct bytes id_bytes(const struct certificate_id *id)
{
    return bytes_of(id->bytes, sizeof(id->bytes));
}

/* ---- the rule ---- */

enum verdict { VERDICT_MOVE, VERDICT_STAYS, VERDICT_REFUSED };

static enum subject_state wanted_by(enum state_action action)
{
    switch (action) {
    case ACTION_SUSPEND:
        return STATE_SUSPENDED;
    case ACTION_LIFT:
        return STATE_ACTIVE;
    case ACTION_REVOKE:
        break;
    }
    return STATE_REVOKED;
}

static enum verdict judge(enum subject_state state, enum state_action action)
{
    if (state == wanted_by(action))
        return VERDICT_STAYS;
    return state == STATE_ACTIVE || state == STATE_SUSPENDED ? VERDICT_MOVE : VERDICT_REFUSED;
}

/* ---- cards ---- */

struct card_change {
    const struct state_order *order;
    struct certificate_row rows[CERTIFICATES_OF_RESIDENT_MAX];
    size_t count;
    int64_t card;
    size_t changed;
};

static enum status move_certificate(struct db *db, int64_t key, enum subject_state state)
{
    int64_t sequence;
    enum status status = counter_take(db, "sequence", 1, &sequence);
    if (status != OK)
        return status;
    const struct authority_sql_certificate_move_in in = {.key = key, .state = state, .sequence = sequence};
    return authority_sql_certificate_move(db, &in, NULL);
}

static enum status move_card(struct db *db, void *argument)
{
    struct card_change *change = argument;
    enum status status = OK;
    change->changed = 0;
    for (size_t i = 0; i < change->count && status == OK; i++) {
        const struct certificate_row *row = &change->rows[i];
        if (row->card != change->card || judge(row->state, change->order->action) != VERDICT_MOVE)
            continue;
        status = move_certificate(db, row->key, wanted_by(change->order->action));
        change->changed++;
    }
    return status;
}

static enum status change_card(struct authority *authority, const struct state_order *order, size_t *changed)
{
    struct card_change change = {.order = order};
    struct authority_sql_certificate_find_row named;
    enum status status = certificate_find(authority, &order->id, &named);
    if (status != OK)
        return status;
    if (judge((enum subject_state)named.state, order->action) == VERDICT_REFUSED)
        return ERR_WRONG_STATE;
    change.card = named.card;
    status = authority_list_certificates(authority, named.resident, change.rows, CERTIFICATES_OF_RESIDENT_MAX,
                                         &change.count);
    if (status == OK)
        status = db_transaction(authority->db, move_card, &change);
    *changed = status == OK ? change.changed : 0;
    return status;
}

/* ---- machines and terminals ---- */

struct single_change {
    enum subject_kind kind;
    struct bytes id;
    enum subject_state state;
};

static enum status move_single(struct db *db, void *argument)
{
    const struct single_change *change = argument;
    int64_t sequence;
    enum status status = counter_take(db, "sequence", 1, &sequence);
    if (status != OK)
        return status;
    if (change->kind == SUBJECT_MACHINE) {
        const struct authority_sql_machine_move_in in = {change->id, change->state, sequence};
        return authority_sql_machine_move(db, &in, NULL);
    }
    const struct authority_sql_terminal_move_in in = {change->id, change->state, sequence};
    return authority_sql_terminal_move(db, &in, NULL);
}

static enum status terminal_state(struct authority *authority, struct bytes id, enum subject_state *out)
{
    const struct authority_sql_terminal_find_in in = {.id = id};
    struct authority_sql_terminal_find_row row;
    struct db_rows rows;
    enum status status = authority_sql_terminal_find(authority->db, &in, &rows);
    if (status != OK)
        return status;
    bool found = authority_sql_terminal_find_next(&rows, &row);
    if (found)
        *out = (enum subject_state)row.state;
    status = db_rows_close(&rows);
    if (status != OK)
        return status;
    return found ? OK : ERR_NOT_FOUND;
}

static enum status machine_state(struct authority *authority, const struct certificate_id *id,
                                 enum subject_state *out)
{
    struct machine_row machine;
    enum status status = authority_find_machine(authority, id, &machine);
    if (status == OK)
        *out = machine.state;
    return status;
}

static bool is_terminal_id(const struct certificate_id *id)
{
    static const uint8_t zeros[sizeof(id->bytes) - TERMINAL_ID_LENGTH];
    return memcmp(id->bytes + TERMINAL_ID_LENGTH, zeros, sizeof(zeros)) == 0;
}

static enum status change_single(struct authority *authority, const struct state_order *order,
                                 size_t *changed)
{
    struct single_change change = {.kind = order->kind, .id = id_bytes(&order->id)};
    enum subject_state state;
    enum status status;
    if (order->kind == SUBJECT_TERMINAL) {
        if (!is_terminal_id(&order->id))
            return ERR_NOT_FOUND;
        change.id.length = TERMINAL_ID_LENGTH;
        status = terminal_state(authority, change.id, &state);
    } else {
        status = machine_state(authority, &order->id, &state);
    }
    if (status != OK)
        return status;
    enum verdict verdict = judge(state, order->action);
    if (verdict == VERDICT_REFUSED)
        return ERR_WRONG_STATE;
    if (verdict == VERDICT_STAYS)
        return OK;
    change.state = wanted_by(order->action);
    status = db_transaction(authority->db, move_single, &change);
    *changed = status == OK;
    return status;
}

enum status authority_change_state(struct authority *authority, const struct state_order *order,
                                   size_t *changed)
{
    *changed = 0;
    return order->kind == SUBJECT_CARD ? change_card(authority, order, changed)
                                       : change_single(authority, order, changed);
}

/* ---- the end of validity ---- */

struct expiring {
    moment now;
    size_t changed;
};

/* not_after is the last second of validity. */
static moment ended_before(moment now)
{
    return now - MICROSECONDS + 1;
}

static enum status expire_certificates(struct db *db, void *argument)
{
    struct expiring *expiring = argument;
    const struct authority_sql_certificates_past_their_end_in in = {.now = ended_before(expiring->now),
                                                                    .limit = EXPIRED_AT_ONCE};
    struct authority_sql_certificates_past_their_end_row row;
    int64_t keys[EXPIRED_AT_ONCE];
    size_t count = 0;
    struct db_rows rows;
    enum status status = authority_sql_certificates_past_their_end(db, &in, &rows);
    if (status != OK)
        return status;
    while (count < EXPIRED_AT_ONCE && authority_sql_certificates_past_their_end_next(&rows, &row))
        keys[count++] = row.key;
    status = db_rows_close(&rows);
    for (size_t i = 0; i < count && status == OK; i++)
        status = move_certificate(db, keys[i], STATE_EXPIRED);
    expiring->changed = count;
    return status;
}

struct past_ids {
    uint8_t bytes[EXPIRED_AT_ONCE][SHA256_LENGTH];
    size_t count;
};

static void take_id(struct past_ids *ids, struct bytes id)
{
    if (id.length <= SHA256_LENGTH)
        memcpy(ids->bytes[ids->count++], id.data, id.length);
}

static enum status expire_ids(struct db *db, const struct past_ids *ids, enum subject_kind kind)
{
    enum status status = OK;
    size_t length = kind == SUBJECT_TERMINAL ? TERMINAL_ID_LENGTH : SHA256_LENGTH;
    for (size_t i = 0; i < ids->count && status == OK; i++) {
        struct single_change change = {kind, bytes_of(ids->bytes[i], length), STATE_EXPIRED};
        status = move_single(db, &change);
    }
    return status;
}

static enum status expire_machines(struct db *db, void *argument)
{
    struct expiring *expiring = argument;
    const struct authority_sql_machines_past_their_end_in in = {.now = ended_before(expiring->now),
                                                                .limit = EXPIRED_AT_ONCE};
    struct authority_sql_machines_past_their_end_row row;
    struct past_ids ids = {.count = 0};
    struct db_rows rows;
    enum status status = authority_sql_machines_past_their_end(db, &in, &rows);
    if (status != OK)
        return status;
    while (ids.count < EXPIRED_AT_ONCE && authority_sql_machines_past_their_end_next(&rows, &row))
        take_id(&ids, row.id);
    status = db_rows_close(&rows);
    expiring->changed = ids.count;
    return status == OK ? expire_ids(db, &ids, SUBJECT_MACHINE) : status;
}

static enum status expire_terminals(struct db *db, void *argument)
{
    struct expiring *expiring = argument;
    const struct authority_sql_terminals_past_their_end_in in = {.now = ended_before(expiring->now),
                                                                 .limit = EXPIRED_AT_ONCE};
    struct authority_sql_terminals_past_their_end_row row;
    struct past_ids ids = {.count = 0};
    struct db_rows rows;
    enum status status = authority_sql_terminals_past_their_end(db, &in, &rows);
    if (status != OK)
        return status;
    while (ids.count < EXPIRED_AT_ONCE && authority_sql_terminals_past_their_end_next(&rows, &row))
        take_id(&ids, row.id);
    status = db_rows_close(&rows);
    expiring->changed = ids.count;
    return status == OK ? expire_ids(db, &ids, SUBJECT_TERMINAL) : status;
}

enum status authority_expire(struct authority *authority, size_t *changed)
{
    static db_work *const works[] = {expire_certificates, expire_machines, expire_terminals};
    *changed = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(works); i++) {
        struct expiring expiring = {.now = clock_now(authority->clock)};
        enum status status = db_transaction(authority->db, works[i], &expiring);
        if (status != OK)
            return status;
        *changed += expiring.changed;
    }
    return OK;
}
