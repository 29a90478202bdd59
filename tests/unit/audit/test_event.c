#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/encoding.h"
#include "audit/outbox.h"

static struct event full_event(void)
{
    struct event event = {
        .when = 1795482000123456,
        .kind = EVENT_CHECK_BY_CARD,
        .outcome = 65535,
        .caller = {.party = PARTY_INSTITUTION, .code = "0110113719"},
        .has_key = true,
        .key = {.expiry = 1795482000123456 + 300 * (moment)MICROSECONDS},
        .personal = {.person = INT64_MAX,
                     .subscription = -5,
                     .has_visit = true,
                     .visit = {.expiry = 1795482000123456},
                     .answer = bytes_of_text("{\"answer\":1}"),
                     .detail = bytes_of_text("detail")},
    };
    memset(event.id, 1, sizeof event.id);
    memset(event.caller.certificate_id, 2, EVENT_HASH_SIZE);
    memset(event.key.key, 3, EVENT_HASH_SIZE);
    memset(event.key.request_hash, 4, EVENT_HASH_SIZE);
    memset(event.personal.visit.token_hash, 5, EVENT_HASH_SIZE);
    return event;
}

static void an_event_in_the_outbox_comes_back_as_it_was(void **state)
{
    (void)state;
    const struct event event = full_event();
    struct buffer packed = {0}, again = {0};
    struct event back;
    assert_int_equal(event_pack(&event, &packed), OK);
    assert_int_equal(event_unpack(buffer_bytes(&packed), &back), OK);
    assert_int_equal(back.when, event.when);
    assert_int_equal(back.kind, event.kind);
    assert_int_equal(back.outcome, event.outcome);
    assert_int_equal(back.caller.party, event.caller.party);
    assert_string_equal(back.caller.code, event.caller.code);
    assert_memory_equal(back.id, event.id, EVENT_ID_SIZE);
    assert_memory_equal(back.caller.certificate_id, event.caller.certificate_id, EVENT_HASH_SIZE);
    assert_true(back.has_key);
    assert_memory_equal(&back.key, &event.key, sizeof event.key);
    assert_int_equal(back.personal.person, event.personal.person);
    assert_int_equal(back.personal.subscription, event.personal.subscription);
    assert_true(back.personal.has_visit);
    assert_memory_equal(&back.personal.visit, &event.personal.visit, sizeof event.personal.visit);
    assert_true(bytes_equal(back.personal.answer, event.personal.answer));
    assert_true(bytes_equal(back.personal.detail, event.personal.detail));
    assert_int_equal(event_pack(&back, &again), OK);
    assert_true(bytes_equal(buffer_bytes(&packed), buffer_bytes(&again)));
    buffer_free(&packed);
    buffer_free(&again);
}

static void an_event_cut_short_or_too_long_is_refused(void **state)
{
    (void)state;
    const struct event event = full_event();
    struct buffer packed = {0};
    struct event back;
    assert_int_equal(event_pack(&event, &packed), OK);
    for (size_t length = 0; length < packed.length; length++)
        assert_int_equal(event_unpack(bytes_of(packed.data, length), &back), ERR_MALFORMED);
    assert_int_equal(buffer_append(&packed, bytes_of_text("x")), OK);
    assert_int_equal(event_unpack(buffer_bytes(&packed), &back), ERR_MALFORMED);
    buffer_free(&packed);
}

static void an_event_of_a_newer_encoding_is_told_apart_from_a_broken_one(void **state)
{
    (void)state;
    const struct event event = full_event();
    struct buffer packed = {0};
    struct event back;
    assert_int_equal(event_pack(&event, &packed), OK);
    packed.data[0]++;
    assert_int_equal(event_unpack(buffer_bytes(&packed), &back), ERR_VERSION);
    packed.data[0]--;
    packed.data[EVENT_CORE_SIZE]++;
    assert_int_equal(event_unpack(buffer_bytes(&packed), &back), ERR_VERSION);
    buffer_free(&packed);
}

static void a_core_of_an_event_names_no_person_and_has_one_size(void **state)
{
    (void)state;
    struct event event = full_event();
    struct buffer one = {0}, other = {0};
    assert_int_equal(event_core_encode(&event, &one), OK);
    assert_int_equal(one.length, EVENT_CORE_SIZE);
    event.personal = (struct event_personal){.person = 1};
    assert_int_equal(event_core_encode(&event, &other), OK);
    assert_true(bytes_equal(buffer_bytes(&one), buffer_bytes(&other)));
    buffer_free(&one);
    buffer_free(&other);
}

static void a_leaf_commits_to_salt_and_to_every_byte_of_the_personal_part(void **state)
{
    (void)state;
    uint8_t salt[EVENT_SALT_SIZE] = {7};
    uint8_t leaf[EVENT_HASH_SIZE], other[EVENT_HASH_SIZE];
    const struct event event = full_event();
    struct buffer personal = {0};
    assert_int_equal(event_personal_encode(&event.personal, &personal), OK);
    assert_int_equal(personal.length, event_personal_size(&event.personal));
    assert_int_equal(event_leaf(salt, buffer_bytes(&personal), leaf), OK);
    for (size_t i = 0; i < personal.length; i++) {
        personal.data[i] ^= 1;
        assert_int_equal(event_leaf(salt, buffer_bytes(&personal), other), OK);
        assert_memory_not_equal(leaf, other, EVENT_HASH_SIZE);
        personal.data[i] ^= 1;
    }
    salt[15] = 1;
    assert_int_equal(event_leaf(salt, buffer_bytes(&personal), other), OK);
    assert_memory_not_equal(leaf, other, EVENT_HASH_SIZE);
    buffer_free(&personal);
}

static void a_leaf_is_the_hash_of_salt_and_personal_part_one_after_another(void **state)
{
    (void)state;
    /* SHA-256 of 16 times 0x01 and "abc", by sha256sum(1). */
    uint8_t salt[EVENT_SALT_SIZE], leaf[EVENT_HASH_SIZE], expected[EVENT_HASH_SIZE];
    memset(salt, 1, sizeof salt);
    const char *hex = "9d9e349f421bcb4deffcd11890f31c3c3aba6b793795046f6b56e208417b96a4";
    assert_int_equal(hex_decode(hex, 64, expected, sizeof expected), OK);
    assert_int_equal(event_leaf(salt, bytes_of_text("abc"), leaf), OK);
    assert_memory_equal(leaf, expected, sizeof leaf);
}

static const struct {
    const char *what;
    const char *code;
    int64_t key_life; /* microseconds */
    size_t answer_length;
    enum status status;
} limits[] = {
    {"an ordinary event", "0110113719", 300LL * MICROSECONDS, 100, OK},
    {"no code", "", 0, 0, OK},
    {"the longest code", "1234567890123456", 0, 0, OK},
    {"a space in the code", "01 13", 0, 0, ERR_RANGE},
    {"a code that is not ASCII", "\xe3\x81\x82", 0, 0, ERR_RANGE},
    {"the longest life of a key", "0", (int64_t)EVENT_KEY_LIFE_LIMIT *MICROSECONDS, 0, OK},
    {"a key that lives a microsecond longer", "0", (int64_t)EVENT_KEY_LIFE_LIMIT *MICROSECONDS + 1, 0,
     ERR_RANGE},
    {"the largest personal part", "0", 0, EVENT_PERSONAL_LIMIT - 26, OK},
    {"a personal part one byte larger", "0", 0, EVENT_PERSONAL_LIMIT - 25, ERR_TOO_LARGE},
    {"a length that would run over", "0", 0, SIZE_MAX - 10, ERR_TOO_LARGE},
};

static void what_cannot_be_stored_is_refused_beforehand(void **state)
{
    (void)state;
    static const uint8_t zeros[EVENT_PERSONAL_LIMIT];
    for (size_t i = 0; i < ARRAY_LENGTH(limits); i++) {
        struct event event = {.kind = EVENT_CHECK_BY_NUMBER, .when = 1, .has_key = true};
        memcpy(event.caller.code, limits[i].code, strlen(limits[i].code) + 1);
        event.key.expiry = 1 + limits[i].key_life;
        event.personal.answer = bytes_of(zeros, limits[i].answer_length);
        if (event_check(&event) != limits[i].status)
            fail_msg("%s", limits[i].what);
    }
    struct event event = {.kind = EVENT_REFUSAL};
    memset(event.caller.code, '1', sizeof event.caller.code); /* not even terminated */
    assert_int_equal(event_check(&event), ERR_RANGE);
    event = (struct event){0};
    assert_int_equal(event_check(&event), ERR_RANGE);
}

static const struct {
    int number;
    const char *word;
} kinds[] = {
    {1, "refusal"},          {10, "check_by_card"},
    {11, "check_by_number"}, {20, "enrolment"},
    {30, "load_published"},  {31, "load_undone"},
    {40, "link_made"},       {41, "link_quarantined"},
    {42, "link_released"},   {50, "certificate_state_applied"},
};

static void stored_numbers_of_kinds_keep_their_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        assert_string_equal(event_kind_name((enum event_kind)kinds[i].number), kinds[i].word);
    assert_null(event_kind_name((enum event_kind)0));
    assert_null(event_kind_name((enum event_kind)9999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_in_the_outbox_comes_back_as_it_was),
        cmocka_unit_test(an_event_cut_short_or_too_long_is_refused),
        cmocka_unit_test(an_event_of_a_newer_encoding_is_told_apart_from_a_broken_one),
        cmocka_unit_test(a_core_of_an_event_names_no_person_and_has_one_size),
        cmocka_unit_test(a_leaf_commits_to_salt_and_to_every_byte_of_the_personal_part),
        cmocka_unit_test(a_leaf_is_the_hash_of_salt_and_personal_part_one_after_another),
        cmocka_unit_test(what_cannot_be_stored_is_refused_beforehand),
        cmocka_unit_test(stored_numbers_of_kinds_keep_their_meaning),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
