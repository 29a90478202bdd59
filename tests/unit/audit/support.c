#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "audit/segment.h"
#include "audit/verify.h"
#include "base/log.h"

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

struct hold {
    struct sent sent;
    struct waiter entered;
    struct waiter released;
};

static void waiter_make(struct waiter *waiter)
{
    pthread_mutex_init(&waiter->lock, NULL);
    pthread_cond_init(&waiter->changed, NULL);
    waiter->done = false;
}

static void waiter_set(struct waiter *waiter)
{
    pthread_mutex_lock(&waiter->lock);
    waiter->done = true;
    pthread_cond_broadcast(&waiter->changed);
    pthread_mutex_unlock(&waiter->lock);
}

static void waiter_await(struct waiter *waiter)
{
    pthread_mutex_lock(&waiter->lock);
    while (!waiter->done)
        pthread_cond_wait(&waiter->changed, &waiter->lock);
    pthread_mutex_unlock(&waiter->lock);
}

void directory_make(char path[TEST_PATH])
{
    const char *base = getenv("TMPDIR");
    snprintf(path, TEST_PATH, "%s/audit-test-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
}

void file_path(char out[TEST_PATH], const char *directory, const char *name)
{
    assert_true(snprintf(out, TEST_PATH, "%s/%s", directory, name) < TEST_PATH);
}

void directory_remove(const char *path)
{
    DIR *stream = opendir(path);
    if (!stream)
        return;
    const struct dirent *entry;
    while ((entry = readdir(stream))) {
        char inner[TEST_PATH];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        file_path(inner, path, entry->d_name);
        if (unlink(inner) != 0)
            directory_remove(inner);
    }
    closedir(stream);
    rmdir(path);
}

void newest_segment(char out[TEST_PATH], const char *directory)
{
    uint64_t *firsts;
    size_t count;
    assert_int_equal(segment_list(directory, &firsts, &count), OK);
    assert_true(count > 0);
    char name[SEGMENT_NAME_SIZE];
    segment_name(firsts[count - 1], name);
    file_path(out, directory, name);
    free(firsts);
}

void bytes_read_at(const char *path, uint64_t offset, void *out, size_t length)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, out, length, (off_t)offset), (ssize_t)length);
    close(fd);
}

void bytes_write_at(const char *path, uint64_t offset, const void *bytes, size_t length)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, length, (off_t)offset), (ssize_t)length);
    close(fd);
}

/* ---- The log ---- */

int fixture_make(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    log_open(null, "test", LOG_ERROR);
    directory_make(fixture->directory);
    file_path(fixture->log_directory, fixture->directory, "log");
    file_path(fixture->index_path, fixture->directory, "index.db");
    fixture->clock = (struct clock){.fake = true, .fixed = TEST_NOW};
    log_open_again(fixture);
    *state = fixture;
    return 0;
}

int fixture_remove(void **state)
{
    struct fixture *fixture = *state;
    log_shut(fixture);
    directory_remove(fixture->directory);
    free(fixture);
    return 0;
}

enum status log_try_open(struct fixture *fixture)
{
    const struct audit_segments_options segments = {
        .directory = fixture->log_directory, .segment_size = SEGMENT_SIZE_LEAST, .clock = &fixture->clock};
    struct audit_store *store;
    bool in_database = fixture->location[0] != '\0';
    enum status status = in_database ? audit_store_open_database(fixture->location, &fixture->clock, &store)
                                     : audit_store_open_segments(&segments, &store);
    if (status != OK)
        return status;
    const struct audit_log_options options = {.store = store,
                                              .index_path = in_database ? NULL : fixture->index_path,
                                              .clock = &fixture->clock,
                                              .outbox = fixture->outbox,
                                              .queue_limit = fixture->queue_limit};
    status = audit_log_open(&options, &fixture->log);
    if (status != OK)
        audit_store_close(store);
    return status;
}

void log_open_again(struct fixture *fixture)
{
    log_shut(fixture);
    assert_int_equal(log_try_open(fixture), OK);
}

void log_shut(struct fixture *fixture)
{
    audit_log_close(fixture->log);
    fixture->log = NULL;
}

struct event check_event(const struct fixture *fixture, unsigned seed)
{
    struct event event = {
        .when = fixture->clock.fixed,
        .kind = EVENT_CHECK_BY_CARD,
        .outcome = IN_FORCE,
        .caller = {.party = PARTY_INSTITUTION, .code = "0110113719"},
        .personal = {.person = (int64_t)seed + 1000,
                     .subscription = (int64_t)seed + 2000,
                     .answer = bytes_of_text("{\"result\":\"eligible\"}")},
    };
    memset(event.caller.certificate_id, 0xc1, EVENT_HASH_SIZE);
    memset(event.id, 0xee, EVENT_ID_SIZE);
    memcpy(event.id, &seed, sizeof seed);
    return event;
}

struct event keyed_event(const struct fixture *fixture, unsigned challenge, unsigned request)
{
    struct event event = check_event(fixture, challenge * 1000 + request);
    event.has_key = true;
    memset(event.key.key, 0xcc, EVENT_HASH_SIZE);
    memcpy(event.key.key, &challenge, sizeof challenge);
    memset(event.key.request_hash, 0xdd, EVENT_HASH_SIZE);
    memcpy(event.key.request_hash, &request, sizeof request);
    event.key.expiry = fixture->clock.fixed + (int64_t)300 * MICROSECONDS;
    return event;
}

static void set_done(struct audit_submission *submission)
{
    waiter_set(submission->context);
}

void sent_start(struct fixture *fixture, struct sent *sent, enum audit_step step, const struct event *event)
{
    *sent = (struct sent){.waiter = malloc(sizeof *sent->waiter)};
    assert_non_null(sent->waiter);
    waiter_make(sent->waiter);
    sent->submission.step = step;
    sent->submission.event = *event;
    sent->submission.replay_outcome = CHALLENGE_USED;
    sent->submission.done = set_done;
    sent->submission.context = sent->waiter;
    assert_int_equal(audit_log_submit(fixture->log, &sent->submission), OK);
}

void sent_await(struct sent *sent)
{
    waiter_await(sent->waiter);
}

void sent_free(struct sent *sent)
{
    buffer_free(&sent->submission.recorded_answer);
    free(sent->waiter);
}

enum audit_outcome record(struct fixture *fixture, const struct event *event)
{
    struct sent sent;
    sent_start(fixture, &sent, AUDIT_APPEND, event);
    sent_await(&sent);
    enum audit_outcome outcome = sent.submission.outcome;
    sent_free(&sent);
    return outcome;
}

void record_some(struct fixture *fixture, unsigned from, unsigned to)
{
    for (unsigned seed = from; seed <= to; seed++) {
        struct event event = check_event(fixture, seed);
        assert_int_equal(record(fixture, &event), AUDIT_RECORDED);
    }
}

static void hold_done(struct audit_submission *submission)
{
    struct hold *hold = submission->context;
    waiter_set(&hold->entered);
    waiter_await(&hold->released);
    waiter_set(hold->sent.waiter);
}

struct hold *log_hold(struct fixture *fixture, unsigned seed)
{
    struct hold *hold = calloc(1, sizeof *hold);
    assert_non_null(hold);
    waiter_make(&hold->entered);
    waiter_make(&hold->released);
    hold->sent.waiter = malloc(sizeof *hold->sent.waiter);
    assert_non_null(hold->sent.waiter);
    waiter_make(hold->sent.waiter);
    hold->sent.submission =
        (struct audit_submission){.event = check_event(fixture, seed), .done = hold_done, .context = hold};
    assert_int_equal(audit_log_submit(fixture->log, &hold->sent.submission), OK);
    waiter_await(&hold->entered);
    return hold;
}

void log_release(struct hold *hold)
{
    waiter_set(&hold->released);
    sent_await(&hold->sent);
    sent_free(&hold->sent);
    free(hold);
}

void assert_log_whole(const struct fixture *fixture, uint64_t events)
{
    struct audit_verification verification;
    assert_int_equal(audit_verify(fixture->log_directory, NULL, NULL, &verification), OK);
    assert_int_equal(verification.events, events);
    assert_int_equal(verification.torn_bytes, 0);
}
