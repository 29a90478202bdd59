#ifndef SHIKAKU_AUDIT_INDEX_H
#define SHIKAKU_AUDIT_INDEX_H

#include "audit/place.h"
#include "audit/store.h"
#include "audit/visit.h"

/*
 * What is looked up in segment files: events by id and by person, visits by token. Built behind the log by
 * a thread of its own, from the log alone: index.db may be removed at any time and is made again. Visits that
 * are recorded but not yet indexed are held in memory. All functions from any thread.
 */
struct audit_index;

/* store: of segment files; borrowed, must outlive the index. An index that is ahead of the log (which was put
 * back from a copy) is made anew. */
enum status audit_index_open(const char *path, const struct audit_store *store, const struct clock *clock,
                             struct audit_index **out) MUST_CHECK NONNULL;
void audit_index_close(struct audit_index *index); /* NULL is allowed */

/* A visit of an event that is durable now, in order of sequence; before its token is given out. */
enum status audit_index_add_visit(struct audit_index *index, const struct event *event,
                                  uint64_t sequence) MUST_CHECK NONNULL;
/* The log has grown. */
void audit_index_wake(struct audit_index *index) NONNULL;
uint64_t audit_index_sequence(struct audit_index *index) NONNULL;
/* ERR_TIMEOUT */
enum status audit_index_await(struct audit_index *index, uint64_t sequence,
                              int timeout_ms) MUST_CHECK NONNULL;

/* As audit_visit_find, audit_person_events in audit/log.h. */
enum status audit_index_visit(struct audit_index *index, const uint8_t token_hash[EVENT_HASH_SIZE],
                              struct audit_visit *out) MUST_CHECK NONNULL;
enum status audit_index_person(struct audit_index *index, int64_t person, uint64_t from, uint64_t *sequences,
                               size_t limit, size_t *count) MUST_CHECK NONNULL;
/* ERR_NOT_FOUND: not indexed, whether or not it is in the log. */
enum status audit_index_place(struct audit_index *index, const uint8_t id[EVENT_ID_SIZE],
                              struct event_place *out) MUST_CHECK NONNULL;

#endif
