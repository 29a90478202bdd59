#include "service/check.h"

#include <string.h>

#include "base/random.h"

/* ---- The answer ---- */

static enum status give_visit_token(struct check *check)
{
    struct event_visit *visit = &check->proceeding.event.personal.visit;
    struct sha256 hash;
    random_fill(check->visit_token, sizeof(check->visit_token));
    enum status status = sha256_of(bytes_of(check->visit_token, sizeof(check->visit_token)), &hash);
    if (status != OK)
        return status;
    memcpy(visit->token_hash, hash.bytes, sizeof(visit->token_hash));
    visit->expiry = check->proceeding.now + (int64_t)VISIT_TOKEN_HOURS * 3600 * MICROSECONDS;
    check->proceeding.event.personal.has_visit = true;
    return OK;
}

/* What the person agreed to, for later use of the visit token: one byte a kind, or nothing when nobody asked.
 */
static struct bytes consents_detail(struct check *check)
{
    return check->has_consents ? bytes_of(check->consents.given, sizeof(check->consents.given))
                               : (struct bytes){0};
}

/* The challenge is used up by a decision. What failed may be asked again with the same one. */
static void answer_with(struct check *check, const struct answer *answer, bool decided)
{
    struct proceeding *proceeding = &check->proceeding;
    struct event_personal *personal = &proceeding->event.personal;
    bool by_card = check->question.kind == QUESTION_BY_CARD;
    personal->person = answer_person(answer);
    personal->subscription = answer_subscription(answer);
    personal->detail = consents_detail(check);
    bool token = by_card && decided && answer_allows_visit_token(answer);
    enum status status = token ? give_visit_token(check) : OK;
    if (status == OK)
        status = check->encode(answer, token ? check->visit_token : NULL, &proceeding->body);
    if (status != OK) {
        proceeding_fail(proceeding, status);
        return;
    }
    if (by_card && decided)
        proceeding_use_challenge(proceeding, check->challenge.bytes, check->card.challenge_expiry);
    proceeding_answer(proceeding, by_card ? EVENT_CHECK_BY_CARD : EVENT_CHECK_BY_NUMBER,
                      answer_content(answer)->reason);
}

static void answer_failed(struct check *check, enum reason reason)
{
    answer_with(check, eligibility_failed(check->proceeding.region, &check->question, reason), false);
}

/* ---- What the registry knows: the state of the caller's machine certificate comes in the same statement
 * ---- */

enum reason caller_refusal(const struct check_findings *findings, moment now)
{
    enum reason reason = machine_certificate_refusal(&findings->machine, date_in_tokyo(now));
    if (reason != REASON_NONE)
        return reason;
    return findings->institution.known && findings->institution.active ? REASON_NONE
                                                                       : REASON_INSTITUTION_UNKNOWN;
}

enum reason terminal_refusal(const struct proven_card *card, const struct terminal_facts *terminal)
{
    if (!card->has_terminal)
        return REASON_NONE;
    if (!terminal->known)
        return REASON_TERMINAL_UNKNOWN;
    return terminal->state == CERTIFICATE_ACTIVE ? REASON_NONE : REASON_TERMINAL_REVOKED;
}

static void on_number_rows(void *argument, enum status status, struct db_rows *rows)
{
    struct check *check = argument;
    struct check_findings findings;
    if (status == OK)
        status = check_by_number_collect(rows, check->proceeding.region, &findings);
    if (status != OK) {
        answer_failed(check, reason_of_store(status));
        return;
    }
    enum reason reason = caller_refusal(&findings, check->proceeding.now);
    if (reason != REASON_NONE) {
        proceeding_refuse(&check->proceeding, reason);
        return;
    }
    answer_with(check,
                eligibility_decide_by_number(check->proceeding.region, &check->question,
                                             findings.subscriptions, findings.count),
                true);
}

static void decide_by_card(struct check *check, struct check_findings *findings)
{
    if (check->proceeding.now - findings->authority_heard_at > check->proceeding.centre->feed_microseconds) {
        answer_failed(check, REASON_AUTHORITY_UNREACHABLE);
        return;
    }
    findings->certificate.last_day = check->card.last_day;
    answer_with(check,
                eligibility_decide_by_card(check->proceeding.region, &check->question, &findings->certificate,
                                           findings->subscriptions, findings->count),
                true);
}

static void on_card_rows(void *argument, enum status status, struct db_rows *rows)
{
    struct check *check = argument;
    struct check_findings findings;
    if (status == OK)
        status = check_by_card_collect(rows, check->proceeding.region, &findings);
    if (status != OK) {
        answer_failed(check, reason_of_store(status));
        return;
    }
    enum reason reason = caller_refusal(&findings, check->proceeding.now);
    if (reason == REASON_NONE)
        reason = terminal_refusal(&check->card, &findings.terminal);
    if (reason != REASON_NONE)
        proceeding_refuse(&check->proceeding, reason);
    else
        decide_by_card(check, &findings);
}

/* ---- The beginning ---- */

static void begin(struct check *check, enum question_kind kind, struct date day)
{
    check->question.kind = kind;
    check->question.day = day;
    check->question.asked_at = check->proceeding.now;
    memcpy(check->question.event_id, check->proceeding.event_id, sizeof(check->question.event_id));
}

static int64_t deadline_of(const struct check *check)
{
    return monotonic_microseconds() + check->proceeding.centre->check_microseconds;
}

/* Tells the loop, and answers what could not be asked. Nothing of the check is touched where it could: it may
 * be over. */
static void submitted(struct check *check, struct centre_loop *loop, enum status status)
{
    if (status != OK)
        answer_failed(check, reason_of_store(status));
    if (loop->submitted)
        loop->submitted(loop);
}

struct check_caller caller_in_registry(const struct caller *caller)
{
    struct check_caller asked;
    memcpy(asked.machine, caller->certificate.bytes, sizeof(asked.machine));
    memcpy(asked.institution.digits, caller->subject.code, sizeof(asked.institution.digits));
    return asked;
}

void check_by_number_start(struct check *check, const struct number_check_request *request)
{
    begin(check, QUESTION_BY_NUMBER, request->day);
    check->question.key = request->key;
    check->question.birth = request->birth;
    enum reason reason =
        day_of_treatment_refusal(QUESTION_BY_NUMBER, request->day, date_in_tokyo(check->proceeding.now));
    if (reason != REASON_NONE) {
        proceeding_refuse(&check->proceeding, reason);
        return;
    }
    struct centre_loop *loop = check->loop;
    struct check_by_number asked = {.key = request->key, .birth = request->birth};
    asked.caller = caller_in_registry(&check->proceeding.caller);
    enum status status =
        check_by_number_submit(loop->checks, &asked, deadline_of(check), on_number_rows, check);
    submitted(check, loop, status);
}

static enum status content_of_consents(const struct card_check_request *request, struct sha256 *out)
{
    *out = (struct sha256){0};
    if (!request->has_consents)
        return OK;
    struct buffer content = {0};
    enum status status = consents_content(&request->consents, &content);
    if (status == OK)
        status = sha256_of(buffer_bytes(&content), out);
    buffer_free(&content);
    return status;
}

static enum reason prove_card(struct check *check, const struct card_check_request *request)
{
    enum reason reason =
        day_of_treatment_refusal(QUESTION_BY_CARD, request->day, date_in_tokyo(check->proceeding.now));
    if (reason != REASON_NONE)
        return reason;
    struct proof_purpose purpose = {
        .kind = STATEMENT_CHECK,
        .purpose = (uint16_t)request->purpose,
        .day = request->day,
    };
    if (content_of_consents(request, &purpose.content) != OK)
        return REASON_INTERNAL;
    return card_proof_check(check->proceeding.centre, &check->proceeding.caller, &request->proof, &purpose,
                            check->proceeding.now, &check->card);
}

void check_by_card_start(struct check *check, const struct card_check_request *request)
{
    begin(check, QUESTION_BY_CARD, request->day);
    check->question.authenticated_by = request->proof.authenticated_by;
    check->challenge = request->proof.challenge;
    check->has_consents = request->has_consents;
    check->consents = request->consents;
    enum reason reason = prove_card(check, request);
    if (reason != REASON_NONE) {
        proceeding_refuse(&check->proceeding, reason);
        return;
    }
    struct centre_loop *loop = check->loop;
    struct check_by_card asked = {.has_terminal = check->card.has_terminal};
    asked.caller = caller_in_registry(&check->proceeding.caller);
    memcpy(asked.certificate, check->card.certificate.bytes, sizeof(asked.certificate));
    memcpy(asked.terminal, check->card.terminal.bytes, sizeof(asked.terminal));
    enum status status = check_by_card_submit(loop->checks, &asked, deadline_of(check), on_card_rows, check);
    submitted(check, loop, status);
}
