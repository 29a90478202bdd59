#include "clinic/reception.h"

#include "clinic/card_reason.h"

static enum card_error open_reader(struct clinic *clinic, struct reception *out)
{
    int64_t since = monotonic_microseconds();
    enum card_error error = pcsc_open(&out->pcsc);
    trace_add(&clinic->trace, HOP_READER, card_error_name(error), since);
    return error;
}

static enum card_error describe_card(struct card_transport *card, int64_t deadline,
                                     struct card_description *out)
{
    struct card_client client = card_client_of(card, deadline);
    enum card_error error = card_client_begin(&client);
    if (error == CARD_OK)
        error = card_recognise(&client, out);
    card_client_free(&client);
    return error;
}

static enum card_error find_card(struct clinic *clinic, int64_t deadline, struct reception *out)
{
    int64_t since = monotonic_microseconds();
    enum card_error error =
        pcsc_find_card(out->pcsc, clinic->settings->reader, deadline, &out->reader, &out->card);
    if (error == CARD_OK)
        error = describe_card(out->card, deadline, &out->description);
    trace_add(&clinic->trace, HOP_CARD, card_error_name(error), since);
    return error;
}

enum status reception_open(struct clinic *clinic, int64_t deadline, struct reception *out,
                           struct outcome *refused)
{
    *out = (struct reception){0};
    enum card_error error = open_reader(clinic, out);
    if (error == CARD_OK)
        error = find_card(clinic, deadline, out);
    if (error == CARD_OK)
        return OK;
    outcome_of_reason(OUTCOME_LOCAL, reason_of_card_error(error, 0), -1, refused);
    return ERR_DENIED;
}

void reception_close(struct reception *reception)
{
    card_transport_close(reception->card);
    pcsc_close(reception->pcsc);
    *reception = (struct reception){0};
}
