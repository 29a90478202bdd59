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

static const struct answer *decide(struct certificate_facts certificate,
                                   const struct subscription_facts *facts, size_t count)
{
    struct question question = question_by_card();
    return eligibility_decide_by_card(&region, &question, &certificate, facts, count);
}

static enum reason reason_of(struct certificate_facts certificate, const struct subscription_facts *facts,
                             size_t count)
{
    return answer_content(decide(certificate, facts, count))->reason;
}

/* Lines 1 to 5 of the table in domain/eligibility.h: every state, term and enrolment of a card. */
static void what_the_card_is_decides_before_any_coverage_is_looked_at(void **state)
{
    (void)state;
    enum term { RUNS, GRACE, ENDED, TERMS };
    static const char *const last_days[TERMS] = {"2029-02-17", "2026-08-31", "2026-07-31"};
    struct subscription_facts facts = facts_in_force();
    for (int card_state = CERTIFICATE_ACTIVE; card_state <= CERTIFICATE_SUPERSEDED; card_state++) {
        for (int term = 0; term < TERMS; term++) {
            for (int enrolment = ENROLMENT_NONE; enrolment <= ENROLMENT_RELEASED; enrolment++) {
                struct certificate_facts certificate = certificate_of_person();
                certificate.state = (enum certificate_state)card_state;
                certificate.last_day = day(last_days[term]);
                certificate.enrolment = (enum enrolment_state)enrolment;
                bool is_unusable = card_state == CERTIFICATE_SUSPENDED || card_state == CERTIFICATE_REVOKED ||
                                   card_state == CERTIFICATE_SUPERSEDED || enrolment == ENROLMENT_RELEASED;
                /* The authority's "expired" counts before the last day that we hold. */
                bool in_grace = term == GRACE || (term == RUNS && card_state == CERTIFICATE_EXPIRED);
                enum reason expected = REASON_IN_FORCE;
                if (is_unusable)
                    expected = REASON_CARD_NOT_USABLE;
                else if (term == ENDED || (in_grace && enrolment == ENROLMENT_NONE))
                    expected = REASON_CERTIFICATE_EXPIRED;
                else if (enrolment == ENROLMENT_WITHOUT_NUMBER)
                    expected = REASON_NUMBER_NOT_REGISTERED;
                else if (enrolment == ENROLMENT_NONE)
                    expected = REASON_NOT_ENROLLED;
                else if (in_grace)
                    expected = REASON_IN_FORCE_GRACE;
                assert_int_equal(reason_of(certificate, &facts, 1), expected);
            }
        }
    }
}

static void a_card_that_nobody_knows_leads_to_enrolment(void **state)
{
    (void)state;
    struct subscription_facts facts = facts_in_force();
    struct certificate_facts unknown = certificate_of_person();
    unknown.known = false;
    assert_int_equal(reason_of(unknown, &facts, 1), REASON_NOT_ENROLLED);
    struct certificate_facts nobody = certificate_of_person();
    nobody.person = (struct person_facts){0};
    assert_int_equal(reason_of(nobody, &facts, 1), REASON_NOT_ENROLLED);
    assert_int_equal(answer_content(decide(nobody, &facts, 1))->cd006, 0);
}

/* Domain facts: one code, one text. Who looks at the answer cannot tell a fleeing person's card from a lost
 * one. */
static void Q1_every_unusable_card_gets_the_same_answer_to_the_last_byte(void **state)
{
    (void)state;
    struct certificate_facts certificates[7];
    struct subscription_facts facts[7];
    for (size_t i = 0; i < 7; i++) {
        certificates[i] = certificate_of_person();
        facts[i] = facts_in_force();
    }
    certificates[0].state = CERTIFICATE_SUSPENDED;
    certificates[1].state = CERTIFICATE_REVOKED;
    certificates[2].state = CERTIFICATE_SUPERSEDED;
    certificates[3].enrolment = ENROLMENT_RELEASED;
    certificates[4].person.self_information_blocked = true;
    facts[5].person.self_information_blocked = true;
    facts[6].link = LINK_QUARANTINED;
    const struct answer_content expected = *answer_content(decide(certificates[0], &facts[0], 1));
    assert_int_equal(expected.reason, REASON_CARD_NOT_USABLE);
    for (size_t i = 0; i < 7; i++) {
        const struct answer *answer = decide(certificates[i], &facts[i], 1);
        assert_memory_equal(answer_content(answer), &expected, sizeof(expected));
        assert_false(answer_allows_visit_token(answer));
    }
    facts[6].link = LINK_RELEASED;
    assert_memory_equal(answer_content(decide(certificate_of_person(), &facts[6], 1)), &expected,
                        sizeof(expected));
    assert_false(expected.has_coverage || expected.has_certificate_term || expected.change_pending);
}

static void Q1_a_person_in_safety_with_the_card_at_hand_is_served_without_an_address(void **state)
{
    (void)state;
    struct subscription_facts facts = facts_in_force();
    struct certificate_facts certificate = certificate_of_person();
    certificate.person.non_disclosure = true;
    const struct answer_content *content = answer_content(decide(certificate, &facts, 1));
    assert_int_equal(content->reason, REASON_IN_FORCE);
    assert_int_equal(content->coverage.person.address.text.length, 0);
    assert_string_equal(content->coverage.person.postal_code.digits, "");
}

/* Lines 6 to 11: the question is about the person. */
static void by_card_the_question_is_about_the_person(void **state)
{
    (void)state;
    struct subscription_facts none = facts_in_force();
    none.person.id = 8; /* someone else's */
    struct subscription_facts lost = facts_lost(), newer = facts_newer(), death = facts_lost();
    struct subscription_facts quarantined = facts_newer(), pending = facts_newer(), released = facts_newer();
    struct subscription_facts future = facts_newer();
    death.coverage.loss_reason = LOSS_REASON_DEATH;
    quarantined.link = LINK_QUARANTINED;
    pending.link = LINK_PENDING;
    released.link = LINK_RELEASED;
    future.coverage.acquired = day("2026-12-01");
    const struct {
        struct subscription_facts facts[2];
        size_t count;
        enum reason reason;
    } cases[] = {
        {{lost, newer}, 2, REASON_IN_FORCE},
        {{newer, lost}, 2, REASON_IN_FORCE},
        {{newer, quarantined}, 2, REASON_IN_FORCE}, /* someone else's mistake does not stop the person */
        {{lost, quarantined}, 2, REASON_CARD_NOT_USABLE},
        {{quarantined}, 1, REASON_CARD_NOT_USABLE},
        {{released}, 1, REASON_CARD_NOT_USABLE},
        {{lost, released}, 2, REASON_NEW_COVERAGE_NOT_REGISTERED}, /* a link put right long ago */
        {{lost, pending}, 2, REASON_NEW_COVERAGE_NOT_REGISTERED},
        {{pending}, 1, REASON_NEW_COVERAGE_NOT_REGISTERED},
        {{death, pending}, 2, REASON_NEW_COVERAGE_NOT_REGISTERED},
        {{none}, 0, REASON_NUMBER_NOT_REGISTERED},
        {{none}, 1, REASON_NUMBER_NOT_REGISTERED},
        {{lost}, 1, REASON_NEW_COVERAGE_NOT_REGISTERED},
        {{lost, future}, 2, REASON_NEW_COVERAGE_NOT_REGISTERED},
        {{future}, 1, REASON_NEW_COVERAGE_NOT_REGISTERED},
        {{death}, 1, REASON_LOST},
        {{death, future}, 2, REASON_NEW_COVERAGE_NOT_REGISTERED}, /* acquired after a death: one is wrong */
        {{death, newer}, 2, REASON_IN_FORCE},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_int_equal(reason_of(certificate_of_person(), cases[i].facts, cases[i].count), cases[i].reason);
}

static void only_a_death_makes_a_card_not_eligible_and_only_the_last_loss_counts(void **state)
{
    (void)state;
    static const enum loss_reason reasons[] = {LOSS_REASON_NONE, LOSS_REASON_PUBLIC_ASSISTANCE,
                                               LOSS_REASON_OTHER_INSURANCE, LOSS_REASON_OTHER};
    for (size_t i = 0; i < ARRAY_LENGTH(reasons); i++) {
        struct subscription_facts facts[] = {facts_lost(), facts_lost()};
        facts[0].coverage.loss_reason = reasons[i];
        assert_int_equal(reason_of(certificate_of_person(), facts, 1), REASON_NEW_COVERAGE_NOT_REGISTERED);
        /* A death that lies before a later coverage was a mistake. */
        facts[1].coverage.loss_reason = LOSS_REASON_DEATH;
        facts[1].coverage.acquired = day("2020-01-01");
        facts[1].coverage.lost = day("2024-01-01");
        assert_int_equal(reason_of(certificate_of_person(), facts, 2), REASON_NEW_COVERAGE_NOT_REGISTERED);
    }
    struct subscription_facts death = facts_lost();
    death.coverage.loss_reason = LOSS_REASON_DEATH;
    const struct answer_content *content = answer_content(decide(certificate_of_person(), &death, 1));
    assert_int_equal(content->result, RESULT_NOT_ELIGIBLE);
    assert_true(content->has_coverage);
    assert_int_equal(content->coverage.person.address.text.length, 0);
}

static void of_several_coverages_in_force_insurance_and_then_the_latest_counts(void **state)
{
    (void)state;
    struct subscription_facts a = facts_in_force(), b = facts_newer(), assistance = facts_newer();
    struct subscription_facts facts[3];
    assistance.subscription = 300;
    assistance.coverage.key = key_of(ASSISTANCE, "", "1234566", "");
    assistance.coverage.acquired = day("2026-11-01");
    for (int order = 0; order < 6; order++) {
        struct subscription_facts all[] = {a, b, assistance};
        facts[0] = all[order % 3];
        facts[1] = all[(order + (order < 3 ? 1 : 2)) % 3];
        facts[2] = all[(order + (order < 3 ? 2 : 1)) % 3];
        assert_int_equal(answer_subscription(decide(certificate_of_person(), facts, 3)), b.subscription);
    }
    b.coverage.acquired = a.coverage.acquired; /* the one that was registered later */
    struct subscription_facts same_day[] = {a, b};
    assert_int_equal(answer_subscription(decide(certificate_of_person(), same_day, 2)), b.subscription);
    same_day[1].coverage.registered_at = a.coverage.registered_at;
    assert_int_equal(answer_subscription(decide(certificate_of_person(), same_day, 2)), b.subscription);
    assert_int_equal(answer_subscription(decide(certificate_of_person(), &assistance, 1)), 300);
}

static void a_lapsed_certificate_still_proves_coverage_but_opens_no_records(void **state)
{
    (void)state;
    static const struct {
        const char *last_day;
        bool on_phone;
        enum reason reason;
        bool token;
        enum certificate_term term;
    } cases[] = {
        {"2027-02-23", false, REASON_IN_FORCE, true, CERTIFICATE_TERM_RUNS},
        {"2027-02-22", false, REASON_IN_FORCE, true, CERTIFICATE_TERM_ENDS_SOON},
        {"2026-11-22", false, REASON_IN_FORCE, true, CERTIFICATE_TERM_ENDS_SOON},
        {"2026-11-21", false, REASON_IN_FORCE_GRACE, false, CERTIFICATE_TERM_IN_GRACE},
        {"2026-08-01", false, REASON_IN_FORCE_GRACE, false, CERTIFICATE_TERM_IN_GRACE},
        {"2026-07-31", false, REASON_CERTIFICATE_EXPIRED, false, 0},
        {"2026-11-22", true, REASON_IN_FORCE, true, CERTIFICATE_TERM_ENDS_SOON},
        {"2026-11-21", true, REASON_CERTIFICATE_EXPIRED, false, 0},
    };
    struct subscription_facts facts = facts_in_force();
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct certificate_facts certificate = certificate_of_person();
        certificate.last_day = day(cases[i].last_day);
        certificate.on_phone = cases[i].on_phone;
        const struct answer *answer = decide(certificate, &facts, 1);
        const struct answer_content *content = answer_content(answer);
        assert_int_equal(content->reason, cases[i].reason);
        assert_int_equal(answer_allows_visit_token(answer), cases[i].token);
        assert_int_equal(content->has_certificate_term, content->result == RESULT_ELIGIBLE);
        if (content->has_certificate_term)
            assert_int_equal(content->certificate_term, cases[i].term);
    }
}

static void special_expense_is_shown_in_grace_too_and_still_opens_no_records(void **state)
{
    (void)state;
    struct subscription_facts facts = facts_in_force();
    struct certificate_facts certificate = certificate_of_person();
    facts.coverage.special_expense = true;
    assert_int_equal(reason_of(certificate, &facts, 1), REASON_IN_FORCE_SPECIAL_EXPENSE);
    assert_true(answer_allows_visit_token(decide(certificate, &facts, 1)));
    certificate.last_day = day("2026-11-01");
    const struct answer *answer = decide(certificate, &facts, 1);
    assert_int_equal(answer_content(answer)->reason, REASON_IN_FORCE_SPECIAL_EXPENSE);
    assert_int_equal(answer_content(answer)->certificate_term, CERTIFICATE_TERM_IN_GRACE);
    assert_false(answer_allows_visit_token(answer));
}

/* The card is used now, whatever day is asked about. */
static void a_day_before_expiry_does_not_revive_a_certificate(void **state)
{
    (void)state;
    struct subscription_facts facts = facts_in_force();
    struct certificate_facts certificate = certificate_of_person();
    struct question question = question_by_card();
    certificate.last_day = day("2026-11-21");
    question.day = day("2026-11-01");
    const struct answer *answer = eligibility_decide_by_card(&region, &question, &certificate, &facts, 1);
    assert_int_equal(answer_content(answer)->reason, REASON_IN_FORCE_GRACE);
    assert_false(answer_allows_visit_token(answer));
}

static void how_the_person_was_identified_is_told(void **state)
{
    (void)state;
    struct subscription_facts facts = facts_in_force();
    struct certificate_facts certificate = certificate_of_person();
    for (int how = AUTHENTICATED_BY_NONE; how <= AUTHENTICATED_BY_STAFF_EYES; how++) {
        struct question question = question_by_card();
        question.authenticated_by = (enum authentication)how;
        const struct answer *answer = eligibility_decide_by_card(&region, &question, &certificate, &facts, 1);
        assert_int_equal(answer_content(answer)->authenticated_by, how);
        enum authentication read;
        const char *code = authentication_code((enum authentication)how);
        assert_true(authentication_by_code(code, strlen(code), &read));
        assert_int_equal(read, how);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_the_card_is_decides_before_any_coverage_is_looked_at, empty_region),
        cmocka_unit_test_teardown(a_card_that_nobody_knows_leads_to_enrolment, empty_region),
        cmocka_unit_test_teardown(Q1_every_unusable_card_gets_the_same_answer_to_the_last_byte, empty_region),
        cmocka_unit_test_teardown(Q1_a_person_in_safety_with_the_card_at_hand_is_served_without_an_address,
                                  empty_region),
        cmocka_unit_test_teardown(by_card_the_question_is_about_the_person, empty_region),
        cmocka_unit_test_teardown(only_a_death_makes_a_card_not_eligible_and_only_the_last_loss_counts,
                                  empty_region),
        cmocka_unit_test_teardown(of_several_coverages_in_force_insurance_and_then_the_latest_counts,
                                  empty_region),
        cmocka_unit_test_teardown(a_lapsed_certificate_still_proves_coverage_but_opens_no_records,
                                  empty_region),
        cmocka_unit_test_teardown(special_expense_is_shown_in_grace_too_and_still_opens_no_records,
                                  empty_region),
        cmocka_unit_test_teardown(a_day_before_expiry_does_not_revive_a_certificate, empty_region),
        cmocka_unit_test_teardown(how_the_person_was_identified_is_told, empty_region),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
