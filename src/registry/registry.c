#include "registry/registry.h"

#include "registry/stored.h"

enum status registry_open(const struct db_options *options, struct db **out)
{
    enum status status = db_open(options, &registry_catalogue, out);
    if (status != OK || options->use != DB_FOR_CHANGES)
        return status;
    status = db_migrate(*out);
    if (status != OK) {
        db_close(*out);
        *out = NULL;
    }
    return status;
}

static enum status add_registrant(struct db *db, struct bytes name, int64_t *out)
{
    struct registry_sql_registrant_add_in in = {.name = name};
    struct db_rows rows;
    enum status status = registry_sql_registrant_add(db, &in, &rows);
    return status == OK ? take_id(&rows, out) : status;
}

enum status registrant_for_name(struct db *db, struct bytes name, int64_t *out)
{
    *out = 0;
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    struct registry_sql_registrant_find_in in = {.name = name};
    struct db_rows rows;
    enum status status = registry_sql_registrant_find(db, &in, &rows);
    if (status == OK)
        status = take_id(&rows, out);
    return status == OK && *out == 0 ? add_registrant(db, name, out) : status;
}
