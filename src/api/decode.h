#ifndef SHIKAKU_API_DECODE_H
#define SHIKAKU_API_DECODE_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/region.h"
#include "domain/reason.h"

/*
 * Reads the members of one JSON object. The first thing wrong sticks: ten members need one look at `reason`,
 * at the end, by decode_finish(), which also refuses members that nobody asked for. Texts are views into the
 * document, which lives until decode_free().
 */
struct decoder {
    json_t *object; /* owned where it is the document itself */
    bool owns;
    size_t taken;       /* members asked for that were there */
    enum reason reason; /* REASON_NONE while all is well */
    const char *member; /* the one at fault, ours or NULL; never a value */
};

/* The body of a request: one JSON object, no name twice. request_malformed otherwise. */
struct decoder decode_document(struct bytes body);
/* A member that is an object: borrowed from its parent. absent is allowed iff optional; then object is NULL.
 */
struct decoder decode_object(struct decoder *parent, const char *name, bool optional);

/* There, and not null: then it is still to be read. A null is taken as read. */
bool decode_has(struct decoder *decoder, const char *name);
/* Text; empty and the reason set where it is missing or another type. */
struct bytes decode_text(struct decoder *decoder, const char *name);
/* Text, or empty where it is null or missing. */
struct bytes decode_optional_text(struct decoder *decoder, const char *name);
bool decode_bool(struct decoder *decoder, const char *name);
int64_t decode_integer(struct decoder *decoder, const char *name, int64_t least, int64_t most);
/* base64 of exactly `length` bytes. */
void decode_exact_base64(struct decoder *decoder, const char *name, uint8_t *out, size_t length);
/* base64 of 1 … most bytes, in the region. */
struct bytes decode_base64(struct decoder *decoder, const char *name, size_t most, struct region *region);
/* Which of the words (NULL at the end) stands there: its index; 0 and the reason set otherwise. */
size_t decode_word(struct decoder *decoder, const char *name, const char *const *words);
/* An array; NULL and the reason set otherwise. Borrowed. */
json_t *decode_array(struct decoder *decoder, const char *name, size_t most);

/* Parses a text member by its own rule, enum reason parse(text, length, out); its reason sticks. */
#define DECODE_MEMBER(decoder, name, parse, out)                                                             \
    do {                                                                                                     \
        struct bytes member_text = decode_text(decoder, name);                                               \
        if ((decoder)->reason == REASON_NONE)                                                                \
            decode_refuse(decoder, parse((const char *)member_text.data, member_text.length, out), name);    \
    } while (0)

/* Sets the reason unless one is set already. */
void decode_refuse(struct decoder *decoder, enum reason reason, const char *member);
/* The reason; REASON_FIELD_UNKNOWN where members are left that nobody asked for. */
enum reason decode_finish(struct decoder *decoder);
/* Takes over a child's reason. */
void decode_end_object(struct decoder *parent, struct decoder *child);
void decode_free(struct decoder *decoder);
/* Finishes and frees a document: its reason, and the member at fault. */
enum reason decode_end(struct decoder *decoder, const char **member);

#endif
