#include <string.h>

#include "authority/holdings.h"
#include "base/text.h"
#include "domain/card_certificate.h"

enum { CERTIFICATES_A_CARD = 2 };

/* ---- reading ---- */

static enum status take_row(const struct authority_sql_certificates_of_resident_row *row,
                            struct certificate_row *out)
{
    if (row->id.length != sizeof(out->id.bytes) || row->serial.length != sizeof(out->serial.bytes))
        return ERR_DAMAGED;
    *out = (struct certificate_row){
        .issuer = (enum card_issuer)row->issuer,
        .device = (enum card_device)row->device,
        .card = row->card,
        .state = (enum subject_state)row->state,
        .not_before = row->not_before,
        .not_after = row->not_after,
        .made = row->key_hash.data != NULL,
        .key = row->key,
    };
    memcpy(out->id.bytes, row->id.data, sizeof(out->id.bytes));
    memcpy(out->serial.bytes, row->serial.data, sizeof(out->serial.bytes));
    if (row->successor.length == sizeof(out->successor.bytes))
        memcpy(out->successor.bytes, row->successor.data, sizeof(out->successor.bytes));
    return OK;
}

enum status authority_list_certificates(struct authority *authority, int64_t resident,
                                        struct certificate_row *rows, size_t limit, size_t *count)
{
    const struct authority_sql_certificates_of_resident_in in = {.resident = resident};
    struct authority_sql_certificates_of_resident_row row;
    struct db_rows read;
    enum status status = authority_sql_certificates_of_resident(authority->db, &in, &read);
    if (status != OK)
        return status;
    enum status taken = OK;
    *count = 0;
    while (taken == OK && authority_sql_certificates_of_resident_next(&read, &row))
        taken = *count < limit ? take_row(&row, &rows[(*count)++]) : ERR_TOO_LARGE;
    status = db_rows_close(&read);
    return status == OK ? taken : status;
}

enum status certificate_find(struct authority *authority, const struct certificate_id *id,
                             struct authority_sql_certificate_find_row *out)
{
    const struct authority_sql_certificate_find_in in = {.id = bytes_of(id->bytes, sizeof(id->bytes))};
    struct db_rows rows;
    enum status status = authority_sql_certificate_find(authority->db, &in, &rows);
    if (status != OK)
        return status;
    bool found = authority_sql_certificate_find_next(&rows, out);
    status = db_rows_close(&rows);
    if (status != OK)
        return status;
    return found ? OK : ERR_NOT_FOUND;
}

enum status authority_find_holder(struct authority *authority, const struct certificate_id *id,
                                  struct region *region, struct resident *out)
{
    struct authority_sql_certificate_find_row row;
    enum status status = certificate_find(authority, id, &row);
    return status == OK ? resident_read(authority, row.resident, region, out) : status;
}

/* All certificates that a resident ever had; the newest card's come first. */
struct holding {
    struct certificate_row rows[CERTIFICATES_OF_RESIDENT_MAX];
    size_t count;
};

static bool is_of_newest_card(const struct holding *holding, const struct certificate_row *row)
{
    return row->card == holding->rows[0].card;
}

static bool is_usable(const struct certificate_row *row)
{
    return row->state == STATE_ACTIVE || row->state == STATE_SUSPENDED;
}

/* ---- planning: what is to be made and what becomes of the old ---- */

struct planned {
    enum card_issuer issuer;
    int64_t promised; /* the row's key; 0: a new row */
    struct serial serial;
    moment not_before, not_after;
    struct certificate_id id;
    struct sha256 key_hash;
    struct issued_certificate *issued; /* borrowed */
};

struct move {
    int64_t key;
    enum subject_state state;
    struct certificate_id successor; /* of STATE_SUPERSEDED */
};

struct issue {
    struct authority *authority;
    const struct card_order *order;
    const struct resident *resident;
    int64_t card; /* 0: a new one */
    struct planned planned[CERTIFICATES_A_CARD];
    size_t planned_count;
    struct move moves[CERTIFICATES_OF_RESIDENT_MAX];
    size_t move_count;
};

static moment end_of_day(struct date day)
{
    return moment_of_tokyo_midnight(date_add_days(day, 1)) - MICROSECONDS;
}

static struct date earlier(struct date a, struct date b)
{
    return date_before(a, b) ? a : b;
}

/* On a card issued that day. */
static moment end_of_certificate(const struct issue *issue, struct date card_issued)
{
    struct date birth = issue->resident->items.birth;
    struct date today = date_in_tokyo(clock_now(issue->authority->clock));
    struct date end_of_card = card_last_day(card_issued, card_issued, birth);
    if (issue->order->generation == GENERATION_NEXT)
        return end_of_day(end_of_card);
    return end_of_day(earlier(certificate_last_day(today, birth), end_of_card));
}

static enum card_issuer issuer_for(const struct card_order *order, bool signature)
{
    if (order->generation == GENERATION_NEXT)
        return signature ? CARD_ISSUER_SIGNATURE_NEXT : CARD_ISSUER_AUTHENTICATION_NEXT;
    return signature ? CARD_ISSUER_SIGNATURE : CARD_ISSUER_AUTHENTICATION;
}

static enum status check_keys(const struct card_order *order)
{
    enum key_kind wanted = order->generation == GENERATION_NEXT ? KEY_P384 : KEY_RSA_2048;
    if (order->generation != GENERATION_CURRENT && order->generation != GENERATION_NEXT)
        return ERR_UNSUPPORTED;
    if (order->authentication_key.kind != wanted)
        return ERR_UNSUPPORTED;
    bool signature_fits = order->signature_key.kind == KEY_NONE || order->signature_key.kind == wanted;
    return signature_fits ? OK : ERR_UNSUPPORTED;
}

/* Serial, id and key's hash of one certificate, new or promised. */
static enum status plan_one(struct issue *issue, bool signature, moment not_after,
                            const struct certificate_row *promised, struct issued_certificate *issued)
{
    struct planned *planned = &issue->planned[issue->planned_count];
    const struct public_key *key =
        signature ? &issue->order->signature_key : &issue->order->authentication_key;
    moment now = clock_now(issue->authority->clock);
    *planned = (struct planned){
        .issuer = issuer_for(issue->order, signature),
        .not_before = now - now % MICROSECONDS,
        .not_after = not_after,
        .issued = issued,
    };
    if (promised) {
        planned->promised = promised->key;
        planned->serial = promised->serial;
        planned->not_before = promised->not_before;
        planned->not_after = promised->not_after;
    } else {
        serial_create(&planned->serial);
    }
    enum status status =
        card_certificate_id(issue->authority, planned->issuer, &planned->serial, &planned->id);
    if (status == OK)
        status = public_key_hash(key, &planned->key_hash);
    if (status == OK)
        issue->planned_count++;
    return status;
}

static void plan_move(struct issue *issue, const struct certificate_row *row, enum subject_state state,
                      const struct certificate_id *successor)
{
    struct move *move = &issue->moves[issue->move_count++];
    *move = (struct move){.key = row->key, .state = state};
    if (successor)
        move->successor = *successor;
}

/* ---- making ---- */

static enum status make_substitutions(struct bytes text, struct buffer *out)
{
    size_t count = text_length(text);
    enum status status = OK;
    for (size_t i = 0; i < count && status == OK; i++)
        status = buffer_append_text(out, "0");
    return status == OK ? buffer_append(out, bytes_of("", 1)) : status;
}

static enum status append_string(struct bytes text, struct buffer *out)
{
    enum status status = buffer_append(out, text);
    return status == OK ? buffer_append(out, bytes_of("", 1)) : status;
}

static enum status make_signature(const struct issue *issue, const struct issuer *issuer,
                                  const struct card_certificate_order *order, struct buffer *der)
{
    const struct five_items *items = &issue->resident->items;
    struct buffer name = {0}, address = {0}, name_flags = {0}, address_flags = {0};
    enum status status = append_string(items->name.text, &name);
    if (status == OK)
        status = append_string(items->address.text, &address);
    if (status == OK)
        status = make_substitutions(items->name.text, &name_flags);
    if (status == OK)
        status = make_substitutions(items->address.text, &address_flags);
    if (status == OK) {
        const struct certificate_holder holder = {
            .name = (const char *)name.data,
            .name_substitutions = (const char *)name_flags.data,
            .sex = (char)('0' + items->sex),
            .birth = items->birth,
            .address = (const char *)address.data,
            .address_substitutions = (const char *)address_flags.data,
        };
        status = certificate_issue_signature(issuer, order, &holder, der);
    }
    buffer_free(&name);
    buffer_free(&address);
    buffer_free(&name_flags);
    buffer_free(&address_flags);
    return status;
}

static enum status make_one(const struct issue *issue, const struct planned *planned)
{
    const struct issuer *issuer = &issue->authority->card_issuers[planned->issuer - 1];
    bool signature = issuer_makes_signatures(planned->issuer);
    const struct card_certificate_order order = {
        .serial = planned->serial,
        .key = signature ? issue->order->signature_key : issue->order->authentication_key,
        .not_before = planned->not_before,
        .not_after = planned->not_after,
        .municipality = issue->resident->municipality,
    };
    struct issued_certificate *issued = planned->issued;
    enum status status = signature ? make_signature(issue, issuer, &order, &issued->certificate)
                                   : certificate_issue_authentication(issuer, &order, &issued->certificate);
    if (status == OK)
        status = certificate_encode(&issuer->certificate, &issued->issuer);
    issued->id = planned->id;
    issued->present = true;
    return status;
}

static enum status make_all(const struct issue *issue)
{
    enum status status = OK;
    for (size_t i = 0; i < issue->planned_count && status == OK; i++)
        status = make_one(issue, &issue->planned[i]);
    return status;
}

/* ---- recording ---- */

static enum status record_one(struct db *db, const struct issue *issue, const struct planned *planned,
                              int64_t sequence)
{
    struct bytes key_hash = bytes_of(planned->key_hash.bytes, SHA256_LENGTH);
    if (planned->promised) {
        const struct authority_sql_certificate_fulfil_in in = {.key = planned->promised,
                                                               .key_hash = key_hash};
        int64_t changed;
        enum status status = authority_sql_certificate_fulfil(db, &in, &changed);
        return status == OK && changed != 1 ? ERR_EXISTS : status;
    }
    const struct authority_sql_certificate_add_in in = {
        .id = bytes_of(planned->id.bytes, sizeof(planned->id.bytes)),
        .sequence = sequence,
        .issuer = planned->issuer,
        .serial = bytes_of(planned->serial.bytes, SERIAL_LENGTH),
        .device = issue->order->device,
        .resident = issue->resident->id,
        .card = issue->card,
        .state = STATE_ACTIVE,
        .not_before = planned->not_before,
        .not_after = planned->not_after,
        .key_hash = key_hash,
    };
    return authority_sql_certificate_add(db, &in, NULL);
}

static enum status record_move(struct db *db, const struct move *move, int64_t sequence)
{
    const struct authority_sql_certificate_move_in in = {
        .key = move->key,
        .state = move->state,
        .successor = move->state == STATE_SUPERSEDED
                         ? bytes_of(move->successor.bytes, sizeof(move->successor.bytes))
                         : (struct bytes){0},
        .sequence = sequence,
    };
    return authority_sql_certificate_move(db, &in, NULL);
}

static enum status record(struct db *db, void *argument)
{
    struct issue issue = *(const struct issue *)argument; /* a second run starts from the same */
    int64_t sequence;
    enum status status =
        counter_take(db, "sequence", (int64_t)(issue.planned_count + issue.move_count), &sequence);
    if (status == OK && issue.card == 0)
        status = counter_take(db, "card", 1, &issue.card);
    for (size_t i = 0; i < issue.planned_count && status == OK; i++)
        status = record_one(db, &issue, &issue.planned[i], sequence++);
    for (size_t i = 0; i < issue.move_count && status == OK; i++)
        status = record_move(db, &issue.moves[i], sequence++);
    return status;
}

/* ---- a first card, a phone, a renewal ---- */

/* Nothing of the newest card was ever made: it may be, in whatever state it was promised. (What a card was
 * made without is revoked, and never made.) */
static bool is_all_promise(const struct holding *holding)
{
    for (size_t i = 0; i < holding->count; i++)
        if (is_of_newest_card(holding, &holding->rows[i]) && holding->rows[i].made)
            return false;
    return holding->count > 0;
}

static const struct certificate_row *find_promised(const struct holding *holding, enum card_issuer issuer)
{
    bool in_any_state = is_all_promise(holding);
    for (size_t i = 0; i < holding->count; i++) {
        const struct certificate_row *row = &holding->rows[i];
        bool may_be_made = row->state == STATE_ACTIVE || (in_any_state && row->state != STATE_SUPERSEDED);
        if (is_of_newest_card(holding, row) && !row->made && may_be_made && row->issuer == issuer)
            return row;
    }
    return NULL;
}

static bool has_made_card(const struct holding *holding)
{
    for (size_t i = 0; i < holding->count; i++) {
        const struct certificate_row *row = &holding->rows[i];
        if (is_of_newest_card(holding, row) && row->device == DEVICE_CARD && row->made && is_usable(row))
            return true;
    }
    return false;
}

/* Promised certificates that this card will not have are revoked: nobody else must ever get them. */
static void drop_other_promises(struct issue *issue, const struct holding *holding)
{
    for (size_t i = 0; i < holding->count; i++) {
        const struct certificate_row *row = &holding->rows[i];
        bool taken = false;
        for (size_t j = 0; j < issue->planned_count; j++)
            taken = taken || issue->planned[j].promised == row->key;
        if (!row->made && !taken && is_usable(row))
            plan_move(issue, row, STATE_REVOKED, NULL);
    }
}

static enum status plan_card(struct issue *issue, const struct holding *holding, struct issued_card *out)
{
    if (has_made_card(holding))
        return ERR_EXISTS;
    const struct certificate_row *authentication = find_promised(holding, issuer_for(issue->order, false));
    const struct certificate_row *signature = find_promised(holding, issuer_for(issue->order, true));
    struct date today = date_in_tokyo(clock_now(issue->authority->clock));
    out->not_after = authentication ? authentication->not_after : end_of_certificate(issue, today);
    if (authentication)
        issue->card = authentication->card;
    enum status status = plan_one(issue, false, out->not_after, authentication, &out->authentication);
    if (status == OK && issue->order->signature_key.kind != KEY_NONE)
        status = plan_one(issue, true, out->not_after, signature, &out->signature);
    if (status == OK)
        drop_other_promises(issue, holding);
    return status;
}

/* The card's authentication certificate that is active, for a phone to hang on. */
static const struct certificate_row *find_active_card(const struct holding *holding)
{
    for (size_t i = 0; i < holding->count; i++) {
        const struct certificate_row *row = &holding->rows[i];
        if (is_of_newest_card(holding, row) && row->device == DEVICE_CARD && row->state == STATE_ACTIVE &&
            !issuer_makes_signatures(row->issuer))
            return row;
    }
    return NULL;
}

static bool has_phone(const struct holding *holding)
{
    for (size_t i = 0; i < holding->count; i++) {
        const struct certificate_row *row = &holding->rows[i];
        if (is_of_newest_card(holding, row) && row->device == DEVICE_PHONE && is_usable(row))
            return true;
    }
    return false;
}

static enum status plan_phone(struct issue *issue, const struct holding *holding, struct issued_card *out)
{
    const struct certificate_row *card = find_active_card(holding);
    if (!card)
        return ERR_WRONG_STATE;
    if (has_phone(holding))
        return ERR_EXISTS;
    issue->card = card->card;
    out->not_after = card->not_after;
    enum status status = plan_one(issue, false, out->not_after, NULL, &out->authentication);
    if (status == OK && issue->order->signature_key.kind != KEY_NONE)
        status = plan_one(issue, true, out->not_after, NULL, &out->signature);
    return status;
}

static struct date card_issued_on(const struct holding *holding)
{
    moment first = holding->rows[0].not_before;
    for (size_t i = 0; i < holding->count && is_of_newest_card(holding, &holding->rows[i]); i++)
        first = holding->rows[i].not_before < first ? holding->rows[i].not_before : first;
    return date_in_tokyo(first);
}

static bool may_be_renewed(const struct certificate_row *row)
{
    return row->state == STATE_ACTIVE || row->state == STATE_EXPIRED;
}

/* What becomes of one certificate of the card that is renewed. */
static enum status plan_replacement(struct issue *issue, const struct certificate_row *row,
                                    const struct issued_card *out)
{
    if (row->device == DEVICE_PHONE) {
        if (is_usable(row))
            plan_move(issue, row, STATE_REVOKED, NULL);
        return OK;
    }
    if (row->state == STATE_SUSPENDED)
        return ERR_WRONG_STATE; /* lifted first, with the card in hand */
    if (!may_be_renewed(row))
        return OK;
    bool signature = issuer_makes_signatures(row->issuer);
    if (row->issuer != issuer_for(issue->order, signature))
        return ERR_UNSUPPORTED; /* a chip of another generation is another card */
    const struct issued_certificate *next = signature ? &out->signature : &out->authentication;
    if (signature && issue->order->signature_key.kind == KEY_NONE)
        plan_move(issue, row, STATE_REVOKED, NULL);
    else
        plan_move(issue, row, STATE_SUPERSEDED, &next->id);
    return OK;
}

static const struct certificate_row *find_renewable(const struct holding *holding)
{
    for (size_t i = 0; i < holding->count; i++) {
        const struct certificate_row *row = &holding->rows[i];
        if (is_of_newest_card(holding, row) && row->device == DEVICE_CARD &&
            !issuer_makes_signatures(row->issuer) && may_be_renewed(row))
            return row;
    }
    return NULL;
}

static enum status plan_renewal(struct issue *issue, const struct holding *holding, struct issued_card *out)
{
    const struct certificate_row *old = find_renewable(holding);
    if (!old)
        return ERR_WRONG_STATE;
    issue->card = old->card;
    out->not_after = end_of_certificate(issue, card_issued_on(holding));
    if (out->not_after <= clock_now(issue->authority->clock))
        return ERR_WRONG_STATE; /* the card itself has ended */
    enum status status = plan_one(issue, false, out->not_after, NULL, &out->authentication);
    if (status == OK && issue->order->signature_key.kind != KEY_NONE)
        status = plan_one(issue, true, out->not_after, NULL, &out->signature);
    for (size_t i = 0; i < issue->planned_count; i++)
        issue->planned[i].issued->id = issue->planned[i].id;
    for (size_t i = 0; i < holding->count && status == OK; i++) {
        if (is_of_newest_card(holding, &holding->rows[i]))
            status = plan_replacement(issue, &holding->rows[i], out);
    }
    return status;
}

typedef enum status plan_function(struct issue *issue, const struct holding *holding,
                                  struct issued_card *out);

static enum status carry_out(struct authority *authority, const struct card_order *order,
                             const struct resident *resident, plan_function *plan, struct issued_card *out)
{
    struct holding holding;
    struct issue issue = {.authority = authority, .order = order, .resident = resident};
    if (resident->state != RESIDENT_LIVING)
        return ERR_WRONG_STATE;
    enum status status = authority_list_certificates(authority, resident->id, holding.rows,
                                                     CERTIFICATES_OF_RESIDENT_MAX, &holding.count);
    if (status == OK)
        status = plan(&issue, &holding, out);
    if (status == OK)
        status = make_all(&issue);
    return status == OK ? db_transaction(authority->db, record, &issue) : status;
}

static enum status issue_by(struct authority *authority, const struct card_order *order, plan_function *plan,
                            struct issued_card *out)
{
    struct region region = {0};
    struct resident resident;
    *out = (struct issued_card){0};
    enum status status = check_keys(order);
    if (status == OK)
        status = authority_find_resident(authority, &order->number, &region, &resident);
    if (status == OK) {
        my_number_wipe(&resident.number);
        status = carry_out(authority, order, &resident, plan, out);
    }
    if (status != OK)
        issued_card_free(out);
    region_free(&region);
    return status;
}

enum status authority_issue_card(struct authority *authority, const struct card_order *order,
                                 struct issued_card *out)
{
    return issue_by(authority, order, order->device == DEVICE_PHONE ? plan_phone : plan_card, out);
}

enum status authority_renew_card(struct authority *authority, const struct card_order *order,
                                 struct issued_card *out)
{
    *out = (struct issued_card){0};
    return order->device == DEVICE_CARD ? issue_by(authority, order, plan_renewal, out) : ERR_WRONG_STATE;
}

void issued_card_free(struct issued_card *card)
{
    buffer_free(&card->authentication.certificate);
    buffer_free(&card->authentication.issuer);
    buffer_free(&card->signature.certificate);
    buffer_free(&card->signature.issuer);
    *card = (struct issued_card){0};
}
