#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/terminal_certificate.h"
#include "pki_fixture.h"

static struct private_key authority_key, terminal_key, other_key;
static struct public_key authority_public, terminal_public;
static const struct terminal_id authority_id = {"SHIKAKU-TERM-CA1"};

static int make_keys(void **state)
{
    (void)state;
    enum status status = private_key_create(KEY_RSA_2048, &authority_key);
    if (status == OK)
        status = private_key_create(KEY_RSA_2048, &terminal_key);
    if (status == OK)
        status = private_key_create(KEY_RSA_2048, &other_key);
    if (status == OK)
        status = public_key_of(&authority_key, &authority_public);
    if (status == OK)
        status = public_key_of(&terminal_key, &terminal_public);
    return status == OK ? 0 : -1;
}

static int free_keys(void **state)
{
    (void)state;
    private_key_free(&authority_key);
    private_key_free(&terminal_key);
    private_key_free(&other_key);
    public_key_free(&authority_public);
    public_key_free(&terminal_public);
    return 0;
}

static struct terminal_id terminal_42(void)
{
    struct terminal_id id;
    assert_int_equal(terminal_id_make("0110113719", 42, &id), OK);
    return id;
}

static void issue(const struct private_key *by, struct terminal_certificate *out)
{
    struct terminal_id id = terminal_42();
    assert_int_equal(terminal_certificate_issue(by, &authority_id, &id, &terminal_public, out), OK);
}

static void issue_root(struct terminal_certificate *out)
{
    assert_int_equal(
        terminal_certificate_issue(&authority_key, &authority_id, &authority_id, &authority_public, out), OK);
}

static void a_terminal_certificate_verifies_under_its_authority(void **state)
{
    (void)state;
    struct terminal_certificate root, terminal, forged;
    issue_root(&root);
    issue(&authority_key, &terminal);
    issue(&other_key, &forged);
    assert_int_equal(terminal_certificate_verify(&root, &root), OK);
    assert_int_equal(terminal_certificate_verify(&terminal, &root), OK);
    assert_int_equal(terminal_certificate_verify(&forged, &root), ERR_CRYPTO);
    assert_int_equal(terminal_certificate_verify(&terminal, &terminal), ERR_CRYPTO);
}

static void it_is_laid_out_as_on_the_card(void **state)
{
    (void)state;
    struct terminal_certificate terminal;
    uint8_t bytes[TERMINAL_CERTIFICATE_LENGTH];
    char hex[2 * 46 + 1];
    issue(&authority_key, &terminal);
    terminal_certificate_encode(&terminal, bytes);
    hex_encode(bytes_of(bytes, 46), hex);
    assert_string_equal(hex, "7f21820233"
                             "5f4e820129"
                             "5348494b414b552d5445524d2d434131"
                             "30313130313133373139303030303432"
                             "90030100");
    hex_encode(bytes_of(bytes + 46, 5), hex);
    assert_string_equal(hex, "0191820100");
    hex_encode(bytes_of(bytes + 10 + TERMINAL_BODY_LENGTH, 5), hex);
    assert_string_equal(hex, "5f37820100");
}

static void what_is_parsed_is_what_was_encoded(void **state)
{
    (void)state;
    struct terminal_certificate terminal, parsed;
    uint8_t bytes[TERMINAL_CERTIFICATE_LENGTH + 1] = {0};
    issue(&authority_key, &terminal);
    terminal_certificate_encode(&terminal, bytes);
    assert_int_equal(terminal_certificate_parse(bytes_of(bytes, TERMINAL_CERTIFICATE_LENGTH), &parsed), OK);
    assert_memory_equal(&terminal, &parsed, sizeof(parsed));
    assert_int_equal(terminal_certificate_parse(bytes_of(bytes, TERMINAL_CERTIFICATE_LENGTH + 1), &parsed),
                     ERR_MALFORMED);
    for (size_t length = 0; length < TERMINAL_CERTIFICATE_LENGTH; length++)
        assert_int_equal(terminal_certificate_parse(bytes_of(bytes, length), &parsed), ERR_MALFORMED);
}

static void every_altered_byte_is_noticed(void **state)
{
    (void)state;
    struct terminal_certificate root, terminal;
    uint8_t bytes[TERMINAL_CERTIFICATE_LENGTH];
    issue_root(&root);
    issue(&authority_key, &terminal);
    terminal_certificate_encode(&terminal, bytes);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        struct terminal_certificate parsed;
        bytes[i] ^= 0x01;
        enum status status = terminal_certificate_parse(bytes_of(bytes, sizeof(bytes)), &parsed);
        if (status == OK)
            status = terminal_certificate_verify(&parsed, &root);
        assert_int_not_equal(status, OK);
        bytes[i] ^= 0x01;
    }
}

static void the_terminal_signs_with_the_key_in_its_certificate(void **state)
{
    (void)state;
    struct terminal_certificate terminal;
    struct public_key key;
    struct signature signature;
    struct bytes chip_challenge = bytes_of_text("sixteen bytes ok");
    issue(&authority_key, &terminal);
    assert_int_equal(terminal_certificate_key(&terminal, &key), OK);
    assert_int_equal(private_key_sign(&terminal_key, chip_challenge, &signature), OK);
    assert_int_equal(public_key_verify(&key, chip_challenge, bytes_of(signature.bytes, signature.length)),
                     OK);
    public_key_free(&key);
}

static void a_terminal_belongs_to_one_institution(void **state)
{
    (void)state;
    struct terminal_id id = terminal_42();
    assert_true(terminal_belongs_to(&id, "0110113719"));
    assert_false(terminal_belongs_to(&id, "0110113718"));
    assert_int_equal(terminal_id_make("0110113719", TERMINAL_NUMBER_MAX, &id), OK);
    assert_int_equal(terminal_id_make("0110113719", TERMINAL_NUMBER_MAX + 1, &id), ERR_RANGE);
    assert_int_equal(terminal_id_make("011011371", 1, &id), ERR_MALFORMED);
    assert_int_equal(terminal_id_make("011011371x", 1, &id), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_certificate_verifies_under_its_authority),
        cmocka_unit_test(it_is_laid_out_as_on_the_card),
        cmocka_unit_test(what_is_parsed_is_what_was_encoded),
        cmocka_unit_test(every_altered_byte_is_noticed),
        cmocka_unit_test(the_terminal_signs_with_the_key_in_its_certificate),
        cmocka_unit_test(a_terminal_belongs_to_one_institution),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
