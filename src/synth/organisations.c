#include "synth/organisations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "synth/words.h"

enum { PREFECTURES = 47, PEOPLE_AN_EMPLOYER = 30, NUMBERS_A_WELFARE_OFFICE = 1000000 };

static const struct {
    const char *name, *short_name;
} prefectures[PREFECTURES] = {
    {"北海道", "北海道"}, {"青森県", "青森"},     {"岩手県", "岩手"}, {"宮城県", "宮城"},
    {"秋田県", "秋田"},   {"山形県", "山形"},     {"福島県", "福島"}, {"茨城県", "茨城"},
    {"栃木県", "栃木"},   {"群馬県", "群馬"},     {"埼玉県", "埼玉"}, {"千葉県", "千葉"},
    {"東京都", "東京"},   {"神奈川県", "神奈川"}, {"新潟県", "新潟"}, {"富山県", "富山"},
    {"石川県", "石川"},   {"福井県", "福井"},     {"山梨県", "山梨"}, {"長野県", "長野"},
    {"岐阜県", "岐阜"},   {"静岡県", "静岡"},     {"愛知県", "愛知"}, {"三重県", "三重"},
    {"滋賀県", "滋賀"},   {"京都府", "京都"},     {"大阪府", "大阪"}, {"兵庫県", "兵庫"},
    {"奈良県", "奈良"},   {"和歌山県", "和歌山"}, {"鳥取県", "鳥取"}, {"島根県", "島根"},
    {"岡山県", "岡山"},   {"広島県", "広島"},     {"山口県", "山口"}, {"徳島県", "徳島"},
    {"香川県", "香川"},   {"愛媛県", "愛媛"},     {"高知県", "高知"}, {"福岡県", "福岡"},
    {"佐賀県", "佐賀"},   {"長崎県", "長崎"},     {"熊本県", "熊本"}, {"大分県", "大分"},
    {"宮崎県", "宮崎"},   {"鹿児島県", "鹿児島"}, {"沖縄県", "沖縄"},
};

const char *prefecture_name(int prefecture)
{
    return prefectures[prefecture - 1].name;
}

const char *prefecture_short_name(int prefecture)
{
    return prefectures[prefecture - 1].short_name;
}

/* Digits from our own counters: anything else is a mistake in this file. */
static void must(enum reason reason)
{
    if (reason != REASON_NONE)
        abort();
}

struct insurer_number insurer_number_make(int scheme, int prefecture, int serial)
{
    char digits[16];
    int length = snprintf(digits, sizeof(digits), "%02d%02d%03d", scheme, prefecture, serial);
    digits[length] = luhn_check_digit(digits, (size_t)length);
    struct insurer_number number;
    must(insurer_number_parse(digits, (size_t)length + 1, &number));
    return number;
}

struct institution_code institution_code_make(int prefecture, int table, int serial)
{
    char digits[16];
    int length = snprintf(digits, sizeof(digits), "%02d%d%06d", prefecture, table, serial);
    digits[length] = luhn_check_digit(digits, (size_t)length);
    struct institution_code code;
    must(institution_code_parse(digits, (size_t)length + 1, &code));
    return code;
}

struct my_number my_number_of_index(uint64_t seed, uint64_t index)
{
    const uint64_t eleven_digits = 100000000000u;
    /* Prime to 10, so the products differ modulo 10^11; below 2^64 for every index allowed. */
    const uint64_t step = 61803398749u;
    struct dice dice = dice_of(seed, 0x4d794e756d626572u);
    uint64_t start = dice_next(&dice) % eleven_digits;
    uint64_t value = (index * step % eleven_digits + start) % eleven_digits;
    char digits[12];
    for (size_t i = 11; i-- > 0; value /= 10)
        digits[i] = (char)('0' + value % 10);
    digits[11] = my_number_check_digit(digits);
    struct my_number number;
    must(my_number_parse(digits, sizeof(digits), &number));
    return number;
}

/* ---- Insurers ---- */

static struct synthetic_insurer *add_insurer(struct organisations *out, enum insurer_group group, int scheme,
                                             int prefecture, int serial)
{
    if (out->insurer_count == INSURERS_MOST)
        abort();
    struct synthetic_insurer *insurer = &out->insurers[out->insurer_count++];
    *insurer = (struct synthetic_insurer){
        .number = insurer_number_make(scheme, prefecture, serial),
        .group = group,
        .prefecture = prefecture,
        .place = -1,
    };
    return insurer;
}

#define NAME(insurer, ...) ((void)snprintf((insurer)->name, sizeof((insurer)->name), __VA_ARGS__))

static void add_in_every_prefecture(struct organisations *out, enum insurer_group group, int scheme)
{
    for (int prefecture = 1; prefecture <= PREFECTURES; prefecture++) {
        struct synthetic_insurer *insurer = add_insurer(out, group, scheme, prefecture, 1);
        if (group == GROUP_ASSOCIATION)
            NAME(insurer, "全国健康保険協会%s支部", prefecture_short_name(prefecture));
        else
            NAME(insurer, "%s後期高齢者医療広域連合", prefecture_name(prefecture));
    }
}

static void add_societies(struct organisations *out)
{
    static const char *const first[] = {"青葉", "みどり", "大和", "桜橋", "東海", "北斗", "若草", "港南"};
    static const char *const second[] = {"電機", "製鋼", "食品", "運輸", "化学", "印刷"};
    int serial = 1;
    for (size_t i = 0; i < ARRAY_LENGTH(first); i++) {
        for (size_t j = 0; j < ARRAY_LENGTH(second); j++, serial++) {
            static const int seats[] = {13, 27, 23, 14, 40, 1, 34, 13, 28};
            int seat = seats[(size_t)serial % ARRAY_LENGTH(seats)];
            NAME(add_insurer(out, GROUP_SOCIETY, 6, seat, 100 + serial), "%s%s健康保険組合", first[i],
                 second[j]);
        }
    }
}

static void add_mutual_aid(struct organisations *out)
{
    static const struct {
        int scheme, prefecture, serial;
        const char *name;
    } mutual[] = {
        {31, 13, 1, "中央省庁共済組合"},          {31, 13, 2, "国税共済組合"},
        {32, 13, 1, "地方職員共済組合東京支部"},  {32, 27, 1, "地方職員共済組合大阪支部"},
        {32, 1, 1, "地方職員共済組合北海道支部"}, {33, 13, 1, "警察共済組合東京支部"},
        {33, 40, 1, "警察共済組合福岡支部"},      {34, 13, 1, "公立学校共済組合東京支部"},
        {34, 23, 1, "公立学校共済組合愛知支部"},  {34, 34, 1, "公立学校共済組合広島支部"},
        {34, 4, 1, "公立学校共済組合宮城支部"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(mutual); i++)
        NAME(add_insurer(out, GROUP_MUTUAL_AID, mutual[i].scheme, mutual[i].prefecture, mutual[i].serial),
             "%s", mutual[i].name);
}

static void add_retired(struct organisations *out, bool mutual)
{
    static const struct {
        int scheme;
        const char *name;
    } retired[] = {
        {63, "青葉電機健康保険組合（特例退職）"}, {72, "中央省庁共済組合（特例退職）"},
        {73, "地方職員共済組合（特例退職）"},     {74, "警察共済組合（特例退職）"},
        {75, "公立学校共済組合（特例退職）"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(retired); i++)
        if ((retired[i].scheme != 63) == mutual)
            NAME(add_insurer(out, mutual ? GROUP_RETIRED_MUTUAL : GROUP_RETIRED_SOCIETY, retired[i].scheme,
                             13, 9),
                 "%s", retired[i].name);
}

static void add_municipalities(struct organisations *out)
{
    for (size_t i = 0; i < place_count; i++) {
        /* A municipality's serial: its place within the prefecture. */
        int serial = 1;
        for (size_t j = 0; j < i; j++)
            serial += places[j].prefecture_code == places[i].prefecture_code;
        struct synthetic_insurer *insurer =
            add_insurer(out, GROUP_NATIONAL, 0, places[i].prefecture_code, serial);
        insurer->place = (int)i;
        NAME(insurer, "%s（国民健康保険）", places[i].municipality);
    }
}

static void add_national_societies(struct organisations *out)
{
    static const int seats[] = {13, 27, 23, 40};
    for (size_t i = 0; i < ARRAY_LENGTH(seats); i++)
        NAME(add_insurer(out, GROUP_NATIONAL_SOCIETY, 0, seats[i], 301), "%s建設国民健康保険組合",
             prefecture_short_name(seats[i]));
}

/* A recipient's number has seven digits, one of them a check digit: more people need more offices. */
static void add_welfare_offices(struct organisations *out, uint64_t people)
{
    static const int seats[] = {13, 27, 1, 40, 14, 28};
    uint64_t rounds = people / NUMBERS_A_WELFARE_OFFICE / 4 + 1;
    for (uint64_t round = 0; round < rounds && round < 30; round++)
        for (size_t i = 0; i < ARRAY_LENGTH(seats); i++)
            NAME(add_insurer(out, GROUP_MEDICAL_AID, SCHEME_MEDICAL_ASSISTANCE, seats[i], 601 + (int)round),
                 "%s第%d福祉事務所", prefecture_short_name(seats[i]), (int)round + 1);
}

static void add_group(struct organisations *out, enum insurer_group group, uint64_t people)
{
    switch (group) {
    case GROUP_ASSOCIATION:
        add_in_every_prefecture(out, group, SCHEME_HEALTH_INSURANCE_ASSOCIATION);
        break;
    case GROUP_SEAMEN:
        NAME(add_insurer(out, group, 2, 13, 1), "全国健康保険協会船員保険部");
        break;
    case GROUP_DAY_LABOURERS:
        NAME(add_insurer(out, group, 3, 13, 1), "全国健康保険協会東京支部（日雇特例）");
        NAME(add_insurer(out, group, 3, 27, 1), "全国健康保険協会大阪支部（日雇特例）");
        break;
    case GROUP_SOCIETY:
        add_societies(out);
        break;
    case GROUP_SELF_DEFENCE:
        NAME(add_insurer(out, group, 7, 13, 1), "防衛省（自衛官等）");
        break;
    case GROUP_MEDICAL_AID:
        add_welfare_offices(out, people);
        break;
    case GROUP_MUTUAL_AID:
        add_mutual_aid(out);
        break;
    case GROUP_LATE_ELDERLY:
        add_in_every_prefecture(out, group, SCHEME_LATE_ELDERLY);
        break;
    case GROUP_RETIRED_SOCIETY:
    case GROUP_RETIRED_MUTUAL:
        add_retired(out, group == GROUP_RETIRED_MUTUAL);
        break;
    case GROUP_NATIONAL:
        add_municipalities(out);
        break;
    case GROUP_NATIONAL_SOCIETY:
        add_national_societies(out);
        break;
    case INSURER_GROUPS:
        break;
    }
}

size_t insurers_in_group(const struct organisations *organisations, enum insurer_group group)
{
    return organisations->first_of_group[group + 1] - organisations->first_of_group[group];
}

const struct synthetic_insurer *insurer_of_group(const struct organisations *organisations,
                                                 enum insurer_group group, uint64_t pick)
{
    size_t first = organisations->first_of_group[group];
    return &organisations->insurers[first + pick % insurers_in_group(organisations, group)];
}

const struct synthetic_insurer *insurer_of_prefecture(const struct organisations *organisations,
                                                      enum insurer_group group, int prefecture)
{
    return insurer_of_group(organisations, group, (uint64_t)prefecture - 1);
}

const struct synthetic_insurer *insurer_of_place(const struct organisations *organisations, int place)
{
    return insurer_of_group(organisations, GROUP_NATIONAL, (uint64_t)place);
}

/* ---- Institutions ---- */

static void set_institution(struct synthetic_institution *out, const struct institution_code *code)
{
    static const char *const kinds[] = {"", "クリニック", "", "歯科医院", "薬局", "", "訪問看護ステーション"};
    static const char *const hospital = "総合病院";
    int table = institution_code_table(code);
    const char *kind = table == 1 && code->digits[8] % 3 == 0 ? hospital : kinds[table];
    out->code = *code;
    const char *town = towns[(size_t)(code->digits[7] - '0' + code->digits[9]) % town_count];
    (void)snprintf(out->name, sizeof(out->name), "%s%s%s",
                   prefecture_short_name(institution_code_prefecture(code)), town, kind);
}

static void make_institutions(struct organisations *out)
{
    /* The codes that the ministry's own examples use. */
    static const char *const known[] = {"0110113719", "2714206386"};
    static const int tables[] = {1, 1, 3, 4, 1, 4, 6, 1};
    for (size_t i = 0; i < INSTITUTION_COUNT; i++) {
        struct institution_code code;
        if (i < ARRAY_LENGTH(known))
            must(institution_code_parse(known[i], 10, &code));
        else
            code = institution_code_make((int)(i * 7 % PREFECTURES) + 1, tables[i % ARRAY_LENGTH(tables)],
                                         100123 + (int)i * 2711);
        set_institution(&out->institutions[i], &code);
    }
}

void organisations_make(uint64_t seed, uint64_t people, struct organisations *out)
{
    *out = (struct organisations){.seed = seed, .employer_count = people / PEOPLE_AN_EMPLOYER + 40};
    for (int group = 0; group < INSURER_GROUPS; group++) {
        out->first_of_group[group] = out->insurer_count;
        add_group(out, (enum insurer_group)group, people);
    }
    out->first_of_group[INSURER_GROUPS] = out->insurer_count;
    make_institutions(out);
}

/* ---- Employers ---- */

static enum insurer_group group_of_employer(struct dice *dice)
{
    uint32_t of_1000 = dice_roll(dice, 1000);
    if (of_1000 < 520)
        return GROUP_ASSOCIATION;
    if (of_1000 < 860)
        return GROUP_SOCIETY;
    if (of_1000 < 975)
        return GROUP_MUTUAL_AID;
    if (of_1000 < 984)
        return GROUP_SELF_DEFENCE;
    return of_1000 < 994 ? GROUP_SEAMEN : GROUP_DAY_LABOURERS;
}

static void set_symbol(struct synthetic_employer *out, uint64_t index)
{
    unsigned long long code = index;
    switch (out->insurer->group) {
    case GROUP_ASSOCIATION:
        (void)snprintf(out->symbol, sizeof(out->symbol), "%08llu", 21000000 + code);
        break;
    case GROUP_MUTUAL_AID:
        (void)snprintf(out->symbol, sizeof(out->symbol), "公%s%llu",
                       prefecture_short_name(out->insurer->prefecture), code);
        break;
    case GROUP_SEAMEN:
        (void)snprintf(out->symbol, sizeof(out->symbol), "船%llu", 100 + code);
        break;
    default:
        (void)snprintf(out->symbol, sizeof(out->symbol), "%llu", 100 + code);
        break;
    }
}

void employer_of_index(const struct organisations *organisations, uint64_t index,
                       struct synthetic_employer *out)
{
    static const char *const trades[] = {"工業", "商事", "建設",     "物流",
                                         "食品", "印刷", "システム", "サービス"};
    struct dice dice = dice_of(organisations->seed ^ 0x656d706c6f796572u, index);
    enum insurer_group group = group_of_employer(&dice);
    out->insurer = insurer_of_group(organisations, group, dice_next(&dice));
    set_symbol(out, index);
    const struct word *word = &surnames[dice_roll(&dice, (uint32_t)surname_count)];
    const char *trade = trades[dice_roll(&dice, ARRAY_LENGTH(trades))];
    switch (group) {
    case GROUP_MUTUAL_AID:
        (void)snprintf(out->name, sizeof(out->name), "%s第%llu所属所",
                       prefecture_name(out->insurer->prefecture), (unsigned long long)index);
        break;
    case GROUP_SELF_DEFENCE:
        (void)snprintf(out->name, sizeof(out->name), "第%llu部隊", (unsigned long long)index);
        break;
    default:
        switch (dice_roll(&dice, 4)) {
        case 0:
            (void)snprintf(out->name, sizeof(out->name), "株式会社%s%s", word->kanji, trade);
            break;
        case 1:
            (void)snprintf(out->name, sizeof(out->name), "%s%s株式会社", word->kanji, trade);
            break;
        case 2:
            (void)snprintf(out->name, sizeof(out->name), "有限会社%s%s", word->kanji, trade);
            break;
        default:
            (void)snprintf(out->name, sizeof(out->name), "%s%s合同会社", word->kanji, trade);
            break;
        }
        break;
    }
}
