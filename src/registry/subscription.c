#include "registry/subscription.h"

#include "registry/adding.h"
#include "registry/findings.h"
#include "registry/versions.h"

/* ---- Finding ---- */

static bool has_branch(const struct branch_number *branch)
{
    return branch->digits[0] != '\0';
}

struct candidate {
    int64_t id;
    struct date birth;
};

/* Everyone under insurer, symbol and number with the key's branch; branch absent in the key: as the caller
 * says. */
static enum status find_candidates(struct db *db, const struct insured_key *key, bool any_branch,
                                   struct rows_in_region *out)
{
    struct registry_sql_subscriptions_under_number_in in = {
        .insurer = stored_insurer(&key->insurer),
        .symbol = bytes_of_text(key->symbol.key),
        .number = bytes_of_text(key->number.key),
    };
    struct registry_sql_subscriptions_under_number_row row;
    struct db_rows rows;
    enum status status = registry_sql_subscriptions_under_number(db, &in, &rows);
    if (status != OK)
        return status;
    enum status taken = OK;
    while (taken == OK && registry_sql_subscriptions_under_number_next(&rows, &row)) {
        if (!any_branch && !bytes_equal(row.branch, bytes_of_text(key->branch.digits)))
            continue;
        struct candidate *candidate = rows_in_region_add(out);
        if (candidate)
            *candidate = (struct candidate){row.id, row.birth};
        else
            taken = ERR_NO_MEMORY;
    }
    status = db_rows_close(&rows);
    return status == OK ? taken : status;
}

enum status subscription_find(struct db *db, const struct insured_key *key, struct date birth, int64_t *out)
{
    *out = 0;
    struct region region = {0};
    struct rows_in_region found = {.region = &region, .size = sizeof(struct candidate)};
    enum status status = find_candidates(db, key, !has_branch(&key->branch), &found);
    const struct candidate *candidates = found.items;
    for (size_t i = 0; status == OK && i < found.count; i++) {
        if (candidates[i].id == *out || (!date_is_none(birth) && !date_equal(candidates[i].birth, birth)))
            continue;
        status = *out ? ERR_EXISTS : OK;
        *out = candidates[i].id;
    }
    region_free(&region);
    if (status == OK && *out == 0)
        return ERR_NOT_FOUND;
    if (status != OK)
        *out = 0;
    return status;
}

/*
 * Whose record this is. A branch is one person's for good. Without branches a birth date is enough where the
 * number is one person's (late elderly); otherwise the name has to be the same too, or twins would become
 * one.
 */
static enum status find_subject(struct db *db, const struct subscription_record *record, int64_t of_load,
                                struct region *region, int64_t *out)
{
    const struct insured_key *key = &record->coverage.key;
    *out = 0;
    struct rows_in_region found = {.region = region, .size = sizeof(struct candidate)};
    enum status status = find_candidates(db, key, false, &found);
    const struct candidate *candidates = found.items;
    bool number_is_enough = insurer_number_scheme(&key->insurer) == SCHEME_LATE_ELDERLY;
    for (size_t i = 0; status == OK && i < found.count && *out == 0; i++) {
        struct stated_state stated = {0};
        bool is_same =
            has_branch(&key->branch) || date_equal(candidates[i].birth, record->coverage.person.birth);
        if (is_same && !has_branch(&key->branch) && !number_is_enough) {
            status = stated_state_read(db, candidates[i].id, of_load, region, &stated);
            is_same = bytes_equal(stated.stated.name, record->coverage.person.name.text);
        }
        if (status == OK && is_same)
            *out = candidates[i].id;
    }
    return status;
}

/* ---- Writing ---- */

static struct db_optional_int time_of(const struct recording *recording)
{
    /* A load says itself when. */
    return (struct db_optional_int){recording->load == 0, recording->at};
}

static enum status add_stated(struct db *db, int64_t subscription, int64_t version,
                              const struct subscription_record *record, const struct recording *recording)
{
    const struct coverage *coverage = &record->coverage;
    struct registry_sql_stated_add_in in = {
        .subscription = subscription,
        .version = version,
        .load = optional_key(recording->load),
        .recorded_at = time_of(recording),
        .registrant = optional_key(recording->registrant),
        .stated = stated_of_person(&coverage->person, coverage->relationship),
        .employer = optional_key(record->employer),
    };
    return registry_sql_stated_add(db, &in, NULL);
}

static enum status add_key(struct db *db, int64_t subscription, const struct coverage *coverage)
{
    struct registry_sql_insured_key_add_in in = {
        .insurer = stored_insurer(&coverage->key.insurer),
        .symbol = bytes_of_text(coverage->key.symbol.key),
        .number = bytes_of_text(coverage->key.number.key),
        .birth = coverage->person.birth,
        .subscription = subscription,
    };
    return registry_sql_insured_key_add(db, &in, NULL);
}

static enum status add_coverage(struct db *db, int64_t subscription, int64_t period, int64_t version,
                                const struct registry_sql_coverage *coverage,
                                const struct recording *recording)
{
    struct registry_sql_coverage_add_in in = {
        .subscription = subscription,
        .period = period,
        .version = version,
        .load = optional_key(recording->load),
        .recorded_at = time_of(recording),
        .registrant = optional_key(recording->registrant),
        .coverage = *coverage,
    };
    return registry_sql_coverage_add(db, &in, NULL);
}

static enum status add_subscription(struct db *db, const struct insured_key *key, int64_t person,
                                    enum link_state link, int64_t *out)
{
    struct db_rows rows;
    enum status status = registry_sql_subscription_next_id(db, &rows);
    if (status == OK)
        status = take_id(&rows, out);
    if (status != OK)
        return status;
    struct registry_sql_subscription_add_in in = {
        .id = *out,
        .insurer = stored_insurer(&key->insurer),
        .symbol = bytes_of_text(key->symbol.text),
        .number = bytes_of_text(key->number.text),
        .branch = bytes_of_text(key->branch.digits),
        .person = optional_key(person),
        .link = link,
    };
    return registry_sql_subscription_add(db, &in, NULL);
}

enum status subscription_add(struct db *db, const struct subscription_record *record,
                             const struct recording *recording, int64_t person, enum link_state link,
                             int64_t *out)
{
    struct registry_sql_coverage coverage = coverage_to_store(&record->coverage);
    enum status status = add_subscription(db, &record->coverage.key, person, link, out);
    if (status == OK)
        status = add_key(db, *out, &record->coverage);
    if (status == OK)
        status = add_stated(db, *out, 1, record, recording);
    return status == OK ? add_coverage(db, *out, 1, 1, &coverage, recording) : status;
}

static enum status record_person(struct db *db, int64_t subscription,
                                 const struct subscription_record *record, const struct recording *recording,
                                 struct region *region, bool *changed)
{
    struct stated_state state;
    enum status status = stated_state_read(db, subscription, recording->load, region, &state);
    if (status != OK)
        return status;
    struct registry_sql_stated stated =
        stated_of_person(&record->coverage.person, record->coverage.relationship);
    *changed =
        !state.is_known || state.employer != record->employer || !stated_is_same(&state.stated, &stated);
    if (!*changed)
        return OK;
    if (!state.is_known || !date_equal(state.stated.birth, stated.birth))
        status = add_key(db, subscription, &record->coverage);
    return status == OK ? add_stated(db, subscription, state.newest + 1, record, recording) : status;
}

static enum status record_period(struct db *db, int64_t subscription,
                                 const struct subscription_record *record, const struct recording *recording,
                                 struct region *region, enum record_outcome *outcome)
{
    struct periods_state periods;
    enum status status = periods_state_read(db, subscription, recording->load, region, &periods);
    if (status != OK)
        return status;
    struct registry_sql_coverage coverage = coverage_to_store(&record->coverage);
    bool corrects = !date_is_none(record->replaces_acquired);
    const struct period_state *same = period_begun_on(&periods, coverage.acquired);
    const struct period_state *period =
        corrects ? period_begun_on(&periods, record->replaces_acquired) : same;
    if (corrects && !period)
        return ERR_NOT_FOUND;
    if (corrects && same && same != period)
        return ERR_EXISTS;
    if (period && period->is_known && coverage_is_same(&period->coverage, &coverage)) {
        *outcome = RECORD_UNCHANGED;
        return OK;
    }
    *outcome = period && period->is_known ? RECORD_CHANGED : RECORD_NEW_PERIOD;
    return period ? add_coverage(db, subscription, period->period, period->newest + 1, &coverage, recording)
                  : add_coverage(db, subscription, (int64_t)periods.count + 1, 1, &coverage, recording);
}

static enum status insurer_is_known(struct db *db, const struct insurer_number *number)
{
    struct registry_sql_insurer_find_in in = {.number = stored_insurer(number)};
    struct registry_sql_insurer_find_row row;
    struct db_rows rows;
    enum status status = registry_sql_insurer_find(db, &in, &rows);
    if (status != OK)
        return status;
    bool found = registry_sql_insurer_find_next(&rows, &row);
    status = db_rows_close(&rows);
    return status == OK && !found ? ERR_NOT_FOUND : status;
}

static enum status record_in_region(struct db *db, const struct subscription_record *record,
                                    const struct recording *recording, struct region *region,
                                    enum record_outcome *outcome, int64_t *subscription)
{
    enum status status = insurer_is_known(db, &record->coverage.key.insurer);
    if (status == OK)
        status = find_subject(db, record, recording->load, region, subscription);
    if (status != OK)
        return status;
    if (*subscription == 0) {
        *outcome = RECORD_NEW_SUBSCRIPTION;
        return date_is_none(record->replaces_acquired)
                   ? subscription_add(db, record, recording, 0, LINK_NONE, subscription)
                   : ERR_NOT_FOUND;
    }
    bool person_changed = false;
    status = record_person(db, *subscription, record, recording, region, &person_changed);
    if (status == OK)
        status = record_period(db, *subscription, record, recording, region, outcome);
    if (status == OK && *outcome == RECORD_UNCHANGED && person_changed)
        *outcome = RECORD_PERSON_CHANGED;
    return status;
}

static bool is_backwards(const struct coverage *coverage)
{
    return !date_is_none(coverage->lost) && date_before(coverage->lost, coverage->acquired);
}

enum status subscription_record(struct db *db, const struct subscription_record *record,
                                const struct recording *recording, enum record_outcome *outcome,
                                int64_t *subscription)
{
    *outcome = RECORD_UNCHANGED;
    *subscription = 0;
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    if (is_backwards(&record->coverage) || date_is_none(record->coverage.acquired))
        return ERR_RANGE;
    struct region region = {0};
    enum status status = record_in_region(db, record, recording, &region, outcome, subscription);
    region_free(&region);
    return status;
}

static enum status lose_in_region(struct db *db, int64_t subscription, struct date acquired, struct date lost,
                                  enum loss_reason reason, const struct recording *recording,
                                  struct region *region)
{
    struct periods_state periods;
    enum status status = periods_state_read(db, subscription, recording->load, region, &periods);
    if (status != OK)
        return status;
    struct period_state *period = period_begun_on(&periods, acquired);
    if (!period || !period->is_known)
        return ERR_NOT_FOUND;
    period->coverage.lost = lost;
    period->coverage.loss_reason = (struct db_optional_int){true, reason};
    return add_coverage(db, subscription, period->period, period->newest + 1, &period->coverage, recording);
}

enum status coverage_lose(struct db *db, int64_t subscription, struct date acquired, struct date lost,
                          enum loss_reason reason, const struct recording *recording)
{
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    if (date_before(lost, acquired))
        return ERR_RANGE;
    struct region region = {0};
    enum status status = lose_in_region(db, subscription, acquired, lost, reason, recording, &region);
    region_free(&region);
    return status;
}

/* ---- Reading ---- */

enum status subscription_read(struct db *db, int64_t subscription, struct region *region,
                              struct subscription_facts **out, size_t *count)
{
    *out = NULL;
    *count = 0;
    struct registry_sql_subscription_facts_in in = {.subscription = subscription};
    struct db_rows rows;
    enum status status = registry_sql_subscription_facts(db, &in, &rows);
    if (status != OK)
        return status;
    struct check_findings findings;
    enum status taken = findings_collect(&rows, region, &findings);
    *out = findings.subscriptions;
    *count = findings.count;
    status = db_rows_close(&rows);
    return taken == OK ? status : taken;
}

static enum status version_of_row(const struct registry_sql_coverage_versions_row *row,
                                  struct coverage_version *out)
{
    *out = (struct coverage_version){
        .period = row->period,
        .version = row->version,
        .recorded_at = row->recorded_at,
        .load = row->load.value,
        .visible = version_counts(row->load, row->load_state, 0),
    };
    enum status status = coverage_of_stored(&row->coverage, &out->coverage);
    out->coverage.registered_at = row->recorded_at;
    return status;
}

enum status subscription_history(struct db *db, int64_t subscription, struct region *region,
                                 struct coverage_version **out, size_t *count)
{
    struct rows_in_region found = {.region = region, .size = sizeof(struct coverage_version)};
    struct registry_sql_coverage_versions_in in = {.subscription = subscription};
    struct registry_sql_coverage_versions_row row;
    struct db_rows rows;
    enum status status = registry_sql_coverage_versions(db, &in, &rows);
    if (status != OK)
        return status;
    enum status taken = OK;
    while (taken == OK && registry_sql_coverage_versions_next(&rows, &row)) {
        struct coverage_version *version = rows_in_region_add(&found);
        taken = version ? version_of_row(&row, version) : ERR_NO_MEMORY;
    }
    *out = found.items;
    *count = found.count;
    status = db_rows_close(&rows);
    return status == OK ? taken : status;
}
