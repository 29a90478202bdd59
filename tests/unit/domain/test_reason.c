#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "domain/reason.h"

/* The table "Results and reasons": what every answer comes to. */
static void every_answer_has_its_result_and_its_validity_code(void **state)
{
    (void)state;
    static const struct {
        enum reason reason;
        enum result result;
        int cd006;
    } cases[] = {
        {REASON_IN_FORCE, RESULT_ELIGIBLE, 1},
        {REASON_IN_FORCE_GRACE, RESULT_ELIGIBLE, 1},
        {REASON_IN_FORCE_SPECIAL_EXPENSE, RESULT_ELIGIBLE, 1},
        {REASON_IN_FORCE_UNREGISTERED, RESULT_ELIGIBLE, 6},
        {REASON_LOST, RESULT_NOT_ELIGIBLE, 2},
        {REASON_NOT_YET_ACQUIRED, RESULT_NOT_ELIGIBLE, 2},
        {REASON_LOST_NEWER_EXISTS, RESULT_NOT_ELIGIBLE, 3},
        {REASON_NO_SUCH_COVERAGE, RESULT_CANNOT_BE_CONFIRMED, 4},
        {REASON_SEVERAL_MATCH, RESULT_CANNOT_BE_CONFIRMED, 5},
        {REASON_NEW_COVERAGE_NOT_REGISTERED, RESULT_CANNOT_BE_CONFIRMED, 0},
        {REASON_NUMBER_NOT_REGISTERED, RESULT_CANNOT_BE_CONFIRMED, 0},
        {REASON_UNDER_VERIFICATION, RESULT_CANNOT_BE_CONFIRMED, 0},
        {REASON_CARD_NOT_USABLE, RESULT_CANNOT_BE_CONFIRMED, 0},
        {REASON_NOT_ENROLLED, RESULT_CANNOT_BE_CONFIRMED, 0},
        {REASON_CERTIFICATE_EXPIRED, RESULT_CANNOT_BE_CONFIRMED, 0},
        {REASON_CENTRE_UNREACHABLE, RESULT_CANNOT_BE_CONFIRMED, 0},
        {REASON_AUTHORITY_UNREACHABLE, RESULT_CANNOT_BE_CONFIRMED, 0},
        {REASON_TOO_BUSY, RESULT_CANNOT_BE_CONFIRMED, 0},
        {REASON_INTERNAL, RESULT_CANNOT_BE_CONFIRMED, 0},
    };
    size_t answers = 0;
    for (int reason = 1; reason < REASON_LIMIT; reason++)
        answers += reason_entry((enum reason)reason)->kind == REASON_KIND_ANSWER;
    assert_int_equal(answers, ARRAY_LENGTH(cases));
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const struct reason_entry *entry = reason_entry(cases[i].reason);
        assert_int_equal(entry->kind, REASON_KIND_ANSWER);
        assert_int_equal(entry->result, cases[i].result);
        assert_int_equal(entry->cd006, cases[i].cd006);
    }
}

static void every_code_leads_to_its_entry_and_nothing_else_does(void **state)
{
    (void)state;
    for (int reason = 1; reason < REASON_LIMIT; reason++) {
        const struct reason_entry *entry = reason_entry((enum reason)reason);
        size_t length = strlen(entry->code);
        assert_int_equal(entry->reason, reason);
        assert_ptr_equal(reason_by_code(entry->code, length), entry);
        assert_string_equal(reason_code(entry->reason), entry->code);
        const struct reason_entry *shorter = reason_by_code(entry->code, length - 1);
        assert_true(shorter == NULL || strlen(shorter->code) == length - 1);
    }
    assert_null(reason_by_code("", 0));
    assert_null(reason_by_code("in_forcex", 9));
    assert_null(reason_by_code("none", 4));
    assert_string_equal(reason_code(REASON_NONE), "none");
}

static void a_value_that_is_no_reason_reads_as_an_internal_failure(void **state)
{
    (void)state;
    assert_int_equal(reason_entry(REASON_NONE)->reason, REASON_INTERNAL);
    assert_int_equal(reason_entry((enum reason)REASON_LIMIT)->reason, REASON_INTERNAL);
    assert_int_equal(reason_entry((enum reason)4711)->reason, REASON_INTERNAL);
}

static void every_entry_says_something_in_both_languages(void **state)
{
    (void)state;
    for (int reason = 1; reason < REASON_LIMIT; reason++) {
        const struct reason_entry *entry = reason_entry((enum reason)reason);
        assert_true(strlen(entry->staff_ja) > 10);
        assert_true(strlen(entry->staff_en) > 10);
        assert_true(strlen(entry->developer) > 3);
        assert_true(entry->http_status >= 200 && entry->http_status <= 599);
        assert_int_equal(entry->retry == RETRY_AFTER, entry->retry_after > 0);
        for (size_t i = 0; i < entry->next_step_count; i++)
            assert_non_null(next_step_entry(entry->next_steps[i]));
    }
}

/* 特別療養費 aside: about 3,400 patients were charged in full in the one survey. */
static void no_text_proposes_full_payment(void **state)
{
    (void)state;
    static const char *const full[] = {"全額", "10割", "１０割", "十割", "100%", "100％", "100 %", "in full"};
    for (size_t i = 0; i < ARRAY_LENGTH(full); i++) {
        for (int reason = 1; reason < REASON_LIMIT; reason++) {
            const struct reason_entry *entry = reason_entry((enum reason)reason);
            bool is_special = reason == REASON_IN_FORCE_SPECIAL_EXPENSE;
            assert_true(is_special ||
                        (!strstr(entry->staff_ja, full[i]) && !strstr(entry->staff_en, full[i])));
        }
        for (int step = 1; step < NEXT_STEP_COUNT; step++) {
            const struct next_step_entry *entry = next_step_entry((enum next_step)step);
            bool is_special = step == NEXT_STEP_PAY_IN_FULL_FIRST;
            assert_true(is_special || (!strstr(entry->ja, full[i]) && !strstr(entry->en, full[i])));
        }
    }
    for (int reason = 1; reason < REASON_LIMIT; reason++)
        for (size_t i = 0; i < reason_entry((enum reason)reason)->next_step_count; i++)
            assert_true(reason == REASON_IN_FORCE_SPECIAL_EXPENSE ||
                        reason_entry((enum reason)reason)->next_steps[i] != NEXT_STEP_PAY_IN_FULL_FIRST);
}

static void what_confirms_nothing_ends_with_the_official_ladder(void **state)
{
    (void)state;
    static const enum next_step ladder[] = {NEXT_STEP_PORTAL_SCREEN, NEXT_STEP_NOTICE_WITH_CARD,
                                            NEXT_STEP_PERSONS_WORD, NEXT_STEP_DECLARATION_FORM,
                                            NEXT_STEP_USUAL_COPAYMENT};
    for (int reason = 1; reason < REASON_LIMIT; reason++) {
        const struct reason_entry *entry = reason_entry((enum reason)reason);
        if (entry->kind != REASON_KIND_ANSWER || entry->result == RESULT_ELIGIBLE)
            continue;
        assert_true(entry->next_step_count >= ARRAY_LENGTH(ladder));
        size_t start = entry->next_step_count - ARRAY_LENGTH(ladder);
        for (size_t i = 0; i < ARRAY_LENGTH(ladder); i++)
            assert_int_equal(entry->next_steps[start + i], ladder[i]);
    }
}

static void an_unusable_card_is_spoken_of_in_the_one_text(void **state)
{
    (void)state;
    assert_string_equal(
        reason_entry(REASON_CARD_NOT_USABLE)->staff_ja,
        "このカードは健康保険証として利用できません。ご加入の医療保険者にお問い合わせください。");
}

static void Q10_a_missing_number_is_said_not_to_mean_no_coverage_and_leads_to_an_inquiry(void **state)
{
    (void)state;
    const struct reason_entry *entry = reason_entry(REASON_NUMBER_NOT_REGISTERED);
    assert_non_null(strstr(entry->staff_ja, "資格がないという意味ではありません"));
    assert_int_equal(entry->next_steps[0], NEXT_STEP_SEND_INQUIRY);
    assert_int_equal(entry->fault, FAULT_INSURER);
}

static void Q8_lifting_is_never_by_telephone_and_a_locked_pin_leads_to_the_counter(void **state)
{
    (void)state;
    const struct reason_entry *locked = reason_entry(REASON_PIN_LOCKED);
    bool names_the_counter = false;
    for (size_t i = 0; i < locked->next_step_count; i++)
        names_the_counter |= locked->next_steps[i] == NEXT_STEP_MUNICIPAL_OFFICE;
    assert_true(names_the_counter);
    for (int reason = 1; reason < REASON_LIMIT; reason++)
        assert_null(strstr(reason_entry((enum reason)reason)->staff_ja, "電話で解除"));
}

static void words_of_results_faults_and_steps_go_there_and_back(void **state)
{
    (void)state;
    enum result result;
    enum fault fault;
    for (int i = RESULT_CANNOT_BE_CONFIRMED; i <= RESULT_NOT_ELIGIBLE; i++) {
        const char *code = result_code((enum result)i);
        assert_true(result_by_code(code, strlen(code), &result));
        assert_int_equal(result, i);
    }
    for (int i = FAULT_NONE; i <= FAULT_CENTRE; i++) {
        const char *code = fault_code((enum fault)i);
        assert_true(fault_by_code(code, strlen(code), &fault));
        assert_int_equal(fault, i);
    }
    for (int i = 1; i < NEXT_STEP_COUNT; i++) {
        const struct next_step_entry *step = next_step_entry((enum next_step)i);
        assert_ptr_equal(next_step_by_code(step->code, strlen(step->code)), step);
    }
    assert_false(result_by_code("eligibl", 7, &result));
    assert_int_equal(result, RESULT_CANNOT_BE_CONFIRMED);
    assert_false(fault_by_code("", 0, &fault));
    assert_null(next_step_entry(NEXT_STEP_NONE));
    assert_null(next_step_by_code("", 0));
}

static void a_result_that_nobody_set_cannot_be_confirmed(void **state)
{
    (void)state;
    enum result unset = (enum result)0;
    assert_string_equal(result_code(unset), "cannot_be_confirmed");
    assert_string_equal(validity_ja(0), "現在確認できません");
    assert_string_equal(validity_ja(7), "現在確認できません");
    assert_string_equal(validity_ja(4), "資格情報なし");
    assert_string_equal(validity_ja(5), "該当複数");
    assert_string_equal(validity_ja(2), "資格（無効）");
    assert_string_equal(validity_ja(1), "有効");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_has_its_result_and_its_validity_code),
        cmocka_unit_test(every_code_leads_to_its_entry_and_nothing_else_does),
        cmocka_unit_test(a_value_that_is_no_reason_reads_as_an_internal_failure),
        cmocka_unit_test(every_entry_says_something_in_both_languages),
        cmocka_unit_test(no_text_proposes_full_payment),
        cmocka_unit_test(what_confirms_nothing_ends_with_the_official_ladder),
        cmocka_unit_test(an_unusable_card_is_spoken_of_in_the_one_text),
        cmocka_unit_test(Q10_a_missing_number_is_said_not_to_mean_no_coverage_and_leads_to_an_inquiry),
        cmocka_unit_test(Q8_lifting_is_never_by_telephone_and_a_locked_pin_leads_to_the_counter),
        cmocka_unit_test(words_of_results_faults_and_steps_go_there_and_back),
        cmocka_unit_test(a_result_that_nobody_set_cannot_be_confirmed),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
