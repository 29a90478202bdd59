#include "clinic/clinic.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

enum {
    CONNECT_TIME = 3000, /* ms */
    CALL_TIME = 6000,
    FETCH_COUNT = 20,
    FETCH_BELOW = 5,
    HTTP_OK = 200,
};

/* ---- Who this terminal is ---- */

static enum status fault_of(struct settings_fault *fault, const char *what, enum status status)
{
    snprintf(fault->text, sizeof fault->text, "%s: %s", what, status_name(status));
    return status;
}

static enum status load_centre(const char *path, struct sha256 *out)
{
    struct certificate ca = {0};
    enum status status = certificate_load(path, &ca);
    if (status == OK)
        status = public_key_hash(&ca.key, out);
    certificate_free(&ca);
    return status;
}

static enum status load_machine(const struct clinic_settings *settings, struct certificate *out,
                                struct settings_fault *fault)
{
    enum status status = certificate_load(settings->machine_certificate, out);
    if (status != OK)
        return fault_of(fault, settings->machine_certificate, status);
    bool is_ours = out->kind == CERTIFICATE_MACHINE && out->machine.kind == MACHINE_INSTITUTION &&
                   strcmp(out->machine.code, settings->institution.digits) == 0;
    return is_ours ? OK : fault_of(fault, "machine_certificate is not institution_code's", ERR_RANGE);
}

static enum status load_machine_key(const struct clinic_settings *settings, const struct certificate *machine,
                                    struct settings_fault *fault)
{
    struct private_key key = {0};
    struct public_key own = {0};
    struct sha256 own_hash, certified_hash;
    enum status status = private_key_load(settings->machine_key, &key);
    if (status == OK)
        status = public_key_of(&key, &own);
    if (status == OK)
        status = public_key_hash(&own, &own_hash);
    if (status == OK)
        status = public_key_hash(&machine->key, &certified_hash);
    if (status == OK && !sha256_equal(&own_hash, &certified_hash))
        status = ERR_DAMAGED; /* not the key of this certificate */
    public_key_free(&own);
    private_key_free(&key);
    return status == OK ? OK : fault_of(fault, settings->machine_key, status);
}

static enum status load_terminal_certificate(const char *path, struct terminal_certificate *out)
{
    struct buffer file = {0};
    enum status status = file_read(path, TERMINAL_CERTIFICATE_LENGTH, &file);
    if (status == OK)
        status = terminal_certificate_parse(buffer_bytes(&file), out);
    buffer_free(&file);
    return status;
}

static enum status load_terminal(const struct clinic_settings *settings, struct clinic *out,
                                 struct settings_fault *fault)
{
    if (!settings->terminal_certificate)
        return OK;
    enum status status =
        load_terminal_certificate(settings->terminal_certificate, &out->terminal.certificate);
    if (status != OK)
        return fault_of(fault, settings->terminal_certificate, status);
    if (!terminal_belongs_to(&out->terminal.certificate.subject, settings->institution.digits))
        return fault_of(fault, "terminal_certificate is not institution_code's", ERR_RANGE);
    status = private_key_load(settings->terminal_key, &out->terminal.key);
    if (status != OK)
        return fault_of(fault, settings->terminal_key, status);
    out->has_terminal = true;
    return OK;
}

static enum status open_line(const struct clinic_settings *settings, struct clinic *out,
                             struct settings_fault *fault)
{
    const struct http_client_settings line = {.base_url = settings->centre_url,
                                              .ca_file = settings->centre_ca,
                                              .certificate_file = settings->machine_certificate,
                                              .key_file = settings->machine_key,
                                              .connect_time = CONNECT_TIME};
    enum status status = http_client_new(&line, &out->http);
    return status == OK ? OK : fault_of(fault, "centre_url", status);
}

static enum status open_parts(const struct clinic_settings *settings, struct clinic *out,
                              struct settings_fault *fault)
{
    enum status status = load_centre(settings->centre_ca, &out->centre);
    if (status != OK)
        return fault_of(fault, settings->centre_ca, status);
    status = load_machine(settings, &out->machine, fault);
    if (status == OK)
        status = load_machine_key(settings, &out->machine, fault);
    if (status == OK)
        status = load_terminal(settings, out, fault);
    if (status == OK)
        status = open_line(settings, out, fault);
    return status;
}

enum status clinic_open(const struct clinic_settings *settings, const struct clock *clock, struct clinic *out,
                        struct settings_fault *fault)
{
    int64_t since = monotonic_microseconds();
    *out = (struct clinic){.settings = settings, .clock = clock};
    *fault = (struct settings_fault){0};
    enum status status = open_parts(settings, out, fault);
    out->challenges = (struct challenge_store){
        .path = settings->challenge_file, .centre = out->centre, .caller = out->machine.fingerprint};
    trace_add(&out->trace, HOP_SETTINGS, status_name(status), since);
    return status;
}

void clinic_close(struct clinic *clinic)
{
    http_client_free(clinic->http);
    certificate_free(&clinic->machine);
    private_key_free(&clinic->terminal.key);
    region_free(&clinic->texts);
    *clinic = (struct clinic){0};
}

/* ---- Calls ---- */

static enum hop hop_of(enum http_hop failed)
{
    switch (failed) {
    case HTTP_HOP_RESOLVE:
        return HOP_RESOLVE;
    case HTTP_HOP_CONNECT:
        return HOP_CONNECT;
    case HTTP_HOP_TLS:
        return HOP_TLS;
    case HTTP_HOP_HTTP:
    case HTTP_HOP_NONE:
        break;
    }
    return HOP_CENTRE;
}

static enum status call_once(struct clinic *clinic, const struct http_call *call, struct http_reply *reply)
{
    enum status status = http_client_call(clinic->http, call, reply);
    trace_add_took(&clinic->trace, hop_of(reply->failed), status_name(status), reply->microseconds);
    return status;
}

enum status clinic_call(struct clinic *clinic, const char *path, struct bytes body, struct http_reply *reply)
{
    const struct http_call call = {.method = body.length > 0 ? METHOD_POST : METHOD_GET,
                                   .path = path,
                                   .content_type = body.length > 0 ? "application/json" : NULL,
                                   .body = body,
                                   .deadline = CALL_TIME};
    enum status status = call_once(clinic, &call, reply);
    bool may_have_arrived =
        (status == ERR_UNREACHABLE || status == ERR_TIMEOUT) && reply->failed == HTTP_HOP_HTTP;
    return may_have_arrived ? call_once(clinic, &call, reply) : status;
}

/* ---- Challenges ---- */

struct fetched {
    struct challenge challenges[FETCH_COUNT];
    size_t count;
    moment expires_at; /* by our own clock */
};

static enum status take_fetched(const json_t *json, struct region *region, moment ours, struct fetched *out)
{
    *out = (struct fetched){0};
    struct json_reading reading = json_reading_of(json, region);
    moment expires_at = json_get_moment(&reading, "expires_at");
    moment now = json_get_moment(&reading, "now");
    const json_t *challenges = json_object_get(json, "challenges");
    size_t count = json_array_size(challenges);
    if (reading.status != OK || count == 0 || count > FETCH_COUNT)
        return ERR_MALFORMED;
    for (size_t i = 0; i < count; i++) {
        const json_t *text = json_array_get(challenges, i);
        struct buffer decoded = {0};
        enum status status = json_is_string(text)
                                 ? base64_decode(json_string_value(text), json_string_length(text), &decoded)
                                 : ERR_MALFORMED;
        if (status == OK && decoded.length != CHALLENGE_LENGTH)
            status = ERR_MALFORMED;
        if (status == OK)
            memcpy(out->challenges[i].bytes, decoded.data, CHALLENGE_LENGTH);
        buffer_free(&decoded);
        if (status != OK)
            return status;
    }
    out->count = count;
    out->expires_at = ours + (expires_at - now); /* our clock may be off */
    return OK;
}

static enum status read_fetched(struct clinic *clinic, const struct http_reply *reply, struct fetched *out,
                                struct outcome *refused)
{
    if (reply->status != HTTP_OK) {
        outcome_of_check_reply(reply->status, buffer_bytes(&reply->body), &clinic->texts, refused);
        return refused->source == OUTCOME_REFUSED ? ERR_DENIED : ERR_UNREACHABLE;
    }
    struct region region = {0};
    json_t *json = NULL;
    enum status status = json_read_text(buffer_bytes(&reply->body), &json);
    if (status == OK)
        status = take_fetched(json, &region, clock_now(clinic->clock), out);
    json_decref(json);
    region_free(&region);
    if (status == OK)
        return OK;
    outcome_of_reason(OUTCOME_NO_CENTRE, REASON_CENTRE_UNREACHABLE, -1, refused);
    return ERR_UNREACHABLE;
}

static enum status fetch(struct clinic *clinic, struct fetched *out, struct outcome *refused)
{
    char body[32];
    int length = snprintf(body, sizeof body, "{\"count\":%d}", FETCH_COUNT);
    struct http_reply reply = {0};
    enum status status = clinic_call(clinic, "/v1/challenges", bytes_of(body, (size_t)length), &reply);
    if (status == OK) {
        status = read_fetched(clinic, &reply, out, refused);
    } else {
        outcome_of_reason(OUTCOME_NO_CENTRE, REASON_CENTRE_UNREACHABLE, -1, refused);
        status = ERR_UNREACHABLE;
    }
    http_reply_free(&reply);
    return status;
}

/* A store that cannot be written costs a round trip, no more. */
static void store(struct clinic *clinic, const struct challenge *challenges, size_t count, moment expires_at)
{
    enum status status = challenge_store_put(&clinic->challenges, challenges, count, expires_at);
    if (status != OK)
        LOG(LOG_WARNING, "challenges_not_stored", log_status("status", status));
}

enum status clinic_take_challenge(struct clinic *clinic, struct challenge *out, struct outcome *refused)
{
    int64_t since = monotonic_microseconds();
    if (challenge_store_take(&clinic->challenges, clock_now(clinic->clock), out) == OK) {
        trace_add(&clinic->trace, HOP_CHALLENGE, "ok", since);
        return OK;
    }
    struct fetched fetched;
    enum status status = fetch(clinic, &fetched, refused);
    if (status != OK)
        return status;
    *out = fetched.challenges[--fetched.count];
    store(clinic, fetched.challenges, fetched.count, fetched.expires_at);
    return OK;
}

void clinic_forget_challenges(struct clinic *clinic)
{
    store(clinic, NULL, 0, clock_now(clinic->clock));
}

void clinic_fetch_ahead(struct clinic *clinic)
{
    size_t count;
    enum status status = challenge_store_count(&clinic->challenges, clock_now(clinic->clock), &count);
    if (status != OK || count >= FETCH_BELOW)
        return;
    struct fetched fetched;
    struct outcome refused = {0};
    if (fetch(clinic, &fetched, &refused) == OK)
        store(clinic, fetched.challenges, fetched.count, fetched.expires_at);
    outcome_free(&refused);
}
