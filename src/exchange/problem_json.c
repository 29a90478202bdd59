#include "exchange/problem_json.h"

#include <string.h>

#include "exchange/json_fields.h"

#define TYPE_PREFIX "urn:shikaku:reason:"

static const char *const retry_codes[] = {
    [RETRY_NO] = "no",
    [RETRY_AFTER] = "after",
    [RETRY_AFTER_FIXING] = "after_fixing",
};

struct problem problem_of(enum reason reason)
{
    return (struct problem){.reason = reason, .cause = REASON_NONE, .tries_left = -1};
}

struct problem problem_at(enum reason reason, const char *pointer)
{
    struct problem problem = problem_of(reason);
    problem.pointer = pointer;
    return problem;
}

int problem_http_status(const struct problem *problem)
{
    return reason_entry(problem->reason)->http_status;
}

static void put_catalogue(struct json_writing *writing, const struct reason_entry *entry)
{
    char type[sizeof(TYPE_PREFIX) + 64];
    snprintf(type, sizeof(type), TYPE_PREFIX "%s", entry->code);
    json_put_text(writing, "type", type);
    json_put_text(writing, "title", entry->staff_en);
    json_put_integer(writing, "status", entry->http_status);
    json_put_text(writing, "detail", entry->developer);
    json_put_text(writing, "code", entry->code);
    json_put_text(writing, "fault", fault_code(entry->fault));
    json_put_text(writing, "retry", retry_codes[entry->retry]);
    json_put(writing, "retry_after", entry->retry_after ? json_integer(entry->retry_after) : json_null());
    json_put_languages(writing, "staff", entry->staff_ja, entry->staff_en);
    json_put_steps(writing, entry);
}

json_t *problem_to_json(const struct problem *problem)
{
    struct json_writing writing = json_writing_begin();
    put_catalogue(&writing, reason_entry(problem->reason));
    if (problem->pointer)
        json_put_text(&writing, "pointer", problem->pointer);
    if (problem->cause != REASON_NONE)
        json_put_text(&writing, "cause", reason_code(problem->cause));
    if (problem->tries_left >= 0)
        json_put_integer(&writing, "tries_left", problem->tries_left);
    if (problem->request_id)
        json_put_text(&writing, "request_id", problem->request_id);
    return json_writing_end(&writing);
}

enum status problem_to_json_text(const struct problem *problem, struct buffer *out)
{
    return json_write_text(problem_to_json(problem), out);
}

static void read_problem(struct json_reading *reading, struct problem_view *out)
{
    struct json_reading staff = json_get_object(reading, "staff");
    out->staff_ja = json_get_text(&staff, "ja");
    out->staff_en = json_get_text(&staff, "en");
    json_reading_join(reading, &staff);
    out->status = json_get_integer_if_any(reading, "status", 0);
    out->code = json_get_text(reading, "code");
    out->fault = json_get_text(reading, "fault");
    out->developer = json_get_text_if_any(reading, "detail");
    out->pointer = json_get_text_if_any(reading, "pointer");
    out->cause = json_get_text_if_any(reading, "cause");
    out->retry_after = json_get_integer_if_any(reading, "retry_after", 0);
    out->tries_left = json_get_integer_if_any(reading, "tries_left", -1);
    out->step_count = json_get_steps(reading, out->steps);
}

enum status problem_from_json_text(struct bytes text, struct region *region, struct problem_view *out)
{
    json_t *json;
    *out = (struct problem_view){0};
    enum status status = json_read_text(text, &json);
    if (status != OK)
        return status;
    struct json_reading reading = json_reading_of(json, region);
    read_problem(&reading, out);
    json_decref(json);
    if (reading.status != OK)
        *out = (struct problem_view){0};
    return reading.status;
}
