#include "registry/enrolment.h"

#include "registry/adding.h"

static enum status find_terms(struct db *db, struct bytes version, int64_t *out)
{
    *out = 0;
    struct registry_sql_terms_find_in in = {.version = version};
    struct db_rows rows;
    enum status status = registry_sql_terms_find(db, &in, &rows);
    return status == OK ? take_id(&rows, out) : status;
}

static enum status terms_for_version(struct db *db, struct bytes version, int64_t *out)
{
    enum status status = find_terms(db, version, out);
    if (status != OK || *out)
        return status;
    struct registry_sql_terms_add_in in = {.version = version};
    struct db_rows rows;
    status = registry_sql_terms_add(db, &in, &rows);
    return status == OK ? take_id(&rows, out) : status;
}

static enum status newest_enrolment(struct db *db, int64_t person, int64_t *version)
{
    *version = 0;
    struct registry_sql_enrolment_newest_version_in in = {.person = person};
    struct registry_sql_enrolment_newest_version_row row;
    struct db_rows rows;
    enum status status = registry_sql_enrolment_newest_version(db, &in, &rows);
    if (status != OK)
        return status;
    if (registry_sql_enrolment_newest_version_next(&rows, &row))
        *version = row.version;
    return db_rows_close(&rows);
}

static enum status point_person(struct db *db, int64_t person, enum enrolment_state state)
{
    int64_t changed;
    struct registry_sql_person_set_enrolment_in in = {.id = person, .enrolment = state};
    enum status status = registry_sql_person_set_enrolment(db, &in, &changed);
    return status == OK && changed != 1 ? ERR_NOT_FOUND : status;
}

enum status enrolment_set(struct db *db, const struct enrolment *enrolment)
{
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    if (enrolment->state == ENROLMENT_NONE)
        return ERR_RANGE;
    int64_t version;
    enum status status = point_person(db, enrolment->person, enrolment->state);
    if (status == OK)
        status = newest_enrolment(db, enrolment->person, &version);
    return status == OK ? enrolment_add(db, enrolment->person, version + 1, enrolment) : status;
}

enum status enrolment_add(struct db *db, int64_t person, int64_t version, const struct enrolment *enrolment)
{
    int64_t terms;
    enum status status = terms_for_version(db, enrolment->terms, &terms);
    if (status != OK)
        return status;
    struct registry_sql_enrolment_add_in in = {
        .person = person,
        .version = version,
        .state = enrolment->state,
        .recorded_at = enrolment->at,
        .place = enrolment->place,
        .institution = optional_key(stored_institution(&enrolment->institution)),
        .form = enrolment->form,
        .terms = terms,
        .certificate = optional_id(enrolment->certificate, CERTIFICATE_ID_SIZE),
    };
    return registry_sql_enrolment_add(db, &in, NULL);
}

static enum status enrolment_of_row(const struct registry_sql_enrolment_find_row *row, struct region *region,
                                    struct enrolment *out)
{
    out->state = (enum enrolment_state)row->state;
    out->at = row->recorded_at;
    out->place = (enum enrolment_place)row->place;
    out->form = (enum authentication)row->form;
    enum status status = institution_of_stored(row->institution, &out->institution);
    if (status == OK && row->certificate.data)
        status = id_of_stored(row->certificate, out->certificate, CERTIFICATE_ID_SIZE);
    return status == OK ? text_of_stored(row->terms, region, &out->terms) : status;
}

enum status enrolment_find(struct db *db, int64_t person, struct region *region, struct enrolment *out)
{
    *out = (struct enrolment){.person = person, .state = ENROLMENT_NONE};
    struct registry_sql_enrolment_find_in in = {.person = person};
    struct registry_sql_enrolment_find_row row;
    struct db_rows rows;
    enum status status = registry_sql_enrolment_find(db, &in, &rows);
    if (status != OK)
        return status;
    enum status taken = OK;
    if (registry_sql_enrolment_find_next(&rows, &row))
        taken = enrolment_of_row(&row, region, out);
    status = db_rows_close(&rows);
    return status == OK ? taken : status;
}

/* ---- Declarations ---- */

static enum status newest_declaration(struct db *db, const struct declaration *declaration, int64_t *version)
{
    struct registry_sql_declaration_newest_in in = {.id = declaration->id};
    struct registry_sql_declaration_newest_row row;
    struct db_rows rows;
    enum status status = registry_sql_declaration_newest(db, &in, &rows);
    if (status != OK)
        return status;
    enum status found = ERR_NOT_FOUND;
    if (registry_sql_declaration_newest_next(&rows, &row)) {
        *version = row.version;
        bool same = row.kind == (int64_t)declaration->kind && row.person.value == declaration->person &&
                    row.subscription.value == declaration->subscription;
        found = same ? OK : ERR_RANGE;
    }
    status = db_rows_close(&rows);
    return status == OK ? found : status;
}

static enum status next_declaration_id(struct db *db, int64_t *out)
{
    struct db_rows rows;
    enum status status = registry_sql_declaration_next_id(db, &rows);
    return status == OK ? take_id(&rows, out) : status;
}

/* What a check reads. */
static enum status renew_protection(struct db *db, const struct declaration *declaration)
{
    enum status status = OK;
    if (declaration->person) {
        struct registry_sql_person_set_protection_in in = {.id = declaration->person};
        status = registry_sql_person_set_protection(db, &in, NULL);
    }
    if (status == OK && declaration->subscription) {
        struct registry_sql_subscription_set_protection_in in = {.id = declaration->subscription};
        status = registry_sql_subscription_set_protection(db, &in, NULL);
    }
    return status;
}

enum status declaration_set(struct db *db, struct declaration *declaration)
{
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    if (declaration->person == 0 && declaration->subscription == 0)
        return ERR_RANGE;
    int64_t id = declaration->id, version = 0;
    enum status status = id ? newest_declaration(db, declaration, &version) : next_declaration_id(db, &id);
    if (status != OK)
        return status;
    struct registry_sql_declaration_add_in in = {
        .id = id,
        .version = version + 1,
        .kind = declaration->kind,
        .state = declaration->state,
        .person = optional_key(declaration->person),
        .subscription = optional_key(declaration->subscription),
        .recorded_at = declaration->at,
        .registrant = optional_key(declaration->registrant),
        .reason = declaration->reason,
    };
    status = registry_sql_declaration_add(db, &in, NULL);
    if (status == OK)
        status = renew_protection(db, declaration);
    if (status == OK)
        declaration->id = id;
    return status;
}

static enum status declaration_of_row(const struct registry_sql_declarations_about_row *row,
                                      struct region *region, struct declaration *out)
{
    *out = (struct declaration){
        .id = row->id,
        .kind = (enum declaration_kind)row->kind,
        .state = (enum declaration_state)row->state,
        .person = row->person.value,
        .subscription = row->subscription.value,
        .at = row->recorded_at,
        .registrant = row->registrant.value,
    };
    return text_of_stored(row->reason, region, &out->reason);
}

enum status declarations_about(struct db *db, int64_t person, int64_t subscription, struct region *region,
                               struct declaration **out, size_t *count)
{
    struct rows_in_region found = {.region = region, .size = sizeof(struct declaration)};
    struct registry_sql_declarations_about_in in = {.person = person, .subscription = subscription};
    struct registry_sql_declarations_about_row row;
    struct db_rows rows;
    enum status status = registry_sql_declarations_about(db, &in, &rows);
    if (status != OK)
        return status;
    enum status taken = OK;
    while (taken == OK && registry_sql_declarations_about_next(&rows, &row)) {
        struct declaration *declaration = rows_in_region_add(&found);
        taken = declaration ? declaration_of_row(&row, region, declaration) : ERR_NO_MEMORY;
    }
    *out = found.items;
    *count = found.count;
    status = db_rows_close(&rows);
    return status == OK ? taken : status;
}
