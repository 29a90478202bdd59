#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "exchange/problem_json.h"

static const char *text_of(struct problem problem, struct region *region)
{
    struct buffer out = {0};
    assert_int_equal(problem_to_json_text(&problem, &out), OK);
    const char *text = region_text(region, (const char *)out.data, out.length);
    buffer_free(&out);
    return text;
}

static void a_problem_is_a_problem_document(void **state)
{
    (void)state;
    struct region region = {0};
    struct problem problem = problem_at(REASON_INSURER_NUMBER_CHECK_DIGIT, "/insurer_number");
    problem.request_id = "00ff";
    assert_string_equal(
        text_of(problem, &region),
        "{\"type\":\"urn:shikaku:reason:insurer_number_check_digit\","
        "\"title\":\"The check digit of the insurer number does not fit. Please check the entry.\","
        "\"status\":422,\"detail\":\"Luhn over all digits.\",\"code\":\"insurer_number_check_digit\","
        "\"fault\":\"institution\",\"retry\":\"after_fixing\",\"retry_after\":null,"
        "\"staff\":{\"ja\":\"保険者番号の検証番号が一致しません。入力に誤りがないかお確かめください。\","
        "\"en\":\"The check digit of the insurer number does not fit. Please check the entry.\"},"
        "\"next_step\":{\"code\":\"fix_entry\",\"ja\":\"入力内容を確かめ、訂正してください。\","
        "\"en\":\"Correct what was entered.\"},\"further_steps\":[],"
        "\"pointer\":\"/insurer_number\",\"request_id\":\"00ff\"}");
    assert_int_equal(problem_http_status(&problem), 422);
    region_free(&region);
}

static void every_entry_of_the_catalogue_is_told_and_read_back(void **state)
{
    (void)state;
    struct region region = {0};
    for (int reason = 1; reason < REASON_LIMIT; reason++) {
        const struct reason_entry *entry = reason_entry((enum reason)reason);
        struct problem_view view;
        const char *text = text_of(problem_of((enum reason)reason), &region);
        assert_int_equal(problem_from_json_text(bytes_of_text(text), &region, &view), OK);
        assert_string_equal(view.code, entry->code);
        assert_string_equal(view.staff_ja, entry->staff_ja);
        assert_string_equal(view.staff_en, entry->staff_en);
        assert_string_equal(view.fault, fault_code(entry->fault));
        assert_int_equal(view.status, entry->http_status);
        assert_int_equal(view.retry_after, entry->retry_after);
        assert_int_equal(view.step_count, entry->next_step_count);
        assert_int_equal(view.tries_left, -1);
        assert_string_equal(view.pointer, "");
    }
    region_free(&region);
}

static void causes_and_tries_are_told_where_there_are_any(void **state)
{
    (void)state;
    struct region region = {0};
    struct problem_view view;
    struct problem row = problem_at(REASON_LOAD_ROW_INVALID, "/rows/17/birth_date");
    row.cause = REASON_MALFORMED_BIRTH_DATE;
    assert_int_equal(problem_from_json_text(bytes_of_text(text_of(row, &region)), &region, &view), OK);
    assert_string_equal(view.pointer, "/rows/17/birth_date");
    assert_string_equal(view.cause, "malformed_birth_date");
    struct problem pin = problem_of(REASON_PIN_WRONG);
    pin.tries_left = 0;
    assert_int_equal(problem_from_json_text(bytes_of_text(text_of(pin, &region)), &region, &view), OK);
    assert_int_equal(view.tries_left, 0);
    region_free(&region);
}

static void what_is_no_problem_document_is_refused(void **state)
{
    (void)state;
    struct region region = {0};
    static const char *const cases[] = {
        "",
        "{}",
        "[]",
        "{\"code\":\"lost\",\"fault\":\"none\"}",
        "{\"code\":1,\"fault\":\"none\",\"staff\":{\"ja\":\"a\",\"en\":\"b\"}}",
        "{\"code\":\"lost\",\"fault\":\"none\",\"staff\":{\"ja\":\"a\"}}",
        ("{\"code\":\"a\",\"fault\":\"none\",\"staff\":{\"ja\":\"a\",\"en\":\"b\"},"
         "\"next_step\":{\"code\":\"retry\"}}"),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct problem_view view;
        assert_int_equal(problem_from_json_text(bytes_of_text(cases[i]), &region, &view), ERR_MALFORMED);
    }
    region_free(&region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_problem_is_a_problem_document),
        cmocka_unit_test(every_entry_of_the_catalogue_is_told_and_read_back),
        cmocka_unit_test(causes_and_tries_are_told_where_there_are_any),
        cmocka_unit_test(what_is_no_problem_document_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
