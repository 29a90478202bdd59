#include "service/enrol.h"

#include <string.h>

#include "base/log.h"
#include "domain/consent.h"
#include "domain/enrolment.h"
#include "process/message.h"
#include "registry/check.h"
#include "registry/enrolment.h"
#include "registry/link.h"
#include "service/check.h"
#include "service/outbox_event.h"
#include "vault/messages.h"

enum { RESOLVE_MS = 8000 };

/* ---- What is known: the same statement as a check's ---- */

struct finding {
    struct region *region;
    enum status status;
    struct check_findings findings;
};

static void on_rows(void *argument, enum status status, struct db_rows *rows)
{
    struct finding *finding = argument;
    finding->status =
        status != OK ? status : check_by_card_collect(rows, finding->region, &finding->findings);
}

static enum status find(struct enrol *enrol, struct db *changes, struct finding *out)
{
    struct check_by_card asked = {
        .has_terminal = enrol->card.has_terminal,
        .caller = caller_in_registry(&enrol->proceeding.caller),
    };
    memcpy(asked.certificate, enrol->card.certificate.bytes, sizeof(asked.certificate));
    memcpy(asked.terminal, enrol->card.terminal.bytes, sizeof(asked.terminal));
    *out = (struct finding){.region = enrol->proceeding.region, .status = ERR_INTERNAL};
    int64_t deadline = monotonic_microseconds() + enrol->proceeding.centre->check_microseconds;
    enum status status =
        check_by_card_submit(changes, &asked, deadline, on_rows, out); /* inline on this handle */
    return status != OK ? status : out->status;
}

static enum reason refusal(const struct enrol *enrol, struct check_findings *findings)
{
    const struct proceeding *proceeding = &enrol->proceeding;
    enum reason reason = caller_refusal(findings, proceeding->now);
    if (reason == REASON_NONE)
        reason = terminal_refusal(&enrol->card, &findings->terminal);
    if (reason != REASON_NONE)
        return reason;
    if (proceeding->now - findings->authority_heard_at > proceeding->centre->feed_microseconds)
        return REASON_AUTHORITY_UNREACHABLE;
    findings->certificate.last_day = enrol->card.last_day;
    return enrolment_refusal(&findings->certificate, date_in_tokyo(proceeding->now));
}

/* ---- Who the person is: vault and authority ---- */

static enum reason resolve(const struct enrol *enrol, int vault, struct vault_reference *out)
{
    struct buffer payload = {0};
    struct vault_reply reply = {.outcome = VAULT_FAILED};
    enum status status = message_call(
        vault, VAULT_RESOLVE_CERTIFICATE,
        bytes_of(enrol->card.certificate.bytes, sizeof(enrol->card.certificate.bytes)), RESOLVE_MS, &payload);
    if (status == OK)
        status = vault_reply_decode(buffer_bytes(&payload), &reply);
    buffer_free(&payload);
    if (status != OK) {
        LOG(LOG_WARNING, "vault_call_failed", log_status("status", status));
        return reason_of_store(status);
    }
    *out = reply.reference;
    switch (reply.outcome) {
    case VAULT_DONE:
        return REASON_NONE;
    case VAULT_NUMBER_UNKNOWN: /* Q10 */
        return REASON_NUMBER_NOT_REGISTERED;
    case VAULT_CERTIFICATE_UNKNOWN:
        return REASON_CARD_NOT_USABLE;
    case VAULT_AUTHORITY_UNREACHABLE:
        return REASON_AUTHORITY_UNREACHABLE;
    default:
        return REASON_INTERNAL;
    }
}

/* ---- The change ---- */

struct enrolling {
    struct enrol *enrol;
    const struct vault_reference *reference; /* NULL: the person is known */
    int64_t person;
    struct enrolment_result result;
    bool blocked; /* the person, now known, is one whose card must not work */
};

static enum status find_person(struct db *db, struct enrolling *enrolling)
{
    const struct proven_card *card = &enrolling->enrol->card;
    if (!enrolling->reference)
        return OK;
    enum status status = person_for_reference(db, enrolling->reference->bytes, &enrolling->person);
    if (status == OK)
        status = certificate_learn_person(db, card->certificate.bytes, enrolling->person, false);
    if (status != OK)
        return status;
    struct certificate_facts facts;
    status = certificate_read(db, card->certificate.bytes, &facts);
    enrolling->blocked = status == OK && facts.person.self_information_blocked;
    return status;
}

static enum status set_enrolment(struct db *db, struct enrolling *enrolling)
{
    const struct proceeding *proceeding = &enrolling->enrol->proceeding;
    struct enrolment before;
    enum status status = enrolment_find(db, enrolling->person, proceeding->region, &before);
    if (status != OK)
        return status;
    enrolling->result.already = before.state == ENROLMENT_IN_FORCE;
    enrolling->result.at = enrolling->result.already ? before.at : proceeding->now;
    if (enrolling->result.already)
        return OK;
    struct enrolment enrolment = {
        .person = enrolling->person,
        .state = ENROLMENT_IN_FORCE,
        .at = proceeding->now,
        .place = ENROLLED_AT_INSTITUTION,
        .form = enrolling->enrol->form,
        .terms = bytes_of_text(proceeding->centre->terms.version),
    };
    memcpy(enrolment.institution.digits, proceeding->caller.subject.code,
           sizeof(enrolment.institution.digits));
    memcpy(enrolment.certificate, enrolling->enrol->card.certificate.bytes, sizeof(enrolment.certificate));
    return enrolment_set(db, &enrolment);
}

static enum status enrol_in_transaction(struct db *db, void *argument)
{
    struct enrolling *enrolling = argument;
    struct proceeding *proceeding = &enrolling->enrol->proceeding;
    enum status status = find_person(db, enrolling);
    if (status != OK || enrolling->blocked)
        return status;
    status = set_enrolment(db, enrolling);
    if (status != OK)
        return status;
    buffer_clear(&proceeding->body);
    enrolling->result.event_id = proceeding->event_id;
    status = enrolling->enrol->encode(&enrolling->result, &proceeding->body);
    if (status != OK)
        return status;
    proceeding->event.personal.person = enrolling->person;
    return event_outbox_put(db, proceeding_event(proceeding, EVENT_ENROLMENT, REASON_NONE));
}

static void work(struct proceeding *proceeding, struct job_thread *thread)
{
    struct enrol *enrol = (struct enrol *)(void *)proceeding;
    struct finding found;
    enum status status = find(enrol, thread->changes, &found);
    enum reason reason = status == OK ? refusal(enrol, &found.findings) : reason_of_store(status);
    struct enrolling enrolling = {.enrol = enrol, .person = found.findings.certificate.person.id};
    struct vault_reference reference;
    if (reason == REASON_NONE && enrolling.person == 0) {
        reason = resolve(enrol, thread->vault, &reference);
        enrolling.reference = &reference;
    }
    if (reason == REASON_NONE) {
        status = db_transaction(thread->changes, enrol_in_transaction, &enrolling);
        reason = status != OK        ? reason_of_store(status)
                 : enrolling.blocked ? REASON_CARD_NOT_USABLE
                                     : REASON_NONE;
    }
    if (reason == REASON_NONE)
        proceeding_commit(proceeding);
    else
        proceeding_abandon(proceeding, reason);
}

static void work_later(struct proceeding *proceeding)
{
    proceeding_work(proceeding, work);
}

static enum status content_of_terms(const struct terms *terms, struct sha256 *out)
{
    struct buffer content = {0};
    enum status status = terms_content(terms->text, &content);
    if (status == OK)
        status = sha256_of(buffer_bytes(&content), out);
    buffer_free(&content);
    return status;
}

void enrol_start(struct enrol *enrol, const struct enrolment_request *request)
{
    struct proceeding *proceeding = &enrol->proceeding;
    const struct centre *centre = proceeding->centre;
    struct proof_purpose purpose = {.kind = STATEMENT_ENROL, .day = DATE_NONE};
    enrol->form = request->proof.authenticated_by;
    enum reason reason = REASON_NONE;
    if (!bytes_equal(request->terms_version, bytes_of_text(centre->terms.version)))
        reason = REASON_TERMS_VERSION_UNKNOWN;
    else if (content_of_terms(&centre->terms, &purpose.content) != OK)
        reason = REASON_INTERNAL;
    if (reason == REASON_NONE)
        reason = card_proof_check(centre, &proceeding->caller, &request->proof, &purpose, proceeding->now,
                                  &enrol->card);
    if (reason != REASON_NONE) {
        proceeding_refuse(proceeding, reason);
        return;
    }
    proceeding_use_challenge(proceeding, request->proof.challenge.bytes, enrol->card.challenge_expiry);
    proceeding_claim(proceeding, work_later);
}
