#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "calendar_words.h"
#include "exchange/answer_json.h"
#include "facts_fixture.h"

static struct region region;

static int empty_region(void **state)
{
    (void)state;
    region_free(&region);
    return 0;
}

static const char *text_of(const struct answer *answer)
{
    struct buffer out = {0};
    assert_int_equal(answer_to_json_text(answer, (struct bytes){0}, &out), OK);
    const char *text = region_text(&region, (const char *)out.data, out.length);
    buffer_free(&out);
    return text;
}

static const struct answer *by_number(const struct subscription_facts *facts, size_t count)
{
    struct question question = question_by_number();
    return eligibility_decide_by_number(&region, &question, facts, count);
}

static const struct answer *by_card(struct certificate_facts certificate,
                                    const struct subscription_facts *facts, size_t count)
{
    struct question question = question_by_card();
    return eligibility_decide_by_card(&region, &question, &certificate, facts, count);
}

static void an_eligible_answer_is_written_in_full(void **state)
{
    (void)state;
    struct subscription_facts facts = facts_in_force();
    assert_string_equal(
        text_of(by_card(certificate_of_person(), &facts, 1)),
        "{\"result\":\"eligible\",\"validity\":1,\"validity_text\":{\"ja\":\"有効\",\"en\":\"valid\"},"
        "\"reason\":\"in_force\",\"message\":{\"ja\":\"資格は有効です。\",\"en\":\"Coverage is in force.\"},"
        "\"next_step\":null,\"further_steps\":[],\"fault\":\"none\",\"retry_after\":null,"
        "\"question\":\"card\",\"day\":\"2026-11-22\",\"as_of\":\"2026-11-22T10:00:00.000000+09:00\","
        "\"authenticated_by\":\"pin\",\"event_id\":\"04050600000000000000000000000000\","
        "\"coverage\":{\"insurer_number\":\"06139463\",\"symbol\":\"12-34\",\"number\":\"567\",\"branch\":"
        "\"00\","
        "\"insurer_name\":\"資格健康保険組合\",\"name\":\"髙橋　﨑子\",\"name_kana\":\"タカハシ　サキコ\","
        "\"alias\":\"山田\",\"birth_date\":\"1980-02-17\",\"address\":\"東京都千代田区霞が関1-2-2\","
        "\"postal_code\":\"100-0013\",\"acquired\":\"2024-04-01\",\"sex\":2,\"relationship\":\"insured\","
        "\"classification\":\"01\",\"copayment_percent\":30,\"preschool\":false,\"special_expense\":false,"
        "\"eligibility_certificate\":{\"issued\":\"2025-12-01\",\"last_day\":\"2029-11-30\"}},"
        "\"registered_at\":\"2024-04-05T10:00:00.000000+09:00\",\"registered_by\":\"資格健康保険組合\","
        "\"change_pending\":false,\"certificate\":{\"term\":\"runs\",\"last_day\":\"2029-02-17\"}}");
}

static void Q10_an_answer_that_confirms_nothing_discloses_nothing(void **state)
{
    (void)state;
    struct subscription_facts facts = facts_in_force();
    facts.link = LINK_NONE;
    facts.person = (struct person_facts){0};
    const char *text = text_of(by_number(&facts, 1));
    assert_non_null(strstr(text, "\"result\":\"cannot_be_confirmed\",\"validity\":null,"));
    assert_non_null(strstr(text, "\"reason\":\"number_not_registered\""));
    assert_non_null(strstr(text, "\"next_step\":{\"code\":\"send_inquiry\""));
    assert_non_null(strstr(text, "\"coverage\":null,\"registered_at\":null,\"registered_by\":null"));
    static const char *const of_the_person[] = {
        "髙橋", "567", "12-34", "06139463", "霞が関", "資格健康保険組合", "1980"};
    for (size_t i = 0; i < ARRAY_LENGTH(of_the_person); i++)
        assert_null(strstr(text, of_the_person[i]));
}

/* Compared as what leaves the house: not a byte tells a hidden address from one that was never stated. */
static void Q1_a_hidden_address_and_a_missing_one_are_the_same_bytes(void **state)
{
    (void)state;
    struct subscription_facts missing = facts_in_force(), hidden = facts_in_force();
    missing.coverage.person.address = (struct address){0};
    missing.coverage.person.postal_code = (struct postal_code){0};
    hidden.person.non_disclosure = true;
    const char *text = text_of(by_number(&hidden, 1));
    assert_string_equal(text, text_of(by_number(&missing, 1)));
    assert_null(strstr(text, "address"));
    assert_null(strstr(text, "postal_code"));
}

static void Q1_the_old_number_of_a_protected_person_answers_like_anyone_elses(void **state)
{
    (void)state;
    struct subscription_facts ordinary[] = {facts_lost()};
    struct subscription_facts protected[] = {facts_lost(), facts_newer()};
    protected[1].person.non_disclosure = true;
    const char *text = text_of(by_number(protected, 2));
    assert_string_equal(text, text_of(by_number(ordinary, 1)));
    static const char *const of_the_refuge[] = {"千代田区", "138057", "9-001", "lost_newer_exists",
                                                "loss_reason"};
    for (size_t i = 0; i < ARRAY_LENGTH(of_the_refuge); i++)
        assert_null(strstr(text, of_the_refuge[i]));
}

static void an_answer_is_read_back_as_it_was_told(void **state)
{
    (void)state;
    struct subscription_facts facts = facts_in_force();
    struct certificate_facts certificate = certificate_of_person();
    facts.coverage.elderly =
        (struct elderly_certificate){day("2026-07-20"), day("2026-08-01"), day("2027-07-31"), 20};
    certificate.last_day = day("2026-12-01");
    const char *text = text_of(by_card(certificate, &facts, 1));
    struct answer_view view;
    assert_int_equal(answer_from_json_text(bytes_of_text(text), &region, &view), OK);
    assert_int_equal(view.result, RESULT_ELIGIBLE);
    assert_int_equal(view.cd006, 1);
    assert_string_equal(view.validity_ja, "有効");
    assert_string_equal(view.reason, "in_force");
    assert_int_equal(view.question, QUESTION_BY_CARD);
    assert_int_equal(view.authenticated_by, AUTHENTICATED_BY_PIN);
    assert_true(date_equal(view.day, day(TODAY)));
    assert_int_equal(view.as_of, at(TODAY "T10:00:00+09:00"));
    assert_string_equal(view.event_id, "04050600000000000000000000000000");
    assert_true(view.has_coverage && view.has_registered_at);
    assert_string_equal(view.coverage.name, "髙橋　﨑子");
    assert_string_equal(view.coverage.insurer_number, "06139463");
    assert_string_equal(view.coverage.postal_code, "100-0013");
    assert_true(date_equal(view.coverage.birth, day("1980-02-17")));
    assert_true(date_is_none(view.coverage.lost));
    assert_int_equal(view.coverage.sex, 2);
    assert_int_equal(view.coverage.copayment_percent, 30);
    assert_int_equal(view.coverage.elderly.percent, 20);
    assert_true(date_equal(view.coverage.elderly.last_day, day("2027-07-31")));
    assert_true(date_equal(view.coverage.certificate.last_day, day("2029-11-30")));
    assert_string_equal(view.certificate_term, "ends_soon");
    assert_string_equal(view.visit_token, "");
    assert_int_equal(view.step_count, 0);
}

static void every_reason_is_told_and_read_back(void **state)
{
    (void)state;
    static const enum reason failures[] = {REASON_CENTRE_UNREACHABLE, REASON_AUTHORITY_UNREACHABLE,
                                           REASON_TOO_BUSY, REASON_INTERNAL};
    for (size_t i = 0; i < ARRAY_LENGTH(failures); i++) {
        struct question question = question_by_card();
        struct answer_view view;
        const char *text = text_of(eligibility_failed(&region, &question, failures[i]));
        const struct reason_entry *entry = reason_entry(failures[i]);
        assert_int_equal(answer_from_json_text(bytes_of_text(text), &region, &view), OK);
        assert_string_equal(view.reason, entry->code);
        assert_string_equal(view.message_ja, entry->staff_ja);
        assert_int_equal(view.retry_after, entry->retry_after);
        assert_int_equal(view.step_count, entry->next_step_count);
        assert_string_equal(view.steps[0].code, next_step_entry(entry->next_steps[0])->code);
        assert_string_equal(view.steps[view.step_count - 1].code, "usual_copayment");
        assert_false(view.has_coverage);
    }
}

/* What a client must never take for an answer: it says "the centre cannot be reached" then. */
static void what_is_not_an_answer_of_ours_is_refused(void **state)
{
    (void)state;
    struct subscription_facts facts = facts_in_force();
    const char *good = text_of(by_number(&facts, 1));
    static const struct {
        const char *from, *to;
    } changes[] = {
        {"\"eligible\"", "\"not_eligible\""}, /* does not go with CD006 1 */
        {"\"eligible\"", "\"perhaps\""},
        {"\"validity\":1", "\"validity\":4"},
        {"\"validity\":1", "\"validity\":null"},
        {"\"validity\":1", "\"validity\":\"1\""},
        {"\"result\":", "\"outcome\":"},
        {"\"reason\":", "\"because\":"},
        {"\"day\":\"2026-11-22\"", "\"day\":\"2026-11-31\""},
        {"\"as_of\":\"2026", "\"as_of\":\"never"},
        {"\"question\":\"number\"", "\"question\":\"face\""},
        {"\"authenticated_by\":\"none\"", "\"authenticated_by\":\"fax\""},
        {"\"change_pending\":false", "\"change_pending\":0"},
        {"\"coverage\":{", "\"covered\":{"},
        {"\"acquired\":\"2024", "\"acquired\":\"24"},
        {"\"certificate\":null", "\"certificate\":[]"},
        {"\"result\":", "\"result\":\"eligible\",\"result\":"},
    };
    struct answer_view view;
    assert_int_equal(answer_from_json_text(bytes_of_text(good), &region, &view), OK);
    for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
        const char *at_change = strstr(good, changes[i].from);
        assert_non_null(at_change);
        const char *bad = region_printf(&region, "%.*s%s%s", (int)(at_change - good), good, changes[i].to,
                                        at_change + strlen(changes[i].from));
        assert_int_equal(answer_from_json_text(bytes_of_text(bad), &region, &view), ERR_MALFORMED);
        assert_int_equal(view.result, RESULT_CANNOT_BE_CONFIRMED);
        assert_false(view.has_coverage);
    }
    static const char *const nonsense[] = {"", "[]", "null", "{}", "{\"result\":\"eligible\"}", "<html>"};
    for (size_t i = 0; i < ARRAY_LENGTH(nonsense); i++)
        assert_int_equal(answer_from_json_text(bytes_of_text(nonsense[i]), &region, &view), ERR_MALFORMED);
    assert_int_equal(answer_from_json_text(bytes_of(good, strlen(good) - 1), &region, &view), ERR_MALFORMED);
}

static void a_newer_centre_may_say_more_than_we_know(void **state)
{
    (void)state;
    struct subscription_facts facts = facts_in_force();
    const char *good = text_of(by_number(&facts, 1));
    const char *more =
        region_printf(&region, "{\"ceiling\":{\"category\":\"A01\"},\"visit_token\":\"abc\",%s", good + 1);
    const char *reason = strstr(more, "\"in_force\"");
    more = region_printf(&region, "%.*s\"in_force_tomorrow\"%s", (int)(reason - more), more, reason + 10);
    struct answer_view view;
    assert_int_equal(answer_from_json_text(bytes_of_text(more), &region, &view), OK);
    assert_string_equal(view.reason, "in_force_tomorrow");
    assert_string_equal(view.visit_token, "abc");
    assert_int_equal(view.result, RESULT_ELIGIBLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_eligible_answer_is_written_in_full, empty_region),
        cmocka_unit_test_teardown(Q10_an_answer_that_confirms_nothing_discloses_nothing, empty_region),
        cmocka_unit_test_teardown(Q1_a_hidden_address_and_a_missing_one_are_the_same_bytes, empty_region),
        cmocka_unit_test_teardown(Q1_the_old_number_of_a_protected_person_answers_like_anyone_elses,
                                  empty_region),
        cmocka_unit_test_teardown(an_answer_is_read_back_as_it_was_told, empty_region),
        cmocka_unit_test_teardown(every_reason_is_told_and_read_back, empty_region),
        cmocka_unit_test_teardown(what_is_not_an_answer_of_ours_is_refused, empty_region),
        cmocka_unit_test_teardown(a_newer_centre_may_say_more_than_we_know, empty_region),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
