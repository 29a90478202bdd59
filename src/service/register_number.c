#include "service/register_number.h"

#include "base/log.h"
#include "process/message.h"
#include "registry/subscription.h"
#include "service/insurer_caller.h"
#include "service/outbox_event.h"

enum { VAULT_CALL_MS = 8000 };

struct registering {
    struct register_number *registration;
    int64_t subscription;
    struct five_items stated;
    struct vault_reference reference;
    struct registered_link link;
    bool conflict;
};

static enum reason ask_vault(int vault, enum vault_message type, struct bytes payload,
                             struct vault_reply *out)
{
    struct buffer reply = {0};
    enum status status = message_call(vault, (uint16_t)type, payload, VAULT_CALL_MS, &reply);
    if (status == OK)
        status = vault_reply_decode(buffer_bytes(&reply), out);
    buffer_free(&reply);
    if (status == OK)
        return REASON_NONE;
    LOG(LOG_WARNING, "vault_call_failed", log_status("status", status));
    return reason_of_store(status);
}

static enum reason reason_of_addition(enum vault_outcome outcome)
{
    switch (outcome) {
    case VAULT_DONE:
        return REASON_NONE;
    case VAULT_SEALED_INVALID:
        return REASON_SEALED_MESSAGE_INVALID;
    case VAULT_NUMBER_INVALID:
        return REASON_MY_NUMBER_CHECK_DIGIT;
    default:
        return REASON_INTERNAL;
    }
}

static enum reason add_number(struct registering *registering, int vault)
{
    const struct number_registration *asked = &registering->registration->asked;
    struct vault_add add = {.row = asked->row, .purpose = VAULT_PURPOSE_REGISTER, .sealed = asked->sealed};
    for (size_t i = 0; i < sizeof(add.insurer); i++)
        add.insurer[i] = (uint8_t)asked->key.insurer.digits[i];
    struct buffer payload = {0};
    struct vault_reply reply;
    enum reason reason = REASON_INTERNAL;
    if (vault_add_encode(&add, &payload) == OK)
        reason = ask_vault(vault, VAULT_ADD, buffer_bytes(&payload), &reply);
    buffer_free(&payload);
    if (reason == REASON_NONE)
        reason = reason_of_addition(reply.outcome);
    if (reason == REASON_NONE)
        registering->reference = reply.reference;
    return reason;
}

/* Where the authority cannot be asked the link stays pending, and is compared when it is sent again. */
static enum reason compare_items(struct registering *registering, int vault)
{
    const struct five_items *stated = &registering->stated;
    const struct vault_compare compare = {
        .reference = registering->reference,
        .name_kanji = stated->name.text,
        .name_kana = stated->kana.text,
        .alias = stated->alias.text,
        .address = stated->address.text,
        .birth = stated->birth,
        .sex = (uint8_t)stated->sex,
    };
    struct buffer payload = {0};
    struct vault_reply reply;
    enum reason reason = REASON_INTERNAL;
    if (vault_compare_encode(&compare, &payload) == OK)
        reason = ask_vault(vault, VAULT_COMPARE, buffer_bytes(&payload), &reply);
    buffer_free(&payload);
    if (reason != REASON_NONE)
        return reason;
    struct registered_link *link = &registering->link;
    link->state = LINK_PENDING;
    if (reply.outcome == VAULT_AUTHORITY_UNREACHABLE)
        return REASON_NONE;
    if (reply.outcome == VAULT_RESIDENT_UNKNOWN)
        return REASON_NUMBER_UNKNOWN_TO_AUTHORITY;
    if (reply.outcome != VAULT_DONE)
        return REASON_INTERNAL;
    link->compared = true;
    link->state = LINK_CONFIRMED;
    for (size_t i = 0; i < ARRAY_LENGTH(link->fit); i++) {
        link->fit[i] = (enum vault_item_fit)reply.fit[i];
        if (link->fit[i] == VAULT_ITEM_DIFFERS)
            link->state = LINK_QUARANTINED;
    }
    return REASON_NONE;
}

static enum item_match match_of(enum vault_item_fit fit)
{
    return fit == VAULT_ITEM_EXACT        ? ITEM_MATCHES_EXACTLY
           : fit == VAULT_ITEM_NORMALISED ? ITEM_MATCHES_NORMALISED
                                          : ITEM_DIFFERS;
}

static struct link_evidence evidence_of(const struct registered_link *link)
{
    const enum vault_item_fit *fit = link->fit;
    return (struct link_evidence){
        .compared = link->compared,
        .match = {.name = match_of(fit[0]),
                  .kana = match_of(fit[1]),
                  .birth = match_of(fit[2]),
                  .sex = match_of(fit[3]),
                  .address = match_of(fit[4])},
    };
}

/* A subscription that is somebody else's already is not moved by registering another number. */
static enum status find_conflict(struct registering *registering, struct db *db, int64_t person)
{
    struct link_version before;
    enum status status =
        link_find(db, registering->subscription, registering->registration->proceeding.region, &before);
    if (status == ERR_NOT_FOUND)
        return OK;
    registering->conflict = status == OK && before.state == LINK_CONFIRMED && before.person != person;
    return status;
}

static enum status link_in_transaction(struct db *db, void *argument)
{
    struct registering *registering = argument;
    struct proceeding *proceeding = &registering->registration->proceeding;
    int64_t person;
    enum status status = person_for_reference(db, registering->reference.bytes, &person);
    if (status == OK)
        status = find_conflict(registering, db, person);
    if (status != OK || registering->conflict)
        return status;
    const struct link_evidence evidence = evidence_of(&registering->link);
    const struct recording recording = {.at = proceeding->now};
    status = link_set(db, registering->subscription, person, registering->link.state, &evidence, &recording);
    if (status != OK)
        return status;
    buffer_clear(&proceeding->body);
    registering->link.event_id = proceeding->event_id;
    status = registering->registration->encode(&registering->link, &proceeding->body);
    if (status != OK)
        return status;
    proceeding->event.personal.person = person;
    proceeding->event.personal.subscription = registering->subscription;
    enum event_kind kind =
        registering->link.state == LINK_QUARANTINED ? EVENT_LINK_QUARANTINED : EVENT_LINK_MADE;
    return event_outbox_put(db, proceeding_event(proceeding, kind, REASON_NONE));
}

static enum reason find_subscription(struct registering *registering, struct db *db)
{
    const struct number_registration *asked = &registering->registration->asked;
    enum status status = subscription_find(db, &asked->key, asked->birth, &registering->subscription);
    if (status == ERR_NOT_FOUND)
        return REASON_NO_SUCH_COVERAGE;
    if (status == ERR_EXISTS)
        return REASON_SEVERAL_MATCH;
    struct subscription_facts *facts = NULL;
    size_t count = 0;
    if (status == OK)
        status = subscription_read(db, registering->subscription,
                                   registering->registration->proceeding.region, &facts, &count);
    if (status != OK)
        return reason_of_store(status);
    if (count == 0)
        return REASON_NO_SUCH_COVERAGE;
    registering->stated = facts[count - 1].coverage.person;
    return REASON_NONE;
}

static void work(struct proceeding *proceeding, struct job_thread *thread)
{
    struct register_number *registration = (struct register_number *)(void *)proceeding;
    struct registering registering = {.registration = registration};
    enum reason reason =
        insurer_caller_refusal(proceeding, thread->changes, &registration->asked.key.insurer);
    if (reason == REASON_NONE)
        reason = find_subscription(&registering, thread->changes);
    if (reason == REASON_NONE)
        reason = add_number(&registering, thread->vault);
    if (reason == REASON_NONE)
        reason = compare_items(&registering, thread->vault);
    if (reason == REASON_NONE) {
        enum status status = db_transaction(thread->changes, link_in_transaction, &registering);
        reason = status != OK           ? reason_of_store(status)
                 : registering.conflict ? REASON_NUMBER_CONFLICT
                                        : REASON_NONE;
    }
    if (reason == REASON_NONE)
        proceeding_commit(proceeding);
    else
        proceeding_abandon(proceeding, reason);
}

void register_number_start(struct register_number *registration)
{
    if (job_pool_is_full(registration->proceeding.centre->jobs))
        proceeding_refuse(&registration->proceeding, REASON_TOO_BUSY);
    else
        proceeding_work(&registration->proceeding, work);
}
