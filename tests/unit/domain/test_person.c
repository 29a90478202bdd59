#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "domain/person.h"

/* The complaint of 77 % of those who had trouble: names that came out as ●. */
static void names_survive_byte_for_byte(void **state)
{
    (void)state;
    static const char *const names[] = {
        "髙橋 﨑子",           /* U+9AD9, U+FA11 */
        "葛󠄀城　一郎", /* with U+E0100 */
        "\xEF\xA8\x99田",      /* U+FA19, which normalisation would change */
        "𠮷田",                /* outside the basic plane */
        "山田　太郎",
        "O'NEIL, MARY-ANN",
        "NGUYỄN VĂN A",
        "が\xE3\x82\x99", /* a combining mark that normalisation would move */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct name name, alias;
        assert_int_equal(name_parse(names[i], strlen(names[i]), &name), REASON_NONE);
        assert_int_equal(alias_parse(names[i], strlen(names[i]), &alias), REASON_NONE);
        assert_true(bytes_equal(name.text, bytes_of_text(names[i])));
        assert_true(bytes_equal(alias.text, bytes_of_text(names[i])));
    }
}

static void what_is_no_name_is_refused(void **state)
{
    (void)state;
    char long_name[3 * (NAME_CHARACTERS + 1)];
    for (size_t i = 0; i < sizeof(long_name); i += 3)
        memcpy(long_name + i, "山", 3);
    struct name name;
    assert_int_equal(name_parse(long_name, 3 * NAME_CHARACTERS, &name), REASON_NONE);
    assert_int_equal(name_parse(long_name, sizeof(long_name), &name), REASON_MALFORMED_NAME);
    assert_false(name_is_stated(&name));
    static const char *const cases[] = {"",          " ",        "　 ",      "a\nb",
                                        "a\x1B[1mb", "\x8D\x82", "\xE9\xAB", "a\xE2\x80\xAEx"};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_int_equal(name_parse(cases[i], strlen(cases[i]), &name), REASON_MALFORMED_NAME);
    assert_int_equal(alias_parse("", 0, &name), REASON_NONE);
    assert_false(name_is_stated(&name));
    assert_int_equal(alias_parse(" ", 1, &name), REASON_MALFORMED_ALIAS);
}

static void kana_names_are_kana_or_latin(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum reason reason;
    } cases[] = {
        {"ヤマダ　ハナコ", REASON_NONE},
        {"ﾔﾏﾀﾞ ﾊﾅｺ", REASON_NONE},
        {"やまだ　はなこ", REASON_NONE},
        {"スミス・ジョン", REASON_NONE},
        {"ＳＭＩＴＨ　JOHN", REASON_NONE},
        {"オニール-ﾏﾘｰ", REASON_NONE},
        {"O’NEIL, J.", REASON_NONE},
        {"ヴァーヾ", REASON_NONE},
        {"", REASON_NONE},
        {"山田", REASON_MALFORMED_KANA_NAME},
        {"ヤマダ；", REASON_MALFORMED_KANA_NAME},
        {" ", REASON_MALFORMED_KANA_NAME},
        {"ヤマダ\t", REASON_MALFORMED_KANA_NAME},
        {"ヤマダ\"", REASON_MALFORMED_KANA_NAME},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct name name;
        assert_int_equal(kana_name_parse(cases[i].text, strlen(cases[i].text), &name), cases[i].reason);
        assert_int_equal(name_is_stated(&name), cases[i].reason == REASON_NONE && cases[i].text[0] != '\0');
    }
}

static void addresses_may_be_missing_but_not_nonsense(void **state)
{
    (void)state;
    char long_address[3 * (ADDRESS_CHARACTERS + 1)];
    for (size_t i = 0; i < sizeof(long_address); i += 3)
        memcpy(long_address + i, "町", 3);
    struct address address;
    assert_int_equal(address_parse("", 0, &address), REASON_NONE);
    assert_int_equal(address.text.length, 0);
    assert_int_equal(address_parse(long_address, 3 * ADDRESS_CHARACTERS, &address), REASON_NONE);
    assert_int_equal(address_parse(long_address, sizeof(long_address), &address), REASON_MALFORMED_ADDRESS);
    assert_int_equal(address_parse("　", 3, &address), REASON_MALFORMED_ADDRESS);
    assert_int_equal(address_parse("a\nb", 3, &address), REASON_MALFORMED_ADDRESS);
}

static void postal_codes_have_seven_digits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum reason reason;
        const char *printed;
    } cases[] = {
        {"1000001", REASON_NONE, "100-0001"},
        {"100-0001", REASON_NONE, "100-0001"},
        {"", REASON_NONE, ""},
        {"10-00001", REASON_MALFORMED_POSTAL_CODE, ""},
        {"100000", REASON_MALFORMED_POSTAL_CODE, ""},
        {"10000012", REASON_MALFORMED_POSTAL_CODE, ""},
        {"100-000a", REASON_MALFORMED_POSTAL_CODE, ""},
        {"〒1000", REASON_MALFORMED_POSTAL_CODE, ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct postal_code code;
        char printed[9];
        assert_int_equal(postal_code_parse(cases[i].text, strlen(cases[i].text), &code), cases[i].reason);
        postal_code_format(&code, printed);
        assert_string_equal(printed, cases[i].printed);
    }
}

static void sex_is_read_from_the_wire_and_from_the_chip(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum reason reason;
        enum sex sex;
        int on_card;
    } cases[] = {
        {"1", REASON_NONE, SEX_MALE, 1},           {"2", REASON_NONE, SEX_FEMALE, 2},
        {"3", REASON_NONE, SEX_UNSET, 9},          {"9", REASON_NONE, SEX_UNSET, 9},
        {"0", REASON_MALFORMED_SEX, SEX_UNSET, 9}, {"4", REASON_MALFORMED_SEX, SEX_UNSET, 9},
        {"", REASON_MALFORMED_SEX, SEX_UNSET, 9},  {"11", REASON_MALFORMED_SEX, SEX_UNSET, 9},
        {"M", REASON_MALFORMED_SEX, SEX_UNSET, 9},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        enum sex sex;
        assert_int_equal(sex_parse(cases[i].text, strlen(cases[i].text), &sex), cases[i].reason);
        assert_int_equal(sex, cases[i].sex);
        assert_int_equal(sex_on_card(sex), cases[i].on_card);
    }
}

static void nobody_is_born_tomorrow_or_before_the_era_of_meiji(void **state)
{
    (void)state;
    struct date today, birth;
    assert_int_equal(date_from_ymd(2026, 11, 22, &today), OK);
    static const struct {
        const char *text;
        enum reason reason;
    } cases[] = {
        {"20261122", REASON_NONE},
        {"2026-11-22", REASON_NONE},
        {"18680101", REASON_NONE},
        {"20261123", REASON_MALFORMED_BIRTH_DATE},
        {"18671231", REASON_MALFORMED_BIRTH_DATE},
        {"20230229", REASON_MALFORMED_BIRTH_DATE},
        {"", REASON_MALFORMED_BIRTH_DATE},
        {"5550217", REASON_MALFORMED_BIRTH_DATE},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(birth_date_parse(cases[i].text, strlen(cases[i].text), today, &birth),
                         cases[i].reason);
        assert_int_equal(date_is_none(birth), cases[i].reason != REASON_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_survive_byte_for_byte),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(kana_names_are_kana_or_latin),
        cmocka_unit_test(addresses_may_be_missing_but_not_nonsense),
        cmocka_unit_test(postal_codes_have_seven_digits),
        cmocka_unit_test(sex_is_read_from_the_wire_and_from_the_chip),
        cmocka_unit_test(nobody_is_born_tomorrow_or_before_the_era_of_meiji),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
