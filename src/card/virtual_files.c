#include "card/virtual_state.h"

#define OPENED_BY_A_OR_B (CARD_PIN_BIT(CARD_PIN_CHECK_CODE_A) | CARD_PIN_BIT(CARD_PIN_CHECK_CODE_B))
#define INPUT_PIN CARD_PIN_BIT(CARD_PIN_SURFACE_INPUT)
#define INPUT_A CARD_PIN_BIT(CARD_PIN_INPUT_CODE_A)
#define INPUT_B CARD_PIN_BIT(CARD_PIN_INPUT_CODE_B)

const struct card_file_rule card_file_rules[CARD_FILE_COUNT] = {
    {CARD_JPKI, JPKI_SIGNATURE_CERTIFICATE, CARD_FILE_DATA, .opened_by = CARD_PIN_BIT(CARD_PIN_SIGNATURE)},
    {CARD_JPKI, JPKI_SIGNATURE_CA, CARD_FILE_DATA},
    {CARD_JPKI, JPKI_TOKEN, CARD_FILE_DATA},
    {CARD_JPKI, JPKI_PRESENCE, CARD_FILE_DATA},
    {CARD_JPKI, JPKI_AUTHENTICATION_CERTIFICATE, CARD_FILE_DATA},
    {CARD_JPKI, JPKI_AUTHENTICATION_CA, CARD_FILE_DATA},
    {CARD_JPKI, JPKI_TERMINAL_CA, CARD_FILE_TERMINAL_CA},
    {CARD_JPKI, JPKI_AUTHENTICATION_KEY, CARD_FILE_KEY, .opened_by = CARD_PIN_BIT(CARD_PIN_AUTHENTICATION),
     .key = CARD_KEY_AUTHENTICATION},
    {CARD_JPKI, JPKI_AUTHENTICATION_PIN, CARD_FILE_PIN, .pin = CARD_PIN_AUTHENTICATION},
    {CARD_JPKI, JPKI_SIGNATURE_KEY, CARD_FILE_KEY, .opened_by = CARD_PIN_BIT(CARD_PIN_SIGNATURE),
     .key = CARD_KEY_SIGNATURE},
    {CARD_JPKI, JPKI_SIGNATURE_PASSWORD, CARD_FILE_PIN, .pin = CARD_PIN_SIGNATURE},

    {CARD_SURFACE_CHECK, SURFACE_CHECK_BIRTH, CARD_FILE_DATA,
     .opened_by = CARD_PIN_BIT(CARD_PIN_CHECK_BIRTH)},
    {CARD_SURFACE_CHECK, SURFACE_CHECK_FACE, CARD_FILE_DATA, .opened_by = OPENED_BY_A_OR_B},
    {CARD_SURFACE_CHECK, SURFACE_CHECK_MUNICIPALITY, CARD_FILE_DATA},
    {CARD_SURFACE_CHECK, SURFACE_CHECK_CERTIFICATE, CARD_FILE_DATA},
    {CARD_SURFACE_CHECK, SURFACE_CHECK_MY_NUMBER, CARD_FILE_DATA,
     .opened_by = CARD_PIN_BIT(CARD_PIN_CHECK_CODE_A)},
    {CARD_SURFACE_CHECK, SURFACE_CHECK_BIRTH_KEY, CARD_FILE_PIN, .pin = CARD_PIN_CHECK_BIRTH},
    {CARD_SURFACE_CHECK, SURFACE_CHECK_CODE_B, CARD_FILE_PIN, .pin = CARD_PIN_CHECK_CODE_B},
    {CARD_SURFACE_CHECK, SURFACE_CHECK_CODE_A, CARD_FILE_PIN, .pin = CARD_PIN_CHECK_CODE_A},

    {CARD_SURFACE_INPUT, SURFACE_INPUT_MY_NUMBER, CARD_FILE_DATA, .opened_by = INPUT_PIN | INPUT_A},
    {CARD_SURFACE_INPUT, SURFACE_INPUT_ATTRIBUTES, CARD_FILE_DATA, .opened_by = INPUT_PIN | INPUT_B},
    {CARD_SURFACE_INPUT, SURFACE_INPUT_SIGNATURE, CARD_FILE_DATA, .opened_by = INPUT_PIN | INPUT_A | INPUT_B},
    {CARD_SURFACE_INPUT, SURFACE_INPUT_CERTIFICATE, CARD_FILE_DATA},
    {CARD_SURFACE_INPUT, SURFACE_INPUT_KEY, CARD_FILE_DATA},
    {CARD_SURFACE_INPUT, SURFACE_INPUT_PIN, CARD_FILE_PIN, .pin = CARD_PIN_SURFACE_INPUT},
    {CARD_SURFACE_INPUT, SURFACE_INPUT_CODE_A, CARD_FILE_PIN, .pin = CARD_PIN_INPUT_CODE_A},
    {CARD_SURFACE_INPUT, SURFACE_INPUT_CODE_B, CARD_FILE_PIN, .pin = CARD_PIN_INPUT_CODE_B},

    {CARD_RESIDENT, CARD_OTHER_PIN, CARD_FILE_PIN, .pin = CARD_PIN_RESIDENT},
    {CARD_COMMON, CARD_OTHER_PIN, CARD_FILE_PIN, .pin = CARD_PIN_COMMON},
};

const struct card_pin_rule card_pin_rules[CARD_PIN_COUNT] = {
    [CARD_PIN_AUTHENTICATION] = {.tries = 3, .shortest = 4, .longest = 4, .chosen = true},
    [CARD_PIN_SIGNATURE] = {.tries = 5, .shortest = 6, .longest = 16, .alphanumeric = true, .chosen = true},
    [CARD_PIN_SURFACE_INPUT] = {.tries = 3, .shortest = 4, .longest = 4, .chosen = true},
    [CARD_PIN_RESIDENT] = {.tries = 3, .shortest = 4, .longest = 4, .chosen = true},
    [CARD_PIN_COMMON] = {.tries = 3, .shortest = 4, .longest = 4, .chosen = true},
    [CARD_PIN_INPUT_CODE_A] = {.tries = 10, .shortest = 12, .longest = 12},
    [CARD_PIN_INPUT_CODE_B] = {.tries = 10, .shortest = 14, .longest = 14},
    [CARD_PIN_CHECK_BIRTH] = {.tries = 10, .shortest = 6, .longest = 6},
    [CARD_PIN_CHECK_CODE_B] = {.tries = 10, .shortest = 14, .longest = 14},
    [CARD_PIN_CHECK_CODE_A] = {.tries = 10, .shortest = 12, .longest = 12},
};

const struct card_file_rule *card_file_find(enum card_application application, unsigned id)
{
    for (size_t i = 0; i < CARD_FILE_COUNT; i++)
        if (card_file_rules[i].application == application && card_file_rules[i].id == id)
            return &card_file_rules[i];
    return NULL;
}

size_t card_file_index(const struct card_file_rule *rule)
{
    return (size_t)(rule - card_file_rules);
}

bool card_has_application(const struct card_state *state, enum card_application application)
{
    if (application == CARD_ISSUER_DOMAIN)
        return true;
    if (!state->personalised)
        return false;
    if (application == CARD_JPKI)
        return true;
    if (state->form != CARD_FORM_CARD) /* a phone holds certificates only */
        return false;
    bool surface = application == CARD_SURFACE_CHECK || application == CARD_SURFACE_INPUT;
    return surface || state->generation == CARD_GENERATION_RSA;
}

enum card_pin card_pin_behind(const struct card_state *state, enum card_pin pin)
{
    return state->generation == CARD_GENERATION_P384 && pin == CARD_PIN_SURFACE_INPUT
               ? CARD_PIN_AUTHENTICATION
               : pin;
}

bool card_pin_is_well_formed(enum card_pin pin, struct bytes value)
{
    const struct card_pin_rule *rule = &card_pin_rules[pin];
    if (value.length < rule->shortest || value.length > rule->longest)
        return false;
    for (size_t i = 0; i < value.length; i++) {
        uint8_t c = value.data[i];
        bool digit = c >= '0' && c <= '9';
        bool letter = c >= 'A' && c <= 'Z';
        if (!digit && !(letter && rule->alphanumeric))
            return false;
    }
    return true;
}
