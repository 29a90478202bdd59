#include "synth/person.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/card_certificate.h"
#include "domain/copayment.h"

enum { AGE_OF_SIGNATURE = 15, RECIPIENTS_AN_OFFICE = 1000000 };

const char *card_variant_code(enum card_variant variant)
{
    static const char *const codes[] = {"normal", "without_pin", "without_photo"};
    return codes[variant];
}

uint32_t making_roll(struct making *making, uint32_t sides)
{
    return dice_roll(&making->dice, sides);
}

bool making_chance(struct making *making, uint32_t of_1000)
{
    return making_roll(making, 1000) < of_1000;
}

struct bytes making_text(struct making *making, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof(text))
        abort();
    struct bytes copy = region_copy(making->region, bytes_of(text, (size_t)length));
    if (!copy.data)
        abort();
    return copy;
}

struct date birth_years_before(struct date birthday, int years)
{
    return date_add_years(birthday, -years);
}

/* ---- Where people live ---- */

/* ASCII digits as full-width ones. */
static const char *wide_digits(int number, char out[24])
{
    static const char *const wide[] = {"０", "１", "２", "３", "４", "５", "６", "７", "８", "９"};
    char digits[8];
    int length = snprintf(digits, sizeof(digits), "%d", number);
    out[0] = 0;
    for (int i = 0; i < length; i++)
        memcpy(out + 3 * i, wide[digits[i] - '0'], 4);
    return out;
}

struct home home_make(struct making *making, int at)
{
    const struct place *place = &places[at];
    const char *town = towns[making_roll(making, (uint32_t)town_count)];
    int block = 1 + (int)making_roll(making, 6), lot = 1 + (int)making_roll(making, 30);
    int house = 1 + (int)making_roll(making, 20);
    char a[24], b[24], c[24], d[24];
    struct home home = {.place = at};
    struct bytes building = {0};
    if (making_chance(making, 350)) {
        const char *name = buildings[making_roll(making, (uint32_t)building_count)];
        int room = 101 + 100 * (int)making_roll(making, 9) + (int)making_roll(making, 8);
        building = making_text(making, "　%s%s号室", name, wide_digits(room, d));
    }
    const char *tail = building.length ? (const char *)building.data : "";
    int tail_length = (int)building.length;
    home.known =
        making_text(making, "%s%s%s%s丁目%s番%s号%.*s", place->prefecture, place->municipality, town,
                    wide_digits(block, a), wide_digits(lot, b), wide_digits(house, c), tail_length, tail);
    /* Insurers copy what employers wrote. */
    uint32_t notation = making_roll(making, 100);
    if (notation < 85)
        home.stated = home.known;
    else if (notation < 95)
        home.stated = making_text(making, "%s%s%s%d-%d-%d%.*s", place->prefecture, place->municipality, town,
                                  block, lot, house, tail_length, tail);
    else
        home.stated = making_text(making, "%s%s%d丁目%d番%d号", place->municipality, town, block, lot, house);
    (void)snprintf(home.postal_code.digits, sizeof(home.postal_code.digits), "%s%04u", place->postal_prefix,
                   (unsigned)making_roll(making, 90) + 1);
    return home;
}

/* ---- Who they are ---- */

void person_begin(struct making *making, uint64_t index, const struct home *home,
                  struct synthetic_person *out)
{
    *out = (struct synthetic_person){
        .index = index,
        .number = my_number_of_index(making->seed, index),
        .place = home->place,
        .resident_state = RESIDENT_LIVING,
        .known = {.birth = DATE_NONE,
                  .sex = SEX_UNSET,
                  .address = {home->known},
                  .postal_code = home->postal_code},
        .enrolled = DATE_NONE,
    };
}

void person_set_name(struct making *making, struct synthetic_person *person, struct bytes surname,
                     struct bytes surname_kana, const struct word *given)
{
    person->known.name.text =
        making_text(making, "%.*s　%s", (int)surname.length, (const char *)surname.data, given->kanji);
    person->known.kana.text = making_text(making, "%.*s　%s", (int)surname_kana.length,
                                          (const char *)surname_kana.data, given->kana);
}

void person_set_latin_name(struct making *making, struct synthetic_person *person,
                           const struct latin_name *name)
{
    person->known.name.text = making_text(making, "%s %s", name->family, name->given);
    person->known.kana.text = bytes_of_text(name->kana);
    if (name->alias)
        person->known.alias.text = bytes_of_text(name->alias);
    person->known.sex = name->sex == 1 ? SEX_MALE : SEX_FEMALE;
}

/* ---- Under which symbol and number ---- */

static void must(enum reason reason)
{
    if (reason != REASON_NONE)
        abort();
}

static void set_key(struct policy *policy, const char *symbol, const char *number)
{
    must(insured_symbol_parse(symbol, strlen(symbol), &policy->symbol));
    must(insured_number_parse(number, strlen(number), &policy->number));
}

/* Eight digits that differ for every index below MY_NUMBER_INDEX_LIMIT. */
static unsigned long long serial_of(const struct making *making, uint64_t index)
{
    return (index * 38196601u + making->seed % 10000) % MY_NUMBER_INDEX_LIMIT;
}

struct policy policy_of_employer(struct making *making, uint64_t index_of_employer, uint64_t index)
{
    struct synthetic_employer employer;
    employer_of_index(making->organisations, index_of_employer, &employer);
    struct policy policy = {
        .insurer = employer.insurer, .employer = (int64_t)index_of_employer, .has_branches = true};
    char number[16];
    (void)snprintf(number, sizeof(number), "%llu", serial_of(making, index));
    set_key(&policy, employer.symbol, number);
    return policy;
}

/* 受給者番号: six digits and a check digit; different within a million indexes. */
static void recipient_number(uint64_t index, char out[16])
{
    (void)snprintf(out, 16, "%06u",
                   (unsigned)(index % RECIPIENTS_AN_OFFICE * 381967u % RECIPIENTS_AN_OFFICE));
    out[6] = luhn_check_digit(out, 6);
    out[7] = 0;
}

struct policy policy_of_medical_aid(struct making *making, uint64_t index)
{
    return policy_of_insurer(
        making, insurer_of_group(making->organisations, GROUP_MEDICAL_AID, index / RECIPIENTS_AN_OFFICE),
        index);
}

struct policy policy_of_insurer(struct making *making, const struct synthetic_insurer *insurer,
                                uint64_t index)
{
    struct policy policy = {.insurer = insurer, .employer = -1, .has_branches = true};
    char symbol[64] = "", number[16];
    (void)snprintf(number, sizeof(number), "%08llu", serial_of(making, index));
    switch (insurer->group) {
    case GROUP_MEDICAL_AID:
        recipient_number(index, number);
        policy.has_branches = false;
        break;
    case GROUP_LATE_ELDERLY:
        policy.has_branches = false;
        break;
    case GROUP_NATIONAL:
        (void)snprintf(symbol, sizeof(symbol), "国%s", prefecture_short_name(insurer->prefecture));
        break;
    default:
        (void)snprintf(symbol, sizeof(symbol), "%d", 100 + (int)(index % 900));
        break;
    }
    set_key(&policy, symbol, number);
    return policy;
}

/* ---- Coverage ---- */

static struct date later(struct date a, struct date b)
{
    return date_before(a, b) ? b : a;
}

static enum card_classification classification_of(const struct synthetic_insurer *insurer)
{
    switch (insurer->group) {
    case GROUP_MEDICAL_AID:
        return CARD_CLASSIFICATION_ASSISTANCE;
    case GROUP_SELF_DEFENCE:
        return CARD_CLASSIFICATION_SELF_DEFENCE;
    case GROUP_RETIRED_SOCIETY:
    case GROUP_RETIRED_MUTUAL:
        return CARD_CLASSIFICATION_RETIRED;
    default:
        return CARD_CLASSIFICATION_GENERAL;
    }
}

static int ratio_by_chance(struct making *making, enum copayment_band band)
{
    uint32_t roll = making_roll(making, 100);
    if (band == COPAYMENT_BAND_70_TO_74)
        return roll < 85 ? 20 : 30;
    return roll < 68 ? 10 : roll < 91 ? 20 : 30;
}

static void set_elderly(struct coverage *coverage, int percent, struct date from, struct date until)
{
    struct date begins = later(from, elderly_band_first_day(coverage->person.birth));
    coverage->elderly = (struct elderly_certificate){.issued = date_add_days(begins, -14),
                                                     .valid_from = begins,
                                                     .last_day = date_add_days(until, -1),
                                                     .percent = percent};
}

void record_set_ratio(struct making *making, struct synthetic_record *record, int percent)
{
    struct coverage *coverage = &record->coverage;
    struct date today = making->today;
    enum copayment_band band = copayment_band_on(&coverage->key.insurer, coverage->person.birth, today);
    coverage->preschool = band == COPAYMENT_BAND_PRESCHOOL;
    if (band != COPAYMENT_BAND_70_TO_74 && band != COPAYMENT_BAND_LATE_ELDERLY)
        return;
    if (percent == COPAYMENT_UNKNOWN)
        percent = ratio_by_chance(making, band);
    struct date from = copayment_period_first_day(today), until = date_add_years(from, 1);
    coverage->copayment = (struct stated_copayment){
        .percent = percent, .valid_from = later(from, coverage->acquired), .valid_until = until};
    if (band == COPAYMENT_BAND_70_TO_74)
        set_elderly(coverage, percent, later(from, coverage->acquired), until);
}

void record_set_certificate(struct making *making, struct synthetic_record *record)
{
    /* No health insurance card is valid after 2025-12-01. */
    struct date first;
    if (date_from_ymd(2025, 8, 1, &first) != OK)
        abort();
    struct coverage *coverage = &record->coverage;
    struct date issued = later(coverage->acquired, first);
    struct ymd until = date_to_ymd(date_add_years(later(issued, making->today), 1));
    struct date last_day;
    if (date_before(making->today, issued) || date_from_ymd(until.year, 7, 31, &last_day) != OK)
        return;
    coverage->certificate = (struct eligibility_certificate){.issued = issued, .last_day = last_day};
}

static struct branch_number branch_take(struct policy *policy)
{
    struct branch_number branch = {0};
    if (!policy->has_branches)
        return branch;
    branch.digits[0] = (char)('0' + policy->next_branch / 10 % 10);
    branch.digits[1] = (char)('0' + policy->next_branch % 10);
    policy->next_branch++;
    return branch;
}

/* Characters that one register writes so and another otherwise. */
static struct bytes name_as_stated(struct making *making, struct bytes name)
{
    static const struct {
        const char *known, *stated;
    } spellings[] = {{"髙", "高"}, {"﨑", "崎"}, {"邉", "辺"}, {"濵", "浜"}};
    for (size_t i = 0; i < ARRAY_LENGTH(spellings); i++) {
        size_t length = strlen(spellings[i].known);
        for (size_t at = 0; at + length <= name.length; at++)
            if (memcmp(name.data + at, spellings[i].known, length) == 0)
                return making_text(making, "%.*s%s%.*s", (int)at, (const char *)name.data,
                                   spellings[i].stated, (int)(name.length - at - length),
                                   (const char *)name.data + at + length);
    }
    return name;
}

static int days_until_recorded(struct making *making)
{
    uint32_t roll = making_roll(making, 100);
    if (roll < 70)
        return 1 + (int)making_roll(making, 10);
    return roll < 97 ? 5 + (int)making_roll(making, 20) : 20 + (int)making_roll(making, 60);
}

struct synthetic_record *person_add_record(struct making *making, struct synthetic_person *person,
                                           struct policy *policy, const struct home *home,
                                           struct date acquired, enum relationship relationship)
{
    if (person->record_count == RECORDS_MOST)
        abort();
    struct synthetic_record *record = &person->records[person->record_count++];
    *record = (struct synthetic_record){.coverage = coverage_blank(),
                                        .employer = policy->employer,
                                        .link = LINK_CONFIRMED,
                                        .corrected = DATE_NONE,
                                        .first_acquired = DATE_NONE};
    struct coverage *coverage = &record->coverage;
    coverage->key = (struct insured_key){.insurer = policy->insurer->number,
                                         .symbol = policy->symbol,
                                         .number = policy->number,
                                         .branch = branch_take(policy)};
    coverage->person = person->known;
    coverage->person.address.text = home->stated;
    if (making_chance(making, 300))
        coverage->person.name.text = name_as_stated(making, person->known.name.text);
    coverage->relationship = relationship;
    coverage->acquired = acquired;
    coverage->classification = classification_of(policy->insurer);
    struct date recorded = date_add_days(acquired, days_until_recorded(making));
    record->recorded = date_before(making->today, recorded) ? making->today : recorded;
    record_set_ratio(making, record, COPAYMENT_UNKNOWN);
    person->in_vault = true;
    return record;
}

void record_lose(struct synthetic_record *record, struct date lost, enum loss_reason reason)
{
    record->coverage.lost = lost;
    record->coverage.loss_reason = reason;
}

/* ---- Cards ---- */

void card_issue(struct synthetic_person *person, struct date issued, enum card_variant variant)
{
    struct date birth = person->known.birth;
    struct date last_day = certificate_last_day(issued, birth),
                end_of_card = card_last_day(issued, issued, birth);
    person->card = (struct synthetic_card){
        .present = true,
        .variant = variant,
        .has_signature = variant == CARD_VARIANT_NORMAL && date_age_in_law(birth, issued) >= AGE_OF_SIGNATURE,
        .issued = issued,
        .last_day = date_before(end_of_card, last_day) ? end_of_card : last_day,
        .state = STATE_ACTIVE,
        .renewed_issued = DATE_NONE,
        .renewed_last_day = DATE_NONE,
    };
}

void card_renew(struct synthetic_person *person, struct date renewed)
{
    struct synthetic_card before = person->card;
    card_issue(person, renewed,
               before.variant == CARD_VARIANT_WITHOUT_PHOTO ? CARD_VARIANT_NORMAL : before.variant);
    person->card.has_signature = before.has_signature;
    person->card.renewed = true;
    person->card.renewed_issued = before.issued;
    person->card.renewed_last_day = before.last_day;
}

void person_enrol(struct making *making, struct synthetic_person *person)
{
    struct date issued = person->card.renewed ? person->card.renewed_issued : person->card.issued;
    struct date first;
    if (date_from_ymd(2021, 10, 20, &first) != OK)
        abort();
    struct date enrolled = date_add_days(later(issued, first), (int)making_roll(making, 300));
    person->enrolment = ENROLMENT_IN_FORCE;
    person->enrolled = date_before(making->today, enrolled) ? making->today : enrolled;
    person->enrolled_by =
        person->card.variant == CARD_VARIANT_WITHOUT_PIN ? AUTHENTICATED_BY_FACE : AUTHENTICATED_BY_PIN;
}
