#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/reader.h"
#include "audit/segment.h"
#include "audit/verify.h"
#include "support.h"

/* Where the last event of the fixture's newest segment stands. */
static struct frame last_frame(const struct fixture *fixture, uint64_t *segment_first)
{
    uint64_t *firsts;
    size_t count;
    assert_int_equal(segment_list(fixture->log_directory, &firsts, &count), OK);
    struct segment segment;
    assert_int_equal(segment_open(fixture->log_directory, firsts[count - 1], &segment), OK);
    *segment_first = firsts[count - 1];
    struct frame frame, last = {0};
    uint64_t offset = SEGMENT_HEADER_SIZE;
    while (segment_read(&segment, offset, &frame) == OK) {
        last = frame;
        offset += frame.length;
    }
    segment_close(&segment);
    free(firsts);
    return last;
}

static void an_event_is_there_after_a_restart(void **state)
{
    struct fixture *fixture = *state;
    record_some(fixture, 1, 3);
    log_open_again(fixture);
    record_some(fixture, 4, 4);
    struct buffer hold = {0};
    for (unsigned seed = 1; seed <= 4; seed++) {
        const struct event sent = check_event(fixture, seed);
        struct event event;
        assert_int_equal(audit_event_by_sequence(fixture->log, seed, &hold, &event), OK);
        assert_int_equal(event.sequence, seed);
        assert_memory_equal(event.id, sent.id, EVENT_ID_SIZE);
        assert_true(bytes_equal(event.personal.answer, sent.personal.answer));
        assert_string_equal(event.caller.code, sent.caller.code);
    }
    buffer_free(&hold);
    log_shut(fixture);
    assert_log_whole(fixture, 4);
}

static void a_frame_written_in_part_is_cut_wherever_it_was_torn(void **state)
{
    struct fixture *fixture = *state;
    record_some(fixture, 1, 3);
    log_shut(fixture);
    uint64_t first;
    struct frame last = last_frame(fixture, &first);
    char path[TEST_PATH];
    newest_segment(path, fixture->log_directory);
    uint8_t whole[1024];
    static const uint8_t zeros[1024];
    assert_true(last.length <= sizeof whole);
    bytes_read_at(path, last.offset, whole, last.length);
    for (uint32_t kept = 0; kept < last.length; kept += 8) {
        size_t missing = last.length - kept;
        bytes_write_at(path, last.offset + kept, zeros, missing);
        /* The last bytes of a frame may be padding, and zeros anyway. */
        bool lost = memcmp(whole + kept, zeros, missing) != 0;
        log_open_again(fixture);
        assert_int_equal(audit_log_newest(fixture->log), lost ? 2 : 3);
        log_shut(fixture);
        assert_log_whole(fixture, lost ? 2 : 3);
        bytes_write_at(path, last.offset, whole, last.length);
    }
    log_open_again(fixture);
    assert_int_equal(audit_log_newest(fixture->log), 3);
}

static void after_a_cut_the_log_goes_on_with_the_next_sequence(void **state)
{
    struct fixture *fixture = *state;
    record_some(fixture, 1, 3);
    log_shut(fixture);
    uint64_t first;
    struct frame last = last_frame(fixture, &first);
    char path[TEST_PATH];
    newest_segment(path, fixture->log_directory);
    static const uint8_t zeros[16];
    bytes_write_at(path, last.offset + last.length - 32, zeros, 16);
    log_open_again(fixture);
    record_some(fixture, 9, 9);
    assert_int_equal(audit_log_newest(fixture->log), 3);
    log_shut(fixture);
    assert_log_whole(fixture, 3);
}

/* One group of three, of which the disk has taken the later pages only. */
static void a_torn_group_is_cut_where_its_first_missing_frame_is(void **state)
{
    struct fixture *fixture = *state;
    record_some(fixture, 1, 2);
    struct hold *hold = log_hold(fixture, 3);
    struct sent sent[3];
    for (unsigned i = 0; i < 3; i++) {
        struct event event = check_event(fixture, 4 + i);
        sent_start(fixture, &sent[i], AUDIT_APPEND, &event);
    }
    log_release(hold);
    for (unsigned i = 0; i < 3; i++) {
        sent_await(&sent[i]);
        sent_free(&sent[i]);
    }
    log_shut(fixture);
    uint64_t first;
    struct frame last = last_frame(fixture, &first);
    assert_int_equal(last.group_first, 4);
    char path[TEST_PATH];
    newest_segment(path, fixture->log_directory);
    static const uint8_t zeros[64];
    bytes_write_at(path, last.offset - last.length, zeros, sizeof zeros); /* event 5: lost; 4 and 6: there */
    log_open_again(fixture);
    assert_int_equal(audit_log_newest(fixture->log), 4);
    record_some(fixture, 20, 20);
    log_shut(fixture);
    assert_log_whole(fixture, 5);
}

static void bytes_behind_the_end_that_are_no_frame_are_cut(void **state)
{
    struct fixture *fixture = *state;
    record_some(fixture, 1, 1);
    log_shut(fixture);
    char path[TEST_PATH];
    newest_segment(path, fixture->log_directory);
    bytes_write_at(path, 700 * 1024, "left over", 9);
    bytes_write_at(path, SEGMENT_SIZE_LEAST - 1, "x", 1);
    log_open_again(fixture);
    assert_int_equal(audit_log_newest(fixture->log), 1);
    log_shut(fixture);
    assert_log_whole(fixture, 1);
}

static void damage_before_the_newest_group_stops_the_log_and_is_left_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    record_some(fixture, 1, 3);
    log_shut(fixture);
    char path[TEST_PATH];
    newest_segment(path, fixture->log_directory);
    uint8_t byte;
    /* In the head, in the core and in the personal part of the first event. */
    static const uint64_t places[] = {0, 8, 20, FRAME_HEAD_SIZE + 10, FRAME_HEAD_SIZE + EVENT_CORE_SIZE + 20};
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        uint64_t at = SEGMENT_HEADER_SIZE + places[i];
        bytes_read_at(path, at, &byte, 1);
        byte ^= 0x10;
        bytes_write_at(path, at, &byte, 1);
        assert_int_equal(log_try_open(fixture), ERR_DAMAGED);
        uint8_t after;
        bytes_read_at(path, at, &after, 1);
        assert_int_equal(after, byte);
        struct audit_verification verification;
        assert_int_equal(audit_verify(fixture->log_directory, NULL, NULL, &verification), ERR_DAMAGED);
        assert_int_equal(verification.events, 2);
        byte ^= 0x10;
        bytes_write_at(path, at, &byte, 1);
    }
    log_open_again(fixture);
    assert_int_equal(audit_log_newest(fixture->log), 3);
}

static void a_newer_format_is_not_touched(void **state)
{
    struct fixture *fixture = *state;
    log_shut(fixture);
    char path[TEST_PATH];
    newest_segment(path, fixture->log_directory);
    bytes_write_at(path, 8, "\x00\x02", 2);
    assert_int_equal(log_try_open(fixture), ERR_VERSION);
    bytes_write_at(path, 8, "\x00\x01", 2);
    bytes_write_at(path, 20, "\x07", 1); /* and a header that does not fit its sum is damage */
    assert_int_equal(log_try_open(fixture), ERR_DAMAGED);
    bytes_write_at(path, 20, "\x00", 1);
    log_open_again(fixture);
}

static void a_log_belongs_to_one_process(void **state)
{
    struct fixture *fixture = *state;
    struct fixture second = *fixture;
    second.log = NULL;
    assert_int_equal(log_try_open(&second), ERR_BUSY);
}

static void a_full_segment_is_followed_by_the_next(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t large[200 * 1024];
    memset(large, 'a', sizeof large);
    for (unsigned seed = 1; seed <= 12; seed++) {
        struct event event = check_event(fixture, seed);
        event.personal.answer = bytes_of(large, sizeof large - seed);
        assert_int_equal(record(fixture, &event), AUDIT_RECORDED);
    }
    uint64_t *firsts;
    size_t count;
    assert_int_equal(segment_list(fixture->log_directory, &firsts, &count), OK);
    assert_int_equal(count, 3); /* five of them in 1 MiB */
    assert_int_equal(firsts[1], 6);
    free(firsts);
    struct buffer hold = {0};
    for (unsigned seed = 1; seed <= 12; seed++) {
        struct event event;
        assert_int_equal(audit_event_by_sequence(fixture->log, seed, &hold, &event), OK);
        assert_int_equal(event.personal.answer.length, sizeof large - seed);
    }
    buffer_free(&hold);
    log_open_again(fixture);
    record_some(fixture, 20, 20);
    assert_int_equal(audit_log_newest(fixture->log), 13);
    log_shut(fixture);
    assert_log_whole(fixture, 13);
}

static void a_group_larger_than_a_segment_is_recorded_in_parts(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t large[150 * 1024];
    struct hold *hold = log_hold(fixture, 1);
    struct sent sent[20];
    for (unsigned i = 0; i < 20; i++) {
        struct event event = check_event(fixture, 2 + i);
        event.personal.answer = bytes_of(large, sizeof large);
        sent_start(fixture, &sent[i], AUDIT_APPEND, &event);
    }
    log_release(hold);
    for (unsigned i = 0; i < 20; i++) {
        sent_await(&sent[i]);
        assert_int_equal(sent[i].submission.outcome, AUDIT_RECORDED);
        assert_int_equal(sent[i].submission.sequence, 2 + i);
        sent_free(&sent[i]);
    }
    log_shut(fixture);
    assert_log_whole(fixture, 21);
}

static void an_exchanged_segment_is_found_by_the_chain(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t large[200 * 1024];
    /* The same five events twice, in two logs: both verify alone, the salts differ. */
    char taken[2][TEST_PATH], other[TEST_PATH];
    for (int turn = 0; turn < 2; turn++) {
        for (unsigned seed = 1; seed <= 6; seed++) {
            struct event event = check_event(fixture, seed);
            event.personal.answer = bytes_of(large, sizeof large);
            assert_int_equal(record(fixture, &event), AUDIT_RECORDED);
        }
        log_shut(fixture);
        assert_log_whole(fixture, 6);
        file_path(taken[turn], fixture->log_directory, "00000000000000000001.log");
        if (turn == 1)
            break;
        snprintf(other, sizeof other, "%s", fixture->log_directory);
        file_path(fixture->log_directory, fixture->directory, "log2");
        file_path(fixture->index_path, fixture->directory, "index2.db");
        log_open_again(fixture);
    }
    assert_int_equal(rename(taken[0], taken[1]), 0);
    struct audit_verification verification;
    assert_int_equal(audit_verify(fixture->log_directory, NULL, NULL, &verification), ERR_DAMAGED);
    assert_int_equal(verification.events, 6);
    assert_int_equal(verification.findings, 1);
}

static void keep_finding(void *context, const struct audit_finding *finding)
{
    *(struct audit_finding *)context = *finding;
}

static void a_missing_segment_is_found(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t large[200 * 1024];
    for (unsigned seed = 1; seed <= 12; seed++) {
        struct event event = check_event(fixture, seed);
        event.personal.answer = bytes_of(large, sizeof large);
        assert_int_equal(record(fixture, &event), AUDIT_RECORDED);
    }
    log_shut(fixture);
    char path[TEST_PATH];
    file_path(path, fixture->log_directory, "00000000000000000006.log");
    assert_int_equal(unlink(path), 0);
    struct audit_verification verification;
    struct audit_finding finding;
    assert_int_equal(audit_verify(fixture->log_directory, keep_finding, &finding, &verification),
                     ERR_DAMAGED);
    assert_int_equal(finding.kind, FINDING_SEGMENT_MISSING);
    assert_int_equal(finding.sequence, 6);
    assert_int_equal(finding.segment, 11);
}

static void a_personal_part_can_be_overwritten_without_breaking_leaf_or_chain(void **state)
{
    struct fixture *fixture = *state;
    record_some(fixture, 1, 3);
    log_shut(fixture);
    struct audit_verification before, after;
    assert_int_equal(audit_verify(fixture->log_directory, NULL, NULL, &before), OK);
    char path[TEST_PATH];
    newest_segment(path, fixture->log_directory);
    uint8_t leaf[EVENT_HASH_SIZE];
    const struct event sent = check_event(fixture, 1);
    static const uint8_t zeros[4096];
    bytes_read_at(path, SEGMENT_HEADER_SIZE + FRAME_HEAD_SIZE + EVENT_CORE_SIZE - EVENT_HASH_SIZE, leaf,
                  sizeof leaf);
    bytes_write_at(path, SEGMENT_HEADER_SIZE + 28, "GONE", 4);
    bytes_write_at(path, SEGMENT_HEADER_SIZE + FRAME_HEAD_SIZE + EVENT_CORE_SIZE, zeros,
                   EVENT_SALT_SIZE + event_personal_size(&sent.personal));
    assert_int_equal(audit_verify(fixture->log_directory, NULL, NULL, &after), OK);
    assert_int_equal(after.events, 3);
    assert_int_equal(after.erased, 1);
    assert_memory_equal(before.chain, after.chain, EVENT_HASH_SIZE);
    log_open_again(fixture);
    struct buffer hold = {0};
    struct event event;
    assert_int_equal(audit_event_by_sequence(fixture->log, 1, &hold, &event), OK);
    assert_true(event.personal_erased);
    assert_int_equal(event.personal.person, 0);
    assert_memory_equal(event.leaf, leaf, EVENT_HASH_SIZE);
    assert_memory_equal(event.id, sent.id, EVENT_ID_SIZE);
    buffer_free(&hold);
}

/* A disk that takes no more, as far as a test can make one: writes beyond this size of a file fail. */
static void writes_fail_beyond(rlim_t size)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_failed_write_fails_every_event_of_its_group_and_leaves_no_trace(void **state)
{
    struct fixture *fixture = *state;
    signal(SIGXFSZ, SIG_IGN);
    record_some(fixture, 1, 2);
    uint64_t first;
    struct frame last = last_frame(fixture, &first);
    /* The first of the group is written, the others are not: the write is cut in the second's middle. */
    struct hold *hold = log_hold(fixture, 3);
    struct sent sent[3];
    struct event keyed = keyed_event(fixture, 5, 1);
    struct event repeated = keyed_event(fixture, 5, 1);
    sent_start(fixture, &sent[0], AUDIT_APPEND, &keyed);
    sent_start(fixture, &sent[1], AUDIT_APPEND, &repeated);
    struct event other = check_event(fixture, 4);
    sent_start(fixture, &sent[2], AUDIT_APPEND, &other);
    writes_fail_beyond(last.offset + 3 * last.length + 100);
    log_release(hold);
    for (unsigned i = 0; i < 3; i++) {
        sent_await(&sent[i]);
        assert_int_equal(sent[i].submission.outcome, AUDIT_FAILED);
        assert_int_equal(sent[i].submission.status, ERR_IO);
        sent_free(&sent[i]);
    }
    assert_int_equal(audit_log_newest(fixture->log), 3);
    assert_int_equal(record(fixture, &other), AUDIT_FAILED); /* still */
    writes_fail_beyond(RLIM_INFINITY);
    /* The key of the failed event was not used up. */
    assert_int_equal(record(fixture, &keyed), AUDIT_RECORDED);
    assert_int_equal(audit_log_newest(fixture->log), 4);
    log_shut(fixture);
    assert_log_whole(fixture, 4);
}

static void events_of_a_failed_group_do_not_come_back_after_a_restart(void **state)
{
    struct fixture *fixture = *state;
    signal(SIGXFSZ, SIG_IGN);
    record_some(fixture, 1, 2);
    uint64_t first;
    struct frame last = last_frame(fixture, &first);
    writes_fail_beyond(last.offset + 2 * last.length - 8); /* all but the padding of the next one */
    struct event event = check_event(fixture, 3);
    assert_int_equal(record(fixture, &event), AUDIT_FAILED);
    writes_fail_beyond(RLIM_INFINITY);
    log_open_again(fixture);
    assert_int_equal(audit_log_newest(fixture->log), 2);
    record_some(fixture, 4, 4);
    log_shut(fixture);
    assert_log_whole(fixture, 3);
}

static void
a_full_disk_fails_events_once_the_last_segment_is_full_and_is_forgotten_when_there_is_room(void **state)
{
    struct fixture *fixture = *state;
    signal(SIGXFSZ, SIG_IGN);
    static uint8_t large[200 * 1024];
    /* Two segments' worth: the spare that was made ahead is used, a further one cannot be made. */
    for (unsigned seed = 1; seed <= 5; seed++) {
        struct event event = check_event(fixture, seed);
        event.personal.answer = bytes_of(large, sizeof large);
        assert_int_equal(record(fixture, &event), AUDIT_RECORDED);
    }
    usleep(20000); /* the spare is made */
    writes_fail_beyond(SEGMENT_SIZE_LEAST - 4096);
    unsigned recorded = 5;
    struct event event;
    for (;;) {
        event = check_event(fixture, recorded + 1);
        event.personal.answer = bytes_of(large, sizeof large);
        if (record(fixture, &event) != AUDIT_RECORDED)
            break;
        recorded++;
    }
    assert_in_range(recorded, 5, 10);
    assert_int_equal(record(fixture, &event), AUDIT_FAILED);
    assert_int_equal(audit_log_newest(fixture->log), recorded);
    writes_fail_beyond(RLIM_INFINITY);
    assert_int_equal(record(fixture, &event), AUDIT_RECORDED);
    assert_int_equal(audit_log_newest(fixture->log), recorded + 1);
    log_shut(fixture);
    assert_log_whole(fixture, recorded + 1);
}

/* Closes the log once a segment is made ahead, and says which file it is. */
static struct stat shut_with_spare(struct fixture *fixture, char path[TEST_PATH])
{
    struct stat file;
    file_path(path, fixture->log_directory, "spare");
    for (int tries = 0; stat(path, &file) != 0 && tries < 1000; tries++)
        usleep(2000);
    log_shut(fixture);
    assert_int_equal(stat(path, &file), 0);
    return file;
}

/* Records until a second segment is there: five events fill the first. */
static struct stat second_segment(struct fixture *fixture)
{
    static uint8_t large[200 * 1024];
    for (unsigned seed = 1; seed <= 6; seed++) {
        struct event event = check_event(fixture, seed);
        event.personal.answer = bytes_of(large, sizeof large);
        assert_int_equal(record(fixture, &event), AUDIT_RECORDED);
    }
    char path[TEST_PATH];
    struct stat file;
    file_path(path, fixture->log_directory, "00000000000000000006.log");
    assert_int_equal(stat(path, &file), 0);
    return file;
}

static void a_segment_made_ahead_is_used_after_a_restart(void **state)
{
    struct fixture *fixture = *state;
    char path[TEST_PATH];
    struct stat made = shut_with_spare(fixture, path);
    log_open_again(fixture);
    assert_int_equal(second_segment(fixture).st_ino, made.st_ino);
    log_shut(fixture);
    assert_log_whole(fixture, 6);
}

static void a_segment_ahead_whose_header_was_begun_is_made_again(void **state)
{
    struct fixture *fixture = *state;
    char path[TEST_PATH];
    struct stat made = shut_with_spare(fixture, path);
    bytes_write_at(path, 4000, "x", 1);
    log_open_again(fixture);
    assert_int_not_equal(second_segment(fixture).st_ino, made.st_ino);
    log_shut(fixture);
    assert_log_whole(fixture, 6);
}

static void a_reader_follows_a_log_that_grows(void **state)
{
    struct fixture *fixture = *state;
    struct audit_reader *reader;
    static uint8_t large[200 * 1024];
    assert_int_equal(audit_reader_open(fixture->log_directory, 1, &reader), OK);
    struct event event;
    for (unsigned seed = 1; seed <= 12; seed++) {
        assert_int_equal(audit_reader_next(reader, &event), ERR_NOT_FOUND);
        struct event sent = check_event(fixture, seed);
        sent.personal.answer = bytes_of(large, sizeof large);
        assert_int_equal(record(fixture, &sent), AUDIT_RECORDED);
        assert_int_equal(audit_reader_next(reader, &event), OK);
        assert_int_equal(event.sequence, seed);
    }
    audit_reader_close(reader);
    assert_int_equal(audit_reader_open(fixture->log_directory, 7, &reader), OK);
    for (unsigned seed = 7; seed <= 12; seed++) {
        assert_int_equal(audit_reader_next(reader, &event), OK);
        assert_int_equal(event.sequence, seed);
    }
    assert_int_equal(audit_reader_next(reader, &event), ERR_NOT_FOUND);
    audit_reader_close(reader);
    assert_int_equal(audit_reader_open(fixture->log_directory, 14, &reader), ERR_NOT_FOUND);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(an_event_is_there_after_a_restart),
        LOG_TEST(a_frame_written_in_part_is_cut_wherever_it_was_torn),
        LOG_TEST(after_a_cut_the_log_goes_on_with_the_next_sequence),
        LOG_TEST(a_torn_group_is_cut_where_its_first_missing_frame_is),
        LOG_TEST(bytes_behind_the_end_that_are_no_frame_are_cut),
        LOG_TEST(damage_before_the_newest_group_stops_the_log_and_is_left_as_it_is),
        LOG_TEST(a_newer_format_is_not_touched),
        LOG_TEST(a_log_belongs_to_one_process),
        LOG_TEST(a_full_segment_is_followed_by_the_next),
        LOG_TEST(a_group_larger_than_a_segment_is_recorded_in_parts),
        LOG_TEST(an_exchanged_segment_is_found_by_the_chain),
        LOG_TEST(a_missing_segment_is_found),
        LOG_TEST(a_personal_part_can_be_overwritten_without_breaking_leaf_or_chain),
        LOG_TEST(a_failed_write_fails_every_event_of_its_group_and_leaves_no_trace),
        LOG_TEST(events_of_a_failed_group_do_not_come_back_after_a_restart),
        LOG_TEST(a_full_disk_fails_events_once_the_last_segment_is_full_and_is_forgotten_when_there_is_room),
        LOG_TEST(a_segment_made_ahead_is_used_after_a_restart),
        LOG_TEST(a_segment_ahead_whose_header_was_begun_is_made_again),
        LOG_TEST(a_reader_follows_a_log_that_grows),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
