#include "card/apdu.h"

enum { HEADER_LENGTH = 4 };

static uint32_t big_endian_16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

/* What follows the header in the short form: [Lc data] [Le]. */
static enum status parse_short_lengths(struct bytes body, struct command_apdu *out)
{
    if (body.length == 1) {
        out->expected_length = body.data[0] ? body.data[0] : APDU_SHORT_RESPONSE_LENGTH;
        return OK;
    }
    size_t data_length = body.data[0];
    if (data_length == 0 || body.length < 1 + data_length || body.length > 2 + data_length)
        return ERR_MALFORMED;
    out->data = bytes_of(body.data + 1, data_length);
    if (body.length == 2 + data_length) {
        uint8_t length = body.data[1 + data_length];
        out->expected_length = length ? length : APDU_SHORT_RESPONSE_LENGTH;
    }
    return OK;
}

/* The extended form: 00 [Lc Lc data] [Le Le], where the 00 stands once. */
static enum status parse_extended_lengths(struct bytes body, struct command_apdu *out)
{
    out->extended = true;
    uint32_t first = big_endian_16(body.data + 1);
    if (body.length == 3) {
        out->expected_length = first ? first : APDU_EXTENDED_RESPONSE_LENGTH;
        return OK;
    }
    if (first == 0 || (body.length != 3 + first && body.length != 5 + first))
        return ERR_MALFORMED;
    out->data = bytes_of(body.data + 3, first);
    if (body.length == 5 + first) {
        uint32_t length = big_endian_16(body.data + 3 + first);
        out->expected_length = length ? length : APDU_EXTENDED_RESPONSE_LENGTH;
    }
    return OK;
}

enum status command_apdu_parse(struct bytes bytes, struct command_apdu *out)
{
    *out = (struct command_apdu){0};
    if (bytes.length < HEADER_LENGTH)
        return ERR_MALFORMED;
    out->class_byte = bytes.data[0];
    out->instruction = bytes.data[1];
    out->p1 = bytes.data[2];
    out->p2 = bytes.data[3];
    struct bytes body = bytes_from(bytes, HEADER_LENGTH);
    if (body.length == 0)
        return OK;
    if (body.length >= 3 && body.data[0] == 0)
        return parse_extended_lengths(body, out);
    return parse_short_lengths(body, out);
}

static enum status append_number(struct buffer *out, uint32_t value, size_t width)
{
    uint8_t bytes[4];
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(value >> 8 * (width - 1 - i));
    return buffer_append(out, bytes_of(bytes, width));
}

enum status command_apdu_encode(const struct command_apdu *command, struct buffer *out)
{
    if (command->data.length > APDU_EXTENDED_DATA_LENGTH ||
        command->expected_length > APDU_EXTENDED_RESPONSE_LENGTH)
        return ERR_RANGE;
    bool extended = command->extended || command->data.length > APDU_SHORT_DATA_LENGTH ||
                    command->expected_length > APDU_SHORT_RESPONSE_LENGTH;
    size_t width = extended ? 2 : 1;
    bool has_data = command->data.length > 0;
    bool has_expected = command->expected_length > 0;
    const uint8_t header[] = {command->class_byte, command->instruction, command->p1, command->p2};
    enum status status = buffer_append(out, bytes_of(header, sizeof header));
    if (status == OK && extended && (has_data || has_expected))
        status = append_number(out, 0, 1);
    if (status == OK && has_data)
        status = append_number(out, (uint32_t)command->data.length, width);
    if (status == OK && has_data)
        status = buffer_append(out, command->data);
    if (status == OK && has_expected) /* 256 and 65536 leave their low bytes: zero */
        status = append_number(out, command->expected_length, width);
    return status;
}

enum status response_apdu_parse(struct bytes bytes, struct response_apdu *out)
{
    *out = (struct response_apdu){0};
    if (bytes.length < 2)
        return ERR_TRUNCATED;
    if (bytes.length > APDU_EXTENDED_RESPONSE_LENGTH + 2)
        return ERR_TOO_LARGE;
    out->data = bytes_of(bytes.data, bytes.length - 2);
    out->status_word = (uint16_t)big_endian_16(bytes.data + bytes.length - 2);
    return OK;
}

enum status response_apdu_encode(const struct response_apdu *response, struct buffer *out)
{
    enum status status = buffer_append(out, response->data);
    return status != OK ? status : append_number(out, response->status_word, 2);
}

int status_word_tries_left(uint16_t status_word)
{
    return (status_word & 0xFFF0) == SW_WRONG_PIN ? status_word & 0x0F : -1;
}
