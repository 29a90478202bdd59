#ifndef SHIKAKU_CARD_SURFACE_CONTENT_H
#define SHIKAKU_CARD_SURFACE_CONTENT_H

#include "card/personalisation.h"

/*
 * The files of the two surface applications. Where observation leaves something open it is ours
 * (docs/card.md): what a signature covers are whole objects, and the issuer of file 0005 of surface input.
 */

enum surface_edition {
    SURFACE_TODAY,
    SURFACE_COMING, /* the card planned for 2028: no sex, western dates (ours) */
};

/* What the surface's files are made from. Borrowed. */
struct surface_content {
    const struct personalisation *what;
    enum surface_edition edition;
    const struct public_key *presence_key; /* RSA-2048, made in the card */
    struct bytes face;                     /* JP2, or empty */
};

/* Each appends one file without filler to out, which is marked secret. */
enum status surface_input_my_number(const struct surface_content *content, struct buffer *out) MUST_CHECK;
enum status surface_input_attributes(const struct surface_content *content, struct buffer *out) MUST_CHECK;
/* my_number and attributes: the two files above. */
enum status surface_input_signature(const struct surface_content *content, struct bytes my_number,
                                    struct bytes attributes, struct buffer *out) MUST_CHECK;
enum status surface_input_key(const struct surface_content *content, struct buffer *out) MUST_CHECK;
enum status surface_check_birth(const struct surface_content *content, struct buffer *out) MUST_CHECK;
enum status surface_check_face(const struct surface_content *content, struct buffer *out) MUST_CHECK;
enum status surface_check_municipality(const struct surface_content *content, struct buffer *out) MUST_CHECK;
enum status surface_check_my_number(const struct surface_content *content, struct buffer *out) MUST_CHECK;

enum { SURFACE_CODE_LIMIT = 15 };
/* Code B: YYMMDD of birth, year of expiry, security code, as "55021720352285". YY is the year of the Japanese
 * era, on the coming card the western one (ours). */
void surface_code_b(const struct surface_content *content, char out[SURFACE_CODE_LIMIT]);
/* YYMMDD alike. */
void surface_birth_key(const struct surface_content *content, char out[SURFACE_CODE_LIMIT]);

#endif
