#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/state_feed.h"
#include "pki_fixture.h"

static struct private_key feed_key, other_key;
static struct public_key feed_public, other_public;

static int make_keys(void **state)
{
    (void)state;
    enum status status = private_key_create(KEY_P256, &feed_key);
    if (status == OK)
        status = private_key_create(KEY_P256, &other_key);
    if (status == OK)
        status = public_key_of(&feed_key, &feed_public);
    if (status == OK)
        status = public_key_of(&other_key, &other_public);
    return status == OK ? 0 : -1;
}

static int free_keys(void **state)
{
    (void)state;
    private_key_free(&feed_key);
    private_key_free(&other_key);
    public_key_free(&feed_public);
    public_key_free(&other_public);
    return 0;
}

static struct state_entry entry_of(uint64_t sequence, enum subject_kind kind, enum subject_state state)
{
    struct state_entry entry = {
        .sequence = sequence, .kind = kind, .state = state, .not_after = moment_of_day(2031, 11, 22)};
    memset(entry.id.bytes, (int)sequence, sizeof(entry.id.bytes));
    if (state == STATE_SUPERSEDED)
        memset(entry.successor.bytes, 0xEE, sizeof(entry.successor.bytes));
    return entry;
}

static void a_batch_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct state_entry entries[] = {
        entry_of(11, SUBJECT_CARD, STATE_ACTIVE),      entry_of(13, SUBJECT_MACHINE, STATE_SUSPENDED),
        entry_of(14, SUBJECT_TERMINAL, STATE_REVOKED), entry_of(18, SUBJECT_CARD, STATE_EXPIRED),
        entry_of(20, SUBJECT_CARD, STATE_SUPERSEDED),
    };
    const struct state_batch sent = {.after = 10,
                                     .through = 20,
                                     .newest = 25,
                                     .issued_at = moment_of_day(2026, 11, 22),
                                     .count = ARRAY_LENGTH(entries),
                                     .entries = entries};
    struct state_batch got;
    struct buffer bytes = {0};
    assert_int_equal(state_batch_seal(&sent, &feed_key, &bytes), OK);
    assert_int_equal(state_batch_open(buffer_bytes(&bytes), &feed_public, &got), OK);
    assert_true(got.after == 10 && got.through == 20 && got.newest == 25);
    assert_true(got.issued_at == sent.issued_at);
    assert_int_equal(got.count, ARRAY_LENGTH(entries));
    for (size_t i = 0; i < got.count; i++) {
        assert_true(got.entries[i].sequence == entries[i].sequence);
        assert_int_equal(got.entries[i].kind, entries[i].kind);
        assert_int_equal(got.entries[i].state, entries[i].state);
        assert_true(got.entries[i].not_after == entries[i].not_after);
        assert_true(certificate_id_equal(&got.entries[i].id, &entries[i].id));
        assert_true(certificate_id_equal(&got.entries[i].successor, &entries[i].successor));
    }
    state_batch_free(&got);
    buffer_free(&bytes);
}

static void a_heartbeat_is_a_batch_without_entries(void **state)
{
    (void)state;
    const struct state_batch sent = {
        .after = 20, .through = 20, .newest = 20, .issued_at = moment_of_day(2026, 11, 22)};
    struct state_batch got;
    struct buffer bytes = {0};
    assert_int_equal(state_batch_seal(&sent, &feed_key, &bytes), OK);
    assert_int_equal(state_batch_open(buffer_bytes(&bytes), &feed_public, &got), OK);
    assert_int_equal(got.count, 0);
    assert_true(got.issued_at == sent.issued_at);
    state_batch_free(&got);
    buffer_free(&bytes);
}

static void every_altered_or_missing_byte_is_noticed(void **state)
{
    (void)state;
    struct state_entry entries[] = {entry_of(1, SUBJECT_CARD, STATE_ACTIVE)};
    const struct state_batch sent = {.through = 1, .newest = 1, .count = 1, .entries = entries};
    struct state_batch got;
    struct buffer bytes = {0};
    assert_int_equal(state_batch_seal(&sent, &feed_key, &bytes), OK);
    for (size_t i = 0; i < bytes.length; i++) {
        bytes.data[i] ^= 0x01;
        assert_int_not_equal(state_batch_open(buffer_bytes(&bytes), &feed_public, &got), OK);
        bytes.data[i] ^= 0x01;
    }
    for (size_t length = 0; length < bytes.length; length++)
        assert_int_not_equal(state_batch_open(bytes_of(bytes.data, length), &feed_public, &got), OK);
    assert_int_equal(buffer_append(&bytes, bytes_of("", 1)), OK);
    assert_int_not_equal(state_batch_open(buffer_bytes(&bytes), &feed_public, &got), OK);
    buffer_free(&bytes);
}

static void a_batch_signed_by_another_is_refused(void **state)
{
    (void)state;
    const struct state_batch sent = {.issued_at = 1};
    struct state_batch got;
    struct buffer bytes = {0};
    assert_int_equal(state_batch_seal(&sent, &other_key, &bytes), OK);
    assert_int_equal(state_batch_open(buffer_bytes(&bytes), &feed_public, &got), ERR_CRYPTO);
    assert_int_equal(state_batch_open(buffer_bytes(&bytes), &other_public, &got), OK);
    state_batch_free(&got);
    buffer_free(&bytes);
}

static void a_batch_that_contradicts_itself_is_not_signed(void **state)
{
    (void)state;
    struct state_entry backwards[] = {entry_of(3, SUBJECT_CARD, STATE_ACTIVE),
                                      entry_of(2, SUBJECT_CARD, STATE_ACTIVE)};
    struct state_entry no_successor[] = {entry_of(2, SUBJECT_CARD, STATE_SUPERSEDED)};
    struct state_entry odd_successor[] = {entry_of(2, SUBJECT_CARD, STATE_ACTIVE)};
    struct state_entry strange_kind[] = {entry_of(2, (enum subject_kind)4, STATE_ACTIVE)};
    struct state_entry strange_state[] = {entry_of(2, SUBJECT_CARD, (enum subject_state)6)};
    memset(&no_successor[0].successor, 0, sizeof(no_successor[0].successor));
    odd_successor[0].successor.bytes[0] = 1;
    const struct state_batch batches[] = {
        {.after = 1, .through = 3, .newest = 3, .count = 2, .entries = backwards},
        {.after = 2, .through = 3, .newest = 3, .count = 1, .entries = no_successor},
        {.after = 1, .through = 2, .newest = 2, .count = 1, .entries = no_successor},
        {.after = 1, .through = 2, .newest = 2, .count = 1, .entries = odd_successor},
        {.after = 1, .through = 2, .newest = 2, .count = 1, .entries = strange_kind},
        {.after = 1, .through = 2, .newest = 2, .count = 1, .entries = strange_state},
        {.after = 2, .through = 1, .newest = 2},
        {.after = 1, .through = 3, .newest = 2},
    };
    struct buffer bytes = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(batches); i++)
        assert_int_equal(state_batch_seal(&batches[i], &feed_key, &bytes), ERR_RANGE);
    assert_int_equal(bytes.length, 0);
    buffer_free(&bytes);
}

static void a_terminal_is_named_by_its_id_and_zeros(void **state)
{
    (void)state;
    static const struct terminal_id terminal = {"0110113719000042"};
    struct certificate_id id = certificate_id_of_terminal(&terminal);
    assert_memory_equal(id.bytes, "0110113719000042\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_arrives_as_it_was_sent),
        cmocka_unit_test(a_heartbeat_is_a_batch_without_entries),
        cmocka_unit_test(every_altered_or_missing_byte_is_noticed),
        cmocka_unit_test(a_batch_signed_by_another_is_refused),
        cmocka_unit_test(a_batch_that_contradicts_itself_is_not_signed),
        cmocka_unit_test(a_terminal_is_named_by_its_id_and_zeros),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
