#include "clinic/diagnosis.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card/pcsc.h"
#include "clinic/card_reason.h"

enum {
    CARD_TIME = 3 * MICROSECONDS,
    CALL_TIME = 6000, /* ms */
    HTTP_OK = 200,
    EXPIRY_NOTICE_DAYS = 60,
};

static struct finding *add(struct diagnosis *diagnosis, enum hop hop, enum finding_state state, int64_t since)
{
    struct finding *finding = &diagnosis->findings[diagnosis->count++];
    *finding = (struct finding){.hop = hop, .state = state};
    if (state != FINDING_SKIPPED)
        finding->microseconds = monotonic_microseconds() - since;
    return finding;
}

static void detail(struct finding *finding, const char *format, ...) PRINTF_LIKE(2, 3);
static void detail(struct finding *finding, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->detail, sizeof finding->detail, format, arguments);
    va_end(arguments);
}

/* ---- Settings, keys, certificates ---- */

static void describe_machine(struct finding *finding, const struct certificate *machine, moment now)
{
    struct date last = date_in_tokyo(machine->not_after);
    char text[11];
    date_format(last, text);
    int days = last.days - date_in_tokyo(now).days;
    detail(finding, "machine certificate until %s%s", text,
           days < EXPIRY_NOTICE_DAYS ? ", to be renewed soon" : "");
    if (now <= machine->not_after && now >= machine->not_before)
        return;
    finding->state = FINDING_BAD;
    finding->reason = REASON_MACHINE_CERTIFICATE_EXPIRED;
}

static bool look_at_settings(const char *path, const struct clock *clock, struct clinic_settings *settings,
                             struct clinic *clinic, struct diagnosis *out)
{
    int64_t since = monotonic_microseconds();
    struct settings_fault fault;
    enum status status = clinic_settings_load(path, settings, &fault);
    if (status == OK)
        status = clinic_open(settings, clock, clinic, &fault);
    struct finding *finding = add(out, HOP_SETTINGS, status == OK ? FINDING_GOOD : FINDING_BAD, since);
    if (status != OK) {
        finding->reason = REASON_SETTINGS_INVALID;
        detail(finding, "%s", fault.text);
        return false;
    }
    describe_machine(finding, &clinic->machine, clock_now(clock));
    return true;
}

/* ---- Reader and card ---- */

static bool holds_card(const struct pcsc_readers *readers, const char *wanted)
{
    for (size_t i = 0; i < readers->count; i++)
        if ((!wanted || strcmp(wanted, readers->readers[i].name) == 0) &&
            readers->readers[i].slot != PCSC_EMPTY)
            return true;
    return false;
}

static bool has_reader(const struct pcsc_readers *readers, const char *wanted)
{
    for (size_t i = 0; i < readers->count; i++)
        if (!wanted || strcmp(wanted, readers->readers[i].name) == 0)
            return true;
    return false;
}

static void list_readers(struct finding *finding, const struct pcsc_readers *readers)
{
    size_t length = 0;
    for (size_t i = 0; i < readers->count && length + 1 < sizeof finding->detail; i++) {
        int written = snprintf(finding->detail + length, sizeof finding->detail - length, "%s%s",
                               i == 0 ? "" : ", ", readers->readers[i].name);
        length += written > 0 ? (size_t)written : 0;
    }
}

static bool look_at_readers(struct pcsc **pcsc, const char *wanted, struct pcsc_readers *readers,
                            struct diagnosis *out)
{
    int64_t since = monotonic_microseconds();
    enum card_error error = pcsc_open(pcsc);
    if (error == CARD_OK)
        error = pcsc_look(*pcsc, readers);
    if (error == CARD_OK && !has_reader(readers, wanted))
        error = CARD_ERR_READER_MISSING;
    struct finding *finding = add(out, HOP_READER, error == CARD_OK ? FINDING_GOOD : FINDING_BAD, since);
    finding->reason = reason_of_card_error(error, 0);
    list_readers(finding, readers);
    return error == CARD_OK;
}

static enum card_error describe_card(struct card_transport *card, struct card_description *out)
{
    struct card_client client = card_client_of(card, monotonic_microseconds() + CARD_TIME);
    enum card_error error = card_client_begin(&client);
    if (error == CARD_OK)
        error = card_recognise(&client, out);
    card_client_free(&client);
    return error;
}

static void look_at_card(struct pcsc *pcsc, const char *wanted, struct diagnosis *out)
{
    int64_t since = monotonic_microseconds();
    struct card_transport *card = NULL;
    struct card_description description = {0};
    enum card_error error = pcsc_find_card(pcsc, wanted, monotonic_microseconds() + CARD_TIME, NULL, &card);
    if (error == CARD_OK)
        error = describe_card(card, &description);
    struct finding *finding = add(out, HOP_CARD, error == CARD_OK ? FINDING_GOOD : FINDING_BAD, since);
    finding->reason = reason_of_card_error(error, 0);
    if (error == CARD_OK && description.has_pin)
        detail(finding, "%s, PIN tries left: %u", description.label, description.tries_left);
    else if (error == CARD_OK)
        detail(finding, "%s, without PIN", description.label);
    card_transport_close(card);
}

static void look_at_reader_and_card(const char *wanted, struct diagnosis *out)
{
    struct pcsc *pcsc = NULL;
    struct pcsc_readers readers = {0};
    bool has_reader_now = look_at_readers(&pcsc, wanted, &readers, out);
    if (has_reader_now && holds_card(&readers, wanted)) {
        look_at_card(pcsc, wanted, out);
    } else {
        struct finding *finding = add(out, HOP_CARD, FINDING_SKIPPED, 0);
        detail(finding, "%s", has_reader_now ? "no card in the reader" : "no reader");
    }
    pcsc_close(pcsc);
}

/* ---- The line to the centre ---- */

static enum reason reason_of_hop(enum hop hop)
{
    if (hop == HOP_RESOLVE)
        return REASON_NAME_NOT_RESOLVED;
    if (hop == HOP_CONNECT)
        return REASON_NETWORK_UNREACHABLE;
    return hop == HOP_TLS ? REASON_SECURE_CONNECTION_FAILED : REASON_CENTRE_UNREACHABLE;
}

/* The hops before the one that failed were good; those behind it were not reached. */
static void add_line(struct diagnosis *out, enum hop failed, const struct http_reply *reply,
                     enum status status)
{
    static const enum hop hops[] = {HOP_RESOLVE, HOP_CONNECT, HOP_TLS};
    for (size_t i = 0; i < ARRAY_LENGTH(hops); i++) {
        enum finding_state state = hops[i] < failed    ? FINDING_GOOD
                                   : hops[i] == failed ? FINDING_BAD
                                                       : FINDING_SKIPPED;
        struct finding *finding = add(out, hops[i], state, 0);
        finding->microseconds = 0; /* one call went through all of them: told with the last */
        if (state == FINDING_BAD) {
            finding->reason = reason_of_hop(failed);
            finding->microseconds = reply->microseconds;
            detail(finding, "%s", status_name(status));
        }
    }
}

/* How far the terminal's clock is from the centre's: the day of treatment depends on it. */
static void describe_clock(struct finding *finding, const struct http_reply *reply, moment ours)
{
    struct region region = {0};
    json_t *json = NULL;
    if (json_read_text(buffer_bytes(&reply->body), &json) == OK) {
        struct json_reading reading = json_reading_of(json, &region);
        moment centre = json_get_moment(&reading, "now");
        if (reading.status == OK)
            detail(finding, "clock differs by %lld s", (long long)((ours - centre) / MICROSECONDS));
    }
    json_decref(json);
    region_free(&region);
}

static void add_centre(struct clinic *clinic, struct diagnosis *out, const struct http_reply *reply,
                       enum status status)
{
    bool good = status == OK && reply->status == HTTP_OK;
    struct finding *finding = add(out, HOP_CENTRE, good ? FINDING_GOOD : FINDING_BAD, 0);
    finding->microseconds = reply->microseconds;
    if (good) {
        describe_clock(finding, reply, clock_now(clinic->clock));
        return;
    }
    finding->reason = REASON_CENTRE_UNREACHABLE;
    if (status != OK) {
        detail(finding, "%s", status_name(status));
        return;
    }
    struct outcome refused;
    outcome_of_check_reply(reply->status, buffer_bytes(&reply->body), &clinic->texts, &refused);
    const struct reason_entry *entry = reason_by_code(refused.reason, strlen(refused.reason));
    if (entry)
        finding->reason = entry->reason;
    detail(finding, "HTTP %u", reply->status);
    outcome_free(&refused);
}

static void look_at_line(struct clinic *clinic, struct diagnosis *out)
{
    static const char body[] = "{\"count\":1}";
    const struct http_call call = {.method = METHOD_POST,
                                   .path = "/v1/challenges",
                                   .content_type = "application/json",
                                   .body = bytes_of(body, sizeof body - 1),
                                   .deadline = CALL_TIME};
    struct http_reply reply = {0};
    enum status status = http_client_call(clinic->http, &call, &reply);
    bool reached = status == OK || reply.failed == HTTP_HOP_HTTP;
    enum hop failed = reached                            ? HOP_CENTRE
                      : reply.failed == HTTP_HOP_RESOLVE ? HOP_RESOLVE
                      : reply.failed == HTTP_HOP_TLS     ? HOP_TLS
                                                         : HOP_CONNECT;
    add_line(out, failed, &reply, status);
    if (reached)
        add_centre(clinic, out, &reply, status);
    else
        (void)add(out, HOP_CENTRE, FINDING_SKIPPED, 0);
    http_reply_free(&reply);
}

static void skip_line(struct diagnosis *out)
{
    static const enum hop hops[] = {HOP_RESOLVE, HOP_CONNECT, HOP_TLS, HOP_CENTRE};
    for (size_t i = 0; i < ARRAY_LENGTH(hops); i++)
        (void)add(out, hops[i], FINDING_SKIPPED, 0);
}

void diagnose(const char *settings_path, const struct clock *clock, struct diagnosis *out)
{
    *out = (struct diagnosis){0};
    struct clinic_settings settings = {0};
    struct clinic clinic = {0};
    bool opened = look_at_settings(settings_path, clock, &settings, &clinic, out);
    look_at_reader_and_card(settings.reader, out);
    if (opened)
        look_at_line(&clinic, out);
    else
        skip_line(out);
    clinic_close(&clinic);
    clinic_settings_free(&settings);
}

bool diagnosis_is_good(const struct diagnosis *diagnosis)
{
    for (size_t i = 0; i < diagnosis->count; i++)
        if (diagnosis->findings[i].state == FINDING_BAD)
            return false;
    return true;
}
