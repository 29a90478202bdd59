#include "virtual_transport.h"

#include "card/applications.h"

static struct virtual_transport *virtual_of(struct card_transport *transport)
{
    return (struct virtual_transport *)transport; /* its first member */
}

static enum card_error begin(struct card_transport *transport, int64_t deadline)
{
    (void)deadline;
    virtual_card_power_on(virtual_of(transport)->card);
    return CARD_OK;
}

static bool is_select_of_code_a(const struct command_apdu *command)
{
    bool selects_file =
        command->instruction == INS_SELECT && command->p1 == 0x02 && command->data.length == 2;
    return selects_file && command->data.data[1] == SURFACE_INPUT_CODE_A;
}

static void observe(struct virtual_transport *virtual, struct bytes bytes)
{
    struct command_apdu command;
    if (command_apdu_parse(bytes, &command) != OK)
        return;
    bool verifies = command.instruction == INS_VERIFY && command.data.length > 0;
    virtual->verifications += verifies;
    virtual->my_number_was_asked_for |= is_select_of_code_a(&command);
    virtual->my_number_was_asked_for |= verifies && command.data.length == 12;
}

static enum card_error transmit(struct card_transport *transport, struct bytes command,
                                struct buffer *response)
{
    struct virtual_transport *virtual = virtual_of(transport);
    if (virtual->pulled_after > 0 && virtual->commands >= virtual->pulled_after)
        return CARD_ERR_REMOVED;
    virtual->commands++;
    observe(virtual, command);
    bool is_forged = virtual->forged_for == 0 ||
                     (command.length > 1 && command.data[1] == virtual->forged_for);
    if (virtual->forged.length > 0 && is_forged) {
        buffer_clear(response);
        return buffer_append(response, virtual->forged) == OK ? CARD_OK : CARD_ERR_NO_MEMORY;
    }
    virtual_card_transmit(virtual->card, command, response);
    return CARD_OK;
}

static void end(struct card_transport *transport, bool forget)
{
    struct virtual_transport *virtual = virtual_of(transport);
    virtual->resets += forget;
    if (forget)
        virtual_card_reset(virtual->card);
}

static void close_nothing(struct card_transport *transport)
{
    (void)transport;
}

static const struct card_transport_operations operations = {
    .begin = begin, .transmit = transmit, .end = end, .close = close_nothing};

struct virtual_transport virtual_transport_to(struct virtual_card *card)
{
    return (struct virtual_transport){.transport = {.operations = &operations}, .card = card};
}
