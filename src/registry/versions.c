#include "registry/versions.h"

/* ---- The person ---- */

static enum status copy_texts(struct registry_sql_stated *stated, struct region *region)
{
    struct bytes *texts[] = {&stated->name, &stated->kana, &stated->alias, &stated->address};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (texts[i]->data) {
            *texts[i] = region_copy(region, *texts[i]);
            if (!texts[i]->data)
                return ERR_NO_MEMORY;
        }
    }
    return OK;
}

enum status stated_state_read(struct db *db, int64_t subscription, int64_t of_load, struct region *region,
                              struct stated_state *out)
{
    *out = (struct stated_state){0};
    struct registry_sql_stated_versions_in in = {.subscription = subscription};
    struct registry_sql_stated_versions_row row;
    struct db_rows rows;
    enum status status = registry_sql_stated_versions(db, &in, &rows);
    if (status != OK)
        return status;
    enum status taken = OK;
    while (taken == OK && registry_sql_stated_versions_next(&rows, &row)) {
        out->newest = row.version;
        if (!version_counts(row.load, row.load_state, of_load))
            continue;
        out->is_known = true;
        out->stated = row.stated;
        out->employer = row.employer.value;
        taken = copy_texts(&out->stated, region);
    }
    status = db_rows_close(&rows);
    return status == OK ? taken : status;
}

/* ---- Periods ---- */

static struct period_state *last_period(struct rows_in_region *found)
{
    return found->count ? (struct period_state *)found->items + found->count - 1 : NULL;
}

/* Rows come by period, then by version. */
static enum status take_version(const struct registry_sql_coverage_versions_row *row, int64_t of_load,
                                struct rows_in_region *found)
{
    struct period_state *period = last_period(found);
    if (!period || period->period != row->period) {
        period = rows_in_region_add(found);
        if (!period)
            return ERR_NO_MEMORY;
        period->period = row->period;
        period->acquired = DATE_NONE;
    }
    period->newest = row->version;
    if (!version_is_undone(row->load_state)) {
        period->is_alive = true;
        period->acquired = row->coverage.acquired;
    }
    if (version_counts(row->load, row->load_state, of_load)) {
        period->is_known = true;
        period->coverage = row->coverage;
    }
    return OK;
}

enum status periods_state_read(struct db *db, int64_t subscription, int64_t of_load, struct region *region,
                               struct periods_state *out)
{
    *out = (struct periods_state){0};
    struct rows_in_region found = {.region = region, .size = sizeof(struct period_state)};
    struct registry_sql_coverage_versions_in in = {.subscription = subscription};
    struct registry_sql_coverage_versions_row row;
    struct db_rows rows;
    enum status status = registry_sql_coverage_versions(db, &in, &rows);
    if (status != OK)
        return status;
    enum status taken = OK;
    while (taken == OK && registry_sql_coverage_versions_next(&rows, &row))
        taken = take_version(&row, of_load, &found);
    *out = (struct periods_state){found.items, found.count};
    status = db_rows_close(&rows);
    return status == OK ? taken : status;
}

struct period_state *period_begun_on(const struct periods_state *periods, struct date acquired)
{
    struct period_state *staged = NULL;
    for (size_t i = 0; i < periods->count; i++) {
        struct period_state *period = &periods->periods[i];
        if (period->is_known && date_equal(period->coverage.acquired, acquired))
            return period;
        if (period->is_alive && date_equal(period->acquired, acquired))
            staged = period;
    }
    return staged;
}
