/*
 * What a hostile card may answer to the side that drives it: each command is answered by the next bytes of
 * the input, a length byte and so many bytes. Length bytes of 255 answer 9000 behind that many of them, so
 * that long files can be had.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "card/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct hostile_card {
    struct card_transport transport;
    struct bytes left;
};

static enum card_error begin(struct card_transport *transport, int64_t deadline)
{
    (void)transport;
    (void)deadline;
    return CARD_OK;
}

static enum card_error transmit(struct card_transport *transport, struct bytes command,
                                struct buffer *response)
{
    struct hostile_card *card = (struct hostile_card *)transport;
    (void)command;
    buffer_clear(response);
    if (card->left.length == 0)
        return CARD_ERR_REMOVED;
    size_t length = card->left.data[0];
    bool is_long = length == 255;
    card->left = bytes_from(card->left, 1);
    if (length > card->left.length)
        length = card->left.length;
    enum status status = buffer_append(response, bytes_of(card->left.data, length));
    card->left = bytes_from(card->left, length);
    if (status == OK && is_long)
        status = buffer_append(response, bytes_of("\x00\x90\x00", 3));
    return status == OK ? CARD_OK : CARD_ERR_NO_MEMORY;
}

static void end(struct card_transport *transport, bool forget)
{
    (void)transport;
    (void)forget;
}

static const struct card_transport_operations operations = {
    .begin = begin, .transmit = transmit, .end = end, .close = NULL};

static void read_certificates(struct card_client *client)
{
    for (int kind = CARD_CERTIFICATE_AUTHENTICATION; kind <= CARD_CERTIFICATE_SIGNATURE_CA; kind++) {
        struct buffer der = {0};
        if (card_read_certificate(client, (enum card_certificate_kind)kind, &der) == CARD_OK &&
            (der.length == 0 || der.data[0] != 0x30))
            abort();
        buffer_free(&der);
    }
}

static void read_surface(struct card_client *client)
{
    const struct surface_opener opener = {.by = SURFACE_BY_PIN, .value = bytes_of_text("4321")};
    struct card_surface surface;
    if (card_read_surface(client, &opener, &surface) == CARD_OK) {
        if (surface.sex != 1 && surface.sex != 2 && surface.sex != 9)
            abort();
        card_surface_free(&surface);
    }
    struct buffer photo = {.secret = true};
    if (card_read_photo(client, bytes_of_text("55021720352285"), SPEND_LAST_TRY, &photo) == CARD_OK &&
        photo.length == 0)
        abort();
    buffer_free(&photo);
}

static void sign(struct card_client *client, enum key_kind kind)
{
    struct signature signature = {0};
    if (card_verify_pin(client, CARD_PIN_AUTHENTICATION, bytes_of_text("1234"), KEEP_LAST_TRY) == CARD_OK &&
        client->tries_left < 2)
        abort(); /* the last try must not have been spent */
    if (card_sign(client, CARD_KEY_AUTHENTICATION, kind, bytes_of_text("x"), &signature) == CARD_OK &&
        (signature.length == 0 || signature.length > SIGNATURE_LIMIT))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct hostile_card card = {.transport = {.operations = &operations},
                                .left = bytes_of(data + 1, size - 1)};
    struct card_client client =
        card_client_of(&card.transport, monotonic_microseconds() + (int64_t)3600 * MICROSECONDS);
    struct card_description description;
    if (card_client_begin(&client) != CARD_OK)
        abort();
    if (data[0] & 1 && card_recognise(&client, &description) == CARD_OK && strlen(description.label) > 32)
        abort();
    if (data[0] & 2)
        read_certificates(&client);
    if (data[0] & 4)
        read_surface(&client);
    if (data[0] & 8)
        sign(&client, data[0] & 16 ? KEY_P384 : KEY_RSA_2048);
    card_client_free(&client);
    return 0;
}
