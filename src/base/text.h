#ifndef SHIKAKU_BASE_TEXT_H
#define SHIKAKU_BASE_TEXT_H

#include "base/bytes.h"

/*
 * Names are stored as given: never NFC, never NFKC, variation sequences and compatibility ideographs (U+FA11
 * 﨑) untouched. Only comparison keys are folded. All text is UTF-8.
 */

/* Well-formed UTF-8 without NUL, surrogates or non-characters. */
bool text_is_utf8(struct bytes text);
/* The code point at *position, which moves on; -1 at the end or where it is not UTF-8. */
int32_t text_next(struct bytes text, size_t *position);
/* Appends one code point. */
enum status text_append(struct buffer *out, int32_t code_point) MUST_CHECK;
/* Code points; SIZE_MAX when not UTF-8. */
size_t text_length(struct bytes text);
/* No control characters (C0, C1, bidi overrides and isolates, line and paragraph separators). */
bool text_is_printable(struct bytes text);

/* Full-width ASCII and space → half-width, half-width kana → full-width with its sound marks joined.
 * Appended. */
enum status text_fold_width(struct bytes text, struct buffer *out) MUST_CHECK;
/* Width as above, hiragana → katakana, small kana kept, spaces removed. Appended. For comparing kana names.
 */
enum status text_fold_kana(struct bytes text, struct buffer *out) MUST_CHECK;
/* Comparison key: NFKC and case folding, variation selectors and spaces removed, hyphens and dashes as '-'.
 */
enum status text_comparison_key(struct bytes text, struct buffer *out) MUST_CHECK;
/* Letters of the Latin script without their diacritics (é → e); all other text, dakuten among it, unchanged.
 * Appended. For comparing names of foreign residents. */
enum status text_strip_latin_marks(struct bytes text, struct buffer *out) MUST_CHECK;

#endif
