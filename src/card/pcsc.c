#include "card/pcsc.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "card/client.h"
#include "card/pcsc_transport.h"

enum { WAIT_STEP = 100 /* ms between two looks at the readers */ };

struct pcsc {
    SCARDCONTEXT context;
};

enum card_error pcsc_open(struct pcsc **out)
{
    *out = NULL;
    struct pcsc *pcsc = calloc(1, sizeof *pcsc);
    if (!pcsc)
        return CARD_ERR_NO_MEMORY;
    LONG code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &pcsc->context);
    if (code != SCARD_S_SUCCESS) {
        free(pcsc);
        return pcsc_error_of(code);
    }
    *out = pcsc;
    return CARD_OK;
}

void pcsc_close(struct pcsc *pcsc)
{
    if (!pcsc)
        return;
    SCardReleaseContext(pcsc->context);
    free(pcsc);
}

/* ---- Readers ---- */

/* names: each ends with a NUL, the last with two. */
static void take_names(const char *names, struct pcsc_readers *out)
{
    for (const char *name = names; *name != '\0' && out->count < PCSC_READERS; name += strlen(name) + 1) {
        if (strlen(name) >= PCSC_READER_NAME)
            continue;
        struct pcsc_reader *reader = &out->readers[out->count++];
        strcpy(reader->name, name);
    }
}

static LONG list_names(struct pcsc *pcsc, char *names, DWORD capacity)
{
    LONG code = SCardListReaders(pcsc->context, NULL, names, &capacity);
    if (code == SCARD_E_NO_READERS_AVAILABLE) {
        names[0] = '\0';
        return SCARD_S_SUCCESS;
    }
    return code;
}

static LONG list_names_of_any_run(struct pcsc *pcsc, char *names, DWORD capacity)
{
    LONG code = list_names(pcsc, names, capacity);
    if (!pcsc_service_was_restarted(code))
        return code;
    SCardReleaseContext(pcsc->context);
    code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &pcsc->context);
    return code == SCARD_S_SUCCESS ? list_names(pcsc, names, capacity) : code;
}

enum card_error pcsc_look(struct pcsc *pcsc, struct pcsc_readers *out)
{
    *out = (struct pcsc_readers){0};
    char names[PCSC_READERS * PCSC_READER_NAME + 1] = "";
    LONG code = list_names_of_any_run(pcsc, names, sizeof names);
    if (code != SCARD_S_SUCCESS)
        return pcsc_error_of(code);
    take_names(names, out);
    SCARD_READERSTATE states[PCSC_READERS];
    memset(states, 0, sizeof states);
    for (size_t i = 0; i < out->count; i++)
        states[i].szReader = out->readers[i].name;
    code =
        out->count == 0 ? SCARD_S_SUCCESS : SCardGetStatusChange(pcsc->context, 0, states, (DWORD)out->count);
    if (code != SCARD_S_SUCCESS && code != SCARD_E_TIMEOUT)
        return pcsc_error_of(code);
    for (size_t i = 0; i < out->count; i++)
        out->readers[i].slot = pcsc_slot_of(states[i].dwEventState);
    return CARD_OK;
}

/* ---- Finding the My Number Card ---- */

static void sleep_milliseconds(int milliseconds)
{
    const struct timespec wait = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};
    nanosleep(&wait, NULL);
}

static enum card_error look_into(struct card_transport *transport, int64_t deadline)
{
    struct card_client client = card_client_of(transport, deadline);
    struct card_description description;
    enum card_error error = card_client_begin(&client);
    if (error == CARD_OK)
        error = card_recognise(&client, &description);
    card_client_free(&client);
    return error;
}

static enum card_error try_reader(const struct pcsc_reader *reader, int64_t deadline,
                                  struct card_transport **out)
{
    switch (reader->slot) {
    case PCSC_EMPTY:
        return CARD_ERR_ABSENT;
    case PCSC_MUTE_CARD:
        return CARD_ERR_MUTE;
    case PCSC_CARD_IN_USE:
        return CARD_ERR_READER_BUSY;
    case PCSC_GONE:
        return CARD_ERR_READER_MISSING;
    case PCSC_CARD:
        break;
    }
    struct card_transport *transport = pcsc_transport_create(reader->name);
    if (!transport)
        return CARD_ERR_NO_MEMORY;
    enum card_error error = look_into(transport, deadline);
    if (error == CARD_OK)
        *out = transport;
    else
        card_transport_close(transport);
    return error;
}

/* What tells most about why there is no card to work with. */
static enum card_error more_telling(enum card_error a, enum card_error b)
{
    static const enum card_error order[] = {CARD_ERR_NO_MEMORY,     CARD_ERR_NOT_MY_NUMBER, CARD_ERR_MUTE,
                                            CARD_ERR_FAILED,        CARD_ERR_READER_BUSY,   CARD_ERR_REMOVED,
                                            CARD_ERR_READER_FAILED, CARD_ERR_ABSENT};
    for (size_t i = 0; i < ARRAY_LENGTH(order); i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return a;
}

static enum card_error find_now(struct pcsc *pcsc, const char *reader, int64_t deadline,
                                struct pcsc_reader *found, struct card_transport **out)
{
    struct pcsc_readers readers;
    enum card_error error = pcsc_look(pcsc, &readers);
    if (error != CARD_OK)
        return error;
    error = CARD_ERR_READER_MISSING;
    for (size_t i = 0; i < readers.count; i++) {
        if (reader && strcmp(reader, readers.readers[i].name) != 0)
            continue;
        struct card_transport *transport = NULL;
        enum card_error here = try_reader(&readers.readers[i], deadline, &transport);
        if (here != CARD_OK) {
            error = more_telling(here, error);
        } else if (*out) {
            card_transport_close(transport);
            return CARD_ERR_SEVERAL;
        } else {
            *out = transport;
            if (found)
                *found = readers.readers[i];
        }
    }
    return *out ? CARD_OK : error;
}

/* What may yet turn into a card on the reader while we wait. */
static bool may_change(enum card_error error)
{
    return error != CARD_OK && error != CARD_ERR_SEVERAL && error != CARD_ERR_NO_MEMORY &&
           error != CARD_ERR_SERVICE_MISSING;
}

enum card_error pcsc_find_card(struct pcsc *pcsc, const char *reader, int64_t deadline,
                               struct pcsc_reader *found, struct card_transport **out)
{
    *out = NULL;
    enum card_error error = find_now(pcsc, reader, deadline, found, out);
    while (may_change(error) && monotonic_microseconds() < deadline) {
        sleep_milliseconds(WAIT_STEP);
        error = find_now(pcsc, reader, deadline, found, out);
    }
    if (error != CARD_OK) {
        card_transport_close(*out);
        *out = NULL;
    }
    return error;
}
