#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/census.h"
#include "http/rate.h"
#include "http/response.h"

static void a_query_parameter_is_decoded_once_and_may_stand_once(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        enum status status;
        const char *value;
    } rows[] = {
        {"a=1", OK, "1"},
        {"b=2&a=1", OK, "1"},
        {"a=", OK, ""},
        {"a", OK, ""},
        {"a=x%20y+z", OK, "x y z"},
        {"a=%E5%B1%B1", OK, "山"},
        {"%61=1", OK, "1"},
        {"a=1=2", OK, "1=2"},
        {"a=%2561", OK, "%61"},
        {"", ERR_NOT_FOUND, NULL},
        {"b=1", ERR_NOT_FOUND, NULL},
        {"A=1", ERR_NOT_FOUND, NULL},
        {"a=1&a=2", ERR_MALFORMED, NULL},
        {"a=1&%61=2", ERR_MALFORMED, NULL},
        {"a=%", ERR_MALFORMED, NULL},
        {"a=%4", ERR_MALFORMED, NULL},
        {"a=%zz", ERR_MALFORMED, NULL},
        {"a=%00", ERR_MALFORMED, NULL},
        {"a=%0A", ERR_MALFORMED, NULL},
        {"a=%C0%AF", ERR_MALFORMED, NULL},
        {"a=%ED%A0%80", ERR_MALFORMED, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct region region = {0};
        struct http_request request = {.query = bytes_of_text(rows[i].query), .region = &region};
        struct bytes value;
        assert_int_equal(http_request_query(&request, "a", &value), rows[i].status);
        if (rows[i].value)
            assert_true(bytes_equal(value, bytes_of_text(rows[i].value)));
        region_free(&region);
    }
}

static void a_header_is_found_without_case(void **state)
{
    (void)state;
    const struct http_header headers[] = {{bytes_of_text("Content-Type"), bytes_of_text("application/json")},
                                          {bytes_of_text("X-A"), bytes_of_text("first")},
                                          {bytes_of_text("x-a"), bytes_of_text("second")}};
    struct http_request request = {.headers = headers, .header_count = ARRAY_LENGTH(headers)};
    assert_true(
        bytes_equal(*http_request_header(&request, "content-type"), bytes_of_text("application/json")));
    assert_true(bytes_equal(*http_request_header(&request, "x-a"), bytes_of_text("first")));
    assert_null(http_request_header(&request, "content"));
}

static const struct response_frame frame = {
    .date = "Sun, 06 Nov 1994 08:49:37 GMT", .id = "0123456789abcdef0123456789abcdef", .keep_alive = true};

static void a_response_is_one_block_of_bytes(void **state)
{
    (void)state;
    const struct http_header headers[] = {{bytes_of_text("Cache-Control"), bytes_of_text("no-store")}};
    struct http_response response = {.status = 200,
                                     .content_type = "application/json",
                                     .body = bytes_of_text("{}"),
                                     .headers = headers,
                                     .header_count = 1,
                                     .server_timing = "db;dur=1.2"};
    struct buffer out = {0};
    assert_int_equal(response_encode(&response, &frame, &out), OK);
    assert_true(bytes_equal(buffer_bytes(&out),
                            bytes_of_text("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                          "Content-Type: application/json\r\nContent-Length: 2\r\n"
                                          "X-Request-Id: 0123456789abcdef0123456789abcdef\r\n"
                                          "Server-Timing: db;dur=1.2\r\nCache-Control: no-store\r\n\r\n{}")));
    buffer_free(&out);
}

static bool contains(const struct buffer *buffer, const char *text)
{
    return memmem(buffer->data, buffer->length, text, strlen(text)) != NULL;
}

static void a_response_to_head_says_the_length_and_stops(void **state)
{
    (void)state;
    struct response_frame head = frame;
    head.head_only = true;
    struct buffer out = {0};
    struct http_response response = {
        .status = 200, .content_type = "text/plain", .body = bytes_of_text("hello")};
    assert_int_equal(response_encode(&response, &head, &out), OK);
    assert_true(contains(&out, "Content-Length: 5\r\n"));
    assert_memory_equal(out.data + out.length - 4, "\r\n\r\n", 4);
    buffer_free(&out);
}

static void no_content_has_no_length(void **state)
{
    (void)state;
    static const unsigned statuses[] = {204, 304};
    for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++) {
        struct buffer out = {0};
        struct http_response response = {.status = statuses[i]};
        assert_int_equal(response_encode(&response, &frame, &out), OK);
        assert_false(contains(&out, "Content-Length"));
        response.body = bytes_of_text("x");
        assert_int_equal(response_encode(&response, &frame, &out), ERR_MALFORMED);
        buffer_free(&out);
    }
}

static void what_would_split_a_response_cannot_be_sent(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *value;
        size_t length;
        enum status status;
    } rows[] = {
        {"Location", "/a", 2, OK},
        {"Location", "/a\tb", 4, OK},
        {"X-Name", "山", 3, OK},
        {"Location", "/a\r\nX: y", 8, ERR_MALFORMED},
        {"Location", "/a\n", 3, ERR_MALFORMED},
        {"Location", "/a\r", 3, ERR_MALFORMED},
        {"Location", "/a\0b", 4, ERR_MALFORMED},
        {"Location", "/a\x7f", 3, ERR_MALFORMED},
        {"", "x", 1, ERR_MALFORMED},
        {"X Y", "x", 1, ERR_MALFORMED},
        {"X:", "x", 1, ERR_MALFORMED},
        {"content-length", "5", 1, ERR_MALFORMED},
        {"Transfer-Encoding", "chunked", 7, ERR_MALFORMED},
        {"connection", "keep-alive", 10, ERR_MALFORMED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct http_header header = {bytes_of_text(rows[i].name), bytes_of(rows[i].value, rows[i].length)};
        struct http_response response = {.status = 200, .headers = &header, .header_count = 1};
        struct buffer out = {0};
        assert_int_equal(response_encode(&response, &frame, &out), rows[i].status);
        buffer_free(&out);
    }
    struct buffer out = {0};
    assert_int_equal(response_encode(&(struct http_response){.status = 100}, &frame, &out), ERR_MALFORMED);
    assert_int_equal(response_encode(&(struct http_response){.status = 600}, &frame, &out), ERR_MALFORMED);
    assert_int_equal(
        response_encode(&(struct http_response){.status = 200, .content_type = "a\r\nb"}, &frame, &out),
        ERR_MALFORMED);
    buffer_free(&out);
}

static void the_date_is_written_as_http_wants_it(void **state)
{
    (void)state;
    char date[HTTP_DATE_SIZE];
    http_date_format(784111777, date);
    assert_string_equal(date, "Sun, 06 Nov 1994 08:49:37 GMT");
    http_date_format(0, date);
    assert_string_equal(date, "Thu, 01 Jan 1970 00:00:00 GMT");
}

static void a_caller_has_its_burst_and_then_its_rate(void **state)
{
    (void)state;
    struct rate *rate;
    unsigned wait;
    const uint8_t one[RATE_KEY_LENGTH] = {1}, other[RATE_KEY_LENGTH] = {2};
    int64_t now = 1000000000;
    assert_int_equal(rate_new(2, 3, &rate), OK);
    for (unsigned i = 0; i < 3; i++)
        assert_true(rate_admits(rate, one, now, &wait));
    assert_false(rate_admits(rate, one, now, &wait));
    assert_int_equal(wait, 1);
    assert_true(rate_admits(rate, other, now, &wait));
    assert_false(rate_admits(rate, one, now + 499999, &wait));
    assert_true(rate_admits(rate, one, now + 500000, &wait));
    assert_false(rate_admits(rate, one, now + 500000, &wait));
    now += 3600 * INT64_C(1000000); /* an hour of silence fills the bucket, and no more */
    for (unsigned i = 0; i < 3; i++)
        assert_true(rate_admits(rate, one, now, &wait));
    assert_false(rate_admits(rate, one, now, &wait));
    rate_free(rate);
}

static void more_callers_than_places_are_still_admitted(void **state)
{
    (void)state;
    struct rate *rate;
    unsigned wait;
    uint8_t key[RATE_KEY_LENGTH] = {0};
    assert_int_equal(rate_new(1, 1, &rate), OK);
    for (uint32_t i = 0; i < 40000; i++) {
        memcpy(key, &i, sizeof i);
        assert_true(rate_admits(rate, key, 1000000 + i, &wait));
    }
    rate_free(rate);
}

static void ipv4(uint8_t out[16], uint8_t last)
{
    const uint8_t address[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = last};
    memcpy(out, address, 16);
}

static void connections_are_counted_in_all_and_by_peer(void **state)
{
    (void)state;
    struct census *census;
    uint8_t one[16], other[16];
    ipv4(one, 1);
    ipv4(other, 2);
    assert_int_equal(census_new(3, 2, &census), OK);
    assert_int_equal(census_enter(census, one), CENSUS_ADMITTED);
    assert_int_equal(census_enter(census, one), CENSUS_ADMITTED);
    assert_int_equal(census_enter(census, one), CENSUS_PEER_FULL);
    assert_int_equal(census_enter(census, other), CENSUS_ADMITTED);
    assert_int_equal(census_enter(census, other), CENSUS_FULL);
    census_leave(census, one);
    assert_int_equal(census_enter(census, one), CENSUS_ADMITTED);
    census_leave(census, one);
    census_leave(census, one);
    census_leave(census, other);
    census_free(census);
}

static void an_ipv6_network_counts_as_one_peer(void **state)
{
    (void)state;
    struct census *census;
    uint8_t one[16] = {0x20, 0x01, 0x0d, 0xb8, [7] = 1, [15] = 1}, same[16], other[16];
    memcpy(same, one, 16);
    memcpy(other, one, 16);
    same[9] = 7;
    other[7] = 2;
    assert_int_equal(census_new(10, 1, &census), OK);
    assert_int_equal(census_enter(census, one), CENSUS_ADMITTED);
    assert_int_equal(census_enter(census, same), CENSUS_PEER_FULL);
    assert_int_equal(census_enter(census, other), CENSUS_ADMITTED);
    census_free(census);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_parameter_is_decoded_once_and_may_stand_once),
        cmocka_unit_test(a_header_is_found_without_case),
        cmocka_unit_test(a_response_is_one_block_of_bytes),
        cmocka_unit_test(a_response_to_head_says_the_length_and_stops),
        cmocka_unit_test(no_content_has_no_length),
        cmocka_unit_test(what_would_split_a_response_cannot_be_sent),
        cmocka_unit_test(the_date_is_written_as_http_wants_it),
        cmocka_unit_test(a_caller_has_its_burst_and_then_its_rate),
        cmocka_unit_test(more_callers_than_places_are_still_admitted),
        cmocka_unit_test(connections_are_counted_in_all_and_by_peer),
        cmocka_unit_test(an_ipv6_network_counts_as_one_peer),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
