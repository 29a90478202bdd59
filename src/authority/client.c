#include "authority/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authority/holdings.h"
#include "authority/setup.h"
#include "authority/words.h"

struct authority_client {
    struct http_client *http;
};

static enum status make_url(const char *directory, char **out)
{
    struct authority_settings settings;
    enum status status = authority_settings_load(directory, &settings);
    if (status != OK)
        return status;
    bool six = strchr(settings.address, ':') != NULL; /* an IPv6 address stands in brackets */
    char *url = NULL;
    int length = six ? asprintf(&url, "https://[%s]:%u", settings.address, settings.port)
                     : asprintf(&url, "https://%s:%u", settings.address, settings.port);
    *out = url;
    return length < 0 ? ERR_NO_MEMORY : OK;
}

enum status authority_client_open(const char *directory, const char *role, struct authority_client **out)
{
    char certificate_name[64], key_name[64];
    snprintf(certificate_name, sizeof(certificate_name), "operators/%s/machine.crt", role);
    snprintf(key_name, sizeof(key_name), "operators/%s/machine.key", role);
    char *certificate = path_in(directory, certificate_name), *key = path_in(directory, key_name);
    char *ca = path_in(directory, "public/server-ca.pem"), *url = NULL;
    struct authority_client *client = calloc(1, sizeof(*client));
    enum status status = certificate && key && ca && client ? make_url(directory, &url) : ERR_NO_MEMORY;
    if (status == OK) {
        const struct http_client_settings settings = {
            .base_url = url, .ca_file = ca, .certificate_file = certificate, .key_file = key};
        status = http_client_new(&settings, &client->http);
    }
    free(certificate);
    free(key);
    free(ca);
    free(url);
    if (status != OK)
        free(client);
    else
        *out = client;
    return status;
}

void authority_client_close(struct authority_client *client)
{
    if (!client)
        return;
    http_client_free(client->http);
    free(client);
}

static void read_refusal(const struct http_reply *reply, struct authority_refusal *out)
{
    const char *code, *title;
    json_t *root = json_loadb((const char *)reply->body.data, reply->body.length, 0, NULL);
    if (root && json_unpack(root, "{s:s, s:s}", "code", &code, "title", &title) == 0) {
        snprintf(out->code, sizeof(out->code), "%s", code);
        snprintf(out->title, sizeof(out->title), "%s", title);
    }
    json_decref(root);
}

static enum status take_reply(const struct http_reply *reply, json_t **answer,
                              struct authority_refusal *refusal)
{
    refusal->http_status = reply->status;
    if (reply->status < 200 || reply->status > 299) {
        read_refusal(reply, refusal);
        return ERR_DENIED;
    }
    *answer = json_loadb((const char *)reply->body.data, reply->body.length, JSON_REJECT_DUPLICATES, NULL);
    return *answer ? OK : ERR_MALFORMED;
}

enum status authority_client_post(struct authority_client *client, const char *path, json_t *request,
                                  json_t **answer, struct authority_refusal *refusal)
{
    struct http_reply reply = {.body = {.secret = true}};
    char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    *refusal = (struct authority_refusal){0};
    *answer = NULL;
    if (!text)
        return ERR_NO_MEMORY;
    const struct http_call call = {
        .method = METHOD_POST, .path = path, .content_type = "application/json", .body = bytes_of_text(text)};
    enum status status = http_client_call(client->http, &call, &reply);
    refusal->hop = reply.failed;
    if (status == OK)
        status = take_reply(&reply, answer, refusal);
    secret_wipe(text, strlen(text));
    free(text);
    http_reply_free(&reply);
    return status;
}

/* ---- cards ---- */

static json_t *json_of_order(const struct card_order *order)
{
    struct bytes number = my_number_secret(&order->number);
    return json_pack("{s:s%, s:s, s:s, s:o, s:o}", "my_number", (const char *)number.data, number.length,
                     "generation", generation_name(order->generation), "device", device_name(order->device),
                     "authentication_key", json_of_public_key(&order->authentication_key), "signature_key",
                     json_of_public_key(&order->signature_key));
}

static enum status take_issued(json_t *json, struct issued_certificate *out)
{
    const char *id, *certificate, *issuer;
    if (json_is_null(json))
        return OK;
    if (json_unpack(json, "{s:s, s:s, s:s}", "id", &id, "certificate", &certificate, "issuer", &issuer) != 0)
        return ERR_MALFORMED;
    enum status status = subject_id_parse(SUBJECT_CARD, id, &out->id);
    if (status == OK)
        status = bytes_of_json(certificate, &out->certificate);
    if (status == OK)
        status = bytes_of_json(issuer, &out->issuer);
    out->present = true;
    return status;
}

static enum status take_card(json_t *answer, struct issued_card *out)
{
    json_t *authentication, *signature;
    const char *not_after;
    if (json_unpack(answer, "{s:o, s:o, s:s}", "authentication", &authentication, "signature", &signature,
                    "not_after", &not_after) != 0)
        return ERR_MALFORMED;
    enum status status = take_issued(authentication, &out->authentication);
    if (status == OK)
        status = take_issued(signature, &out->signature);
    return status == OK ? moment_parse(not_after, strlen(not_after), &out->not_after) : status;
}

static enum status order_card(struct authority_client *client, const char *path,
                              const struct card_order *order, struct issued_card *out,
                              struct authority_refusal *refusal)
{
    json_t *answer;
    *out = (struct issued_card){0};
    enum status status = authority_client_post(client, path, json_of_order(order), &answer, refusal);
    if (status == OK)
        status = take_card(answer, out);
    json_decref(answer);
    if (status != OK)
        issued_card_free(out);
    return status;
}

enum status authority_client_issue_card(struct authority_client *client, const struct card_order *order,
                                        struct issued_card *out, struct authority_refusal *refusal)
{
    return order_card(client, "/v1/cards", order, out, refusal);
}

enum status authority_client_renew_card(struct authority_client *client, const struct card_order *order,
                                        struct issued_card *out, struct authority_refusal *refusal)
{
    return order_card(client, "/v1/renewals", order, out, refusal);
}

/* ---- residents ---- */

static enum status take_resident(json_t *answer, struct client_resident *out)
{
    const char *name, *kana, *alias, *address, *birth, *sex, *municipality;
    int has_photo;
    if (json_unpack(answer, "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "name", &name, "kana", &kana, "alias",
                    &alias, "address", &address, "birth_date", &birth, "sex", &sex, "municipality",
                    &municipality, "has_photo", &has_photo) != 0 ||
        strlen(municipality) != 5)
        return ERR_MALFORMED;
    *out = (struct client_resident){
        .name = strdup(name),
        .kana = strdup(kana),
        .alias = strdup(alias),
        .address = strdup(address),
        .has_photo = has_photo,
    };
    memcpy(out->municipality.digits, municipality, 5);
    if (!out->name || !out->kana || !out->alias || !out->address)
        return ERR_NO_MEMORY;
    if (sex_parse(sex, strlen(sex), &out->sex) != REASON_NONE)
        return ERR_MALFORMED;
    return date_parse(birth, strlen(birth), &out->birth);
}

enum status authority_client_find_resident(struct authority_client *client, const struct my_number *number,
                                           struct client_resident *out, struct authority_refusal *refusal)
{
    struct bytes digits = my_number_secret(number);
    json_t *answer;
    *out = (struct client_resident){0};
    enum status status = authority_client_post(
        client, "/v1/residents/show",
        json_pack("{s:s%}", "my_number", (const char *)digits.data, digits.length), &answer, refusal);
    if (status == OK)
        status = take_resident(answer, out);
    json_decref(answer);
    if (status != OK)
        authority_client_resident_free(out);
    return status;
}

void authority_client_resident_free(struct client_resident *resident)
{
    free(resident->name);
    free(resident->kana);
    free(resident->alias);
    free(resident->address);
    *resident = (struct client_resident){0};
}
