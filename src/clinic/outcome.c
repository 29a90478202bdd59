#include "clinic/outcome.h"

#include <string.h>

#include "exchange/problem_json.h"

enum { HTTP_OK = 200 };

/* The members of an answer, so that whoever reads --json need not care where a check ended. */
static json_t *to_json(const struct outcome *outcome, const char *fault)
{
    struct json_writing writing = json_writing_begin();
    json_put_text(&writing, "result", result_code(outcome->result));
    json_put(&writing, "validity", json_null());
    json_put_languages(&writing, "validity_text", validity_ja(0), validity_en(0));
    json_put_text(&writing, "reason", outcome->reason);
    json_put_languages(&writing, "message", outcome->message_ja, outcome->message_en);
    json_t *further = json_array();
    for (size_t i = 0; i < outcome->step_count; i++) {
        const struct step_view *step = &outcome->steps[i];
        json_t *object = json_pack("{s:s, s:s, s:s}", "code", step->code, "ja", step->ja, "en", step->en);
        if (i == 0)
            json_put(&writing, "next_step", object);
        else if (json_array_append_new(further, object) != 0)
            writing.failed = true;
    }
    if (outcome->step_count == 0)
        json_put(&writing, "next_step", json_null());
    json_put(&writing, "further_steps", further);
    json_put_text(&writing, "fault", fault);
    json_put(&writing, "coverage", json_null());
    if (outcome->tries_left >= 0)
        json_put_integer(&writing, "tries_left", outcome->tries_left);
    return json_writing_end(&writing);
}

void outcome_of_reason(enum outcome_source source, enum reason reason, int tries_left, struct outcome *out)
{
    const struct reason_entry *entry = reason_entry(reason);
    *out = (struct outcome){.source = source,
                            .result = RESULT_CANNOT_BE_CONFIRMED,
                            .reason = entry->code,
                            .message_ja = entry->staff_ja,
                            .message_en = entry->staff_en,
                            .step_count = entry->next_step_count,
                            .tries_left = tries_left};
    for (size_t i = 0; i < entry->next_step_count; i++) {
        const struct next_step_entry *step = next_step_entry(entry->next_steps[i]);
        out->steps[i] = (struct step_view){.code = step->code, .ja = step->ja, .en = step->en};
    }
    out->json = to_json(out, fault_code(entry->fault));
}

static void no_centre(struct outcome *out)
{
    outcome_of_reason(OUTCOME_NO_CENTRE, REASON_CENTRE_UNREACHABLE, -1, out);
}

static void outcome_of_problem(struct bytes body, struct region *region, struct outcome *out)
{
    struct problem_view problem;
    if (problem_from_json_text(body, region, &problem) != OK) {
        no_centre(out);
        return;
    }
    *out = (struct outcome){.source = OUTCOME_REFUSED,
                            .result = RESULT_CANNOT_BE_CONFIRMED,
                            .reason = problem.code,
                            .message_ja = problem.staff_ja,
                            .message_en = problem.staff_en,
                            .step_count = problem.step_count,
                            .tries_left = -1};
    memcpy(out->steps, problem.steps, sizeof out->steps);
    out->json = to_json(out, problem.fault);
}

void outcome_of_check_reply(unsigned status, struct bytes body, struct region *region, struct outcome *out)
{
    if (status != HTTP_OK) {
        outcome_of_problem(body, region, out);
        return;
    }
    json_t *json = NULL;
    struct answer_view answer;
    if (json_read_text(body, &json) != OK || answer_from_json(json, region, &answer) != OK) {
        json_decref(json);
        no_centre(out);
        return;
    }
    *out = (struct outcome){.source = OUTCOME_ANSWER,
                            .result = answer.result,
                            .reason = answer.reason,
                            .message_ja = answer.message_ja,
                            .message_en = answer.message_en,
                            .step_count = answer.step_count,
                            .tries_left = -1,
                            .answer = answer,
                            .json = json};
    memcpy(out->steps, answer.steps, sizeof out->steps);
}

void outcome_of_enrolment_reply(unsigned status, struct bytes body, struct region *region,
                                struct outcome *out)
{
    if (status != HTTP_OK) {
        outcome_of_problem(body, region, out);
        return;
    }
    json_t *json = NULL;
    enum status parsed = json_read_text(body, &json);
    struct json_reading reading = json_reading_of(json, region);
    const char *result = json_get_text(&reading, "result");
    bool enrolled = parsed == OK && reading.status == OK && strcmp(result, "enrolled") == 0;
    bool before = parsed == OK && reading.status == OK && strcmp(result, "already_enrolled") == 0;
    if (!enrolled && !before) {
        json_decref(json);
        no_centre(out);
        return;
    }
    const struct reason_entry *notice = reason_entry(before ? REASON_ALREADY_ENROLLED : REASON_ENROLLED);
    *out = (struct outcome){.source = OUTCOME_ENROLLED,
                            .reason = notice->code,
                            .message_ja = notice->staff_ja,
                            .message_en = notice->staff_en,
                            .tries_left = -1,
                            .json = json};
}

void outcome_free(struct outcome *outcome)
{
    json_decref(outcome->json);
    *outcome = (struct outcome){0};
}

int outcome_exit_status(const struct outcome *outcome)
{
    enum { EXIT_GOOD, EXIT_NOT_ELIGIBLE, EXIT_CANNOT_BE_CONFIRMED, EXIT_STOPPED_HERE };
    if (outcome->source == OUTCOME_ENROLLED)
        return EXIT_GOOD;
    if (outcome->source == OUTCOME_LOCAL)
        return EXIT_STOPPED_HERE;
    if (outcome->source == OUTCOME_ANSWER && outcome->result == RESULT_ELIGIBLE)
        return EXIT_GOOD;
    if (outcome->source == OUTCOME_ANSWER && outcome->result == RESULT_NOT_ELIGIBLE)
        return EXIT_NOT_ELIGIBLE;
    return EXIT_CANNOT_BE_CONFIRMED;
}
