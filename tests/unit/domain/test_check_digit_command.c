/* The program itself, as an insurer's officer calls it: shikaku check-digit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <sys/wait.h>

static const char *program;

/* What the program says; its exit code in *code. */
static const char *run(const char *input, const char *arguments, int *code)
{
    static char said[4096];
    char command[1024];
    snprintf(command, sizeof(command), "printf '%s' | '%s' check-digit %s 2>&1", input, program, arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    said[fread(said, 1, sizeof(said) - 1, pipe)] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    *code = WEXITSTATUS(status);
    return said;
}

static void exit_is_zero_only_for_a_right_number_and_the_fault_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        int code;
        const char *ja, *en;
    } cases[] = {
        {"my-number 123456789018", 0, "正しい", "valid"},
        {"my-number 123456789017", 1, "検査用数字", "check digit"},
        {"my-number 12345", 1, "12桁", "twelve digits"},
        {"insurer-number 33120015", 0, "警察共済組合", "valid"},
        {"insurer-number 138057", 0, "国民健康保険", "valid"},
        {"insurer-number '  138057'", 0, "国民健康保険", "valid"},
        {"insurer-number 138058", 1, "検証番号", "check digit"},
        {"insurer-number 1380", 1, "8桁", "eight digits"},
        {"institution-code 0110113719", 0, "正しい", "valid"},
        {"institution-code 0110113718", 1, "検証番号", "check digit"},
        {"institution-code 0120113719", 1, "10桁", "ten digits"},
        {"", 2, "usage", "usage"},
        {"my-number", 2, "usage", "usage"},
        {"passport 1", 2, "usage", "usage"},
        {"my-number 1 2", 2, "usage", "usage"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int code;
        const char *said = run("", cases[i].arguments, &code);
        assert_int_equal(code, cases[i].code);
        assert_non_null(strstr(said, cases[i].ja));
        assert_non_null(strstr(said, cases[i].en));
    }
}

/* As an argument it would stand in the list of processes. */
static void Q7_a_my_number_is_read_from_standard_input_and_never_repeated(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        int code;
    } cases[] = {{"123456789018", 0},
                 {"123456789018\\r\\n", 0},
                 {"123456789017\\n", 1},
                 {"1234567890188\\n", 1},
                 {"", 2}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int code;
        const char *said = run(cases[i].input, "my-number -", &code);
        assert_int_equal(code, cases[i].code);
        assert_null(strstr(said, "12345678901"));
    }
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_is_zero_only_for_a_right_number_and_the_fault_is_named),
        cmocka_unit_test(Q7_a_my_number_is_read_from_standard_input_and_never_repeated),
    };
    if (count != 2)
        return 2;
    program = arguments[1];
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
