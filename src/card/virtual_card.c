#include "card/virtual_card.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "card/virtual_state.h"
#include "pki/issue.h"

/* ---- Making, opening, storing ---- */

static enum status create_certified_keys(enum chip_generation generation, struct private_key *keys)
{
    enum key_kind kind = generation == CARD_GENERATION_P384 ? KEY_P384 : KEY_RSA_2048;
    enum status status = private_key_create(kind, &keys[CARD_KEY_AUTHENTICATION]);
    return status == OK ? private_key_create(kind, &keys[CARD_KEY_SIGNATURE]) : status;
}

static enum status create_keys(struct card_state *state)
{
    enum status status = create_certified_keys(state->generation, state->keys);
    if (status == OK && state->form == CARD_FORM_CARD)
        status = private_key_create(KEY_RSA_2048, &state->keys[CARD_KEY_PRESENCE]);
    return status;
}

static enum status create_image(struct virtual_card *card, const struct card_location *where)
{
    struct buffer content = {.secret = true};
    enum status status = card_state_encode(&card->state, &content);
    if (status == OK)
        status = sealed_image_create(where, buffer_bytes(&content), &card->image);
    buffer_free(&content);
    return status;
}

enum status virtual_card_manufacture(enum chip_generation generation, enum card_form form,
                                     const struct card_location *where, struct virtual_card **out)
{
    *out = NULL;
    struct virtual_card *card = calloc(1, sizeof *card);
    if (!card)
        return ERR_NO_MEMORY;
    card->state.generation = generation;
    card->state.form = form;
    enum status status = create_keys(&card->state);
    if (status == OK && where)
        status = create_image(card, where);
    if (status != OK) {
        virtual_card_free(card);
        return status;
    }
    *out = card;
    return OK;
}

enum status virtual_card_from_state(struct bytes encoded, struct virtual_card **out)
{
    *out = NULL;
    struct virtual_card *card = calloc(1, sizeof *card);
    if (!card)
        return ERR_NO_MEMORY;
    enum status status = card_state_decode(encoded, &card->state);
    if (status != OK) {
        virtual_card_free(card);
        return status;
    }
    *out = card;
    return OK;
}

/* It has a place, and nothing else. */
static enum status make_destroyed(struct sealed_image *image, struct virtual_card **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) {
        sealed_image_close(image);
        return ERR_NO_MEMORY;
    }
    (*out)->destroyed = true;
    (*out)->image = image;
    return OK;
}

enum status virtual_card_open(const struct card_location *where, struct virtual_card **out)
{
    *out = NULL;
    struct buffer content = {.secret = true};
    struct sealed_image *image = NULL;
    enum status status = sealed_image_open(where, &content, &image);
    if (status == ERR_DAMAGED) { /* Q9 */
        buffer_free(&content);
        return make_destroyed(image, out);
    }
    if (status == OK)
        status = virtual_card_from_state(buffer_bytes(&content), out);
    buffer_free(&content);
    if (status != OK) {
        sealed_image_close(image);
        return status;
    }
    (*out)->image = image;
    if ((*out)->state.improper_uses >= CARD_IMPROPER_LIMIT)
        virtual_card_destroy(*out); /* it was cut off while doing so */
    return OK;
}

static void forget_renewed(struct virtual_card *card)
{
    for (size_t i = 0; i < CARD_KEY_COUNT; i++)
        private_key_free(&card->renewed[i]);
}

void virtual_card_free(struct virtual_card *card)
{
    if (!card)
        return;
    card_state_free(&card->state);
    forget_renewed(card);
    sealed_image_close(card->image);
    secret_wipe(card, sizeof *card);
    free(card);
}

enum status virtual_card_store(struct virtual_card *card)
{
    if (!card->image)
        return OK;
    struct buffer content = {.secret = true};
    enum status status = card_state_encode(&card->state, &content);
    if (status == OK)
        status = sealed_image_write(card->image, buffer_bytes(&content));
    buffer_free(&content);
    card->stuck = status != OK;
    return status;
}

void virtual_card_destroy(struct virtual_card *card)
{
    card->destroyed = true;
    if (card->image && sealed_image_destroy(card->image) != OK)
        LOG(LOG_ERROR, "card_image_not_overwritten"); /* opening it again tries again */
    card_state_free(&card->state);
    secret_wipe(&card->session, sizeof card->session);
}

/* ---- Keys ---- */

static enum status encode_public(const struct private_key *key, struct buffer *out)
{
    if (key->kind == KEY_NONE)
        return ERR_NOT_FOUND;
    struct public_key public = {0};
    enum status status = public_key_of(key, &public);
    if (status == OK)
        status = public_key_encode(&public, out);
    public_key_free(&public);
    return status;
}

enum status virtual_card_public_key(const struct virtual_card *card, enum card_key key, struct buffer *out)
{
    return encode_public(&card->state.keys[key], out);
}

enum status virtual_card_request_certificate(const struct virtual_card *card, enum card_key key,
                                             struct buffer *out)
{
    if (card->state.personalised || card->destroyed)
        return ERR_WRONG_STATE;
    if (key == CARD_KEY_PRESENCE)
        return ERR_DENIED;
    return certificate_request_create(&card->state.keys[key], out);
}

/* ---- Renewal ---- */

enum status virtual_card_renew_keys(struct virtual_card *card)
{
    if (!card->state.personalised || card->destroyed)
        return ERR_WRONG_STATE;
    forget_renewed(card);
    return create_certified_keys(card->state.generation, card->renewed);
}

enum status virtual_card_renewed_public_key(const struct virtual_card *card, enum card_key key,
                                            struct buffer *out)
{
    return encode_public(&card->renewed[key], out);
}

static void exchange_keys(struct virtual_card *card, enum card_key key)
{
    private_key_free(&card->state.keys[key]);
    card->state.keys[key] = card->renewed[key];
    card->renewed[key] = (struct private_key){0};
}

enum status virtual_card_renew_certificates(struct virtual_card *card,
                                            const struct card_certificate *authentication,
                                            const struct card_certificate *signature)
{
    if (card->renewed[CARD_KEY_AUTHENTICATION].kind == KEY_NONE)
        return ERR_WRONG_STATE;
    bool had_signature = card->state.pins[CARD_PIN_SIGNATURE].length > 0;
    if (had_signature != (signature->certificate.length > 0))
        return ERR_RANGE;
    enum status status = card_certificates_check(card->renewed, authentication, signature);
    if (status == OK)
        status = card_certificates_write(&card->state, authentication, signature);
    if (status != OK)
        return status;
    exchange_keys(card, CARD_KEY_AUTHENTICATION);
    exchange_keys(card, CARD_KEY_SIGNATURE);
    return virtual_card_store(card);
}

/* ---- What one can see of it ---- */

bool virtual_card_is_personalised(const struct virtual_card *card)
{
    return card->state.personalised;
}

bool virtual_card_is_destroyed(const struct virtual_card *card)
{
    return card->destroyed;
}

enum chip_generation virtual_card_generation(const struct virtual_card *card)
{
    return card->state.generation;
}

enum card_form virtual_card_form(const struct virtual_card *card)
{
    return card->state.form;
}

unsigned virtual_card_improper_uses(const struct virtual_card *card)
{
    return card->state.improper_uses;
}

int virtual_card_tries_left(const struct virtual_card *card, enum card_pin pin)
{
    const struct card_pin_state *state = &card->state.pins[card_pin_behind(&card->state, pin)];
    return state->length == 0 ? -1 : state->tries_left;
}

/* ---- The municipal counter ---- */

static enum status set_pin(struct virtual_card *card, enum card_pin pin, struct bytes value)
{
    if (!card_pin_is_well_formed(pin, value))
        return ERR_RANGE;
    struct card_pin_state *state = &card->state.pins[pin];
    secret_wipe(state->value, sizeof state->value);
    memcpy(state->value, value.data, value.length);
    state->length = (uint8_t)value.length;
    state->tries_left = card_pin_rules[pin].tries;
    return virtual_card_store(card);
}

enum status virtual_card_reset_pin_at_counter(struct virtual_card *card, enum card_pin pin,
                                              const char *new_pin)
{
    enum card_pin behind = card_pin_behind(&card->state, pin);
    if (!card->state.personalised)
        return ERR_WRONG_STATE;
    if (!card_pin_rules[behind].chosen || card->state.pins[behind].length == 0)
        return ERR_DENIED;
    uint8_t upper[CARD_PIN_LENGTH];
    size_t length = strlen(new_pin);
    if (length > sizeof upper)
        return ERR_RANGE;
    for (size_t i = 0; i < length; i++)
        upper[i] = (uint8_t)toupper((unsigned char)new_pin[i]);
    enum status status = set_pin(card, behind, bytes_of(upper, length));
    secret_wipe(upper, sizeof upper);
    return status;
}

/* ---- Power ---- */

void virtual_card_reset(struct virtual_card *card)
{
    secret_wipe(&card->session, sizeof card->session);
    card->session.application = CARD_ISSUER_DOMAIN;
}

void virtual_card_power_on(struct virtual_card *card)
{
    virtual_card_reset(card);
    card->powered = true;
}

void virtual_card_power_off(struct virtual_card *card)
{
    virtual_card_reset(card);
    card->powered = false;
}

struct bytes virtual_card_atr(const struct virtual_card *card)
{
    /* Announces T=1: under T=0 Le is lost. No historical bytes. */
    static const uint8_t atr[] = {0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14};
    return card->destroyed ? (struct bytes){0} : bytes_of(atr, sizeof atr);
}

/* ---- Commands ---- */

enum { CLASS_CHAINED = 0x10, CLASS_CHANNEL = 0x03, CLASS_SECURE = 0x0C };

static bool takes_chaining(uint8_t instruction)
{
    return instruction == INS_PINLESS || instruction == INS_EXTERNAL_AUTHENTICATE;
}

/* SW_OK: a class that we speak, on the basic channel and without secure messaging. */
static uint16_t check_class(const struct command_apdu *command)
{
    uint8_t class_byte = command->class_byte;
    bool further = class_byte >= 0x40 && class_byte < 0x80; /* channels 4-19 */
    bool known = class_byte < 0x20 || (class_byte >= 0x80 && class_byte < 0xA0);
    if (further || (known && class_byte & CLASS_CHANNEL))
        return SW_LOGICAL_CHANNEL;
    if (known && class_byte & CLASS_SECURE)
        return command->instruction == INS_SELECT ? SW_SECURE_MESSAGING : SW_SECURE_MESSAGING_CLASS;
    if (!known || (class_byte & CLASS_CHAINED && !takes_chaining(command->instruction)))
        return SW_UNKNOWN_CLASS;
    return SW_OK;
}

/* Commands of the interindustry class. */
static uint16_t run_standard(struct virtual_card *card, const struct command_apdu *command,
                             struct buffer *answer)
{
    switch (command->instruction) {
    case INS_SELECT:
        return virtual_select(card, command);
    case INS_READ_BINARY:
        return virtual_read_binary(card, command, answer);
    case INS_VERIFY:
        return virtual_verify(card, command);
    case INS_CHANGE_PIN:
        return virtual_change_pin(card, command);
    case INS_GET_CHALLENGE:
        return virtual_get_challenge(card, command, answer);
    case INS_EXTERNAL_AUTHENTICATE:
        return virtual_authenticate_terminal(card, command);
    case INS_GET_DATA:
    case INS_GET_DATA_ODD:
        return SW_NOT_FOUND;
    default:
        return SW_UNKNOWN_INSTRUCTION;
    }
}

/* Commands of the card's own class. */
static uint16_t run_proprietary(struct virtual_card *card, const struct command_apdu *command,
                                struct buffer *answer)
{
    switch (command->instruction) {
    case INS_SECURITY_OPERATION:
        return virtual_sign(card, command, answer);
    case INS_SET_PIN:
        return virtual_change_pin(card, command);
    case INS_PINLESS:
        return virtual_present_terminal(card, command);
    case INS_GET_DATA:
        return SW_NOT_FOUND;
    default:
        return SW_UNKNOWN_INSTRUCTION;
    }
}

/* Adds a link to the chain. */
static uint16_t extend_chain(struct card_session *session, const struct command_apdu *command)
{
    if (session->chain_length + command->data.length > CARD_CHAIN_LIMIT) {
        session->chain_length = 0;
        return SW_WRONG_LENGTH;
    }
    const uint8_t header[] = {command->instruction, command->p1, command->p2};
    memcpy(session->chained_header, header, sizeof header);
    if (command->data.length > 0)
        memcpy(session->chain + session->chain_length, command->data.data, command->data.length);
    session->chain_length += command->data.length;
    return SW_OK;
}

static uint16_t run(struct virtual_card *card, struct command_apdu *command, struct buffer *answer)
{
    struct card_session *session = &card->session;
    uint16_t word = check_class(command);
    if (word != SW_OK)
        return word;
    const uint8_t header[] = {command->instruction, command->p1, command->p2};
    if (session->chain_length > 0 && memcmp(header, session->chained_header, sizeof header) != 0)
        session->chain_length = 0; /* another command in between: the chain is dropped */
    if (command->class_byte & CLASS_CHAINED)
        return extend_chain(session, command);
    if (session->chain_length > 0) {
        word = extend_chain(session, command);
        if (word != SW_OK)
            return word;
        command->data = bytes_of(session->chain, session->chain_length);
    }
    bool proprietary = command->class_byte & 0x80;
    word = proprietary ? run_proprietary(card, command, answer) : run_standard(card, command, answer);
    session->chain_length = 0;
    return word;
}

static void finish(struct buffer *response, uint16_t word)
{
    const struct response_apdu nothing = {.status_word = word};
    if (word != SW_OK)
        buffer_clear(response);
    /* Reserved before the command ran, so this does not fail. */
    if (response_apdu_encode(&nothing, response) != OK)
        abort();
}

void virtual_card_transmit(struct virtual_card *card, struct bytes command, struct buffer *response)
{
    buffer_clear(response);
    response->secret = true;
    if (buffer_reserve(response, APDU_EXTENDED_RESPONSE_LENGTH + 2) != OK)
        abort(); /* not even two bytes can be said */
    if (!card->powered)
        virtual_card_power_on(card);
    struct command_apdu parsed;
    uint16_t word = SW_DEAD;
    if (!card->destroyed && !card->stuck)
        word = command_apdu_parse(command, &parsed) == OK ? run(card, &parsed, response) : SW_WRONG_LENGTH;
    finish(response, word);
}
