#include "card/virtual_state.h"

#include <string.h>

#include "base/random.h"

/*
 * The flow without PIN (ours, card/applications.h): a hospital's terminal authenticates itself to the chip.
 * What counts as improper use (Q9) is stated here: with file 0016 current,
 *   - a CV certificate that is no such thing, or that names our terminal CA and is not signed by it;
 *   - a proof out of order, or not made by the certificate's key over the card's challenge.
 * A certificate of another CA is a terminal in the wrong place, not an attack, and other drivers' probes
 * never select 0016. A terminal that proves itself clears the count; CARD_IMPROPER_LIMIT of them destroy the
 * card.
 */

static bool is_at_terminal_ca(const struct virtual_card *card)
{
    return card->session.file && card->session.file->kind == CARD_FILE_TERMINAL_CA;
}

static void forget_terminal(struct card_session *session)
{
    session->terminal_presented = false;
    session->may_sign_without_pin = false;
}

static uint16_t count_improper_use(struct virtual_card *card, uint16_t word)
{
    forget_terminal(&card->session);
    card->state.improper_uses++;
    bool stored = virtual_card_store(card) == OK;
    if (card->state.improper_uses >= CARD_IMPROPER_LIMIT)
        virtual_card_destroy(card); /* Q9 */
    return stored && !card->destroyed ? word : SW_DEAD;
}

uint16_t virtual_get_challenge(struct virtual_card *card, const struct command_apdu *command,
                               struct buffer *answer)
{
    if (command->p1 != 0 || command->p2 != 0)
        return SW_WRONG_PARAMETERS;
    if (command->data.length > 0 || command->expected_length == 0 ||
        command->expected_length > APDU_SHORT_RESPONSE_LENGTH)
        return SW_WRONG_LENGTH;
    uint8_t challenge[APDU_SHORT_RESPONSE_LENGTH];
    struct card_session *session = &card->session;
    random_fill(challenge, command->expected_length);
    session->may_sign_without_pin = false; /* it would sign over another nonce than the one that was proved */
    session->challenge_given = command->expected_length == CARD_CHALLENGE_LENGTH;
    if (session->challenge_given)
        memcpy(session->challenge, challenge, CARD_CHALLENGE_LENGTH);
    return buffer_append(answer, bytes_of(challenge, command->expected_length)) == OK ? SW_OK : SW_DEAD;
}

uint16_t virtual_present_terminal(struct virtual_card *card, const struct command_apdu *command)
{
    if (!is_at_terminal_ca(card))
        return SW_NO_CURRENT_FILE;
    if (command->p1 != 0 || command->p2 != 0x80)
        return SW_WRONG_PARAMETERS;
    forget_terminal(&card->session);
    struct terminal_certificate presented;
    if (terminal_certificate_parse(command->data, &presented) != OK)
        return count_improper_use(card, SW_WRONG_DATA);
    const struct terminal_certificate *ca = &card->state.terminal_ca;
    if (memcmp(presented.issuer.bytes, ca->subject.bytes, sizeof presented.issuer.bytes) != 0)
        return SW_WRONG_DATA; /* another CA's */
    enum status status = terminal_certificate_verify(&presented, ca);
    if (status == ERR_CRYPTO)
        return count_improper_use(card, SW_WRONG_DATA);
    if (status != OK)
        return SW_DEAD;
    card->session.terminal = presented;
    card->session.terminal_presented = true;
    return SW_OK;
}

static enum status check_proof(const struct card_session *session, struct bytes signature)
{
    uint8_t message[CARD_LABEL_LENGTH + CARD_CHALLENGE_LENGTH] = CARD_TERMINAL_LABEL;
    memcpy(message + CARD_LABEL_LENGTH, session->challenge, CARD_CHALLENGE_LENGTH);
    struct public_key key = {0};
    enum status status = terminal_certificate_key(&session->terminal, &key);
    if (status == OK)
        status = public_key_verify(&key, bytes_of(message, sizeof message), signature);
    public_key_free(&key);
    return status;
}

uint16_t virtual_authenticate_terminal(struct virtual_card *card, const struct command_apdu *command)
{
    struct card_session *session = &card->session;
    if (!is_at_terminal_ca(card))
        return SW_NO_CURRENT_FILE;
    if (command->p1 != 0 || command->p2 != 0x80)
        return SW_WRONG_PARAMETERS;
    bool in_order = session->terminal_presented && session->challenge_given;
    session->challenge_given = false; /* one proof a challenge */
    if (!in_order)
        return count_improper_use(card, SW_CONDITIONS);
    enum status status = check_proof(session, command->data);
    if (status == ERR_CRYPTO)
        return count_improper_use(card, SW_SECURITY_STATUS);
    if (status != OK)
        return SW_DEAD;
    if (card->state.improper_uses > 0) {
        card->state.improper_uses = 0;
        if (virtual_card_store(card) != OK)
            return SW_DEAD;
    }
    session->may_sign_without_pin = true;
    return SW_OK;
}
