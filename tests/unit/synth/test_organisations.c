#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "synth/organisations.h"

enum { NUMBERS = 200000 };

static struct organisations made;

static int compare_numbers(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct my_number));
}

static void my_numbers_are_right_and_all_different(void **state)
{
    (void)state;
    struct my_number *numbers = calloc(NUMBERS, sizeof(*numbers));
    assert_non_null(numbers);
    for (uint64_t i = 0; i < NUMBERS; i++) {
        uint64_t index = i < NUMBERS / 2 ? i : MY_NUMBER_INDEX_LIMIT - 1 - i;
        numbers[i] = my_number_of_index(7, index);
        struct my_number parsed;
        struct bytes digits = my_number_secret(&numbers[i]);
        assert_int_equal(my_number_parse((const char *)digits.data, digits.length, &parsed), REASON_NONE);
    }
    qsort(numbers, NUMBERS, sizeof(*numbers), compare_numbers);
    for (size_t i = 1; i < NUMBERS; i++)
        assert_int_not_equal(compare_numbers(&numbers[i - 1], &numbers[i]), 0);
    free(numbers);
}

static void another_seed_gives_other_my_numbers(void **state)
{
    (void)state;
    struct my_number a = my_number_of_index(1, 0), b = my_number_of_index(2, 0);
    assert_false(my_number_equal(&a, &b));
}

static void there_are_insurers_of_every_scheme_in_every_prefecture(void **state)
{
    (void)state;
    static const int schemes[] = {0, 1, 2, 3, 6, 7, 12, 31, 32, 33, 34, 39, 63, 72, 73, 74, 75};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t count = 0;
        for (size_t j = 0; j < made.insurer_count; j++)
            count += insurer_number_scheme(&made.insurers[j].number) == schemes[i];
        assert_true(count > 0);
    }
    for (int prefecture = 1; prefecture <= 47; prefecture++) {
        assert_int_equal(insurer_of_prefecture(&made, GROUP_ASSOCIATION, prefecture)->prefecture, prefecture);
        assert_int_equal(insurer_of_prefecture(&made, GROUP_LATE_ELDERLY, prefecture)->prefecture,
                         prefecture);
    }
}

static void no_two_insurers_have_one_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < made.insurer_count; i++) {
        const struct synthetic_insurer *insurer = &made.insurers[i];
        struct insurer_number parsed;
        assert_int_equal(insurer_number_parse(insurer->number.digits, 8, &parsed), REASON_NONE);
        assert_int_equal(insurer_number_prefecture(&parsed), insurer->prefecture);
        assert_true(insurer->name[0] != 0);
        for (size_t j = 0; j < i; j++)
            assert_false(insurer_number_equal(&insurer->number, &made.insurers[j].number));
    }
}

static void institutions_have_right_codes_the_known_ones_among_them(void **state)
{
    (void)state;
    assert_string_equal(made.institutions[0].code.digits, "0110113719");
    assert_string_equal(made.institutions[1].code.digits, "2714206386");
    for (size_t i = 0; i < INSTITUTION_COUNT; i++) {
        struct institution_code parsed;
        assert_int_equal(institution_code_parse(made.institutions[i].code.digits, 10, &parsed), REASON_NONE);
        for (size_t j = 0; j < i; j++)
            assert_false(institution_code_equal(&parsed, &made.institutions[j].code));
    }
}

static void employers_of_one_insurer_have_symbols_of_their_own(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200; i++) {
        struct synthetic_employer a, b;
        employer_of_index(&made, i, &a);
        for (uint64_t j = 0; j < i; j++) {
            employer_of_index(&made, j, &b);
            assert_true(a.insurer != b.insurer || strcmp(a.symbol, b.symbol) != 0);
        }
    }
}

static int make(void **state)
{
    (void)state;
    organisations_make(1, 1000000, &made);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(my_numbers_are_right_and_all_different),
        cmocka_unit_test(another_seed_gives_other_my_numbers),
        cmocka_unit_test(there_are_insurers_of_every_scheme_in_every_prefecture),
        cmocka_unit_test(no_two_insurers_have_one_number),
        cmocka_unit_test(institutions_have_right_codes_the_known_ones_among_them),
        cmocka_unit_test(employers_of_one_insurer_have_symbols_of_their_own),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make, NULL);
}
