#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void assert_folds(enum status (*fold)(struct bytes, struct buffer *), const char *from, const char *to)
{
    struct buffer out = {0};
    assert_int_equal(fold(bytes_of_text(from), &out), OK);
    assert_int_equal(buffer_append(&out, bytes_of("", 1)), OK);
    assert_string_equal((char *)out.data, to);
    buffer_free(&out);
}

struct folding {
    const char *from, *to;
};

static void width_folds_and_nothing_else_does(void **state)
{
    (void)state;
    static const struct folding cases[] = {
        {"", ""},
        {"１２３ＡＢｃ", "123ABc"},
        {"！～", "!~"},
        {"　", " "},
        {"ｱｲｳｴｵ", "アイウエオ"},
        {"ｶﾞｷﾞﾊﾞﾊﾟﾌﾟﾎﾟｳﾞ", "ガギバパプポヴ"},
        {"ﾀﾞﾁﾞﾂﾞﾃﾞﾄﾞ", "ダヂヅデド"},
        {"ｯｬｭｮｧ", "ッャュョァ"},
        {"ｰ･｡｢｣､", "ー・。「」、"},
        {"ｱﾞ", "ア゛"}, /* no such sound: the mark stays a mark */
        {"ﾅﾟ", "ナ゜"},
        {"ｶﾟ", "カ゜"},
        {"ﾞ", "゛"},
        {"カﾞ", "カ゛"}, /* only half-width kana are joined */
        {"ｦﾝ", "ヲン"},
        {"髙﨑", "髙﨑"}, /* not the business of width */
        {"葛󠄀", "葛󠄀"},
        {"㈱", "㈱"},
        {"ABC abc", "ABC abc"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_folds(text_fold_width, cases[i].from, cases[i].to);
}

static void kana_fold_to_full_width_katakana_without_spaces(void **state)
{
    (void)state;
    static const struct folding cases[] = {
        {"やまだ　はなこ", "ヤマダハナコ"}, {"ﾔﾏﾀﾞ ﾊﾅｺ", "ヤマダハナコ"},
        {"ヤマダ ハナコ", "ヤマダハナコ"},  {"ゔぁ", "ヴァ"},
        {"きょうこ", "キョウコ"},           {"ゖ", "ヶ"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_folds(text_fold_kana, cases[i].from, cases[i].to);
}

static void comparison_keys_ignore_case_form_space_variant_and_dash(void **state)
{
    (void)state;
    static const struct folding cases[] = {
        {"Ｓｍｉｔｈ　Ｊｏｈｎ", "smithjohn"},
        {"葛󠄀城", "葛城"}, /* variation selector 17 */
        {"神︀", "神"},       /* variation selector 1 */
        {"\xEF\xA8\x99", "神"}, /* U+FA19, a compatibility ideograph */
        {"１－２－３", "1-2-3"},
        {"1‐2–3−4", "1-2-3-4"},
        {"㈱", "(株)"},
        {"ｶﾞ", "ガ"},
        {"STRASSE", "strasse"},
        {"straße", "strasse"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_folds(text_comparison_key, cases[i].from, cases[i].to);
}

static void latin_letters_lose_their_marks_and_kana_keep_theirs(void **state)
{
    (void)state;
    static const struct folding cases[] = {
        {"José Nuñez", "Jose Nunez"},
        {"NGUYỄN VĂN A", "NGUYEN VAN A"},
        {"e\xCC\x81", "e"},
        {"ガギ", "ガギ"},
        {"か\xE3\x82\x99", "か\xE3\x82\x99"},
        {"Ø", "Ø"},
        {"山田", "山田"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_folds(text_strip_latin_marks, cases[i].from, cases[i].to);
}

static void only_well_formed_text_is_text(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        bool is_text;
    } cases[] = {
        {"", 0, true},
        {"a", 1, true},
        {"\xE9\xAB\x99", 3, true},      /* 髙 */
        {"\xF0\xA0\xAE\xB7", 4, true},  /* 𠮷 */
        {"\xF4\x8F\xBF\xBD", 4, true},  /* U+10FFFD */
        {"a\0b", 3, false},             /* NUL */
        {"\xC0\x80", 2, false},         /* NUL in two bytes */
        {"\xE0\x80\xAF", 3, false},     /* too long */
        {"\xED\xA0\x80", 3, false},     /* surrogate */
        {"\xF4\x90\x80\x80", 4, false}, /* past U+10FFFF */
        {"\xEF\xBF\xBF", 3, false},     /* U+FFFF */
        {"\xEF\xB7\x90", 3, false},     /* U+FDD0 */
        {"\xF0\x9F\xBF\xBE", 4, false}, /* U+1FFFE */
        {"\xE9\xAB", 2, false},         /* cut off */
        {"\x80", 1, false},             /* begins in the middle */
        {"\x8D\x82", 2, false},         /* Shift_JIS 高 */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_int_equal(text_is_utf8(bytes_of(cases[i].bytes, cases[i].length)), cases[i].is_text);
}

static void characters_are_counted_as_code_points(void **state)
{
    (void)state;
    assert_int_equal(text_length(bytes_of_text("髙﨑𠮷a")), 4);
    assert_int_equal(text_length(bytes_of_text("葛󠄀")), 2);
    assert_int_equal(text_length(bytes_of("\xE9\xAB", 2)), SIZE_MAX);
    size_t position = 0;
    assert_int_equal(text_next(bytes_of_text("髙"), &position), 0x9AD9);
    assert_int_equal(position, 3);
    assert_int_equal(text_next(bytes_of_text("髙"), &position), -1);
}

static void what_steers_a_screen_is_not_printable(void **state)
{
    (void)state;
    static const int32_t steering[] = {0,      '\n',   '\t',   0x1B,   0x7F,   0x85,   0x9F,   0x61C, 0x200E,
                                       0x200F, 0x2028, 0x2029, 0x202A, 0x202E, 0x2066, 0x2069, 0xFEFF};
    for (size_t i = 0; i < ARRAY_LENGTH(steering); i++) {
        struct buffer text = {0};
        assert_int_equal(text_append(&text, steering[i]), OK);
        assert_false(text_is_printable(buffer_bytes(&text)));
        buffer_free(&text);
    }
    assert_true(text_is_printable(bytes_of_text("髙﨑　葛󠄀 ～O'Neil-ﾞ")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(width_folds_and_nothing_else_does),
        cmocka_unit_test(kana_fold_to_full_width_katakana_without_spaces),
        cmocka_unit_test(comparison_keys_ignore_case_form_space_variant_and_dash),
        cmocka_unit_test(latin_letters_lose_their_marks_and_kana_keep_theirs),
        cmocka_unit_test(only_well_formed_text_is_text),
        cmocka_unit_test(characters_are_counted_as_code_points),
        cmocka_unit_test(what_steers_a_screen_is_not_printable),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
