#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

/* RFC 4648, section 10, and one byte of every value. */
static void base64_goes_there_and_back(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *encoded;
    } cases[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xFB\xFF\xFE", "+//+"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct buffer encoded = {0}, decoded = {0};
        assert_int_equal(base64_encode(bytes_of_text(cases[i].plain), &encoded), OK);
        assert_true(bytes_equal(buffer_bytes(&encoded), bytes_of_text(cases[i].encoded)));
        assert_int_equal(base64_decode(cases[i].encoded, strlen(cases[i].encoded), &decoded), OK);
        assert_true(bytes_equal(buffer_bytes(&decoded), bytes_of_text(cases[i].plain)));
        buffer_free(&encoded);
        buffer_free(&decoded);
    }
}

static void base64_of_every_length_survives(void **state)
{
    (void)state;
    uint8_t plain[70];
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (uint8_t)(i * 37 + 5);
    for (size_t length = 0; length <= sizeof(plain); length++) {
        struct buffer encoded = {0}, decoded = {0};
        assert_int_equal(base64_encode(bytes_of(plain, length), &encoded), OK);
        assert_int_equal(encoded.length, (length + 2) / 3 * 4);
        assert_int_equal(base64_decode((char *)encoded.data, encoded.length, &decoded), OK);
        assert_true(bytes_equal(buffer_bytes(&decoded), bytes_of(plain, length)));
        buffer_free(&encoded);
        buffer_free(&decoded);
    }
}

static void loose_base64_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    static const char *const cases[] = {"Zg",       "Zg=",  "Zg===", "Zh==",  "Zm9=",
                                        "Zm8=Zm8=", "Z===", "====",  "Zm 9v", "Zm9v\n",
                                        "Zm-v",     "Zm_v", "=Zm9",  "Z=m9",  "Zg=v"};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct buffer decoded = {0};
        assert_int_equal(base64_decode(cases[i], strlen(cases[i]), &decoded), ERR_MALFORMED);
        assert_int_equal(decoded.length, 0);
        buffer_free(&decoded);
    }
}

static void hexadecimal_takes_both_cases_and_the_exact_length(void **state)
{
    (void)state;
    uint8_t out[3];
    char text[7];
    assert_int_equal(hex_decode("00fFa9", 6, out, 3), OK);
    hex_encode(bytes_of(out, 3), text);
    assert_string_equal(text, "00ffa9");
    assert_int_equal(hex_decode("00ffa", 5, out, 3), ERR_MALFORMED);
    assert_int_equal(hex_decode("00ffa900", 8, out, 3), ERR_MALFORMED);
    assert_int_equal(hex_decode("00ffag", 6, out, 3), ERR_MALFORMED);
    assert_int_equal(hex_decode("0x00ff", 6, out, 3), ERR_MALFORMED);
}

static void equality_looks_at_length_and_every_byte(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {{"", "", true},     {"a", "a", true},      {"a", "b", false},
                 {"a", "ab", false}, {"xbc", "abc", false}, {"abx", "abc", false}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct bytes a = bytes_of_text(cases[i].a), b = bytes_of_text(cases[i].b);
        assert_int_equal(bytes_equal(a, b), cases[i].equal);
        assert_int_equal(bytes_equal_secret(a, b), cases[i].equal);
    }
    assert_true(bytes_equal(bytes_of_text(NULL), bytes_of_text("")));
    assert_int_equal(bytes_from(bytes_of_text("abc"), 3).length, 0);
    assert_int_equal(bytes_from(bytes_of_text("abc"), 9).length, 0);
    assert_true(bytes_equal(bytes_from(bytes_of_text("abc"), 1), bytes_of_text("bc")));
}

static void a_buffer_grows_and_prints(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buffer_printf(&buffer, "%03d,", i), OK);
    assert_int_equal(buffer.length, 4000);
    assert_memory_equal(buffer.data + 3996, "999,", 4);
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), ERR_TOO_LARGE);
    assert_int_equal(buffer.length, 4000);
    buffer_clear(&buffer);
    assert_int_equal(buffer.length, 0);
    buffer_free(&buffer);
    assert_null(buffer.data);
}

static void a_secret_buffer_keeps_its_content_while_it_grows_and_stays_secret(void **state)
{
    (void)state;
    struct buffer buffer = {.secret = true};
    for (int i = 0; i < 300; i++)
        assert_int_equal(buffer_append(&buffer, bytes_of("x", 1)), OK);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(buffer.data[i], 'x');
    buffer_clear(&buffer);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(buffer.data[i], 0);
    buffer_free(&buffer);
    assert_true(buffer.secret);
}

static int make_directory(void **state)
{
    const char *base = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/shikaku-bytes-XXXXXX", base ? base : "/tmp") < 0 || !mkdtemp(path))
        return -1;
    *state = path;
    return 0;
}

static int remove_directory(void **state)
{
    int failed = rmdir(*state);
    free(*state);
    return failed;
}

static void a_file_is_written_whole_with_its_mode_and_read_back(void **state)
{
    char path[512], temporary[520];
    struct buffer read = {0};
    struct stat found;
    snprintf(path, sizeof(path), "%s/file", (char *)*state);
    snprintf(temporary, sizeof(temporary), "%s.new", path);
    assert_int_equal(file_write_durably(path, bytes_of_text("first, and longer"), 0600), OK);
    assert_int_equal(file_write_durably(path, bytes_of_text("second"), 0600), OK);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    assert_int_equal(access(temporary, F_OK), -1);
    assert_int_equal(file_read(path, 6, &read), OK);
    assert_true(bytes_equal(buffer_bytes(&read), bytes_of_text("second")));
    buffer_clear(&read);
    assert_int_equal(file_read(path, 5, &read), ERR_TOO_LARGE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(file_read(path, 5, &read), ERR_NOT_FOUND);
    buffer_free(&read);
}

static void a_file_cannot_be_written_into_a_directory_that_is_not_there(void **state)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/none/file", (char *)*state);
    assert_int_equal(file_write_durably(path, bytes_of_text("x"), 0600), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_goes_there_and_back),
        cmocka_unit_test(base64_of_every_length_survives),
        cmocka_unit_test(loose_base64_is_refused_and_leaves_nothing),
        cmocka_unit_test(hexadecimal_takes_both_cases_and_the_exact_length),
        cmocka_unit_test(equality_looks_at_length_and_every_byte),
        cmocka_unit_test(a_buffer_grows_and_prints),
        cmocka_unit_test(a_secret_buffer_keeps_its_content_while_it_grows_and_stays_secret),
        cmocka_unit_test(a_file_is_written_whole_with_its_mode_and_read_back),
        cmocka_unit_test(a_file_cannot_be_written_into_a_directory_that_is_not_there),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
