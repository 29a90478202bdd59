#ifndef TESTS_AUDIT_SUPPORT_H
#define TESTS_AUDIT_SUPPORT_H

#include "audit/log.h"
#include "audit/outbox.h"

/* What the audit tests share: a directory of their own, an event log in it, and waiting for what it says.
 * Everything fails the running test when it does not work. */

enum { TEST_PATH = 256, CHALLENGE_USED = 77, IN_FORCE = 1 };

/* 2026-11-24T10:00:00+09:00 */
#define TEST_NOW ((moment)1795482000 * MICROSECONDS)

void directory_make(char path[TEST_PATH]);
void directory_remove(const char *path);
void file_path(char out[TEST_PATH], const char *directory, const char *name);
/* The newest segment file of a log directory. */
void newest_segment(char out[TEST_PATH], const char *directory);
void bytes_read_at(const char *path, uint64_t offset, void *out, size_t length);
void bytes_write_at(const char *path, uint64_t offset, const void *bytes, size_t length);

/* A log directory of 1 MiB segments under a fake clock. */
struct fixture {
    char directory[TEST_PATH];
    char log_directory[TEST_PATH];
    char index_path[TEST_PATH];
    char location[TEST_PATH]; /* of a database that the log is kept in instead; "": segment files */
    struct clock clock;
    struct audit_log *log; /* NULL: closed */
    const struct audit_outbox *outbox;
    size_t queue_limit;
};
int fixture_make(void **state);
int fixture_remove(void **state);
void log_open_again(struct fixture *fixture); /* closes it first where it is open */
void log_shut(struct fixture *fixture);
enum status log_try_open(struct fixture *fixture); /* closed; for those that must fail */

/* An event of a check by card at an institution. seed tells ids, keys and people apart. */
struct event check_event(const struct fixture *fixture, unsigned seed);
/* The same with a challenge that is valid for 5 minutes, and a request. */
struct event keyed_event(const struct fixture *fixture, unsigned challenge, unsigned request);

/* A submission that can be waited for. */
struct sent {
    struct audit_submission submission;
    struct waiter *waiter;
};
void sent_start(struct fixture *fixture, struct sent *sent, enum audit_step step, const struct event *event);
void sent_await(struct sent *sent);
void sent_free(struct sent *sent);
/* Starts, waits, frees the answer; returns the outcome. */
enum audit_outcome record(struct fixture *fixture, const struct event *event);
/* Records events from … to inclusive (seeds), each alone. */
void record_some(struct fixture *fixture, unsigned from, unsigned to);

/* Holds the log's thread in a done call, so that what is sent meanwhile becomes one group. */
struct hold;
struct hold *log_hold(struct fixture *fixture, unsigned seed);
void log_release(struct hold *hold);

/* Whole log of the closed fixture verifies, with this many events. */
void assert_log_whole(const struct fixture *fixture, uint64_t events);

#endif
