#include "registry/certificate.h"

#include "registry/stored.h"

/* ---- The feed ---- */

struct card_certificate {
    bool known;
    struct registry_sql_certificate_find_row row; /* without views: those were of the rows */
    bool has_person;
};

static enum status find_card(struct db *db, struct bytes id, struct card_certificate *out)
{
    *out = (struct card_certificate){0};
    struct registry_sql_certificate_find_in in = {.id = id};
    struct db_rows rows;
    enum status status = registry_sql_certificate_find(db, &in, &rows);
    if (status != OK)
        return status;
    out->known = registry_sql_certificate_find_next(&rows, &out->row);
    out->row.successor = (struct bytes){0};
    out->has_person = out->known && out->row.person.present;
    return db_rows_close(&rows);
}

/* The person of the certificate that this one took the place of, if it is here and has one. */
static enum status find_predecessors_person(struct db *db, struct bytes id, struct db_optional_int *out)
{
    struct registry_sql_certificate_superseded_by_in in = {.successor = id};
    struct registry_sql_certificate_superseded_by_row row;
    struct db_rows rows;
    enum status status = registry_sql_certificate_superseded_by(db, &in, &rows);
    if (status != OK)
        return status;
    if (registry_sql_certificate_superseded_by_next(&rows, &row))
        *out = (struct db_optional_int){true, row.person};
    return db_rows_close(&rows);
}

static enum status pass_person_on(struct db *db, struct bytes successor, int64_t person)
{
    struct card_certificate next;
    enum status status = find_card(db, successor, &next);
    if (status != OK || !next.known || next.has_person)
        return status;
    struct registry_sql_certificate_set_person_in in = {
        .id = successor, .person = person, .on_phone = next.row.on_phone};
    return registry_sql_certificate_set_person(db, &in, NULL);
}

enum status certificate_apply(struct db *db, const struct certificate_change *change)
{
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    struct bytes id = bytes_of(change->id, CERTIFICATE_ID_SIZE);
    struct bytes successor = optional_id(change->successor, CERTIFICATE_ID_SIZE);
    struct card_certificate known;
    enum status status = find_card(db, id, &known);
    struct db_optional_int person = known.has_person ? known.row.person : (struct db_optional_int){0};
    if (status == OK && !person.present)
        status = find_predecessors_person(db, id, &person);
    if (status != OK)
        return status;

    struct registry_sql_certificate_put_in in = {.id = id,
                                                 .state = change->state,
                                                 .last_day = change->last_day,
                                                 .person = person,
                                                 .on_phone = known.known && known.row.on_phone,
                                                 .successor = successor};
    status = registry_sql_certificate_put(db, &in, NULL);
    if (status == OK && successor.data && person.present)
        status = pass_person_on(db, successor, person.value);
    return status;
}

enum status machine_certificate_apply(struct db *db, const struct certificate_change *change)
{
    struct registry_sql_machine_certificate_put_state_in in = {.id =
                                                                   bytes_of(change->id, CERTIFICATE_ID_SIZE),
                                                               .state = change->state,
                                                               .last_day = change->last_day};
    return registry_sql_machine_certificate_put_state(db, &in, NULL);
}

enum status terminal_apply(struct db *db, const struct certificate_change *change)
{
    struct registry_sql_terminal_put_state_in in = {
        .id = bytes_of(change->id, TERMINAL_ID_SIZE), .state = change->state, .last_day = change->last_day};
    return registry_sql_terminal_put_state(db, &in, NULL);
}

enum status feed_position_read(struct db *db, struct feed_position *out)
{
    *out = (struct feed_position){0};
    struct registry_sql_feed_position_read_row row;
    struct db_rows rows;
    enum status status = registry_sql_feed_position_read(db, &rows);
    if (status != OK)
        return status;
    if (registry_sql_feed_position_read_next(&rows, &row))
        *out = (struct feed_position){(uint64_t)row.through, row.issued_at};
    return db_rows_close(&rows);
}

enum status feed_position_set(struct db *db, const struct feed_position *position)
{
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    struct feed_position before;
    enum status status = feed_position_read(db, &before);
    if (status != OK)
        return status;
    if (position->through < before.through || position->issued_at < before.issued_at ||
        position->through > INT64_MAX)
        return ERR_RANGE;
    struct registry_sql_feed_position_set_in in = {.through = (int64_t)position->through,
                                                   .issued_at = position->issued_at};
    return registry_sql_feed_position_set(db, &in, NULL);
}

enum status machine_certificate_find(struct db *db, const uint8_t id[CERTIFICATE_ID_SIZE],
                                     struct machine_certificate_facts *out)
{
    *out = (struct machine_certificate_facts){.last_day = DATE_NONE};
    struct registry_sql_machine_certificate_find_in in = {.id = bytes_of(id, CERTIFICATE_ID_SIZE)};
    struct registry_sql_machine_certificate_find_row row;
    struct db_rows rows;
    enum status status = registry_sql_machine_certificate_find(db, &in, &rows);
    if (status != OK)
        return status;
    enum status found = ERR_NOT_FOUND;
    if (registry_sql_machine_certificate_find_next(&rows, &row)) {
        out->known = true;
        out->last_day = row.last_day;
        found = certificate_state_of_stored(row.state, &out->state);
    }
    status = db_rows_close(&rows);
    return status == OK ? found : status;
}

/* ---- Whose a card certificate is ---- */

enum status certificate_learn_person(struct db *db, const uint8_t id[CERTIFICATE_ID_SIZE], int64_t person,
                                     bool on_phone)
{
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    struct card_certificate known;
    enum status status = find_card(db, bytes_of(id, CERTIFICATE_ID_SIZE), &known);
    if (status != OK)
        return status;
    if (!known.known)
        return ERR_NOT_FOUND;
    if (known.has_person && known.row.person.value != person)
        return ERR_EXISTS;
    struct registry_sql_certificate_set_person_in in = {
        .id = bytes_of(id, CERTIFICATE_ID_SIZE), .person = person, .on_phone = on_phone};
    return registry_sql_certificate_set_person(db, &in, NULL);
}

static enum status read_holder(struct db *db, int64_t person, struct certificate_facts *out)
{
    struct registry_sql_person_find_in in = {.id = person};
    struct registry_sql_person_find_row row;
    struct db_rows rows;
    enum status status = registry_sql_person_find(db, &in, &rows);
    if (status != OK)
        return status;
    if (registry_sql_person_find_next(&rows, &row)) {
        out->enrolment = (enum enrolment_state)row.enrolment;
        out->person = person_of_row(person, row.enrolment, row.protection);
    }
    return db_rows_close(&rows);
}

enum status certificate_read(struct db *db, const uint8_t id[CERTIFICATE_ID_SIZE],
                             struct certificate_facts *out)
{
    *out = (struct certificate_facts){.last_day = DATE_NONE};
    struct card_certificate known;
    enum status status = find_card(db, bytes_of(id, CERTIFICATE_ID_SIZE), &known);
    if (status != OK || !known.known)
        return status;
    out->known = true;
    out->last_day = known.row.last_day;
    out->on_phone = known.row.on_phone;
    status = certificate_state_of_stored(known.row.state, &out->state);
    return status == OK && known.has_person ? read_holder(db, known.row.person.value, out) : status;
}
