#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "pki/sealed.h"
#include "pki/sealed_ephemeral.h"
#include "pki_fixture.h"

static struct private_key recipient, other;
static struct public_key recipient_public;

static int make_keys(void **state)
{
    (void)state;
    enum status status = private_key_create(KEY_P256, &recipient);
    if (status == OK)
        status = private_key_create(KEY_P256, &other);
    if (status == OK)
        status = public_key_of(&recipient, &recipient_public);
    return status == OK ? 0 : -1;
}

static int free_keys(void **state)
{
    (void)state;
    private_key_free(&recipient);
    private_key_free(&other);
    public_key_free(&recipient_public);
    return 0;
}

static struct sealed_context about(const char *label, const char *context)
{
    return (struct sealed_context){.label = label, .context = bytes_of_text(context)};
}

static void seal(struct buffer *out)
{
    assert_int_equal(sealed_seal(&recipient_public, about("shikaku-number-1", "06139463|7"),
                                 bytes_of_text("123456789018"), out),
                     OK);
}

static enum status open_with(const struct private_key *key, const char *label, const char *context,
                             struct bytes message, struct buffer *out)
{
    return sealed_open(key, about(label, context), message, out);
}

static void vector_key(const json_t *vectors, const char *member, struct private_key *out)
{
    struct buffer der = {0};
    vector_bytes(vectors, member, &der);
    assert_int_equal(private_key_decode(buffer_bytes(&der), out), OK);
    buffer_free(&der);
}

/* Made with WebCrypto: what a browser seals, the vault opens, and the other way round. */
static void sealed_messages_agree_with_the_committed_vectors(void **state)
{
    (void)state;
    json_t *vectors = vectors_load("sealed.json"), *object;
    struct private_key to, ephemeral;
    struct public_key to_public;
    struct buffer spki = {0}, context = {0}, plaintext = {0}, expected = {0};
    size_t index;
    vector_key(vectors, "recipient_private_pkcs8", &to);
    vector_key(vectors, "ephemeral_private_pkcs8", &ephemeral);
    vector_bytes(vectors, "recipient_public_spki", &spki);
    assert_int_equal(public_key_decode(buffer_bytes(&spki), &to_public), OK);
    json_array_foreach(json_object_get(vectors, "messages"), index, object)
    {
        struct buffer sealed = {0}, opened = {0};
        vector_bytes(object, "context", &context);
        vector_bytes(object, "plaintext", &plaintext);
        vector_bytes(object, "message", &expected);
        const struct sealed_context what = {vector_text(object, "label"), buffer_bytes(&context)};
        assert_int_equal(sealed_seal_with(&ephemeral, &to_public, what, buffer_bytes(&plaintext), &sealed),
                         OK);
        assert_true(bytes_equal(buffer_bytes(&sealed), buffer_bytes(&expected)));
        assert_int_equal(sealed_open(&to, what, buffer_bytes(&expected), &opened), OK);
        assert_true(bytes_equal(buffer_bytes(&opened), buffer_bytes(&plaintext)));
        buffer_free(&sealed);
        buffer_free(&opened);
    }
    assert_int_equal(index, 4);
    private_key_free(&to);
    private_key_free(&ephemeral);
    public_key_free(&to_public);
    buffer_free(&spki);
    buffer_free(&context);
    buffer_free(&plaintext);
    buffer_free(&expected);
    json_decref(vectors);
}

static void only_its_recipient_opens_a_message(void **state)
{
    (void)state;
    struct buffer sealed = {0}, opened = {0};
    seal(&sealed);
    assert_int_equal(open_with(&recipient, "shikaku-number-1", "06139463|7", buffer_bytes(&sealed), &opened),
                     OK);
    assert_true(opened.secret);
    assert_true(bytes_equal(buffer_bytes(&opened), bytes_of_text("123456789018")));
    assert_int_equal(open_with(&other, "shikaku-number-1", "06139463|7", buffer_bytes(&sealed), &opened),
                     ERR_NOT_FOUND);
    buffer_free(&sealed);
    buffer_free(&opened);
}

/* Putting the other key's hash into the header does not make it the other's message. */
static void a_message_readdressed_does_not_open(void **state)
{
    (void)state;
    struct buffer sealed = {0}, opened = {0};
    struct public_key other_public;
    struct sha256 hash;
    seal(&sealed);
    assert_int_equal(public_key_of(&other, &other_public), OK);
    assert_int_equal(public_key_hash(&other_public, &hash), OK);
    memcpy(sealed.data + 1, hash.bytes, SHA256_LENGTH);
    assert_int_equal(open_with(&other, "shikaku-number-1", "06139463|7", buffer_bytes(&sealed), &opened),
                     ERR_CRYPTO);
    public_key_free(&other_public);
    buffer_free(&sealed);
    buffer_free(&opened);
}

static void a_message_opens_only_as_what_it_was_sealed_as(void **state)
{
    (void)state;
    static const struct {
        const char *label, *context;
    } wrong[] = {
        {"shikaku-number-2", "06139463|7"}, {"shikaku-number-1", "06139463|8"},
        {"shikaku-number-1", ""},           {"", "06139463|7"},
        {"shikaku-number-10", "6139463|7"}, {"shikaku-number-", "106139463|7"},
    };
    struct buffer sealed = {0}, opened = {0};
    seal(&sealed);
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++)
        assert_int_equal(
            open_with(&recipient, wrong[i].label, wrong[i].context, buffer_bytes(&sealed), &opened),
            ERR_CRYPTO);
    assert_int_equal(opened.length, 0);
    buffer_free(&sealed);
    buffer_free(&opened);
}

static void every_altered_byte_keeps_a_message_shut(void **state)
{
    (void)state;
    struct buffer sealed = {0}, opened = {0};
    seal(&sealed);
    for (size_t i = 0; i < sealed.length; i++) {
        for (uint8_t bit = 0x01; bit; bit = (uint8_t)(bit << 4)) {
            sealed.data[i] ^= bit;
            enum status status =
                open_with(&recipient, "shikaku-number-1", "06139463|7", buffer_bytes(&sealed), &opened);
            if (status != ERR_CRYPTO && status != ERR_NOT_FOUND && status != ERR_VERSION)
                fail_msg("byte %zu: %s", i, status_name(status));
            sealed.data[i] ^= bit;
        }
    }
    for (size_t length = 0; length < sealed.length; length++)
        assert_int_not_equal(
            open_with(&recipient, "shikaku-number-1", "06139463|7", bytes_of(sealed.data, length), &opened),
            OK);
    assert_int_equal(opened.length, 0);
    assert_int_equal(ERR_peek_error(), 0);
    buffer_free(&sealed);
    buffer_free(&opened);
}

/* RFC 7748 and NIST SP 800-56A 5.6.2.3: a point off the curve would give the key away bit by bit. */
static void a_point_that_is_not_on_the_curve_is_refused(void **state)
{
    (void)state;
    struct buffer sealed = {0}, opened = {0};
    seal(&sealed);
    memset(sealed.data + 1 + SHA256_LENGTH + 1, 0, 64);
    assert_int_equal(open_with(&recipient, "shikaku-number-1", "06139463|7", buffer_bytes(&sealed), &opened),
                     ERR_CRYPTO);
    sealed.data[1 + SHA256_LENGTH] = 0x00; /* the point at infinity, as it were */
    assert_int_equal(open_with(&recipient, "shikaku-number-1", "06139463|7", buffer_bytes(&sealed), &opened),
                     ERR_CRYPTO);
    buffer_free(&sealed);
    buffer_free(&opened);
}

static void one_plaintext_never_seals_to_the_same_message(void **state)
{
    (void)state;
    struct buffer first = {0}, second = {0};
    seal(&first);
    seal(&second);
    assert_int_equal(first.length, second.length);
    assert_memory_not_equal(first.data + SEALED_HEADER_LENGTH, second.data + SEALED_HEADER_LENGTH, 12);
    assert_memory_not_equal(first.data + 1 + SHA256_LENGTH, second.data + 1 + SHA256_LENGTH, 65);
    buffer_free(&first);
    buffer_free(&second);
}

static void only_p256_keys_seal_and_open(void **state)
{
    (void)state;
    struct private_key p384;
    struct public_key p384_public;
    struct buffer out = {0};
    assert_int_equal(private_key_create(KEY_P384, &p384), OK);
    assert_int_equal(public_key_of(&p384, &p384_public), OK);
    assert_int_equal(sealed_seal(&p384_public, about("x", ""), bytes_of_text("y"), &out), ERR_UNSUPPORTED);
    assert_int_equal(sealed_open(&p384, about("x", ""), bytes_of_text("y"), &out), ERR_UNSUPPORTED);
    private_key_free(&p384);
    public_key_free(&p384_public);
}

static void a_message_names_its_recipient(void **state)
{
    (void)state;
    struct buffer sealed = {0};
    struct sha256 named, expected;
    seal(&sealed);
    assert_int_equal(sealed_recipient(buffer_bytes(&sealed), &named), OK);
    assert_int_equal(public_key_hash(&recipient_public, &expected), OK);
    assert_true(sha256_equal(&named, &expected));
    sealed.data[0] = 2;
    assert_int_equal(sealed_recipient(buffer_bytes(&sealed), &named), ERR_VERSION);
    assert_int_equal(sealed_recipient(bytes_of(sealed.data, SEALED_OVERHEAD - 1), &named), ERR_MALFORMED);
    buffer_free(&sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_messages_agree_with_the_committed_vectors),
        cmocka_unit_test(only_its_recipient_opens_a_message),
        cmocka_unit_test(a_message_readdressed_does_not_open),
        cmocka_unit_test(a_message_opens_only_as_what_it_was_sealed_as),
        cmocka_unit_test(every_altered_byte_keeps_a_message_shut),
        cmocka_unit_test(a_point_that_is_not_on_the_curve_is_refused),
        cmocka_unit_test(one_plaintext_never_seals_to_the_same_message),
        cmocka_unit_test(only_p256_keys_seal_and_open),
        cmocka_unit_test(a_message_names_its_recipient),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
