#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "calendar_words.h"
#include "domain/card_certificate.h"
#include "domain/consent.h"

static void certificates_end_on_the_fifth_birthday_after_issue(void **state)
{
    (void)state;
    static const struct {
        const char *issued, *birth, *last;
    } cases[] = {
        {"2021-11-21", "1980-11-22", "2025-11-22"}, {"2021-11-22", "1980-11-22", "2026-11-22"},
        {"2021-11-23", "1980-11-22", "2026-11-22"}, {"2021-01-01", "1980-12-31", "2025-12-31"},
        {"2021-12-31", "1980-01-01", "2026-01-01"}, {"2021-02-27", "1980-02-29", "2025-02-28"},
        {"2021-02-28", "1980-02-29", "2026-02-28"}, {"2024-02-28", "1980-02-29", "2029-02-28"},
        {"2023-03-01", "1980-02-29", "2028-02-28"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_true(
            date_equal(certificate_last_day(day(cases[i].issued), day(cases[i].birth)), day(cases[i].last)));
}

static void cards_end_on_the_tenth_birthday_and_on_the_fifth_for_the_young(void **state)
{
    (void)state;
    static const struct {
        const char *issued, *applied, *birth, *last;
    } cases[] = {
        {"2026-11-22", "2026-10-01", "1980-05-05", "2036-05-05"},
        {"2026-11-22", "2026-10-01", "2008-10-02", "2036-10-02"}, /* 18 in law on the day before */
        {"2026-11-22", "2026-10-01", "2008-10-03", "2031-10-03"},
        {"2022-04-20", "2022-03-31", "2002-04-02", "2027-04-02"}, /* 19: still a minor then */
        {"2022-04-20", "2022-03-31", "2002-04-01", "2032-04-01"},
        {"2022-04-20", "2022-04-01", "2003-01-01", "2032-01-01"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_true(
            date_equal(card_last_day(day(cases[i].issued), day(cases[i].applied), day(cases[i].birth)),
                       day(cases[i].last)));
}

static void grace_lasts_to_the_end_of_the_third_month_and_phones_have_none(void **state)
{
    (void)state;
    static const struct {
        const char *last, *grace;
    } cases[] = {
        {"2026-08-01", "2026-11-30"}, {"2026-08-31", "2026-11-30"}, {"2026-11-22", "2027-02-28"},
        {"2027-11-30", "2028-02-29"}, {"2026-12-31", "2027-03-31"}, {"2026-01-31", "2026-04-30"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_true(date_equal(certificate_grace_last_day(day(cases[i].last), false), day(cases[i].grace)));
        assert_true(date_equal(certificate_grace_last_day(day(cases[i].last), true), day(cases[i].last)));
    }
}

static void a_term_runs_warns_has_grace_and_ends(void **state)
{
    (void)state;
    static const struct {
        const char *today;
        enum certificate_term card, phone;
    } cases[] = {
        {"2026-08-21", CERTIFICATE_TERM_RUNS, CERTIFICATE_TERM_RUNS},
        {"2026-08-22", CERTIFICATE_TERM_ENDS_SOON, CERTIFICATE_TERM_ENDS_SOON},
        {"2026-11-22", CERTIFICATE_TERM_ENDS_SOON, CERTIFICATE_TERM_ENDS_SOON},
        {"2026-11-23", CERTIFICATE_TERM_IN_GRACE, CERTIFICATE_TERM_ENDED},
        {"2027-02-28", CERTIFICATE_TERM_IN_GRACE, CERTIFICATE_TERM_ENDED},
        {"2027-03-01", CERTIFICATE_TERM_ENDED, CERTIFICATE_TERM_ENDED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(certificate_term_on(day("2026-11-22"), false, day(cases[i].today)), cases[i].card);
        assert_int_equal(certificate_term_on(day("2026-11-22"), true, day(cases[i].today)), cases[i].phone);
    }
}

static void consent_lasts_24_hours_for_what_was_agreed_to(void **state)
{
    (void)state;
    struct consents consents = {.given = {[CONSENT_MEDICATION] = true},
                                .given_at = at("2026-11-22T09:00:00+09:00")};
    static const struct {
        const char *now;
        enum consent_state medication;
    } cases[] = {
        {"2026-11-22T09:00:00+09:00", CONSENT_GIVEN},
        {"2026-11-23T08:59:59.999999+09:00", CONSENT_GIVEN},
        {"2026-11-23T09:00:00+09:00", CONSENT_LAPSED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(consent_state_at(&consents, CONSENT_MEDICATION, at(cases[i].now)),
                         cases[i].medication);
        assert_int_equal(consent_state_at(&consents, CONSENT_SURGERY, at(cases[i].now)), CONSENT_NOT_GIVEN);
        assert_int_equal(consent_state_at(NULL, CONSENT_SURGERY, at(cases[i].now)), CONSENT_NOT_TAKEN);
    }
}

/* These bytes are signed by cards: they may never change under this label. */
static void the_bytes_that_a_card_signs_for_consents_and_terms_are_fixed(void **state)
{
    (void)state;
    struct consents consents = {.given = {[CONSENT_TREATMENT] = true, [CONSENT_CHECKUPS] = true},
                                .given_at = 123};
    struct buffer out = {0};
    assert_int_equal(consents_content(&consents, &out), OK);
    assert_true(bytes_equal(buffer_bytes(&out), bytes_of("shikaku-consents-1\0\1\0\1\0", 23)));
    buffer_clear(&out);
    assert_int_equal(terms_content(bytes_of_text("2026-04"), &out), OK);
    assert_true(bytes_equal(buffer_bytes(&out), bytes_of("shikaku-terms-1\0"
                                                         "2026-04",
                                                         23)));
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_end_on_the_fifth_birthday_after_issue),
        cmocka_unit_test(cards_end_on_the_tenth_birthday_and_on_the_fifth_for_the_young),
        cmocka_unit_test(grace_lasts_to_the_end_of_the_third_month_and_phones_have_none),
        cmocka_unit_test(a_term_runs_warns_has_grace_and_ends),
        cmocka_unit_test(consent_lasts_24_hours_for_what_was_agreed_to),
        cmocka_unit_test(the_bytes_that_a_card_signs_for_consents_and_terms_are_fixed),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
