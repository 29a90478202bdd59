#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "domain/five_items.h"
#include "domain/kanji_variants.h"

static struct five_items person_of(const char *name, const char *kana, const char *alias, const char *address)
{
    struct five_items items = {.sex = SEX_FEMALE};
    assert_int_equal(name_parse(name, strlen(name), &items.name), REASON_NONE);
    assert_int_equal(kana_name_parse(kana, strlen(kana), &items.kana), REASON_NONE);
    assert_int_equal(alias_parse(alias, strlen(alias), &items.alias), REASON_NONE);
    assert_int_equal(address_parse(address, strlen(address), &items.address), REASON_NONE);
    assert_int_equal(date_from_ymd(1980, 2, 17, &items.birth), OK);
    return items;
}

static struct five_items_match compare(struct five_items a, struct five_items b)
{
    struct five_items_match match, reversed;
    assert_int_equal(five_items_compare(&a, &b, &match), OK);
    assert_int_equal(five_items_compare(&b, &a, &reversed), OK);
    assert_memory_equal(&match, &reversed, sizeof(match)); /* the order of the two does not matter */
    return match;
}

static void equal_items_match_exactly(void **state)
{
    (void)state;
    struct five_items items = person_of("髙橋　花子", "タカハシ　ハナコ", "", "東京都千代田区霞が関1-2-2");
    struct five_items_match match = compare(items, items);
    assert_int_equal(match.name, ITEM_MATCHES_EXACTLY);
    assert_int_equal(match.kana, ITEM_MATCHES_EXACTLY);
    assert_int_equal(match.birth, ITEM_MATCHES_EXACTLY);
    assert_int_equal(match.sex, ITEM_MATCHES_EXACTLY);
    assert_int_equal(match.address, ITEM_MATCHES_EXACTLY);
    assert_int_equal(match.address_difference, ADDRESS_SAME);
    assert_true(five_items_agree(&match));
}

/* 2023: 8,500 people linked to someone else, by name, birth date and sex alone. */
static void one_item_that_differs_is_enough_to_disagree(void **state)
{
    (void)state;
    const struct five_items items = person_of("山田　花子", "ヤマダ　ハナコ", "", "千代田区1-2-2");
    struct five_items other[5] = {items, items, items, items, items};
    other[0].name = person_of("山田　華子", "ヤマダ　ハナコ", "", "千代田区1-2-2").name;
    other[1].kana = person_of("山田　花子", "ヤマタ　ハナコ", "", "千代田区1-2-2").kana;
    other[2].birth = date_add_days(items.birth, 1);
    other[3].sex = SEX_UNSET;
    other[4].address = person_of("山田　花子", "ヤマダ　ハナコ", "", "千代田区1-2-3").address;
    for (size_t i = 0; i < ARRAY_LENGTH(other); i++) {
        struct five_items_match match = compare(items, other[i]);
        assert_false(five_items_agree(&match));
        assert_int_equal((match.name == ITEM_DIFFERS) + (match.kana == ITEM_DIFFERS) +
                             (match.birth == ITEM_DIFFERS) + (match.sex == ITEM_DIFFERS) +
                             (match.address == ITEM_DIFFERS),
                         1);
    }
}

static void nothing_compared_agrees_with_nothing(void **state)
{
    (void)state;
    struct five_items_match unset = {0};
    assert_false(five_items_agree(&unset));
    struct five_items blank = {.birth = DATE_NONE, .sex = SEX_UNSET};
    struct five_items_match match = compare(blank, blank);
    assert_int_equal(match.name, ITEM_DIFFERS);
    assert_int_equal(match.kana, ITEM_DIFFERS);
    assert_int_equal(match.birth, ITEM_DIFFERS);
    assert_int_equal(match.address, ITEM_DIFFERS);
    struct five_items broken = person_of("山田", "ヤマダ", "", "x");
    broken.name.text = bytes_of("\xE9\xAB", 2);
    assert_int_equal(five_items_compare(&blank, &broken, &match), ERR_MALFORMED);
    assert_false(five_items_agree(&match));
}

static void kanji_names_match_in_width_form_and_old_characters(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        enum item_match match;
    } cases[] = {
        {"髙橋　花子", "高橋　花子", ITEM_MATCHES_NORMALISED},
        {"山﨑花子", "山崎 花子", ITEM_MATCHES_NORMALISED},
        {"渡邊花子", "渡辺花子", ITEM_MATCHES_NORMALISED},
        {"渡邉花子", "渡邊花子", ITEM_MATCHES_NORMALISED},
        {"𠮷田花子", "吉田花子", ITEM_MATCHES_NORMALISED},
        {"葛󠄀城花子", "葛城花子", ITEM_MATCHES_NORMALISED},
        {"\xEF\xA8\x99田花子", "神田花子", ITEM_MATCHES_NORMALISED} /* U+FA19 */,
        {"齋藤花子", "斎藤花子", ITEM_MATCHES_NORMALISED},
        {"濵田花子", "濱田花子", ITEM_MATCHES_NORMALISED},
        {"斎藤花子", "斉藤花子", ITEM_DIFFERS}, /* two names, not two forms of one */
        {"山田花子", "山本花子", ITEM_DIFFERS},
        {"山田花子", "山田花", ITEM_DIFFERS},
        {"山田さくら", "山田サクラ", ITEM_DIFFERS},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_int_equal(
            compare(person_of(cases[i].a, "ア", "", "x"), person_of(cases[i].b, "ア", "", "x")).name,
            cases[i].match);
}

static void kana_names_match_in_width_kind_and_size(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        enum item_match match;
    } cases[] = {
        {"ヤマダ　ハナコ", "ﾔﾏﾀﾞ ﾊﾅｺ", ITEM_MATCHES_NORMALISED},
        {"やまだ　はなこ", "ヤマダハナコ", ITEM_MATCHES_NORMALISED},
        {"キョウコ", "キヨウコ", ITEM_MATCHES_NORMALISED},
        {"ハットリ", "ハツトリ", ITEM_MATCHES_NORMALISED},
        {"リー", "リ-", ITEM_MATCHES_NORMALISED},
        {"スミス・ジョン", "スミス　ジョン", ITEM_MATCHES_NORMALISED},
        {"ヤマダ", "ヤマタ", ITEM_DIFFERS},
        {"リー", "リ", ITEM_DIFFERS},
        {"ハナコ　ヤマダ", "ヤマダ　ハナコ", ITEM_DIFFERS},
        {"ヤマダ", "", ITEM_DIFFERS},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_int_equal(
            compare(person_of("山田", cases[i].a, "", "x"), person_of("山田", cases[i].b, "", "x")).kana,
            cases[i].match);
}

static void foreign_residents_do_not_fill_the_quarantine(void **state)
{
    (void)state;
    static const struct {
        const char *name, *kana, *alias;              /* as the insurer states them */
        const char *other, *other_kana, *other_alias; /* as the authority knows them */
        bool agrees;
    } cases[] = {
        {"SMITH JOHN", "スミス　ジョン", "", "Smith John", "", "", true},
        {"JOHN SMITH", "スミス　ジョン", "", "ＳＭＩＴＨ　ＪＯＨＮ", "", "", true},
        {"SMITH, JOHN PAUL", "", "", "JOHN PAUL SMITH", "", "", true},
        {"SMITH JOHNPAUL", "", "", "SMITH JOHN PAUL", "", "", true},
        {"Smith John-Paul", "", "", "SMITH JOHN PAUL", "", "", true},
        {"O'NEIL MARY", "", "", "ONEIL MARY", "", "", true},
        {"José Núñez", "", "", "NUNEZ JOSE", "", "", true},
        {"SMITH JOHN", "ジョン　スミス", "", "SMITH JOHN", "スミス　ジョン", "", true},
        {"王　美玲", "", "", "WANG MEILING", "", "王　美玲", true}, /* alias known to the authority */
        {"WANG MEILING", "", "王　美玲", "王　美玲", "", "", true}, /* alias stated to the insurer */
        {"山田　太郎", "ヤマダ　タロウ", "", "SMITH JOHN", "ヤマダ　タロウ", "山田 太郎", true},
        {"SMITH JOHN", "", "", "SMYTH JOHN", "", "", false},
        {"SMITH JOHN", "", "", "SMITH JOHN PAUL", "", "", false},
        {"SMITH JOHN", "スミス　ジョン", "", "SMITH JOHN", "スミス　ジェーン", "", false},
        /* Two aliases alike do not make one of two different people. */
        {"SMITH JOHN", "", "山田　太郎", "BROWN JAMES", "", "山田　太郎", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct five_items_match match =
            compare(person_of(cases[i].name, cases[i].kana, cases[i].alias, "x"),
                    person_of(cases[i].other, cases[i].other_kana, cases[i].other_alias, "x"));
        assert_int_equal(five_items_agree(&match), cases[i].agrees);
    }
}

static void a_former_surname_stands_for_the_present_one(void **state)
{
    (void)state;
    struct five_items known = person_of("鈴木　花子", "スズキ　ハナコ", "山田", "x");
    assert_int_equal(compare(person_of("山田　花子", "スズキ　ハナコ", "", "x"), known).name,
                     ITEM_MATCHES_NORMALISED);
    assert_int_equal(compare(person_of("山田　華子", "スズキ　ハナコ", "", "x"), known).name, ITEM_DIFFERS);
}

static void addresses_match_in_every_usual_notation(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        enum address_difference difference;
    } cases[] = {
        {"東京都千代田区霞が関１丁目２番２号", "東京都千代田区霞が関1-2-2", ADDRESS_SAME},
        {"東京都千代田区霞が関一丁目２番２号", "東京都千代田区霞が関1-2-2", ADDRESS_SAME},
        {"東京都千代田区霞ヶ関1-2-2", "東京都千代田区霞ケ関１−２−２", ADDRESS_SAME},
        {"千代田区霞が関1-2-2", "東京都千代田区霞が関1-2-2", ADDRESS_SAME},
        {"東京都 千代田区　霞が関 1-2-2", "東京都千代田区霞が関1-2-2", ADDRESS_SAME},
        {"中央区二十三丁目4番地の5", "中央区23-4-5", ADDRESS_SAME},
        {"中央区十丁目", "中央区10丁目", ADDRESS_SAME},
        {"中央区1ー2ー3", "中央区1-2-3", ADDRESS_SAME},
        {"港区芝公園4丁目2番地8号", "港区芝公園4-2-8", ADDRESS_SAME},
        {"小山市大字小山123番地", "小山市小山123", ADDRESS_SAME},
        {"札幌市中央区北一条西二丁目3番地", "札幌市中央区北1条西2-3", ADDRESS_SAME},
        {"千代田区三番町6", "千代田区3番町6", ADDRESS_SAME},
        {"三鷹市井の頭1-2", "三鷹市井之頭１丁目２", ADDRESS_SAME},
        {"横濱市中区1-2", "横浜市中区1-2", ADDRESS_SAME},
        {"龍ケ崎市1番地", "竜ヶ崎市1", ADDRESS_SAME},
        {"盛岡市第二地割3番地4", "盛岡市第2地割3-4", ADDRESS_SAME},
        {"港区1-2-3 コーポ山田101号室", "港区1丁目2番3号 ｺｰﾎﾟ山田101", ADDRESS_SAME},
        {"港区1-2-3 コーポ山田101", "港区1-2-3", ADDRESS_BUILDING_LEFT_OUT},
        {"港区1-2-3-101", "港区1-2-3 コーポ山田101号室", ADDRESS_BUILDING_LEFT_OUT},
        {"港区1-2-3-101", "港区1-2-3 101号", ADDRESS_SAME},
        {"港区1-2-3-101", "港区1-2-3", ADDRESS_BUILDING_LEFT_OUT},
        {"港区1-2-3 コーポ山田101", "港区1-2-3 コーポ山田102", ADDRESS_BUILDING_DIFFERS},
        {"港区1-2-3 コーポ山田", "港区1-2-3 メゾン鈴木", ADDRESS_BUILDING_DIFFERS},
        {"港区1-2-3-101", "港区1-2-3 コーポ山田102号室", ADDRESS_BUILDING_DIFFERS},
        {"港区1-2-3", "港区1-2-4", ADDRESS_NUMBER_DIFFERS},
        {"港区1-2", "港区1-2-3", ADDRESS_NUMBER_DIFFERS},
        {"港区1-2-3", "港区12-3", ADDRESS_NUMBER_DIFFERS},
        {"港区1-2-3", "港区1-2-31", ADDRESS_NUMBER_DIFFERS},
        {"港区芝1-2-3", "港区芝浦1-2-3", ADDRESS_TOWN_DIFFERS},
        {"東京都府中市1-2-3", "広島県府中市1-2-3", ADDRESS_TOWN_DIFFERS},
        {"札幌市北1条1-2", "札幌市北2条1-2", ADDRESS_TOWN_DIFFERS},
        {"港区1-2-3", "", ADDRESS_NOT_STATED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct five_items_match match =
            compare(person_of("山田", "ヤマダ", "", cases[i].a), person_of("山田", "ヤマダ", "", cases[i].b));
        if (match.address_difference != cases[i].difference)
            print_error("%s | %s\n", cases[i].a, cases[i].b);
        assert_int_equal(match.address_difference, cases[i].difference);
        bool agrees = cases[i].difference == ADDRESS_SAME || cases[i].difference == ADDRESS_BUILDING_LEFT_OUT;
        assert_int_equal(match.address, agrees ? ITEM_MATCHES_NORMALISED : ITEM_DIFFERS);
    }
}

static void long_runs_of_numerals_are_no_number(void **state)
{
    (void)state;
    struct five_items a =
        person_of("山田", "ヤマダ", "", "港区九百九十九万九千九百九十九百百百百百百百百番地");
    struct five_items_match match = compare(a, a);
    assert_int_equal(match.address, ITEM_MATCHES_EXACTLY);
    struct five_items b = a;
    b.address =
        person_of("山田", "ヤマダ", "", "港区 九百九十九万九千九百九十九百百百百百百百百番地").address;
    assert_int_equal(compare(a, b).address, ITEM_MATCHES_NORMALISED);
}

/* A table searched by halves must be in order, and no common form may itself be a variant. */
static void every_kanji_variant_is_found_and_leads_to_an_end(void **state)
{
    (void)state;
    int found = 0;
    for (int32_t c = 0x3400; c <= 0x2FA1F; c++) {
        int32_t common = kanji_common_form(c);
        found += common != c;
        assert_int_equal(kanji_common_form(common), common);
    }
    assert_in_range(found, 200, 300);
    assert_int_equal(kanji_common_form(0x9AD9), 0x9AD8); /* 髙 高 */
    assert_int_equal(kanji_common_form(0xFA11), 0x5D0E); /* 﨑 崎 */
    assert_int_equal(kanji_common_form(0x5C71), 0x5C71); /* 山 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_items_match_exactly),
        cmocka_unit_test(one_item_that_differs_is_enough_to_disagree),
        cmocka_unit_test(nothing_compared_agrees_with_nothing),
        cmocka_unit_test(kanji_names_match_in_width_form_and_old_characters),
        cmocka_unit_test(kana_names_match_in_width_kind_and_size),
        cmocka_unit_test(foreign_residents_do_not_fill_the_quarantine),
        cmocka_unit_test(a_former_surname_stands_for_the_present_one),
        cmocka_unit_test(addresses_match_in_every_usual_notation),
        cmocka_unit_test(long_runs_of_numerals_are_no_number),
        cmocka_unit_test(every_kanji_variant_is_found_and_leads_to_an_end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
