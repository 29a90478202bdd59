#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "pki/symmetric.h"
#include "pki_fixture.h"

static struct bytes bytes_of_hex(const char *hex, uint8_t *out)
{
    assert_int_equal(hex_decode(hex, strlen(hex), out, strlen(hex) / 2), OK);
    return bytes_of(out, strlen(hex) / 2);
}

static void hkdf_gives_the_values_of_rfc_5869(void **state)
{
    (void)state;
    static const struct {
        const char *input, *salt, *context, *output;
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        uint8_t input[32], salt[32], context[32], expected[64], output[64];
        struct bytes wanted = bytes_of_hex(cases[i].output, expected);
        assert_int_equal(hkdf_sha256(bytes_of_hex(cases[i].input, input), bytes_of_hex(cases[i].salt, salt),
                                     bytes_of_hex(cases[i].context, context), output, wanted.length),
                         OK);
        assert_memory_equal(output, wanted.data, wanted.length);
    }
}

static void hmac_agrees_with_a_known_value_and_joins_its_parts(void **state)
{
    (void)state;
    /* printf 'what do ya want for nothing?' | openssl dgst -sha256 -mac HMAC -macopt hexkey:00…1f */
    struct secret_key key;
    for (size_t i = 0; i < sizeof(key.bytes); i++)
        key.bytes[i] = (uint8_t)i;
    const struct bytes parts[] = {bytes_of_text("what do ya "), {0}, bytes_of_text("want for nothing?")};
    struct sha256 mac;
    char hex[65];
    assert_int_equal(hmac_sha256(&key, parts, ARRAY_LENGTH(parts), &mac), OK);
    hex_encode(bytes_of(mac.bytes, sizeof(mac.bytes)), hex);
    assert_string_equal(hex, "099805f4ac310786968565c098db515cc50862b420ae31e20238312344bed36a");
}

static void sealed_bytes_open_with_the_key_and_what_is_associated(void **state)
{
    (void)state;
    struct secret_key key;
    secret_key_create(&key);
    struct buffer sealed = {0}, opened = {.secret = true};
    assert_int_equal(aead_seal(&key, bytes_of_text("row 7"), bytes_of_text("secret"), &sealed), OK);
    assert_int_equal(sealed.length, 6 + AEAD_OVERHEAD);
    assert_int_equal(aead_open(&key, bytes_of_text("row 7"), buffer_bytes(&sealed), &opened), OK);
    assert_true(bytes_equal(buffer_bytes(&opened), bytes_of_text("secret")));
    assert_int_equal(aead_open(&key, bytes_of_text("row 8"), buffer_bytes(&sealed), &opened), ERR_CRYPTO);
    key.bytes[31] ^= 1;
    assert_int_equal(aead_open(&key, bytes_of_text("row 7"), buffer_bytes(&sealed), &opened), ERR_CRYPTO);
    assert_int_equal(opened.length, 6);
    buffer_free(&sealed);
    buffer_free(&opened);
}

static void any_altered_or_missing_byte_keeps_sealed_bytes_shut(void **state)
{
    (void)state;
    struct secret_key key;
    secret_key_create(&key);
    struct buffer sealed = {0}, opened = {.secret = true};
    assert_int_equal(aead_seal(&key, (struct bytes){0}, bytes_of_text("123456789018"), &sealed), OK);
    for (size_t i = 0; i < sealed.length; i++) {
        sealed.data[i] ^= 0x01;
        assert_int_equal(aead_open(&key, (struct bytes){0}, buffer_bytes(&sealed), &opened), ERR_CRYPTO);
        sealed.data[i] ^= 0x01;
    }
    for (size_t length = 0; length < sealed.length; length++)
        assert_int_equal(aead_open(&key, (struct bytes){0}, bytes_of(sealed.data, length), &opened),
                         ERR_CRYPTO);
    assert_int_equal(opened.length, 0);
    buffer_free(&sealed);
    buffer_free(&opened);
}

static void the_same_plaintext_never_seals_to_the_same_bytes(void **state)
{
    (void)state;
    struct secret_key key;
    secret_key_create(&key);
    struct buffer first = {0}, second = {0};
    assert_int_equal(aead_seal(&key, (struct bytes){0}, bytes_of_text("x"), &first), OK);
    assert_int_equal(aead_seal(&key, (struct bytes){0}, bytes_of_text("x"), &second), OK);
    assert_false(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
    buffer_free(&first);
    buffer_free(&second);
}

static void a_key_file_is_for_its_owner_only(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_create(&scratch);
    struct secret_key key, again;
    secret_key_create(&key);
    const char *path = scratch_file(&scratch, "a.key");
    assert_int_equal(secret_key_save(&key, path), OK);
    struct stat stat_of_file;
    assert_int_equal(stat(path, &stat_of_file), 0);
    assert_int_equal(stat_of_file.st_mode & 07777, 0600);
    assert_int_equal(secret_key_load(path, &again), OK);
    assert_memory_equal(&key, &again, sizeof(key));
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(secret_key_load(path, &again), ERR_DENIED);
    assert_int_equal(secret_key_load(scratch_file(&scratch, "none.key"), &again), ERR_NOT_FOUND);
    scratch_write(&scratch, "short.key", bytes_of_text("too short"), 0600);
    assert_int_equal(secret_key_load(scratch_file(&scratch, "short.key"), &again), ERR_DAMAGED);
    scratch_remove(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hkdf_gives_the_values_of_rfc_5869),
        cmocka_unit_test(hmac_agrees_with_a_known_value_and_joins_its_parts),
        cmocka_unit_test(sealed_bytes_open_with_the_key_and_what_is_associated),
        cmocka_unit_test(any_altered_or_missing_byte_keeps_sealed_bytes_shut),
        cmocka_unit_test(the_same_plaintext_never_seals_to_the_same_bytes),
        cmocka_unit_test(a_key_file_is_for_its_owner_only),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
