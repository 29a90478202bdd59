#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static moment at(const char *text)
{
    moment when;
    assert_int_equal(moment_parse(text, strlen(text), &when), OK);
    return when;
}

static void moments_are_read_in_any_offset(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed;
    } cases[] = {
        {"1970-01-01T00:00:00Z", "1970-01-01T09:00:00.000000+09:00"},
        {"2026-11-22T09:15:02.123456+09:00", "2026-11-22T09:15:02.123456+09:00"},
        {"2026-11-22T00:15:02.5Z", "2026-11-22T09:15:02.500000+09:00"},
        {"2026-11-21T23:59:59.999999-01:00", "2026-11-22T09:59:59.999999+09:00"},
        {"2026-11-22T05:45:00+05:45", "2026-11-22T09:00:00.000000+09:00"},
        {"1969-12-31T23:59:59.000001Z", "1970-01-01T08:59:59.000001+09:00"},
        {"1900-01-01T00:00:00+09:00", "1900-01-01T00:00:00.000000+09:00"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char printed[33];
        moment_format(at(cases[i].text), printed);
        assert_string_equal(printed, cases[i].printed);
        assert_int_equal(at(printed), at(cases[i].text));
    }
}

static void what_is_no_moment_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "2026-11-22",
        "2026-11-22T09:15:02",
        "2026-11-22 09:15:02Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T09:60:00Z",
        "2026-11-22T09:15:60Z",
        "2026-02-30T09:15:02Z",
        "2026-11-22T09:15:02+0900",
        "2026-11-22T09:15:02+15:00",
        "2026-11-22T09:15:02+09:60",
        "2026-11-22T09:15:02.1234567Z",
        "2026-11-22T09:15:02Z ",
        "2026-11-22T09-15-02Z",
        "2026-11-22T-1:15:02Z",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        moment when;
        assert_int_not_equal(moment_parse(cases[i], strlen(cases[i]), &when), OK);
        assert_int_equal(when, 0);
    }
}

/* Was taken for no decimals at all. */
static void a_decimal_point_with_nothing_behind_it_is_refused(void **state)
{
    (void)state;
    moment when;
    assert_int_equal(moment_parse("2026-11-22T09:15:02.Z", 21, &when), ERR_MALFORMED);
    assert_int_equal(moment_parse("2026-11-22T09:15:02.+09:00", 26, &when), ERR_MALFORMED);
}

static void days_begin_at_midnight_in_tokyo(void **state)
{
    (void)state;
    static const struct {
        const char *when, *day;
    } cases[] = {
        {"2026-11-21T14:59:59.999999Z", "2026-11-21"}, {"2026-11-21T15:00:00Z", "2026-11-22"},
        {"1969-12-31T14:59:59Z", "1969-12-31"},        {"1969-12-31T15:00:00Z", "1970-01-01"},
        {"2026-03-31T23:59:59+09:00", "2026-03-31"},   {"2026-04-01T00:00:00+09:00", "2026-04-01"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char day[11];
        date_format(date_in_tokyo(at(cases[i].when)), day);
        assert_string_equal(day, cases[i].day);
        struct date date = date_in_tokyo(at(cases[i].when));
        assert_true(moment_of_tokyo_midnight(date) <= at(cases[i].when));
        assert_true(moment_of_tokyo_midnight(date_add_days(date, 1)) > at(cases[i].when));
    }
}

static void a_fake_clock_says_what_it_was_told(void **state)
{
    (void)state;
    struct clock clock = {.fake = true, .fixed = 42};
    assert_int_equal(clock_now(&clock), 42);
    assert_true(clock_now(&real_clock) > at("2020-01-01T00:00:00Z"));
    int64_t before = monotonic_microseconds();
    assert_true(monotonic_microseconds() >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_read_in_any_offset),
        cmocka_unit_test(what_is_no_moment_is_refused),
        cmocka_unit_test(a_decimal_point_with_nothing_behind_it_is_refused),
        cmocka_unit_test(days_begin_at_midnight_in_tokyo),
        cmocka_unit_test(a_fake_clock_says_what_it_was_told),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
