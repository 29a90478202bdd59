#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/statement.h"
#include "pki_fixture.h"

static struct private_key rsa_card, next_card;

static int make_cards(void **state)
{
    (void)state;
    enum status status = private_key_create(KEY_RSA_2048, &rsa_card);
    if (status == OK)
        status = private_key_create(KEY_P384, &next_card);
    return status == OK ? 0 : -1;
}

static int free_cards(void **state)
{
    (void)state;
    private_key_free(&rsa_card);
    private_key_free(&next_card);
    return 0;
}

static void hash_of_vector(const json_t *object, const char *member, struct sha256 *out)
{
    struct buffer bytes = {0};
    vector_bytes(object, member, &bytes);
    assert_int_equal(bytes.length, SHA256_LENGTH);
    memcpy(out->bytes, bytes.data, SHA256_LENGTH);
    buffer_free(&bytes);
}

static enum statement_kind kind_of_vector(const json_t *object)
{
    static const char *const names[] = {"check", "login", "enrol", "declare"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(vector_text(object, "kind"), names[i]) == 0)
            return (enum statement_kind)i;
    }
    fail_msg("the vectors name no known kind");
    return STATEMENT_CHECK;
}

static struct statement statement_of_vector(const json_t *vectors, const json_t *object)
{
    struct statement statement = {
        .kind = kind_of_vector(object),
        .purpose = (uint16_t)json_integer_value(json_object_get(object, "purpose")),
        .day = DATE_NONE,
    };
    struct sha256 challenge;
    hash_of_vector(vectors, "centre", &statement.centre);
    hash_of_vector(vectors, "challenge", &challenge);
    hash_of_vector(vectors, "caller", &statement.caller);
    hash_of_vector(object, "content", &statement.content);
    memcpy(statement.challenge.bytes, challenge.bytes, CHALLENGE_LENGTH);
    memcpy(statement.institution, vector_text(object, "institution"), INSTITUTION_CODE_LENGTH);
    const char *day = vector_text(object, "day");
    if (strcmp(day, "00000000") != 0)
        assert_int_equal(date_parse(day, strlen(day), &statement.day), OK);
    return statement;
}

static void statements_agree_with_the_committed_vectors(void **state)
{
    (void)state;
    json_t *vectors = vectors_load("statements.json"), *object;
    struct buffer expected = {0};
    size_t index;
    json_array_foreach(json_object_get(vectors, "statements"), index, object)
    {
        struct statement statement = statement_of_vector(vectors, object);
        struct statement_message message;
        struct sha256 digest;
        statement_compose(&statement, &message);
        vector_bytes(object, "message", &expected);
        assert_int_equal(expected.length, STATEMENT_LENGTH);
        assert_memory_equal(message.bytes, expected.data, STATEMENT_LENGTH);
        assert_int_equal(statement_digest(&message, &digest), OK);
        vector_bytes(object, "digest", &expected);
        assert_memory_equal(digest.bytes, expected.data, SHA256_LENGTH);
    }
    assert_int_equal(index, 4);
    buffer_free(&expected);
    json_decref(vectors);
}

static void the_marked_form_agrees_with_the_committed_vectors(void **state)
{
    (void)state;
    json_t *vectors = vectors_load("statements.json"), *object;
    struct buffer terminal_bytes = {0}, nonce_bytes = {0}, expected = {0};
    struct terminal_id terminal;
    struct card_nonce nonce;
    size_t index;
    vector_bytes(vectors, "terminal", &terminal_bytes);
    vector_bytes(vectors, "card_nonce", &nonce_bytes);
    memcpy(terminal.bytes, terminal_bytes.data, TERMINAL_ID_LENGTH);
    memcpy(nonce.bytes, nonce_bytes.data, CARD_NONCE_LENGTH);
    json_array_foreach(json_object_get(vectors, "statements"), index, object)
    {
        struct sha256 digest;
        uint8_t marked[PINLESS_MESSAGE_LENGTH];
        hash_of_vector(object, "digest", &digest);
        pinless_message_compose(&terminal, &nonce, &digest, marked);
        vector_bytes(object, "pinless_message", &expected);
        assert_int_equal(expected.length, PINLESS_MESSAGE_LENGTH);
        assert_memory_equal(marked, expected.data, PINLESS_MESSAGE_LENGTH);
    }
    assert_int_equal(index, 4);
    buffer_free(&terminal_bytes);
    buffer_free(&nonce_bytes);
    buffer_free(&expected);
    json_decref(vectors);
}

static struct statement any_statement(void)
{
    struct statement statement = {.kind = STATEMENT_CHECK, .purpose = 1};
    memcpy(statement.institution, "0110113719", INSTITUTION_CODE_LENGTH);
    assert_int_equal(date_from_ymd(2026, 11, 22, &statement.day), OK);
    return statement;
}

/* As the card does it: RSA pads a DigestInfo that it is given, or that it made itself. */
static void sign_as_card(const struct private_key *card, struct bytes message, struct signature *out)
{
    struct sha256 digest;
    uint8_t digest_info[DIGEST_INFO_LENGTH];
    if (card->kind != KEY_RSA_2048) {
        assert_int_equal(private_key_sign(card, message, out), OK);
        return;
    }
    assert_int_equal(sha256_of(message, &digest), OK);
    digest_info_sha256(&digest, digest_info);
    assert_int_equal(private_key_sign_padded(card, bytes_of(digest_info, sizeof(digest_info)), out), OK);
}

static const struct terminal_id terminal_42 = {"0110113719000042"};
static const struct card_nonce some_nonce = {"abcdefghijklmnop"};

static void sign_without_pin(const struct private_key *card, const struct statement_message *message,
                             struct signature *out)
{
    struct sha256 supplied;
    uint8_t marked[PINLESS_MESSAGE_LENGTH];
    assert_int_equal(statement_digest(message, &supplied), OK);
    pinless_message_compose(&terminal_42, &some_nonce, &supplied, marked);
    sign_as_card(card, bytes_of(marked, sizeof(marked)), out);
}

static enum status verify(const struct private_key *card, const struct statement_message *message,
                          enum statement_form form, const struct signature *signature)
{
    struct public_key key;
    assert_int_equal(public_key_of(card, &key), OK);
    const struct statement_signature given = {
        .form = form,
        .signature = bytes_of(signature->bytes, signature->length),
        .terminal = terminal_42,
        .nonce = some_nonce,
    };
    enum status status = statement_verify(&key, message, &given);
    public_key_free(&key);
    return status;
}

static void both_cards_sign_in_both_forms(void **state)
{
    (void)state;
    const struct private_key *cards[] = {&rsa_card, &next_card};
    struct statement statement = any_statement();
    struct statement_message message;
    statement_compose(&statement, &message);
    for (size_t i = 0; i < ARRAY_LENGTH(cards); i++) {
        struct signature signature;
        sign_as_card(cards[i], bytes_of(message.bytes, STATEMENT_LENGTH), &signature);
        assert_int_equal(verify(cards[i], &message, STATEMENT_WITH_PIN, &signature), OK);
        sign_without_pin(cards[i], &message, &signature);
        assert_int_equal(verify(cards[i], &message, STATEMENT_WITHOUT_PIN, &signature), OK);
    }
}

static void a_signature_without_pin_does_not_pass_for_one_with_pin(void **state)
{
    (void)state;
    const struct private_key *cards[] = {&rsa_card, &next_card};
    struct statement statement = any_statement();
    struct statement_message message;
    statement_compose(&statement, &message);
    for (size_t i = 0; i < ARRAY_LENGTH(cards); i++) {
        struct signature signature;
        sign_without_pin(cards[i], &message, &signature);
        assert_int_equal(verify(cards[i], &message, STATEMENT_WITH_PIN, &signature), ERR_CRYPTO);
        sign_as_card(cards[i], bytes_of(message.bytes, STATEMENT_LENGTH), &signature);
        assert_int_equal(verify(cards[i], &message, STATEMENT_WITHOUT_PIN, &signature), ERR_CRYPTO);
    }
}

static void a_signature_without_pin_names_its_terminal_and_nonce(void **state)
{
    (void)state;
    struct statement statement = any_statement();
    struct statement_message message;
    struct signature signature;
    struct public_key key;
    statement_compose(&statement, &message);
    sign_without_pin(&next_card, &message, &signature);
    assert_int_equal(public_key_of(&next_card, &key), OK);
    struct statement_signature given = {
        .form = STATEMENT_WITHOUT_PIN,
        .signature = bytes_of(signature.bytes, signature.length),
        .terminal = terminal_42,
        .nonce = some_nonce,
    };
    assert_int_equal(statement_verify(&key, &message, &given), OK);
    given.terminal.bytes[15] ^= 1;
    assert_int_equal(statement_verify(&key, &message, &given), ERR_CRYPTO);
    given.terminal = terminal_42;
    given.nonce.bytes[0] ^= 1;
    assert_int_equal(statement_verify(&key, &message, &given), ERR_CRYPTO);
    public_key_free(&key);
}

static void every_byte_of_the_statement_is_signed(void **state)
{
    (void)state;
    struct statement statement = any_statement();
    struct statement_message message;
    struct signature signature;
    statement_compose(&statement, &message);
    sign_as_card(&rsa_card, bytes_of(message.bytes, STATEMENT_LENGTH), &signature);
    for (size_t i = 0; i < STATEMENT_LENGTH; i++) {
        message.bytes[i] ^= 0x80;
        assert_int_equal(verify(&rsa_card, &message, STATEMENT_WITH_PIN, &signature), ERR_CRYPTO);
        message.bytes[i] ^= 0x80;
    }
}

static void a_statement_of_one_kind_is_not_one_of_another(void **state)
{
    (void)state;
    struct statement statement = any_statement();
    struct statement_message message;
    struct signature signature;
    statement_compose(&statement, &message);
    sign_as_card(&rsa_card, bytes_of(message.bytes, STATEMENT_LENGTH), &signature);
    for (enum statement_kind kind = STATEMENT_LOGIN; kind <= STATEMENT_DECLARE; kind++) {
        statement.kind = kind;
        statement_compose(&statement, &message);
        assert_int_equal(verify(&rsa_card, &message, STATEMENT_WITH_PIN, &signature), ERR_CRYPTO);
    }
}

static void another_card_or_a_machine_cannot_sign_for_this_one(void **state)
{
    (void)state;
    struct private_key machine;
    struct statement statement = any_statement();
    struct statement_message message;
    struct signature signature;
    statement_compose(&statement, &message);
    sign_as_card(&rsa_card, bytes_of(message.bytes, STATEMENT_LENGTH), &signature);
    assert_int_equal(verify(&next_card, &message, STATEMENT_WITH_PIN, &signature), ERR_CRYPTO);
    assert_int_equal(private_key_create(KEY_P256, &machine), OK);
    sign_as_card(&machine, bytes_of(message.bytes, STATEMENT_LENGTH), &signature);
    assert_int_equal(verify(&machine, &message, STATEMENT_WITH_PIN, &signature), ERR_UNSUPPORTED);
    private_key_free(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_agree_with_the_committed_vectors),
        cmocka_unit_test(the_marked_form_agrees_with_the_committed_vectors),
        cmocka_unit_test(both_cards_sign_in_both_forms),
        cmocka_unit_test(a_signature_without_pin_does_not_pass_for_one_with_pin),
        cmocka_unit_test(a_signature_without_pin_names_its_terminal_and_nonce),
        cmocka_unit_test(every_byte_of_the_statement_is_signed),
        cmocka_unit_test(a_statement_of_one_kind_is_not_one_of_another),
        cmocka_unit_test(another_card_or_a_machine_cannot_sign_for_this_one),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_cards, free_cards);
}
