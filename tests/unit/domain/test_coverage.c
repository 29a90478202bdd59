#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "calendar_words.h"
#include "domain/copayment.h"
#include "domain/coverage.h"

static struct coverage coverage_of(const char *insurer, const char *birth)
{
    struct coverage coverage = coverage_blank();
    assert_int_equal(insurer_number_parse(insurer, strlen(insurer), &coverage.key.insurer), REASON_NONE);
    coverage.person.birth = day(birth);
    coverage.acquired = day("2020-04-01");
    return coverage;
}

static void a_coverage_holds_from_its_first_day_to_the_day_before_its_loss(void **state)
{
    (void)state;
    static const struct {
        const char *acquired, *lost, *on;
        bool in_force, lost_by;
    } cases[] = {
        {"2026-04-01", "", "2026-03-31", false, false},
        {"2026-04-01", "", "2026-04-01", true, false},
        {"2026-04-01", "", "2999-12-31", true, false},
        {"2026-04-01", "2026-10-01", "2026-09-30", true, false},
        {"2026-04-01", "2026-10-01", "2026-10-01", false, true},
        {"2026-04-01", "2026-10-01", "2026-10-02", false, true},
        {"2026-04-01", "2026-04-02", "2026-04-01", true, false},
        {"2026-04-01", "2026-04-01", "2026-03-31", false, false}, /* registered and taken back */
        {"2026-04-01", "2026-04-01", "2026-04-01", false, true},
        {"", "", "2026-04-01", false, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct coverage coverage = coverage_blank();
        coverage.acquired = day(cases[i].acquired);
        coverage.lost = day(cases[i].lost);
        assert_int_equal(coverage_in_force_on(&coverage, day(cases[i].on)), cases[i].in_force);
        assert_int_equal(coverage_lost_by(&coverage, day(cases[i].on)), cases[i].lost_by);
    }
}

static void people_move_to_the_late_elderly_scheme_on_their_75th_birthday(void **state)
{
    (void)state;
    static const struct {
        const char *birth, *moves;
    } cases[] = {{"1951-11-22", "2026-11-22"},
                 {"1952-01-01", "2027-01-01"},
                 {"1952-02-29", "2027-03-01"},
                 {"1951-12-31", "2026-12-31"},
                 {"1952-03-01", "2027-03-01"}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_true(date_equal(late_elderly_move_day(day(cases[i].birth)), day(cases[i].moves)));
}

static void a_change_is_due_where_someone_of_75_is_still_elsewhere(void **state)
{
    (void)state;
    static const struct {
        const char *insurer, *on;
        bool due;
    } cases[] = {
        {"06139463", "2026-11-21", false}, {"06139463", "2026-11-22", true},
        {"138057", "2026-11-22", true},    {"33120015", "2026-11-22", true},
        {"39130004", "2026-11-22", false}, {"12130007", "2026-11-22", false},
        {"54016027", "2026-11-22", false}, {"01320027", "2027-01-01", true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char insurer[9];
        strcpy(insurer, cases[i].insurer);
        insurer[strlen(insurer) - 1] = luhn_check_digit(insurer, strlen(insurer) - 1);
        struct coverage coverage = coverage_of(insurer, "1951-11-22");
        assert_int_equal(coverage_change_is_due(&coverage, day(cases[i].on)), cases[i].due);
    }
}

static void codes_of_the_tables_go_there_and_back_and_abolished_ones_are_refused(void **state)
{
    (void)state;
    static const char *const losses[] = {"", "01", "02", "03", "99"};
    static const char *const classes[] = {"", "01", "02", "05", "06", "07", "A1"};
    enum loss_reason loss;
    enum card_classification class;
    for (size_t i = 0; i < ARRAY_LENGTH(losses); i++) {
        assert_true(loss_reason_by_code(losses[i], strlen(losses[i]), &loss));
        assert_string_equal(loss_reason_code(loss), losses[i]);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(classes); i++) {
        assert_true(card_classification_by_code(classes[i], strlen(classes[i]), &class));
        assert_string_equal(card_classification_code(class), classes[i]);
    }
    assert_false(loss_reason_by_code("04", 2, &loss));
    assert_false(loss_reason_by_code("1", 1, &loss));
    assert_false(card_classification_by_code("03", 2, &class)); /* short-term certificates */
    assert_false(card_classification_by_code("04", 2, &class));
    assert_false(card_classification_by_code("a1", 2, &class));
}

static void preschool_ends_with_the_31_march_after_six(void **state)
{
    (void)state;
    static const struct {
        const char *birth, *last;
    } cases[] = {
        {"2020-03-31", "2026-03-31"}, {"2020-04-01", "2026-03-31"}, {"2020-04-02", "2027-03-31"},
        {"2020-12-31", "2027-03-31"}, {"2021-01-01", "2027-03-31"}, {"2020-02-29", "2026-03-31"},
        {"2021-03-31", "2027-03-31"}, {"2021-04-01", "2027-03-31"}, {"2021-04-02", "2028-03-31"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_true(date_equal(preschool_last_day(day(cases[i].birth)), day(cases[i].last)));
}

static void seventy_counts_from_the_month_after_and_for_the_first_of_a_month_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *birth, *first;
    } cases[] = {
        {"1956-08-01", "2026-08-01"}, {"1956-08-02", "2026-09-01"}, {"1956-07-31", "2026-08-01"},
        {"1956-12-02", "2027-01-01"}, {"1956-12-01", "2026-12-01"}, {"1957-01-01", "2027-01-01"},
        {"1956-02-29", "2026-03-01"}, {"1956-03-01", "2026-03-01"}, {"1956-03-02", "2026-04-01"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_true(date_equal(elderly_band_first_day(day(cases[i].birth)), day(cases[i].first)));
}

static void bands_follow_age_and_scheme(void **state)
{
    (void)state;
    static const struct {
        const char *insurer, *birth, *on;
        enum copayment_band band;
    } cases[] = {
        {"06139463", "2020-04-01", "2026-03-31", COPAYMENT_BAND_PRESCHOOL},
        {"06139463", "2020-04-01", "2026-04-01", COPAYMENT_BAND_GENERAL},
        {"06139463", "2020-04-02", "2026-04-01", COPAYMENT_BAND_PRESCHOOL},
        {"06139463", "2026-11-22", "2026-11-22", COPAYMENT_BAND_PRESCHOOL},
        {"06139463", "1956-08-01", "2026-07-31", COPAYMENT_BAND_GENERAL},
        {"06139463", "1956-08-01", "2026-08-01", COPAYMENT_BAND_70_TO_74},
        {"06139463", "1956-08-02", "2026-08-31", COPAYMENT_BAND_GENERAL},
        {"06139463", "1956-08-02", "2026-09-01", COPAYMENT_BAND_70_TO_74},
        {"39130007", "1940-01-01", "2026-11-22", COPAYMENT_BAND_LATE_ELDERLY},
        {"39130007", "1960-01-01", "2026-11-22", COPAYMENT_BAND_LATE_ELDERLY}, /* certified disabled, 65-74 */
        {"12130009", "2024-01-01", "2026-11-22", COPAYMENT_BAND_MEDICAL_ASSISTANCE},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char insurer[9];
        strcpy(insurer, cases[i].insurer);
        insurer[7] = luhn_check_digit(insurer, 7);
        struct coverage coverage = coverage_of(insurer, cases[i].birth);
        assert_int_equal(copayment_band_on(&coverage.key.insurer, day(cases[i].birth), day(cases[i].on)),
                         cases[i].band);
    }
}

static void only_the_ratios_of_a_band_are_plausible(void **state)
{
    (void)state;
    static const struct {
        enum copayment_band band;
        int zero, ten, twenty, thirty;
    } cases[] = {
        {COPAYMENT_BAND_PRESCHOOL, 0, 0, 1, 0},          {COPAYMENT_BAND_GENERAL, 0, 0, 0, 1},
        {COPAYMENT_BAND_70_TO_74, 0, 0, 1, 1},           {COPAYMENT_BAND_LATE_ELDERLY, 0, 1, 1, 1},
        {COPAYMENT_BAND_MEDICAL_ASSISTANCE, 1, 0, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(copayment_is_plausible(cases[i].band, 0), cases[i].zero);
        assert_int_equal(copayment_is_plausible(cases[i].band, 10), cases[i].ten);
        assert_int_equal(copayment_is_plausible(cases[i].band, 20), cases[i].twenty);
        assert_int_equal(copayment_is_plausible(cases[i].band, 30), cases[i].thirty);
        assert_false(copayment_is_plausible(cases[i].band, 100));
        assert_false(copayment_is_plausible(cases[i].band, COPAYMENT_UNKNOWN));
    }
}

static void the_elderly_ratio_is_never_carried_over_1_august(void **state)
{
    (void)state;
    static const struct {
        const char *from, *until, *on;
        int stated, shown;
    } cases[] = {
        {"2025-08-01", "2026-08-01", "2026-07-31", 20, 20},
        {"2025-08-01", "2026-08-01", "2026-08-01", 20, COPAYMENT_UNKNOWN},
        {"2025-08-01", "", "2026-07-31", 20, 20},
        {"2025-08-01", "", "2026-08-01", 20, COPAYMENT_UNKNOWN}, /* open, but of last year */
        {"2026-08-01", "", "2026-08-01", 30, 30},
        {"2026-08-01", "", "2026-07-31", 30, COPAYMENT_UNKNOWN},
        {"", "", "2026-11-22", 20, COPAYMENT_UNKNOWN}, /* undated: of 2020, when the coverage began */
        {"2026-08-01", "", "2026-11-22", 10, COPAYMENT_UNKNOWN}, /* not plausible at 70 to 74 */
        {"2026-08-01", "", "2026-11-22", 100, COPAYMENT_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct coverage coverage = coverage_of("06139463", "1953-05-05");
        coverage.copayment =
            (struct stated_copayment){cases[i].stated, day(cases[i].from), day(cases[i].until)};
        assert_int_equal(copayment_on(&coverage, day(cases[i].on)), cases[i].shown);
    }
}

static void an_elderly_certificate_goes_before_the_stated_ratio(void **state)
{
    (void)state;
    struct coverage coverage = coverage_of("06139463", "1953-05-05");
    coverage.copayment = (struct stated_copayment){30, day("2026-08-01"), DATE_NONE};
    coverage.elderly =
        (struct elderly_certificate){day("2026-07-20"), day("2026-08-01"), day("2027-07-31"), 20};
    assert_int_equal(copayment_on(&coverage, day("2026-07-31")), COPAYMENT_UNKNOWN);
    assert_int_equal(copayment_on(&coverage, day("2026-08-01")), 20);
    assert_int_equal(copayment_on(&coverage, day("2027-07-31")), 20);
    assert_int_equal(copayment_on(&coverage, day("2027-08-01")), COPAYMENT_UNKNOWN);
}

static void where_age_alone_decides_nothing_stated_changes_it(void **state)
{
    (void)state;
    struct coverage child = coverage_of("06139463", "2021-01-01"),
                    adult = coverage_of("06139463", "1980-01-01");
    child.copayment.percent = adult.copayment.percent = 10;
    assert_int_equal(copayment_on(&child, day("2026-11-22")), 20);
    assert_int_equal(copayment_on(&adult, day("2026-11-22")), 30);
}

static void doubtful_ratios_are_noticed_before_they_are_loaded(void **state)
{
    (void)state;
    static const struct {
        const char *birth;
        int percent;
        enum copayment_doubt doubt;
    } cases[] = {
        {"1980-01-01", 30, COPAYMENT_NOT_DOUBTED},  {"1980-01-01", 10, COPAYMENT_NOT_FOR_AGE},
        {"1980-01-01", 25, COPAYMENT_NOT_A_RATIO},  {"2022-01-01", 20, COPAYMENT_NOT_DOUBTED},
        {"2022-01-01", 30, COPAYMENT_NOT_FOR_AGE},  {"1953-05-05", 20, COPAYMENT_NOT_DOUBTED},
        {"1953-05-05", 10, COPAYMENT_NOT_FOR_AGE},  {"1980-01-01", COPAYMENT_UNKNOWN, COPAYMENT_NOT_DOUBTED},
        {"1980-01-01", 100, COPAYMENT_NOT_A_RATIO}, {"1980-01-01", -20, COPAYMENT_NOT_A_RATIO},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct coverage coverage = coverage_of("06139463", cases[i].birth);
        coverage.copayment.percent = cases[i].percent;
        assert_int_equal(copayment_doubt_on(&coverage, day("2026-11-22")), cases[i].doubt);
    }
}

static void fiscal_year_ages_count_who_is_born_on_1_april_a_year_earlier(void **state)
{
    (void)state;
    static const struct {
        const char *birth, *on;
        int age;
    } cases[] = {
        {"1987-04-01", "2026-04-01", 40}, {"1987-04-02", "2026-04-01", 39}, {"1987-04-01", "2027-03-31", 40},
        {"1987-04-02", "2027-04-01", 40}, {"1962-04-01", "2026-11-22", 65}, {"1952-04-01", "2026-11-22", 75},
        {"1986-04-02", "2026-11-22", 40}, {"1986-04-01", "2026-11-22", 41},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_int_equal(fiscal_year_age(day(cases[i].birth), day(cases[i].on)), cases[i].age);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_coverage_holds_from_its_first_day_to_the_day_before_its_loss),
        cmocka_unit_test(people_move_to_the_late_elderly_scheme_on_their_75th_birthday),
        cmocka_unit_test(a_change_is_due_where_someone_of_75_is_still_elsewhere),
        cmocka_unit_test(codes_of_the_tables_go_there_and_back_and_abolished_ones_are_refused),
        cmocka_unit_test(preschool_ends_with_the_31_march_after_six),
        cmocka_unit_test(seventy_counts_from_the_month_after_and_for_the_first_of_a_month_at_once),
        cmocka_unit_test(bands_follow_age_and_scheme),
        cmocka_unit_test(only_the_ratios_of_a_band_are_plausible),
        cmocka_unit_test(the_elderly_ratio_is_never_carried_over_1_august),
        cmocka_unit_test(an_elderly_certificate_goes_before_the_stated_ratio),
        cmocka_unit_test(where_age_alone_decides_nothing_stated_changes_it),
        cmocka_unit_test(doubtful_ratios_are_noticed_before_they_are_loaded),
        cmocka_unit_test(fiscal_year_ages_count_who_is_born_on_1_april_a_year_earlier),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
