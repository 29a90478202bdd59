#include <string.h>

#include "authority/holdings.h"

enum { MACHINE_YEARS = 2, TERMINAL_YEARS = 5 }; /* (ours) */

static struct bytes id_bytes(const struct certificate_id *id)
{
    return bytes_of(id->bytes, sizeof(id->bytes));
}

/* Until the end of the day before the same day some years on. */
static moment years_from(moment now, int years)
{
    return moment_of_tokyo_midnight(date_add_years(date_in_tokyo(now), years)) - MICROSECONDS;
}

struct machine_entry {
    const struct machine_certificate_order *order;
    const struct certificate_id *id;
};

static enum status record_machine(struct db *db, void *argument)
{
    const struct machine_entry *entry = argument;
    int64_t sequence;
    enum status status = counter_take(db, "sequence", 1, &sequence);
    if (status != OK)
        return status;
    const struct authority_sql_machine_add_in in = {
        .id = id_bytes(entry->id),
        .sequence = sequence,
        .serial = bytes_of(entry->order->serial.bytes, SERIAL_LENGTH),
        .kind = entry->order->subject.kind,
        .code = bytes_of_text(entry->order->subject.code),
        .not_before = entry->order->not_before,
        .not_after = entry->order->not_after,
    };
    return authority_sql_machine_add(db, &in, NULL);
}

/* An institution's code is one that could exist; the same for an insurer's number. */
static bool code_fits_kind(const struct machine_subject *subject)
{
    struct institution_code institution;
    struct insurer_number insurer;
    size_t length = strlen(subject->code);
    switch (subject->kind) {
    case MACHINE_INSTITUTION:
        return institution_code_parse(subject->code, length, &institution) == REASON_NONE;
    case MACHINE_INSURER:
        return insurer_number_parse(subject->code, length, &insurer) == REASON_NONE;
    case MACHINE_LINK:
    case MACHINE_OPERATOR:
        return machine_code_is_well_formed(subject->code);
    case MACHINE_NONE:
        break;
    }
    return false;
}

enum status authority_issue_machine(struct authority *authority, const struct machine_subject *subject,
                                    const struct public_key *key, struct certificate_id *id,
                                    struct buffer *der)
{
    moment now = clock_now(authority->clock);
    struct machine_certificate_order order = {
        .key = *key,
        .subject = *subject,
        .not_before = now - now % MICROSECONDS,
        .not_after = years_from(now, MACHINE_YEARS),
    };
    if (!code_fits_kind(subject))
        return ERR_RANGE;
    serial_create(&order.serial);
    size_t before = der->length;
    enum status status = certificate_issue_machine(&authority->machine_issuer, &order, der);
    if (status == OK)
        status = issuer_certificate_id(&authority->machine_issuer, &order.serial, id);
    struct machine_entry entry = {.order = &order, .id = id};
    if (status == OK)
        status = db_transaction(authority->db, record_machine, &entry);
    if (status != OK)
        der->length = before;
    return status;
}

enum status authority_find_machine(struct authority *authority, const struct certificate_id *id,
                                   struct machine_row *out)
{
    const struct authority_sql_machine_find_in in = {.id = id_bytes(id)};
    struct authority_sql_machine_find_row row;
    struct db_rows rows;
    enum status status = authority_sql_machine_find(authority->db, &in, &rows);
    if (status != OK)
        return status;
    enum status found = ERR_NOT_FOUND;
    if (authority_sql_machine_find_next(&rows, &row)) {
        *out = (struct machine_row){.subject = {.kind = (enum machine_kind)row.kind},
                                    .state = (enum subject_state)row.state,
                                    .not_after = row.not_after};
        found = row.code.length <= MACHINE_CODE_LIMIT ? OK : ERR_DAMAGED;
        if (found == OK)
            memcpy(out->subject.code, row.code.data, row.code.length);
    }
    status = db_rows_close(&rows);
    return status == OK ? found : status;
}

struct terminal_entry {
    struct authority *authority;
    const struct institution_code *institution;
    const struct public_key *key;
    struct terminal_certificate *certificate;
};

static enum status next_terminal(struct db *db, const struct institution_code *institution, int64_t *out)
{
    const struct authority_sql_terminal_last_number_in in = {.institution =
                                                                 bytes_of_text(institution->digits)};
    struct authority_sql_terminal_last_number_row row = {0};
    struct db_rows rows;
    enum status status = authority_sql_terminal_last_number(db, &in, &rows);
    if (status != OK)
        return status;
    if (authority_sql_terminal_last_number_next(&rows, &row))
        *out = row.number + 1;
    return db_rows_close(&rows);
}

static enum status record_terminal(struct db *db, void *argument)
{
    const struct terminal_entry *entry = argument;
    moment now = clock_now(entry->authority->clock);
    struct terminal_id id;
    int64_t number = 0, sequence;
    enum status status = next_terminal(db, entry->institution, &number);
    if (status == OK)
        status = terminal_id_make(entry->institution->digits, (uint32_t)number, &id);
    if (status == OK)
        status = terminal_certificate_issue(&entry->authority->terminal_key, &terminal_authority_id, &id,
                                            entry->key, entry->certificate);
    if (status == OK)
        status = counter_take(db, "sequence", 1, &sequence);
    if (status != OK)
        return status;
    const struct authority_sql_terminal_add_in in = {
        .id = bytes_of(id.bytes, sizeof(id.bytes)),
        .sequence = sequence,
        .institution = bytes_of_text(entry->institution->digits),
        .number = number,
        .issued_at = now,
        .not_after = years_from(now, TERMINAL_YEARS),
    };
    return authority_sql_terminal_add(db, &in, NULL);
}

enum status authority_issue_terminal(struct authority *authority, const struct institution_code *institution,
                                     const struct public_key *key, struct terminal_certificate *out)
{
    struct terminal_entry entry = {
        .authority = authority, .institution = institution, .key = key, .certificate = out};
    return db_transaction(authority->db, record_terminal, &entry);
}
