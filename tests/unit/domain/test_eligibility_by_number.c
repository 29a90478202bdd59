#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "calendar_words.h"
#include "facts_fixture.h"

static struct region region;

static int empty_region(void **state)
{
    (void)state;
    region_free(&region);
    return 0;
}

static const struct answer_content *decide(struct question question, const struct subscription_facts *facts,
                                           size_t count)
{
    return answer_content(eligibility_decide_by_number(&region, &question, facts, count));
}

/* Every cell of the table in domain/eligibility.h: what the link is against where the coverage stands. */
static void Q10_the_link_goes_before_every_date(void **state)
{
    (void)state;
    enum standing { IN_FORCE, LOST, LOST_WITH_NEWER, NOT_YET, STANDINGS };
    static const enum reason expected[][STANDINGS] = {
        [LINK_NONE] = {REASON_NUMBER_NOT_REGISTERED, REASON_NUMBER_NOT_REGISTERED,
                       REASON_NUMBER_NOT_REGISTERED, REASON_NUMBER_NOT_REGISTERED},
        [LINK_PENDING] = {REASON_UNDER_VERIFICATION, REASON_UNDER_VERIFICATION, REASON_UNDER_VERIFICATION,
                          REASON_UNDER_VERIFICATION},
        [LINK_CONFIRMED] = {REASON_IN_FORCE, REASON_LOST, REASON_LOST_NEWER_EXISTS, REASON_NOT_YET_ACQUIRED},
        [LINK_QUARANTINED] = {REASON_UNDER_VERIFICATION, REASON_UNDER_VERIFICATION, REASON_UNDER_VERIFICATION,
                              REASON_UNDER_VERIFICATION},
        [LINK_RELEASED] = {REASON_UNDER_VERIFICATION, REASON_UNDER_VERIFICATION, REASON_UNDER_VERIFICATION,
                           REASON_UNDER_VERIFICATION},
    };
    for (int link = LINK_NONE; link <= LINK_RELEASED; link++) {
        for (int standing = 0; standing < STANDINGS; standing++) {
            struct subscription_facts facts[] = {standing == IN_FORCE ? facts_in_force() : facts_lost(),
                                                 facts_newer()};
            facts[0].link = (enum link_state)link;
            if (link == LINK_NONE)
                facts[0].person = (struct person_facts){0};
            if (standing == NOT_YET) {
                facts[0].coverage.acquired = day("2026-11-23");
                facts[0].coverage.lost = DATE_NONE;
            }
            const struct answer_content *content =
                decide(question_by_number(), facts, standing == LOST_WITH_NEWER ? 2 : 1);
            assert_int_equal(content->reason, expected[link][standing]);
            assert_int_equal(content->has_coverage, link == LINK_CONFIRMED);
        }
    }
}

static void the_days_of_acquisition_and_loss_decide(void **state)
{
    (void)state;
    static const struct {
        const char *on;
        enum reason reason;
    } cases[] = {
        {"2024-03-31", REASON_NOT_YET_ACQUIRED},
        {"2024-04-01", REASON_IN_FORCE},
        {"2026-09-30", REASON_IN_FORCE},
        {"2026-10-01", REASON_LOST},
        {"2026-11-22", REASON_LOST},
    };
    struct subscription_facts facts = facts_lost();
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct question question = question_by_number();
        question.day = day(cases[i].on);
        assert_int_equal(decide(question, &facts, 1)->reason, cases[i].reason);
    }
}

static void what_was_typed_must_be_what_is_registered(void **state)
{
    (void)state;
    struct subscription_facts facts = facts_in_force();
    struct question questions[7];
    for (size_t i = 0; i < ARRAY_LENGTH(questions); i++)
        questions[i] = question_by_number();
    questions[1].birth = day("1980-02-18");
    questions[2].key = key_of(NATIONAL, "12-34", "567", "");
    questions[3].key = key_of(SOCIETY, "12-35", "567", "");
    questions[4].key = key_of(SOCIETY, "12-34", "568", "");
    questions[5].key = key_of(SOCIETY, "12-34", "567", "01");
    questions[6].key = key_of(SOCIETY, "12-34", "567", "00");
    for (size_t i = 0; i < ARRAY_LENGTH(questions); i++) {
        const struct answer_content *content = decide(questions[i], &facts, 1);
        bool matches = i == 0 || i == 6;
        assert_int_equal(content->reason, matches ? REASON_IN_FORCE : REASON_NO_SUCH_COVERAGE);
        assert_int_equal(content->result, matches ? RESULT_ELIGIBLE : RESULT_CANNOT_BE_CONFIRMED);
        assert_int_equal(content->cd006, matches ? 1 : 4);
    }
    assert_int_equal(decide(question_by_number(), NULL, 0)->reason, REASON_NO_SUCH_COVERAGE);
}

static void twins_on_one_old_card_are_several_until_the_branch_is_given(void **state)
{
    (void)state;
    struct subscription_facts twins[] = {facts_in_force(), facts_in_force()};
    twins[0].coverage.key = key_of(SOCIETY, "12-34", "567", "02");
    twins[1].coverage.key = key_of(SOCIETY, "12-34", "567", "03");
    twins[1].subscription = 101;
    twins[1].person.id = 8;
    const struct answer_content *content = decide(question_by_number(), twins, 2);
    assert_int_equal(content->reason, REASON_SEVERAL_MATCH);
    assert_int_equal(content->cd006, 5);
    assert_false(content->has_coverage);

    struct question with_branch = question_by_number();
    with_branch.key = key_of(SOCIETY, "12-34", "567", "03");
    content = decide(with_branch, twins, 2);
    assert_int_equal(content->reason, REASON_IN_FORCE);
    assert_string_equal(content->coverage.key.branch.digits, "03");
}

/* Whose link, loss or flag it is, nobody knows yet. */
static void several_goes_before_link_loss_and_protection(void **state)
{
    (void)state;
    for (int link = LINK_NONE; link <= LINK_RELEASED; link++) {
        struct subscription_facts twins[] = {facts_lost(), facts_in_force()};
        twins[0].link = (enum link_state)link;
        twins[0].person.non_disclosure = true;
        twins[1].subscription = 101;
        twins[1].person.id = 8;
        assert_int_equal(decide(question_by_number(), twins, 2)->reason, REASON_SEVERAL_MATCH);
    }
}

static void one_person_registered_twice_under_a_number_is_not_several(void **state)
{
    (void)state;
    struct subscription_facts again[] = {facts_lost(), facts_in_force()};
    again[1].subscription = 101;
    again[1].coverage.acquired = day("2026-11-01");
    const struct answer_content *content = decide(question_by_number(), again, 2);
    assert_int_equal(content->reason, REASON_IN_FORCE);
    assert_true(date_equal(content->coverage.acquired, day("2026-11-01")));
}

static void periods_of_one_subscription_are_one_coverage(void **state)
{
    (void)state;
    struct subscription_facts periods[] = {facts_lost(), facts_lost(), facts_lost()};
    periods[0].coverage.acquired = day("2020-04-01");
    periods[0].coverage.lost = day("2022-04-01");
    periods[2].coverage.acquired = day("2026-12-01");
    periods[2].coverage.lost = DATE_NONE;
    static const struct {
        const char *on;
        enum reason reason;
        const char *acquired;
    } cases[] = {
        {"2020-03-31", REASON_NOT_YET_ACQUIRED, "2020-04-01"},
        {"2021-01-01", REASON_IN_FORCE, "2020-04-01"},
        {"2023-01-01", REASON_LOST, "2020-04-01"},
        {"2025-01-01", REASON_IN_FORCE, "2024-04-01"},
        {"2026-11-22", REASON_LOST, "2024-04-01"},
        {"2026-12-01", REASON_IN_FORCE, "2026-12-01"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct question question = question_by_number();
        question.day = day(cases[i].on);
        const struct answer_content *content = decide(question, periods, 3);
        assert_int_equal(content->reason, cases[i].reason);
        assert_true(date_equal(content->coverage.acquired, day(cases[i].acquired)));
    }
}

static void a_newer_coverage_counts_only_where_it_is_confirmed_in_force_and_the_persons(void **state)
{
    (void)state;
    struct subscription_facts facts[] = {facts_lost(), facts_newer()};
    assert_int_equal(decide(question_by_number(), facts, 2)->reason, REASON_LOST_NEWER_EXISTS);
    assert_int_equal(decide(question_by_number(), facts, 2)->cd006, 3);
    for (int link = LINK_NONE; link <= LINK_RELEASED; link++) {
        facts[1].link = (enum link_state)link;
        assert_int_equal(decide(question_by_number(), facts, 2)->reason,
                         link == LINK_CONFIRMED ? REASON_LOST_NEWER_EXISTS : REASON_LOST);
    }
    facts[1] = facts_newer();
    facts[1].person.id = 8;
    assert_int_equal(decide(question_by_number(), facts, 2)->reason, REASON_LOST);
    facts[1] = facts_newer();
    facts[1].coverage.acquired = day("2026-11-23");
    assert_int_equal(decide(question_by_number(), facts, 2)->reason, REASON_LOST);
    facts[1].coverage.acquired = day("2026-10-01");
    facts[1].coverage.lost = day(TODAY);
    assert_int_equal(decide(question_by_number(), facts, 2)->reason, REASON_LOST);
}

static void Q1_an_old_number_never_tells_of_a_protected_persons_new_coverage(void **state)
{
    (void)state;
    struct subscription_facts alone[] = {facts_lost()};
    const struct answer_content ordinary = *decide(question_by_number(), alone, 1);
    /* Wherever the flag stands: on the old record, on the new one, of either kind. */
    for (int flag = 0; flag < 4; flag++) {
        struct subscription_facts facts[] = {facts_lost(), facts_newer()};
        facts[flag / 2].person.non_disclosure = flag % 2 == 0;
        facts[flag / 2].person.self_information_blocked = flag % 2 == 1;
        const struct answer_content *content = decide(question_by_number(), facts, 2);
        assert_int_equal(content->reason, REASON_LOST);
        assert_int_equal(content->cd006, 2);
        assert_memory_equal(&content->coverage, &ordinary.coverage, sizeof(ordinary.coverage));
        assert_int_equal(content->change_pending, ordinary.change_pending);
        assert_int_equal(content->registered_at, ordinary.registered_at);
    }
}

static void Q1_a_protected_persons_address_looks_as_if_it_had_never_been_stated(void **state)
{
    (void)state;
    struct subscription_facts unstated = facts_in_force(), hidden = facts_in_force(),
                              blocked = facts_in_force();
    unstated.coverage.person.address = (struct address){0};
    unstated.coverage.person.postal_code = (struct postal_code){0};
    hidden.person.non_disclosure = true;
    blocked.person.self_information_blocked = true;
    const struct answer_content expected = *decide(question_by_number(), &unstated, 1);
    const struct subscription_facts *protected[] = {&hidden, &blocked};
    for (size_t i = 0; i < ARRAY_LENGTH(protected); i++) {
        const struct answer_content *content = decide(question_by_number(), protected[i], 1);
        assert_int_equal(content->reason, REASON_IN_FORCE);
        assert_memory_equal(content, &expected, sizeof(expected));
        assert_int_equal(content->coverage.person.address.text.length, 0);
        assert_string_equal(content->coverage.person.postal_code.digits, "");
        assert_true(name_is_stated(&content->coverage.person.name));
    }
}

static void what_no_longer_counts_shows_neither_address_nor_why_it_was_lost(void **state)
{
    (void)state;
    struct subscription_facts facts = facts_lost();
    const struct disclosed_coverage *shown = &decide(question_by_number(), &facts, 1)->coverage;
    assert_int_equal(shown->person.address.text.length, 0);
    assert_string_equal(shown->person.postal_code.digits, "");
    assert_int_equal(shown->copayment_percent, COPAYMENT_UNKNOWN);
    assert_true(date_is_none(shown->certificate.issued));
    assert_true(date_equal(shown->lost, day("2026-10-01")));
    assert_true(name_is_stated(&shown->person.name));
}

static void special_expense_and_unregistered_assistance_have_answers_of_their_own(void **state)
{
    (void)state;
    struct subscription_facts special = facts_in_force();
    special.coverage.special_expense = true;
    assert_int_equal(decide(question_by_number(), &special, 1)->reason, REASON_IN_FORCE_SPECIAL_EXPENSE);

    struct subscription_facts assistance = facts_in_force();
    struct question question = question_by_number();
    assistance.coverage.key = question.key = key_of(ASSISTANCE, "", "1234566", "");
    assert_int_equal(decide(question, &assistance, 1)->reason, REASON_IN_FORCE);
    assistance.person.card_use_registered = false;
    const struct answer_content *content = decide(question, &assistance, 1);
    assert_int_equal(content->reason, REASON_IN_FORCE_UNREGISTERED);
    assert_int_equal(content->cd006, 6);
    assert_int_equal(content->result, RESULT_ELIGIBLE);
    assert_int_equal(content->coverage.copayment_percent, 0);
    /* Only assistance asks for it. */
    struct subscription_facts other = facts_in_force();
    other.person.card_use_registered = false;
    assert_int_equal(decide(question_by_number(), &other, 1)->reason, REASON_IN_FORCE);
}

static void an_answer_says_when_by_whom_and_whether_a_change_is_pending(void **state)
{
    (void)state;
    struct subscription_facts facts = facts_in_force();
    const struct answer_content *content = decide(question_by_number(), &facts, 1);
    assert_int_equal(content->as_of, at(TODAY "T10:00:00+09:00"));
    assert_int_equal(content->registered_at, at("2024-04-05T10:00:00+09:00"));
    assert_true(bytes_equal(content->registered_by, bytes_of_text("資格健康保険組合")));
    assert_false(content->change_pending);
    assert_int_equal(content->event_id[0], 1);
    facts.coverage.change_pending = true;
    assert_true(decide(question_by_number(), &facts, 1)->change_pending);
    facts = facts_in_force();
    facts.coverage.person.birth = day("1951-11-22"); /* 75 today, and not yet moved */
    struct question question = question_by_number();
    question.birth = facts.coverage.person.birth;
    content = decide(question, &facts, 1);
    assert_int_equal(content->reason, REASON_IN_FORCE);
    assert_true(content->change_pending);
}

static void by_number_no_visit_token_is_given_and_the_answer_knows_whom_it_is_about(void **state)
{
    (void)state;
    struct subscription_facts facts = facts_in_force();
    struct question question = question_by_number();
    const struct answer *answer = eligibility_decide_by_number(&region, &question, &facts, 1);
    assert_false(answer_allows_visit_token(answer));
    assert_int_equal(answer_person(answer), 7);
    assert_int_equal(answer_subscription(answer), 100);
    assert_false(answer_content(answer)->has_certificate_term);
    answer = eligibility_decide_by_number(&region, &question, NULL, 0);
    assert_int_equal(answer_person(answer), 0);
    assert_int_equal(answer_subscription(answer), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(Q10_the_link_goes_before_every_date, empty_region),
        cmocka_unit_test_teardown(the_days_of_acquisition_and_loss_decide, empty_region),
        cmocka_unit_test_teardown(what_was_typed_must_be_what_is_registered, empty_region),
        cmocka_unit_test_teardown(twins_on_one_old_card_are_several_until_the_branch_is_given, empty_region),
        cmocka_unit_test_teardown(several_goes_before_link_loss_and_protection, empty_region),
        cmocka_unit_test_teardown(one_person_registered_twice_under_a_number_is_not_several, empty_region),
        cmocka_unit_test_teardown(periods_of_one_subscription_are_one_coverage, empty_region),
        cmocka_unit_test_teardown(a_newer_coverage_counts_only_where_it_is_confirmed_in_force_and_the_persons,
                                  empty_region),
        cmocka_unit_test_teardown(Q1_an_old_number_never_tells_of_a_protected_persons_new_coverage,
                                  empty_region),
        cmocka_unit_test_teardown(Q1_a_protected_persons_address_looks_as_if_it_had_never_been_stated,
                                  empty_region),
        cmocka_unit_test_teardown(what_no_longer_counts_shows_neither_address_nor_why_it_was_lost,
                                  empty_region),
        cmocka_unit_test_teardown(special_expense_and_unregistered_assistance_have_answers_of_their_own,
                                  empty_region),
        cmocka_unit_test_teardown(an_answer_says_when_by_whom_and_whether_a_change_is_pending, empty_region),
        cmocka_unit_test_teardown(by_number_no_visit_token_is_given_and_the_answer_knows_whom_it_is_about,
                                  empty_region),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
