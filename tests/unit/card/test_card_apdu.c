#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "card/apdu.h"

static size_t bytes_of_hex(const char *hex, uint8_t *out)
{
    size_t length = strlen(hex) / 2;
    assert_int_equal(OK, hex_decode(hex, 2 * length, out, length));
    return length;
}

static const struct {
    const char *hex;
    size_t data_length;
    uint32_t expected_length;
    bool extended;
} good_commands[] = {
    {"00A40000", 0, 0, false},
    {"00B0000000", 0, 256, false},
    {"00B0000001", 0, 1, false},
    {"00B00000FF", 0, 255, false},
    {"0020008001AA", 1, 0, false},
    {"802A0080021234", 2, 0, false},
    {"802A008002123400", 2, 256, false},
    {"802A008002123480", 2, 128, false},
    {"00B00000000000", 0, 65536, true},
    {"00B00000000100", 0, 256, true},
    {"00B0000000FFFF", 0, 65535, true},
    {"802A00800000021234", 2, 0, true},
    {"802A008000000212340000", 2, 65536, true},
    {"802A008000000212340001", 2, 1, true},
};

static void commands_are_read_in_both_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(good_commands); i++) {
        uint8_t bytes[64];
        struct command_apdu command;
        size_t length = bytes_of_hex(good_commands[i].hex, bytes);
        assert_int_equal(OK, command_apdu_parse(bytes_of(bytes, length), &command));
        assert_int_equal(bytes[0], command.class_byte);
        assert_int_equal(bytes[1], command.instruction);
        assert_int_equal(bytes[2], command.p1);
        assert_int_equal(bytes[3], command.p2);
        assert_int_equal(good_commands[i].data_length, command.data.length);
        assert_int_equal(good_commands[i].expected_length, command.expected_length);
        assert_int_equal(good_commands[i].extended, command.extended);
    }
}

static void what_is_read_is_written_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(good_commands); i++) {
        uint8_t bytes[64];
        struct command_apdu command;
        struct buffer again = {0};
        size_t length = bytes_of_hex(good_commands[i].hex, bytes);
        assert_int_equal(OK, command_apdu_parse(bytes_of(bytes, length), &command));
        assert_int_equal(OK, command_apdu_encode(&command, &again));
        assert_true(bytes_equal(bytes_of(bytes, length), buffer_bytes(&again)));
        buffer_free(&again);
    }
}

static void lengths_that_do_not_add_up_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "00",
        "00A404",
        "00A4040C02D3",
        "00A4040C0001",
        "00A4040C01D30000",
        "00A4040C000000D3",
        "00A4040C00000000",
        "00A4040C000002D3",
        "00A4040C000001D300",
        "802A00800212340010",
        "00A4040C000001D3000000",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        uint8_t bytes[64];
        struct command_apdu command;
        size_t length = bytes_of_hex(bad[i], bytes);
        assert_int_equal(ERR_MALFORMED, command_apdu_parse(bytes_of(bytes, length), &command));
    }
}

static void long_lengths_choose_the_extended_form_by_themselves(void **state)
{
    (void)state;
    static const struct {
        size_t data_length;
        uint32_t expected_length;
        size_t length;
    } cases[] = {
        {0, 0, 4},         {0, 256, 5},       {0, 257, 7},           {255, 0, 260},
        {256, 0, 263},     {255, 256, 261},   {255, 257, 264},       {1, 65536, 10},
        {65535, 0, 65542}, {65535, 1, 65544}, {65535, 65536, 65544},
    };
    static uint8_t data[65536];
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct buffer out = {0};
        struct command_apdu read;
        const struct command_apdu command = {.data = bytes_of(data, cases[i].data_length),
                                             .expected_length = cases[i].expected_length};
        assert_int_equal(OK, command_apdu_encode(&command, &out));
        assert_int_equal(cases[i].length, out.length);
        assert_int_equal(OK, command_apdu_parse(buffer_bytes(&out), &read));
        assert_int_equal(cases[i].data_length, read.data.length);
        assert_int_equal(cases[i].expected_length, read.expected_length);
        buffer_free(&out);
    }
    struct buffer out = {0};
    assert_int_equal(ERR_RANGE,
                     command_apdu_encode(&(struct command_apdu){.data = bytes_of(data, sizeof data)}, &out));
    assert_int_equal(ERR_RANGE, command_apdu_encode(&(struct command_apdu){.expected_length = 65537}, &out));
}

static void responses_end_with_their_status_word(void **state)
{
    (void)state;
    struct response_apdu response;
    const uint8_t bytes[] = {0x01, 0x02, 0x63, 0xC2};
    assert_int_equal(OK, response_apdu_parse(bytes_of(bytes, 4), &response));
    assert_int_equal(2, response.data.length);
    assert_int_equal(0x63C2, response.status_word);
    assert_int_equal(OK, response_apdu_parse(bytes_of(bytes, 2), &response));
    assert_int_equal(0, response.data.length);
    assert_int_equal(ERR_TRUNCATED, response_apdu_parse(bytes_of(bytes, 1), &response));
    struct buffer out = {0};
    response = (struct response_apdu){.data = bytes_of(bytes, 2), .status_word = 0x63C2};
    assert_int_equal(OK, response_apdu_encode(&response, &out));
    assert_true(bytes_equal(bytes_of(bytes, 4), buffer_bytes(&out)));
    buffer_free(&out);
}

static void tries_left_are_read_from_their_words_only(void **state)
{
    (void)state;
    assert_int_equal(0, status_word_tries_left(0x63C0));
    assert_int_equal(10, status_word_tries_left(0x63CA));
    assert_int_equal(-1, status_word_tries_left(0x63B0));
    assert_int_equal(-1, status_word_tries_left(0x6983));
    assert_int_equal(-1, status_word_tries_left(0x9000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_read_in_both_forms),
        cmocka_unit_test(what_is_read_is_written_the_same),
        cmocka_unit_test(lengths_that_do_not_add_up_are_refused),
        cmocka_unit_test(long_lengths_choose_the_extended_form_by_themselves),
        cmocka_unit_test(responses_end_with_their_status_word),
        cmocka_unit_test(tries_left_are_read_from_their_words_only),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
