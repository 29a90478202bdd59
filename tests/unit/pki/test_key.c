#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "pki/key.h"
#include "pki_fixture.h"

static const enum key_kind kinds[] = {KEY_RSA_2048, KEY_P256, KEY_P384};

/* One key of each kind: RSA keys take long to make. */
static struct private_key keys[ARRAY_LENGTH(kinds)];

static int make_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        if (private_key_create(kinds[i], &keys[i]) != OK)
            return -1;
    }
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        private_key_free(&keys[i]);
    return 0;
}

static void a_signature_fits_its_key_and_message_only(void **state)
{
    (void)state;
    struct bytes message = bytes_of_text("健康保険証利用の申込"),
                 other = bytes_of_text("健康保険証利用の解除");
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        struct public_key public;
        struct signature signature;
        assert_int_equal(public_key_of(&keys[i], &public), OK);
        assert_int_equal(private_key_sign(&keys[i], message, &signature), OK);
        struct bytes bytes = bytes_of(signature.bytes, signature.length);
        assert_int_equal(public_key_verify(&public, message, bytes), OK);
        assert_int_equal(public_key_verify(&public, other, bytes), ERR_CRYPTO);
        assert_int_equal(public_key_verify(&public, message, bytes_of(signature.bytes, signature.length - 1)),
                         ERR_CRYPTO);
        signature.bytes[signature.length / 2] ^= 1;
        assert_int_equal(public_key_verify(&public, message, bytes), ERR_CRYPTO);
        public_key_free(&public);
    }
}

/* The card pads a DigestInfo that it is given; the verifier hashes the message: both are one signature. */
static void padding_over_a_digest_info_is_the_signature_of_the_message(void **state)
{
    (void)state;
    struct bytes message = bytes_of_text("statement");
    struct sha256 digest;
    uint8_t digest_info[DIGEST_INFO_LENGTH];
    struct signature by_card, whole;
    assert_int_equal(sha256_of(message, &digest), OK);
    digest_info_sha256(&digest, digest_info);
    assert_int_equal(private_key_sign_padded(&keys[0], bytes_of(digest_info, sizeof(digest_info)), &by_card),
                     OK);
    assert_int_equal(private_key_sign(&keys[0], message, &whole), OK);
    assert_int_equal(by_card.length, RSA_2048_LENGTH);
    assert_memory_equal(by_card.bytes, whole.bytes, RSA_2048_LENGTH);
}

static void padding_takes_1_to_245_bytes(void **state)
{
    (void)state;
    uint8_t content[246] = {0};
    struct signature signature;
    assert_int_equal(private_key_sign_padded(&keys[0], bytes_of(content, 0), &signature), ERR_RANGE);
    assert_int_equal(private_key_sign_padded(&keys[0], bytes_of(content, 1), &signature), OK);
    assert_int_equal(private_key_sign_padded(&keys[0], bytes_of(content, 245), &signature), OK);
    assert_int_equal(private_key_sign_padded(&keys[0], bytes_of(content, 246), &signature), ERR_RANGE);
    assert_int_equal(private_key_sign_padded(&keys[1], bytes_of(content, 32), &signature), ERR_UNSUPPORTED);
}

static void a_saved_key_is_the_same_key(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_create(&scratch);
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        const char *path = scratch_file(&scratch, "any.key");
        struct private_key from_file, from_der;
        struct buffer der = {0};
        assert_int_equal(private_key_save(&keys[i], path), OK);
        assert_int_equal(private_key_load(path, &from_file), OK);
        assert_int_equal(private_key_encode(&keys[i], &der), OK);
        assert_true(der.secret);
        assert_int_equal(private_key_decode(buffer_bytes(&der), &from_der), OK);
        assert_int_equal(from_file.kind, kinds[i]);
        assert_int_equal(EVP_PKEY_eq(from_file.handle, keys[i].handle), 1);
        assert_int_equal(EVP_PKEY_eq(from_der.handle, keys[i].handle), 1);
        assert_int_equal(buffer_append(&der, bytes_of("", 1)), OK);
        struct private_key refused;
        assert_int_equal(private_key_decode(buffer_bytes(&der), &refused), ERR_MALFORMED);
        private_key_free(&from_file);
        private_key_free(&from_der);
        buffer_free(&der);
    }
    scratch_remove(&scratch);
}

static void a_key_file_that_others_can_open_is_refused(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_create(&scratch);
    const char *path = scratch_file(&scratch, "a.key");
    struct private_key key;
    struct stat stat_of_file;
    assert_int_equal(private_key_save(&keys[1], path), OK);
    assert_int_equal(stat(path, &stat_of_file), 0);
    assert_int_equal(stat_of_file.st_mode & 07777, 0600);
    static const unsigned modes[] = {0640, 0620, 0610, 0604, 0602, 0601};
    for (size_t i = 0; i < ARRAY_LENGTH(modes); i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_int_equal(private_key_load(path, &key), ERR_DENIED);
    }
    scratch_write(&scratch, "text.key", bytes_of_text("no key at all"), 0600);
    assert_int_equal(private_key_load(scratch_file(&scratch, "text.key"), &key), ERR_MALFORMED);
    scratch_remove(&scratch);
}

static void a_public_key_travels_and_carries_no_private_part(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_create(&scratch);
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        struct public_key public, from_der, from_file;
        struct buffer der = {0};
        struct sha256 hash, again;
        struct signature signature;
        assert_int_equal(public_key_of(&keys[i], &public), OK);
        struct private_key pretended = {.kind = public.kind, .handle = public.handle};
        assert_int_not_equal(private_key_sign(&pretended, bytes_of_text("x"), &signature), OK);
        assert_int_equal(public_key_encode(&public, &der), OK);
        assert_int_equal(public_key_decode(buffer_bytes(&der), &from_der), OK);
        assert_int_equal(public_key_save(&public, scratch_file(&scratch, "pub.pem")), OK);
        assert_int_equal(public_key_load(scratch_file(&scratch, "pub.pem"), &from_file), OK);
        assert_int_equal(public_key_hash(&from_der, &hash), OK);
        assert_int_equal(public_key_hash(&from_file, &again), OK);
        assert_true(sha256_equal(&hash, &again));
        assert_int_equal(sha256_of(buffer_bytes(&der), &again), OK);
        assert_true(sha256_equal(&hash, &again));
        public_key_free(&public);
        public_key_free(&from_der);
        public_key_free(&from_file);
        buffer_free(&der);
    }
    scratch_remove(&scratch);
}

static void assert_key_is_refused(EVP_PKEY *handle, enum status expected)
{
    assert_non_null(handle);
    uint8_t *der = NULL;
    int length = i2d_PUBKEY(handle, &der);
    assert_true(length > 0);
    struct public_key key;
    assert_int_equal(public_key_decode(bytes_of(der, (size_t)length), &key), expected);
    OPENSSL_free(der);
    EVP_PKEY_free(handle);
}

static void keys_of_other_kinds_and_sizes_are_refused(void **state)
{
    (void)state;
    assert_key_is_refused(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024), ERR_UNSUPPORTED);
    assert_key_is_refused(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp521r1"), ERR_UNSUPPORTED);
    assert_key_is_refused(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1"), ERR_UNSUPPORTED);
    assert_key_is_refused(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), ERR_UNSUPPORTED);
}

/* CVE-2020-0601: a curve that says it is P-256 with a generator of the sender's choice. */
static void a_curve_spelt_out_by_its_parameters_is_refused(void **state)
{
    (void)state;
    EVP_PKEY *handle = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(handle, "encoding", "explicit"), 1);
    assert_key_is_refused(handle, ERR_UNSUPPORTED);
}

static void a_point_in_another_form_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *form;
        enum status expected;
    } cases[] = {{"compressed", ERR_UNSUPPORTED}, {"hybrid", ERR_MALFORMED}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        EVP_PKEY *handle = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
        assert_int_equal(EVP_PKEY_set_utf8_string_param(handle, "point-format", cases[i].form), 1);
        assert_key_is_refused(handle, cases[i].expected);
    }
}

/* What is composed here must be what the library writes. */
static void a_public_key_is_encoded_as_the_library_encodes_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        struct public_key public;
        struct buffer der = {0};
        uint8_t *expected = NULL;
        assert_int_equal(public_key_of(&keys[i], &public), OK);
        assert_int_equal(public_key_encode(&public, &der), OK);
        int length = i2d_PUBKEY(keys[i].handle, &expected);
        assert_int_equal(der.length, length);
        assert_memory_equal(der.data, expected, der.length);
        OPENSSL_free(expected);
        public_key_free(&public);
        buffer_free(&der);
    }
}

static void a_point_off_the_curve_is_no_key(void **state)
{
    (void)state;
    for (size_t i = 1; i < ARRAY_LENGTH(kinds); i++) {
        struct public_key public, refused;
        struct buffer der = {0};
        assert_int_equal(public_key_of(&keys[i], &public), OK);
        assert_int_equal(public_key_encode(&public, &der), OK);
        der.data[der.length - 1] ^= 1;
        assert_int_equal(public_key_decode(buffer_bytes(&der), &refused), ERR_MALFORMED);
        public_key_free(&public);
        buffer_free(&der);
    }
}

static void every_shortened_or_lengthened_public_key_is_refused(void **state)
{
    (void)state;
    struct public_key public, refused;
    struct buffer der = {0};
    assert_int_equal(public_key_of(&keys[1], &public), OK);
    assert_int_equal(public_key_encode(&public, &der), OK);
    for (size_t length = 0; length < der.length; length++)
        assert_int_not_equal(public_key_decode(bytes_of(der.data, length), &refused), OK);
    assert_int_equal(buffer_append(&der, bytes_of("", 1)), OK);
    assert_int_equal(public_key_decode(buffer_bytes(&der), &refused), ERR_UNSUPPORTED);
    public_key_free(&public);
    buffer_free(&der);
}

static void a_modulus_makes_the_key_it_came_from(void **state)
{
    (void)state;
    struct public_key public, again;
    uint8_t modulus[RSA_2048_LENGTH], zeros[RSA_2048_LENGTH] = {0};
    assert_int_equal(public_key_of(&keys[0], &public), OK);
    assert_int_equal(public_key_modulus(&public, modulus), OK);
    assert_int_equal(public_key_from_modulus(modulus, &again), OK);
    assert_int_equal(EVP_PKEY_eq(public.handle, again.handle), 1);
    public_key_free(&again);
    assert_int_not_equal(public_key_from_modulus(zeros, &again), OK);
    modulus[RSA_2048_LENGTH - 1] &= 0xFE;
    assert_int_equal(public_key_from_modulus(modulus, &again), ERR_MALFORMED);
    modulus[RSA_2048_LENGTH - 1] |= 1;
    modulus[0] = 0;
    assert_int_equal(public_key_from_modulus(modulus, &again), ERR_MALFORMED);
    public_key_free(&public);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_fits_its_key_and_message_only),
        cmocka_unit_test(padding_over_a_digest_info_is_the_signature_of_the_message),
        cmocka_unit_test(padding_takes_1_to_245_bytes),
        cmocka_unit_test(a_saved_key_is_the_same_key),
        cmocka_unit_test(a_key_file_that_others_can_open_is_refused),
        cmocka_unit_test(a_public_key_travels_and_carries_no_private_part),
        cmocka_unit_test(keys_of_other_kinds_and_sizes_are_refused),
        cmocka_unit_test(a_curve_spelt_out_by_its_parameters_is_refused),
        cmocka_unit_test(a_point_in_another_form_is_refused),
        cmocka_unit_test(a_public_key_is_encoded_as_the_library_encodes_it),
        cmocka_unit_test(a_point_off_the_curve_is_no_key),
        cmocka_unit_test(every_shortened_or_lengthened_public_key_is_refused),
        cmocka_unit_test(a_modulus_makes_the_key_it_came_from),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
