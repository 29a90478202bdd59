#include "card/virtual_state.h"

#include <ctype.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/cursor.h"
#include "base/text.h"
#include "card/portrait.h"
#include "card/surface_content.h"
#include "pki/certificate.h"
#include "pki/library.h"

/* What is written into a blank card, once. */

enum { FILLER = 0xFF, FILE_LIMIT = 0x8000 /* READ BINARY's offset has 15 bits */ };

/* ---- What may be written ---- */

static bool is_digits(const char *text, size_t length)
{
    return text && strlen(text) == length && strspn(text, "0123456789") == length;
}

static bool is_line(const char *text)
{
    struct bytes bytes = bytes_of_text(text);
    return bytes.length > 0 && text_is_utf8(bytes) && text_is_printable(bytes);
}

static enum status check_holder(const struct personalisation *what)
{
    const struct card_holder *holder = &what->holder;
    bool good = is_digits(holder->my_number, 12) && is_line(holder->name) && is_line(holder->address) &&
                (holder->sex == 1 || holder->sex == 2 || holder->sex == 9) &&
                is_digits(holder->municipality, 5) && is_digits(what->security_code, 4) &&
                !date_is_none(holder->birth) && !date_is_none(what->expiry) &&
                date_before(holder->birth, what->expiry);
    return good ? OK : ERR_RANGE;
}

static bool same_key(const struct public_key *a, const struct public_key *b)
{
    struct sha256 hash_a;
    struct sha256 hash_b;
    return public_key_hash(a, &hash_a) == OK && public_key_hash(b, &hash_b) == OK &&
           sha256_equal(&hash_a, &hash_b);
}

static bool is_public_half(const struct private_key *private_key, const struct public_key *public_key)
{
    struct public_key own = {0};
    bool same = public_key_of(private_key, &own) == OK && same_key(&own, public_key);
    public_key_free(&own);
    return same;
}

/* The certificate is for this card's key and was issued by the one that goes with it. */
static enum status check_certificate(const struct private_key *key, const struct card_certificate *pair,
                                     enum certificate_kind kind)
{
    struct certificate certificate = {0};
    struct certificate issuer = {0};
    enum status status = certificate_parse(pair->certificate, &certificate);
    if (status == OK)
        status = certificate_parse(pair->issuer, &issuer);
    if (status == OK && certificate.kind != kind && certificate.kind != CERTIFICATE_TEST)
        status = ERR_RANGE;
    if (status == OK &&
        !(is_public_half(key, &certificate.key) && X509_verify(certificate.handle, issuer.key.handle) == 1))
        status = library_refused(ERR_CRYPTO);
    certificate_free(&certificate);
    certificate_free(&issuer);
    return status;
}

static enum status check_signer(const struct surface_signer *signer)
{
    struct public_key certified = {0};
    enum status status = terminal_certificate_key(&signer->certificate, &certified);
    if (status == OK && !is_public_half(signer->key, &certified))
        status = ERR_CRYPTO;
    public_key_free(&certified);
    return status;
}

static bool is_there(const struct card_certificate *pair)
{
    return pair->certificate.length > 0;
}

static enum status check_all_but_certificates(const struct card_state *state,
                                              const struct personalisation *what)
{
    enum status status = terminal_certificate_verify(&what->terminal_ca, &what->terminal_ca);
    if (status == OK && state->form == CARD_FORM_CARD)
        status = check_holder(what);
    if (status == OK && state->form == CARD_FORM_CARD)
        status = check_signer(&what->surface);
    return status;
}

enum status card_certificates_check(const struct private_key *keys,
                                    const struct card_certificate *authentication,
                                    const struct card_certificate *signature)
{
    enum status status =
        check_certificate(&keys[CARD_KEY_AUTHENTICATION], authentication, CERTIFICATE_AUTHENTICATION);
    if (status == OK && is_there(signature))
        status = check_certificate(&keys[CARD_KEY_SIGNATURE], signature, CERTIFICATE_SIGNATURE);
    return status;
}

/* ---- PINs ---- */

static enum status write_pin(struct card_state *state, enum card_pin pin, const char *value)
{
    struct card_pin_state *out = &state->pins[pin];
    size_t length = value ? strlen(value) : 0;
    if (length > CARD_PIN_LENGTH)
        return ERR_RANGE;
    for (size_t i = 0; i < length; i++)
        out->value[i] = (uint8_t)toupper((unsigned char)value[i]);
    out->length = (uint8_t)length;
    out->tries_left = card_pin_rules[pin].tries;
    return card_pin_is_well_formed(pin, bytes_of(out->value, length)) ? OK : ERR_RANGE;
}

static enum status write_certificate_pins(struct card_state *state, const struct personalisation *what)
{
    enum status status = OK;
    if (!what->without_pin) /* otherwise it stays unusable: no tries, no value */
        status = write_pin(state, CARD_PIN_AUTHENTICATION, what->pins.authentication);
    if (status == OK && is_there(&what->signature))
        status = write_pin(state, CARD_PIN_SIGNATURE, what->pins.signature_password);
    return status;
}

static enum status write_surface_pins(struct card_state *state, const struct surface_content *content)
{
    char code_b[SURFACE_CODE_LIMIT];
    char birth[SURFACE_CODE_LIMIT];
    const char *code_a = content->what->holder.my_number;
    const struct card_pins *pins = &content->what->pins;
    bool no_own_pins = content->edition == SURFACE_COMING || content->what->without_pin;
    surface_code_b(content, code_b);
    surface_birth_key(content, birth);
    const struct {
        enum card_pin pin;
        const char *value;
        bool absent;
    } wanted[] = {
        {CARD_PIN_SURFACE_INPUT, pins->surface_input, .absent = no_own_pins},
        {CARD_PIN_RESIDENT, pins->resident, .absent = no_own_pins},
        {CARD_PIN_COMMON, pins->resident, .absent = no_own_pins},
        {CARD_PIN_INPUT_CODE_A, code_a, false},
        {CARD_PIN_INPUT_CODE_B, code_b, false},
        {CARD_PIN_CHECK_BIRTH, birth, false},
        {CARD_PIN_CHECK_CODE_B, code_b, false},
        {CARD_PIN_CHECK_CODE_A, code_a, false},
    };
    enum status status = OK;
    for (size_t i = 0; i < ARRAY_LENGTH(wanted) && status == OK; i++)
        if (!wanted[i].absent)
            status = write_pin(state, wanted[i].pin, wanted[i].value);
    return status;
}

/* ---- Files ---- */

/* size: of the file on the card; the rest is filled. */
static enum status write_file(struct card_state *state, enum card_application application, unsigned id,
                              struct bytes content, size_t size)
{
    if (content.length > size || size > FILE_LIMIT)
        return ERR_TOO_LARGE;
    struct buffer *file = &state->files[card_file_index(card_file_find(application, id))];
    file->secret = true;
    buffer_clear(file);
    enum status status = buffer_append(file, content);
    if (status == OK)
        status = buffer_reserve(file, size - content.length);
    if (status != OK)
        return status;
    memset(file->data + file->length, FILLER, size - content.length);
    file->length = size;
    return OK;
}

/* A size with room after the content, as the card's files have. */
static size_t size_for(struct bytes content)
{
    enum { STEP = 256 };
    return (content.length / STEP + 1) * STEP;
}

static enum status write_filled(struct card_state *state, enum card_application application, unsigned id,
                                struct bytes content)
{
    return write_file(state, application, id, content, size_for(content));
}

/* A serialised CK_TOKEN_INFO of PKCS#11, 160 bytes. */
static enum status write_token(struct card_state *state)
{
    static const char *const labels[] = {
        [CARD_FORM_CARD] = "JPKIAPICCTOKEN2",
        [CARD_FORM_ANDROID] = "JPKIAPGPSETOKEN",
        [CARD_FORM_IPHONE] = "JPKIAPIOSTOKEN",
    };
    enum { FLAGS = 0x40D, UNAVAILABLE = -1, LONGEST_PIN = 16, SHORTEST_PIN = 6 };
    struct buffer token = {0};
    enum status status =
        buffer_printf(&token, "%-32s%-32s%-16s%-16s", labels[state->form], "SHIKAKU VIRTUAL CARD", "", "");
    struct writer writer = writer_to(&token);
    write_u32(&writer, FLAGS);
    for (int sessions = 0; sessions < 4; sessions++)
        write_u32(&writer, 0);
    write_u32(&writer, LONGEST_PIN);
    write_u32(&writer, SHORTEST_PIN);
    for (int memory = 0; memory < 4; memory++)
        write_u32(&writer, (uint32_t)UNAVAILABLE);
    write_bytes(&writer, bytes_of_text("0301")); /* hardware, firmware */
    write_bytes(&writer, bytes_of_text("9999999999999999"));
    if (status == OK)
        status = writer.status;
    if (status == OK)
        status = write_file(state, CARD_JPKI, JPKI_TOKEN, buffer_bytes(&token), token.length);
    buffer_free(&token);
    return status;
}

enum status card_certificates_write(struct card_state *state, const struct card_certificate *authentication,
                                    const struct card_certificate *signature)
{
    enum { PRESENT = 0x8F };
    const uint8_t presence[] = {is_there(signature) ? PRESENT : 0, PRESENT, 0};
    const struct {
        enum jpki_file file;
        struct bytes content;
    } files[] = {
        {JPKI_SIGNATURE_CERTIFICATE, signature->certificate},
        {JPKI_SIGNATURE_CA, signature->issuer},
        {JPKI_AUTHENTICATION_CERTIFICATE, authentication->certificate},
        {JPKI_AUTHENTICATION_CA, authentication->issuer},
    };
    enum status status =
        write_file(state, CARD_JPKI, JPKI_PRESENCE, bytes_of(presence, sizeof presence), sizeof presence);
    for (size_t i = 0; i < ARRAY_LENGTH(files) && status == OK; i++)
        status = write_filled(state, CARD_JPKI, files[i].file, files[i].content);
    return status;
}

static enum status write_surface_certificate(struct card_state *state, const struct personalisation *what)
{
    uint8_t certificate[TERMINAL_CERTIFICATE_LENGTH];
    terminal_certificate_encode(&what->surface.certificate, certificate);
    struct bytes content = bytes_of(certificate, sizeof certificate);
    enum status status = write_filled(state, CARD_SURFACE_INPUT, SURFACE_INPUT_CERTIFICATE, content);
    return status == OK ? write_filled(state, CARD_SURFACE_CHECK, SURFACE_CHECK_CERTIFICATE, content)
                        : status;
}

static enum status write_surface_input(struct card_state *state, const struct surface_content *content)
{
    struct buffer my_number = {0};
    struct buffer attributes = {0};
    struct buffer signature = {0};
    struct buffer key = {0};
    enum status status = surface_input_my_number(content, &my_number);
    if (status == OK)
        status = surface_input_attributes(content, &attributes);
    if (status == OK)
        status =
            surface_input_signature(content, buffer_bytes(&my_number), buffer_bytes(&attributes), &signature);
    if (status == OK)
        status = surface_input_key(content, &key);
    if (status == OK) /* no further filler: DF31 is the hash of the whole file */
        status = write_file(state, CARD_SURFACE_INPUT, SURFACE_INPUT_MY_NUMBER, buffer_bytes(&my_number),
                            my_number.length);
    if (status == OK)
        status = write_filled(state, CARD_SURFACE_INPUT, SURFACE_INPUT_ATTRIBUTES, buffer_bytes(&attributes));
    if (status == OK)
        status = write_filled(state, CARD_SURFACE_INPUT, SURFACE_INPUT_SIGNATURE, buffer_bytes(&signature));
    if (status == OK)
        status = write_filled(state, CARD_SURFACE_INPUT, SURFACE_INPUT_KEY, buffer_bytes(&key));
    buffer_free(&my_number);
    buffer_free(&attributes);
    buffer_free(&signature);
    buffer_free(&key);
    return status;
}

static enum status write_surface_check(struct card_state *state, const struct surface_content *content)
{
    static const struct {
        enum surface_check_file file;
        enum status (*make)(const struct surface_content *content, struct buffer *out);
    } files[] = {
        {SURFACE_CHECK_BIRTH, surface_check_birth},
        {SURFACE_CHECK_FACE, surface_check_face},
        {SURFACE_CHECK_MUNICIPALITY, surface_check_municipality},
        {SURFACE_CHECK_MY_NUMBER, surface_check_my_number},
    };
    enum status status = OK;
    for (size_t i = 0; i < ARRAY_LENGTH(files) && status == OK; i++) {
        struct buffer file = {0};
        status = files[i].make(content, &file);
        if (status == OK)
            status = write_filled(state, CARD_SURFACE_CHECK, files[i].file, buffer_bytes(&file));
        buffer_free(&file);
    }
    return status;
}

static enum status choose_face(const struct personalisation *what, struct buffer *jp2)
{
    jp2->secret = true;
    if (what->without_photo)
        return OK;
    if (what->face.length > 0)
        return buffer_append(jp2, what->face);
    const struct portrait_subject subject = {
        .name = what->holder.name,
        .birth = what->holder.birth,
        .sex = what->holder.sex,
        .day = date_add_years(what->expiry, -10),
    };
    return portrait_draw(&subject, jp2);
}

static enum status write_surface(struct card_state *state, const struct personalisation *what)
{
    struct buffer face = {0};
    struct public_key presence = {0};
    struct surface_content content = {
        .what = what,
        .edition = state->generation == CARD_GENERATION_P384 ? SURFACE_COMING : SURFACE_TODAY,
        .presence_key = &presence,
    };
    enum status status = choose_face(what, &face);
    content.face = buffer_bytes(&face);
    if (status == OK)
        status = public_key_of(&state->keys[CARD_KEY_PRESENCE], &presence);
    if (status == OK)
        status = write_surface_pins(state, &content);
    if (status == OK)
        status = write_surface_certificate(state, what);
    if (status == OK)
        status = write_surface_input(state, &content);
    if (status == OK)
        status = write_surface_check(state, &content);
    public_key_free(&presence);
    buffer_free(&face);
    return status;
}

/* Blank again, keys kept. */
static void clear(struct card_state *state)
{
    secret_wipe(state->pins, sizeof state->pins);
    for (size_t i = 0; i < CARD_FILE_COUNT; i++)
        buffer_free(&state->files[i]);
    state->personalised = false;
}

enum status virtual_card_may_be_personalised(const struct virtual_card *card,
                                             const struct personalisation *what)
{
    struct card_state trial = {.generation = card->state.generation, .form = card->state.form};
    trial.keys[CARD_KEY_PRESENCE] = card->state.keys[CARD_KEY_PRESENCE]; /* borrowed */
    if (card->state.personalised || card->destroyed)
        return ERR_WRONG_STATE;
    enum status status = check_all_but_certificates(&card->state, what);
    if (status == OK)
        status = write_certificate_pins(&trial, what);
    if (status == OK && what->pins.signature_password && !what->without_pin)
        status = write_pin(&trial, CARD_PIN_SIGNATURE, what->pins.signature_password);
    if (status == OK && card->state.form == CARD_FORM_CARD)
        status = write_surface(&trial, what);
    clear(&trial);
    return status;
}

enum status virtual_card_personalise(struct virtual_card *card, const struct personalisation *what)
{
    struct card_state *state = &card->state;
    if (state->personalised || card->destroyed)
        return ERR_WRONG_STATE;
    if (what->without_pin && is_there(&what->signature))
        return ERR_RANGE;
    enum status status = card_certificates_check(state->keys, &what->authentication, &what->signature);
    if (status == OK)
        status = check_all_but_certificates(state, what);
    if (status == OK)
        status = write_certificate_pins(state, what);
    if (status == OK)
        status = write_token(state);
    if (status == OK)
        status = card_certificates_write(state, &what->authentication, &what->signature);
    if (status == OK && state->form == CARD_FORM_CARD)
        status = write_surface(state, what);
    if (status == OK) {
        state->terminal_ca = what->terminal_ca;
        state->personalised = true;
        status = virtual_card_store(card);
    }
    if (status != OK)
        clear(state);
    return status;
}
