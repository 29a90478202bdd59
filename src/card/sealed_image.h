#ifndef SHIKAKU_CARD_SEALED_IMAGE_H
#define SHIKAKU_CARD_SEALED_IMAGE_H

#include "base/bytes.h"

/* Where an image and, apart from it, its key live. Borrowed; copied where kept. */
struct card_location {
    const char *image_path;
    const char *key_path;
};

/*
 * A card's content on disk (ours): sealed with AES-256-GCM under a key that is kept in another file, and that
 * is a fresh one at each write, so that an older image put back opens no more: it would restore a spent PIN
 * counter.
 *
 * The key file holds two keys: the newest, under which the image is sealed, and the next, which the coming
 * write will use. A write is
 *   1. the image, sealed under the next key, durably in place of the old one;
 *   2. the key file {next, a new one}, durably in place of the old one;
 * and is done only then. Cut off between the two, the image opens with the next key: opening rolls forward.
 * Cut off before, the old image opens with the newest. Whatever must not happen on the strength of an older
 * image (comparing a PIN) waits for the whole write, so whoever interrupts one has learnt nothing that the
 * older image could hide. Opening replaces the next key, so that an image made by an interrupted write is of
 * no use later either.
 *
 * An image that opens with neither key, and a key file of another length, were tampered with: both files are
 * overwritten with random bytes for good (Q9). A file that is missing or cannot be read destroys nothing.
 */
struct sealed_image;

enum { SEALED_IMAGE_LIMIT = 1 << 20 };

/* ERR_EXISTS where there is an image. Both files get mode 0600. Freed by sealed_image_close(). */
enum status sealed_image_create(const struct card_location *where, struct bytes content,
                                struct sealed_image **out) MUST_CHECK;
/*
 * content is appended to, marked secret. ERR_NOT_FOUND: image or key is missing. ERR_BUSY: another process
 * has it. ERR_DENIED: group or others can open the key file. ERR_DAMAGED: it did not open, and is destroyed
 * now.
 */
enum status sealed_image_open(const struct card_location *where, struct buffer *content,
                              struct sealed_image **out) MUST_CHECK;
/* Whether a process has it open now: a card in a reader. */
bool sealed_image_is_open_elsewhere(const struct card_location *where);
/* On OK the content is durable and no older one opens. After a failure the image takes no further write
 * (ERR_WRONG_STATE): what is on disk is known only after opening again. */
enum status sealed_image_write(struct sealed_image *image, struct bytes content) MUST_CHECK;
/* Overwrites key and image (Q9). */
enum status sealed_image_destroy(struct sealed_image *image) MUST_CHECK;
void sealed_image_close(struct sealed_image *image);

#endif
