#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/resident_query.h"
#include "pki_fixture.h"

static struct resident_question question_of(enum resident_question_kind kind)
{
    struct resident_question question;
    resident_question_create(kind, moment_of_day(2026, 11, 22), &question);
    if (kind == QUESTION_WHO_IS)
        memcpy(question.my_number, "123456789018", MY_NUMBER_LENGTH);
    else
        memset(question.certificate.bytes, 0xA5, sizeof(question.certificate.bytes));
    return question;
}

static struct resident_answer answer_of(enum resident_question_kind kind)
{
    struct resident_answer answer = {
        .kind = kind,
        .number = "sixteen bytes 16",
        .finding = FINDING_FOUND,
        .my_number = "123456789018",
        .certificate_kind = CERTIFICATE_AUTHENTICATION,
        .certificate_state = STATE_SUSPENDED,
        .items = {.name = bytes_of_text("髙橋　﨑子"),
                  .kana = bytes_of_text("タカハシ　サキコ"),
                  .alias = bytes_of_text(""),
                  .sex = '2',
                  .address = bytes_of_text("東京都千代田区霞が関一丁目２番２号")},
        .resident_state = RESIDENT_LIVING,
    };
    assert_int_equal(date_from_ymd(1985, 5, 17, &answer.items.birth), OK);
    return answer;
}

static void both_questions_arrive_as_asked(void **state)
{
    (void)state;
    for (enum resident_question_kind kind = QUESTION_WHOSE_CERTIFICATE; kind <= QUESTION_WHO_IS; kind++) {
        struct resident_question asked = question_of(kind), got;
        struct buffer bytes = {0};
        assert_int_equal(resident_question_encode(&asked, &bytes), OK);
        assert_true(bytes.secret);
        assert_int_equal(resident_question_decode(buffer_bytes(&bytes), &got), OK);
        assert_memory_equal(&asked, &got, sizeof(asked));
        buffer_free(&bytes);
    }
}

static void two_questions_never_have_the_same_number(void **state)
{
    (void)state;
    struct resident_question first = question_of(QUESTION_WHO_IS), second = question_of(QUESTION_WHO_IS);
    assert_memory_not_equal(first.number, second.number, QUESTION_NUMBER_LENGTH);
}

static void an_answer_names_the_number_and_the_state_of_a_certificate(void **state)
{
    (void)state;
    struct resident_answer given = answer_of(QUESTION_WHOSE_CERTIFICATE), got;
    struct buffer bytes = {0};
    assert_int_equal(resident_answer_encode(&given, &bytes), OK);
    assert_true(bytes.secret);
    assert_int_equal(resident_answer_decode(buffer_bytes(&bytes), &got), OK);
    assert_memory_equal(got.number, given.number, QUESTION_NUMBER_LENGTH);
    assert_memory_equal(got.my_number, given.my_number, MY_NUMBER_LENGTH);
    assert_int_equal(got.certificate_kind, CERTIFICATE_AUTHENTICATION);
    assert_int_equal(got.certificate_state, STATE_SUSPENDED);
    buffer_free(&bytes);
}

static void an_answer_carries_the_five_items_untouched(void **state)
{
    (void)state;
    struct resident_answer given = answer_of(QUESTION_WHO_IS), got;
    struct buffer bytes = {0};
    assert_int_equal(resident_answer_encode(&given, &bytes), OK);
    assert_int_equal(resident_answer_decode(buffer_bytes(&bytes), &got), OK);
    assert_true(bytes_equal(got.items.name, given.items.name));
    assert_true(bytes_equal(got.items.kana, given.items.kana));
    assert_true(bytes_equal(got.items.alias, given.items.alias));
    assert_true(bytes_equal(got.items.address, given.items.address));
    assert_true(date_equal(got.items.birth, given.items.birth));
    assert_int_equal(got.items.sex, '2');
    assert_int_equal(got.resident_state, RESIDENT_LIVING);
    buffer_free(&bytes);
}

static void nobody_is_an_answer_too(void **state)
{
    (void)state;
    struct resident_answer given = {.kind = QUESTION_WHO_IS, .finding = FINDING_NOBODY}, got;
    struct buffer bytes = {0};
    assert_int_equal(resident_answer_encode(&given, &bytes), OK);
    assert_int_equal(resident_answer_decode(buffer_bytes(&bytes), &got), OK);
    assert_int_equal(got.finding, FINDING_NOBODY);
    buffer_free(&bytes);
}

static void shortened_or_lengthened_messages_are_refused(void **state)
{
    (void)state;
    for (enum resident_question_kind kind = QUESTION_WHOSE_CERTIFICATE; kind <= QUESTION_WHO_IS; kind++) {
        struct resident_question question = question_of(kind);
        struct resident_answer answer = answer_of(kind);
        struct buffer asked = {0}, given = {0};
        assert_int_equal(resident_question_encode(&question, &asked), OK);
        assert_int_equal(resident_answer_encode(&answer, &given), OK);
        for (size_t length = 0; length < asked.length; length++)
            assert_int_not_equal(resident_question_decode(bytes_of(asked.data, length), &question), OK);
        for (size_t length = 0; length < given.length; length++)
            assert_int_not_equal(resident_answer_decode(bytes_of(given.data, length), &answer), OK);
        assert_int_equal(buffer_append(&asked, bytes_of("", 1)), OK);
        assert_int_equal(buffer_append(&given, bytes_of("", 1)), OK);
        assert_int_equal(resident_question_decode(buffer_bytes(&asked), &question), ERR_MALFORMED);
        assert_int_equal(resident_answer_decode(buffer_bytes(&given), &answer), ERR_MALFORMED);
        buffer_free(&asked);
        buffer_free(&given);
    }
}

static void nonsense_values_are_refused(void **state)
{
    (void)state;
    struct resident_question question = question_of(QUESTION_WHO_IS);
    struct resident_answer answer = answer_of(QUESTION_WHO_IS);
    struct buffer bytes = {0};
    question.my_number[4] = 'x';
    assert_int_equal(resident_question_encode(&question, &bytes), OK);
    assert_int_equal(resident_question_decode(buffer_bytes(&bytes), &question), ERR_MALFORMED);
    buffer_clear(&bytes);
    answer.items.name = bytes_of_text("\xFF\xFE");
    assert_int_equal(resident_answer_encode(&answer, &bytes), OK);
    assert_int_equal(resident_answer_decode(buffer_bytes(&bytes), &answer), ERR_MALFORMED);
    buffer_clear(&bytes);
    answer = answer_of(QUESTION_WHO_IS);
    answer.items.birth.days = -40000;
    assert_int_equal(resident_answer_encode(&answer, &bytes), OK);
    assert_int_equal(resident_answer_decode(buffer_bytes(&bytes), &answer), ERR_MALFORMED);
    bytes.data[0] = 2;
    assert_int_equal(resident_answer_decode(buffer_bytes(&bytes), &answer), ERR_VERSION);
    bytes.data[0] = 1;
    bytes.data[1] = 3;
    assert_int_equal(resident_answer_decode(buffer_bytes(&bytes), &answer), ERR_UNSUPPORTED);
    buffer_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_questions_arrive_as_asked),
        cmocka_unit_test(two_questions_never_have_the_same_number),
        cmocka_unit_test(an_answer_names_the_number_and_the_state_of_a_certificate),
        cmocka_unit_test(an_answer_carries_the_five_items_untouched),
        cmocka_unit_test(nobody_is_an_answer_too),
        cmocka_unit_test(shortened_or_lengthened_messages_are_refused),
        cmocka_unit_test(nonsense_values_are_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
