#ifndef SHIKAKU_SERVICE_REGISTER_NUMBER_H
#define SHIKAKU_SERVICE_REGISTER_NUMBER_H

#include "registry/link.h"
#include "service/proceeding.h"
#include "vault/messages.h"

/*
 * An insurer registers the My Number of a subscriber. The number comes sealed to the vault and is opened
 * nowhere else (Q7). What the insurer states is compared with the card authority on all five items: a link is
 * confirmed only where all match, quarantined otherwise, and pending while the authority cannot be asked.
 */
struct number_registration {
    struct insured_key key; /* its insurer is the caller's */
    struct date birth;      /* DATE_NONE: not needed to tell whose it is */
    struct bytes row;       /* what the seal names besides insurer and purpose */
    struct bytes sealed;
};

struct registered_link {
    enum link_state state;
    bool compared;
    enum vault_item_fit fit[5]; /* kanji, kana, birth, sex, address */
    const uint8_t *event_id;
};

struct register_number {
    struct proceeding proceeding; /* first; its owner's part filled in */
    /* filled in by the owner: */
    struct number_registration asked;
    enum status (*encode)(const struct registered_link *link, struct buffer *out);
};

void register_number_start(struct register_number *registration);

#endif
