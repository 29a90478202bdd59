#include "api/insurers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/decode.h"
#include "api/pending.h"
#include "service/loads.h"
#include "service/register_number.h"

static enum status append_json(json_t *object, struct buffer *out)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    enum status status = text ? buffer_append_text(out, text) : ERR_NO_MEMORY;
    free(text);
    return status;
}

/* ---- Loads ---- */

static const char *load_state_code(enum load_state state)
{
    switch (state) {
    case LOAD_STAGED:
        return "staged";
    case LOAD_PUBLISHED:
        return "published";
    case LOAD_UNDONE:
        return "undone";
    }
    return "staged";
}

static enum status encode_load(const struct load *load, const uint8_t *event_id, struct buffer *out)
{
    char id[2 * LOAD_ID_SIZE + 1], event[2 * EVENT_ID_SIZE + 1];
    hex_encode(bytes_of(load->id, LOAD_ID_SIZE), id);
    if (event_id)
        hex_encode(bytes_of(event_id, EVENT_ID_SIZE), event);
    json_t *object = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s?}", "load_id", id, "state",
                               load_state_code(load->state), "rows", (json_int_t)load->rows,
                               "new_subscribers", (json_int_t)load->new_subscriptions, "new_periods",
                               (json_int_t)load->new_periods, "changed", (json_int_t)load->changed,
                               "unchanged", (json_int_t)load->unchanged, "event_id", event_id ? event : NULL);
    return append_json(object, out);
}

static struct date decode_date(struct decoder *decoder, const char *name, bool optional)
{
    struct date date = DATE_NONE;
    struct bytes text = optional ? decode_optional_text(decoder, name) : decode_text(decoder, name);
    if (decoder->reason == REASON_NONE && text.length)
        decode_refuse(decoder,
                      date_parse((const char *)text.data, text.length, &date) == OK ? REASON_NONE
                                                                                    : REASON_MALFORMED_DAY,
                      name);
    return date;
}

#define DECODE_OPTIONAL(decoder, name, parse, out)                                                           \
    do {                                                                                                     \
        struct bytes member_text = decode_optional_text(decoder, name);                                      \
        if ((decoder)->reason == REASON_NONE)                                                                \
            decode_refuse(decoder, parse((const char *)member_text.data, member_text.length, out), name);    \
    } while (0)

static void decode_person(struct decoder *row, struct date today, struct five_items *out)
{
    DECODE_MEMBER(row, "name", name_parse, &out->name);
    DECODE_OPTIONAL(row, "name_kana", kana_name_parse, &out->kana);
    DECODE_OPTIONAL(row, "alias", alias_parse, &out->alias);
    DECODE_MEMBER(row, "sex", sex_parse, &out->sex);
    DECODE_OPTIONAL(row, "address", address_parse, &out->address);
    DECODE_OPTIONAL(row, "postal_code", postal_code_parse, &out->postal_code);
    struct bytes birth = decode_text(row, "birth_date");
    if (row->reason == REASON_NONE)
        decode_refuse(row, birth_date_parse((const char *)birth.data, birth.length, today, &out->birth),
                      "birth_date");
}

static void decode_coverage(struct decoder *row, struct coverage *out)
{
    static const char *const relationships[] = {"insured", "family", NULL};
    out->relationship =
        decode_word(row, "relationship", relationships) == 0 ? RELATIONSHIP_INSURED : RELATIONSHIP_FAMILY;
    out->acquired = decode_date(row, "acquired", false);
    out->lost = decode_date(row, "lost", true);
    struct bytes text = decode_optional_text(row, "loss_reason");
    if (!loss_reason_by_code((const char *)text.data, text.length, &out->loss_reason))
        decode_refuse(row, REASON_MALFORMED_CODE, "loss_reason");
    text = decode_optional_text(row, "classification");
    if (!card_classification_by_code((const char *)text.data, text.length, &out->classification))
        decode_refuse(row, REASON_MALFORMED_CODE, "classification");
    if (decode_has(row, "copayment_percent"))
        out->copayment.percent = (int)decode_integer(row, "copayment_percent", 0, 100);
    out->copayment.valid_from = decode_date(row, "copayment_from", true);
    out->copayment.valid_until = decode_date(row, "copayment_until", true);
    if (decode_has(row, "special_expense"))
        out->special_expense = decode_bool(row, "special_expense");
    out->certificate.issued = decode_date(row, "certificate_issued", true);
    out->certificate.last_day = decode_date(row, "certificate_last_day", true);
    if (!date_is_none(out->lost) && date_before(out->lost, out->acquired))
        decode_refuse(row, REASON_MALFORMED_PERIOD, "lost");
}

static enum reason decode_row(json_t *value, const struct insurer_number *insurer, struct date today,
                              struct subscription_record *out, const char **faulty_member)
{
    struct decoder row = {.object = value,
                          .reason = json_is_object(value) ? REASON_NONE : REASON_REQUEST_MALFORMED};
    *out = (struct subscription_record){.coverage = coverage_blank(), .replaces_acquired = DATE_NONE};
    out->coverage.key.insurer = *insurer;
    DECODE_MEMBER(&row, "symbol", insured_symbol_parse, &out->coverage.key.symbol);
    DECODE_MEMBER(&row, "number", insured_number_parse, &out->coverage.key.number);
    DECODE_MEMBER(&row, "branch", branch_number_parse, &out->coverage.key.branch);
    decode_person(&row, today, &out->coverage.person);
    decode_coverage(&row, &out->coverage);
    out->replaces_acquired = decode_date(&row, "replaces_acquired", true);
    enum reason reason = decode_finish(&row);
    *faulty_member = row.member;
    return reason;
}

/* The texts of the rows point into the document: it is kept until free_rows. */
static enum reason decode_rows(struct bytes body, const struct insurer_number *insurer, struct date today,
                               struct region *region, struct load_rows *out)
{
    struct decoder decoder = decode_document(body);
    out->first_row = decode_integer(&decoder, "first_row", 0, INT64_MAX / 2);
    json_t *rows = decode_array(&decoder, "rows", LOAD_ROWS_MAX);
    enum reason reason = decode_finish(&decoder);
    size_t count = json_array_size(rows);
    out->rows = reason == REASON_NONE ? region_alloc(region, count * sizeof(*out->rows)) : NULL;
    if (reason == REASON_NONE && !out->rows)
        reason = REASON_INTERNAL;
    for (; reason == REASON_NONE && out->count < count; out->count++) {
        out->faulty_row = out->count;
        reason = decode_row(json_array_get(rows, out->count), insurer, today, &out->rows[out->count],
                            &out->faulty_member);
    }
    out->document = decoder.object;
    return reason;
}

static void free_rows(struct load_rows *rows)
{
    json_decref(rows->document);
    rows->document = NULL;
}

static void start_load(struct http_request *request, void *context, enum load_step step)
{
    const struct machine_api *api = context;
    struct load_request *load =
        (struct load_request *)(void *)pending_start(request, api, MACHINE_INSURER, sizeof(*load));
    if (!load)
        return;
    load->step = step;
    load->body = request->body;
    load->decode_rows = decode_rows;
    load->free_rows = free_rows;
    load->encode = encode_load;
    struct bytes id = request->parameters[0];
    bool named =
        step == LOAD_BEGIN || hex_decode((const char *)id.data, id.length, load->id, sizeof(load->id)) == OK;
    if (named)
        load_request_start(load);
    else
        pending_refuse(&load->proceeding, REASON_NOT_FOUND, NULL);
}

void handle_load_begin(struct http_request *request, void *context)
{
    start_load(request, context, LOAD_BEGIN);
}

void handle_load_show(struct http_request *request, void *context)
{
    start_load(request, context, LOAD_SHOW);
}

void handle_load_rows(struct http_request *request, void *context)
{
    start_load(request, context, LOAD_ROWS);
}

void handle_load_publish(struct http_request *request, void *context)
{
    start_load(request, context, LOAD_PUBLISH);
}

void handle_load_undo(struct http_request *request, void *context)
{
    start_load(request, context, LOAD_UNDO);
}

/* ---- Numbers ---- */

static const char *link_state_code(enum link_state state)
{
    return state == LINK_CONFIRMED ? "confirmed" : state == LINK_QUARANTINED ? "quarantined" : "pending";
}

static enum status encode_link(const struct registered_link *link, struct buffer *out)
{
    static const char *const items[] = {"name", "name_kana", "birth_date", "sex", "address"};
    static const char *const fits[] = {"exact", "normalised", "differs"};
    char event_id[2 * EVENT_ID_SIZE + 1];
    hex_encode(bytes_of(link->event_id, EVENT_ID_SIZE), event_id);
    json_t *compared = link->compared ? json_object() : json_null();
    for (size_t i = 0; link->compared && compared && i < ARRAY_LENGTH(items); i++)
        if (json_object_set_new(compared, items[i], json_string(fits[link->fit[i]])) != 0)
            return ERR_NO_MEMORY;
    return append_json(json_pack("{s:s, s:o, s:s}", "state", link_state_code(link->state), "compared",
                                 compared, "event_id", event_id),
                       out);
}

void handle_number_registration(struct http_request *request, void *context)
{
    enum { SEALED_MOST = 1024 };
    const struct machine_api *api = context;
    struct register_number *registration =
        (struct register_number *)(void *)pending_start(request, api, MACHINE_INSURER, sizeof(*registration));
    if (!registration)
        return;
    registration->encode = encode_link;
    struct number_registration *asked = &registration->asked;
    struct decoder decoder = decode_document(request->body);
    DECODE_MEMBER(&decoder, "symbol", insured_symbol_parse, &asked->key.symbol);
    DECODE_MEMBER(&decoder, "number", insured_number_parse, &asked->key.number);
    DECODE_MEMBER(&decoder, "branch", branch_number_parse, &asked->key.branch);
    asked->birth = decode_date(&decoder, "birth_date", true);
    asked->row = region_copy(request->region, decode_text(&decoder, "row"));
    asked->sealed = decode_base64(&decoder, "sealed_number", SEALED_MOST, request->region);
    if (asked->row.length > VAULT_ROW_MAX)
        decode_refuse(&decoder, REASON_TOO_LARGE, "row");
    enum reason reason = decode_finish(&decoder);
    decode_free(&decoder);
    if (reason == REASON_NONE)
        register_number_start(registration);
    else
        pending_refuse(&registration->proceeding, reason, decoder.member);
}
