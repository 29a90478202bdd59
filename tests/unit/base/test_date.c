#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/date.h"

static struct date day(const char *text)
{
    struct date date;
    assert_int_equal(date_parse(text, strlen(text), &date), OK);
    return date;
}

static void assert_day(struct date actual, const char *expected)
{
    char text[11];
    date_format(actual, text);
    assert_string_equal(text, expected);
}

static void every_day_of_eleven_centuries_survives_the_calendar(void **state)
{
    (void)state;
    struct date date = day("1868-01-01");
    struct ymd before = {1867, 12, 31};
    for (; date.days <= day("2999-12-31").days; date.days++) {
        struct ymd ymd = date_to_ymd(date);
        struct date again;
        assert_int_equal(date_from_ymd(ymd.year, ymd.month, ymd.day, &again), OK);
        assert_int_equal(again.days, date.days);
        bool is_next_day = ymd.day == before.day + 1 && ymd.month == before.month;
        bool is_next_month = ymd.day == 1 && ymd.month == before.month + 1 && ymd.year == before.year;
        bool is_next_year = ymd.day == 1 && ymd.month == 1 && ymd.year == before.year + 1;
        assert_true(is_next_day || is_next_month || is_next_year);
        before = ymd;
    }
}

static void days_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status status;
    } cases[] = {
        {"1867-12-31", ERR_RANGE},
        {"1868-01-01", OK},
        {"2999-12-31", OK},
        {"3000-01-01", ERR_RANGE},
        {"2023-02-29", ERR_RANGE},
        {"2024-02-29", OK},
        {"1900-02-29", ERR_RANGE},
        {"2000-02-29", OK},
        {"2026-04-31", ERR_RANGE},
        {"2026-00-10", ERR_RANGE},
        {"2026-13-10", ERR_RANGE},
        {"2026-01-00", ERR_RANGE},
        {"20261122", OK},
        {"2026-11-22", OK},
        {"2026/11/22", ERR_MALFORMED},
        {"2026-1-22", ERR_MALFORMED},
        {"202611", ERR_MALFORMED},
        {"", ERR_MALFORMED},
        {"2026-11-2a", ERR_MALFORMED},
        {" 2026112", ERR_MALFORMED},
        {"+2026112", ERR_MALFORMED},
        {"2026-11-222", ERR_MALFORMED},
        {"2026 11 22", ERR_MALFORMED},
        {"99999999", ERR_RANGE},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct date date;
        assert_int_equal(date_parse(cases[i].text, strlen(cases[i].text), &date), cases[i].status);
        assert_int_equal(date_is_none(date), cases[i].status != OK);
    }
}

static void no_date_is_later_than_every_day_and_stays_none(void **state)
{
    (void)state;
    char text[11], compact[9];
    assert_true(date_before(day("2999-12-31"), DATE_NONE));
    assert_true(date_compare(DATE_NONE, day("2999-12-31")) > 0);
    assert_true(date_equal(DATE_NONE, DATE_NONE));
    assert_true(date_is_none(date_add_days(DATE_NONE, 1)));
    assert_true(date_is_none(date_add_months(DATE_NONE, -1)));
    assert_true(date_is_none(date_first_of_month(DATE_NONE)));
    assert_true(date_is_none(date_last_of_month(DATE_NONE)));
    assert_true(date_is_none(date_age_reached(DATE_NONE, 70)));
    date_format(DATE_NONE, text);
    date_format_compact(DATE_NONE, compact);
    assert_string_equal(text, "");
    assert_string_equal(compact, "00000000");
    assert_int_equal(date_to_ymd(DATE_NONE).year, 0);
}

/* Looked for a year of age from 5,881,580 downwards, and never reached it. */
static void an_age_without_a_birth_date_is_negative_and_found_at_once(void **state)
{
    (void)state;
    assert_int_equal(date_age_in_law(DATE_NONE, day("2026-11-22")), -1);
    assert_int_equal(date_age_in_law(day("1980-01-01"), DATE_NONE), -1);
}

static void months_are_added_to_the_same_day_or_the_last(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        int months;
        const char *to;
    } cases[] = {
        {"2026-01-31", 1, "2026-02-28"},   {"2024-01-31", 1, "2024-02-29"},  {"2026-03-31", -1, "2026-02-28"},
        {"2024-02-29", 12, "2025-02-28"},  {"2024-02-29", 48, "2028-02-29"}, {"2026-12-15", 1, "2027-01-15"},
        {"2026-01-15", -1, "2025-12-15"},  {"2026-05-31", 13, "2027-06-30"}, {"2026-05-31", 0, "2026-05-31"},
        {"2026-01-01", -24, "2024-01-01"}, {"2026-08-31", 6, "2027-02-28"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_day(date_add_months(day(cases[i].from), cases[i].months), cases[i].to);
    assert_day(date_add_years(day("2024-02-29"), 1), "2025-02-28");
    assert_day(date_add_years(day("2024-02-29"), -4), "2020-02-29");
}

static void months_have_a_first_and_a_last_day(void **state)
{
    (void)state;
    assert_day(date_first_of_month(day("2024-02-29")), "2024-02-01");
    assert_day(date_last_of_month(day("2024-02-01")), "2024-02-29");
    assert_day(date_last_of_month(day("2026-02-28")), "2026-02-28");
    assert_day(date_last_of_month(day("2026-12-01")), "2026-12-31");
    assert_day(date_last_of_month(day("2026-01-31")), "2026-01-31");
}

static void the_fiscal_year_begins_in_april(void **state)
{
    (void)state;
    assert_int_equal(date_fiscal_year(day("2027-03-31")), 2026);
    assert_int_equal(date_fiscal_year(day("2027-04-01")), 2027);
    assert_int_equal(date_fiscal_year(day("2026-12-31")), 2026);
    assert_int_equal(date_fiscal_year(day("2027-01-01")), 2026);
}

/* 年齢計算ニ関スル法律 with 民法第143条: reached when the day before the birthday ends. */
static void a_year_of_age_is_reached_on_the_day_before_the_birthday(void **state)
{
    (void)state;
    static const struct {
        const char *birth;
        int age;
        const char *reached;
    } cases[] = {
        {"2020-04-01", 6, "2026-03-31"},  {"2020-04-02", 6, "2026-04-01"},  {"1956-08-01", 70, "2026-07-31"},
        {"1956-08-02", 70, "2026-08-01"}, {"1952-01-01", 75, "2026-12-31"}, {"1952-02-29", 75, "2027-02-28"},
        {"2024-02-29", 1, "2025-02-28"},  {"2024-02-29", 4, "2028-02-28"},  {"2024-03-01", 1, "2025-02-28"},
        {"2023-03-01", 1, "2024-02-29"},  {"2026-11-22", 0, "2026-11-21"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_day(date_age_reached(day(cases[i].birth), cases[i].age), cases[i].reached);
}

static void age_in_law_changes_a_day_before_the_birthday(void **state)
{
    (void)state;
    static const struct {
        const char *birth, *on;
        int age;
    } cases[] = {
        {"1956-08-01", "2026-07-30", 69},  {"1956-08-01", "2026-07-31", 70},
        {"1956-08-01", "2026-08-01", 70},  {"2024-02-29", "2025-02-27", 0},
        {"2024-02-29", "2025-02-28", 1},   {"2024-02-29", "2028-02-27", 3},
        {"2024-02-29", "2028-02-28", 4},   {"2026-11-22", "2026-11-22", 0},
        {"2026-11-22", "2026-11-20", -1},  {"1900-01-01", "2026-12-30", 126},
        {"1900-01-01", "2026-12-31", 127},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_int_equal(date_age_in_law(day(cases[i].birth), day(cases[i].on)), cases[i].age);
}

static void eras_change_on_their_days(void **state)
{
    (void)state;
    static const struct {
        const char *on;
        char letter;
        const char *name;
        int year;
    } cases[] = {
        {"1868-01-01", 'M', "明治", 1},  {"1912-07-29", 'M', "明治", 45}, {"1912-07-30", 'T', "大正", 1},
        {"1926-12-24", 'T', "大正", 15}, {"1926-12-25", 'S', "昭和", 1},  {"1927-01-01", 'S', "昭和", 2},
        {"1989-01-07", 'S', "昭和", 64}, {"1989-01-08", 'H', "平成", 1},  {"2019-04-30", 'H', "平成", 31},
        {"2019-05-01", 'R', "令和", 1},  {"2020-01-01", 'R', "令和", 2},  {"2026-11-22", 'R', "令和", 8},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct era_year era = date_era(day(cases[i].on));
        assert_int_equal(era.letter, cases[i].letter);
        assert_string_equal(era.name, cases[i].name);
        assert_int_equal(era.year, cases[i].year);
    }
}

static void both_written_forms_are_read_back(void **state)
{
    (void)state;
    char text[11], compact[9];
    date_format(day("20240229"), text);
    date_format_compact(day("2024-02-29"), compact);
    assert_string_equal(text, "2024-02-29");
    assert_string_equal(compact, "20240229");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_eleven_centuries_survives_the_calendar),
        cmocka_unit_test(days_that_do_not_exist_are_refused),
        cmocka_unit_test(no_date_is_later_than_every_day_and_stays_none),
        cmocka_unit_test(an_age_without_a_birth_date_is_negative_and_found_at_once),
        cmocka_unit_test(months_are_added_to_the_same_day_or_the_last),
        cmocka_unit_test(months_have_a_first_and_a_last_day),
        cmocka_unit_test(the_fiscal_year_begins_in_april),
        cmocka_unit_test(a_year_of_age_is_reached_on_the_day_before_the_birthday),
        cmocka_unit_test(age_in_law_changes_a_day_before_the_birthday),
        cmocka_unit_test(eras_change_on_their_days),
        cmocka_unit_test(both_written_forms_are_read_back),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
