#ifndef SHIKAKU_CARD_TLV_H
#define SHIKAKU_CARD_TLV_H

#include "base/bytes.h"
#include "base/cursor.h"

/*
 * BER-TLV as the card's files use it: tags of one to three bytes written as one number (0xFF20, 0xDF27,
 * 0x90), definite lengths of up to four bytes, also where a shorter form would do. After the last object a
 * file is filled with FF.
 */
struct tlv {
    uint32_t tag;
    struct bytes value; /* borrowed */
    struct bytes whole; /* with tag and length; borrowed */
};

enum { TLV_MEASURE_LENGTH = 8 }; /* so many bytes always suffice for tlv_measure */

/*
 * The next object. ERR_NOT_FOUND at the end or where the filler begins, ERR_TRUNCATED when the value is cut
 * off, ERR_MALFORMED for an indefinite or oversized length or tag. The reader moves on only on OK.
 */
enum status tlv_next(struct reader *reader, struct tlv *out) MUST_CHECK;

/* The first object of that tag in a row of objects (not inside them). ERR_NOT_FOUND, or an error of tlv_next
 * met before it. */
enum status tlv_find(struct bytes objects, uint32_t tag, struct tlv *out) MUST_CHECK;
/* As tlv_find, inside the first object of tag outer. */
enum status tlv_find_inside(struct bytes objects, uint32_t outer, uint32_t inner, struct tlv *out) MUST_CHECK;

/*
 * How long the object is of which a file's first bytes are given: for reading a file whose end is filler.
 * ERR_TRUNCATED when the header itself is cut off. Serves DER certificates as well.
 */
enum status tlv_measure(struct bytes beginning, size_t *total) MUST_CHECK;

/* Appended, with the shortest length form. */
enum status tlv_append(struct buffer *out, uint32_t tag, struct bytes value) MUST_CHECK;
/* The bytes that tag and length of such an object take. */
size_t tlv_header_length(uint32_t tag, size_t value_length);

#endif
