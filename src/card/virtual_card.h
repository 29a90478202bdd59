#ifndef SHIKAKU_CARD_VIRTUAL_CARD_H
#define SHIKAKU_CARD_VIRTUAL_CARD_H

#include "base/bytes.h"
#include "card/apdu.h"
#include "card/applications.h"
#include "card/personalisation.h"
#include "card/sealed_image.h"

/*
 * A My Number Card in software: every application, file, access rule, retry counter and status word that a
 * reader meets, over an image that is sealed on disk (card/sealed_image.h) or held in memory only.
 *
 * Q9: the image holds what is printed on the card, the certificates and their keys. An image that was
 * changed, put back from an older day or opened with another key destroys itself, and so does a card whose
 * secure interface is driven improperly (CARD_IMPROPER_LIMIT). A destroyed card has no ATR and answers
 * SW_DEAD to everything.
 */
struct virtual_card;

enum chip_generation {
    CARD_GENERATION_RSA = 1,  /* RSA-2048 with SHA-256: the cards of today */
    CARD_GENERATION_P384 = 2, /* ECDSA P-384 with SHA-384: planned for 2028; APDUs (ours), docs/card.md */
};

/* So many improper uses of the secure interface, without a proper one between, destroy the card (ours). */
enum { CARD_IMPROPER_LIMIT = 15 };

/*
 * A card with fresh keys and nothing else, ready to be personalised. where NULL: in memory only. ERR_EXISTS
 * where there is an image already. Freed by virtual_card_free.
 */
enum status virtual_card_manufacture(enum chip_generation generation, enum card_form form,
                                     const struct card_location *where, struct virtual_card **out) MUST_CHECK;
/*
 * Opens a stored card; one process at a time (ERR_BUSY). ERR_NOT_FOUND where image or key is missing. An
 * image that does not open is destroyed (Q9), and what is returned, with OK, is a destroyed card.
 */
enum status virtual_card_open(const struct card_location *where, struct virtual_card **out) MUST_CHECK;
void virtual_card_free(struct virtual_card *card);

/* SubjectPublicKeyInfo, DER, appended. */
enum status virtual_card_public_key(const struct virtual_card *card, enum card_key key,
                                    struct buffer *out) MUST_CHECK;
/* A PKCS#10 request, DER, signed by that key inside the card: proof of possession. Before personalisation
 * only. */
enum status virtual_card_request_certificate(const struct virtual_card *card, enum card_key key,
                                             struct buffer *out) MUST_CHECK;
/*
 * Whether all but the certificates could be written: asked before they are ordered. ERR_RANGE;
 * ERR_UNSUPPORTED where a name or an address cannot be printed (card/surface_image.h); ERR_TOO_LARGE;
 * ERR_CRYPTO for the surface's signer.
 */
enum status virtual_card_may_be_personalised(const struct virtual_card *card,
                                             const struct personalisation *what) MUST_CHECK;
/*
 * Writes the holder, certificates and PINs; once (ERR_WRONG_STATE afterwards). ERR_RANGE for a value outside
 * what personalisation.h states, ERR_CRYPTO for a certificate whose key is not this card's.
 */
enum status virtual_card_personalise(struct virtual_card *card,
                                     const struct personalisation *what) MUST_CHECK;

/*
 * New certificates on the same card (電子証明書の更新): new keys are made in the card and kept beside the old
 * ones until their certificates come; then keys and certificates change in one write. PINs stay.
 * ERR_WRONG_STATE for a card that is blank or destroyed, and for certificates without new keys. ERR_RANGE: a
 * signature certificate where there was none, or none where there was one; otherwise as
 * virtual_card_personalise().
 */
enum status virtual_card_renew_keys(struct virtual_card *card) MUST_CHECK;
enum status virtual_card_renewed_public_key(const struct virtual_card *card, enum card_key key,
                                            struct buffer *out) MUST_CHECK;
enum status virtual_card_renew_certificates(struct virtual_card *card,
                                            const struct card_certificate *authentication,
                                            const struct card_certificate *signature) MUST_CHECK;

bool virtual_card_is_personalised(const struct virtual_card *card);
bool virtual_card_is_destroyed(const struct virtual_card *card);
enum chip_generation virtual_card_generation(const struct virtual_card *card);
enum card_form virtual_card_form(const struct virtual_card *card);

/* Power and reset clear the security state, never a counter. */
void virtual_card_power_on(struct virtual_card *card);
void virtual_card_power_off(struct virtual_card *card);
void virtual_card_reset(struct virtual_card *card);
/* Static; empty for a destroyed card. */
struct bytes virtual_card_atr(const struct virtual_card *card);

/*
 * One command APDU; the response (data and status word, always at least two bytes) replaces what response
 * held. A card that is off is powered on first. A try is spent on disk before a PIN is compared.
 */
void virtual_card_transmit(struct virtual_card *card, struct bytes command, struct buffer *response);

/* Tries left, as the card itself would tell; -1 where the PIN is not usable (Q8). */
int virtual_card_tries_left(const struct virtual_card *card, enum card_pin pin);
/*
 * The municipal counter's act (Q8): sets a new PIN and its full tries, whatever the old one was. Only for the
 * four PINs a person chooses: ERR_DENIED for codes A and B, the birth date key and a card without PIN.
 */
enum status virtual_card_reset_pin_at_counter(struct virtual_card *card, enum card_pin pin,
                                              const char *new_pin) MUST_CHECK;
/* The improper uses counted so far. */
unsigned virtual_card_improper_uses(const struct virtual_card *card);

#endif
