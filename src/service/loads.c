#include "service/loads.h"

#include <string.h>

#include "base/random.h"
#include "registry/certificate.h"
#include "registry/parties.h"
#include "service/insurer_caller.h"
#include "service/outbox_event.h"

static enum reason reason_of_load(enum status status)
{
    switch (status) {
    case OK:
        return REASON_NONE;
    case ERR_NOT_FOUND:
        return REASON_NOT_FOUND;
    case ERR_WRONG_STATE:
        return REASON_LOAD_STATE_WRONG;
    case ERR_RANGE:
        return REASON_LOAD_ROW_INVALID;
    default:
        return reason_of_store(status);
    }
}

/* Another insurer's load is not found, whatever its id. */
static enum status find_own(struct load_request *request, struct db *db)
{
    enum status status = load_find(db, request->id, &request->load);
    if (status == OK && !insurer_number_equal(&request->load.insurer, &request->insurer))
        status = ERR_NOT_FOUND;
    return status;
}

static enum status begin(struct db *db, void *argument)
{
    struct load_request *request = argument;
    int64_t key;
    enum status status = load_begin(db, request->id, &request->insurer, request->proceeding.now, &key);
    return status == OK ? load_find(db, request->id, &request->load) : status;
}

/* Publishing and undoing are changes that people see: the event goes with the row. */
static enum status change_visibility(struct db *db, void *argument)
{
    struct load_request *request = argument;
    struct proceeding *proceeding = &request->proceeding;
    bool publish = request->step == LOAD_PUBLISH;
    enum status status = find_own(request, db);
    if (status == OK)
        status = publish ? load_publish(db, request->load.key, proceeding->now)
                         : load_undo(db, request->load.key, proceeding->now);
    if (status == OK)
        status = load_find(db, request->id, &request->load);
    if (status != OK)
        return status;
    buffer_clear(&proceeding->body);
    status = request->encode(&request->load, proceeding->event_id, &proceeding->body);
    if (status != OK)
        return status;
    proceeding->event.personal.detail = bytes_of(request->id, sizeof(request->id));
    return event_outbox_put(
        db, proceeding_event(proceeding, publish ? EVENT_LOAD_PUBLISHED : EVENT_LOAD_UNDONE, REASON_NONE));
}

static void name_faulty_row(struct load_request *request)
{
    const struct load_rows *rows = &request->rows;
    request->proceeding.member =
        region_printf(request->proceeding.region, rows->faulty_member ? "rows/%zu/%s" : "rows/%zu",
                      rows->faulty_row, rows->faulty_member);
}

static enum reason append(struct load_request *request, struct db *db)
{
    enum status status = find_own(request, db);
    if (status != OK)
        return reason_of_load(status);
    enum reason reason =
        request->decode_rows(request->body, &request->insurer, date_in_tokyo(request->proceeding.now),
                             request->proceeding.region, &request->rows);
    if (reason == REASON_NONE)
        status = load_append_rows(db, request->load.key, request->rows.first_row, request->rows.rows,
                                  request->rows.count, request->proceeding.now);
    request->free_rows(&request->rows);
    if (reason != REASON_NONE) {
        name_faulty_row(request);
        return reason;
    }
    enum status shown = load_find(db, request->id, &request->load);
    if (status == ERR_RANGE && shown == OK && request->load.rows >= request->rows.first_row)
        request->rows.faulty_row = (size_t)(request->load.rows - request->rows.first_row);
    if (status == ERR_RANGE)
        name_faulty_row(request);
    return reason_of_load(status != OK ? status : shown);
}

/* What was only staged or looked at: nobody else sees it, so it is told and not recorded. */
static void tell(struct load_request *request)
{
    struct proceeding *proceeding = &request->proceeding;
    buffer_clear(&proceeding->body);
    enum status status = request->encode(&request->load, NULL, &proceeding->body);
    if (status == OK)
        proceeding_tell(proceeding);
    else
        proceeding_fail(proceeding, status);
}

static void work(struct proceeding *proceeding, struct job_thread *thread)
{
    struct load_request *request = (struct load_request *)(void *)proceeding;
    enum reason reason = insurer_caller_refusal(proceeding, thread->changes, &request->insurer);
    bool recorded = request->step == LOAD_PUBLISH || request->step == LOAD_UNDO;
    if (reason == REASON_NONE && request->step == LOAD_BEGIN) {
        random_fill(request->id, sizeof(request->id));
        reason = reason_of_load(db_transaction(thread->changes, begin, request));
    } else if (reason == REASON_NONE && request->step == LOAD_ROWS) {
        reason = append(request, thread->changes);
    } else if (reason == REASON_NONE && recorded) {
        reason = reason_of_load(db_transaction(thread->changes, change_visibility, request));
    } else if (reason == REASON_NONE) {
        reason = reason_of_load(find_own(request, thread->changes));
    }
    if (reason != REASON_NONE)
        proceeding_abandon(proceeding, reason);
    else if (recorded)
        proceeding_commit(proceeding);
    else
        tell(request);
}

void load_request_start(struct load_request *request)
{
    if (job_pool_is_full(request->proceeding.centre->jobs))
        proceeding_refuse(&request->proceeding, REASON_TOO_BUSY);
    else
        proceeding_work(&request->proceeding, work);
}
