#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authority_fixture.h"

static struct authority_world world;
static struct public_key sealing_key, vault_public;
static struct private_key vault;

static int create(void **state)
{
    (void)state;
    char path[192];
    if (authority_world_create(&world) != 0)
        return -1;
    snprintf(path, sizeof(path), "%s/public/sealing.pem", world.directory);
    if (public_key_load(path, &sealing_key) != OK || private_key_create(KEY_P256, &vault) != OK)
        return -1;
    return public_key_of(&vault, &vault_public) == OK ? 0 : -1;
}

static int destroy(void **state)
{
    (void)state;
    keys_free();
    public_key_free(&sealing_key);
    public_key_free(&vault_public);
    private_key_free(&vault);
    return authority_world_remove(&world);
}

static struct certificate_id authentication, signature;

static int reset(void **state)
{
    (void)state;
    authority_world_reset(&world);
    assert_int_equal(authority_register_vault(world.authority, &vault_public), OK);
    register_resident(&world, "12345678901");
    struct card_order order = order_with("12345678901", rsa_key(0), rsa_key(1));
    struct issued_card card;
    assert_int_equal(authority_issue_card(world.authority, &order, &card), OK);
    authentication = card.authentication.id;
    signature = card.signature.id;
    issued_card_free(&card);
    order_free(&order);
    return 0;
}

static void seal_question(const struct resident_question *question, struct buffer *out)
{
    struct buffer plaintext = {0};
    const struct sealed_context context = {.label = RESIDENT_QUESTION_LABEL};
    assert_int_equal(resident_question_encode(question, &plaintext), OK);
    assert_int_equal(sealed_seal(&sealing_key, context, buffer_bytes(&plaintext), out), OK);
    buffer_free(&plaintext);
}

/* The views of the answer point into plaintext, which the caller frees. */
static void ask(const struct resident_question *question, struct buffer *plaintext,
                struct resident_answer *out)
{
    struct buffer sealed = {0}, answer = {0};
    const struct sealed_context context = {.label = RESIDENT_ANSWER_LABEL};
    seal_question(question, &sealed);
    assert_int_equal(authority_answer(world.authority, buffer_bytes(&sealed), &answer), OK);
    assert_int_equal(sealed_open(&vault, context, buffer_bytes(&answer), plaintext), OK);
    assert_int_equal(resident_answer_decode(buffer_bytes(plaintext), out), OK);
    assert_int_equal(out->kind, question->kind);
    assert_memory_equal(out->number, question->number, QUESTION_NUMBER_LENGTH);
    buffer_free(&sealed);
    buffer_free(&answer);
}

static struct resident_question whose(const struct certificate_id *id)
{
    struct resident_question question;
    resident_question_create(QUESTION_WHOSE_CERTIFICATE, clock_now(&world.clock), &question);
    question.certificate = *id;
    return question;
}

static struct resident_question who(const char *number)
{
    struct resident_question question;
    resident_question_create(QUESTION_WHO_IS, clock_now(&world.clock), &question);
    memcpy(question.my_number, number, MY_NUMBER_LENGTH);
    return question;
}

static void a_certificate_leads_to_its_holders_number_and_its_state(void **state)
{
    (void)state;
    const struct {
        const struct certificate_id *id;
        enum certificate_kind kind;
    } cases[] = {{&authentication, CERTIFICATE_AUTHENTICATION}, {&signature, CERTIFICATE_SIGNATURE}};
    const struct state_order suspend = {ACTION_SUSPEND, SUBJECT_CARD, authentication};
    size_t changed;
    assert_int_equal(authority_change_state(world.authority, &suspend, &changed), OK);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct resident_question question = whose(cases[i].id);
        struct resident_answer answer;
        struct buffer plaintext = {0};
        ask(&question, &plaintext, &answer);
        assert_int_equal(answer.finding, FINDING_FOUND);
        assert_memory_equal(answer.my_number, "123456789018", MY_NUMBER_LENGTH);
        assert_int_equal(answer.certificate_kind, cases[i].kind);
        assert_int_equal(answer.certificate_state, STATE_SUSPENDED);
        buffer_free(&plaintext);
    }
}

static void a_number_leads_to_the_five_items(void **state)
{
    (void)state;
    struct resident expected = resident_with("12345678901");
    struct resident_question question = who("123456789018");
    struct resident_answer answer;
    struct buffer plaintext = {0};
    ask(&question, &plaintext, &answer);
    assert_int_equal(answer.finding, FINDING_FOUND);
    assert_true(bytes_equal(answer.items.name, expected.items.name.text));
    assert_true(bytes_equal(answer.items.kana, expected.items.kana.text));
    assert_true(bytes_equal(answer.items.address, expected.items.address.text));
    assert_true(date_equal(answer.items.birth, expected.items.birth));
    assert_int_equal(answer.items.sex, '2');
    assert_int_equal(answer.resident_state, RESIDENT_LIVING);
    buffer_free(&plaintext);
}

static void who_is_not_there_is_nobody(void **state)
{
    (void)state;
    static const struct certificate_id unknown = {{7}};
    struct resident_question questions[] = {whose(&unknown), who("223456789012"), who("000000000001")};
    for (size_t i = 0; i < ARRAY_LENGTH(questions); i++) {
        struct resident_answer answer;
        struct buffer plaintext = {0};
        ask(&questions[i], &plaintext, &answer);
        assert_int_equal(answer.finding, FINDING_NOBODY);
        buffer_free(&plaintext);
    }
}

static void answers_are_for_the_registered_vault_only(void **state)
{
    (void)state;
    struct private_key newer;
    struct public_key newer_public;
    struct resident_question question = who("123456789018");
    struct buffer sealed = {0}, answer = {0}, plaintext = {0};
    const struct sealed_context context = {.label = RESIDENT_ANSWER_LABEL};
    assert_int_equal(private_key_create(KEY_P256, &newer), OK);
    assert_int_equal(public_key_of(&newer, &newer_public), OK);
    world.clock.fixed += MICROSECONDS;
    assert_int_equal(authority_register_vault(world.authority, &newer_public), OK);
    seal_question(&question, &sealed);
    assert_int_equal(authority_answer(world.authority, buffer_bytes(&sealed), &answer), OK);
    assert_int_equal(sealed_open(&vault, context, buffer_bytes(&answer), &plaintext), ERR_NOT_FOUND);
    assert_int_equal(sealed_open(&newer, context, buffer_bytes(&answer), &plaintext), OK);
    private_key_free(&newer);
    public_key_free(&newer_public);
    buffer_free(&sealed);
    buffer_free(&answer);
    buffer_free(&plaintext);
}

static void without_a_registered_vault_there_is_no_answer(void **state)
{
    (void)state;
    struct resident_question question = who("123456789018");
    struct buffer sealed = {0}, answer = {0};
    authority_world_reset(&world);
    seal_question(&question, &sealed);
    assert_int_equal(authority_answer(world.authority, buffer_bytes(&sealed), &answer), ERR_WRONG_STATE);
    assert_int_equal(answer.length, 0);
    buffer_free(&sealed);
}

static void a_stale_question_is_not_answered(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        enum status expected;
    } cases[] = {{-601, ERR_EXPIRED}, {-599, OK}, {599, OK}, {601, ERR_EXPIRED}};
    moment now = clock_now(&world.clock);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct resident_question question = who("123456789018");
        struct buffer sealed = {0}, answer = {0};
        question.asked_at = now + cases[i].seconds * MICROSECONDS;
        seal_question(&question, &sealed);
        assert_int_equal(authority_answer(world.authority, buffer_bytes(&sealed), &answer),
                         cases[i].expected);
        buffer_free(&sealed);
        buffer_free(&answer);
    }
}

static void what_is_not_sealed_to_the_authority_is_refused(void **state)
{
    (void)state;
    struct resident_question question = who("123456789018");
    struct buffer sealed = {0}, answer = {0};
    seal_question(&question, &sealed);
    sealed.data[sealed.length - 1] ^= 1;
    assert_int_equal(authority_answer(world.authority, buffer_bytes(&sealed), &answer), ERR_CRYPTO);
    assert_int_equal(authority_answer(world.authority, bytes_of_text("123456789018"), &answer),
                     ERR_MALFORMED);
    assert_int_equal(answer.length, 0);
    buffer_free(&sealed);
}

static void a_vaults_key_is_p256(void **state)
{
    (void)state;
    struct public_key key;
    assert_int_equal(public_key_of(rsa_key(0), &key), OK);
    assert_int_equal(authority_register_vault(world.authority, &key), ERR_UNSUPPORTED);
    public_key_free(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_certificate_leads_to_its_holders_number_and_its_state, reset),
        cmocka_unit_test_setup(a_number_leads_to_the_five_items, reset),
        cmocka_unit_test_setup(who_is_not_there_is_nobody, reset),
        cmocka_unit_test_setup(answers_are_for_the_registered_vault_only, reset),
        cmocka_unit_test_setup(without_a_registered_vault_there_is_no_answer, reset),
        cmocka_unit_test_setup(a_stale_question_is_not_answered, reset),
        cmocka_unit_test_setup(what_is_not_sealed_to_the_authority_is_refused, reset),
        cmocka_unit_test_setup(a_vaults_key_is_p256, reset),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, create, destroy);
}
