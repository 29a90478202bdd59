#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "domain/numbers.h"

static void check_digits_of_the_published_examples_are_right(void **state)
{
    (void)state;
    static const char *const valid[] = {"33120015", "01320027", "06139463",   "138057",    "54016027",
                                        "19113760", "1234566",  "0110113719", "2714206386"};
    for (size_t i = 0; i < ARRAY_LENGTH(valid); i++) {
        size_t length = strlen(valid[i]);
        assert_true(luhn_is_valid(valid[i], length));
        assert_int_equal(luhn_check_digit(valid[i], length - 1), valid[i][length - 1]);
    }
    assert_int_equal(my_number_check_digit("12345678901"), '8');
}

/* What a check digit is for: any one digit mistyped is noticed. */
static void one_wrong_digit_never_passes(void **state)
{
    (void)state;
    struct dice dice = dice_of(1, 1);
    for (int round = 0; round < 300; round++) {
        char insurer[9] = "0613", number[13] = "";
        for (size_t i = 4; i < 7; i++)
            insurer[i] = (char)('0' + dice_roll(&dice, 10));
        insurer[7] = luhn_check_digit(insurer, 7);
        for (size_t i = 0; i < 11; i++)
            number[i] = (char)('0' + dice_roll(&dice, 10));
        number[11] = my_number_check_digit(number);

        struct insurer_number parsed;
        struct my_number my_number;
        assert_int_equal(insurer_number_parse(insurer, 8, &parsed), REASON_NONE);
        assert_int_equal(my_number_parse(number, 12, &my_number), REASON_NONE);

        size_t at = 4 + dice_roll(&dice, 4);
        insurer[at] = (char)('0' + (insurer[at] - '0' + 1 + (int)dice_roll(&dice, 9)) % 10);
        assert_int_equal(insurer_number_parse(insurer, 8, &parsed), REASON_INSURER_NUMBER_CHECK_DIGIT);
        assert_string_equal(parsed.digits, "");
    }
}

/* Modulus 11 gives 0 for both rests 0 and 1, so one digit in the sum may hide: only that one. */
static void a_wrong_last_digit_of_a_my_number_never_passes(void **state)
{
    (void)state;
    struct my_number number;
    for (char digit = '0'; digit <= '9'; digit++) {
        char text[13] = "12345678901";
        text[11] = digit;
        assert_int_equal(my_number_parse(text, 12, &number),
                         digit == '8' ? REASON_NONE : REASON_MY_NUMBER_CHECK_DIGIT);
    }
}

static void Q7_a_my_number_is_twelve_digits_and_can_be_wiped(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum reason reason;
    } cases[] = {
        {"123456789018", REASON_NONE},
        {"000000000000", REASON_NONE},
        {"123456789017", REASON_MY_NUMBER_CHECK_DIGIT},
        {"12345678901", REASON_MALFORMED_MY_NUMBER},
        {"1234567890188", REASON_MALFORMED_MY_NUMBER},
        {"12345678901x", REASON_MALFORMED_MY_NUMBER},
        {"1234 5678 9018", REASON_MALFORMED_MY_NUMBER},
        {"", REASON_MALFORMED_MY_NUMBER},
    };
    struct my_number number, same;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_int_equal(my_number_parse(cases[i].text, strlen(cases[i].text), &number), cases[i].reason);
    assert_int_equal(my_number_parse("123456789018", 12, &number), REASON_NONE);
    assert_int_equal(my_number_parse("123456789018", 12, &same), REASON_NONE);
    assert_true(my_number_equal(&number, &same));
    my_number_wipe(&number);
    assert_false(my_number_equal(&number, &same));
    for (size_t i = 0; i < sizeof(number); i++)
        assert_int_equal(((const uint8_t *)&number)[i], 0);
}

static void insurer_numbers_are_taken_in_every_form_and_have_one_canonical(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical, *printed, *wire;
        int scheme, prefecture;
    } cases[] = {
        {"138057", "00138057", "138057", "  138057", 0, 13},
        {"00138057", "00138057", "138057", "  138057", 0, 13},
        {"  138057", "00138057", "138057", "  138057", 0, 13},
        {"33120015", "33120015", "33120015", "33120015", 33, 12},
        {"01320027", "01320027", "01320027", "01320027", 1, 32},
        {"06139463", "06139463", "06139463", "06139463", 6, 13},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct insurer_number number;
        char printed[9], wire[9];
        assert_int_equal(insurer_number_parse(cases[i].text, strlen(cases[i].text), &number), REASON_NONE);
        insurer_number_format(&number, printed);
        insurer_number_wire(&number, wire);
        assert_string_equal(number.digits, cases[i].canonical);
        assert_string_equal(printed, cases[i].printed);
        assert_string_equal(wire, cases[i].wire);
        assert_int_equal(insurer_number_scheme(&number), cases[i].scheme);
        assert_int_equal(insurer_number_prefecture(&number), cases[i].prefecture);
        assert_true(scheme_is_known(cases[i].scheme));
    }
}

static void what_is_no_insurer_number_is_refused_for_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum reason reason;
    } cases[] = {
        {"", REASON_MALFORMED_INSURER_NUMBER},
        {"1380570", REASON_MALFORMED_INSURER_NUMBER},
        {"13805", REASON_MALFORMED_INSURER_NUMBER},
        {"138057  ", REASON_MALFORMED_INSURER_NUMBER},
        {" 0138057", REASON_MALFORMED_INSURER_NUMBER},
        {"  13805x", REASON_MALFORMED_INSURER_NUMBER},
        {"０６１３９４", REASON_MALFORMED_INSURER_NUMBER},
        {"06009463", REASON_MALFORMED_INSURER_NUMBER}, /* prefecture 00 */
        {"06489463", REASON_MALFORMED_INSURER_NUMBER}, /* prefecture 48 */
        {"06139464", REASON_INSURER_NUMBER_CHECK_DIGIT},
        {"138058", REASON_INSURER_NUMBER_CHECK_DIGIT},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct insurer_number number;
        assert_int_equal(insurer_number_parse(cases[i].text, strlen(cases[i].text), &number),
                         cases[i].reason);
        assert_string_equal(number.digits, "");
    }
}

/* A code of this beginning with its check digit put right. */
static enum reason parse_institution(const char nine[], struct institution_code *code)
{
    char text[11];
    memcpy(text, nine, 9);
    text[9] = luhn_check_digit(nine, 9);
    text[10] = '\0';
    return institution_code_parse(text, 10, code);
}

static void institution_codes_have_a_prefecture_a_table_and_a_check_digit(void **state)
{
    (void)state;
    static const struct {
        const char *nine;
        enum reason reason;
    } cases[] = {
        {"011011371", REASON_NONE},
        {"471234567", REASON_NONE},
        {"133000001", REASON_NONE},
        {"134000001", REASON_NONE},
        {"136000001", REASON_NONE},
        {"132000001", REASON_MALFORMED_INSTITUTION_CODE},
        {"135000001", REASON_MALFORMED_INSTITUTION_CODE},
        {"130000001", REASON_MALFORMED_INSTITUTION_CODE},
        {"001000001", REASON_MALFORMED_INSTITUTION_CODE},
        {"481000001", REASON_MALFORMED_INSTITUTION_CODE},
    };
    struct institution_code code;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_int_equal(parse_institution(cases[i].nine, &code), cases[i].reason);
    assert_int_equal(institution_code_parse("2714206386", 10, &code), REASON_NONE);
    assert_int_equal(institution_code_prefecture(&code), 27);
    assert_int_equal(institution_code_table(&code), 1);
    assert_int_equal(institution_code_parse("2714206387", 10, &code), REASON_INSTITUTION_CODE_CHECK_DIGIT);
    assert_int_equal(institution_code_parse("271420638", 9, &code), REASON_MALFORMED_INSTITUTION_CODE);
    assert_int_equal(institution_code_parse("27142063860", 11, &code), REASON_MALFORMED_INSTITUTION_CODE);
    assert_int_equal(institution_code_parse("27142O6386", 10, &code), REASON_MALFORMED_INSTITUTION_CODE);
    /* A NUL is no table number, though strchr() would find it. */
    assert_int_equal(institution_code_parse("27\0"
                                            "4206386",
                                            10, &code),
                     REASON_MALFORMED_INSTITUTION_CODE);
}

static void payer_and_recipient_numbers_are_checked(void **state)
{
    (void)state;
    struct payer_number payer;
    struct recipient_number recipient;
    assert_int_equal(payer_number_parse("54016027", 8, &payer), REASON_NONE);
    assert_int_equal(payer_number_parse("54016028", 8, &payer), REASON_PAYER_NUMBER_CHECK_DIGIT);
    assert_int_equal(payer_number_parse("5401602", 7, &payer), REASON_MALFORMED_PAYER_NUMBER);
    assert_int_equal(payer_number_parse("54996027", 8, &payer), REASON_MALFORMED_PAYER_NUMBER);
    assert_int_equal(recipient_number_parse("1234566", 7, &recipient), REASON_NONE);
    assert_int_equal(recipient_number_parse("1234567", 7, &recipient), REASON_RECIPIENT_NUMBER_CHECK_DIGIT);
    assert_int_equal(recipient_number_parse("123456", 6, &recipient), REASON_MALFORMED_RECIPIENT_NUMBER);
    assert_int_equal(recipient_number_parse("123456a", 7, &recipient), REASON_MALFORMED_RECIPIENT_NUMBER);
}

static void symbols_and_numbers_are_kept_as_given_and_compared_folded(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"１２３４", "1234", true},
        {"１２－３４", "12-34", true},
        {"12‐34", "12-34", true},
        {"12−34", "12-34", true},
        {"いろは・１", "いろは･1", true},
        {"01·02", "01・02", true},
        {"ｱｲｶﾞ", "アイガ", true},
        {"12 34", "1234", true},
        {"　1234", "1234", true},
        {"1234", "01234", false},
        {"ア", "あ", false},
        {"a1", "A1", false},
        {"1-2", "12", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct insured_symbol a, b;
        assert_int_equal(insured_symbol_parse(cases[i].a, strlen(cases[i].a), &a), REASON_NONE);
        assert_int_equal(insured_symbol_parse(cases[i].b, strlen(cases[i].b), &b), REASON_NONE);
        assert_int_equal(strcmp(a.key, b.key) == 0, cases[i].same);
        assert_string_equal(a.text, cases[i].a);
    }
}

static void symbols_may_be_empty_and_numbers_not(void **state)
{
    (void)state;
    struct insured_symbol symbol;
    struct insured_number number;
    assert_int_equal(insured_symbol_parse("", 0, &symbol), REASON_NONE);
    assert_int_equal(insured_symbol_parse(NULL, 0, &symbol), REASON_NONE);
    assert_int_equal(insured_number_parse("", 0, &number), REASON_MALFORMED_NUMBER);
    assert_int_equal(insured_number_parse(" 　", 4, &number), REASON_MALFORMED_NUMBER);
    assert_string_equal(number.text, "");
}

static void twenty_characters_fit_whatever_their_bytes_and_no_more(void **state)
{
    (void)state;
    static const char *const twenty[] = {"12345678901234567890", "１２３４５６７８９０１２３４５６７８９０",
                                         "𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷", "····················",
                                         "ｶﾞｶﾞｶﾞｶﾞｶﾞｶﾞｶﾞｶﾞｶﾞｶﾞ"};
    for (size_t i = 0; i < ARRAY_LENGTH(twenty); i++) {
        struct insured_number number;
        char more[128];
        assert_int_equal(insured_number_parse(twenty[i], strlen(twenty[i]), &number), REASON_NONE);
        assert_string_equal(number.text, twenty[i]);
        size_t length = strlen(twenty[i]);
        memcpy(more, twenty[i], length);
        more[length] = '1';
        assert_int_equal(insured_number_parse(more, length + 1, &number), REASON_MALFORMED_NUMBER);
        assert_string_equal(number.text, "");
    }
    struct insured_symbol symbol;
    assert_int_equal(insured_symbol_parse("a\nb", 3, &symbol), REASON_MALFORMED_SYMBOL);
    assert_int_equal(insured_symbol_parse("\x8D\x82", 2, &symbol), REASON_MALFORMED_SYMBOL);
    assert_int_equal(insured_symbol_parse("a\0b", 3, &symbol), REASON_MALFORMED_SYMBOL);
}

static void branch_numbers_have_two_digits_or_are_absent(void **state)
{
    (void)state;
    struct branch_number branch, other;
    assert_int_equal(branch_number_parse("", 0, &branch), REASON_NONE);
    assert_true(branch_number_is_absent(&branch));
    assert_int_equal(branch_number_parse("00", 2, &other), REASON_NONE);
    assert_false(branch_number_is_absent(&other));
    assert_false(branch_number_equal(&branch, &other));
    assert_int_equal(branch_number_parse("5", 1, &branch), REASON_MALFORMED_BRANCH);
    assert_int_equal(branch_number_parse("005", 3, &branch), REASON_MALFORMED_BRANCH);
    assert_int_equal(branch_number_parse("0a", 2, &branch), REASON_MALFORMED_BRANCH);
    assert_int_equal(branch_number_parse("  ", 2, &branch), REASON_MALFORMED_BRANCH);
    assert_true(branch_number_is_absent(&branch));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_digits_of_the_published_examples_are_right),
        cmocka_unit_test(one_wrong_digit_never_passes),
        cmocka_unit_test(a_wrong_last_digit_of_a_my_number_never_passes),
        cmocka_unit_test(Q7_a_my_number_is_twelve_digits_and_can_be_wiped),
        cmocka_unit_test(insurer_numbers_are_taken_in_every_form_and_have_one_canonical),
        cmocka_unit_test(what_is_no_insurer_number_is_refused_for_what_is_wrong),
        cmocka_unit_test(institution_codes_have_a_prefecture_a_table_and_a_check_digit),
        cmocka_unit_test(payer_and_recipient_numbers_are_checked),
        cmocka_unit_test(symbols_and_numbers_are_kept_as_given_and_compared_folded),
        cmocka_unit_test(symbols_may_be_empty_and_numbers_not),
        cmocka_unit_test(twenty_characters_fit_whatever_their_bytes_and_no_more),
        cmocka_unit_test(branch_numbers_have_two_digits_or_are_absent),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
