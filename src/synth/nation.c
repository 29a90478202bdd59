#include "synth/nation.h"

#include <stdlib.h>

#include "domain/card_certificate.h"
#include "domain/copayment.h"
#include "synth/cast.h"
#include "synth/words.h"

enum { DAYS_A_YEAR = 365, WORKING_AGE_LEAST = 18 };

/* A household that is being made. */
struct household {
    struct making making;
    struct home home;
    struct bytes surname, surname_kana;
    struct synthetic_person *people;
    size_t count;
    uint64_t first_index;
};

/* ---- Who lives together ---- */

static struct date birth_at_age(struct making *making, int age)
{
    return date_add_days(date_add_years(making->today, -age), -(int)making_roll(making, DAYS_A_YEAR));
}

static int age_of(const struct making *making, const struct synthetic_person *person)
{
    return date_age_in_law(person->known.birth, making->today);
}

static struct synthetic_person *add_person(struct household *household, int age, enum sex sex)
{
    struct making *making = &household->making;
    struct synthetic_person *person = &household->people[household->count];
    person_begin(making, household->first_index + household->count, &household->home, person);
    household->count++;
    person->known.birth = birth_at_age(making, age);
    person->known.sex = sex;
    const struct word *given = sex == SEX_MALE
                                   ? &male_names[making_roll(making, (uint32_t)male_name_count)]
                                   : &female_names[making_roll(making, (uint32_t)female_name_count)];
    person_set_name(making, person, household->surname, household->surname_kana, given);
    return person;
}

static enum sex sex_by_chance(struct making *making)
{
    return making_chance(making, 512) ? SEX_MALE : SEX_FEMALE;
}

static int age_between(struct making *making, int least, int most)
{
    return least + (int)making_roll(making, (uint32_t)(most - least + 1));
}

static void add_couple(struct household *household, int age)
{
    add_person(household, age, SEX_MALE);
    int other = age - 4 + (int)making_roll(&household->making, 8);
    add_person(household, other < WORKING_AGE_LEAST ? WORKING_AGE_LEAST : other, SEX_FEMALE);
}

static void add_children(struct household *household, int age_of_parent, int count)
{
    struct making *making = &household->making;
    int most = age_of_parent - 20 > 22 ? 22 : age_of_parent - 20;
    for (int i = 0; i < count; i++) {
        /* Fewer are born each year: the older of two. */
        int a = age_between(making, 0, most < 0 ? 0 : most), b = age_between(making, 0, most < 0 ? 0 : most);
        add_person(household, a > b ? a : b, sex_by_chance(making));
    }
    /* Twins: the second was born on the day of the first. */
    if (count >= 2 && making_chance(making, 12))
        household->people[household->count - 1].known.birth =
            household->people[household->count - 2].known.birth;
}

static void add_foreign_resident(struct household *household)
{
    struct making *making = &household->making;
    struct synthetic_person *person = add_person(household, age_between(making, 18, 60), SEX_MALE);
    person_set_latin_name(making, person, &latin_names[making_roll(making, (uint32_t)latin_name_count)]);
}

static void add_people(struct household *household)
{
    struct making *making = &household->making;
    uint32_t shape = making_roll(making, 1000);
    if (shape < 290) {
        add_person(household, age_between(making, 18, 64), sex_by_chance(making));
    } else if (shape < 420) {
        add_couple(household, age_between(making, 25, 72));
    } else if (shape < 640) {
        int age = age_between(making, 28, 56);
        add_couple(household, age);
        add_children(household, age, 1 + (int)making_roll(making, 3));
    } else if (shape < 700) {
        int age = age_between(making, 26, 54);
        add_person(household, age, making_chance(making, 850) ? SEX_FEMALE : SEX_MALE);
        add_children(household, age, 1 + (int)making_roll(making, 2));
    } else if (shape < 810) {
        add_couple(household, age_between(making, 65, 92));
    } else if (shape < 935) {
        int age = age_between(making, 65, 99);
        add_person(household, age, making_chance(making, 680) ? SEX_FEMALE : SEX_MALE);
    } else if (shape < 970) {
        int age = age_between(making, 36, 52);
        add_couple(household, age);
        add_children(household, age, 1 + (int)making_roll(making, 2));
        add_person(household, age + 25 + (int)making_roll(making, 10), SEX_FEMALE);
    } else {
        add_foreign_resident(household);
    }
}

/* ---- How they are insured ---- */

/* One policy and the days on which it was held. */
struct spell {
    bool present;
    struct policy policy;
    struct date acquired;
    struct date lost; /* DATE_NONE: it is in force */
    enum loss_reason reason;
};

/* What a family had, and has. */
struct spells {
    struct spell now, before;
};

static struct policy policy_by_chance(struct making *making, uint64_t index, int place)
{
    const struct organisations *organisations = making->organisations;
    uint32_t of_1000 = making_roll(making, 1000);
    if (of_1000 < 700) {
        /* Some employers are large: the lower of two. */
        uint64_t a = dice_next(&making->dice) % organisations->employer_count;
        uint64_t b = dice_next(&making->dice) % organisations->employer_count;
        return policy_of_employer(making, a < b ? a : b, index);
    }
    if (of_1000 < 716)
        return policy_of_medical_aid(making, index);
    if (of_1000 < 740)
        return policy_of_insurer(making, insurer_of_group(organisations, GROUP_NATIONAL_SOCIETY, index),
                                 index);
    return policy_of_insurer(making, insurer_of_place(organisations, place), index);
}

/* Those of 60 and more may stay with what they had when they worked. */
static struct policy policy_after_work(struct making *making, uint64_t index, int place)
{
    const struct organisations *organisations = making->organisations;
    uint32_t of_1000 = making_roll(making, 1000);
    if (of_1000 < 12)
        return policy_of_insurer(making, insurer_of_group(organisations, GROUP_RETIRED_SOCIETY, index),
                                 index);
    if (of_1000 < 24)
        return policy_of_insurer(
            making, insurer_of_group(organisations, GROUP_RETIRED_MUTUAL, dice_next(&making->dice)), index);
    if (of_1000 < 50)
        return policy_of_medical_aid(making, index);
    if (of_1000 < 300)
        return policy_by_chance(making, index, place);
    return policy_of_insurer(making, insurer_of_place(organisations, place), index);
}

/* Another insurer than the one of now: municipality after employer, employer after anything else. */
static struct policy policy_of_before(struct making *making, const struct policy *now, uint64_t index,
                                      int place)
{
    const struct organisations *organisations = making->organisations;
    if (now->employer >= 0 && making_chance(making, 500))
        return policy_of_insurer(making, insurer_of_place(organisations, place), index);
    uint64_t count = organisations->employer_count;
    uint64_t employer = now->employer >= 0 ? ((uint64_t)now->employer + 1 + making_roll(making, 9)) % count
                                           : dice_next(&making->dice) % count;
    return policy_of_employer(making, employer, index);
}

static struct date later(struct date a, struct date b)
{
    return date_before(a, b) ? b : a;
}

static void set_before(struct making *making, struct spells *spells, uint64_t index, int place)
{
    spells->before = (struct spell){
        .present = true,
        .policy = policy_of_before(making, &spells->now.policy, index, place),
        .lost = spells->now.acquired,
        .acquired = date_add_days(spells->now.acquired, -200 - (int)making_roll(making, 3000)),
        .reason = spells->now.policy.insurer->group == GROUP_MEDICAL_AID ? LOSS_REASON_PUBLIC_ASSISTANCE
                                                                         : LOSS_REASON_OTHER_INSURANCE,
    };
}

/* Of the one in whose name it is. */
static struct spells spells_of_worker(struct making *making, const struct synthetic_person *person)
{
    int age = age_of(making, person), place = person->place;
    struct spells spells = {0};
    spells.now.present = true;
    spells.now.lost = DATE_NONE;
    spells.now.policy = age >= 60 ? policy_after_work(making, person->index, place)
                                  : policy_by_chance(making, person->index, place);
    struct date adult = date_age_reached(person->known.birth, WORKING_AGE_LEAST);
    struct date acquired = date_add_days(making->today, -1 - (int)making_roll(making, 5500));
    spells.now.acquired = later(acquired, adult);
    uint32_t of_1000 = making_roll(making, 1000);
    if (of_1000 < 160)
        spells.now.acquired = later(date_add_days(making->today, -1 - (int)making_roll(making, 900)), adult);
    if (of_1000 < 160)
        set_before(making, &spells, person->index, place);
    if (of_1000 < 7) { /* left one insurer, and the next has not registered them */
        spells.before.lost = date_add_days(making->today, -(int)making_roll(making, 25));
        spells.before.acquired = date_add_days(spells.before.lost, -300 - (int)making_roll(making, 2000));
        spells.now.present = false;
    } else if (of_1000 == 7) { /* begins soon */
        spells.now.acquired = date_add_days(making->today, 1 + (int)making_roll(making, 28));
        spells.before.present = false;
    }
    return spells;
}

static void correct_by_chance(struct making *making, struct synthetic_record *record)
{
    const struct coverage *coverage = &record->coverage;
    struct date corrected = date_add_days(record->recorded, 10 + (int)making_roll(making, 60));
    if (!making_chance(making, 12) || date_before(making->today, corrected))
        return;
    bool is_lost = !date_is_none(coverage->lost);
    record->correction = is_lost ? CORRECTION_OF_LOSS : CORRECTION_OF_ACQUISITION;
    record->corrected = is_lost ? date_add_days(later(coverage->lost, record->recorded), 12) : corrected;
    record->first_acquired = date_add_days(coverage->acquired, -1 - (int)making_roll(making, 20));
    if (date_before(making->today, record->corrected))
        record->correction = CORRECTION_NONE;
}

static void add_spell(struct household *household, struct synthetic_person *person, struct spell *spell,
                      enum relationship relationship)
{
    struct making *making = &household->making;
    struct date acquired = later(spell->acquired, person->known.birth);
    if (!spell->present || !date_before(acquired, spell->lost))
        return;
    struct synthetic_record *record =
        person_add_record(making, person, &spell->policy, &household->home, acquired, relationship);
    record_lose(record, spell->lost, spell->reason);
    correct_by_chance(making, record);
    if (spell->policy.insurer->group == GROUP_NATIONAL && making_chance(making, 2))
        record->coverage.special_expense = true;
}

/* Theirs alone, from the 75th birthday on. */
static void insure_late_elderly(struct household *household, struct synthetic_person *person)
{
    struct making *making = &household->making;
    struct date moved = late_elderly_move_day(person->known.birth);
    int prefecture = places[person->place].prefecture_code;
    struct spells spells = {
        .now = {.present = true,
                .policy = policy_of_insurer(
                    making, insurer_of_prefecture(making->organisations, GROUP_LATE_ELDERLY, prefecture),
                    person->index),
                .acquired = moved,
                .lost = DATE_NONE},
    };
    struct date recent = date_add_days(making->today, -12);
    bool is_registered = date_before(moved, recent) || making_chance(making, 500);
    set_before(making, &spells, person->index, person->place);
    if (!is_registered)
        spells.before.lost = DATE_NONE, spells.before.reason = LOSS_REASON_NONE;
    spells.now.present = is_registered;
    bool keeps_before = !is_registered || date_before(date_add_years(making->today, -3), moved);
    add_spell(household, person, &spells.now, RELATIONSHIP_INSURED);
    spells.before.present = keeps_before;
    add_spell(household, person, &spells.before, RELATIONSHIP_INSURED);
}

static void insure_with(struct household *household, struct synthetic_person *person, struct spells *spells,
                        enum relationship relationship)
{
    struct making *making = &household->making;
    bool each_has_a_number = spells->now.policy.insurer->group == GROUP_MEDICAL_AID;
    if (each_has_a_number && relationship == RELATIONSHIP_FAMILY) {
        struct spell own = spells->now;
        own.policy = policy_of_medical_aid(making, person->index);
        add_spell(household, person, &own, RELATIONSHIP_FAMILY);
    } else {
        add_spell(household, person, &spells->now, relationship);
    }
    add_spell(household, person, &spells->before, relationship);
}

static bool may_work(const struct making *making, const struct synthetic_person *person)
{
    int age = age_of(making, person);
    return age >= 20 && age < 70;
}

static bool has_passed_75(const struct making *making, const struct synthetic_person *person)
{
    return !date_before(making->today, late_elderly_move_day(person->known.birth));
}

static void insure(struct household *household)
{
    struct making *making = &household->making;
    struct synthetic_person *people = household->people;
    struct spells family = {0};
    bool has_family = false;
    for (size_t i = 0; i < household->count; i++) {
        if (has_passed_75(making, &people[i])) {
            insure_late_elderly(household, &people[i]);
            continue;
        }
        bool is_national = has_family && family.now.policy.insurer->group == GROUP_NATIONAL;
        bool is_assisted = has_family && family.now.policy.insurer->group == GROUP_MEDICAL_AID;
        bool works =
            may_work(making, &people[i]) && !is_national && !is_assisted && making_chance(making, 550);
        if (!has_family) {
            family = spells_of_worker(making, &people[i]);
            has_family = true;
            insure_with(household, &people[i], &family, RELATIONSHIP_INSURED);
        } else if (works) {
            struct spells own = spells_of_worker(making, &people[i]);
            insure_with(household, &people[i], &own, RELATIONSHIP_INSURED);
        } else {
            insure_with(household, &people[i], &family, RELATIONSHIP_FAMILY);
        }
    }
}

/* ---- What went wrong with numbers ---- */

static void link_by_chance(struct household *household, struct synthetic_person *person)
{
    struct making *making = &household->making;
    if (person->record_count == 0)
        return;
    struct synthetic_record *newest = &person->records[0];
    uint32_t of_10000 = making_roll(making, 10000);
    if (of_10000 < 45) {
        newest->link = LINK_NONE;
        person->in_vault = person->record_count > 1;
    } else if (of_10000 < 70) {
        newest->link = LINK_PENDING;
    } else if (of_10000 < 78) {
        newest->link = LINK_QUARANTINED;
        /* Somebody else's given name: those of the other sex differ for sure. */
        const struct word *other = person->known.sex == SEX_MALE
                                       ? &female_names[making_roll(making, (uint32_t)female_name_count)]
                                       : &male_names[making_roll(making, (uint32_t)male_name_count)];
        newest->coverage.person.name.text = making_text(making, "%.*s　%s", (int)household->surname.length,
                                                        (const char *)household->surname.data, other->kanji);
    } else if (of_10000 < 80) {
        newest->link = LINK_RELEASED;
    }
}

/* ---- Cards ---- */

static uint32_t card_holders_of_1000(int age)
{
    if (age < 1)
        return 420;
    if (age < 20)
        return 720;
    return age < 75 ? 820 : 760;
}

static enum card_variant variant_by_chance(struct making *making, const struct synthetic_person *person,
                                           struct date issued)
{
    /* Since that day cards issued under the age of one carry no photo. */
    struct date first;
    if (date_from_ymd(2024, 12, 2, &first) != OK)
        abort();
    int age = date_age_in_law(person->known.birth, issued);
    if (age < 1 && !date_before(issued, first))
        return CARD_VARIANT_WITHOUT_PHOTO;
    return making_chance(making, age >= 75 ? 40 : 4) ? CARD_VARIANT_WITHOUT_PIN : CARD_VARIANT_NORMAL;
}

/* Most come to renew within the last three months. */
static void follow_term(struct making *making, struct synthetic_person *person)
{
    while (date_before(person->card.last_day, making->today)) {
        if (!making_chance(making, 900)) {
            person->card.state = STATE_EXPIRED;
            return;
        }
        card_renew(person, date_add_days(person->card.last_day, -(int)making_roll(making, 85)));
    }
}

static void give_card(struct making *making, struct synthetic_person *person)
{
    if (!making_chance(making, card_holders_of_1000(age_of(making, person))))
        return;
    struct date issued = date_add_days(making->today, -1 - (int)making_roll(making, 3300));
    struct date first = later(person->known.birth, date_add_days(making->today, -3900));
    if (date_before(issued, first)) {
        uint32_t days = (uint32_t)(making->today.days - first.days) + 1;
        issued = date_add_days(first, (int)making_roll(making, days));
    }
    card_issue(person, issued, variant_by_chance(making, person, issued));
    follow_term(making, person);
    if (person->card.state != STATE_ACTIVE)
        return;
    uint32_t of_1000 = making_roll(making, 1000);
    if (of_1000 < 3)
        person->card.state = STATE_SUSPENDED;
    else if (of_1000 < 5)
        person->card.state = STATE_REVOKED;
}

static void enrol_by_chance(struct making *making, struct synthetic_person *person)
{
    if (!person->card.present || !person->in_vault || !making_chance(making, 860))
        return;
    person_enrol(making, person);
    if (making_chance(making, 5))
        person->enrolment = ENROLMENT_RELEASED;
}

static void protect_by_chance(struct household *household)
{
    struct making *making = &household->making;
    if (!making_chance(making, 2))
        return;
    bool blocked = making_chance(making, 300);
    for (size_t i = 0; i < household->count; i++) {
        struct synthetic_person *person = &household->people[i];
        person->non_disclosure = person->record_count > 0;
        person->self_information_blocked = blocked && person->record_count > 0;
    }
}

static void let_die(struct making *making, struct synthetic_person *person)
{
    if (age_of(making, person) < 60 || !making_chance(making, 6) || person->record_count == 0 ||
        !date_is_none(person->records[0].coverage.lost))
        return;
    struct synthetic_record *record = &person->records[0];
    struct date lost = date_add_days(making->today, -(int)making_roll(making, 120));
    if (date_before(lost, record->coverage.acquired))
        return;
    record_lose(record, lost, LOSS_REASON_DEATH);
    record->correction = CORRECTION_NONE;
    person->resident_state = RESIDENT_DEAD;
    if (person->card.present)
        person->card.state = STATE_REVOKED;
}

static void paper_where_due(struct making *making, struct synthetic_person *person)
{
    bool card_works = person->card.present && person->enrolment == ENROLMENT_IN_FORCE &&
                      (person->card.state == STATE_ACTIVE);
    if (person->record_count > 0 && date_is_none(person->records[0].coverage.lost) && !card_works)
        record_set_certificate(making, &person->records[0]);
}

/* ---- The nation ---- */

static void choose_surname(struct household *household)
{
    struct making *making = &household->making;
    const struct word *word = making_chance(making, 35)
                                  ? &rare_surnames[making_roll(making, (uint32_t)rare_surname_count)]
                                  : &surnames[making_roll(making, (uint32_t)surname_count)];
    household->surname = bytes_of_text(word->kanji);
    household->surname_kana = bytes_of_text(word->kana);
}

static size_t make_household(const struct nation *nation, struct making *making,
                             struct synthetic_person people[HOUSEHOLD_MOST])
{
    struct household household = {.people = people, .first_index = nation->next_index};
    household.making = *making;
    making = &household.making;
    household.home = home_make(making, (int)making_roll(making, (uint32_t)place_count));
    choose_surname(&household);
    add_people(&household);
    insure(&household);
    for (size_t i = 0; i < household.count; i++) {
        link_by_chance(&household, &people[i]);
        give_card(making, &people[i]);
        enrol_by_chance(making, &people[i]);
        let_die(making, &people[i]);
        paper_where_due(making, &people[i]);
    }
    protect_by_chance(&household);
    return household.count;
}

enum status nation_begin(const struct nation_plan *plan, struct nation *out)
{
    if (plan->people < NATION_LEAST || plan->people > MY_NUMBER_INDEX_LIMIT)
        return ERR_RANGE;
    *out = (struct nation){.plan = *plan};
    organisations_make(plan->seed, plan->people, &out->organisations);
    return OK;
}

size_t nation_next_household(struct nation *nation, struct region *region,
                             struct synthetic_person people[HOUSEHOLD_MOST])
{
    uint64_t left = nation->plan.people - nation->next_index;
    if (left == 0)
        return 0;
    uint64_t at = nation->next_household++;
    struct making making = {
        .organisations = &nation->organisations,
        .seed = nation->plan.seed,
        .today = nation->plan.today,
        .region = region,
        .dice = dice_of(nation->plan.seed, at),
    };
    size_t count = at < cast_households() ? cast_household(&making, at, nation->next_index, people)
                                          : make_household(nation, &making, people);
    if (count > left)
        count = (size_t)left;
    nation->next_index += count;
    return count;
}
