#ifndef SHIKAKU_CARD_SURFACE_IMAGE_H
#define SHIKAKU_CARD_SURFACE_IMAGE_H

#include "base/bytes.h"

/* What stands printed on a card, as the chip holds it: black on white, one bit a pixel, PNG. */
enum surface_image {
    SURFACE_IMAGE_NAME,
    SURFACE_IMAGE_ADDRESS,
    SURFACE_IMAGE_MY_NUMBER,
    SURFACE_IMAGE_SECURITY_CODE,
};

/*
 * The text (UTF-8) drawn as large as its field allows, wrapped where the field has lines for it; PNG appended
 * to png, which is marked secret. Rare kanji and variation sequences come from IPAmj Mincho. A name must
 * never be printed with a wrong or a missing character (never ●, never an empty box): ERR_UNSUPPORTED for a
 * character of private use (外字) or one that no font has. ERR_MALFORMED: not printable UTF-8. ERR_TOO_LARGE:
 * does not fit in the smallest letters.
 */
enum status surface_image_draw(enum surface_image field, struct bytes text, struct buffer *png) MUST_CHECK;

#endif
