#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "process/child.h"
#include "process/message.h"

enum { ASK = 7, TELL = 9 };

struct answers {
    unsigned count;
    enum status status;
    uint64_t order[8]; /* first byte of each payload */
};

static void keep_answer(void *context, enum status status, struct bytes payload)
{
    struct answers *answers = context;
    if (answers->count < 8)
        answers->order[answers->count] = payload.length ? payload.data[0] : 0;
    answers->count++;
    answers->status = status;
}

struct heard {
    unsigned count;
    struct message message[8];
    uint8_t first[8];
    size_t length;
};

static void keep_message(void *context, struct message_channel *channel, const struct message *message)
{
    (void)channel;
    struct heard *heard = context;
    if (heard->count < 8) {
        heard->message[heard->count] = *message;
        heard->first[heard->count] = message->payload.length ? message->payload.data[0] : 0;
    }
    heard->length += message->payload.length;
    heard->count++;
}

struct ends {
    struct message_channel *near;
    struct message_channel *far;
    struct heard heard; /* by far */
};

static void ends_open(struct ends *ends, struct message_channel_options near)
{
    int one, other;
    *ends = (struct ends){0};
    assert_int_equal(child_socket_pair(&one, &other), OK);
    struct message_channel_options far = {.on_message = keep_message, .context = &ends->heard};
    assert_int_equal(message_channel_open(one, &near, &ends->near), OK);
    assert_int_equal(message_channel_open(other, &far, &ends->far), OK);
}

static void ends_close(struct ends *ends)
{
    message_channel_close(ends->near);
    message_channel_close(ends->far);
}

static struct bytes one_byte(const uint8_t *byte)
{
    return bytes_of(byte, 1);
}

static void answers_may_come_in_any_order(void **state)
{
    (void)state;
    struct ends ends;
    ends_open(&ends, (struct message_channel_options){0});
    struct answers answers = {0};
    const uint8_t names[] = {1, 2, 3};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(message_request(ends.near, ASK, one_byte(&names[i]), 0, keep_answer, &answers), OK);
    assert_int_equal(message_channel_process(ends.far), OK);
    assert_int_equal(ends.heard.count, 3);
    const unsigned order[] = {2, 0, 1};
    for (size_t i = 0; i < 3; i++) {
        const struct message *asked = &ends.heard.message[order[i]];
        assert_int_equal(asked->type, ASK);
        assert_int_equal(
            message_reply(ends.far, ASK, asked->correlation, OK, one_byte(&ends.heard.first[order[i]])), OK);
    }
    assert_int_equal(message_channel_process(ends.near), OK);
    assert_int_equal(answers.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(answers.order[i], names[order[i]]);
    ends_close(&ends);
}

static void each_request_gets_the_answer_to_itself(void **state)
{
    (void)state;
    struct ends ends;
    ends_open(&ends, (struct message_channel_options){0});
    struct answers first = {0}, second = {0};
    const uint8_t names[] = {1, 2};
    assert_int_equal(message_request(ends.near, ASK, one_byte(&names[0]), 0, keep_answer, &first), OK);
    assert_int_equal(message_request(ends.near, ASK, one_byte(&names[1]), 0, keep_answer, &second), OK);
    assert_int_equal(message_channel_process(ends.far), OK);
    assert_int_equal(
        message_reply(ends.far, ASK, ends.heard.message[1].correlation, ERR_DENIED, one_byte(&names[1])), OK);
    assert_int_equal(message_channel_process(ends.near), OK);
    assert_int_equal(first.count, 0);
    assert_int_equal(second.count, 1);
    assert_int_equal(second.status, ERR_DENIED);
    ends_close(&ends);
    assert_int_equal(first.count, 1);
    assert_int_equal(first.status, ERR_UNREACHABLE);
}

static void a_notice_needs_no_answer(void **state)
{
    (void)state;
    struct ends ends;
    ends_open(&ends, (struct message_channel_options){0});
    assert_int_equal(message_notify(ends.near, TELL, bytes_of_text("x")), OK);
    assert_int_equal(message_channel_process(ends.far), OK);
    assert_int_equal(ends.heard.count, 1);
    assert_int_equal(ends.heard.message[0].correlation, 0);
    assert_int_equal(message_reply(ends.far, TELL, 0, OK, (struct bytes){0}), ERR_RANGE);
    ends_close(&ends);
}

/* What a peer of another build, or one that was taken over, may send. */
static const struct {
    const char *what;
    uint16_t version;
    uint16_t type;
    uint64_t correlation;
    int16_t status;
    uint32_t length;
    enum status refused_as;
} wrong_headers[] = {
    {"an older version", 0, ASK, 1, 0, 0, ERR_VERSION},
    {"a newer version", MESSAGE_VERSION + 1, ASK, 1, 0, 0, ERR_VERSION},
    {"one byte above the limit", MESSAGE_VERSION, ASK, 1, 0, MESSAGE_PAYLOAD_LIMIT + 1, ERR_TOO_LARGE},
    {"the longest length", MESSAGE_VERSION, ASK, 1, 0, UINT32_MAX, ERR_TOO_LARGE},
    {"no type", MESSAGE_VERSION, 0, 1, 0, 0, ERR_MALFORMED},
    {"a request with a status", MESSAGE_VERSION, ASK, 1, -1, 0, ERR_MALFORMED},
    {"a positive status", MESSAGE_VERSION, ASK | MESSAGE_REPLY, 1, 1, 0, ERR_MALFORMED},
    {"a reply to nothing", MESSAGE_VERSION, ASK | MESSAGE_REPLY, 0, 0, 0, ERR_MALFORMED},
    {"a reply never asked for", MESSAGE_VERSION, ASK | MESSAGE_REPLY, 1u << 20, 0, 0, ERR_MALFORMED},
    {"a reply to a slot that is none", MESSAGE_VERSION, ASK | MESSAGE_REPLY, UINT64_MAX, 0, 0, ERR_MALFORMED},
};

static void a_peer_that_breaks_the_protocol_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong_headers); i++) {
        int one, other;
        assert_int_equal(child_socket_pair(&one, &other), OK);
        struct heard heard = {0};
        struct message_channel_options options = {.on_message = keep_message, .context = &heard};
        struct message_channel *channel;
        assert_int_equal(message_channel_open(one, &options, &channel), OK);
        struct buffer frame = {0};
        struct writer writer = writer_to(&frame);
        write_u16(&writer, wrong_headers[i].version);
        write_u16(&writer, wrong_headers[i].type);
        write_u64(&writer, wrong_headers[i].correlation);
        write_u16(&writer, (uint16_t)wrong_headers[i].status);
        write_u32(&writer, wrong_headers[i].length);
        assert_int_equal(frame.length, MESSAGE_HEADER_SIZE);
        assert_int_equal(write(other, frame.data, frame.length), (ssize_t)frame.length);
        if (message_channel_process(channel) != wrong_headers[i].refused_as)
            fail_msg("%s was not refused", wrong_headers[i].what);
        assert_int_equal(message_notify(channel, TELL, (struct bytes){0}), wrong_headers[i].refused_as);
        assert_int_equal(heard.count, 0);
        buffer_free(&frame);
        message_channel_close(channel);
        close(other);
    }
}

static void a_payload_above_the_limit_is_not_sent(void **state)
{
    (void)state;
    struct ends ends;
    ends_open(&ends, (struct message_channel_options){0});
    uint8_t *payload = calloc(1, MESSAGE_PAYLOAD_LIMIT + 1);
    assert_non_null(payload);
    assert_int_equal(message_notify(ends.near, TELL, bytes_of(payload, MESSAGE_PAYLOAD_LIMIT + 1)),
                     ERR_TOO_LARGE);
    assert_int_equal(message_notify(ends.near, TELL, bytes_of(payload, MESSAGE_PAYLOAD_LIMIT)), OK);
    for (int i = 0; i < 1000 && ends.heard.count == 0; i++) {
        assert_int_equal(message_channel_process(ends.far), OK);
        assert_int_equal(message_channel_process(ends.near), OK);
    }
    assert_int_equal(ends.heard.length, MESSAGE_PAYLOAD_LIMIT);
    free(payload);
    ends_close(&ends);
}

static void a_frame_that_arrives_byte_by_byte_is_put_together(void **state)
{
    (void)state;
    int one, other;
    assert_int_equal(child_socket_pair(&one, &other), OK);
    struct heard heard = {0};
    struct message_channel_options options = {.on_message = keep_message, .context = &heard};
    struct message_channel *channel;
    assert_int_equal(message_channel_open(one, &options, &channel), OK);
    struct buffer frame = {0};
    struct writer writer = writer_to(&frame);
    write_u16(&writer, MESSAGE_VERSION);
    write_u16(&writer, ASK);
    write_u64(&writer, 5);
    write_u16(&writer, 0);
    write_sized(&writer, bytes_of_text("abc"));
    for (size_t i = 0; i < frame.length; i++) {
        assert_int_equal(heard.count, 0);
        assert_int_equal(write(other, frame.data + i, 1), 1);
        assert_int_equal(message_channel_process(channel), OK);
    }
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.first[0], 'a');
    assert_int_equal(heard.length, 3);
    buffer_free(&frame);
    message_channel_close(channel);
    close(other);
}

static void count_wish(void *context, bool wanted)
{
    *(int *)context += wanted ? 1 : -1;
}

static void a_peer_that_does_not_read_makes_the_sender_busy_and_blocks_nobody(void **state)
{
    (void)state;
    int wishes = 0;
    struct ends ends;
    ends_open(&ends, (struct message_channel_options){
                         .on_want_write = count_wish, .context = &wishes, .unsent_limit = 64 * 1024});
    static uint8_t payload[4096];
    size_t sent = 0;
    enum status status;
    while ((status = message_notify(ends.near, TELL, bytes_of(payload, sizeof payload))) == OK)
        sent++;
    assert_int_equal(status, ERR_BUSY);
    assert_int_equal(wishes, 1);
    assert_true(message_channel_wants_write(ends.near));
    for (int i = 0; i < 1000 && ends.heard.count < sent; i++) {
        assert_int_equal(message_channel_process(ends.far), OK);
        assert_int_equal(message_channel_process(ends.near), OK);
    }
    assert_int_equal(ends.heard.count, sent);
    assert_int_equal(ends.heard.length, sent * sizeof payload);
    assert_int_equal(wishes, 0);
    assert_int_equal(message_notify(ends.near, TELL, bytes_of(payload, sizeof payload)), OK);
    ends_close(&ends);
}

static void too_many_requests_under_way_are_busy_until_one_is_answered(void **state)
{
    (void)state;
    struct ends ends;
    ends_open(&ends, (struct message_channel_options){.request_limit = 2});
    struct answers answers = {0};
    struct bytes none = {0};
    assert_int_equal(message_request(ends.near, ASK, none, 0, keep_answer, &answers), OK);
    assert_int_equal(message_request(ends.near, ASK, none, 0, keep_answer, &answers), OK);
    assert_int_equal(message_request(ends.near, ASK, none, 0, keep_answer, &answers), ERR_BUSY);
    assert_int_equal(message_channel_process(ends.far), OK);
    assert_int_equal(message_reply(ends.far, ASK, ends.heard.message[0].correlation, OK, none), OK);
    assert_int_equal(message_channel_process(ends.near), OK);
    assert_int_equal(message_request(ends.near, ASK, none, 0, keep_answer, &answers), OK);
    assert_int_equal(answers.count, 1);
    ends_close(&ends);
    assert_int_equal(answers.count, 3);
}

static void what_the_peer_said_before_it_went_is_still_heard(void **state)
{
    (void)state;
    struct ends ends;
    ends_open(&ends, (struct message_channel_options){0});
    struct answers first = {0}, second = {0};
    struct bytes none = {0};
    assert_int_equal(message_request(ends.near, ASK, none, 0, keep_answer, &first), OK);
    assert_int_equal(message_request(ends.near, ASK, none, 0, keep_answer, &second), OK);
    assert_int_equal(message_channel_process(ends.far), OK);
    assert_int_equal(message_reply(ends.far, ASK, ends.heard.message[0].correlation, OK, none), OK);
    message_channel_close(ends.far);
    ends.far = NULL;
    enum status status = OK;
    for (int i = 0; i < 3 && status == OK; i++)
        status = message_channel_process(ends.near);
    assert_int_equal(status, ERR_UNREACHABLE);
    assert_int_equal(first.status, OK);
    assert_int_equal(first.count, 1);
    assert_int_equal(second.status, ERR_UNREACHABLE);
    assert_int_equal(second.count, 1);
    ends_close(&ends);
    assert_int_equal(second.count, 1);
}

static void a_late_answer_is_dropped_and_not_given_to_another(void **state)
{
    (void)state;
    struct ends ends;
    ends_open(&ends, (struct message_channel_options){.request_limit = 1});
    struct answers late = {0}, next = {0};
    struct bytes none = {0};
    assert_int_equal(message_request(ends.near, ASK, none, 1, keep_answer, &late), OK);
    int wait = message_channel_expire(ends.near);
    assert_in_range(wait, 0, 1);
    usleep(2000);
    assert_int_equal(message_channel_expire(ends.near), -1);
    assert_int_equal(late.count, 1);
    assert_int_equal(late.status, ERR_TIMEOUT);
    assert_int_equal(message_request(ends.near, ASK, none, 0, keep_answer, &next), OK);
    assert_int_equal(message_channel_process(ends.far), OK);
    assert_int_equal(message_reply(ends.far, ASK, ends.heard.message[0].correlation, OK, none), OK);
    assert_int_equal(message_channel_process(ends.near), OK);
    assert_int_equal(late.count, 1);
    assert_int_equal(next.count, 0);
    ends_close(&ends);
}

/* The serving side, in a thread of its own. */
static void turn_around(void *context, struct message_channel *channel, const struct message *message)
{
    (void)context;
    struct buffer turned = {0};
    for (size_t i = message->payload.length; i > 0; i--)
        assert_int_equal(buffer_append(&turned, one_byte(&message->payload.data[i - 1])), OK);
    enum status status = message->type == ASK ? OK : ERR_UNSUPPORTED;
    assert_int_equal(
        message_reply(channel, message->type, message->correlation, status, buffer_bytes(&turned)), OK);
    buffer_free(&turned);
}

struct serving {
    int fds[2];
    int stop;
    enum status status;
};

static void *serve(void *context)
{
    struct serving *serving = context;
    serving->status = message_serve(serving->fds, 2, serving->stop, turn_around, NULL);
    return NULL;
}

static void a_server_answers_all_its_peers_until_they_go(void **state)
{
    (void)state;
    struct serving serving = {.stop = -1};
    int callers[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(child_socket_pair(&callers[i], &serving.fds[i]), OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, serve, &serving), 0);
    for (size_t i = 0; i < 4; i++) {
        struct buffer reply = {0};
        assert_int_equal(message_call(callers[i % 2], ASK, bytes_of_text("abc"), 5000, &reply), OK);
        assert_int_equal(reply.length, 3);
        assert_memory_equal(reply.data, "cba", 3);
        buffer_free(&reply);
    }
    struct buffer reply = {0};
    assert_int_equal(message_call(callers[0], TELL, (struct bytes){0}, 5000, &reply), ERR_UNSUPPORTED);
    close(callers[0]);
    assert_int_equal(message_call(callers[1], ASK, bytes_of_text("ab"), 5000, &reply), OK);
    buffer_free(&reply);
    close(callers[1]);
    pthread_join(thread, NULL);
    assert_int_equal(serving.status, OK);
}

static void the_longest_payload_goes_both_ways(void **state)
{
    (void)state;
    struct serving serving;
    int callers[2], stop[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(child_socket_pair(&callers[i], &serving.fds[i]), OK);
    assert_int_equal(pipe(stop), 0);
    serving.stop = stop[0];
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, serve, &serving), 0);
    struct buffer asked = {0}, reply = {0};
    assert_int_equal(buffer_reserve(&asked, MESSAGE_PAYLOAD_LIMIT), OK);
    for (size_t i = 0; i < MESSAGE_PAYLOAD_LIMIT; i++)
        asked.data[i] = (uint8_t)(i * 7 + i / 251);
    asked.length = MESSAGE_PAYLOAD_LIMIT;
    assert_int_equal(message_call(callers[0], ASK, buffer_bytes(&asked), 20000, &reply), OK);
    assert_int_equal(reply.length, asked.length);
    for (size_t i = 0; i < reply.length; i += 4099)
        assert_int_equal(reply.data[i], asked.data[asked.length - 1 - i]);
    buffer_free(&asked);
    buffer_free(&reply);
    assert_int_equal(write(stop[1], "x", 1), 1);
    pthread_join(thread, NULL);
    assert_int_equal(serving.status, OK);
    for (size_t i = 0; i < 2; i++) {
        close(callers[i]);
        close(stop[i]);
    }
}

static void a_caller_does_not_wait_longer_than_it_said(void **state)
{
    (void)state;
    int one, other;
    assert_int_equal(child_socket_pair(&one, &other), OK);
    struct buffer reply = {0};
    assert_int_equal(message_call(one, ASK, (struct bytes){0}, 20, &reply), ERR_TIMEOUT);
    close(other);
    assert_int_equal(message_call(one, ASK, (struct bytes){0}, 20, &reply), ERR_UNREACHABLE);
    close(one);
    buffer_free(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_may_come_in_any_order),
        cmocka_unit_test(each_request_gets_the_answer_to_itself),
        cmocka_unit_test(a_notice_needs_no_answer),
        cmocka_unit_test(a_peer_that_breaks_the_protocol_is_refused),
        cmocka_unit_test(a_payload_above_the_limit_is_not_sent),
        cmocka_unit_test(a_frame_that_arrives_byte_by_byte_is_put_together),
        cmocka_unit_test(a_peer_that_does_not_read_makes_the_sender_busy_and_blocks_nobody),
        cmocka_unit_test(too_many_requests_under_way_are_busy_until_one_is_answered),
        cmocka_unit_test(what_the_peer_said_before_it_went_is_still_heard),
        cmocka_unit_test(a_late_answer_is_dropped_and_not_given_to_another),
        cmocka_unit_test(a_server_answers_all_its_peers_until_they_go),
        cmocka_unit_test(the_longest_payload_goes_both_ways),
        cmocka_unit_test(a_caller_does_not_wait_longer_than_it_said),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
