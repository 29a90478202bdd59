#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "base/status.h"

static int ends[2];

static int open_pipe(void **state)
{
    (void)state;
    if (pipe(ends) != 0)
        return -1;
    log_open(ends[1], "test", LOG_INFO);
    return 0;
}

static int close_pipe(void **state)
{
    (void)state;
    log_open(STDERR_FILENO, "test", LOG_INFO);
    return close(ends[0]) | close(ends[1]);
}

static const char *line(void)
{
    static char text[2048];
    ssize_t got = read(ends[0], text, sizeof(text) - 1);
    assert_true(got > 0);
    text[got] = '\0';
    return text;
}

static void a_message_is_one_line_of_json(void **state)
{
    (void)state;
    LOG(LOG_WARNING, "load_published", log_number("rows", -12), log_word("by", "insurer"),
        log_status("status", ERR_BUSY));
    const char *text = line();
    assert_memory_equal(text, "{\"time\":\"", 9);
    assert_non_null(strstr(text, "\"level\":\"warning\",\"program\":\"test\",\"event\":\"load_published\","
                                 "\"rows\":-12,\"by\":\"insurer\",\"status\":\"busy\"}\n"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void what_could_break_a_line_or_carry_a_name_is_replaced(void **state)
{
    (void)state;
    LOG(LOG_ERROR, "event", log_word("word", "a\"b\\c\nd\x7F山"), log_word("none", NULL));
    const char *text = line();
    assert_non_null(strstr(text, "\"word\":\"a?b?c?d????\",\"none\":\"\"}\n"));
}

static void a_message_below_the_least_level_is_not_written(void **state)
{
    (void)state;
    LOG(LOG_DEBUG, "hidden", log_number("n", 1));
    LOG(LOG_INFO, "shown", log_number("n", 2));
    assert_null(strstr(line(), "hidden"));
}

/* The word ran to the end of the line and took the closing quote with it: the line was no JSON any more. */
static void a_line_that_is_too_long_is_still_json(void **state)
{
    (void)state;
    char word[3000];
    memset(word, 'w', sizeof(word));
    word[sizeof(word) - 1] = '\0';
    LOG(LOG_INFO, "long", log_word("word", word), log_word("after", word), log_number("last", 1));
    const char *text = line();
    size_t length = strlen(text);
    assert_true(length < 1100);
    assert_string_equal(text + length - 10, "\"last\":1}\n");
    size_t quotes = 0;
    for (size_t i = 0; i < length; i++)
        quotes += text[i] == '"';
    assert_int_equal(quotes % 2, 0);
}

static void every_status_has_a_word_and_errno_maps_to_one(void **state)
{
    (void)state;
    for (int status = OK; status >= ERR_INTERNAL; status--) {
        assert_string_not_equal(status_name((enum status)status), "unknown");
        for (int other = status - 1; other >= ERR_INTERNAL; other--)
            assert_string_not_equal(status_name((enum status)status), status_name((enum status)other));
    }
    static const struct {
        int number;
        enum status status;
    } cases[] = {{ENOENT, ERR_NOT_FOUND},  {EACCES, ERR_DENIED}, {ECONNREFUSED, ERR_UNREACHABLE},
                 {ETIMEDOUT, ERR_TIMEOUT}, {EIO, ERR_IO},        {0, ERR_IO}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_int_equal(status_from_errno(cases[i].number), cases[i].status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_is_one_line_of_json, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(what_could_break_a_line_or_carry_a_name_is_replaced, open_pipe,
                                        close_pipe),
        cmocka_unit_test_setup_teardown(a_message_below_the_least_level_is_not_written, open_pipe,
                                        close_pipe),
        cmocka_unit_test_setup_teardown(a_line_that_is_too_long_is_still_json, open_pipe, close_pipe),
        cmocka_unit_test(every_status_has_a_word_and_errno_maps_to_one),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
