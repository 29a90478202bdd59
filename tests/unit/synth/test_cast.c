#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "domain/eligibility.h"
#include "domain/five_items.h"
#include "synth/cast.h"

static const int days[][3] = {{2026, 11, 22}, {2028, 2, 29}, {2027, 3, 31}, {2026, 1, 1}, {2026, 8, 1}};

static struct nation_plan plan_on(size_t day)
{
    struct nation_plan plan = {.people = 1000, .seed = 3};
    assert_int_equal(date_from_ymd(days[day][0], days[day][1], days[day][2], &plan.today), OK);
    return plan;
}

static const char *const wanted_cases[] = {
    "in_force",
    "in_force_grace",
    "in_force_special_expense",
    "in_force_unregistered",
    "lost",
    "not_yet_acquired",
    "lost_newer_exists",
    "lost_protected",
    "no_such_coverage",
    "several_match",
    "new_coverage_not_registered",
    "number_not_registered",
    "under_verification_pending",
    "under_verification_quarantined",
    "card_blocked",
    "card_released",
    "card_suspended",
    "card_revoked",
    "card_superseded",
    "not_enrolled",
    "certificate_expired",
    "without_pin",
    "infant_without_photo",
    "turned_75",
    "seventies",
    "preschooler",
    "foreign_resident_alias",
    "rare_kanji_9ad9",
    "rare_kanji_fa11",
    "rare_kanji_variation",
    "non_disclosure",
    "certificate_only",
};

static void the_cast_has_every_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wanted_cases) / sizeof(wanted_cases[0]); i++) {
        size_t count = 0;
        for (size_t j = 0; j < cast_case_count(); j++)
            count += strcmp(cast_case_at(j)->name, wanted_cases[i]) == 0;
        assert_int_equal(count, 1);
    }
}

static void every_outcome_of_a_decision_has_its_case(void **state)
{
    (void)state;
    for (int number = 1; number < REASON_COUNT; number++) {
        enum reason reason = (enum reason)number;
        const struct reason_entry *entry = reason_entry(reason);
        bool is_failure = reason == REASON_CENTRE_UNREACHABLE || reason == REASON_AUTHORITY_UNREACHABLE ||
                          reason == REASON_TOO_BUSY || reason == REASON_INTERNAL;
        if (entry->kind != REASON_KIND_ANSWER || is_failure)
            continue;
        bool has_case = false;
        for (size_t i = 0; i < cast_case_count(); i++)
            has_case |= cast_main_reason(cast_case_at(i)) == reason;
        if (!has_case)
            print_message("# %s\n", reason_code(reason));
        assert_true(has_case);
    }
}

static char *json_of(const struct nation_plan *plan)
{
    struct buffer text = {0};
    assert_int_equal(cast_write_json(plan, &text), OK);
    assert_int_equal(buffer_append(&text, bytes_of("", 1)), OK);
    return (char *)text.data;
}

static void the_cast_is_the_same_each_time_it_is_told(void **state)
{
    (void)state;
    struct nation_plan plan = plan_on(0);
    char *a = json_of(&plan), *b = json_of(&plan);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static void each_member_tells_what_a_reception_needs(void **state)
{
    (void)state;
    static const char *const keys[] = {"case",
                                       "my_number",
                                       "name",
                                       "name_kana",
                                       "birth_date",
                                       "sex",
                                       "insurer_number",
                                       "symbol",
                                       "number",
                                       "branch",
                                       "pin",
                                       "signature_password",
                                       "card_image",
                                       "variant",
                                       "authenticated_by",
                                       "by",
                                       "day",
                                       "expected",
                                       "result",
                                       "validity",
                                       "reason"};
    struct nation_plan plan = plan_on(0);
    char *text = json_of(&plan);
    json_t *cast = json_loads(text, 0, NULL), *member;
    free(text);
    size_t at;
    assert_int_equal(json_array_size(cast), cast_case_count() + 1); /* twins are two */
    json_array_foreach(cast, at, member)
    {
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
            assert_non_null(json_object_get(member, keys[i]));
        const char *variant = json_string_value(json_object_get(member, "variant"));
        bool has_pin = json_is_string(json_object_get(member, "pin"));
        assert_int_equal(has_pin, variant && strcmp(variant, "without_pin") != 0);
        struct my_number number;
        const char *digits = json_string_value(json_object_get(member, "my_number"));
        assert_int_equal(my_number_parse(digits, strlen(digits), &number), REASON_NONE);
    }
    json_decref(cast);
}

/* ---- Held against the rules, on days that are edges of the calendar ---- */

enum { PERSON = 77 };

static struct person_facts person_of(const struct synthetic_person *person, int64_t id)
{
    return (struct person_facts){.id = id,
                                 .non_disclosure = person->non_disclosure,
                                 .self_information_blocked = person->self_information_blocked,
                                 .card_use_registered = person->enrolment == ENROLMENT_IN_FORCE};
}

static size_t facts_of(const struct synthetic_person *people, size_t count,
                       struct subscription_facts facts[HOUSEHOLD_MOST * RECORDS_MOST])
{
    size_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < people[i].record_count; j++, rows++) {
            const struct synthetic_record *record = &people[i].records[j];
            facts[rows] = (struct subscription_facts){
                .subscription = (int64_t)rows + 1,
                .link = record->link,
                .person = record->link == LINK_NONE ? (struct person_facts){0}
                                                    : person_of(&people[i], PERSON + (int64_t)i),
                .coverage = record->coverage,
            };
        }
    }
    return rows;
}

static struct certificate_facts certificate_of(const struct cast_member *member)
{
    const struct synthetic_person *person = member->person;
    static const enum certificate_state states[] = {
        [STATE_ACTIVE] = CERTIFICATE_ACTIVE,
        [STATE_SUSPENDED] = CERTIFICATE_SUSPENDED,
        [STATE_REVOKED] = CERTIFICATE_REVOKED,
        [STATE_EXPIRED] = CERTIFICATE_EXPIRED,
    };
    bool enrolled = person->enrolment != ENROLMENT_NONE;
    return (struct certificate_facts){
        .known = true,
        .state = member->shows_superseded ? CERTIFICATE_SUPERSEDED : states[person->card.state],
        .last_day = member->shows_superseded ? person->card.renewed_last_day : person->card.last_day,
        .enrolment = person->enrolment,
        .person = enrolled ? person_of(person, PERSON) : (struct person_facts){0},
    };
}

static void expect_by_number(const struct nation_plan *plan, const struct cast_member *member,
                             const struct subscription_facts *facts, size_t count)
{
    struct region region = {0};
    const struct question question = {.kind = QUESTION_BY_NUMBER,
                                      .day = plan->today,
                                      .asked_at = moment_of_tokyo_midnight(plan->today),
                                      .key = member->key,
                                      .birth = member->person->known.birth};
    const struct answer *answer = eligibility_decide_by_number(&region, &question, facts, count);
    if (answer_content(answer)->reason != member->played->by_number)
        print_message("# %s by number: %s\n", member->played->name,
                      reason_code(answer_content(answer)->reason));
    assert_int_equal(answer_content(answer)->reason, member->played->by_number);
    region_free(&region);
}

static void expect_by_card(const struct nation_plan *plan, const struct cast_member *member,
                           const struct subscription_facts *facts, size_t count)
{
    assert_int_equal(member->person->card.present, member->played->by_card != REASON_NONE);
    if (!member->person->card.present)
        return;
    struct region region = {0};
    const struct certificate_facts certificate = certificate_of(member);
    const struct question question = {.kind = QUESTION_BY_CARD,
                                      .day = plan->today,
                                      .asked_at = moment_of_tokyo_midnight(plan->today),
                                      .authenticated_by = member->authenticated_by};
    const struct answer *answer = eligibility_decide_by_card(&region, &question, &certificate, facts, count);
    const struct answer_content *content = answer_content(answer);
    if (content->reason != member->played->by_card)
        print_message("# %s by card: %s\n", member->played->name, reason_code(content->reason));
    assert_int_equal(content->reason, member->played->by_card);
    if (strcmp(member->played->name, "turned_75") == 0)
        assert_true(content->change_pending);
    if (strcmp(member->played->name, "seventies") == 0 || strcmp(member->played->name, "preschooler") == 0)
        assert_int_equal(content->coverage.copayment_percent, 20);
    if (strcmp(member->played->name, "late_elderly") == 0)
        assert_int_equal(content->coverage.copayment_percent, 10);
    if (strcmp(member->played->name, "non_disclosure") == 0)
        assert_int_equal(content->coverage.person.address.text.length, 0);
    region_free(&region);
}

static void the_rules_answer_what_the_cast_expects(void **state)
{
    (void)state;
    for (size_t day = 0; day < sizeof(days) / sizeof(days[0]); day++) {
        struct nation_plan plan = plan_on(day);
        struct nation *nation = calloc(1, sizeof(*nation));
        struct synthetic_person people[HOUSEHOLD_MOST];
        struct subscription_facts facts[HOUSEHOLD_MOST * RECORDS_MOST];
        struct region region = {0};
        assert_int_equal(nation_begin(&plan, nation), OK);
        for (uint64_t at = 0; at < cast_households(); at++) {
            size_t count = nation_next_household(nation, &region, people);
            size_t rows = facts_of(people, count, facts);
            for (size_t i = 0; i < count; i++) {
                struct cast_member member;
                cast_member_of(&plan, at, &people[i], &member);
                expect_by_number(&plan, &member, facts, rows);
                expect_by_card(&plan, &member, facts, rows);
            }
        }
        region_free(&region);
        free(nation);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cast_has_every_case),
        cmocka_unit_test(every_outcome_of_a_decision_has_its_case),
        cmocka_unit_test(the_cast_is_the_same_each_time_it_is_told),
        cmocka_unit_test(each_member_tells_what_a_reception_needs),
        cmocka_unit_test(the_rules_answer_what_the_cast_expects),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
