#include <stdio.h>

#include "programs/shikaku_card.h"

static uint16_t exchange(struct virtual_card *card, const struct command_apdu *command, struct buffer *data)
{
    struct buffer bytes = {.secret = true};
    struct buffer answer = {.secret = true};
    struct response_apdu response = {.status_word = SW_DEAD};
    if (command_apdu_encode(command, &bytes) == OK) {
        virtual_card_transmit(card, buffer_bytes(&bytes), &answer);
        if (response_apdu_parse(buffer_bytes(&answer), &response) != OK ||
            (data && buffer_append(data, response.data) != OK))
            response.status_word = SW_DEAD;
    }
    uint16_t word = response.status_word;
    buffer_free(&bytes);
    buffer_free(&answer);
    return word;
}

uint16_t card_select(struct virtual_card *card, enum card_application application)
{
    const struct command_apdu command = {
        .instruction = INS_SELECT, .p1 = 0x04, .p2 = 0x0C, .data = card_application_identifier(application)};
    return exchange(card, &command, NULL);
}

uint16_t card_read_file(struct virtual_card *card, unsigned id, struct buffer *out)
{
    out->secret = true;
    const struct command_apdu command = {.instruction = INS_READ_BINARY,
                                         .p1 = (uint8_t)(0x80 | card_short_id(id)),
                                         .expected_length = APDU_EXTENDED_RESPONSE_LENGTH,
                                         .extended = true};
    return exchange(card, &command, out);
}

uint16_t card_present_pin(struct virtual_card *card, uint8_t instruction, unsigned id, const char *value)
{
    const struct command_apdu command = {.class_byte = instruction == INS_SET_PIN ? 0x80 : 0x00,
                                         .instruction = instruction,
                                         .p1 = instruction == INS_CHANGE_PIN ? 1 : 0,
                                         .p2 = (uint8_t)(0x80 | card_short_id(id)),
                                         .data = bytes_of_text(value)};
    return exchange(card, &command, NULL);
}

bool card_accepted(uint16_t word)
{
    int left = status_word_tries_left(word);
    if (word == SW_OK)
        return true;
    if (word == SW_PIN_BLOCKED || left == 0) {
        card_say("暗証番号がロックされています。市区町村の窓口で初期化してください。",
                 "The PIN is locked. Only the municipal counter can reset it.");
    } else if (left > 0) {
        fprintf(stderr, "暗証番号が違います。残り%d回です。\nThe PIN is wrong. Tries left: %d\n", left, left);
    } else {
        card_say("カードが応じませんでした。", "The card refused.");
        fprintf(stderr, "(%04X)\n", word);
    }
    return false;
}

struct virtual_card *card_open_living(const struct card_options *options)
{
    struct card_place place;
    struct virtual_card *card = NULL;
    if (card_place_of(options, &place) != OK || card_open_or_say(&place, &card) != OK)
        return NULL;
    if (!virtual_card_is_destroyed(card))
        return card;
    card_say("このカードは壊れており、応答しません。",
             "This card is destroyed and does not answer."); /* Q9 */
    virtual_card_free(card);
    return NULL;
}
