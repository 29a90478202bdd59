#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authority/permission.h"

static const struct machine_subject counter = {MACHINE_OPERATOR, "counter-13101"};
static const struct machine_subject hotline = {MACHINE_OPERATOR, "hotline-1"};
static const struct machine_subject registrar = {MACHINE_OPERATOR, "registrar-1"};
static const struct machine_subject link_machine = {MACHINE_LINK, "link-1"};

/* Callers who may do nothing at all, whatever they call themselves. */
static const struct machine_subject strangers[] = {
    {MACHINE_OPERATOR, "counter"},
    {MACHINE_OPERATOR, "xcounter-1"},
    {MACHINE_OPERATOR, "Counter-1"},
    {MACHINE_INSTITUTION, "0110113719"},
    {MACHINE_INSURER, "06139463"},
    {MACHINE_INSTITUTION, "counter-1"},
    {MACHINE_NONE, ""},
};

static void each_role_may_do_its_own_work_only(void **state)
{
    (void)state;
    static const struct {
        enum operation operation;
        bool counter, hotline, registrar, link;
    } cases[] = {
        {OPERATION_REGISTER_RESIDENT, true, false, false, false},
        {OPERATION_SHOW, true, true, true, false},
        {OPERATION_ISSUE_CARD, true, false, false, false},
        {OPERATION_RENEW_CARD, true, false, false, false},
        {OPERATION_SUSPEND_CARD, true, true, false, false},
        {OPERATION_LIFT_CARD, true, false, false, false},
        {OPERATION_REVOKE_CARD, true, false, false, false},
        {OPERATION_ISSUE_MACHINE, false, false, true, false},
        {OPERATION_CHANGE_MACHINE, false, false, true, false},
        {OPERATION_READ_FEED, false, false, false, true},
        {OPERATION_ASK, false, false, false, true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(caller_may(&counter, cases[i].operation), cases[i].counter);
        assert_int_equal(caller_may(&hotline, cases[i].operation), cases[i].hotline);
        assert_int_equal(caller_may(&registrar, cases[i].operation), cases[i].registrar);
        assert_int_equal(caller_may(&link_machine, cases[i].operation), cases[i].link);
        for (size_t j = 0; j < ARRAY_LENGTH(strangers); j++)
            assert_false(caller_may(&strangers[j], cases[i].operation));
    }
}

/* Q8 */
static void a_suspension_is_lifted_at_the_counter_and_never_by_telephone(void **state)
{
    (void)state;
    assert_true(caller_may(&counter, OPERATION_LIFT_CARD));
    assert_false(caller_may(&hotline, OPERATION_LIFT_CARD));
    assert_false(caller_may(&registrar, OPERATION_LIFT_CARD));
    assert_false(caller_may(&link_machine, OPERATION_LIFT_CARD));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_role_may_do_its_own_work_only),
        cmocka_unit_test(a_suspension_is_lifted_at_the_counter_and_never_by_telephone),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
