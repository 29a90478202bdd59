#include "registry/stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/load.h"

/* Stored for good: the domain may add to these, not renumber them. */
_Static_assert(LINK_NONE == 0 && LINK_PENDING == 1 && LINK_CONFIRMED == 2 && LINK_QUARANTINED == 3 &&
                   LINK_RELEASED == 4,
               "link states are stored");
_Static_assert(CERTIFICATE_ACTIVE == 0 && CERTIFICATE_SUSPENDED == 1 && CERTIFICATE_REVOKED == 2 &&
                   CERTIFICATE_EXPIRED == 3 && CERTIFICATE_SUPERSEDED == 4,
               "certificate states are stored");
_Static_assert(ENROLMENT_NONE == 0 && ENROLMENT_WITHOUT_NUMBER == 1 && ENROLMENT_IN_FORCE == 2 &&
                   ENROLMENT_RELEASED == 3,
               "enrolment states are stored");

enum { FLAG_PRESCHOOL = 1, FLAG_SPECIAL_EXPENSE = 2 };

int64_t stored_insurer(const struct insurer_number *number)
{
    return strtoll(number->digits, NULL, 10);
}

enum status insurer_of_stored(int64_t stored, struct insurer_number *out)
{
    if (stored < 0 || stored > 99999999)
        return ERR_DAMAGED;
    snprintf(out->digits, sizeof out->digits, "%08d", (int)stored);
    return OK;
}

int64_t stored_institution(const struct institution_code *code)
{
    return strtoll(code->digits, NULL, 10);
}

enum status institution_of_stored(struct db_optional_int stored, struct institution_code *out)
{
    *out = (struct institution_code){""};
    if (!stored.present)
        return OK;
    if (stored.value < 0 || stored.value > 9999999999)
        return ERR_DAMAGED;
    char digits[24];
    snprintf(digits, sizeof digits, "%010lld", (long long)stored.value);
    memcpy(out->digits, digits, sizeof out->digits);
    return OK;
}

enum status key_of_stored(int64_t insurer, struct bytes symbol, struct bytes number, struct bytes branch,
                          struct insured_key *out)
{
    enum status status = insurer_of_stored(insurer, &out->insurer);
    if (status != OK)
        return status;
    if (insured_symbol_parse((const char *)symbol.data, symbol.length, &out->symbol) != REASON_NONE ||
        insured_number_parse((const char *)number.data, number.length, &out->number) != REASON_NONE ||
        branch_number_parse((const char *)branch.data, branch.length, &out->branch) != REASON_NONE)
        return ERR_DAMAGED;
    return OK;
}

enum status certificate_state_of_stored(int64_t stored, enum certificate_state *out)
{
    if (stored < CERTIFICATE_ACTIVE || stored > CERTIFICATE_SUPERSEDED)
        return ERR_DAMAGED;
    *out = (enum certificate_state)stored;
    return OK;
}

/* ---- Optional values ---- */

static struct db_optional_int present(int64_t value)
{
    return (struct db_optional_int){true, value};
}

struct db_optional_int optional_key(int64_t key)
{
    return (struct db_optional_int){key != 0, key};
}

struct bytes optional_id(const uint8_t *id, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (id[i])
            return bytes_of(id, size);
    }
    return (struct bytes){0};
}

static struct bytes stated_text(struct bytes text)
{
    return text.length ? text : (struct bytes){0};
}

static struct db_optional_int stored_ratio(int percent)
{
    return (struct db_optional_int){percent != COPAYMENT_UNKNOWN, percent};
}

static int ratio_of_stored(struct db_optional_int stored)
{
    return stored.present ? (int)stored.value : COPAYMENT_UNKNOWN;
}

static struct db_optional_int stored_postal_code(const struct postal_code *code)
{
    return (struct db_optional_int){code->digits[0] != '\0', strtoll(code->digits, NULL, 10)};
}

/* ---- What is stated about a person ---- */

struct registry_sql_stated stated_of_person(const struct five_items *person, enum relationship relationship)
{
    return (struct registry_sql_stated){
        .birth = person->birth,
        .sex = present(person->sex),
        .name = person->name.text.data ? person->name.text : bytes_of("", 0),
        .kana = stated_text(person->kana.text),
        .alias = stated_text(person->alias.text),
        .postal_code = stored_postal_code(&person->postal_code),
        .address = stated_text(person->address.text),
        .relationship = present(relationship),
    };
}

enum status text_of_stored(struct bytes stored, struct region *region, struct bytes *out)
{
    *out = (struct bytes){0};
    if (!stored.data || stored.length == 0)
        return OK;
    *out = region_copy(region, stored);
    return out->data ? OK : ERR_NO_MEMORY;
}

enum status person_of_stored(const struct registry_sql_stated *stated, struct region *region,
                             struct five_items *out)
{
    *out = (struct five_items){.birth = stated->birth};
    if (sex_from_number((int)stated->sex.value, &out->sex) != REASON_NONE)
        return ERR_DAMAGED;
    if (stated->postal_code.present) {
        if (stated->postal_code.value < 0 || stated->postal_code.value > 9999999)
            return ERR_DAMAGED;
        snprintf(out->postal_code.digits, sizeof out->postal_code.digits, "%07d",
                 (int)stated->postal_code.value);
    }
    enum status status = text_of_stored(stated->name, region, &out->name.text);
    if (status == OK)
        status = text_of_stored(stated->kana, region, &out->kana.text);
    if (status == OK)
        status = text_of_stored(stated->alias, region, &out->alias.text);
    if (status == OK)
        status = text_of_stored(stated->address, region, &out->address.text);
    return status;
}

struct person_facts person_of_row(int64_t id, int64_t enrolment, int64_t protection)
{
    return (struct person_facts){
        .id = id,
        .non_disclosure = protection & PROTECTED_NON_DISCLOSURE,
        .self_information_blocked = protection & PROTECTED_SELF_INFORMATION_BLOCKED,
        .card_use_registered = enrolment == ENROLMENT_IN_FORCE,
    };
}

static bool is_same_number(struct db_optional_int a, struct db_optional_int b)
{
    return a.present == b.present && (!a.present || a.value == b.value);
}

static bool is_same_text(struct bytes a, struct bytes b)
{
    return !a.data == !b.data && bytes_equal(a, b);
}

bool stated_is_same(const struct registry_sql_stated *a, const struct registry_sql_stated *b)
{
    return date_equal(a->birth, b->birth) && is_same_number(a->sex, b->sex) &&
           is_same_text(a->name, b->name) && is_same_text(a->kana, b->kana) &&
           is_same_text(a->alias, b->alias) && is_same_number(a->postal_code, b->postal_code) &&
           is_same_text(a->address, b->address) && is_same_number(a->relationship, b->relationship);
}

/* ---- Coverage ---- */

struct registry_sql_coverage coverage_to_store(const struct coverage *coverage)
{
    return (struct registry_sql_coverage){
        .acquired = coverage->acquired,
        .lost = coverage->lost,
        .loss_reason = present(coverage->loss_reason),
        .classification = present(coverage->classification),
        .flags = present((coverage->preschool ? FLAG_PRESCHOOL : 0) |
                         (coverage->special_expense ? FLAG_SPECIAL_EXPENSE : 0)),
        .copayment = stored_ratio(coverage->copayment.percent),
        .copayment_from = coverage->copayment.valid_from,
        .copayment_until = coverage->copayment.valid_until,
        .elderly_issued = coverage->elderly.issued,
        .elderly_from = coverage->elderly.valid_from,
        .elderly_last_day = coverage->elderly.last_day,
        .elderly_copayment = stored_ratio(coverage->elderly.percent),
        .certificate_issued = coverage->certificate.issued,
        .certificate_last_day = coverage->certificate.last_day,
    };
}

static bool is_loss_reason(int64_t value)
{
    return value == LOSS_REASON_NONE || *loss_reason_code((enum loss_reason)value) != '\0';
}

static bool is_classification(int64_t value)
{
    return value == CARD_CLASSIFICATION_UNSTATED ||
           *card_classification_code((enum card_classification)value) != '\0';
}

enum status coverage_of_stored(const struct registry_sql_coverage *stored, struct coverage *out)
{
    if (!is_loss_reason(stored->loss_reason.value) || !is_classification(stored->classification.value))
        return ERR_DAMAGED;
    *out = coverage_blank();
    out->acquired = stored->acquired;
    out->lost = stored->lost;
    out->loss_reason = (enum loss_reason)stored->loss_reason.value;
    out->classification = (enum card_classification)stored->classification.value;
    out->preschool = stored->flags.value & FLAG_PRESCHOOL;
    out->special_expense = stored->flags.value & FLAG_SPECIAL_EXPENSE;
    out->copayment = (struct stated_copayment){ratio_of_stored(stored->copayment), stored->copayment_from,
                                               stored->copayment_until};
    out->elderly =
        (struct elderly_certificate){stored->elderly_issued, stored->elderly_from, stored->elderly_last_day,
                                     ratio_of_stored(stored->elderly_copayment)};
    out->certificate =
        (struct eligibility_certificate){stored->certificate_issued, stored->certificate_last_day};
    return OK;
}

bool coverage_is_same(const struct registry_sql_coverage *a, const struct registry_sql_coverage *b)
{
    return date_equal(a->acquired, b->acquired) && date_equal(a->lost, b->lost) &&
           is_same_number(a->loss_reason, b->loss_reason) &&
           is_same_number(a->classification, b->classification) && is_same_number(a->flags, b->flags) &&
           is_same_number(a->copayment, b->copayment) && date_equal(a->copayment_from, b->copayment_from) &&
           date_equal(a->copayment_until, b->copayment_until) &&
           date_equal(a->elderly_issued, b->elderly_issued) && date_equal(a->elderly_from, b->elderly_from) &&
           date_equal(a->elderly_last_day, b->elderly_last_day) &&
           is_same_number(a->elderly_copayment, b->elderly_copayment) &&
           date_equal(a->certificate_issued, b->certificate_issued) &&
           date_equal(a->certificate_last_day, b->certificate_last_day);
}

/* ---- Rows ---- */

enum status id_of_stored(struct bytes stored, uint8_t *out, size_t size)
{
    if (stored.length != size)
        return ERR_DAMAGED;
    memcpy(out, stored.data, size);
    return OK;
}

bool version_counts(struct db_optional_int load, struct db_optional_int load_state, int64_t of_load)
{
    return !load.present || load_state.value == LOAD_PUBLISHED || load.value == of_load;
}

bool version_is_staged(struct db_optional_int load_state)
{
    return load_state.present && load_state.value == LOAD_STAGED;
}

bool version_is_undone(struct db_optional_int load_state)
{
    return load_state.present && load_state.value == LOAD_UNDONE;
}

enum status take_id(struct db_rows *rows, int64_t *out)
{
    struct registry_sql_id_row row;
    if (registry_sql_id_next(rows, &row))
        *out = row.id;
    return db_rows_close(rows);
}

void *rows_in_region_add(struct rows_in_region *rows)
{
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? 2 * rows->capacity : 4;
        void *items = region_alloc(rows->region, capacity * rows->size);
        if (!items)
            return NULL;
        if (rows->count)
            memcpy(items, rows->items, rows->count * rows->size);
        rows->items = items;
        rows->capacity = capacity;
    }
    return (char *)rows->items + rows->size * rows->count++;
}
