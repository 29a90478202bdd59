#include "card/client.h"

#include <string.h>

#include "base/clock.h"
#include "card/client_session.h"
#include "card/tlv.h"

enum {
    SELECT_APPLICATION = 0x04,
    SELECT_FILE = 0x02,
    NO_CONTROL_INFORMATION = 0x0C,
    TOKEN_LENGTH = 160,
    TOKEN_LABEL_LENGTH = 32,
    OFFSET_LIMIT = 0x8000, /* READ BINARY has fifteen bits */
    FILLER = 0xFF,         /* behind what a file holds */
};

void card_transport_close(struct card_transport *transport)
{
    if (transport)
        transport->operations->close(transport);
}

struct card_client card_client_of(struct card_transport *transport, int64_t deadline)
{
    return (struct card_client){
        .transport = transport, .deadline = deadline, .selected = -1, .response.secret = true};
}

void card_client_free(struct card_client *client)
{
    card_client_end(client);
    buffer_free(&client->response);
}

enum card_error card_client_begin(struct card_client *client)
{
    if (client->in_session)
        return CARD_ERR_INTERNAL;
    enum card_error error = client->transport->operations->begin(client->transport, client->deadline);
    if (error != CARD_OK)
        return error;
    client->in_session = true;
    client->opened = false;
    client->selected = -1;
    return CARD_OK;
}

void card_client_end(struct card_client *client)
{
    if (!client->in_session)
        return;
    client->in_session = false;
    client->transport->operations->end(client->transport, client->opened);
    buffer_clear(&client->response);
}

enum card_error client_transmit(struct card_client *client, const struct command_apdu *command,
                                struct bytes *data)
{
    if (!client->in_session)
        return CARD_ERR_INTERNAL;
    if (monotonic_microseconds() >= client->deadline)
        return CARD_ERR_TIMEOUT;
    struct buffer encoded = {.secret = true};
    if (command_apdu_encode(command, &encoded) != OK) {
        buffer_free(&encoded);
        return CARD_ERR_INTERNAL;
    }
    enum card_error error =
        client->transport->operations->transmit(client->transport, buffer_bytes(&encoded), &client->response);
    buffer_free(&encoded);
    struct response_apdu response = {0};
    if (error == CARD_OK && response_apdu_parse(buffer_bytes(&client->response), &response) != OK)
        error = CARD_ERR_FAILED;
    client->status_word = response.status_word;
    if (data)
        *data = response.data;
    return error;
}

enum card_error client_error_of(uint16_t status_word)
{
    switch (status_word) {
    case SW_OK:
        return CARD_OK;
    case SW_SECURITY_STATUS:
        return CARD_ERR_PIN_NEEDED;
    case SW_DEAD:
        return CARD_ERR_MUTE;
    default:
        return CARD_ERR_FAILED;
    }
}

/* ---- Applications and files ---- */

enum card_error client_select(struct card_client *client, enum card_application application)
{
    if (client->selected == (int)application)
        return CARD_OK;
    client->selected = -1;
    const struct command_apdu command = {.instruction = INS_SELECT,
                                         .p1 = SELECT_APPLICATION,
                                         .p2 = NO_CONTROL_INFORMATION,
                                         .data = card_application_identifier(application)};
    enum card_error error = client_transmit(client, &command, NULL);
    if (error != CARD_OK)
        return error;
    if (client->status_word == SW_NOT_FOUND)
        return CARD_ERR_NOT_MY_NUMBER;
    error = client_error_of(client->status_word);
    if (error == CARD_OK)
        client->selected = (int)application;
    return error;
}

enum card_error client_select_file(struct card_client *client, unsigned file)
{
    const uint8_t id[] = {(uint8_t)(file >> 8), (uint8_t)file};
    const struct command_apdu command = {.instruction = INS_SELECT,
                                         .p1 = SELECT_FILE,
                                         .p2 = NO_CONTROL_INFORMATION,
                                         .data = bytes_of(id, sizeof id)};
    enum card_error error = client_transmit(client, &command, NULL);
    return error != CARD_OK ? error : client_error_of(client->status_word);
}

/* Of the current file; fewer bytes than asked for are an error: files are longer than what they hold. */
static enum card_error read_part(struct card_client *client, size_t offset, uint32_t length,
                                 struct buffer *out)
{
    const struct command_apdu command = {.instruction = INS_READ_BINARY,
                                         .p1 = (uint8_t)(offset >> 8),
                                         .p2 = (uint8_t)offset,
                                         .expected_length = length};
    struct bytes data;
    enum card_error error = client_transmit(client, &command, &data);
    if (error == CARD_OK)
        error = client_error_of(client->status_word);
    if (error != CARD_OK)
        return error;
    if (data.length != length)
        return CARD_ERR_FAILED;
    return buffer_append(out, data) == OK ? CARD_OK : CARD_ERR_NO_MEMORY;
}

static enum card_error read_rest(struct card_client *client, size_t have, size_t total, struct buffer *out)
{
    for (size_t offset = have; offset < total;) {
        size_t left = total - offset;
        uint32_t step = left > APDU_SHORT_RESPONSE_LENGTH ? APDU_SHORT_RESPONSE_LENGTH : (uint32_t)left;
        enum card_error error = read_part(client, offset, step, out);
        if (error != CARD_OK)
            return error;
        offset += step;
    }
    return CARD_OK;
}

enum card_error client_read_object(struct card_client *client, enum card_application application,
                                   unsigned file, struct buffer *out)
{
    enum card_error error = client_select(client, application);
    if (error == CARD_OK)
        error = client_select_file(client, file);
    if (error != CARD_OK)
        return error;
    size_t begin = out->length;
    error = read_part(client, 0, TLV_MEASURE_LENGTH, out);
    if (error != CARD_OK)
        return error;
    size_t total;
    if (out->data[begin] == FILLER && out->data[begin + 1] == FILLER) {
        out->length = begin;
        return CARD_OK;
    }
    if (tlv_measure(bytes_from(buffer_bytes(out), begin), &total) != OK || total > OFFSET_LIMIT)
        return CARD_ERR_FAILED;
    if (total < TLV_MEASURE_LENGTH)
        out->length = begin + total;
    return read_rest(client, TLV_MEASURE_LENGTH, total, out);
}

/* ---- What the card is ---- */

static bool starts_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static enum card_error take_label(struct bytes token, struct card_description *out)
{
    size_t length = TOKEN_LABEL_LENGTH;
    while (length > 0 && token.data[length - 1] == ' ')
        length--;
    for (size_t i = 0; i < length; i++)
        if (token.data[i] < ' ' || token.data[i] > '~')
            return CARD_ERR_FAILED;
    memcpy(out->label, token.data, length);
    out->label[length] = '\0';
    if (starts_with(out->label, "JPKIAPGPSE"))
        out->form = CARD_FORM_ANDROID;
    else if (starts_with(out->label, "JPKIAPIOS"))
        out->form = CARD_FORM_IPHONE;
    else
        out->form = CARD_FORM_CARD;
    return CARD_OK;
}

static enum card_error read_token(struct card_client *client, struct card_description *out)
{
    struct buffer token = {0};
    enum card_error error = client_select_file(client, JPKI_TOKEN);
    if (error == CARD_OK)
        error = read_part(client, 0, TOKEN_LENGTH, &token);
    if (error == CARD_OK)
        error = take_label(buffer_bytes(&token), out);
    buffer_free(&token);
    return error;
}

/* Free to read, unlike the certificate itself: 8F8F00 where there are both, signature's first. */
static enum card_error look_for_signature_certificate(struct card_client *client,
                                                      struct card_description *out)
{
    struct buffer presence = {0};
    enum card_error error = client_select_file(client, JPKI_PRESENCE);
    if (error == CARD_OK)
        error = read_part(client, 0, 3, &presence);
    if (error == CARD_OK)
        out->has_signature_certificate = presence.data[0] == 0x8F;
    buffer_free(&presence);
    return error;
}

enum card_error card_recognise(struct card_client *client, struct card_description *out)
{
    *out = (struct card_description){0};
    enum card_error error = client_select(client, CARD_JPKI);
    if (error == CARD_OK)
        error = read_token(client, out);
    if (error == CARD_OK)
        error = look_for_signature_certificate(client, out);
    if (error == CARD_OK)
        error = card_tries_left(client, CARD_PIN_AUTHENTICATION, &out->tries_left);
    /* A card without PIN (顔認証マイナンバーカード) is one whose PIN can never be verified; it has no
     * signature certificate either. A locked card that has none for another reason cannot be told from it,
     * and what is left to do is the same (ours). */
    out->has_pin = out->tries_left > 0 || out->has_signature_certificate;
    return error;
}

enum card_error card_read_certificate(struct card_client *client, enum card_certificate_kind kind,
                                      struct buffer *der)
{
    static const unsigned files[] = {
        [CARD_CERTIFICATE_AUTHENTICATION] = JPKI_AUTHENTICATION_CERTIFICATE,
        [CARD_CERTIFICATE_AUTHENTICATION_CA] = JPKI_AUTHENTICATION_CA,
        [CARD_CERTIFICATE_SIGNATURE] = JPKI_SIGNATURE_CERTIFICATE,
        [CARD_CERTIFICATE_SIGNATURE_CA] = JPKI_SIGNATURE_CA,
    };
    size_t before = der->length;
    enum card_error error = client_read_object(client, CARD_JPKI, files[kind], der);
    bool is_certificate = der->length > before && der->data[before] == 0x30; /* SEQUENCE */
    if (error == CARD_OK && !is_certificate)
        error = CARD_ERR_WITHOUT_CERTIFICATE;
    return error;
}
