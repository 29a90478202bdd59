#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sample_sql.h"
#include "support/database.h"

static struct bytes text(const char *value)
{
    return bytes_of_text(value);
}

static void assert_bytes(struct bytes found, struct bytes expected)
{
    assert_true(bytes_equal(found, expected));
}

static struct db *open_sample(void **state)
{
    return test_database_migrated(*state, &sample_catalogue);
}

/* ---- Values ---- */

static void every_statement_of_the_catalogue_is_understood(void **state)
{
    struct db *db = open_sample(state);
    assert_int_equal(db_prepare_all(db), OK);
    db_close(db);
}

static void parameters_are_bound_by_name_not_by_order_of_appearance(void **state)
{
    struct db *db = open_sample(state);
    struct sample_sql_pair_put_in put = {.lesser = 1, .greater = 2};
    assert_int_equal(sample_sql_pair_put(db, &put, NULL), OK);

    struct sample_sql_pair_find_in find = {.lesser = 1, .greater = 2};
    struct sample_sql_pair_find_row row;
    struct db_rows rows;
    assert_int_equal(sample_sql_pair_find(db, &find, &rows), OK);
    assert_true(sample_sql_pair_find_next(&rows, &row));
    assert_int_equal(row.lesser, 1);
    assert_int_equal(row.greater, 2);
    assert_int_equal(db_rows_close(&rows), OK);
    db_close(db);
}

static const struct sample_sql_thing_put_in values[] = {
    {1, false, 0, {0}, {(const uint8_t *)"", 0}, {(const uint8_t *)"", 0}},
    {2, true, INT64_MAX, {INT32_MAX - 1}, {(const uint8_t *)"0123", 4}, {(const uint8_t *)"0123", 4}},
    {-3, true, INT64_MIN, {INT32_MIN}, {(const uint8_t *)"1e5", 3}, {(const uint8_t *)"\0\xff\0", 3}},
    {INT64_MAX, false, -1, {-36890}, {(const uint8_t *)" \t\n", 3}, {(const uint8_t *)"\\x00", 4}},
    {INT64_MIN, false, 1, {1}, {(const uint8_t *)"'; drop table thing; --", 23}, {(const uint8_t *)"'", 1}},
};

static void every_value_comes_back_as_it_went_in(void **state)
{
    struct db *db = open_sample(state);
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
        assert_int_equal(sample_sql_thing_put(db, &values[i], NULL), OK);
        struct sample_sql_thing_find_in find = {.id = values[i].id};
        struct sample_sql_thing_find_row row;
        struct db_rows rows;
        assert_int_equal(sample_sql_thing_find(db, &find, &rows), OK);
        assert_true(sample_sql_thing_find_next(&rows, &row));
        assert_int_equal(row.flag, values[i].flag);
        assert_int_equal(row.seen, values[i].seen);
        assert_int_equal(row.born.days, values[i].born.days);
        assert_bytes(row.label, values[i].label);
        assert_non_null(row.label.data);
        assert_bytes(row.secret, values[i].secret);
        assert_non_null(row.secret.data);
        assert_false(sample_sql_thing_find_next(&rows, &row));
        assert_int_equal(db_rows_close(&rows), OK);
    }
    db_close(db);
}

static void a_null_comes_back_as_null_and_not_as_empty(void **state)
{
    struct db *db = open_sample(state);
    struct sample_sql_thing_put_partly_in put = {.id = 1, .born = DATE_NONE};
    assert_int_equal(sample_sql_thing_put_partly(db, &put, NULL), OK);

    struct sample_sql_thing_find_partly_in find = {.id = 1};
    struct sample_sql_thing_find_partly_row row;
    struct db_rows rows;
    assert_int_equal(sample_sql_thing_find_partly(db, &find, &rows), OK);
    assert_true(sample_sql_thing_find_partly_next(&rows, &row));
    assert_false(row.flag.present);
    assert_false(row.seen.present);
    assert_true(date_is_none(row.born));
    assert_null(row.label.data);
    assert_null(row.secret.data);
    assert_int_equal(db_rows_close(&rows), OK);
    db_close(db);
}

static void a_value_where_null_is_allowed_is_present(void **state)
{
    struct db *db = open_sample(state);
    struct sample_sql_thing_put_partly_in put = {.id = 1,
                                                 .flag = {true, false},
                                                 .seen = {true, 0},
                                                 .born = {0},
                                                 .label = text(""),
                                                 .secret = text("")};
    put.label.data = put.secret.data = (const uint8_t *)"";
    assert_int_equal(sample_sql_thing_put_partly(db, &put, NULL), OK);

    struct sample_sql_thing_find_partly_in find = {.id = 1};
    struct sample_sql_thing_find_partly_row row;
    struct db_rows rows;
    assert_int_equal(sample_sql_thing_find_partly(db, &find, &rows), OK);
    assert_true(sample_sql_thing_find_partly_next(&rows, &row));
    assert_true(row.flag.present && !row.flag.value);
    assert_true(row.seen.present && row.seen.value == 0);
    assert_int_equal(row.born.days, 0);
    assert_non_null(row.label.data);
    assert_non_null(row.secret.data);
    assert_int_equal(db_rows_close(&rows), OK);
    db_close(db);
}

static void a_null_where_none_is_declared_is_damage(void **state)
{
    struct db *db = open_sample(state);
    struct sample_sql_thing_put_partly_in put = {.id = 1, .born = DATE_NONE};
    assert_int_equal(sample_sql_thing_put_partly(db, &put, NULL), OK);

    struct sample_sql_thing_find_in find = {.id = 1};
    struct sample_sql_thing_find_row row;
    struct db_rows rows;
    assert_int_equal(sample_sql_thing_find(db, &find, &rows), OK);
    assert_false(sample_sql_thing_find_next(&rows, &row));
    assert_int_equal(db_rows_status(&rows), ERR_DAMAGED);
    assert_int_equal(db_rows_close(&rows), ERR_DAMAGED);
    db_close(db);
}

/* SQLite gives a column called BYTEA numeric affinity, and "0123" becomes 123. */
static void bytes_that_look_like_a_number_are_found_as_bytes(void **state)
{
    struct db *db = open_sample(state);
    assert_int_equal(sample_sql_thing_put(db, &values[1], NULL), OK);
    struct sample_sql_thing_by_secret_in find = {.secret = text("0123")};
    struct sample_sql_thing_by_secret_row row;
    struct db_rows rows;
    assert_int_equal(sample_sql_thing_by_secret(db, &find, &rows), OK);
    assert_true(sample_sql_thing_by_secret_next(&rows, &row));
    assert_int_equal(row.id, 2);
    assert_int_equal(db_rows_close(&rows), OK);

    find.secret = text("123");
    assert_int_equal(sample_sql_thing_by_secret(db, &find, &rows), OK);
    assert_false(sample_sql_thing_by_secret_next(&rows, &row));
    assert_int_equal(db_rows_close(&rows), OK);
    db_close(db);
}

static int count_where(struct db *db, struct sample_sql_things_where_stated_in in)
{
    struct sample_sql_things_where_stated_row row;
    struct db_rows rows;
    assert_int_equal(sample_sql_things_where_stated(db, &in, &rows), OK);
    int count = 0;
    while (sample_sql_things_where_stated_next(&rows, &row))
        count++;
    assert_int_equal(db_rows_close(&rows), OK);
    return count;
}

/* PostgreSQL cannot know the type of "$1 is null" without a cast. */
static void a_condition_without_its_parameter_does_not_count(void **state)
{
    struct db *db = open_sample(state);
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++)
        assert_int_equal(sample_sql_thing_put(db, &values[i], NULL), OK);

    struct sample_sql_things_where_stated_in in = {.born = DATE_NONE};
    assert_int_equal(count_where(db, in), 5);
    in.flag = (struct db_optional_bool){true, true};
    assert_int_equal(count_where(db, in), 2);
    in.label = text("1e5");
    assert_int_equal(count_where(db, in), 1);
    in.secret = text("0123");
    assert_int_equal(count_where(db, in), 0);
    assert_int_equal(count_where(db, (struct sample_sql_things_where_stated_in){.born = {1}}), 1);
    assert_int_equal(
        count_where(db, (struct sample_sql_things_where_stated_in){.born = DATE_NONE, .id = {true, -3}}), 1);
    db_close(db);
}

static void names_are_kept_byte_for_byte_and_sorted_by_them(void **state)
{
    /* 﨑 as a compatibility ideograph, 葛 with a variation selector, が in two parts, 髙, and beyond the BMP
     */
    static const char *const names[] = {
        "Z", "a", "か\xe3\x82\x99", "崎", "葛\xf3\xa0\x84\x80", "髙", "\xef\xa8\x91", "\xf0\xa0\xae\xb7"};
    struct db *db = open_sample(state);
    for (size_t i = ARRAY_LENGTH(names); i-- > 0;) {
        struct sample_sql_thing_put_partly_in put = {
            .id = (int64_t)i, .born = DATE_NONE, .label = text(names[i])};
        assert_int_equal(sample_sql_thing_put_partly(db, &put, NULL), OK);
    }
    struct sample_sql_things_by_label_row row;
    struct db_rows rows;
    assert_int_equal(sample_sql_things_by_label(db, &rows), OK);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        assert_true(sample_sql_things_by_label_next(&rows, &row));
        assert_bytes(row.label, text(names[i]));
    }
    assert_int_equal(db_rows_close(&rows), OK);
    db_close(db);
}

/* ---- Running ---- */

static void what_is_there_already_and_what_a_rule_forbids_have_errors_of_their_own(void **state)
{
    struct db *db = open_sample(state);
    struct sample_sql_thing_put_in put = values[0];
    assert_int_equal(sample_sql_thing_put(db, &put, NULL), OK);
    assert_int_equal(sample_sql_thing_put(db, &put, NULL), ERR_EXISTS);
    put.id = 13;
    assert_int_equal(sample_sql_thing_put(db, &put, NULL), ERR_RANGE);
    put.id = 14;
    assert_int_equal(sample_sql_thing_put(db, &put, NULL), OK);
    db_close(db);
}

static void a_change_tells_how_many_rows_it_touched(void **state)
{
    struct db *db = open_sample(state);
    int64_t changed = -1;
    assert_int_equal(sample_sql_thing_put(db, &values[0], &changed), OK);
    assert_int_equal(changed, 1);
    struct sample_sql_thing_remove_in remove = {.id = 1};
    assert_int_equal(sample_sql_thing_remove(db, &remove, &changed), OK);
    assert_int_equal(changed, 1);
    assert_int_equal(sample_sql_thing_remove(db, &remove, &changed), OK);
    assert_int_equal(changed, 0);
    db_close(db);
}

static void a_statement_may_be_read_within_its_own_reading(void **state)
{
    struct db *db = open_sample(state);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(sample_sql_thing_put(db, &values[i], NULL), OK);

    int pairs = 0;
    struct sample_sql_things_row outer, inner;
    struct db_rows outer_rows, inner_rows;
    assert_int_equal(sample_sql_things(db, &outer_rows), OK);
    while (sample_sql_things_next(&outer_rows, &outer)) {
        assert_int_equal(sample_sql_things(db, &inner_rows), OK);
        while (sample_sql_things_next(&inner_rows, &inner))
            pairs += inner.id >= outer.id;
        assert_int_equal(db_rows_close(&inner_rows), OK);
    }
    assert_int_equal(db_rows_close(&outer_rows), OK);
    assert_int_equal(pairs, 6);
    db_close(db);
}

static void what_is_added_with_a_new_number_is_there_even_if_nobody_reads_the_number(void **state)
{
    struct db *db = open_sample(state);
    struct sample_sql_numbered_add_in add = {.label = text("first")};
    struct db_rows rows;
    assert_int_equal(sample_sql_numbered_add(db, &add, &rows), OK);
    assert_int_equal(db_rows_close(&rows), OK);
    assert_int_equal(sample_sql_numbered_add(db, &add, &rows), ERR_EXISTS);

    add.label = text("second");
    struct sample_sql_numbered_add_row row;
    assert_int_equal(sample_sql_numbered_add(db, &add, &rows), OK);
    assert_true(sample_sql_numbered_add_next(&rows, &row));
    assert_true(row.id > 0);
    assert_int_equal(db_rows_close(&rows), OK);
    db_close(db);
}

static void values_may_go_away_while_the_rows_are_read(void **state)
{
    struct db *db = open_sample(state);
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++)
        assert_int_equal(sample_sql_thing_put(db, &values[i], NULL), OK);
    char label[] = "1e5";
    struct sample_sql_things_where_stated_in in = {.born = DATE_NONE, .label = text(label)};
    struct sample_sql_things_where_stated_row row;
    struct db_rows rows;
    assert_int_equal(sample_sql_things_where_stated(db, &in, &rows), OK);
    memset(label, 0, sizeof label);
    assert_true(sample_sql_things_where_stated_next(&rows, &row));
    assert_int_equal(row.id, -3);
    assert_false(sample_sql_things_where_stated_next(&rows, &row));
    assert_int_equal(db_rows_close(&rows), OK);
    db_close(db);
}

/* ---- Declarations that lie ---- */

static const struct db_field one_int[] = {{"id", DB_INT, false}};
static const struct db_field one_text[] = {{"id", DB_TEXT, false}};
static const struct db_field one_label[] = {{"label", DB_INT, false}};

#define STATEMENT(sql, in, in_count, out, out_count)                                                         \
    {                                                                                                        \
        .name = "lying", .sqlite = sql, .postgresql = sql, .parameters = in, .columns = out,                 \
        .parameter_count = in_count, .column_count = out_count                                               \
    }

static const struct db_statement lying[] = {
    STATEMENT("select id from thing", NULL, 0, one_text, 1),
    STATEMENT("select id from thing", NULL, 0, one_label, 1),
    STATEMENT("select label from thing", NULL, 0, one_label, 1),
    STATEMENT("select id, label from thing", NULL, 0, one_int, 1),
    STATEMENT("select id from thing", NULL, 0, NULL, 0),
    STATEMENT("select id from thing", one_int, 1, one_int, 1),
    STATEMENT("select id from nowhere", NULL, 0, one_int, 1),
    STATEMENT("select id frm thing", NULL, 0, one_int, 1),
};

static void a_statement_that_is_not_what_it_declares_is_refused(void **state)
{
    struct db *migrated = open_sample(state);
    db_close(migrated);
    for (size_t i = 0; i < ARRAY_LENGTH(lying); i++) {
        struct db_catalogue catalogue = {.name = "lying", .statements = &lying[i], .statement_count = 1};
        struct db *db = test_database_open(*state, DB_FOR_CHANGES, &catalogue);
        assert_int_equal(db_prepare_all(db), ERR_INTERNAL);
        db_close(db);
    }
}

static void a_location_of_neither_kind_is_malformed(void **state)
{
    (void)state;
    static const char *const locations[] = {"", "/tmp/x.db", "mysql://host/db", "sqlite", "postgresql:/x"};
    for (size_t i = 0; i < ARRAY_LENGTH(locations); i++) {
        struct db_options options = {.location = locations[i]};
        struct db *db;
        assert_int_equal(db_open(&options, &sample_catalogue, &db), ERR_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH_DATABASES(every_statement_of_the_catalogue_is_understood),
        ON_BOTH_DATABASES(parameters_are_bound_by_name_not_by_order_of_appearance),
        ON_BOTH_DATABASES(every_value_comes_back_as_it_went_in),
        ON_BOTH_DATABASES(a_null_comes_back_as_null_and_not_as_empty),
        ON_BOTH_DATABASES(a_value_where_null_is_allowed_is_present),
        ON_BOTH_DATABASES(a_null_where_none_is_declared_is_damage),
        ON_BOTH_DATABASES(bytes_that_look_like_a_number_are_found_as_bytes),
        ON_BOTH_DATABASES(a_condition_without_its_parameter_does_not_count),
        ON_BOTH_DATABASES(names_are_kept_byte_for_byte_and_sorted_by_them),
        ON_BOTH_DATABASES(what_is_there_already_and_what_a_rule_forbids_have_errors_of_their_own),
        ON_BOTH_DATABASES(a_change_tells_how_many_rows_it_touched),
        ON_BOTH_DATABASES(a_statement_may_be_read_within_its_own_reading),
        ON_BOTH_DATABASES(what_is_added_with_a_new_number_is_there_even_if_nobody_reads_the_number),
        ON_BOTH_DATABASES(values_may_go_away_while_the_rows_are_read),
        ON_BOTH_DATABASES(a_statement_that_is_not_what_it_declares_is_refused),
        cmocka_unit_test(a_location_of_neither_kind_is_malformed),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, test_databases_end);
}
