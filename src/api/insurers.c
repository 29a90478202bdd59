#include "api/insurers.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/pending.h"
#include "api/requests.h"

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

static void start_load(struct http_request *request, void *context, enum load_step step)
{
    const struct machine_api *api = context;
    struct load_request *load =
        (struct load_request *)(void *)pending_start(request, api, MACHINE_INSURER, sizeof(*load));
    if (!load)
        return;
    load->step = step;
    load->body = request->body;
    load->decode_rows = decode_load_rows;
    load->free_rows = free_load_rows;
    load->encode = encode_load;
    struct bytes id = request->parameters[0];
    const char *member = NULL;
    enum reason reason = REASON_NONE;
    if (step != LOAD_BEGIN && hex_decode((const char *)id.data, id.length, load->id, sizeof(load->id)) != OK)
        reason = REASON_NOT_FOUND;
    else if (step != LOAD_SHOW && step != LOAD_ROWS)
        reason = decode_nothing(request->body, &member);
    if (reason == REASON_NONE)
        load_request_start(load);
    else
        pending_refuse(&load->proceeding, reason, member);
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
    const struct machine_api *api = context;
    struct register_number *registration =
        (struct register_number *)(void *)pending_start(request, api, MACHINE_INSURER, sizeof(*registration));
    if (!registration)
        return;
    registration->encode = encode_link;
    const char *member = NULL;
    enum reason reason =
        decode_number_registration(request->body, request->region, &registration->asked, &member);
    if (reason == REASON_NONE)
        register_number_start(registration);
    else
        pending_refuse(&registration->proceeding, reason, member);
}
