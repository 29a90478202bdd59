#include "registry/parties.h"

#include "base/text.h"
#include "registry/stored.h"

enum status insurer_put(struct db *db, const struct insurer *insurer)
{
    struct registry_sql_insurer_put_in in = {.number = stored_insurer(&insurer->number),
                                             .name = insurer->name};
    return registry_sql_insurer_put(db, &in, NULL);
}

enum status insurer_find(struct db *db, const struct insurer_number *number, struct region *region,
                         struct insurer *out)
{
    *out = (struct insurer){.number = *number};
    struct registry_sql_insurer_find_in in = {.number = stored_insurer(number)};
    struct registry_sql_insurer_find_row row;
    struct db_rows rows;
    enum status status = registry_sql_insurer_find(db, &in, &rows);
    if (status != OK)
        return status;
    enum status found = registry_sql_insurer_find_next(&rows, &row)
                            ? text_of_stored(row.name, region, &out->name)
                            : ERR_NOT_FOUND;
    status = db_rows_close(&rows);
    return status == OK ? found : status;
}

enum status institution_put(struct db *db, const struct institution *institution)
{
    struct registry_sql_institution_put_in in = {.code = stored_institution(&institution->code),
                                                 .name = institution->name,
                                                 .active = institution->active};
    return registry_sql_institution_put(db, &in, NULL);
}

enum status institution_find(struct db *db, const struct institution_code *code, struct region *region,
                             struct institution *out)
{
    *out = (struct institution){.code = *code};
    struct registry_sql_institution_find_in in = {.code = stored_institution(code)};
    struct registry_sql_institution_find_row row;
    struct db_rows rows;
    enum status status = registry_sql_institution_find(db, &in, &rows);
    if (status != OK)
        return status;
    enum status found = ERR_NOT_FOUND;
    if (registry_sql_institution_find_next(&rows, &row)) {
        out->active = row.active;
        found = text_of_stored(row.name, region, &out->name);
    }
    status = db_rows_close(&rows);
    return status == OK ? found : status;
}

/* OK with *out 0: not there, or there with another name than the one stated. */
static enum status find_employer(struct db *db, int64_t insurer, struct bytes code, struct bytes name,
                                 int64_t *out)
{
    struct registry_sql_employer_find_in in = {.insurer = insurer, .code = code};
    struct registry_sql_employer_find_row row;
    struct db_rows rows;
    enum status status = registry_sql_employer_find(db, &in, &rows);
    if (status != OK)
        return status;
    if (registry_sql_employer_find_next(&rows, &row) &&
        (!name.data || (row.name.data && bytes_equal(row.name, name))))
        *out = row.id;
    return db_rows_close(&rows);
}

enum status employer_for_code(struct db *db, const struct insurer_number *insurer, struct bytes code,
                              struct bytes name, int64_t *out)
{
    enum { LONGEST_CODE = 20 };
    *out = 0;
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    if (code.length == 0 || text_length(code) > LONGEST_CODE)
        return ERR_RANGE;
    enum status status = find_employer(db, stored_insurer(insurer), code, name, out);
    if (status != OK || *out)
        return status;

    struct registry_sql_employer_put_in in = {.insurer = stored_insurer(insurer), .code = code, .name = name};
    struct db_rows rows;
    status = registry_sql_employer_put(db, &in, &rows);
    return status == OK ? take_id(&rows, out) : status;
}

enum status setting_put(struct db *db, const char *name, struct bytes value)
{
    struct registry_sql_setting_put_in in = {.name = bytes_of_text(name), .value = value};
    return registry_sql_setting_put(db, &in, NULL);
}

enum status setting_find(struct db *db, const char *name, struct region *region, struct bytes *out)
{
    *out = (struct bytes){0};
    struct registry_sql_setting_find_in in = {.name = bytes_of_text(name)};
    struct registry_sql_setting_find_row row;
    struct db_rows rows;
    enum status status = registry_sql_setting_find(db, &in, &rows);
    if (status != OK)
        return status;
    enum status found =
        registry_sql_setting_find_next(&rows, &row) ? text_of_stored(row.value, region, out) : ERR_NOT_FOUND;
    status = db_rows_close(&rows);
    return status == OK ? found : status;
}
