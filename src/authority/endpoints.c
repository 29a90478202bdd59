#include "authority/endpoints.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "authority/words.h"

enum { WAIT_MS_MAX = 60000 };

/* ---- what is common to all ---- */

/* How a failure of the work reads; an entry of an endpoint goes before the common ones. */
struct explanation {
    enum status status;
    unsigned http_status;
    const char *code;
    const char *title;
};

static const struct explanation common[] = {
    {ERR_MALFORMED, 422, "malformed_request",
     "The request does not have the form that this endpoint expects."},
    {ERR_RANGE, 422, "value_refused", "A value of the request is outside what is allowed."},
    {ERR_TRUNCATED, 422, "malformed_request",
     "The request does not have the form that this endpoint expects."},
    {ERR_UNSUPPORTED, 422, "key_unsupported", "A key of this kind cannot be used for this."},
    {ERR_CRYPTO, 422, "not_proven", "A signature or seal does not fit."},
    {ERR_NOT_FOUND, 404, "not_found", "There is nothing under that number or id."},
    {ERR_BUSY, 503, "busy", "The authority is busy; please try again."},
};

static void explain(struct desk_reply *reply, enum status status, const struct explanation *own, size_t count)
{
    const struct explanation *lists[] = {own, common};
    const size_t counts[] = {count, ARRAY_LENGTH(common)};
    for (size_t list = 0; list < ARRAY_LENGTH(lists); list++) {
        for (size_t i = 0; i < counts[list]; i++) {
            const struct explanation *entry = &lists[list][i];
            if (entry->status == status) {
                desk_reply_problem(reply, entry->http_status, entry->code, entry->title);
                return;
            }
        }
    }
    desk_reply_problem(reply, 500, "internal", "The authority failed; its log says more.");
}

/* Takes the JSON over. NULL: it could not be made. */
static void reply_json(struct desk_reply *reply, unsigned status, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
    reply->status = status;
    reply->content_type = "application/json";
    if (!text || buffer_append_text(&reply->body, text) != OK)
        desk_reply_problem(reply, 500, "internal", "The authority failed; its log says more.");
    free(text);
    json_decref(json);
}

static json_t *body_of(const struct http_request *request)
{
    json_t *root =
        json_loadb((const char *)request->body.data, request->body.length, JSON_REJECT_DUPLICATES, NULL);
    if (!root)
        return NULL;
    if (json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

/* ---- residents ---- */

struct resident_words {
    const char *my_number, *name, *kana, *alias, *birth_date, *sex, *address, *municipality;
    int has_photo;
};

static enum status parse_resident(const struct resident_words *words, struct date today, struct resident *out)
{
    *out = (struct resident){.has_photo = words->has_photo, .state = RESIDENT_LIVING};
    struct five_items *items = &out->items;
    bool fits =
        my_number_parse(words->my_number, strlen(words->my_number), &out->number) == REASON_NONE &&
        name_parse(words->name, strlen(words->name), &items->name) == REASON_NONE &&
        kana_name_parse(words->kana, strlen(words->kana), &items->kana) == REASON_NONE &&
        alias_parse(words->alias, strlen(words->alias), &items->alias) == REASON_NONE &&
        birth_date_parse(words->birth_date, strlen(words->birth_date), today, &items->birth) == REASON_NONE &&
        sex_parse(words->sex, strlen(words->sex), &items->sex) == REASON_NONE &&
        address_parse(words->address, strlen(words->address), &items->address) == REASON_NONE &&
        strlen(words->municipality) == 5 && strspn(words->municipality, "0123456789") == 5;
    if (!fits)
        return ERR_MALFORMED;
    memcpy(out->municipality.digits, words->municipality, 5);
    return OK;
}

static enum status decode_resident(json_t *root, struct resident *out)
{
    struct resident_words words;
    json_error_t error;
    int failed =
        json_unpack_ex(root, &error, JSON_STRICT, "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}",
                       "my_number", &words.my_number, "name", &words.name, "kana", &words.kana, "alias",
                       &words.alias, "birth_date", &words.birth_date, "sex", &words.sex, "address",
                       &words.address, "municipality", &words.municipality, "has_photo", &words.has_photo);
    return failed ? ERR_MALFORMED : parse_resident(&words, date_in_tokyo(clock_now(&real_clock)), out);
}

static void register_resident(struct authority *authority, const struct http_request *request,
                              struct desk_reply *reply)
{
    static const struct explanation own[] = {
        {ERR_EXISTS, 409, "number_taken", "This My Number is already registered."}};
    struct resident resident = {0};
    json_t *root = body_of(request);
    enum status status = root ? decode_resident(root, &resident) : ERR_MALFORMED;
    if (status == OK)
        status = authority_register_resident(authority, &resident, NULL);
    my_number_wipe(&resident.number);
    json_decref(root);
    if (status == OK)
        reply_json(reply, 201, json_object());
    else
        explain(reply, status, own, ARRAY_LENGTH(own));
}

static json_t *json_of_row(const struct certificate_row *row)
{
    char id[SUBJECT_ID_TEXT], successor[SUBJECT_ID_TEXT];
    bool signature = row->issuer == CARD_ISSUER_SIGNATURE || row->issuer == CARD_ISSUER_SIGNATURE_NEXT;
    bool next = row->issuer == CARD_ISSUER_AUTHENTICATION_NEXT || row->issuer == CARD_ISSUER_SIGNATURE_NEXT;
    subject_id_format(SUBJECT_CARD, &row->id, id);
    subject_id_format(SUBJECT_CARD, &row->successor, successor);
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:o, s:o, s:s?, s:b}", "id", id, "use",
                     signature ? "signature" : "authentication", "generation",
                     generation_name(next ? GENERATION_NEXT : GENERATION_CURRENT), "device",
                     device_name(row->device), "card", (json_int_t)row->card, "state",
                     subject_state_name(row->state), "not_before", json_of_moment(row->not_before),
                     "not_after", json_of_moment(row->not_after), "successor",
                     row->state == STATE_SUPERSEDED ? successor : NULL, "made", row->made);
}

static json_t *json_of_text(struct bytes text)
{
    return json_stringn((const char *)text.data, text.length);
}

static json_t *json_of_resident(const struct resident *resident, const struct certificate_row *rows,
                                size_t count)
{
    char birth[11];
    char sex[2] = {(char)('0' + sex_on_card(resident->items.sex)), '\0'};
    date_format(resident->items.birth, birth);
    json_t *certificates = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(certificates, json_of_row(&rows[i]));
    return json_pack("{s:o, s:o, s:o, s:s, s:s, s:o, s:s, s:b, s:s, s:o}", "name",
                     json_of_text(resident->items.name.text), "kana", json_of_text(resident->items.kana.text),
                     "alias", json_of_text(resident->items.alias.text), "birth_date", birth, "sex", sex,
                     "address", json_of_text(resident->items.address.text), "municipality",
                     resident->municipality.digits, "has_photo", resident->has_photo, "state",
                     resident_state_name(resident->state), "certificates", certificates);
}

/* By My Number or by one of the certificates. */
static enum status find_resident(struct authority *authority, json_t *root, struct region *region,
                                 struct resident *out)
{
    const char *text;
    struct my_number number;
    struct certificate_id id;
    if (json_unpack_ex(root, NULL, JSON_STRICT, "{s:s}", "my_number", &text) == 0) {
        if (my_number_parse(text, strlen(text), &number) != REASON_NONE)
            return ERR_MALFORMED;
        enum status status = authority_find_resident(authority, &number, region, out);
        my_number_wipe(&number);
        return status;
    }
    if (json_unpack_ex(root, NULL, JSON_STRICT, "{s:s}", "certificate", &text) != 0)
        return ERR_MALFORMED;
    enum status status = subject_id_parse(SUBJECT_CARD, text, &id);
    return status == OK ? authority_find_holder(authority, &id, region, out) : status;
}

static void show_resident(struct authority *authority, const struct http_request *request,
                          struct desk_reply *reply)
{
    struct certificate_row rows[CERTIFICATES_OF_RESIDENT_MAX];
    struct region region = {0};
    struct resident resident;
    size_t count;
    json_t *root = body_of(request);
    enum status status = root ? find_resident(authority, root, &region, &resident) : ERR_MALFORMED;
    json_decref(root);
    if (status == OK) {
        my_number_wipe(&resident.number);
        status =
            authority_list_certificates(authority, resident.id, rows, CERTIFICATES_OF_RESIDENT_MAX, &count);
    }
    if (status == OK)
        reply_json(reply, 200, json_of_resident(&resident, rows, count));
    else
        explain(reply, status, NULL, 0);
    region_free(&region);
}

/* ---- cards ---- */

struct card_words {
    const char *my_number, *generation, *device, *authentication_key, *signature_key;
};

static enum status parse_card_order(const struct card_words *words, struct card_order *out)
{
    *out = (struct card_order){0};
    if (my_number_parse(words->my_number, strlen(words->my_number), &out->number) != REASON_NONE)
        return ERR_MALFORMED;
    enum status status = generation_of(words->generation, &out->generation);
    if (status == OK)
        status = device_of(words->device, &out->device);
    if (status == OK)
        status = public_key_of_json(words->authentication_key, &out->authentication_key);
    if (status == OK && words->signature_key)
        status = public_key_of_json(words->signature_key, &out->signature_key);
    return status;
}

static enum status decode_card_order(json_t *root, struct card_order *out)
{
    struct card_words words = {0};
    json_t *signature_key;
    if (json_unpack_ex(root, NULL, JSON_STRICT, "{s:s, s:s, s:s, s:s, s:o}", "my_number", &words.my_number,
                       "generation", &words.generation, "device", &words.device, "authentication_key",
                       &words.authentication_key, "signature_key", &signature_key) != 0)
        return ERR_MALFORMED;
    words.signature_key = json_string_value(signature_key);
    if (!words.signature_key && !json_is_null(signature_key))
        return ERR_MALFORMED;
    return parse_card_order(&words, out);
}

static json_t *json_of_issued(const struct issued_certificate *issued)
{
    char id[SUBJECT_ID_TEXT];
    if (!issued->present)
        return json_null();
    subject_id_format(SUBJECT_CARD, &issued->id, id);
    return json_pack("{s:s, s:o, s:o}", "id", id, "certificate",
                     json_of_bytes(buffer_bytes(&issued->certificate)), "issuer",
                     json_of_bytes(buffer_bytes(&issued->issuer)));
}

typedef enum status card_work(struct authority *authority, const struct card_order *order,
                              struct issued_card *out);

static void make_card(struct authority *authority, const struct http_request *request,
                      struct desk_reply *reply, card_work *work)
{
    static const struct explanation own[] = {
        {ERR_EXISTS, 409, "card_exists", "There is a card (or phone) already: renew it, or revoke it first."},
        {ERR_WRONG_STATE, 409, "wrong_state",
         "The resident or the card is not in a state in which this can be done."},
        {ERR_NOT_FOUND, 404, "unknown_resident", "No resident has this My Number."},
    };
    struct card_order order = {0};
    struct issued_card card = {0};
    json_t *root = body_of(request);
    enum status status = root ? decode_card_order(root, &order) : ERR_MALFORMED;
    if (status == OK)
        status = work(authority, &order, &card);
    if (status == OK)
        reply_json(reply, 201,
                   json_pack("{s:o, s:o, s:o}", "authentication", json_of_issued(&card.authentication),
                             "signature", json_of_issued(&card.signature), "not_after",
                             json_of_moment(card.not_after)));
    else
        explain(reply, status, own, ARRAY_LENGTH(own));
    issued_card_free(&card);
    my_number_wipe(&order.number);
    public_key_free(&order.authentication_key);
    public_key_free(&order.signature_key);
    json_decref(root);
}

static void issue_card(struct authority *authority, const struct http_request *request,
                       struct desk_reply *reply)
{
    make_card(authority, request, reply, authority_issue_card);
}

static void renew_card(struct authority *authority, const struct http_request *request,
                       struct desk_reply *reply)
{
    make_card(authority, request, reply, authority_renew_card);
}

/* ---- machines, terminals, the vault ---- */

static enum status open_request(const char *text, struct public_key *out)
{
    struct buffer der = {0};
    enum status status = bytes_of_json(text, &der);
    if (status == OK)
        status = certificate_request_open(buffer_bytes(&der), out);
    buffer_free(&der);
    return status;
}

static enum status do_issue_machine(struct authority *authority, json_t *root, struct certificate_id *id,
                                    struct buffer *der)
{
    const char *kind, *code, *request;
    struct machine_subject subject = {0};
    struct public_key key;
    if (json_unpack_ex(root, NULL, JSON_STRICT, "{s:s, s:s, s:s}", "kind", &kind, "code", &code, "request",
                       &request) != 0 ||
        strlen(code) > MACHINE_CODE_LIMIT)
        return ERR_MALFORMED;
    subject.kind = machine_kind_of(kind);
    memcpy(subject.code, code, strlen(code));
    enum status status = open_request(request, &key);
    if (status != OK)
        return status;
    status = authority_issue_machine(authority, &subject, &key, id, der);
    public_key_free(&key);
    return status;
}

static void issue_machine(struct authority *authority, const struct http_request *request,
                          struct desk_reply *reply)
{
    static const struct explanation own[] = {
        {ERR_RANGE, 422, "code_refused", "No such kind of machine, or a code that this kind cannot have."}};
    struct certificate_id id;
    struct buffer der = {0};
    char text[SUBJECT_ID_TEXT];
    json_t *root = body_of(request);
    enum status status = root ? do_issue_machine(authority, root, &id, &der) : ERR_MALFORMED;
    json_decref(root);
    if (status == OK) {
        subject_id_format(SUBJECT_MACHINE, &id, text);
        reply_json(reply, 201,
                   json_pack("{s:s, s:o}", "id", text, "certificate", json_of_bytes(buffer_bytes(&der))));
    } else {
        explain(reply, status, own, ARRAY_LENGTH(own));
    }
    buffer_free(&der);
}

static enum status do_issue_terminal(struct authority *authority, json_t *root,
                                     struct terminal_certificate *out)
{
    const char *institution, *request;
    struct institution_code code;
    struct public_key key;
    if (json_unpack_ex(root, NULL, JSON_STRICT, "{s:s, s:s}", "institution", &institution, "request",
                       &request) != 0)
        return ERR_MALFORMED;
    if (institution_code_parse(institution, strlen(institution), &code) != REASON_NONE)
        return ERR_RANGE;
    enum status status = open_request(request, &key);
    if (status != OK)
        return status;
    status = authority_issue_terminal(authority, &code, &key, out);
    public_key_free(&key);
    return status;
}

static void issue_terminal(struct authority *authority, const struct http_request *request,
                           struct desk_reply *reply)
{
    static const struct explanation own[] = {
        {ERR_RANGE, 422, "code_refused", "No institution can have this code, or it has too many terminals."}};
    struct terminal_certificate certificate;
    json_t *root = body_of(request);
    enum status status = root ? do_issue_terminal(authority, root, &certificate) : ERR_MALFORMED;
    json_decref(root);
    if (status != OK) {
        explain(reply, status, own, ARRAY_LENGTH(own));
        return;
    }
    uint8_t bytes[TERMINAL_CERTIFICATE_LENGTH];
    char text[SUBJECT_ID_TEXT];
    struct certificate_id id = certificate_id_of_terminal(&certificate.subject);
    subject_id_format(SUBJECT_TERMINAL, &id, text);
    terminal_certificate_encode(&certificate, bytes);
    reply_json(
        reply, 201,
        json_pack("{s:s, s:o}", "id", text, "certificate", json_of_bytes(bytes_of(bytes, sizeof(bytes)))));
}

static enum status do_register_vault(struct authority *authority, json_t *root)
{
    const char *text;
    struct public_key key;
    if (json_unpack_ex(root, NULL, JSON_STRICT, "{s:s}", "public_key", &text) != 0)
        return ERR_MALFORMED;
    enum status status = public_key_of_json(text, &key);
    if (status != OK)
        return status;
    status = authority_register_vault(authority, &key);
    public_key_free(&key);
    return status;
}

static void register_vault(struct authority *authority, const struct http_request *request,
                           struct desk_reply *reply)
{
    json_t *root = body_of(request);
    enum status status = root ? do_register_vault(authority, root) : ERR_MALFORMED;
    json_decref(root);
    if (status == OK)
        reply_json(reply, 201, json_object());
    else
        explain(reply, status, NULL, 0);
}

/* ---- states ---- */

static enum status decode_state_order(json_t *root, struct state_order *out)
{
    const char *action, *kind, *id;
    if (json_unpack_ex(root, NULL, JSON_STRICT, "{s:s, s:s, s:s}", "action", &action, "kind", &kind, "id",
                       &id) != 0)
        return ERR_MALFORMED;
    enum status status = state_action_of(action, &out->action);
    if (status == OK)
        status = subject_kind_of(kind, &out->kind);
    return status == OK ? subject_id_parse(out->kind, id, &out->id) : status;
}

static enum operation operation_of(const struct state_order *order)
{
    if (order->kind != SUBJECT_CARD)
        return OPERATION_CHANGE_MACHINE;
    switch (order->action) {
    case ACTION_SUSPEND:
        return OPERATION_SUSPEND_CARD;
    case ACTION_LIFT:
        return OPERATION_LIFT_CARD; /* Q8 */
    case ACTION_REVOKE:
        break;
    }
    return OPERATION_REVOKE_CARD;
}

static void change_state(struct authority *authority, const struct http_request *request,
                         struct desk_reply *reply)
{
    static const struct explanation own[] = {
        {ERR_WRONG_STATE, 409, "wrong_state", "What is revoked, expired or superseded stays so."},
        {ERR_DENIED, 403, "not_permitted",
         "The caller's role may not do this. A suspended card is lifted at the municipal counter only."},
    };
    struct state_order order;
    size_t changed = 0;
    json_t *root = body_of(request);
    enum status status = root ? decode_state_order(root, &order) : ERR_MALFORMED;
    json_decref(root);
    if (status == OK && !caller_may(&request->peer->identity.subject, operation_of(&order)))
        status = ERR_DENIED;
    if (status == OK)
        status = authority_change_state(authority, &order, &changed);
    if (status == OK)
        reply_json(reply, 200, json_pack("{s:I}", "changed", (json_int_t)changed));
    else
        explain(reply, status, own, ARRAY_LENGTH(own));
}

/* ---- the link ---- */

static void answer_sealed(struct authority *authority, const struct http_request *request,
                          struct desk_reply *reply)
{
    static const struct explanation own[] = {
        {ERR_NOT_FOUND, 422, "other_recipient", "This message is not sealed to the authority's key."},
        {ERR_WRONG_STATE, 409, "no_vault", "No vault key is registered to which an answer could be sealed."},
        {ERR_EXPIRED, 422, "stale_question", "The question was asked too long ago."},
        {ERR_VERSION, 422, "malformed_request", "The sealed message has a version that is not spoken here."},
    };
    enum status status = authority_answer(authority, request->body, &reply->body);
    if (status != OK) {
        explain(reply, status, own, ARRAY_LENGTH(own));
        return;
    }
    reply->status = 200;
    reply->content_type = "application/octet-stream";
}

static bool read_number(struct bytes text, uint64_t limit, uint64_t *out)
{
    uint64_t value = 0;
    if (text.length == 0 || text.length > 19)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *out = value;
    return value <= limit;
}

static void feed(struct http_request *request, void *context)
{
    struct bytes after_text, wait_text;
    uint64_t after, wait_ms;
    bool fits = http_request_query(request, "after", &after_text) == OK &&
                http_request_query(request, "wait_ms", &wait_text) == OK &&
                read_number(after_text, INT64_MAX, &after) && read_number(wait_text, WAIT_MS_MAX, &wait_ms);
    if (fits) {
        desk_hand_in_feed(context, request, after, (unsigned)wait_ms);
        return;
    }
    struct desk_reply reply = {0};
    explain(&reply, ERR_MALFORMED, NULL, 0);
    http_answer_with(request, reply.status, reply.content_type, buffer_bytes(&reply.body));
    buffer_free(&reply.body);
}

/* ---- routes ---- */

#define HANDLER(name, work, operation)                                                                       \
    static void name(struct http_request *request, void *context)                                            \
    {                                                                                                        \
        desk_hand_in(context, request, work, operation);                                                     \
    }

HANDLER(post_resident, register_resident, OPERATION_REGISTER_RESIDENT)
HANDLER(post_show, show_resident, OPERATION_SHOW)
HANDLER(post_card, issue_card, OPERATION_ISSUE_CARD)
HANDLER(post_renewal, renew_card, OPERATION_RENEW_CARD)
HANDLER(post_machine, issue_machine, OPERATION_ISSUE_MACHINE)
HANDLER(post_terminal, issue_terminal, OPERATION_ISSUE_MACHINE)
HANDLER(post_vault_key, register_vault, OPERATION_ISSUE_MACHINE)
HANDLER(post_state, change_state, OPERATION_SHOW) /* which action, which role: change_state() looks */
HANDLER(post_sealed, answer_sealed, OPERATION_ASK)

enum status authority_router_new(struct desk *desk, struct http_router **out)
{
    static const struct {
        enum method method;
        const char *pattern;
        http_handler handler;
    } endpoints[] = {
        {METHOD_POST, "/v1/residents", post_resident},   {METHOD_POST, "/v1/residents/show", post_show},
        {METHOD_POST, "/v1/cards", post_card},           {METHOD_POST, "/v1/renewals", post_renewal},
        {METHOD_POST, "/v1/machines", post_machine},     {METHOD_POST, "/v1/terminals", post_terminal},
        {METHOD_POST, "/v1/vault-keys", post_vault_key}, {METHOD_POST, "/v1/states", post_state},
        {METHOD_POST, "/v1/sealed", post_sealed},        {METHOD_GET, "/v1/feed", feed},
    };
    struct http_route routes[ARRAY_LENGTH(endpoints)];
    for (size_t i = 0; i < ARRAY_LENGTH(endpoints); i++) {
        routes[i] = (struct http_route){
            .method = endpoints[i].method,
            .pattern = endpoints[i].pattern,
            .handler = endpoints[i].handler,
            .context = desk,
            .needs_certificate = true,
        };
    }
    return http_router_new(routes, ARRAY_LENGTH(routes), out);
}
