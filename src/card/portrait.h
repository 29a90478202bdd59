#ifndef SHIKAKU_CARD_PORTRAIT_H
#define SHIKAKU_CARD_PORTRAIT_H

#include "base/bytes.h"
#include "base/date.h"

/* The face on a card: grey, 240 × 320, JPEG 2000 in a JP2 file, compressed to a few kilobytes. */
enum { PORTRAIT_WIDTH = 240, PORTRAIT_HEIGHT = 320 };

struct portrait_subject {
    const char *name; /* UTF-8, borrowed */
    struct date birth;
    uint8_t sex;     /* 1 male, 2 female, 9 not stated */
    struct date day; /* how old the person looks */
};

/* A drawn face, the same one for the same person: for people who do not exist. Appended to jp2. */
enum status portrait_draw(const struct portrait_subject *subject, struct buffer *jp2) MUST_CHECK;
/* A photograph, its middle cut to 3:4. ERR_NOT_FOUND, ERR_MALFORMED (no PNG). */
enum status portrait_from_png(const char *path, struct buffer *jp2) MUST_CHECK;

#endif
