#ifndef SHIKAKU_DOMAIN_ADDRESS_FORM_H
#define SHIKAKU_DOMAIN_ADDRESS_FORM_H

#include "domain/five_items.h"

/*
 * An address brought into the form in which two notations of it are equal: `characters` folded, the first
 * `number_start` of them the town, then up to `building_start` the block and house numbers ("1-2-3"), then
 * the building. `town_start` skips a prefecture's name. Owned.
 */
struct address_form {
    int32_t *characters;
    size_t count;
    size_t town_start;
    size_t number_start;
    size_t building_start;
};

/* ERR_NO_MEMORY, ERR_MALFORMED. The caller frees, also after a failure. */
enum status address_form_make(struct bytes address, struct address_form *out) MUST_CHECK;
void address_form_free(struct address_form *form);

enum address_difference address_forms_compare(const struct address_form *a, const struct address_form *b);

#endif
