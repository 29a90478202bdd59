#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "card/virtual_player.h"
#include "card/wire.h"

enum { PATIENCE = 5000 };

/* ---- Frames ---- */

static void connect_pair(int ends[2])
{
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
}

static void close_pair(int ends[2])
{
    assert_int_equal(0, close(ends[0]));
    assert_int_equal(0, close(ends[1]));
}

static void a_frame_arrives_as_it_was_sent(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 261, 65535};
    static uint8_t payload[65535];
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
        int ends[2];
        struct buffer got = {0};
        connect_pair(ends);
        assert_int_equal(OK, wire_send(ends[0], bytes_of(payload, lengths[i])));
        assert_int_equal(OK, wire_receive(ends[1], PATIENCE, &got));
        assert_true(bytes_equal(bytes_of(payload, lengths[i]), buffer_bytes(&got)));
        buffer_free(&got);
        close_pair(ends);
    }
}

static void a_frame_that_is_too_long_is_not_sent(void **state)
{
    (void)state;
    static uint8_t payload[65536];
    int ends[2];
    connect_pair(ends);
    assert_int_equal(ERR_TOO_LARGE, wire_send(ends[0], bytes_of(payload, sizeof payload)));
    close_pair(ends);
}

static void a_frame_that_does_not_come_to_its_end_times_out(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } beginnings[] = {{"", 0}, {"\x00", 1}, {"\x00\x05", 2}, {"\x00\x05xyz", 5}};
    for (size_t i = 0; i < ARRAY_LENGTH(beginnings); i++) {
        int ends[2];
        struct buffer got = {0};
        connect_pair(ends);
        assert_int_equal(beginnings[i].length, write(ends[0], beginnings[i].bytes, beginnings[i].length));
        assert_int_equal(ERR_TIMEOUT, wire_receive(ends[1], 20, &got));
        assert_int_equal(0, shutdown(ends[0], SHUT_WR));
        assert_int_equal(ERR_UNREACHABLE, wire_receive(ends[1], PATIENCE, &got));
        buffer_free(&got);
        close_pair(ends);
    }
}

static void sending_to_one_who_left_is_an_error_and_no_signal(void **state)
{
    (void)state;
    int ends[2];
    connect_pair(ends);
    assert_int_equal(0, close(ends[1]));
    assert_int_equal(ERR_UNREACHABLE, wire_send_control(ends[0], WIRE_ATR));
    assert_int_equal(0, close(ends[0]));
}

static void nobody_listening_is_told_apart(void **state)
{
    (void)state;
    int connection = 0;
    assert_int_equal(ERR_UNREACHABLE, wire_connect("/tmp/shikaku-nobody-listens-here", &connection));
    assert_int_equal(-1, connection);
    char long_path[200];
    memset(long_path, 'x', sizeof long_path);
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(ERR_TOO_LARGE, wire_connect(long_path, &connection));
}

/* ---- A card that is played; blank, since what it holds does not matter here ---- */

struct played {
    char path[64];
    int listener;
    int stop[2]; /* closing [1] stops it */
    struct virtual_card *card;
    pthread_t thread;
    enum status ended;
};

static void *play(void *of)
{
    struct played *played = of;
    played->ended = virtual_card_play(played->card, played->listener, played->stop[0]);
    return NULL;
}

static void begin(struct played *played)
{
    static int number;
    snprintf(played->path, sizeof played->path, "/tmp/shikaku-played-%d-%d", (int)getpid(), number++);
    assert_int_equal(OK,
                     virtual_card_manufacture(CARD_GENERATION_P384, CARD_FORM_ANDROID, NULL, &played->card));
    assert_int_equal(OK, wire_listen(played->path, &played->listener));
    assert_int_equal(0, pipe(played->stop));
    assert_int_equal(0, pthread_create(&played->thread, NULL, play, played));
}

static void end(struct played *played)
{
    assert_int_equal(0, close(played->stop[1]));
    assert_int_equal(0, pthread_join(played->thread, NULL));
    assert_int_equal(OK, played->ended);
    assert_int_equal(0, close(played->stop[0]));
    assert_int_equal(0, close(played->listener));
    assert_int_equal(0, unlink(played->path));
    virtual_card_free(played->card);
}

static int connect_to(const struct played *played)
{
    int connection = -1;
    assert_int_equal(OK, wire_connect(played->path, &connection));
    return connection;
}

static const char *ask(int connection, const void *bytes, size_t length)
{
    static char hex[1024];
    struct buffer answer = {0};
    assert_int_equal(OK, wire_send(connection, bytes_of(bytes, length)));
    assert_int_equal(OK, wire_receive(connection, PATIENCE, &answer));
    assert_true(answer.length < sizeof hex / 2);
    hex_encode(buffer_bytes(&answer), hex);
    buffer_free(&answer);
    return hex;
}

static void a_played_card_answers_its_atr_and_commands(void **state)
{
    (void)state;
    struct played played;
    begin(&played);
    int reader = connect_to(&played);
    assert_string_equal("3be000ff8131fe4514", ask(reader, "\x04", 1));
    assert_int_equal(OK, wire_send_control(reader, WIRE_POWER_ON));
    assert_string_equal("6a86", ask(reader, "\x00\xA4\x00\x00", 4));
    assert_string_equal("9000", ask(reader, "\x00\xA4\x04\x0C\x05\xA0\x00\x00\x01\x51", 10));
    assert_string_equal("9000", ask(reader, "\x00\xA4\x00\x00", 4));
    assert_int_equal(0, close(reader));
    end(&played);
}

static void reset_and_power_off_reach_the_card(void **state)
{
    (void)state;
    static const enum wire_control controls[] = {WIRE_RESET, WIRE_POWER_OFF, WIRE_POWER_ON};
    struct played played;
    begin(&played);
    int reader = connect_to(&played);
    for (size_t i = 0; i < ARRAY_LENGTH(controls); i++) {
        assert_string_equal("9000", ask(reader, "\x00\xA4\x04\x00", 4));
        assert_string_equal("9000", ask(reader, "\x00\xA4\x00\x00", 4));
        assert_int_equal(OK, wire_send_control(reader, controls[i]));
        assert_string_equal("6a86", ask(reader, "\x00\xA4\x00\x00", 4));
    }
    assert_int_equal(0, close(reader));
    end(&played);
}

static void a_reader_that_goes_away_leaves_the_card_for_the_next_one(void **state)
{
    (void)state;
    struct played played;
    begin(&played);
    for (int i = 0; i < 3; i++) {
        int reader = connect_to(&played);
        assert_string_equal("6a86", ask(reader, "\x00\xA4\x00\x00", 4)); /* what was selected is forgotten */
        assert_string_equal("9000", ask(reader, "\x00\xA4\x04\x00", 4));
        assert_int_equal(0, close(reader));
    }
    end(&played);
}

static void frames_that_make_no_sense_end_the_connection_only(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } frames[] = {{"", 0}, {"\x03", 1}, {"\xFF", 1}};
    struct played played;
    begin(&played);
    for (size_t i = 0; i < ARRAY_LENGTH(frames); i++) {
        struct buffer answer = {0};
        int reader = connect_to(&played);
        assert_int_equal(OK, wire_send(reader, bytes_of(frames[i].bytes, frames[i].length)));
        assert_int_equal(ERR_UNREACHABLE, wire_receive(reader, PATIENCE, &answer));
        assert_int_equal(0, close(reader));
    }
    int reader = connect_to(&played);
    assert_string_equal("3be000ff8131fe4514", ask(reader, "\x04", 1));
    assert_int_equal(0, close(reader));
    end(&played);
}

static void the_socket_is_for_its_owner_only(void **state)
{
    (void)state;
    struct played played;
    struct stat seen;
    begin(&played);
    assert_int_equal(0, stat(played.path, &seen));
    assert_int_equal(0600, seen.st_mode & 0777);
    end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_arrives_as_it_was_sent),
        cmocka_unit_test(a_frame_that_is_too_long_is_not_sent),
        cmocka_unit_test(a_frame_that_does_not_come_to_its_end_times_out),
        cmocka_unit_test(sending_to_one_who_left_is_an_error_and_no_signal),
        cmocka_unit_test(nobody_listening_is_told_apart),
        cmocka_unit_test(a_played_card_answers_its_atr_and_commands),
        cmocka_unit_test(reset_and_power_off_reach_the_card),
        cmocka_unit_test(a_reader_that_goes_away_leaves_the_card_for_the_next_one),
        cmocka_unit_test(frames_that_make_no_sense_end_the_connection_only),
        cmocka_unit_test(the_socket_is_for_its_owner_only),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
