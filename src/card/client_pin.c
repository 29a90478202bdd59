#include <ctype.h>
#include <string.h>

#include "card/client_session.h"

enum { CURRENT_FILE = 0x80, PIN_LENGTH_LIMIT = 16 };

/* Where a PIN lives and what it is made of. Code A is not here: nothing of ours presents it (Q5). */
struct pin_place {
    enum card_pin pin;
    enum card_application application;
    unsigned file;
    uint8_t shortest;
    uint8_t longest;
    bool alphanumeric;
    bool chosen; /* by the person, who may change it */
    uint8_t change_class;
    uint8_t change_instruction;
    uint8_t change_p1;
};

static const struct pin_place places[] = {
    {CARD_PIN_AUTHENTICATION, CARD_JPKI, JPKI_AUTHENTICATION_PIN, 4, 4, false, true, 0x00, INS_CHANGE_PIN, 1},
    {CARD_PIN_SIGNATURE, CARD_JPKI, JPKI_SIGNATURE_PASSWORD, 6, 16, true, true, 0x00, INS_CHANGE_PIN, 1},
    {CARD_PIN_SURFACE_INPUT, CARD_SURFACE_INPUT, SURFACE_INPUT_PIN, 4, 4, false, true, 0x00, INS_CHANGE_PIN,
     1},
    {CARD_PIN_RESIDENT, CARD_RESIDENT, CARD_OTHER_PIN, 4, 4, false, true, 0x80, INS_SET_PIN, 0},
    {CARD_PIN_COMMON, CARD_COMMON, CARD_OTHER_PIN, 4, 4, false, true, 0x80, INS_SET_PIN, 0},
    {CARD_PIN_INPUT_CODE_B, CARD_SURFACE_INPUT, SURFACE_INPUT_CODE_B, 14, 14, false, false, 0, 0, 0},
    {CARD_PIN_CHECK_CODE_B, CARD_SURFACE_CHECK, SURFACE_CHECK_CODE_B, 14, 14, false, false, 0, 0, 0},
};

static const struct pin_place *place_of(enum card_pin pin)
{
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++)
        if (places[i].pin == pin)
            return &places[i];
    return NULL;
}

static bool is_well_formed(const struct pin_place *place, struct bytes value)
{
    if (value.length < place->shortest || value.length > place->longest)
        return false;
    for (size_t i = 0; i < value.length; i++) {
        bool digit = value.data[i] >= '0' && value.data[i] <= '9';
        bool letter = place->alphanumeric && value.data[i] < 0x80 && isalpha(value.data[i]);
        if (!digit && !letter)
            return false;
    }
    return true;
}

/* As the card stores it: letters in upper case. */
static struct bytes to_stored_form(struct bytes value, uint8_t out[PIN_LENGTH_LIMIT])
{
    for (size_t i = 0; i < value.length; i++)
        out[i] = (uint8_t)(value.data[i] < 0x80 ? toupper(value.data[i]) : value.data[i]);
    return bytes_of(out, value.length);
}

static enum card_error select_place(struct card_client *client, const struct pin_place *place)
{
    enum card_error error = client_select(client, place->application);
    return error != CARD_OK ? error : client_select_file(client, place->file);
}

/* value empty: asks for the tries left, exactly four bytes on the wire. */
static enum card_error send_verify(struct card_client *client, struct bytes value)
{
    const struct command_apdu command = {.instruction = INS_VERIFY, .p2 = CURRENT_FILE, .data = value};
    return client_transmit(client, &command, NULL);
}

static enum card_error query_tries(struct card_client *client, unsigned *out)
{
    enum card_error error = send_verify(client, (struct bytes){0});
    if (error != CARD_OK)
        return error;
    int tries = status_word_tries_left(client->status_word);
    bool is_blocked = client->status_word == SW_PIN_BLOCKED || client->status_word == SW_PIN_BLOCKED_OTHER;
    if (tries < 0 && !is_blocked)
        return client->status_word == SW_OK ? CARD_ERR_FAILED : client_error_of(client->status_word);
    *out = is_blocked ? 0 : (unsigned)tries;
    return CARD_OK;
}

enum card_error card_tries_left(struct card_client *client, enum card_pin pin, unsigned *out)
{
    const struct pin_place *place = place_of(pin);
    if (!place)
        return CARD_ERR_INTERNAL;
    enum card_error error = select_place(client, place);
    return error != CARD_OK ? error : query_tries(client, out);
}

static enum card_error judge_verify(struct card_client *client)
{
    if (client->status_word == SW_OK) {
        client->opened = true;
        return CARD_OK;
    }
    int tries = status_word_tries_left(client->status_word);
    bool is_blocked = client->status_word == SW_PIN_BLOCKED || client->status_word == SW_PIN_BLOCKED_OTHER;
    if (tries < 0 && !is_blocked)
        return client_error_of(client->status_word);
    client->tries_left = is_blocked ? 0 : (unsigned)tries;
    return client->tries_left == 0 ? CARD_ERR_PIN_LOCKED : CARD_ERR_PIN_WRONG;
}

enum card_error card_verify_pin(struct card_client *client, enum card_pin pin, struct bytes value,
                                enum card_last_try last_try)
{
    const struct pin_place *place = place_of(pin);
    if (!place)
        return CARD_ERR_INTERNAL;
    if (!is_well_formed(place, value))
        return CARD_ERR_PIN_FORMAT;
    enum card_error error = select_place(client, place);
    if (error == CARD_OK)
        error = query_tries(client, &client->tries_left);
    if (error != CARD_OK)
        return error;
    if (client->tries_left == 0)
        return CARD_ERR_PIN_LOCKED;
    if (client->tries_left == 1 && last_try == KEEP_LAST_TRY)
        return CARD_ERR_PIN_LAST_TRY;
    uint8_t stored[PIN_LENGTH_LIMIT];
    error = send_verify(client, to_stored_form(value, stored));
    secret_wipe(stored, sizeof stored);
    return error != CARD_OK ? error : judge_verify(client);
}

enum card_error card_change_pin(struct card_client *client, enum card_pin pin, struct bytes new_value)
{
    const struct pin_place *place = place_of(pin);
    if (!place || !place->chosen)
        return CARD_ERR_INTERNAL;
    if (!is_well_formed(place, new_value))
        return CARD_ERR_PIN_FORMAT;
    enum card_error error = select_place(client, place);
    if (error != CARD_OK)
        return error;
    uint8_t stored[PIN_LENGTH_LIMIT];
    const struct command_apdu command = {.class_byte = place->change_class,
                                         .instruction = place->change_instruction,
                                         .p1 = place->change_p1,
                                         .p2 = CURRENT_FILE,
                                         .data = to_stored_form(new_value, stored)};
    error = client_transmit(client, &command, NULL);
    secret_wipe(stored, sizeof stored);
    return error != CARD_OK ? error : client_error_of(client->status_word);
}
