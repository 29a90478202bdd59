#include "card/pcsc.h"

#include <reader.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <winscard.h>

#include "base/clock.h"
#include "card/client.h"

enum {
    WAIT_STEP = 100, /* ms between two looks at a card that another program holds */
    ATTEMPTS = 4,    /* to take a card that is reset each time we reach for it */
    RESPONSE_LENGTH = 65536 + 2,
};

struct pcsc {
    SCARDCONTEXT context;
};

static enum card_error error_of(LONG code)
{
    switch (code) {
    case SCARD_S_SUCCESS:
        return CARD_OK;
    case SCARD_E_NO_SERVICE:
    case SCARD_E_SERVICE_STOPPED:
        return CARD_ERR_SERVICE_MISSING;
    case SCARD_E_NO_READERS_AVAILABLE:
    case SCARD_E_UNKNOWN_READER:
    case SCARD_E_READER_UNAVAILABLE:
        return CARD_ERR_READER_MISSING;
    case SCARD_E_SHARING_VIOLATION:
        return CARD_ERR_READER_BUSY;
    case SCARD_E_NO_SMARTCARD:
        return CARD_ERR_ABSENT;
    case SCARD_W_REMOVED_CARD:
    case SCARD_W_RESET_CARD:
        return CARD_ERR_REMOVED;
    case SCARD_W_UNRESPONSIVE_CARD:
    case SCARD_W_UNPOWERED_CARD:
    case SCARD_W_UNSUPPORTED_CARD:
    case SCARD_E_PROTO_MISMATCH:
        return CARD_ERR_MUTE;
    case SCARD_E_TIMEOUT:
        return CARD_ERR_TIMEOUT;
    case SCARD_E_NO_MEMORY:
        return CARD_ERR_NO_MEMORY;
    case SCARD_E_INVALID_HANDLE:
    case SCARD_E_INVALID_PARAMETER:
    case SCARD_E_INVALID_VALUE:
        return CARD_ERR_INTERNAL;
    default:
        return CARD_ERR_READER_FAILED;
    }
}

enum card_error pcsc_open(struct pcsc **out)
{
    *out = NULL;
    struct pcsc *pcsc = calloc(1, sizeof *pcsc);
    if (!pcsc)
        return CARD_ERR_NO_MEMORY;
    LONG code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &pcsc->context);
    if (code != SCARD_S_SUCCESS) {
        free(pcsc);
        return error_of(code);
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

static enum pcsc_slot slot_of(DWORD state)
{
    if (state & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE))
        return PCSC_GONE;
    if (!(state & SCARD_STATE_PRESENT))
        return PCSC_EMPTY;
    if (state & SCARD_STATE_MUTE)
        return PCSC_MUTE_CARD;
    return state & SCARD_STATE_EXCLUSIVE ? PCSC_CARD_IN_USE : PCSC_CARD;
}

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

enum card_error pcsc_look(struct pcsc *pcsc, struct pcsc_readers *out)
{
    *out = (struct pcsc_readers){0};
    char names[PCSC_READERS * PCSC_READER_NAME + 1] = "";
    DWORD length = sizeof names;
    LONG code = SCardListReaders(pcsc->context, NULL, names, &length);
    if (code == SCARD_E_NO_READERS_AVAILABLE)
        return CARD_OK;
    if (code != SCARD_S_SUCCESS)
        return error_of(code);
    take_names(names, out);
    SCARD_READERSTATE states[PCSC_READERS];
    memset(states, 0, sizeof states);
    for (size_t i = 0; i < out->count; i++)
        states[i].szReader = out->readers[i].name;
    code = SCardGetStatusChange(pcsc->context, 0, states, (DWORD)out->count);
    if (code != SCARD_S_SUCCESS && code != SCARD_E_TIMEOUT)
        return error_of(code);
    for (size_t i = 0; i < out->count; i++)
        out->readers[i].slot = slot_of(states[i].dwEventState);
    return CARD_OK;
}

/* ---- The way to a card ---- */

struct pcsc_transport {
    struct card_transport transport;
    SCARDCONTEXT context; /* of the struct pcsc */
    SCARDHANDLE card;
    bool connected;
    char reader[PCSC_READER_NAME];
    uint8_t response[RESPONSE_LENGTH];
};

static struct pcsc_transport *pcsc_transport_of(struct card_transport *transport)
{
    return (struct pcsc_transport *)transport; /* its first member */
}

static void disconnect(struct pcsc_transport *pcsc, DWORD disposition)
{
    if (pcsc->connected)
        SCardDisconnect(pcsc->card, disposition);
    pcsc->connected = false;
}

static enum card_error connect_to_card(struct pcsc_transport *pcsc)
{
    DWORD protocol;
    LONG code = SCardConnect(pcsc->context, pcsc->reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, &pcsc->card,
                             &protocol);
    pcsc->connected = code == SCARD_S_SUCCESS;
    return error_of(code);
}

static void sleep_milliseconds(int milliseconds)
{
    const struct timespec wait = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};
    nanosleep(&wait, NULL);
}

static LONG ask_for_atr(struct pcsc_transport *pcsc)
{
    uint8_t atr[MAX_ATR_SIZE];
    DWORD length = sizeof atr;
    return SCardGetAttrib(pcsc->card, SCARD_ATTR_ATR_STRING, atr, &length);
}

/*
 * SCardBeginTransaction waits for another program's transaction without limit. A harmless question is refused
 * at once while there is one, so we ask until it is over.
 */
static enum card_error wait_for_turn(struct pcsc_transport *pcsc, int64_t deadline)
{
    while (ask_for_atr(pcsc) == SCARD_E_SHARING_VIOLATION) {
        if (monotonic_microseconds() >= deadline)
            return CARD_ERR_READER_BUSY;
        sleep_milliseconds(WAIT_STEP);
    }
    return CARD_OK;
}

static enum card_error begin_once(struct pcsc_transport *pcsc, int64_t deadline, bool *again)
{
    enum card_error error = pcsc->connected ? CARD_OK : connect_to_card(pcsc);
    if (error == CARD_OK)
        error = wait_for_turn(pcsc, deadline);
    if (error != CARD_OK)
        return error;
    LONG code = SCardBeginTransaction(pcsc->card);
    if (code == SCARD_S_SUCCESS)
        return CARD_OK;
    /* Powered off while idle, reset by another program, or another card in the reader: a new connection has
     * nothing of the old one. */
    *again = code == SCARD_W_RESET_CARD || code == SCARD_W_REMOVED_CARD || code == SCARD_E_INVALID_HANDLE;
    disconnect(pcsc, SCARD_LEAVE_CARD);
    return error_of(code);
}

static enum card_error pcsc_begin(struct card_transport *transport, int64_t deadline)
{
    struct pcsc_transport *pcsc = pcsc_transport_of(transport);
    enum card_error error = CARD_ERR_INTERNAL;
    bool again = true;
    for (int i = 0; i < ATTEMPTS && again; i++) {
        again = false;
        error = begin_once(pcsc, deadline, &again);
    }
    return error;
}

/* A reader says "communication error" for a card that was pulled until it has looked once more. */
static enum card_error explain_failure(struct pcsc_transport *pcsc, LONG code)
{
    SCARD_READERSTATE state = {.szReader = pcsc->reader};
    enum card_error error = error_of(code);
    if (error != CARD_ERR_READER_FAILED)
        return error == CARD_ERR_ABSENT ? CARD_ERR_REMOVED : error;
    for (int waited = 0; waited < 1000; waited += WAIT_STEP) { /* pcscd looks every 0.4 s */
        state.dwCurrentState = SCARD_STATE_UNAWARE;
        if (SCardGetStatusChange(pcsc->context, 0, &state, 1) != SCARD_S_SUCCESS)
            return error;
        enum pcsc_slot slot = slot_of(state.dwEventState);
        if (slot == PCSC_GONE)
            return CARD_ERR_READER_MISSING;
        if (slot == PCSC_EMPTY)
            return CARD_ERR_REMOVED;
        sleep_milliseconds(WAIT_STEP);
    }
    return CARD_ERR_READER_FAILED;
}

static enum card_error pcsc_transmit(struct card_transport *transport, struct bytes command,
                                     struct buffer *response)
{
    struct pcsc_transport *pcsc = pcsc_transport_of(transport);
    DWORD length = sizeof pcsc->response;
    buffer_clear(response);
    LONG code = SCardTransmit(pcsc->card, SCARD_PCI_T1, command.data, (DWORD)command.length, NULL,
                              pcsc->response, &length);
    if (code != SCARD_S_SUCCESS)
        return explain_failure(pcsc, code);
    enum status status = buffer_append(response, bytes_of(pcsc->response, length));
    secret_wipe(pcsc->response, length);
    return status == OK ? CARD_OK : CARD_ERR_NO_MEMORY;
}

static void pcsc_end(struct card_transport *transport, bool forget)
{
    struct pcsc_transport *pcsc = pcsc_transport_of(transport);
    LONG code = SCardEndTransaction(pcsc->card, forget ? SCARD_RESET_CARD : SCARD_LEAVE_CARD);
    if (code != SCARD_S_SUCCESS || forget)
        disconnect(pcsc, forget ? SCARD_RESET_CARD : SCARD_LEAVE_CARD);
}

static void pcsc_transport_close(struct card_transport *transport)
{
    struct pcsc_transport *pcsc = pcsc_transport_of(transport);
    disconnect(pcsc, SCARD_LEAVE_CARD);
    free(pcsc);
}

static const struct card_transport_operations pcsc_operations = {
    .begin = pcsc_begin,
    .transmit = pcsc_transmit,
    .end = pcsc_end,
    .close = pcsc_transport_close,
};

static struct card_transport *transport_to(struct pcsc *pcsc, const char *reader)
{
    struct pcsc_transport *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    made->transport.operations = &pcsc_operations;
    made->context = pcsc->context;
    strcpy(made->reader, reader);
    return &made->transport;
}

/* ---- Finding the My Number Card ---- */

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

static enum card_error try_reader(struct pcsc *pcsc, const struct pcsc_reader *reader, int64_t deadline,
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
    struct card_transport *transport = transport_to(pcsc, reader->name);
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
        enum card_error here = try_reader(pcsc, &readers.readers[i], deadline, &transport);
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
