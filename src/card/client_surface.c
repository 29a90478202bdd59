#include "card/client_session.h"
#include "card/tlv.h"

/* What is printed on the card, as far as an institution may read it: never the My Number (Q5). */

enum {
    TAG_SURFACE = 0xFF20, /* the outer object of either application's file 0002 */
    TAG_INPUT_NAME = 0xDF22,
    TAG_INPUT_ADDRESS = 0xDF23,
    TAG_INPUT_BIRTH = 0xDF24,
    TAG_INPUT_SEX = 0xDF25,
    TAG_CHECK_FACE = 0xDF27,
};

static enum card_error take_text(struct bytes content, uint32_t tag, struct buffer *out)
{
    struct tlv object;
    if (tlv_find_inside(content, TAG_SURFACE, tag, &object) != OK)
        return CARD_ERR_FAILED;
    out->secret = true;
    return buffer_append(out, object.value) == OK ? CARD_OK : CARD_ERR_NO_MEMORY;
}

static enum card_error take_birth_and_sex(struct bytes content, struct card_surface *out)
{
    struct tlv birth, sex;
    if (tlv_find_inside(content, TAG_SURFACE, TAG_INPUT_BIRTH, &birth) != OK ||
        tlv_find_inside(content, TAG_SURFACE, TAG_INPUT_SEX, &sex) != OK)
        return CARD_ERR_FAILED;
    if (date_parse((const char *)birth.value.data, birth.value.length, &out->birth) != OK)
        return CARD_ERR_FAILED;
    bool is_known_sex = sex.value.length == 1 &&
                        (sex.value.data[0] == '1' || sex.value.data[0] == '2' || sex.value.data[0] == '9');
    if (!is_known_sex)
        return CARD_ERR_FAILED;
    out->sex = (uint8_t)(sex.value.data[0] - '0');
    return CARD_OK;
}

static enum card_error open_surface_input(struct card_client *client, const struct surface_opener *opener)
{
    enum card_pin pin = opener->by == SURFACE_BY_PIN ? CARD_PIN_SURFACE_INPUT : CARD_PIN_INPUT_CODE_B;
    return card_verify_pin(client, pin, opener->value, opener->last_try);
}

enum card_error card_read_surface(struct card_client *client, const struct surface_opener *opener,
                                  struct card_surface *out)
{
    *out = (struct card_surface){0};
    struct buffer file = {.secret = true};
    enum card_error error = open_surface_input(client, opener);
    if (error == CARD_OK)
        error = client_read_object(client, CARD_SURFACE_INPUT, SURFACE_INPUT_ATTRIBUTES, &file);
    if (error == CARD_OK)
        error = take_text(buffer_bytes(&file), TAG_INPUT_NAME, &out->name);
    if (error == CARD_OK)
        error = take_text(buffer_bytes(&file), TAG_INPUT_ADDRESS, &out->address);
    if (error == CARD_OK)
        error = take_birth_and_sex(buffer_bytes(&file), out);
    buffer_free(&file);
    if (error != CARD_OK)
        card_surface_free(out);
    return error;
}

void card_surface_free(struct card_surface *surface)
{
    buffer_free(&surface->name);
    buffer_free(&surface->address);
    secret_wipe(surface, sizeof *surface);
}

enum card_error card_read_photo(struct card_client *client, struct bytes code_b, enum card_last_try last_try,
                                struct buffer *out)
{
    struct buffer file = {.secret = true};
    enum card_error error = card_verify_pin(client, CARD_PIN_CHECK_CODE_B, code_b, last_try);
    if (error == CARD_OK)
        error = client_read_object(client, CARD_SURFACE_CHECK, SURFACE_CHECK_FACE, &file);
    struct tlv face = {0};
    if (error == CARD_OK) {
        enum status found = tlv_find_inside(buffer_bytes(&file), TAG_SURFACE, TAG_CHECK_FACE, &face);
        if (found == ERR_NOT_FOUND || (found == OK && face.value.length == 0))
            error = CARD_ERR_WITHOUT_PHOTO;
        else if (found != OK)
            error = CARD_ERR_FAILED;
        else if (buffer_append(out, face.value) != OK)
            error = CARD_ERR_NO_MEMORY;
    }
    buffer_free(&file);
    return error;
}
