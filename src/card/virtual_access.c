#include "card/virtual_state.h"

#include <string.h>

/* SELECT, READ BINARY, VERIFY and the two ways of changing a PIN. */

enum {
    SELECT_ANY = 0x00,
    SELECT_FILE = 0x02,
    SELECT_APPLICATION = 0x04,
    SELECT_FIRST = 0x00,        /* P2: with the control information, of which there is none */
    SELECT_FIRST_SILENT = 0x0C, /* P2: without */
    CURRENT_FILE = 0x80,
    SHORT_ID = 0x1F,
};

/* ---- SELECT ---- */

static bool begins_with(struct bytes whole, struct bytes beginning)
{
    return beginning.length <= whole.length && memcmp(whole.data, beginning.data, beginning.length) == 0;
}

/* What was proved to one application counts for no other. */
static void enter_application(struct card_session *session, enum card_application application)
{
    bool same = session->application == application;
    struct card_session fresh = {.application = application, .selected = true};
    if (same)
        fresh.verified = session->verified;
    secret_wipe(session, sizeof *session);
    *session = fresh;
}

static uint16_t select_application(struct virtual_card *card, struct bytes identifier)
{
    if (identifier.length == 0) { /* the default application: GlobalPlatform */
        enter_application(&card->session, CARD_ISSUER_DOMAIN);
        return SW_OK;
    }
    for (int i = 0; i < CARD_APPLICATION_COUNT; i++) {
        enum card_application application = (enum card_application)i;
        if (card_has_application(&card->state, application) &&
            begins_with(card_application_identifier(application), identifier)) {
            enter_application(&card->session, application);
            return SW_OK;
        }
    }
    return SW_NOT_FOUND;
}

static uint16_t select_file(struct virtual_card *card, struct bytes id)
{
    if (id.length != 2)
        return SW_WRONG_LENGTH;
    const struct card_file_rule *rule =
        card_file_find(card->session.application, (unsigned)id.data[0] << 8 | id.data[1]);
    if (!rule)
        return SW_NOT_FOUND;
    card->session.file = rule;
    return SW_OK;
}

uint16_t virtual_select(struct virtual_card *card, const struct command_apdu *command)
{
    if (command->p2 != SELECT_FIRST && command->p2 != SELECT_FIRST_SILENT)
        return SW_WRONG_PARAMETERS;
    switch (command->p1) {
    case SELECT_APPLICATION:
        return select_application(card, command->data);
    case SELECT_FILE:
        return select_file(card, command->data);
    case SELECT_ANY: /* there is no master file 3F00 */
        if (command->data.length > 0)
            return SW_NOT_FOUND;
        return card->session.selected ? SW_OK : SW_WRONG_PARAMETERS;
    default:
        return SW_WRONG_PARAMETERS;
    }
}

/* ---- Naming a file in P1 or P2 ---- */

uint16_t virtual_take_file(struct virtual_card *card, uint8_t name, const struct card_file_rule **out)
{
    if ((name & ~SHORT_ID) != CURRENT_FILE)
        return SW_WRONG_PARAMETERS;
    if (name & SHORT_ID) {
        const struct card_file_rule *named = card_file_find(card->session.application, name & SHORT_ID);
        if (!named)
            return SW_NOT_FOUND;
        card->session.file = named;
    }
    *out = card->session.file;
    return *out ? SW_OK : SW_NO_CURRENT_FILE;
}

/* ---- READ BINARY ---- */

bool virtual_is_open(const struct virtual_card *card, const struct card_file_rule *rule)
{
    return rule->opened_by == 0 || rule->opened_by & card->session.verified;
}

uint16_t virtual_read_binary(struct virtual_card *card, const struct command_apdu *command,
                             struct buffer *answer)
{
    const struct card_file_rule *rule = card->session.file;
    bool named = command->p1 & CURRENT_FILE;
    uint16_t word = named ? virtual_take_file(card, command->p1, &rule) : SW_OK;
    if (word != SW_OK)
        return word;
    if (!rule)
        return SW_NO_CURRENT_FILE;
    if (rule->kind != CARD_FILE_DATA)
        return SW_WRONG_STRUCTURE;
    if (command->data.length > 0 || command->expected_length == 0)
        return SW_WRONG_LENGTH;
    if (!virtual_is_open(card, rule))
        return SW_SECURITY_STATUS;
    size_t offset = named ? command->p2 : (size_t)command->p1 << 8 | command->p2;
    struct bytes content = buffer_bytes(&card->state.files[card_file_index(rule)]);
    if (offset >= content.length)
        return SW_WRONG_OFFSET;
    struct bytes rest = bytes_from(content, offset);
    if (rest.length > command->expected_length) /* otherwise short, at the end of the file */
        rest.length = command->expected_length;
    return buffer_append(answer, rest) == OK ? SW_OK : SW_DEAD;
}

/* ---- VERIFY ---- */

static bool pin_fits(const struct card_pin_state *pin, struct bytes value)
{
    return bytes_equal_secret(bytes_of(pin->value, pin->length), value);
}

/*
 * Q8, Q9: the try is spent on disk before the PIN is compared, so that cutting the power at the right moment
 * gives no further guess.
 */
static uint16_t compare_pin(struct virtual_card *card, enum card_pin which, struct bytes value)
{
    struct card_pin_state *pin = &card->state.pins[which];
    pin->tries_left--;
    if (virtual_card_store(card) != OK)
        return SW_DEAD;
    if (!pin_fits(pin, value))
        return (uint16_t)(SW_WRONG_PIN | pin->tries_left);
    pin->tries_left = card_pin_rules[which].tries;
    return virtual_card_store(card) == OK ? SW_OK : SW_DEAD;
}

uint16_t virtual_verify(struct virtual_card *card, const struct command_apdu *command)
{
    const struct card_file_rule *rule = NULL;
    if (command->p1 != 0)
        return SW_WRONG_PARAMETERS;
    uint16_t word = virtual_take_file(card, command->p2, &rule);
    if (word != SW_OK)
        return word;
    if (rule->kind != CARD_FILE_PIN)
        return SW_WRONG_STRUCTURE;
    if (command->expected_length > 0 || command->data.length > CARD_PIN_LENGTH)
        return SW_WRONG_LENGTH;
    enum card_pin which = card_pin_behind(&card->state, rule->pin);
    struct card_pin_state *pin = &card->state.pins[which];
    if (command->data.length == 0) /* never 9000, never 6983: clients take either for something else */
        return (uint16_t)(SW_WRONG_PIN | pin->tries_left);
    card->session.verified &= ~CARD_PIN_BIT(rule->pin);
    card->session.may_sign_without_pin = false;
    if (pin->tries_left == 0)
        return SW_PIN_BLOCKED;
    word = compare_pin(card, which, command->data);
    if (word == SW_OK)
        card->session.verified |= CARD_PIN_BIT(rule->pin);
    return word;
}

/* ---- Changing a PIN ---- */

/* 00 24 01 in JPKI and surface input; 80 32 00 in the common and residents' applications. */
static uint16_t check_change_style(const struct virtual_card *card, const struct command_apdu *command)
{
    bool other = card->session.application == CARD_RESIDENT || card->session.application == CARD_COMMON;
    bool set = command->instruction == INS_SET_PIN;
    if (other != set)
        return SW_UNKNOWN_INSTRUCTION;
    return command->p1 == (set ? 0 : 1) ? SW_OK : SW_WRONG_PARAMETERS;
}

static uint16_t check_new_pin(const struct virtual_card *card, const struct card_file_rule *rule,
                              const struct command_apdu *command)
{
    const struct card_pin_rule *wanted = &card_pin_rules[rule->pin];
    if (!wanted->chosen)
        return SW_CONDITIONS;
    if (!(card->session.verified & CARD_PIN_BIT(rule->pin)))
        return SW_SECURITY_STATUS;
    if (command->expected_length > 0 || command->data.length < wanted->shortest ||
        command->data.length > wanted->longest)
        return SW_WRONG_LENGTH;
    return card_pin_is_well_formed(rule->pin, command->data) ? SW_OK : SW_WRONG_DATA;
}

uint16_t virtual_change_pin(struct virtual_card *card, const struct command_apdu *command)
{
    const struct card_file_rule *rule = NULL;
    uint16_t word = check_change_style(card, command);
    if (word == SW_OK)
        word = virtual_take_file(card, command->p2, &rule);
    if (word != SW_OK)
        return word;
    if (rule->kind != CARD_FILE_PIN)
        return SW_WRONG_STRUCTURE;
    word = check_new_pin(card, rule, command);
    if (word != SW_OK)
        return word;
    struct card_pin_state *pin = &card->state.pins[card_pin_behind(&card->state, rule->pin)];
    secret_wipe(pin->value, sizeof pin->value);
    memcpy(pin->value, command->data.data, command->data.length);
    pin->length = (uint8_t)command->data.length;
    return virtual_card_store(card) == OK ? SW_OK : SW_DEAD;
}
