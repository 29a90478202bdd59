#include "api/decode.h"

#include <stdlib.h>
#include <string.h>

struct decoder decode_document(struct bytes body)
{
    struct decoder decoder = {.owns = true};
    decoder.object = json_loadb((const char *)body.data, body.length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(decoder.object))
        decoder.reason = REASON_REQUEST_MALFORMED;
    return decoder;
}

void decode_refuse(struct decoder *decoder, enum reason reason, const char *member)
{
    if (decoder->reason != REASON_NONE)
        return;
    decoder->reason = reason;
    decoder->member = member;
}

/* The member, counted; NULL and the reason set where it must be there and is not. */
static json_t *take(struct decoder *decoder, const char *name, bool optional)
{
    if (decoder->reason != REASON_NONE)
        return NULL;
    json_t *value = json_object_get(decoder->object, name);
    if (value)
        decoder->taken++;
    if (!value && !optional)
        decode_refuse(decoder, REASON_FIELD_MISSING, name);
    return json_is_null(value) && optional ? NULL : value;
}

bool decode_has(struct decoder *decoder, const char *name)
{
    const json_t *value = json_object_get(decoder->object, name);
    if (json_is_null(value))
        decoder->taken++;
    return value && !json_is_null(value);
}

struct decoder decode_object(struct decoder *parent, const char *name, bool optional)
{
    struct decoder child = {.object = take(parent, name, optional)};
    if (child.object && !json_is_object(child.object))
        decode_refuse(parent, REASON_REQUEST_MALFORMED, name);
    child.reason = parent->reason;
    return child;
}

static struct bytes text_of(struct decoder *decoder, const char *name, json_t *value)
{
    if (!value)
        return (struct bytes){0};
    if (!json_is_string(value)) {
        decode_refuse(decoder, REASON_REQUEST_MALFORMED, name);
        return (struct bytes){0};
    }
    return bytes_of(json_string_value(value), json_string_length(value));
}

struct bytes decode_text(struct decoder *decoder, const char *name)
{
    return text_of(decoder, name, take(decoder, name, false));
}

struct bytes decode_optional_text(struct decoder *decoder, const char *name)
{
    return text_of(decoder, name, take(decoder, name, true));
}

bool decode_bool(struct decoder *decoder, const char *name)
{
    json_t *value = take(decoder, name, false);
    if (value && !json_is_boolean(value))
        decode_refuse(decoder, REASON_REQUEST_MALFORMED, name);
    return json_is_true(value);
}

int64_t decode_integer(struct decoder *decoder, const char *name, int64_t least, int64_t most)
{
    json_t *value = take(decoder, name, false);
    int64_t number = json_is_integer(value) ? json_integer_value(value) : least;
    if (value && (!json_is_integer(value) || number < least || number > most))
        decode_refuse(decoder, REASON_REQUEST_MALFORMED, name);
    return decoder->reason == REASON_NONE ? number : least;
}

struct bytes decode_base64(struct decoder *decoder, const char *name, size_t most, struct region *region)
{
    struct bytes text = decode_text(decoder, name);
    if (decoder->reason != REASON_NONE)
        return (struct bytes){0};
    struct buffer decoded = {0};
    struct bytes copy = {0};
    if (text.length <= most / 3 * 4 + 4 && text.length > 0 &&
        base64_decode((const char *)text.data, text.length, &decoded) == OK && decoded.length <= most)
        copy = region_copy(region, buffer_bytes(&decoded));
    buffer_free(&decoded);
    if (!copy.data)
        decode_refuse(decoder, REASON_REQUEST_MALFORMED, name);
    return copy;
}

void decode_exact_base64(struct decoder *decoder, const char *name, uint8_t *out, size_t length)
{
    memset(out, 0, length);
    struct bytes text = decode_text(decoder, name);
    if (decoder->reason != REASON_NONE)
        return;
    struct buffer decoded = {0};
    if (text.length == (length + 2) / 3 * 4 &&
        base64_decode((const char *)text.data, text.length, &decoded) == OK && decoded.length == length)
        memcpy(out, decoded.data, length);
    else
        decode_refuse(decoder, REASON_REQUEST_MALFORMED, name);
    buffer_free(&decoded);
}

size_t decode_word(struct decoder *decoder, const char *name, const char *const *words)
{
    struct bytes text = decode_text(decoder, name);
    for (size_t i = 0; words[i]; i++)
        if (bytes_equal(text, bytes_of_text(words[i])))
            return i;
    decode_refuse(decoder, REASON_REQUEST_MALFORMED, name);
    return 0;
}

json_t *decode_array(struct decoder *decoder, const char *name, size_t most)
{
    json_t *value = take(decoder, name, false);
    if (value && !json_is_array(value))
        decode_refuse(decoder, REASON_REQUEST_MALFORMED, name);
    else if (value && json_array_size(value) > most)
        decode_refuse(decoder, REASON_TOO_LARGE, name);
    return decoder->reason == REASON_NONE ? value : NULL;
}

enum reason decode_finish(struct decoder *decoder)
{
    if (decoder->reason == REASON_NONE && json_object_size(decoder->object) > decoder->taken)
        decode_refuse(decoder, REASON_FIELD_UNKNOWN, NULL);
    return decoder->reason;
}

void decode_end_object(struct decoder *parent, struct decoder *child)
{
    if (child->object && decode_finish(child) != REASON_NONE)
        decode_refuse(parent, child->reason, child->member);
}

void decode_free(struct decoder *decoder)
{
    if (decoder->owns)
        json_decref(decoder->object);
    decoder->object = NULL;
}

enum reason decode_end(struct decoder *decoder, const char **member)
{
    enum reason reason = decode_finish(decoder);
    *member = decoder->member;
    decode_free(decoder);
    return reason;
}
