#include "card/virtual_state.h"

#include <string.h>

#include "base/cursor.h"

enum { STATE_VERSION = 1 };

static void write_key(struct writer *writer, const struct private_key *key)
{
    struct buffer der = {.secret = true};
    if (key->kind != KEY_NONE && writer->status == OK)
        writer->status = private_key_encode(key, &der);
    write_sized(writer, buffer_bytes(&der));
    buffer_free(&der);
}

enum status card_state_encode(const struct card_state *state, struct buffer *out)
{
    out->secret = true;
    struct writer writer = writer_to(out);
    write_u8(&writer, STATE_VERSION);
    write_u8(&writer, (uint8_t)state->generation);
    write_u8(&writer, (uint8_t)state->form);
    write_u8(&writer, state->personalised);
    write_u8(&writer, (uint8_t)state->improper_uses);
    for (size_t i = 0; i < CARD_KEY_COUNT; i++)
        write_key(&writer, &state->keys[i]);
    for (size_t i = 0; i < CARD_PIN_COUNT; i++) {
        write_u8(&writer, state->pins[i].length);
        write_u8(&writer, state->pins[i].tries_left);
        write_bytes(&writer, bytes_of(state->pins[i].value, CARD_PIN_LENGTH));
    }
    uint8_t terminal_ca[TERMINAL_CERTIFICATE_LENGTH] = {0};
    if (state->personalised)
        terminal_certificate_encode(&state->terminal_ca, terminal_ca);
    write_bytes(&writer, bytes_of(terminal_ca, sizeof terminal_ca));
    for (size_t i = 0; i < CARD_FILE_COUNT; i++)
        write_sized(&writer, buffer_bytes(&state->files[i]));
    return writer.status;
}

static void read_key(struct reader *reader, struct private_key *out)
{
    struct bytes der = read_sized(reader);
    if (reader->status == OK && der.length > 0)
        reader->status = private_key_decode(der, out);
}

static void read_pin(struct reader *reader, struct card_pin_state *out)
{
    out->length = read_u8(reader);
    out->tries_left = read_u8(reader);
    read_into(reader, out->value, CARD_PIN_LENGTH);
    if (out->length > CARD_PIN_LENGTH)
        reader->status = ERR_MALFORMED;
}

static void read_file(struct reader *reader, struct buffer *out)
{
    struct bytes content = read_sized(reader);
    out->secret = true;
    if (reader->status == OK)
        reader->status = buffer_append(out, content);
}

static enum status decode(struct reader *reader, struct card_state *out)
{
    if (read_u8(reader) != STATE_VERSION)
        return reader->status != OK ? reader->status : ERR_VERSION;
    out->generation = read_u8(reader);
    out->form = read_u8(reader);
    out->personalised = read_u8(reader) != 0;
    out->improper_uses = read_u8(reader);
    for (size_t i = 0; i < CARD_KEY_COUNT; i++)
        read_key(reader, &out->keys[i]);
    for (size_t i = 0; i < CARD_PIN_COUNT; i++)
        read_pin(reader, &out->pins[i]);
    struct bytes terminal_ca = read_bytes(reader, TERMINAL_CERTIFICATE_LENGTH);
    if (reader->status == OK && out->personalised)
        reader->status = terminal_certificate_parse(terminal_ca, &out->terminal_ca);
    for (size_t i = 0; i < CARD_FILE_COUNT; i++)
        read_file(reader, &out->files[i]);
    return reader_finish(reader);
}

enum status card_state_decode(struct bytes bytes, struct card_state *out)
{
    *out = (struct card_state){0};
    struct reader reader = reader_of(bytes);
    enum status status = decode(&reader, out);
    if (status != OK)
        card_state_free(out);
    return status;
}

void card_state_free(struct card_state *state)
{
    for (size_t i = 0; i < CARD_KEY_COUNT; i++)
        private_key_free(&state->keys[i]);
    for (size_t i = 0; i < CARD_FILE_COUNT; i++)
        buffer_free(&state->files[i]);
    secret_wipe(state, sizeof *state);
}
