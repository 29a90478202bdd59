#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "card/card_error.h"
#include "clinic/card_reason.h"
#include "clinic/clinic.h"
#include "clinic/pin_entry.h"
#include "test_centre.h"

static struct test_centre centre;

static char *settings_with(const char *from, const char *to)
{
    static char path[320];
    static char text[2048];
    struct buffer original = {0};
    assert_int_equal(file_read(centre.settings, 65536, &original), OK);
    assert_int_equal(buffer_append(&original, bytes_of("", 1)), OK);
    char *at = strstr((char *)original.data, from);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - (char *)original.data), (char *)original.data, to,
             at + strlen(from));
    snprintf(path, sizeof path, "%s/changed.json", centre.directory.path);
    assert_int_equal(file_write_durably(path, bytes_of_text(text), 0644), OK);
    buffer_free(&original);
    return path;
}

static void paths_are_relative_to_the_settings_file(void **state)
{
    (void)state;
    struct clinic_settings settings;
    struct settings_fault fault;
    char expected[320];
    assert_int_equal(clinic_settings_load(centre.settings, &settings, &fault), OK);
    snprintf(expected, sizeof expected, "%s/machine.key", centre.directory.path);
    assert_string_equal(settings.machine_key, expected);
    snprintf(expected, sizeof expected, "%s/challenges.json", centre.directory.path);
    assert_string_equal(settings.challenge_file, expected);
    assert_null(settings.reader);
    clinic_settings_free(&settings);
}

static void settings_that_are_wrong_are_refused_and_the_member_named(void **state)
{
    static const struct {
        const char *from, *to, *named;
    } changes[] = {
        {"\"centre_ca\": \"centre-ca.crt\",", "", "centre_ca"},
        {"\"institution_code\": \"0110113719\"", "\"institution_code\": \"0110113710\"", "institution_code"},
        {"\"institution_code\": \"0110113719\"", "\"institution_code\": 110113719", "institution_code"},
        {", \"terminal_key\": \"terminal.key\"", "", "terminal_key"},
        {"\"machine_key\"", "\"machine-key\"", "machine-key"},
        {"\"machine_key\": \"machine.key\"", "\"machine_key\": \"\"", "machine_key"},
        {"{", "", "not a JSON object"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
        struct clinic_settings settings;
        struct settings_fault fault;
        assert_int_not_equal(
            clinic_settings_load(settings_with(changes[i].from, changes[i].to), &settings, &fault), OK);
        if (!strstr(fault.text, changes[i].named))
            fail_msg("%s is not named: %s", changes[i].named, fault.text);
        assert_null(settings.centre_url);
    }
}

static enum status open_with(const char *path, struct settings_fault *fault)
{
    struct clinic_settings settings;
    struct clinic clinic;
    assert_int_equal(clinic_settings_load(path, &settings, fault), OK);
    enum status status = clinic_open(&settings, &real_clock, &clinic, fault);
    clinic_close(&clinic);
    clinic_settings_free(&settings);
    return status;
}

static void a_machine_certificate_of_another_institution_is_refused(void **state)
{
    (void)state;
    struct settings_fault fault;
    assert_int_equal(open_with(centre.settings, &fault), OK);
    assert_int_equal(open_with(settings_with("0110113719", "2714206386"), &fault), ERR_RANGE);
    assert_non_null(strstr(fault.text, "machine_certificate"));
}

static void a_key_that_others_can_read_or_that_is_not_the_certificates_is_refused(void **state)
{
    (void)state;
    struct settings_fault fault;
    char key[320];
    snprintf(key, sizeof key, "%s/machine.key", centre.directory.path);
    assert_int_equal(chmod(key, 0644), 0);
    assert_int_equal(open_with(centre.settings, &fault), ERR_DENIED);
    assert_non_null(strstr(fault.text, "machine.key"));
    assert_int_equal(chmod(key, 0600), 0);
    assert_int_equal(
        open_with(settings_with("\"machine_key\": \"machine.key\"", "\"machine_key\": \"terminal.key\""),
                  &fault),
        ERR_DAMAGED);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    struct settings_fault fault;
    assert_int_equal(open_with(settings_with("centre-ca.crt", "nowhere.crt"), &fault), ERR_NOT_FOUND);
    assert_non_null(strstr(fault.text, "nowhere.crt"));
    assert_int_not_equal(open_with(settings_with("terminal.cv", "machine.crt"), &fault), OK);
    assert_non_null(strstr(fault.text, "machine.crt"));
}

/* ---- PIN entry ---- */

static enum status read_pin(const char *input, struct buffer *pin)
{
    int line[2];
    assert_int_equal(pipe(line), 0);
    assert_int_equal(write(line[1], input, strlen(input)), (ssize_t)strlen(input));
    close(line[1]);
    enum status status = pin_entry_read(line[0], pin);
    close(line[0]);
    return status;
}

static void a_pin_is_the_first_line_of_the_input(void **state)
{
    static const struct {
        const char *input;
        enum status status;
        const char *pin;
    } inputs[] = {
        {"1234\n", OK, "1234"},
        {"1234\r\n", OK, "1234"},
        {"1234", OK, "1234"},
        {"1234\n5678\n", OK, "1234"},
        {"\n", OK, ""},
        {"", ERR_TRUNCATED, ""},
        {"12345678901234567890123456789012\n", OK, "12345678901234567890123456789012"},
        {"123456789012345678901234567890123\n", ERR_TOO_LARGE, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(inputs); i++) {
        struct buffer pin = {0};
        assert_int_equal(read_pin(inputs[i].input, &pin), inputs[i].status);
        assert_true(pin.secret);
        if (inputs[i].pin)
            assert_true(bytes_equal(buffer_bytes(&pin), bytes_of_text(inputs[i].pin)));
        buffer_free(&pin);
    }
}

/* ---- Reasons ---- */

static void every_card_error_has_a_reason_at_the_fault_of_the_same_party(void **state)
{
    static const struct {
        enum card_error error;
        unsigned tries_left;
        const char *code;
    } errors[] = {
        {CARD_ERR_SERVICE_MISSING, 0, "reader_service_missing"},
        {CARD_ERR_READER_MISSING, 0, "reader_missing"},
        {CARD_ERR_READER_BUSY, 0, "reader_in_use"},
        {CARD_ERR_READER_FAILED, 0, "reader_failed"},
        {CARD_ERR_ABSENT, 0, "card_missing"},
        {CARD_ERR_SEVERAL, 0, "several_cards"},
        {CARD_ERR_NOT_MY_NUMBER, 0, "card_not_my_number"},
        {CARD_ERR_REMOVED, 0, "card_removed"},
        {CARD_ERR_MUTE, 0, "card_dead"},
        {CARD_ERR_FAILED, 0, "card_failed"},
        {CARD_ERR_WITHOUT_PIN, 0, "card_without_pin"},
        {CARD_ERR_WITHOUT_PHOTO, 0, "card_without_photo"},
        {CARD_ERR_WITHOUT_CERTIFICATE, 0, "card_without_certificate"},
        {CARD_ERR_PIN_WRONG, 2, "pin_wrong"},
        {CARD_ERR_PIN_WRONG, 1, "pin_last_try"},
        {CARD_ERR_PIN_LAST_TRY, 1, "pin_last_try_kept"},
        {CARD_ERR_PIN_LOCKED, 0, "pin_locked"},
        {CARD_ERR_PIN_FORMAT, 0, "pin_format"},
        {CARD_ERR_TERMINAL_REFUSED, 0, "terminal_refused_by_card"},
        {CARD_ERR_TIMEOUT, 0, "card_failed"},
        {CARD_ERR_NO_MEMORY, 0, "terminal_internal"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(errors); i++) {
        enum reason reason = reason_of_card_error(errors[i].error, errors[i].tries_left);
        assert_string_equal(reason_code(reason), errors[i].code);
        const struct reason_entry *entry = reason_entry(reason);
        if (card_error_fault(errors[i].error) == CARD_FAULT_READER)
            assert_int_equal(entry->fault, FAULT_READER);
        if (card_error_fault(errors[i].error) == CARD_FAULT_CARD)
            assert_int_equal(entry->fault, FAULT_CARD);
        if (card_error_fault(errors[i].error) == CARD_FAULT_PERSON)
            assert_int_equal(entry->fault, FAULT_PERSON);
    }
}

static int open_centre(void **state)
{
    (void)state;
    test_centre_start(&centre);
    return 0;
}

static int close_centre(void **state)
{
    (void)state;
    test_centre_stop(&centre);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_relative_to_the_settings_file),
        cmocka_unit_test(settings_that_are_wrong_are_refused_and_the_member_named),
        cmocka_unit_test(a_machine_certificate_of_another_institution_is_refused),
        cmocka_unit_test(a_key_that_others_can_read_or_that_is_not_the_certificates_is_refused),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(a_pin_is_the_first_line_of_the_input),
        cmocka_unit_test(every_card_error_has_a_reason_at_the_fault_of_the_same_party),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, open_centre, close_centre);
}
