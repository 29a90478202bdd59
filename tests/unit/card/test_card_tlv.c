#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "card/tlv.h"

static struct bytes bytes_of_hex(const char *hex, uint8_t *out)
{
    size_t length = strlen(hex) / 2;
    assert_int_equal(OK, hex_decode(hex, 2 * length, out, length));
    return bytes_of(out, length);
}

static const struct {
    const char *hex;
    enum status status;
    uint32_t tag;
    size_t value_length;
} objects[] = {
    {"9003010001", OK, 0x90, 3},
    {"FF100431323334", OK, 0xFF10, 4},
    {"DF2700", OK, 0xDF27, 0},
    {"5F4E0101", OK, 0x5F4E, 1},
    {"7F8E01020304", OK, 0x7F8E01, 2},
    {"30810101", OK, 0x30, 1}, /* a longer form than needed */
    {"3084000000010A", OK, 0x30, 1},
    {"", ERR_NOT_FOUND, 0, 0},
    {"FF", ERR_NOT_FOUND, 0, 0},
    {"FFFFFFFF", ERR_NOT_FOUND, 0, 0}, /* the filler */
    {"9003", ERR_TRUNCATED, 0x90, 0},
    {"90030100", ERR_TRUNCATED, 0x90, 0},
    {"90", ERR_TRUNCATED, 0x90, 0},
    {"5F", ERR_TRUNCATED, 0x5F, 0},
    {"308200", ERR_TRUNCATED, 0x30, 0},
    {"308000", ERR_MALFORMED, 0x30, 0}, /* indefinite */
    {"30850000000001", ERR_MALFORMED, 0x30, 0},
    {"7F81828300", ERR_MALFORMED, 0, 0},
    {"3084FFFFFFFF00", ERR_TRUNCATED, 0x30, 0},
};

static void objects_are_read_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(objects); i++) {
        uint8_t bytes[32];
        struct tlv object;
        struct reader reader = reader_of(bytes_of_hex(objects[i].hex, bytes));
        if (tlv_next(&reader, &object) != objects[i].status)
            fail_msg("%s", objects[i].hex);
        if (objects[i].status != OK) {
            assert_int_equal(0, reader.position);
            continue;
        }
        assert_int_equal(objects[i].tag, object.tag);
        assert_int_equal(objects[i].value_length, object.value.length);
        assert_int_equal(strlen(objects[i].hex) / 2, object.whole.length);
    }
}

static void an_object_is_found_among_and_inside_others(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct tlv found;
    struct bytes file = bytes_of_hex("FF200ADF210100DF2203414243FFFFFFFF", bytes);
    assert_int_equal(OK, tlv_find_inside(file, 0xFF20, 0xDF22, &found));
    assert_true(bytes_equal(bytes_of_text("ABC"), found.value));
    assert_int_equal(ERR_NOT_FOUND, tlv_find_inside(file, 0xFF20, 0xDF23, &found));
    assert_int_equal(ERR_NOT_FOUND, tlv_find_inside(file, 0xFF30, 0xDF22, &found));
    assert_int_equal(ERR_NOT_FOUND, tlv_find(file, 0xDF22, &found)); /* not inside by itself */
}

static void a_files_length_is_known_from_its_beginning(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum status status;
        size_t total;
    } cases[] = {
        {"308205AA", OK, 4 + 0x5AA}, {"FF100C31", OK, 3 + 12},       {"FF2082012C", OK, 5 + 0x12C},
        {"3082", ERR_TRUNCATED, 0},  {"FFFFFFFF", ERR_NOT_FOUND, 0}, {"DF2784000186A0", OK, 7 + 100000},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        uint8_t bytes[16];
        size_t total = 99;
        assert_int_equal(cases[i].status, tlv_measure(bytes_of_hex(cases[i].hex, bytes), &total));
        assert_int_equal(cases[i].total, total);
    }
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 127, 128, 255, 256, 65535, 65536};
    static const uint32_t tags[] = {0x04, 0x90, 0xDF27, 0xFF40, 0x7F8E01};
    static uint8_t value[65536];
    for (size_t t = 0; t < ARRAY_LENGTH(tags); t++) {
        for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
            struct buffer out = {0};
            struct tlv object;
            assert_int_equal(OK, tlv_append(&out, tags[t], bytes_of(value, lengths[i])));
            assert_int_equal(tlv_header_length(tags[t], lengths[i]) + lengths[i], out.length);
            struct reader reader = reader_of(buffer_bytes(&out));
            assert_int_equal(OK, tlv_next(&reader, &object));
            assert_int_equal(tags[t], object.tag);
            assert_int_equal(lengths[i], object.value.length);
            assert_int_equal(OK, reader_finish(&reader));
            buffer_free(&out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_read_strictly),
        cmocka_unit_test(an_object_is_found_among_and_inside_others),
        cmocka_unit_test(a_files_length_is_known_from_its_beginning),
        cmocka_unit_test(what_is_written_is_read_again),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
