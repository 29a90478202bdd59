#include "vault/serve.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/five_items.h"
#include "pki/resident_query.h"
#include "pki/sealed.h"
#include "process/message.h"

struct vault_process {
    const struct vault_service *service;
    struct message_channel *fronts[VAULT_FRONTS_MAX];
    size_t front_count;
    struct message_channel *link;
    unsigned authority_time;
};

/* Where a reply goes. */
struct vault_return {
    struct message_channel *channel;
    uint16_t type;
    uint64_t correlation;
};

/* A message of front's that waits for the authority. */
struct vault_inquiry {
    struct vault_process *process;
    struct vault_return to;
    uint8_t question_number[QUESTION_NUMBER_LENGTH];
    struct buffer stated; /* of VAULT_COMPARE: the message's payload, which holds the items */
};

static void reply_to_front(const struct vault_return *to, const struct vault_reply *reply)
{
    struct buffer payload = {0};
    enum status status = vault_reply_encode(reply, &payload);
    status = message_reply(to->channel, to->type, to->correlation, status, buffer_bytes(&payload));
    if (status != OK)
        LOG(LOG_WARNING, "vault_reply_lost", log_status("status", status));
    buffer_free(&payload);
}

static void reply_outcome(const struct vault_return *to, enum vault_outcome outcome)
{
    const struct vault_reply reply = {.outcome = outcome};
    reply_to_front(to, &reply);
}

static void inquiry_free(struct vault_inquiry *inquiry)
{
    buffer_free(&inquiry->stated);
    secret_wipe(inquiry, sizeof(*inquiry));
    free(inquiry);
}

/* ---- What the authority answered ---- */

static enum vault_outcome open_answer(struct vault_inquiry *inquiry, struct bytes sealed,
                                      struct buffer *opened, struct resident_answer *out)
{
    if (sealed.length == 0)
        return VAULT_AUTHORITY_UNREACHABLE;
    const struct sealed_context context = {.label = RESIDENT_ANSWER_LABEL};
    const struct private_key *key = vault_sealing_key(inquiry->process->service->vault);
    enum status status = sealed_open(key, context, sealed, opened);
    if (status == OK)
        status = resident_answer_decode(buffer_bytes(opened), out);
    if (status != OK ||
        !bytes_equal_secret(bytes_of(out->number, sizeof(out->number)),
                            bytes_of(inquiry->question_number, sizeof(inquiry->question_number)))) {
        LOG(LOG_WARNING, "authority_answer_refused", log_status("status", status));
        return VAULT_FAILED;
    }
    return VAULT_DONE;
}

static void finish_resolve(struct vault_inquiry *inquiry, const struct resident_answer *answer,
                           struct vault_reply *reply)
{
    if (answer->finding != FINDING_FOUND) {
        reply->outcome = VAULT_CERTIFICATE_UNKNOWN;
        return;
    }
    struct my_number number;
    if (my_number_parse(answer->my_number, MY_NUMBER_LENGTH, &number) != REASON_NONE) {
        reply->outcome = VAULT_FAILED;
        return;
    }
    enum status status = vault_find_number(inquiry->process->service->vault, &number, &reply->reference);
    my_number_wipe(&number);
    reply->outcome = status == OK              ? VAULT_DONE
                     : status == ERR_NOT_FOUND ? VAULT_NUMBER_UNKNOWN
                                               : VAULT_FAILED;
}

static uint8_t fit_of(enum item_match match)
{
    return match == ITEM_MATCHES_EXACTLY      ? VAULT_ITEM_EXACT
           : match == ITEM_MATCHES_NORMALISED ? VAULT_ITEM_NORMALISED
                                              : VAULT_ITEM_DIFFERS;
}

static enum status stated_items(struct bytes payload, struct five_items *out)
{
    struct vault_compare compare;
    enum status status = vault_compare_decode(payload, &compare);
    if (status != OK)
        return status;
    *out = (struct five_items){
        .name.text = compare.name_kanji,
        .kana.text = compare.name_kana,
        .alias.text = compare.alias,
        .birth = compare.birth,
        .address.text = compare.address,
    };
    return sex_from_number(compare.sex, &out->sex) == REASON_NONE ? OK : ERR_MALFORMED;
}

static void finish_compare(struct vault_inquiry *inquiry, const struct resident_answer *answer,
                           struct vault_reply *reply)
{
    if (answer->finding != FINDING_FOUND) {
        reply->outcome = VAULT_RESIDENT_UNKNOWN;
        return;
    }
    struct five_items known = {
        .name.text = answer->items.name,
        .kana.text = answer->items.kana,
        .alias.text = answer->items.alias,
        .birth = answer->items.birth,
        .address.text = answer->items.address,
    };
    struct five_items stated;
    struct five_items_match match;
    enum status status = stated_items(buffer_bytes(&inquiry->stated), &stated);
    if (status == OK && sex_from_number(answer->items.sex - '0', &known.sex) != REASON_NONE)
        status = ERR_MALFORMED;
    if (status == OK)
        status = five_items_compare(&stated, &known, &match);
    if (status != OK) {
        reply->outcome = VAULT_FAILED;
        return;
    }
    const enum item_match matches[] = {match.name, match.kana, match.birth, match.sex, match.address};
    for (size_t i = 0; i < ARRAY_LENGTH(matches); i++)
        reply->fit[i] = fit_of(matches[i]);
}

static void on_authority_answer(void *context, enum status status, struct bytes payload)
{
    struct vault_inquiry *inquiry = context;
    struct vault_reply reply = {.outcome = VAULT_AUTHORITY_UNREACHABLE};
    struct buffer opened = {.secret = true};
    struct resident_answer answer = {0};
    if (status == OK)
        reply.outcome = open_answer(inquiry, payload, &opened, &answer);
    if (reply.outcome == VAULT_DONE && inquiry->to.type == VAULT_RESOLVE_CERTIFICATE)
        finish_resolve(inquiry, &answer, &reply);
    else if (reply.outcome == VAULT_DONE)
        finish_compare(inquiry, &answer, &reply);
    secret_wipe(&answer, sizeof(answer));
    buffer_free(&opened);
    reply_to_front(&inquiry->to, &reply);
    inquiry_free(inquiry);
}

static enum status ask_authority(struct vault_inquiry *inquiry, const struct resident_question *question)
{
    struct vault_process *process = inquiry->process;
    struct buffer plain = {.secret = true}, sealed = {0};
    const struct sealed_context context = {.label = RESIDENT_QUESTION_LABEL};
    memcpy(inquiry->question_number, question->number, sizeof(inquiry->question_number));
    enum status status = resident_question_encode(question, &plain);
    if (status == OK)
        status = sealed_seal(process->service->authority, context, buffer_bytes(&plain), &sealed);
    if (status == OK)
        status = message_request(process->link, VAULT_ASK_AUTHORITY, buffer_bytes(&sealed),
                                 process->authority_time, on_authority_answer, inquiry);
    buffer_free(&plain);
    buffer_free(&sealed);
    return status;
}

static struct vault_inquiry *inquiry_new(struct vault_process *process, const struct vault_return *to)
{
    struct vault_inquiry *inquiry = calloc(1, sizeof(*inquiry));
    if (inquiry) {
        inquiry->process = process;
        inquiry->to = *to;
    }
    return inquiry;
}

/* ---- What front asks ---- */

static void on_add(struct vault_process *process, const struct vault_return *to, struct bytes payload)
{
    struct vault_add add;
    struct vault_reply reply = {.outcome = VAULT_FAILED};
    struct buffer context = {0}, opened = {.secret = true};
    enum status status = vault_add_decode(payload, &add);
    if (status == OK)
        status = vault_number_context(add.insurer, add.purpose, add.row, &context);
    if (status == OK) {
        const struct sealed_context sealed_context = {.label = VAULT_NUMBER_LABEL,
                                                      .context = buffer_bytes(&context)};
        status = sealed_open(vault_sealing_key(process->service->vault), sealed_context, add.sealed, &opened);
        if (status != OK)
            reply.outcome = VAULT_SEALED_INVALID;
    }
    if (status == OK) {
        struct my_number number;
        bool created = false;
        reply.outcome = VAULT_NUMBER_INVALID;
        if (my_number_parse((const char *)opened.data, opened.length, &number) == REASON_NONE) {
            status = vault_add_number(process->service->vault, &number, &reply.reference, &created);
            reply.outcome = status == OK ? VAULT_DONE : VAULT_FAILED;
            reply.created = created;
        }
        my_number_wipe(&number);
    }
    buffer_free(&context);
    buffer_free(&opened);
    reply_to_front(to, &reply);
}

static void on_resolve(struct vault_process *process, const struct vault_return *to, struct bytes payload)
{
    struct resident_question question;
    resident_question_create(QUESTION_WHOSE_CERTIFICATE, clock_now(process->service->clock), &question);
    struct vault_inquiry *inquiry = inquiry_new(process, to);
    enum status status = inquiry ? OK : ERR_NO_MEMORY;
    if (payload.length != sizeof(question.certificate.bytes))
        status = ERR_MALFORMED;
    if (status == OK) {
        memcpy(question.certificate.bytes, payload.data, sizeof(question.certificate.bytes));
        status = ask_authority(inquiry, &question);
    }
    secret_wipe(&question, sizeof(question));
    if (status != OK) {
        reply_outcome(to, status == ERR_BUSY ? VAULT_AUTHORITY_UNREACHABLE : VAULT_FAILED);
        if (inquiry)
            inquiry_free(inquiry);
    }
}

static enum status start_compare(struct vault_inquiry *inquiry, struct bytes payload)
{
    struct vault_compare compare;
    struct my_number number;
    struct resident_question question;
    enum status status = vault_compare_decode(payload, &compare);
    if (status == OK)
        status = buffer_append(&inquiry->stated, payload);
    if (status == OK)
        status = vault_reveal_number(inquiry->process->service->vault, &compare.reference, &number);
    if (status != OK)
        return status;
    resident_question_create(QUESTION_WHO_IS, clock_now(inquiry->process->service->clock), &question);
    struct bytes digits = my_number_secret(&number);
    memcpy(question.my_number, digits.data, sizeof(question.my_number));
    my_number_wipe(&number);
    status = ask_authority(inquiry, &question);
    secret_wipe(&question, sizeof(question));
    return status;
}

static void on_compare(struct vault_process *process, const struct vault_return *to, struct bytes payload)
{
    struct vault_inquiry *inquiry = inquiry_new(process, to);
    enum status status = inquiry ? start_compare(inquiry, payload) : ERR_NO_MEMORY;
    if (status == OK)
        return;
    if (inquiry)
        inquiry_free(inquiry);
    reply_outcome(to, status == ERR_NOT_FOUND ? VAULT_REFERENCE_UNKNOWN
                      : status == ERR_BUSY    ? VAULT_AUTHORITY_UNREACHABLE
                                              : VAULT_FAILED);
}

static void on_front_message(void *context, struct message_channel *channel, const struct message *message)
{
    struct vault_process *process = context;
    const struct vault_return to = {channel, message->type, message->correlation};
    switch (message->type) {
    case VAULT_ADD:
        on_add(process, &to, message->payload);
        return;
    case VAULT_COMPARE:
        on_compare(process, &to, message->payload);
        return;
    case VAULT_RESOLVE_CERTIFICATE:
        on_resolve(process, &to, message->payload);
        return;
    default:
        reply_outcome(&to, VAULT_FAILED);
    }
}

/* ---- The loop ---- */

static short wanted_events(const struct message_channel *channel)
{
    return (short)(POLLIN | (message_channel_wants_write(channel) ? POLLOUT : 0));
}

static enum status serve_until_closed(struct vault_process *process)
{
    const size_t link = process->front_count;
    for (;;) {
        struct pollfd polled[VAULT_FRONTS_MAX + 1];
        int wait_ms = message_channel_expire(process->link);
        for (size_t i = 0; i < process->front_count; i++)
            polled[i] =
                (struct pollfd){message_channel_fd(process->fronts[i]), wanted_events(process->fronts[i]), 0};
        polled[link] = (struct pollfd){message_channel_fd(process->link), wanted_events(process->link), 0};
        if (poll(polled, link + 1, wait_ms) < 0 && errno != EINTR)
            return status_from_errno(errno);
        enum status status = polled[link].revents ? message_channel_process(process->link) : OK;
        for (size_t i = 0; i < process->front_count && status == OK; i++)
            if (polled[i].revents || message_channel_wants_write(process->fronts[i]))
                status = message_channel_process(process->fronts[i]);
        if (status != OK)
            return status == ERR_UNREACHABLE ? OK : status;
    }
}

enum status vault_serve(const struct vault_service *service)
{
    struct vault_process process = {
        .service = service,
        .authority_time = service->authority_time ? service->authority_time : 5000,
    };
    const struct message_channel_options of_front = {.on_message = on_front_message, .context = &process};
    const struct message_channel_options of_link = {.context = &process};
    enum status status = service->front_count > VAULT_FRONTS_MAX ? ERR_RANGE : OK;
    for (; status == OK && process.front_count < service->front_count; process.front_count++)
        status = message_channel_open(service->fronts[process.front_count], &of_front,
                                      &process.fronts[process.front_count]);
    if (status == OK)
        status = message_channel_open(service->link, &of_link, &process.link);
    if (status == OK)
        status = serve_until_closed(&process);
    message_channel_close(process.link);
    for (size_t i = 0; i < process.front_count; i++)
        message_channel_close(process.fronts[i]);
    return status;
}
