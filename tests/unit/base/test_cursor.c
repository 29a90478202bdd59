#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"

static void what_is_written_is_read_in_the_same_order(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    struct writer writer = writer_to(&buffer);
    write_u8(&writer, 0xAB);
    write_u16(&writer, 0x1234);
    write_u32(&writer, 0xDEADBEEF);
    write_u64(&writer, UINT64_MAX - 1);
    write_i64(&writer, INT64_MIN);
    write_sized(&writer, bytes_of_text("資格"));
    write_bytes(&writer, bytes_of_text("xyz"));
    assert_int_equal(writer.status, OK);
    assert_memory_equal(buffer.data, "\xAB\x12\x34\xDE\xAD\xBE\xEF", 7);

    struct reader reader = reader_of(buffer_bytes(&buffer));
    char last[3];
    assert_int_equal(read_u8(&reader), 0xAB);
    assert_int_equal(read_u16(&reader), 0x1234);
    assert_int_equal(read_u32(&reader), 0xDEADBEEF);
    assert_true(read_u64(&reader) == UINT64_MAX - 1);
    assert_true(read_i64(&reader) == INT64_MIN);
    assert_true(bytes_equal(read_sized(&reader), bytes_of_text("資格")));
    assert_int_equal(reader_left(&reader), 3);
    assert_int_equal(reader_finish(&reader), ERR_MALFORMED);
    read_into(&reader, last, 3);
    assert_memory_equal(last, "xyz", 3);
    assert_int_equal(reader_finish(&reader), OK);
    buffer_free(&buffer);
}

static void the_first_error_sticks_and_reads_give_zeros(void **state)
{
    (void)state;
    char out[4] = "abc";
    struct reader reader = reader_of(bytes_of("\x01\x02\x03", 3));
    assert_int_equal(read_u32(&reader), 0);
    assert_int_equal(reader.status, ERR_TRUNCATED);
    assert_int_equal(read_u8(&reader), 0);
    assert_int_equal(read_bytes(&reader, 1).length, 0);
    read_into(&reader, out, 4);
    assert_memory_equal(out, "\0\0\0\0", 4);
    assert_int_equal(reader_finish(&reader), ERR_TRUNCATED);
}

static void a_length_beyond_the_end_is_truncated_whatever_its_size(void **state)
{
    (void)state;
    static const char *const lengths[] = {"\x00\x00\x00\x02", "\xFF\xFF\xFF\xFF", "\x80\x00\x00\x00"};
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
        uint8_t bytes[5];
        memcpy(bytes, lengths[i], 4);
        bytes[4] = 'x';
        struct reader reader = reader_of(bytes_of(bytes, sizeof(bytes)));
        assert_int_equal(read_sized(&reader).length, 0);
        assert_int_equal(reader.status, ERR_TRUNCATED);
    }
}

static void an_empty_input_has_nothing_and_ends_well(void **state)
{
    (void)state;
    struct reader reader = reader_of((struct bytes){0});
    assert_int_equal(read_bytes(&reader, 0).length, 0);
    assert_int_equal(reader_finish(&reader), OK);
    read_u8(&reader);
    assert_int_equal(reader_finish(&reader), ERR_TRUNCATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_in_the_same_order),
        cmocka_unit_test(the_first_error_sticks_and_reads_give_zeros),
        cmocka_unit_test(a_length_beyond_the_end_is_truncated_whatever_its_size),
        cmocka_unit_test(an_empty_input_has_nothing_and_ends_well),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
