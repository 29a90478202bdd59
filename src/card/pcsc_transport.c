#include "card/pcsc_transport.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

enum {
    WAIT_STEP = 100, /* ms between two looks at a reader */
    ATTEMPTS = 4,    /* to take a card that is reset each time we reach for it */
    RESPONSE_LENGTH = 65536 + 2,
};

enum card_error pcsc_error_of(LONG code)
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

enum pcsc_slot pcsc_slot_of(DWORD state)
{
    if (state & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE))
        return PCSC_GONE;
    if (!(state & SCARD_STATE_PRESENT))
        return PCSC_EMPTY;
    if (state & SCARD_STATE_MUTE)
        return PCSC_MUTE_CARD;
    return state & SCARD_STATE_EXCLUSIVE ? PCSC_CARD_IN_USE : PCSC_CARD;
}

/*
 * SCardConnect and SCardBeginTransaction wait for another program's transaction without limit. So a thread of
 * its own reaches for the card, over a context of its own, and whoever asked stops waiting at the deadline:
 * then the line belongs to that thread, which lets go of the card as soon as it has it.
 */
struct line {
    char reader[PCSC_READER_NAME];
    SCARDCONTEXT context;
    bool has_context;
    SCARDHANDLE card;
    bool connected;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t ended;
    bool done;
    bool abandoned;
    enum card_error error;
};

static struct line *line_create(const char *reader)
{
    struct line *line = calloc(1, sizeof *line);
    if (!line)
        return NULL;
    strcpy(line->reader, reader);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&line->ended, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&line->mutex, NULL);
    return line;
}

static void line_disconnect(struct line *line, DWORD disposition)
{
    if (line->connected)
        SCardDisconnect(line->card, disposition);
    line->connected = false;
}

static void line_free(struct line *line)
{
    if (!line)
        return;
    line_disconnect(line, SCARD_LEAVE_CARD);
    if (line->has_context)
        SCardReleaseContext(line->context);
    pthread_cond_destroy(&line->ended);
    pthread_mutex_destroy(&line->mutex);
    free(line);
}

static LONG line_connect(struct line *line)
{
    LONG code = SCARD_S_SUCCESS;
    if (!line->has_context)
        code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &line->context);
    if (code != SCARD_S_SUCCESS)
        return code;
    line->has_context = true;
    DWORD protocol;
    code = SCardConnect(line->context, line->reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, &line->card,
                        &protocol);
    line->connected = code == SCARD_S_SUCCESS;
    return code;
}

bool pcsc_service_was_restarted(LONG code)
{
    return code == SCARD_E_NO_SERVICE || code == SCARD_E_SERVICE_STOPPED || code == SCARD_E_INVALID_HANDLE;
}

/* Powered off while idle, reset by another program, another card in the reader, or another run of the
 * service: a new connection has nothing of the old one. */
static bool is_worth_another_try(LONG code)
{
    return code == SCARD_W_RESET_CARD || code == SCARD_W_REMOVED_CARD || pcsc_service_was_restarted(code);
}

static void line_release_service(struct line *line)
{
    if (line->has_context)
        SCardReleaseContext(line->context);
    line->has_context = false;
}

static enum card_error line_take_card(struct line *line)
{
    LONG code = SCARD_S_SUCCESS;
    for (int i = 0; i < ATTEMPTS; i++) {
        code = line->connected ? SCARD_S_SUCCESS : line_connect(line);
        if (code == SCARD_S_SUCCESS)
            code = SCardBeginTransaction(line->card);
        if (code == SCARD_S_SUCCESS)
            return CARD_OK;
        line_disconnect(line, SCARD_LEAVE_CARD);
        if (!is_worth_another_try(code))
            break;
        if (pcsc_service_was_restarted(code))
            line_release_service(line);
    }
    return pcsc_error_of(code);
}

static void *reach_for_card(void *argument)
{
    struct line *line = argument;
    enum card_error error = line_take_card(line);
    pthread_mutex_lock(&line->mutex);
    line->error = error;
    line->done = true;
    bool abandoned = line->abandoned;
    pthread_cond_signal(&line->ended);
    pthread_mutex_unlock(&line->mutex);
    if (abandoned) {
        if (error == CARD_OK)
            SCardEndTransaction(line->card, SCARD_LEAVE_CARD);
        line_free(line);
    }
    return NULL;
}

static struct timespec time_of(int64_t monotonic)
{
    return (struct timespec){.tv_sec = monotonic / MICROSECONDS, .tv_nsec = monotonic % MICROSECONDS * 1000};
}

/* false: the deadline is over and the line belongs to the thread. */
static bool wait_for_card(struct line *line, int64_t deadline)
{
    const struct timespec until = time_of(deadline);
    pthread_mutex_lock(&line->mutex);
    while (!line->done && pthread_cond_timedwait(&line->ended, &line->mutex, &until) != ETIMEDOUT)
        continue;
    bool done = line->done;
    line->abandoned = !done;
    pthread_mutex_unlock(&line->mutex);
    return done;
}

struct pcsc_transport {
    struct card_transport transport;
    struct line *line; /* owned; NULL: none yet, or abandoned to its thread */
    char reader[PCSC_READER_NAME];
    uint8_t response[RESPONSE_LENGTH];
};

static struct pcsc_transport *pcsc_transport_of(struct card_transport *transport)
{
    return (struct pcsc_transport *)transport; /* its first member */
}

static enum card_error pcsc_begin(struct card_transport *transport, int64_t deadline)
{
    struct pcsc_transport *pcsc = pcsc_transport_of(transport);
    if (!pcsc->line)
        pcsc->line = line_create(pcsc->reader);
    if (!pcsc->line)
        return CARD_ERR_NO_MEMORY;
    pcsc->line->done = false;
    pthread_t thread;
    if (pthread_create(&thread, NULL, reach_for_card, pcsc->line) != 0)
        return CARD_ERR_NO_MEMORY;
    if (!wait_for_card(pcsc->line, deadline)) {
        pthread_detach(thread);
        pcsc->line = NULL;
        return CARD_ERR_READER_BUSY;
    }
    pthread_join(thread, NULL);
    return pcsc->line->error;
}

static void sleep_milliseconds(int milliseconds)
{
    const struct timespec wait = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};
    nanosleep(&wait, NULL);
}

/* A reader says "communication error" for a card that was pulled until it has looked once more. */
static enum card_error explain_failure(struct pcsc_transport *pcsc, LONG code)
{
    SCARD_READERSTATE state = {.szReader = pcsc->reader};
    enum card_error error = pcsc_error_of(code);
    if (error != CARD_ERR_READER_FAILED)
        return error == CARD_ERR_ABSENT ? CARD_ERR_REMOVED : error;
    for (int waited = 0; waited < 1000; waited += WAIT_STEP) { /* pcscd looks every 0.4 s */
        state.dwCurrentState = SCARD_STATE_UNAWARE;
        if (SCardGetStatusChange(pcsc->line->context, 0, &state, 1) != SCARD_S_SUCCESS)
            return error;
        enum pcsc_slot slot = pcsc_slot_of(state.dwEventState);
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
    LONG code = SCardTransmit(pcsc->line->card, SCARD_PCI_T1, command.data, (DWORD)command.length, NULL,
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
    LONG code = SCardEndTransaction(pcsc->line->card, forget ? SCARD_RESET_CARD : SCARD_LEAVE_CARD);
    if (code != SCARD_S_SUCCESS || forget)
        line_disconnect(pcsc->line, forget ? SCARD_RESET_CARD : SCARD_LEAVE_CARD);
}

static void pcsc_transport_close(struct card_transport *transport)
{
    struct pcsc_transport *pcsc = pcsc_transport_of(transport);
    line_free(pcsc->line);
    free(pcsc);
}

static const struct card_transport_operations pcsc_operations = {
    .begin = pcsc_begin,
    .transmit = pcsc_transmit,
    .end = pcsc_end,
    .close = pcsc_transport_close,
};

struct card_transport *pcsc_transport_create(const char *reader)
{
    struct pcsc_transport *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    made->transport.operations = &pcsc_operations;
    strcpy(made->reader, reader);
    return &made->transport;
}
