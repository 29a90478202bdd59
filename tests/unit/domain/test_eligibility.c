/* What holds of every answer, whatever is asked and whatever is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "calendar_words.h"
#include "facts_fixture.h"

enum { ROUNDS = 40000, FACTS_MAX = 5 };

static struct date some_day(struct dice *dice)
{
    static const char *const days[] = {"2020-04-01", "2024-04-01", "2026-10-01", "2026-11-21",
                                       "2026-11-22", "2026-11-23", "2027-04-01"};
    return day(days[dice_roll(dice, ARRAY_LENGTH(days))]);
}

static struct subscription_facts some_facts(struct dice *dice)
{
    struct subscription_facts facts = dice_roll(dice, 3) ? facts_in_force() : facts_newer();
    facts.subscription = 100 + dice_roll(dice, 3);
    facts.link = dice_roll(dice, 2) ? LINK_CONFIRMED : (enum link_state)dice_roll(dice, 5);
    facts.person.id = facts.link == LINK_NONE ? 0 : 7 + dice_roll(dice, 2);
    facts.person.non_disclosure = dice_roll(dice, 6) == 0;
    facts.person.self_information_blocked = dice_roll(dice, 12) == 0;
    facts.person.card_use_registered = dice_roll(dice, 2);
    facts.coverage.acquired = some_day(dice);
    facts.coverage.lost = dice_roll(dice, 2) ? DATE_NONE : some_day(dice);
    facts.coverage.loss_reason =
        date_is_none(facts.coverage.lost) ? LOSS_REASON_NONE : (enum loss_reason)(1 + dice_roll(dice, 3));
    facts.coverage.special_expense = dice_roll(dice, 8) == 0;
    facts.coverage.change_pending = dice_roll(dice, 4) == 0;
    return facts;
}

static struct certificate_facts some_certificate(struct dice *dice)
{
    struct certificate_facts certificate = certificate_of_person();
    certificate.known = dice_roll(dice, 8) != 0;
    certificate.state = dice_roll(dice, 3) ? CERTIFICATE_ACTIVE : (enum certificate_state)dice_roll(dice, 5);
    certificate.enrolment =
        dice_roll(dice, 3) ? ENROLMENT_IN_FORCE : (enum enrolment_state)dice_roll(dice, 4);
    certificate.last_day = dice_roll(dice, 2) ? day("2029-02-17") : some_day(dice);
    certificate.on_phone = dice_roll(dice, 4) == 0;
    certificate.person.self_information_blocked = dice_roll(dice, 10) == 0;
    return certificate;
}

static bool someone_is_protected(const struct subscription_facts *facts, size_t count, int64_t person)
{
    for (size_t i = 0; i < count; i++)
        if (facts[i].person.id == person &&
            (facts[i].person.non_disclosure || facts[i].person.self_information_blocked))
            return true;
    return false;
}

static void check_any(const struct answer *answer, const struct question *question,
                      const struct subscription_facts *facts, size_t count)
{
    const struct answer_content *content = answer_content(answer);
    const struct reason_entry *entry = reason_entry(content->reason);
    assert_int_equal(entry->kind, REASON_KIND_ANSWER);
    assert_int_equal(content->result, entry->result);
    assert_int_equal(content->cd006, entry->cd006);
    assert_int_equal(content->as_of, question->asked_at);
    assert_memory_equal(content->event_id, question->event_id, 16);
    assert_int_equal(content->has_coverage, content->result != RESULT_CANNOT_BE_CONFIRMED);

    const struct disclosed_coverage *shown = &content->coverage;
    if (!content->has_coverage) {
        assert_string_equal(shown->key.insurer.digits, "");
        assert_false(name_is_stated(&shown->person.name));
        assert_int_equal(content->registered_by.length, 0);
        return;
    }
    bool in_force = !date_before(question->day, shown->acquired) && date_before(question->day, shown->lost);
    assert_int_equal(in_force, content->result == RESULT_ELIGIBLE);
    bool shows_address = shown->person.address.text.length || shown->person.postal_code.digits[0];
    if (someone_is_protected(facts, count, answer_person(answer))) {
        assert_false(shows_address);
        assert_int_not_equal(content->reason, REASON_LOST_NEWER_EXISTS);
    }
    if (content->result == RESULT_NOT_ELIGIBLE)
        assert_false(shows_address);
}

/* A failure, a lag or a missing number is never reported as not eligible. */
static bool has_unconfirmed(const struct subscription_facts *facts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (insured_key_same_number(&facts[i].coverage.key,
                                    &(struct insured_key){.insurer = facts_in_force().coverage.key.insurer,
                                                          .symbol = facts_in_force().coverage.key.symbol,
                                                          .number = facts_in_force().coverage.key.number}) &&
            facts[i].link != LINK_CONFIRMED)
            return true;
    return false;
}

static void shuffle(struct dice *dice, struct subscription_facts *facts, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = dice_roll(dice, (uint32_t)i);
        struct subscription_facts swapped = facts[i - 1];
        facts[i - 1] = facts[j];
        facts[j] = swapped;
    }
}

static void Q10_by_number_every_answer_keeps_the_promises(void **state)
{
    (void)state;
    struct dice dice = dice_of(10, 1);
    struct region region = {0};
    struct question question = question_by_number();
    unsigned seen[REASON_LIMIT] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        struct subscription_facts facts[FACTS_MAX];
        size_t count = dice_roll(&dice, FACTS_MAX + 1);
        for (size_t i = 0; i < count; i++) {
            facts[i] = some_facts(&dice);
            facts[i].coverage.registered_at += (moment)i; /* no two versions are of the same moment */
        }
        const struct answer *answer = eligibility_decide_by_number(&region, &question, facts, count);
        enum reason reason = answer_content(answer)->reason;
        check_any(answer, &question, facts, count);
        assert_false(answer_allows_visit_token(answer));
        if (answer_content(answer)->result != RESULT_CANNOT_BE_CONFIRMED)
            assert_false(has_unconfirmed(facts, count));
        shuffle(&dice, facts, count);
        const struct answer *again = eligibility_decide_by_number(&region, &question, facts, count);
        assert_int_equal(answer_content(again)->reason, reason);
        seen[reason]++;
        region_reset(&region);
    }
    static const enum reason possible[] = {
        REASON_IN_FORCE,         REASON_IN_FORCE_SPECIAL_EXPENSE, REASON_LOST,
        REASON_NOT_YET_ACQUIRED, REASON_LOST_NEWER_EXISTS,        REASON_NO_SUCH_COVERAGE,
        REASON_SEVERAL_MATCH,    REASON_NUMBER_NOT_REGISTERED,    REASON_UNDER_VERIFICATION};
    for (size_t i = 0; i < ARRAY_LENGTH(possible); i++)
        assert_true(seen[possible[i]] > 20);
    region_free(&region);
}

static void Q10_by_card_every_answer_keeps_the_promises(void **state)
{
    (void)state;
    struct dice dice = dice_of(10, 2);
    struct region region = {0};
    struct question question = question_by_card();
    unsigned seen[REASON_LIMIT] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        struct subscription_facts facts[FACTS_MAX];
        size_t count = dice_roll(&dice, FACTS_MAX + 1);
        for (size_t i = 0; i < count; i++) {
            facts[i] = some_facts(&dice);
            facts[i].coverage.registered_at += (moment)i; /* no two versions are of the same moment */
        }
        struct certificate_facts certificate = some_certificate(&dice);
        const struct answer *answer =
            eligibility_decide_by_card(&region, &question, &certificate, facts, count);
        const struct answer_content *content = answer_content(answer);
        enum reason reason = content->reason;
        check_any(answer, &question, facts, count);
        bool is_sound = certificate.known && certificate.enrolment == ENROLMENT_IN_FORCE &&
                        (certificate.state == CERTIFICATE_ACTIVE || certificate.state == CERTIFICATE_EXPIRED);
        if (content->result != RESULT_CANNOT_BE_CONFIRMED)
            assert_true(is_sound && !certificate.person.self_information_blocked);
        if (answer_allows_visit_token(answer))
            assert_true(content->result == RESULT_ELIGIBLE && certificate.state == CERTIFICATE_ACTIVE &&
                        !date_before(certificate.last_day, question.day));
        shuffle(&dice, facts, count);
        const struct answer *again =
            eligibility_decide_by_card(&region, &question, &certificate, facts, count);
        assert_int_equal(answer_content(again)->reason, reason);
        seen[reason]++;
        region_reset(&region);
    }
    static const enum reason possible[] = {
        REASON_IN_FORCE,     REASON_IN_FORCE_GRACE,      REASON_IN_FORCE_SPECIAL_EXPENSE,
        REASON_LOST,         REASON_CARD_NOT_USABLE,     REASON_NEW_COVERAGE_NOT_REGISTERED,
        REASON_NOT_ENROLLED, REASON_CERTIFICATE_EXPIRED, REASON_NUMBER_NOT_REGISTERED};
    for (size_t i = 0; i < ARRAY_LENGTH(possible); i++)
        assert_true(seen[possible[i]] > 20);
    assert_int_equal(seen[REASON_NO_SUCH_COVERAGE] + seen[REASON_SEVERAL_MATCH] +
                         seen[REASON_UNDER_VERIFICATION] + seen[REASON_LOST_NEWER_EXISTS],
                     0);
    region_free(&region);
}

static void a_failure_is_always_an_answer_that_confirms_nothing(void **state)
{
    (void)state;
    struct region region = {0};
    struct question questions[] = {question_by_card(), question_by_number()};
    for (size_t i = 0; i < ARRAY_LENGTH(questions); i++) {
        for (int reason = -1; reason <= REASON_LIMIT; reason++) {
            const struct answer *answer = eligibility_failed(&region, &questions[i], (enum reason)reason);
            const struct answer_content *content = answer_content(answer);
            bool is_failure = reason == REASON_CENTRE_UNREACHABLE || reason == REASON_AUTHORITY_UNREACHABLE ||
                              reason == REASON_TOO_BUSY || reason == REASON_INTERNAL;
            assert_int_equal(content->reason, is_failure ? reason : REASON_INTERNAL);
            assert_int_equal(content->result, RESULT_CANNOT_BE_CONFIRMED);
            assert_int_equal(content->cd006, 0);
            assert_false(content->has_coverage);
            assert_false(answer_allows_visit_token(answer));
            assert_int_equal(content->kind, questions[i].kind);
        }
    }
    region_free(&region);
}

static void without_memory_an_answer_confirms_nothing(void **state)
{
    (void)state;
    struct region region = {.limit = 16};
    struct question number = question_by_number(), card = question_by_card();
    struct subscription_facts facts = facts_in_force();
    struct certificate_facts certificate = certificate_of_person();
    const struct answer *answers[] = {
        eligibility_decide_by_number(&region, &number, &facts, 1),
        eligibility_decide_by_card(&region, &card, &certificate, &facts, 1),
        eligibility_failed(&region, &card, REASON_TOO_BUSY),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        assert_int_equal(answer_content(answers[i])->reason, REASON_INTERNAL);
        assert_int_equal(answer_content(answers[i])->result, RESULT_CANNOT_BE_CONFIRMED);
        assert_false(answer_content(answers[i])->has_coverage);
        assert_true(date_is_none(answer_content(answers[i])->day));
    }
    region_free(&region);
}

static void days_of_treatment_lie_within_what_may_be_asked(void **state)
{
    (void)state;
    static const struct {
        const char *on;
        bool by_number, by_card;
    } cases[] = {
        {"2021-11-21", false, false}, {"2021-11-22", true, false},  {"2026-09-30", true, false},
        {"2026-10-01", true, true},   {"2026-11-22", true, true},   {"2026-11-23", true, false},
        {"2026-12-22", true, false},  {"2026-12-23", false, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(day_of_treatment_refusal(QUESTION_BY_NUMBER, day(cases[i].on), day(TODAY)),
                         cases[i].by_number ? REASON_NONE : REASON_DAY_OUT_OF_RANGE);
        assert_int_equal(day_of_treatment_refusal(QUESTION_BY_CARD, day(cases[i].on), day(TODAY)),
                         cases[i].by_card ? REASON_NONE : REASON_DAY_OUT_OF_RANGE);
    }
    assert_int_equal(day_of_treatment_refusal(QUESTION_BY_NUMBER, DATE_NONE, day(TODAY)),
                     REASON_DAY_OUT_OF_RANGE);
    struct date read;
    assert_int_equal(day_of_treatment_parse("20261122", 8, &read), REASON_NONE);
    assert_true(date_equal(read, day(TODAY)));
    assert_int_equal(day_of_treatment_parse("20261131", 8, &read), REASON_MALFORMED_DAY);
    assert_int_equal(day_of_treatment_parse("", 0, &read), REASON_MALFORMED_DAY);
}

static void a_machine_is_refused_for_what_its_certificate_is_now(void **state)
{
    (void)state;
    static const struct {
        bool known;
        enum certificate_state state;
        const char *last_day;
        enum reason refusal;
    } cases[] = {
        {true, CERTIFICATE_ACTIVE, "2026-11-22", REASON_NONE},
        {true, CERTIFICATE_ACTIVE, "2026-11-21", REASON_MACHINE_CERTIFICATE_EXPIRED},
        {true, CERTIFICATE_EXPIRED, "2027-11-22", REASON_MACHINE_CERTIFICATE_EXPIRED},
        {true, CERTIFICATE_REVOKED, "2027-11-22", REASON_MACHINE_CERTIFICATE_REVOKED},
        {true, CERTIFICATE_SUSPENDED, "2027-11-22", REASON_MACHINE_CERTIFICATE_REVOKED},
        {true, CERTIFICATE_SUPERSEDED, "2027-11-22", REASON_MACHINE_CERTIFICATE_REVOKED},
        {false, CERTIFICATE_ACTIVE, "2027-11-22", REASON_MACHINE_CERTIFICATE_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct machine_certificate_facts facts = {
            .known = cases[i].known, .state = cases[i].state, .last_day = day(cases[i].last_day)};
        assert_int_equal(machine_certificate_refusal(&facts, day(TODAY)), cases[i].refusal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(Q10_by_number_every_answer_keeps_the_promises),
        cmocka_unit_test(Q10_by_card_every_answer_keeps_the_promises),
        cmocka_unit_test(a_failure_is_always_an_answer_that_confirms_nothing),
        cmocka_unit_test(without_memory_an_answer_confirms_nothing),
        cmocka_unit_test(days_of_treatment_lie_within_what_may_be_asked),
        cmocka_unit_test(a_machine_is_refused_for_what_its_certificate_is_now),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
