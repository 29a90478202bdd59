#include "registry/link.h"

#include "registry/adding.h"

/* ---- Persons ---- */

enum status person_add(struct db *db, struct bytes reference, enum enrolment_state enrolment, int64_t *out)
{
    struct db_rows rows;
    enum status status = registry_sql_person_next_id(db, &rows);
    if (status == OK)
        status = take_id(&rows, out);
    if (status != OK)
        return status;
    struct registry_sql_person_add_in in = {.id = *out, .reference = reference, .enrolment = enrolment};
    struct registry_sql_person_reference_add_in pair = {.reference = reference, .person = *out};
    status = registry_sql_person_add(db, &in, NULL);
    return status == OK ? registry_sql_person_reference_add(db, &pair, NULL) : status;
}

enum status person_for_reference(struct db *db, const uint8_t reference[VAULT_REFERENCE_SIZE], int64_t *out)
{
    *out = 0;
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    struct registry_sql_person_by_reference_in in = {.reference = bytes_of(reference, VAULT_REFERENCE_SIZE)};
    struct registry_sql_person_by_reference_row row;
    struct db_rows rows;
    enum status status = registry_sql_person_by_reference(db, &in, &rows);
    if (status != OK)
        return status;
    if (registry_sql_person_by_reference_next(&rows, &row))
        *out = row.person;
    status = db_rows_close(&rows);
    return status == OK && *out == 0 ? person_add(db, in.reference, ENROLMENT_NONE, out) : status;
}

enum status person_reference(struct db *db, int64_t person, uint8_t out[VAULT_REFERENCE_SIZE])
{
    struct registry_sql_person_find_in in = {.id = person};
    struct registry_sql_person_find_row row;
    struct db_rows rows;
    enum status status = registry_sql_person_find(db, &in, &rows);
    if (status != OK)
        return status;
    enum status found = registry_sql_person_find_next(&rows, &row)
                            ? id_of_stored(row.reference, out, VAULT_REFERENCE_SIZE)
                            : ERR_NOT_FOUND;
    status = db_rows_close(&rows);
    return status == OK ? found : status;
}

/* ---- Evidence: each item's match in two bits from the lowest, then where addresses part ---- */

_Static_assert(ITEM_DIFFERS == 0 && ITEM_MATCHES_NORMALISED == 1 && ITEM_MATCHES_EXACTLY == 2,
               "matches are stored");
_Static_assert(ADDRESS_SAME == 0 && ADDRESS_NOT_STATED == 5, "differences of addresses are stored");

static struct db_optional_int stored_match(const struct link_evidence *evidence)
{
    const struct five_items_match *match = &evidence->match;
    unsigned bits = (unsigned)match->name | (unsigned)match->kana << 2 | (unsigned)match->birth << 4 |
                    (unsigned)match->sex << 6 | (unsigned)match->address << 8 |
                    (unsigned)match->address_difference << 10;
    return (struct db_optional_int){evidence->compared, bits};
}

static struct five_items_match match_of_stored(int64_t stored)
{
    return (struct five_items_match){
        .name = (enum item_match)(stored & 3),
        .kana = (enum item_match)(stored >> 2 & 3),
        .birth = (enum item_match)(stored >> 4 & 3),
        .sex = (enum item_match)(stored >> 6 & 3),
        .address = (enum item_match)(stored >> 8 & 3),
        .address_difference = (enum address_difference)(stored >> 10 & 7),
    };
}

/* ---- Links ---- */

static enum status newest_version(struct db *db, int64_t subscription, int64_t *out)
{
    *out = 0;
    struct registry_sql_link_newest_in in = {.subscription = subscription};
    struct registry_sql_link_row row;
    struct db_rows rows;
    enum status status = registry_sql_link_newest(db, &in, &rows);
    if (status != OK)
        return status;
    if (registry_sql_link_next(&rows, &row))
        *out = row.version;
    return db_rows_close(&rows);
}

static enum status point_subscription(struct db *db, int64_t subscription, int64_t person,
                                      enum link_state state)
{
    int64_t changed;
    struct registry_sql_subscription_set_link_in in = {.id = subscription, .person = person, .link = state};
    enum status status = registry_sql_subscription_set_link(db, &in, &changed);
    if (status != OK)
        return status;
    struct registry_sql_person_subscription_add_in pair = {.person = person, .subscription = subscription};
    return changed == 1 ? registry_sql_person_subscription_add(db, &pair, NULL) : ERR_NOT_FOUND;
}

enum status link_set(struct db *db, int64_t subscription, int64_t person, enum link_state state,
                     const struct link_evidence *evidence, const struct recording *recording)
{
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    if (state == LINK_NONE || recording->load != 0 || person == 0)
        return ERR_RANGE;
    int64_t newest;
    enum status status = newest_version(db, subscription, &newest);
    if (status == OK)
        status = point_subscription(db, subscription, person, state);
    if (status != OK)
        return status;
    return link_add(db, subscription, newest + 1, person, state, evidence, recording);
}

enum status link_add(struct db *db, int64_t subscription, int64_t version, int64_t person,
                     enum link_state state, const struct link_evidence *evidence,
                     const struct recording *recording)
{
    struct registry_sql_link_add_in in = {
        .subscription = subscription,
        .version = version,
        .person = person,
        .state = state,
        .recorded_at = recording->at,
        .registrant = optional_key(recording->registrant),
        .evidence = stored_match(evidence),
        .reason = evidence->reason,
    };
    return registry_sql_link_add(db, &in, NULL);
}

static enum status link_of_row(int64_t subscription, const struct registry_sql_link_row *row,
                               struct region *region, struct link_version *out)
{
    if (row->state < LINK_PENDING || row->state > LINK_RELEASED)
        return ERR_DAMAGED;
    *out = (struct link_version){
        .subscription = subscription,
        .version = row->version,
        .person = row->person,
        .state = (enum link_state)row->state,
        .recorded_at = row->recorded_at,
        .registrant = row->registrant.value,
        .evidence = {.compared = row->evidence.present, .match = match_of_stored(row->evidence.value)},
    };
    return text_of_stored(row->reason, region, &out->evidence.reason);
}

static enum status collect_links(int64_t subscription, struct db_rows *rows, struct region *region,
                                 struct link_version **out, size_t *count)
{
    struct rows_in_region found = {.region = region, .size = sizeof(struct link_version)};
    struct registry_sql_link_row row;
    enum status taken = OK;
    while (taken == OK && registry_sql_link_next(rows, &row)) {
        struct link_version *version = rows_in_region_add(&found);
        taken = version ? link_of_row(subscription, &row, region, version) : ERR_NO_MEMORY;
    }
    *out = found.items;
    *count = found.count;
    enum status status = db_rows_close(rows);
    return status == OK ? taken : status;
}

enum status link_find(struct db *db, int64_t subscription, struct region *region, struct link_version *out)
{
    *out = (struct link_version){0};
    struct registry_sql_link_newest_in in = {.subscription = subscription};
    struct db_rows rows;
    struct link_version *found;
    size_t count;
    enum status status = registry_sql_link_newest(db, &in, &rows);
    if (status == OK)
        status = collect_links(subscription, &rows, region, &found, &count);
    if (status != OK)
        return status;
    if (count == 0)
        return ERR_NOT_FOUND;
    *out = *found;
    return OK;
}

enum status link_history(struct db *db, int64_t subscription, struct region *region,
                         struct link_version **out, size_t *count)
{
    *out = NULL;
    *count = 0;
    struct registry_sql_links_in in = {.subscription = subscription};
    struct db_rows rows;
    enum status status = registry_sql_links(db, &in, &rows);
    return status == OK ? collect_links(subscription, &rows, region, out, count) : status;
}
