#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/challenge.h"
#include "pki_fixture.h"

static struct secret_key centre_key;
static const moment noon = 1795316400LL * MICROSECONDS + 123456;

static int make_key(void **state)
{
    (void)state;
    secret_key_create(&centre_key);
    return 0;
}

static struct challenge made_for(const char *caller)
{
    struct challenge challenge;
    assert_int_equal(challenge_create(&centre_key, bytes_of_text(caller), noon, &challenge), OK);
    return challenge;
}

static void a_challenge_lives_five_minutes(void **state)
{
    (void)state;
    struct challenge challenge = made_for("0110113719");
    moment expiry, whole = noon - noon % MICROSECONDS;
    const struct {
        moment now;
        enum challenge_outcome expected;
    } cases[] = {
        {noon, CHALLENGE_GOOD},
        {whole + 300LL * MICROSECONDS - 1, CHALLENGE_GOOD},
        {whole + 300LL * MICROSECONDS, CHALLENGE_EXPIRED},
        {whole + 86400LL * MICROSECONDS, CHALLENGE_EXPIRED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(
            challenge_check(&centre_key, bytes_of_text("0110113719"), &challenge, cases[i].now, &expiry),
            cases[i].expected);
        assert_true(expiry == whole + 300LL * MICROSECONDS);
    }
}

static void a_challenge_is_of_no_use_to_another_caller(void **state)
{
    (void)state;
    struct challenge challenge = made_for("0110113719");
    static const char *const others[] = {"", "0110113718", "011011371", "01101137190"};
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
        assert_int_equal(challenge_check(&centre_key, bytes_of_text(others[i]), &challenge, noon, NULL),
                         CHALLENGE_FOREIGN);
}

static void another_centre_does_not_know_the_challenge(void **state)
{
    (void)state;
    struct secret_key other;
    struct challenge challenge = made_for("0110113719");
    secret_key_create(&other);
    assert_int_equal(challenge_check(&other, bytes_of_text("0110113719"), &challenge, noon, NULL),
                     CHALLENGE_FOREIGN);
}

static void every_altered_byte_makes_a_challenge_foreign(void **state)
{
    (void)state;
    struct challenge challenge = made_for("0110113719");
    for (size_t i = 0; i < CHALLENGE_LENGTH; i++) {
        challenge.bytes[i] ^= 0x01;
        assert_int_equal(challenge_check(&centre_key, bytes_of_text("0110113719"), &challenge, noon, NULL),
                         CHALLENGE_FOREIGN);
        challenge.bytes[i] ^= 0x01;
    }
    static const struct challenge zeros;
    assert_int_equal(challenge_check(&centre_key, bytes_of_text("0110113719"), &zeros, noon, NULL),
                     CHALLENGE_FOREIGN);
}

static void challenges_fetched_ahead_are_all_different(void **state)
{
    (void)state;
    struct challenge many[100];
    for (size_t i = 0; i < ARRAY_LENGTH(many); i++) {
        many[i] = made_for("0110113719");
        for (size_t before = 0; before < i; before++)
            assert_memory_not_equal(&many[i], &many[before], 16);
    }
}

static void no_challenge_is_made_whose_expiry_cannot_be_written(void **state)
{
    (void)state;
    struct challenge challenge;
    moment last = ((moment)UINT32_MAX - CHALLENGE_LIFE_SECONDS) * MICROSECONDS;
    assert_int_equal(challenge_create(&centre_key, bytes_of_text("x"), last, &challenge), OK);
    assert_int_equal(challenge_check(&centre_key, bytes_of_text("x"), &challenge, last, NULL),
                     CHALLENGE_GOOD);
    assert_int_equal(challenge_create(&centre_key, bytes_of_text("x"), last + MICROSECONDS, &challenge),
                     ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_challenge_lives_five_minutes),
        cmocka_unit_test(a_challenge_is_of_no_use_to_another_caller),
        cmocka_unit_test(another_centre_does_not_know_the_challenge),
        cmocka_unit_test(every_altered_byte_makes_a_challenge_foreign),
        cmocka_unit_test(challenges_fetched_ahead_are_all_different),
        cmocka_unit_test(no_challenge_is_made_whose_expiry_cannot_be_written),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_key, NULL);
}
