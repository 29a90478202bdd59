#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "card/ifd/channel.h"
#include "scripted_card.h"

#define ATR "\x3B\xE0\x00\xFF\x81\x31\xFE\x45\x14"
#define ATR_FRAME "\x00\x09" ATR
#define ASK_ATR STEP_BYTES("\x04")
#define PRESENT                                                                                              \
    {                                                                                                        \
        .expect = ASK_ATR, .send = STEP_BYTES(ATR_FRAME)                                                     \
    }

static const struct channel_patience short_patience = {.presence = 60, .command = 60};
static const uint8_t select_master[] = {0x00, 0xA4, 0x00, 0x00};

struct place {
    char directory[64];
    char path[96];
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    strcpy(place->directory, "/tmp/ifd-channel-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->path, sizeof place->path, "%s/card", place->directory);
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    unlink(place->path);
    rmdir(place->directory);
    free(place);
    return 0;
}

static struct channel prepared(const struct place *place)
{
    struct channel channel;
    assert_int_equal(channel_prepare(&channel, place->path, short_patience), OK);
    return channel;
}

static void a_reader_without_a_socket_is_empty(void **state)
{
    struct channel channel = prepared(*state);
    assert_false(channel_poll(&channel));
    assert_int_equal(channel_power_on(&channel), ERR_NOT_FOUND);
    assert_int_equal(channel_transmit(&channel, bytes_of(select_master, 4)), ERR_NOT_FOUND);
    channel_close(&channel);
}

static void a_card_is_seen_powered_and_spoken_to(void **state)
{
    const struct place *place = *state;
    const struct scripted_step steps[] = {
        PRESENT,
        {.expect = STEP_BYTES("\x01")},
        PRESENT,
        {.expect = STEP_BYTES("\x00\xA4\x00\x00"), .send = STEP_BYTES("\x00\x02\x6A\x86")},
        {.expect = STEP_BYTES("\x02")},
        PRESENT,
        {.expect = STEP_BYTES("\x00")},
    };
    struct scripted_card card = {.steps = steps, .count = ARRAY_LENGTH(steps)};
    scripted_card_begin(&card, place->path);
    struct channel channel = prepared(place);
    assert_true(channel_poll(&channel));
    assert_int_equal(channel_power_on(&channel), OK);
    assert_true(bytes_equal(bytes_of(channel.atr, channel.atr_length), bytes_of(ATR, 9)));
    assert_int_equal(channel_transmit(&channel, bytes_of(select_master, 4)), OK);
    assert_true(bytes_equal(buffer_bytes(&channel.answer), bytes_of("\x6A\x86", 2)));
    assert_int_equal(channel_reset(&channel), OK);
    assert_int_equal(channel_power_off(&channel), OK);
    assert_int_equal(channel.atr_length, 0);
    channel_close(&channel);
    scripted_card_end(&card, place->path);
    assert_false(card.surprised);
    assert_int_equal(card.played, ARRAY_LENGTH(steps));
}

/* What a card does wrong in its answer to a command, and what the driver makes of it. */
static void a_faulty_answer_closes_the_line_and_never_becomes_an_answer(void **state)
{
    const struct {
        const char *what;
        struct scripted_step step;
        enum status expected;
    } faults[] = {
        {"no answer", {.send = {NULL, 0}}, ERR_TIMEOUT},
        {"half a header", {.send = STEP_BYTES("\x00")}, ERR_TIMEOUT},
        {"cut off", {.send = STEP_BYTES("\x00\x05\x90"), .hang_up = true}, ERR_UNREACHABLE},
        {"promises more than it sends", {.send = STEP_BYTES("\xFF\xFF\x90\x00")}, ERR_TIMEOUT},
        {"dies", {.hang_up = true}, ERR_UNREACHABLE},
        {"empty", {.send = STEP_BYTES("\x00\x00")}, ERR_MALFORMED},
        {"one byte", {.send = STEP_BYTES("\x00\x01\x90")}, ERR_MALFORMED},
        {"drips within the pause between bytes",
         {.send = STEP_BYTES("\x00\x08\x01\x02\x03\x04\x05\x06\x90\x00"), .pause = 20},
         ERR_TIMEOUT},
    };
    const struct place *place = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
        const struct scripted_step steps[] = {PRESENT, faults[i].step};
        struct scripted_card card = {.steps = steps, .count = ARRAY_LENGTH(steps)};
        scripted_card_begin(&card, place->path);
        struct channel channel = prepared(place);
        assert_true(channel_poll(&channel));
        int64_t before = monotonic_microseconds();
        enum status status = channel_transmit(&channel, bytes_of(select_master, 4));
        int64_t took = monotonic_microseconds() - before;
        if (status != faults[i].expected)
            fail_msg("%s: %s", faults[i].what, status_name(status));
        assert_int_equal(channel.fd, -1);
        assert_true(took < 2 * MICROSECONDS);
        channel_close(&channel);
        scripted_card_end(&card, place->path);
    }
}

static void bytes_that_nobody_asked_for_are_not_taken_for_an_answer(void **state)
{
    const struct place *place = *state;
    const struct scripted_step steps[] = {
        PRESENT, {.send = STEP_BYTES("\x00\x02\x6A\x86\x00\x02\x90\x00")}, /* two answers to one question */
    };
    struct scripted_card card = {.steps = steps, .count = ARRAY_LENGTH(steps)};
    scripted_card_begin(&card, place->path);
    struct channel channel = prepared(place);
    assert_true(channel_poll(&channel));
    assert_int_equal(channel_transmit(&channel, bytes_of(select_master, 4)), OK);
    assert_int_equal(channel_transmit(&channel, bytes_of(select_master, 4)), ERR_MALFORMED);
    assert_int_equal(channel.fd, -1);
    channel_close(&channel);
    scripted_card_end(&card, place->path);
}

static void a_card_that_comes_back_is_another_card_and_the_reader_is_seen_empty_between(void **state)
{
    const struct place *place = *state;
    const struct scripted_step steps[] = {PRESENT, PRESENT};
    const struct scripted_step dying[] = {PRESENT, {.hang_up = true}};
    struct scripted_card first = {.steps = dying, .count = 2};
    scripted_card_begin(&first, place->path);
    struct channel channel = prepared(place);
    assert_true(channel_poll(&channel));
    assert_int_equal(channel_transmit(&channel, bytes_of(select_master, 4)), ERR_UNREACHABLE);
    scripted_card_end(&first, place->path);

    struct scripted_card second = {.steps = steps, .count = 2};
    scripted_card_begin(&second, place->path);
    assert_false(channel_poll(&channel));
    assert_true(channel_poll(&channel));
    assert_true(channel_poll(&channel));
    channel_close(&channel);
    scripted_card_end(&second, place->path);
}

static void a_destroyed_card_is_present_and_mute(void **state)
{
    const struct place *place = *state;
    const struct scripted_step mute = {.expect = ASK_ATR, .send = STEP_BYTES("\x00\x00")};
    const struct scripted_step steps[] = {mute, {.expect = STEP_BYTES("\x01")}, mute, mute};
    struct scripted_card card = {.steps = steps, .count = ARRAY_LENGTH(steps)};
    scripted_card_begin(&card, place->path);
    struct channel channel = prepared(place);
    assert_true(channel_poll(&channel));
    assert_int_equal(channel_power_on(&channel), ERR_WRONG_STATE);
    assert_true(channel_poll(&channel));
    channel_close(&channel);
    scripted_card_end(&card, place->path);
    assert_false(card.surprised);
}

static void an_atr_outside_2_to_33_bytes_is_no_card(void **state)
{
    static const struct {
        uint8_t length;
        bool present;
    } lengths[] = {{1, false}, {2, true}, {33, true}, {34, false}};
    const struct place *place = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
        uint8_t raw[2 + 34] = {0, lengths[i].length, 0x3B};
        const struct scripted_step steps[] = {{.send = {raw, 2U + lengths[i].length}}};
        struct scripted_card card = {.steps = steps, .count = 1};
        scripted_card_begin(&card, place->path);
        struct channel channel = prepared(place);
        assert_int_equal(channel_poll(&channel), lengths[i].present);
        channel_close(&channel);
        scripted_card_end(&card, place->path);
    }
}

static void a_greeting_is_no_card(void **state)
{
    const struct place *place = *state;
    const struct scripted_step steps[] = {PRESENT};
    struct scripted_card card = {.steps = steps, .count = 1, .greeting = STEP_BYTES(ATR_FRAME ATR_FRAME)};
    scripted_card_begin(&card, place->path);
    struct channel channel = prepared(place);
    (void)channel_poll(&channel); /* may come before the greeting has arrived */
    assert_false(channel_poll(&channel));
    channel_close(&channel);
    scripted_card_end(&card, place->path);
}

static void a_frame_that_is_no_command_is_not_sent(void **state)
{
    const struct place *place = *state;
    const struct scripted_step steps[] = {PRESENT, PRESENT};
    struct scripted_card card = {.steps = steps, .count = ARRAY_LENGTH(steps)};
    scripted_card_begin(&card, place->path);
    struct channel channel = prepared(place);
    assert_true(channel_poll(&channel));
    uint8_t *long_command = calloc(1, WIRE_FRAME_LENGTH + 1);
    assert_non_null(long_command);
    /* one byte would be a control: power off, reset */
    assert_int_equal(channel_transmit(&channel, bytes_of(select_master, 1)), ERR_RANGE);
    assert_int_equal(channel_transmit(&channel, bytes_of(select_master, 3)), ERR_RANGE);
    assert_int_equal(channel_transmit(&channel, bytes_of(long_command, WIRE_FRAME_LENGTH + 1)), ERR_RANGE);
    free(long_command);
    assert_true(channel_poll(&channel));
    channel_close(&channel);
    scripted_card_end(&card, place->path);
    assert_false(card.surprised);
}

static void a_listener_that_never_accepts_holds_the_reader_for_a_second_at_most(void **state)
{
    const struct place *place = *state;
    int listener;
    assert_int_equal(wire_listen(place->path, &listener), OK);
    struct channel channels[6];
    int64_t longest = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(channels); i++) { /* more than the queue of connections holds */
        channels[i] = prepared(place);
        int64_t before = monotonic_microseconds();
        assert_false(channel_poll(&channels[i]));
        int64_t took = monotonic_microseconds() - before;
        longest = took > longest ? took : longest;
    }
    assert_true(longest < MICROSECONDS);
    for (size_t i = 0; i < ARRAY_LENGTH(channels); i++)
        channel_close(&channels[i]);
    close(listener);
}

static void a_path_must_fit_a_sockets_name(void **state)
{
    (void)state;
    struct channel channel;
    char path[110];
    memset(path, 'x', sizeof path);
    path[108] = '\0';
    assert_int_equal(channel_prepare(&channel, path, short_patience), ERR_RANGE);
    path[107] = '\0';
    assert_int_equal(channel_prepare(&channel, path, short_patience), OK);
    assert_int_equal(channel_prepare(&channel, "", short_patience), ERR_RANGE);
}

int main(void)
{
#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        WITH_PLACE(a_reader_without_a_socket_is_empty),
        WITH_PLACE(a_card_is_seen_powered_and_spoken_to),
        WITH_PLACE(a_faulty_answer_closes_the_line_and_never_becomes_an_answer),
        WITH_PLACE(bytes_that_nobody_asked_for_are_not_taken_for_an_answer),
        WITH_PLACE(a_card_that_comes_back_is_another_card_and_the_reader_is_seen_empty_between),
        WITH_PLACE(a_destroyed_card_is_present_and_mute),
        WITH_PLACE(an_atr_outside_2_to_33_bytes_is_no_card),
        WITH_PLACE(a_greeting_is_no_card),
        WITH_PLACE(a_frame_that_is_no_command_is_not_sent),
        WITH_PLACE(a_listener_that_never_accepts_holds_the_reader_for_a_second_at_most),
        cmocka_unit_test(a_path_must_fit_a_sockets_name),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
