#include "db/catalogue.h"

struct db_value db_value_int(int64_t value)
{
    return (struct db_value){.number = value};
}

struct db_value db_value_bool(bool value)
{
    return (struct db_value){.number = value};
}

struct db_value db_value_date(struct date value)
{
    return (struct db_value){.null = date_is_none(value), .number = value.days};
}

struct db_value db_value_bytes(struct bytes value)
{
    /* A NULL pointer means SQL's NULL to SQLite; nothing at all is an empty value. */
    return (struct db_value){.bytes = value.data ? value : (struct bytes){(const uint8_t *)"", 0}};
}

struct db_value db_value_optional_bytes(struct bytes value)
{
    return (struct db_value){.null = !value.data, .bytes = value};
}

struct db_value db_value_optional_int(struct db_optional_int value)
{
    return (struct db_value){.null = !value.present, .number = value.value};
}

struct db_value db_value_optional_bool(struct db_optional_bool value)
{
    return (struct db_value){.null = !value.present, .number = value.value};
}
