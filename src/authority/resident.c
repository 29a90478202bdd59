#include <string.h>

#include "authority/holdings.h"

int64_t my_number_to_integer(const struct my_number *number)
{
    struct bytes digits = my_number_secret(number);
    int64_t value = 0;
    for (size_t i = 0; i < digits.length; i++)
        value = value * 10 + (digits.data[i] - '0');
    return value;
}

void my_number_from_integer(int64_t value, struct my_number *out)
{
    for (size_t i = sizeof(out->digits); i-- > 0; value /= 10)
        out->digits[i] = (char)('0' + value % 10);
}

/* Text that is not stated is stored as empty, never as NULL. */
static struct bytes stated(struct bytes text)
{
    return text.data ? text : bytes_of("", 0);
}

struct authority_sql_resident_add_in resident_values(const struct resident *resident, int64_t id)
{
    return (struct authority_sql_resident_add_in){
        .id = id,
        .my_number = my_number_to_integer(&resident->number),
        .name = stated(resident->items.name.text),
        .kana = stated(resident->items.kana.text),
        .alias = stated(resident->items.alias.text),
        .birth = resident->items.birth,
        .sex = resident->items.sex,
        .address = stated(resident->items.address.text),
        .municipality = bytes_of(resident->municipality.digits, 5),
        .has_photo = resident->has_photo,
        .state = resident->state,
    };
}

struct registering {
    const struct resident *resident;
    int64_t id;
};

static enum status do_register(struct db *db, void *argument)
{
    struct registering *registering = argument;
    enum status status = counter_take(db, "resident", 1, &registering->id);
    if (status != OK)
        return status;
    struct authority_sql_resident_add_in in = resident_values(registering->resident, registering->id);
    status = authority_sql_resident_add(db, &in, NULL);
    secret_wipe(&in.my_number, sizeof(in.my_number));
    return status;
}

enum status authority_register_resident(struct authority *authority, const struct resident *resident,
                                        int64_t *out_id)
{
    struct registering registering = {.resident = resident};
    enum status status = db_transaction(authority->db, do_register, &registering);
    if (status == OK && out_id)
        *out_id = registering.id;
    return status;
}

/* Copies what the row's views point to. The two statements' rows are alike. */
static enum status take_row(const struct authority_sql_resident_by_id_row *row, struct region *region,
                            struct resident *out)
{
    struct resident resident = {
        .id = row->id,
        .items = {.name = {region_copy(region, row->name)},
                  .kana = {region_copy(region, row->kana)},
                  .alias = {region_copy(region, row->alias)},
                  .birth = row->birth,
                  .sex = (enum sex)row->sex,
                  .address = {region_copy(region, row->address)}},
        .has_photo = row->has_photo,
        .state = (enum resident_state)row->state,
    };
    if (row->municipality.length != 5)
        return ERR_DAMAGED;
    memcpy(resident.municipality.digits, row->municipality.data, 5);
    my_number_from_integer(row->my_number, &resident.number);
    *out = resident;
    my_number_wipe(&resident.number);
    bool copied = (out->items.name.text.data || !row->name.length) &&
                  (out->items.kana.text.data || !row->kana.length) &&
                  (out->items.alias.text.data || !row->alias.length) &&
                  (out->items.address.text.data || !row->address.length);
    return copied ? OK : ERR_NO_MEMORY;
}

enum status resident_read(struct authority *authority, int64_t id, struct region *region,
                          struct resident *out)
{
    const struct authority_sql_resident_by_id_in in = {.id = id};
    struct authority_sql_resident_by_id_row row;
    struct db_rows rows;
    enum status status = authority_sql_resident_by_id(authority->db, &in, &rows);
    if (status != OK)
        return status;
    enum status found =
        authority_sql_resident_by_id_next(&rows, &row) ? take_row(&row, region, out) : ERR_NOT_FOUND;
    status = db_rows_close(&rows);
    return status == OK ? found : status;
}

static enum status find_id(struct authority *authority, const struct my_number *number, int64_t *out)
{
    struct authority_sql_resident_by_number_in in = {.my_number = my_number_to_integer(number)};
    struct authority_sql_resident_by_number_row row;
    struct db_rows rows;
    enum status status = authority_sql_resident_by_number(authority->db, &in, &rows);
    secret_wipe(&in, sizeof(in));
    if (status != OK)
        return status;
    bool found = authority_sql_resident_by_number_next(&rows, &row);
    if (found)
        *out = row.id;
    status = db_rows_close(&rows);
    if (status != OK)
        return status;
    return found ? OK : ERR_NOT_FOUND;
}

enum status authority_find_resident(struct authority *authority, const struct my_number *number,
                                    struct region *region, struct resident *out)
{
    int64_t id;
    enum status status = find_id(authority, number, &id);
    return status == OK ? resident_read(authority, id, region, out) : status;
}
