#ifndef SHIKAKU_CLINIC_SIGNING_H
#define SHIKAKU_CLINIC_SIGNING_H

#include "clinic/clinic.h"
#include "domain/answer.h"

/* Having the card in the reader sign a statement, with its PIN or in the form without. */

struct card_use {
    struct card_transport *card; /* borrowed */
    /* AUTHENTICATED_BY_PIN: pin is verified by the chip. FACE and STAFF_EYES: the form without PIN, asserted
     * by the institution. */
    enum authentication authenticated_by;
    struct bytes pin; /* borrowed, secret */
    bool spend_last_try;
    int64_t deadline; /* monotonic_microseconds() */
};

/* The part of a request that docs/machine-api.md calls signed. Owned; freed by signed_part_free(). */
struct signed_part {
    struct challenge challenge;
    struct buffer certificate; /* DER */
    struct signature signature;
    enum authentication authenticated_by;
    struct terminal_certificate terminal; /* without PIN only */
    struct card_nonce nonce;              /* without PIN only */
};

/*
 * statement: kind, purpose, day and content are the caller's; the rest is filled in here. ERR_DENIED where
 * card, person or centre stand in the way: *refused says why. Nothing is asked of the card before a challenge
 * is there, so that no try of the PIN is spent in vain.
 */
enum status sign_statement(struct clinic *clinic, const struct card_use *use, struct statement *statement,
                           struct signed_part *out, struct outcome *refused) MUST_CHECK;
void signed_part_free(struct signed_part *part);

/* challenge, certificate, signature, form, terminal_certificate, card_nonce, authenticated_by. */
void signed_part_put(const struct signed_part *part, struct json_writing *writing);

/* Whether another challenge, and another signature of the same card, may put the refusal right. */
bool is_refused_for_challenge(const struct outcome *outcome);

#endif
