#ifndef SHIKAKU_REGISTRY_OUTBOX_H
#define SHIKAKU_REGISTRY_OUTBOX_H

#include "base/region.h"
#include "registry/registry.h"

/* What a change tells the event log: committed with the change, taken by the log afterwards. */

enum { OUTBOX_EVENT_ID_SIZE = 16 };

struct outbox_row {
    int64_t row;
    uint8_t event_id[OUTBOX_EVENT_ID_SIZE];
    struct bytes payload; /* whatever the writer and the reader agree on */
    moment created_at;
};

/* ERR_EXISTS: the event id is there already. */
enum status outbox_put(struct db *db, const uint8_t event_id[OUTBOX_EVENT_ID_SIZE], struct bytes payload,
                       moment created_at) MUST_CHECK;
/* Up to limit oldest rows; payloads lie in the region. They stay until outbox_remove(). */
enum status outbox_take(struct db *db, struct outbox_row *rows, size_t limit, struct region *region,
                        size_t *count) MUST_CHECK;
/* Inside db_transaction(). Rows that are gone already do not matter. */
enum status outbox_remove(struct db *db, const int64_t *rows, size_t count) MUST_CHECK;

#endif
