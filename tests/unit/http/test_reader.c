#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/reader.h"
#include "smuggling_vectors.h"

static struct reader *reader_new(const struct http_limits *limits)
{
    struct reader *reader = test_malloc(sizeof *reader);
    assert_int_equal(reader_open(reader, limits), OK);
    return reader;
}

static void reader_delete(struct reader *reader)
{
    reader_close(reader);
    test_free(reader);
}

/* Feeds in pieces of at most `piece` bytes until the reader stops taking; gives how many it took. */
static size_t feed_in_pieces(struct reader *reader, struct bytes input, size_t piece)
{
    size_t taken = 0;
    while (reader->state != READER_COMPLETE && reader->state != READER_REFUSED) {
        struct bytes next = bytes_from(input, taken);
        if (next.length == 0 && reader->state != READER_ROUTING)
            break;
        if (next.length > piece)
            next.length = piece;
        taken += reader_feed(reader, next);
    }
    return taken;
}

static size_t feed_all(struct reader *reader, const char *text)
{
    return feed_in_pieces(reader, bytes_of_text(text), SIZE_MAX);
}

static void assert_bytes(struct bytes bytes, const char *text)
{
    assert_int_equal(bytes.length, strlen(text));
    if (bytes.length)
        assert_memory_equal(bytes.data, text, bytes.length);
}

static const char post[] = "POST /v1/checks?x=1 HTTP/1.1\r\nHost: centre.example:8443\r\nX-Empty:\r\n"
                           "X-Padded: \t a b \t\r\nContent-Length: 5\r\n\r\nhello";

static void assert_is_post(const struct reader *reader)
{
    assert_int_equal(reader->state, READER_COMPLETE);
    assert_int_equal(reader->parsed.method, METHOD_POST);
    assert_bytes(reader->parsed.target, "/v1/checks?x=1");
    assert_int_equal(reader->parsed.header_count, 4);
    assert_bytes(reader->headers[0].name, "Host");
    assert_bytes(reader->headers[0].value, "centre.example:8443");
    assert_bytes(reader->headers[1].name, "X-Empty");
    assert_bytes(reader->headers[1].value, "");
    assert_bytes(reader->headers[2].value, "a b");
    assert_bytes(buffer_bytes(&reader->body), "hello");
    assert_true(reader->parsed.keep_alive);
}

static void a_request_reads_the_same_however_it_is_cut(void **state)
{
    (void)state;
    struct reader *reader = reader_new(&http_default_limits);
    for (size_t piece = 1; piece <= sizeof post; piece++) {
        reader_reset(reader);
        assert_int_equal(feed_in_pieces(reader, bytes_of_text(post), piece), sizeof post - 1);
        assert_is_post(reader);
    }
    for (size_t cut = 1; cut < sizeof post - 1; cut++) {
        reader_reset(reader);
        size_t taken = feed_in_pieces(reader, bytes_of(post, cut), SIZE_MAX);
        assert_int_equal(taken, cut);
        feed_in_pieces(reader, bytes_of_text(post + cut), SIZE_MAX);
        assert_is_post(reader);
    }
    reader_delete(reader);
}

static void a_chunked_request_reads_the_same_however_it_is_cut(void **state)
{
    (void)state;
    static const char chunked[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                                  "5\r\nhello\r\n0000a\r\n, world: 1\r\n0\r\n\r\n";
    struct reader *reader = reader_new(&http_default_limits);
    for (size_t piece = 1; piece <= sizeof chunked; piece++) {
        reader_reset(reader);
        assert_int_equal(feed_in_pieces(reader, bytes_of_text(chunked), piece), sizeof chunked - 1);
        assert_int_equal(reader->state, READER_COMPLETE);
        assert_bytes(buffer_bytes(&reader->body), "hello, world: 1");
    }
    reader_delete(reader);
}

static void what_follows_a_request_is_left_for_the_next(void **state)
{
    (void)state;
    static const char *const firsts[] = {
        "GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nGET",
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\n\r\n",
        "POST /a HTTP/1.0\r\nContent-Length: 3\r\n\r\nGET",
        "GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    };
    struct reader *reader = reader_new(&http_default_limits);
    for (size_t i = 0; i < ARRAY_LENGTH(firsts); i++) {
        struct buffer both = {0};
        assert_int_equal(buffer_printf(&both, "%sGET /b HTTP/1.1\r\nHost: a\r\n\r\n", firsts[i]), OK);
        reader_reset(reader);
        size_t taken = feed_in_pieces(reader, buffer_bytes(&both), SIZE_MAX);
        assert_int_equal(reader->state, READER_COMPLETE);
        assert_int_equal(taken, strlen(firsts[i]));
        reader_reset(reader);
        feed_in_pieces(reader, bytes_from(buffer_bytes(&both), taken), SIZE_MAX);
        assert_int_equal(reader->state, READER_COMPLETE);
        assert_bytes(reader->parsed.target, "/b");
        buffer_free(&both);
    }
    reader_delete(reader);
}

static void what_two_readers_could_understand_differently_is_refused(void **state)
{
    (void)state;
    struct reader *reader = reader_new(&http_default_limits);
    for (size_t i = 0; i < ARRAY_LENGTH(smuggling_vectors); i++) {
        const struct smuggling_vector *vector = &smuggling_vectors[i];
        for (size_t piece = 1; piece <= vector->length; piece += piece) {
            reader_reset(reader);
            feed_in_pieces(reader, bytes_of(vector->text, vector->length), piece);
            if (reader->state != READER_REFUSED || reader->problem != vector->problem)
                fail_msg("%s: state %d, problem %d", vector->name, (int)reader->state, (int)reader->problem);
        }
    }
    reader_delete(reader);
}

static void one_empty_line_before_a_request_is_forgiven(void **state)
{
    (void)state;
    struct reader *reader = reader_new(&http_default_limits);
    feed_all(reader, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(reader->state, READER_COMPLETE);
    reader_delete(reader);
}

static void keeping_alive_follows_version_and_connection(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool keeps;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nHost: a\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", true},
    };
    struct reader *reader = reader_new(&http_default_limits);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        reader_reset(reader);
        feed_all(reader, rows[i].text);
        assert_int_equal(reader->state, READER_COMPLETE);
        assert_int_equal(reader->parsed.keep_alive, rows[i].keeps);
    }
    reader_delete(reader);
}

/* A request whose request line, headers and number of headers are of the given size. */
static void build(struct buffer *out, size_t line, size_t header_bytes, size_t headers)
{
    static const char start[] = "GET /", end[] = " HTTP/1.1\r\n", host[] = "Host: a\r\n",
                      other[] = "X: y\r\n";
    buffer_clear(out);
    assert_int_equal(buffer_append_text(out, start), OK);
    for (size_t i = strlen(start) + strlen(end); i < line; i++)
        assert_int_equal(buffer_append_text(out, "a"), OK);
    assert_int_equal(buffer_append_text(out, end), OK);
    assert_int_equal(buffer_append_text(out, host), OK);
    for (size_t i = 2; i < headers; i++)
        assert_int_equal(buffer_append_text(out, other), OK);
    size_t so_far = strlen(host) + (headers > 2 ? headers - 2 : 0) * strlen(other) + 2;
    if (headers > 1) {
        assert_int_equal(buffer_append_text(out, "Y: "), OK);
        for (size_t i = so_far + 5; i < header_bytes; i++)
            assert_int_equal(buffer_append_text(out, "b"), OK);
        assert_int_equal(buffer_append_text(out, "\r\n"), OK);
    }
    assert_int_equal(buffer_append_text(out, "\r\n"), OK);
}

static void a_head_may_be_as_large_as_its_limits_and_no_larger(void **state)
{
    (void)state;
    struct http_limits limits = http_default_limits;
    limits.request_line = 200;
    limits.header_bytes = 1000;
    limits.header_count = 20;
    static const struct {
        size_t line, header_bytes, headers;
        enum reader_state end;
        enum http_problem problem;
    } rows[] = {
        {200, 100, 2, READER_COMPLETE, 0},  {201, 100, 2, READER_REFUSED, HTTP_PROBLEM_TARGET_TOO_LONG},
        {100, 1000, 2, READER_COMPLETE, 0}, {100, 1001, 2, READER_REFUSED, HTTP_PROBLEM_HEADERS_TOO_LARGE},
        {100, 500, 20, READER_COMPLETE, 0}, {100, 500, 21, READER_REFUSED, HTTP_PROBLEM_HEADERS_TOO_LARGE},
    };
    struct buffer text = {0};
    struct reader *reader = reader_new(&limits);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        build(&text, rows[i].line, rows[i].header_bytes, rows[i].headers);
        for (size_t piece = 1; piece < 2000; piece *= 7) {
            reader_reset(reader);
            feed_in_pieces(reader, buffer_bytes(&text), piece);
            assert_int_equal(reader->state, rows[i].end);
            if (rows[i].end == READER_REFUSED)
                assert_int_equal(reader->problem, rows[i].problem);
        }
    }
    buffer_free(&text);
    reader_delete(reader);
}

static void a_line_without_end_is_refused_at_its_limit_and_not_kept(void **state)
{
    (void)state;
    struct reader *reader = reader_new(&http_default_limits);
    uint8_t flood[70000];
    memset(flood, 'a', sizeof flood);
    reader_feed(reader, bytes_of(flood, sizeof flood));
    assert_int_equal(reader->state, READER_REFUSED);
    assert_int_equal(reader->problem, HTTP_PROBLEM_TARGET_TOO_LONG);
    assert_true(reader->head.capacity < 8192);
    reader_delete(reader);
}

static void a_body_may_be_as_large_as_the_route_allows_and_no_larger(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t limit;
        enum reader_state end;
    } rows[] = {
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 5, READER_COMPLETE},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 4, READER_REFUSED},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
         5, READER_COMPLETE},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
         4, READER_REFUSED},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", 65536,
         READER_REFUSED},
    };
    struct reader *reader = reader_new(&http_default_limits);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct bytes input = bytes_of_text(rows[i].text);
        reader_reset(reader);
        size_t taken = reader_feed(reader, input);
        assert_int_equal(reader->state, READER_ROUTING);
        reader->body_limit = rows[i].limit;
        reader_feed(reader, bytes_from(input, taken));
        assert_int_equal(reader->state, rows[i].end);
        if (rows[i].end == READER_REFUSED)
            assert_int_equal(reader->problem, HTTP_PROBLEM_BODY_TOO_LARGE);
    }
    reader_delete(reader);
}

static void memory_for_a_body_grows_with_what_arrives_not_with_what_is_announced(void **state)
{
    (void)state;
    struct reader *reader = reader_new(&http_default_limits);
    static const char head[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000000\r\n\r\n";
    size_t taken = reader_feed(reader, bytes_of_text(head));
    reader->body_limit = 1000000000;
    reader_feed(reader, bytes_from(bytes_of_text(head), taken));
    assert_int_equal(reader->state, READER_LENGTH);
    assert_true(reader->body.capacity <= 65536);
    reader_delete(reader);
}

static void a_body_that_is_not_wanted_is_read_and_forgotten(void **state)
{
    (void)state;
    struct reader *reader = reader_new(&http_default_limits);
    size_t taken = reader_feed(reader, bytes_of_text(post));
    reader->discard = true;
    reader_feed(reader, bytes_from(bytes_of_text(post), taken));
    assert_int_equal(reader->state, READER_COMPLETE);
    assert_int_equal(reader->body.length, 0);
    reader_delete(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_reads_the_same_however_it_is_cut),
        cmocka_unit_test(a_chunked_request_reads_the_same_however_it_is_cut),
        cmocka_unit_test(what_follows_a_request_is_left_for_the_next),
        cmocka_unit_test(what_two_readers_could_understand_differently_is_refused),
        cmocka_unit_test(one_empty_line_before_a_request_is_forgiven),
        cmocka_unit_test(keeping_alive_follows_version_and_connection),
        cmocka_unit_test(a_head_may_be_as_large_as_its_limits_and_no_larger),
        cmocka_unit_test(a_line_without_end_is_refused_at_its_limit_and_not_kept),
        cmocka_unit_test(a_body_may_be_as_large_as_the_route_allows_and_no_larger),
        cmocka_unit_test(memory_for_a_body_grows_with_what_arrives_not_with_what_is_announced),
        cmocka_unit_test(a_body_that_is_not_wanted_is_read_and_forgotten),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
