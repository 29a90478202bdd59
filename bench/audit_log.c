/*
 * What recording an answer costs, by how many are recorded together: events like those of checks by card,
 * each with a challenge, a visit token and an answer of 1 KiB.
 *
 * usage: audit_log DIRECTORY    (on the disk to be measured; what it leaves there is the caller's to remove)
 * Prints: what was measured, group size, figure, unit, separated by tabs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "audit/log.h"
#include "audit/store_driver.h"
#include "base/random.h"

enum { ANSWER_SIZE = 1024, LARGEST_GROUP = 256, SECONDS = 2, INDEXED_EVENTS = 100000 };

static uint8_t answer[ANSWER_SIZE];

static void event_fill(struct event *event)
{
    *event = (struct event){
        .when = clock_now(&real_clock),
        .kind = EVENT_CHECK_BY_CARD,
        .outcome = 1,
        .caller = {.party = PARTY_INSTITUTION, .code = "0110113719"},
        .has_key = true,
        .personal = {.person = 4711,
                     .subscription = 4712,
                     .has_visit = true,
                     .answer = bytes_of(answer, ANSWER_SIZE)},
    };
    event_make_id(event->id);
    random_fill(event->key.key, EVENT_HASH_SIZE);
    random_fill(event->personal.visit.token_hash, EVENT_HASH_SIZE);
    random_fill(&event->personal.person, 3);
    event->key.expiry = event->when + (int64_t)300 * MICROSECONDS;
    event->personal.visit.expiry = event->when + (int64_t)86400 * MICROSECONDS;
}

static void must(enum status status, const char *what)
{
    if (status == OK)
        return;
    fprintf(stderr, "%s: %s\n", what, status_name(status));
    exit(1);
}

static struct audit_store *store_open(const char *directory)
{
    const struct audit_segments_options options = {.directory = directory, .clock = &real_clock};
    struct audit_store *store;
    must(audit_store_open_segments(&options, &store), "opening the log");
    return store;
}

static int64_t processor_microseconds(int whose)
{
    struct rusage usage;
    getrusage(whose, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * (int64_t)MICROSECONDS + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

static void figure(const char *what, size_t group, double value, const char *unit)
{
    printf("%s\tgroups of %zu\t%.1f\t%s\n", what, group, value, unit);
}

static void groups_measure(struct audit_store *store, size_t size)
{
    static struct audit_submission submissions[LARGEST_GROUP];
    struct audit_submission *group[LARGEST_GROUP];
    uint64_t events = 0, groups = 0;
    int64_t took = 0, processor = 0;
    uint64_t synced = store->driver->sync_microseconds(store);
    while (took < (int64_t)SECONDS * MICROSECONDS) {
        for (size_t i = 0; i < size; i++) {
            submissions[i] = (struct audit_submission){0};
            event_fill(&submissions[i].event);
            group[i] = &submissions[i];
        }
        int64_t began = monotonic_microseconds();
        int64_t used = processor_microseconds(RUSAGE_THREAD);
        store->driver->append(store, group, size);
        took += monotonic_microseconds() - began;
        processor += processor_microseconds(RUSAGE_THREAD) - used;
        for (size_t i = 0; i < size; i++)
            must(submissions[i].outcome == AUDIT_RECORDED ? OK : ERR_IO, "recording");
        events += size;
        groups++;
    }
    synced = store->driver->sync_microseconds(store) - synced;
    figure("time an event", size, (double)took / (double)events, "us");
    figure("of it syncing", size, (double)synced / (double)events, "us");
    figure("processor an event", size, (double)processor / (double)events, "us");
    figure("a sync", size, (double)synced / (double)groups, "us");
}

static void index_measure(const char *directory, const char *index_path)
{
    const struct audit_log_options options = {
        .store = store_open(directory), .index_path = index_path, .clock = &real_clock};
    struct audit_log *log;
    int64_t used = processor_microseconds(RUSAGE_SELF);
    must(audit_log_open(&options, &log), "opening the log with its index");
    uint64_t last = audit_log_newest(log) < INDEXED_EVENTS ? audit_log_newest(log) : INDEXED_EVENTS;
    must(audit_log_await_index(log, last, 120000), "indexing");
    used = processor_microseconds(RUSAGE_SELF) - used;
    struct audit_measures measures;
    audit_log_measure(log, &measures);
    printf("processor to index an event, behind the log\tany\t%.1f\tus\n",
           (double)used / (double)measures.indexed);
    audit_log_close(log);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: audit_log DIRECTORY\n");
        return 2;
    }
    char path[4096], index_path[4096];
    snprintf(path, sizeof path, "%s/log", argv[1]);
    snprintf(index_path, sizeof index_path, "%s/index.db", argv[1]);
    struct audit_store *store = store_open(path);
    static const size_t sizes[] = {1, 16, LARGEST_GROUP};
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++)
        groups_measure(store, sizes[i]);
    audit_store_close(store);
    index_measure(path, index_path);
    return 0;
}
