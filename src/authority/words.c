#include "authority/words.h"

#include <string.h>

struct word {
    int value;
    const char *name;
};

static const struct word generations[] = {{GENERATION_CURRENT, "current"}, {GENERATION_NEXT, "next"}};
static const struct word devices[] = {{DEVICE_CARD, "card"}, {DEVICE_PHONE, "phone"}};
static const struct word actions[] = {
    {ACTION_SUSPEND, "suspend"}, {ACTION_LIFT, "lift"}, {ACTION_REVOKE, "revoke"}};
static const struct word kinds[] = {
    {SUBJECT_CARD, "card"}, {SUBJECT_MACHINE, "machine"}, {SUBJECT_TERMINAL, "terminal"}};
static const struct word resident_states[] = {
    {RESIDENT_LIVING, "living"}, {RESIDENT_DEAD, "dead"}, {RESIDENT_LEFT, "left"}};

static const char *name_of(const struct word *words, size_t count, int value)
{
    for (size_t i = 0; i < count; i++) {
        if (words[i].value == value)
            return words[i].name;
    }
    return "unknown";
}

static enum status value_of(const struct word *words, size_t count, const char *name, int *out)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i].name, name) == 0) {
            *out = words[i].value;
            return OK;
        }
    }
    return ERR_MALFORMED;
}

const char *generation_name(enum card_generation generation)
{
    return name_of(generations, ARRAY_LENGTH(generations), (int)generation);
}

const char *device_name(enum card_device device)
{
    return name_of(devices, ARRAY_LENGTH(devices), (int)device);
}

const char *state_action_name(enum state_action action)
{
    return name_of(actions, ARRAY_LENGTH(actions), (int)action);
}

const char *subject_kind_name(enum subject_kind kind)
{
    return name_of(kinds, ARRAY_LENGTH(kinds), (int)kind);
}

const char *resident_state_name(enum resident_state state)
{
    return name_of(resident_states, ARRAY_LENGTH(resident_states), (int)state);
}

enum status generation_of(const char *name, enum card_generation *out)
{
    int value;
    enum status status = value_of(generations, ARRAY_LENGTH(generations), name, &value);
    if (status == OK)
        *out = (enum card_generation)value;
    return status;
}

enum status device_of(const char *name, enum card_device *out)
{
    int value;
    enum status status = value_of(devices, ARRAY_LENGTH(devices), name, &value);
    if (status == OK)
        *out = (enum card_device)value;
    return status;
}

enum status state_action_of(const char *name, enum state_action *out)
{
    int value;
    enum status status = value_of(actions, ARRAY_LENGTH(actions), name, &value);
    if (status == OK)
        *out = (enum state_action)value;
    return status;
}

enum status subject_kind_of(const char *name, enum subject_kind *out)
{
    int value;
    enum status status = value_of(kinds, ARRAY_LENGTH(kinds), name, &value);
    if (status == OK)
        *out = (enum subject_kind)value;
    return status;
}

void subject_id_format(enum subject_kind kind, const struct certificate_id *id, char out[SUBJECT_ID_TEXT])
{
    if (kind != SUBJECT_TERMINAL) {
        hex_encode(bytes_of(id->bytes, sizeof(id->bytes)), out);
        return;
    }
    memcpy(out, id->bytes, TERMINAL_ID_LENGTH);
    out[TERMINAL_ID_LENGTH] = '\0';
}

enum status subject_id_parse(enum subject_kind kind, const char *text, struct certificate_id *out)
{
    if (kind != SUBJECT_TERMINAL)
        return hex_decode(text, strlen(text), out->bytes, sizeof(out->bytes));
    struct terminal_id id;
    if (strlen(text) != TERMINAL_ID_LENGTH)
        return ERR_MALFORMED;
    memcpy(id.bytes, text, TERMINAL_ID_LENGTH);
    *out = certificate_id_of_terminal(&id);
    return OK;
}

json_t *json_of_bytes(struct bytes bytes)
{
    struct buffer text = {0};
    json_t *json =
        base64_encode(bytes, &text) == OK ? json_stringn((const char *)text.data, text.length) : NULL;
    buffer_free(&text);
    return json;
}

enum status bytes_of_json(const char *text, struct buffer *out)
{
    return base64_decode(text, strlen(text), out);
}

json_t *json_of_moment(moment when)
{
    char text[33];
    moment_format(when, text);
    return json_string(text);
}

json_t *json_of_public_key(const struct public_key *key)
{
    struct buffer der = {0};
    if (key->kind == KEY_NONE)
        return json_null();
    json_t *json = public_key_encode(key, &der) == OK ? json_of_bytes(buffer_bytes(&der)) : NULL;
    buffer_free(&der);
    return json;
}

enum status public_key_of_json(const char *text, struct public_key *out)
{
    struct buffer der = {0};
    enum status status = bytes_of_json(text, &der);
    if (status == OK)
        status = public_key_decode(buffer_bytes(&der), out);
    buffer_free(&der);
    return status;
}
