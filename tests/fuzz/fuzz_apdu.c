/*
 * Whatever a reader may send to a card. The input is a conversation: an operation byte and what belongs to
 * it. Below OPERATIONS a command APDU of so many bytes follows; the others are what a fuzzer could not find
 * by itself.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "card/virtual_state.h"
#include "issued_card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *count, char ***arguments);

enum operation {
    OPERATIONS = 0xF0,
    OPERATION_RESET = OPERATIONS,
    OPERATION_POWER_OFF,
    OPERATION_PRESENT_TERMINAL,
    OPERATION_PROVE_TERMINAL,
    OPERATION_LONG, /* two bytes of length, then the command */
};

static struct test_authority authority;
static struct buffer issued;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    test_authority_open(&authority, KEY_RSA_2048);
    struct virtual_card *card = test_card_issue(&authority, &(struct test_order){0});
    if (card_state_encode(&card->state, &issued) != OK)
        abort();
    virtual_card_free(card);
    return 0;
}

static bool contains(struct bytes bytes, const char *text)
{
    return bytes.length > 0 && memmem(bytes.data, bytes.length, text, strlen(text)) != NULL;
}

/* What must hold whatever is sent. */
static void send_command(struct virtual_card *card, struct bytes command)
{
    struct buffer response = {0};
    const struct card_session before = card->session;
    int tries_before = virtual_card_tries_left(card, CARD_PIN_AUTHENTICATION);
    bool destroyed_before = virtual_card_is_destroyed(card);
    virtual_card_transmit(card, command, &response);
    if (response.length < 2 || response.length > APDU_EXTENDED_RESPONSE_LENGTH + 2)
        abort();
    bool good = response.data[response.length - 2] == 0x90 && response.data[response.length - 1] == 0x00;
    if (!good && response.length != 2)
        abort(); /* an error tells nothing */
    if (contains(buffer_bytes(&response), TEST_CARD_MY_NUMBER) && before.verified == 0)
        abort();
    if (virtual_card_tries_left(card, CARD_PIN_AUTHENTICATION) > tries_before && !good)
        abort();
    bool signature =
        response.length == 2 + RSA_2048_LENGTH && command.data[0] == 0x80 && command.data[1] == 0x2A;
    if (signature && before.verified == 0 && !before.may_sign_without_pin &&
        before.application != CARD_SURFACE_CHECK)
        abort();
    if (destroyed_before && good)
        abort();
    buffer_free(&response);
}

static void send_parts(struct virtual_card *card, struct command_apdu parts, struct bytes data)
{
    struct buffer command = {0};
    parts.data = data;
    if (command_apdu_encode(&parts, &command) != OK)
        abort();
    send_command(card, buffer_bytes(&command));
    buffer_free(&command);
}

static void present_terminal(struct virtual_card *card)
{
    uint8_t encoded[TERMINAL_CERTIFICATE_LENGTH];
    terminal_certificate_encode(&authority.terminal, encoded);
    send_parts(card, (struct command_apdu){.class_byte = 0x80, .instruction = INS_PINLESS, .p2 = 0x80},
               bytes_of(encoded, sizeof encoded));
}

static void prove_terminal(struct virtual_card *card)
{
    uint8_t message[CARD_LABEL_LENGTH + CARD_CHALLENGE_LENGTH] = CARD_TERMINAL_LABEL;
    struct signature signature;
    memcpy(message + CARD_LABEL_LENGTH, card->session.challenge, CARD_CHALLENGE_LENGTH);
    if (private_key_sign(&authority.terminal_key, bytes_of(message, sizeof message), &signature) != OK)
        abort();
    send_parts(card, (struct command_apdu){.instruction = INS_EXTERNAL_AUTHENTICATE, .p2 = 0x80},
               bytes_of(signature.bytes, signature.length));
}

/* A command of so many bytes, or of what is left. */
static void take_command(struct virtual_card *card, struct reader *input, size_t length)
{
    size_t left = reader_left(input);
    struct bytes command = read_bytes(input, length < left ? length : left);
    if (command.length >= 4)
        send_command(card, command);
}

static void play(struct virtual_card *card, struct reader *input)
{
    uint8_t operation = read_u8(input);
    switch (operation) {
    case OPERATION_RESET:
        virtual_card_reset(card);
        break;
    case OPERATION_POWER_OFF:
        virtual_card_power_off(card);
        break;
    case OPERATION_PRESENT_TERMINAL:
        present_terminal(card);
        break;
    case OPERATION_PROVE_TERMINAL:
        prove_terminal(card);
        break;
    case OPERATION_LONG:
        take_command(card, input, read_u16(input));
        break;
    default:
        take_command(card, input, operation);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct virtual_card *card = NULL;
    struct reader input = reader_of(bytes_of(data, size));
    if (virtual_card_from_state(buffer_bytes(&issued), &card) != OK)
        abort();
    for (int turn = 0; turn < 100 && input.status == OK && reader_left(&input) > 0; turn++)
        play(card, &input);
    virtual_card_free(card);
    return 0;
}
