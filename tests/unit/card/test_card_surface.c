#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cairo.h>
#include <cmocka.h>
#include <openjpeg.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "card/portrait.h"
#include "card/surface_image.h"
#include "card/tlv.h"
#include "card/virtual_state.h"
#include "issued_card.h"

static struct test_authority authority;
static struct buffer issued;
static struct buffer issued_coming;

static void issue_one(enum chip_generation generation, struct buffer *out)
{
    struct virtual_card *card = test_card_issue(&authority, &(struct test_order){.generation = generation});
    assert_int_equal(OK, card_state_encode(&card->state, out));
    virtual_card_free(card);
}

static int issue(void **state)
{
    (void)state;
    test_authority_open(&authority, KEY_RSA_2048);
    issue_one(CARD_GENERATION_RSA, &issued);
    issue_one(CARD_GENERATION_P384, &issued_coming);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    buffer_free(&issued);
    buffer_free(&issued_coming);
    test_authority_close(&authority);
    return 0;
}

/* The card with the application selected and one of its PINs or codes verified. */
static struct virtual_card *opened(const struct buffer *which, const char *application, const char *verify)
{
    struct virtual_card *card = NULL;
    assert_int_equal(OK, virtual_card_from_state(buffer_bytes(which), &card));
    assert_answers(card, application, "9000");
    assert_answers(card, verify, "9000");
    return card;
}

#define CHECK_BY_B SELECT_CHECK, "002000920E 3535303231373230333532323835"
#define CHECK_BY_A SELECT_CHECK, "002000930C 313233343536373839303138"
#define CHECK_BY_BIRTH SELECT_CHECK, "0020009106 353530323137"
#define INPUT_BY_PIN SELECT_INPUT, "0020009104 34333231"

static struct buffer file_of(const struct buffer *which, const char *application, const char *verify,
                             unsigned id)
{
    struct buffer file = {0};
    struct virtual_card *card = opened(which, application, verify);
    test_read_file(card, id, &file);
    virtual_card_free(card);
    return file;
}

static struct tlv object(const struct buffer *file, uint32_t outer, uint32_t inner)
{
    struct tlv found;
    assert_int_equal(OK, tlv_find_inside(buffer_bytes(file), outer, inner, &found));
    return found;
}

static void assert_text(const char *expected, struct bytes actual)
{
    assert_int_equal(strlen(expected), actual.length);
    assert_memory_equal(expected, actual.data, actual.length);
}

/* The DF21 of a file: where each object after it begins. */
static void assert_offsets(const struct buffer *file, uint32_t first, size_t count)
{
    struct tlv offsets = object(file, 0xFF20, 0xDF21);
    assert_int_equal(2 * count, offsets.value.length);
    for (size_t i = 0; i < count; i++) {
        size_t offset = (size_t)offsets.value.data[2 * i] << 8 | offsets.value.data[2 * i + 1];
        struct tlv named = object(file, 0xFF20, first + (uint32_t)i);
        assert_ptr_equal(file->data + offset, named.whole.data);
    }
}

/* The signature holds one DigestInfo of SHA-256 with these hashes in its octet string. */
static void assert_signed(struct bytes signature, const struct sha256 *hashes, size_t count)
{
    uint8_t recovered[RSA_2048_LENGTH];
    size_t length = sizeof recovered;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(authority.terminal_ca_key.handle, NULL);
    assert_int_equal(1, EVP_PKEY_verify_recover_init(context));
    assert_int_equal(1, EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING));
    assert_int_equal(1,
                     EVP_PKEY_verify_recover(context, recovered, &length, signature.data, signature.length));
    EVP_PKEY_CTX_free(context);
    static const uint8_t algorithm[] = {0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00};
    size_t hashed = count * SHA256_LENGTH;
    assert_int_equal(2 + sizeof algorithm + 2 + hashed, length);
    assert_int_equal(0x30, recovered[0]);
    assert_memory_equal(algorithm, recovered + 2, sizeof algorithm);
    assert_int_equal(0x04, recovered[17]);
    assert_int_equal(hashed, recovered[18]);
    assert_memory_equal(hashes, recovered + 19, hashed);
}

static struct sha256 hash_of(const struct tlv *objects, size_t count)
{
    struct bytes parts[3];
    struct sha256 hash;
    for (size_t i = 0; i < count; i++)
        parts[i] = objects[i].whole;
    assert_int_equal(OK, sha256_of_parts(parts, count, &hash));
    return hash;
}

/* ---- Surface input ---- */

static void the_my_number_file_is_as_observed(void **state)
{
    (void)state;
    struct buffer file = file_of(&issued, INPUT_BY_PIN, SURFACE_INPUT_MY_NUMBER);
    assert_int_equal(17, file.length);
    assert_memory_equal("\xFF\x10\x0C" TEST_CARD_MY_NUMBER "\xFF\xFF", file.data, 17);
    buffer_free(&file);
}

static void name_address_birth_and_sex_are_readable(void **state)
{
    (void)state;
    struct buffer file = file_of(&issued, INPUT_BY_PIN, SURFACE_INPUT_ATTRIBUTES);
    assert_text(TEST_CARD_NAME, object(&file, 0xFF20, 0xDF22).value);
    assert_text(TEST_CARD_ADDRESS, object(&file, 0xFF20, 0xDF23).value);
    assert_text("19800217", object(&file, 0xFF20, 0xDF24).value);
    assert_text("1", object(&file, 0xFF20, 0xDF25).value);
    assert_offsets(&file, 0xDF22, 4);
    buffer_free(&file);
}

static void the_input_files_are_signed(void **state)
{
    (void)state;
    struct buffer number = file_of(&issued, INPUT_BY_PIN, SURFACE_INPUT_MY_NUMBER);
    struct buffer attributes = file_of(&issued, INPUT_BY_PIN, SURFACE_INPUT_ATTRIBUTES);
    struct buffer signature = file_of(&issued, INPUT_BY_PIN, SURFACE_INPUT_SIGNATURE);
    struct sha256 hashes[2];
    struct tlv around;
    assert_int_equal(OK, tlv_find(buffer_bytes(&attributes), 0xFF20, &around));
    struct tlv offsets = object(&attributes, 0xFF20, 0xDF21);
    assert_int_equal(OK, sha256_of(buffer_bytes(&number), &hashes[0]));
    assert_int_equal(OK, sha256_of(bytes_from(around.value, offsets.whole.length), &hashes[1]));
    assert_memory_equal(hashes[0].bytes, object(&signature, 0xFF30, 0xDF31).value.data, SHA256_LENGTH);
    assert_memory_equal(hashes[1].bytes, object(&signature, 0xFF30, 0xDF32).value.data, SHA256_LENGTH);
    assert_signed(object(&signature, 0xFF30, 0xDF33).value, hashes, 2);
    buffer_free(&number);
    buffer_free(&attributes);
    buffer_free(&signature);
}

static void the_signers_certificate_is_on_the_card(void **state)
{
    (void)state;
    static const struct {
        const char *application;
        const char *verify;
        unsigned id;
    } files[] = {{INPUT_BY_PIN, SURFACE_INPUT_CERTIFICATE}, {CHECK_BY_B, SURFACE_CHECK_CERTIFICATE}};
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        struct buffer file = file_of(&issued, files[i].application, files[i].verify, files[i].id);
        struct terminal_certificate certificate;
        struct bytes content = bytes_of(file.data, TERMINAL_CERTIFICATE_LENGTH);
        assert_int_equal(OK, terminal_certificate_parse(content, &certificate));
        assert_int_equal(OK, terminal_certificate_verify(&certificate, &authority.terminal_ca));
        buffer_free(&file);
    }
}

static void the_input_key_file_names_its_algorithm(void **state)
{
    (void)state;
    struct buffer file = file_of(&issued, INPUT_BY_PIN, SURFACE_INPUT_KEY);
    assert_memory_equal("\x01\x03\x0E\x01", object(&file, 0xFF40, 0xDF41).value.data, 4);
    assert_memory_equal(authority.terminal_ca.subject.bytes, object(&file, 0xFF40, 0xDF42).value.data, 16);
    buffer_free(&file);
}

/* ---- Surface check ---- */

static void assert_one_bit_png(struct bytes png)
{
    static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    assert_true(png.length > 33);
    assert_memory_equal(signature, png.data, sizeof signature);
    assert_int_equal(1, png.data[24]); /* bits a sample */
    assert_int_equal(0, png.data[25]); /* grey */
}

static void what_is_printed_is_in_the_face_file(void **state)
{
    (void)state;
    struct buffer file = file_of(&issued, CHECK_BY_B, SURFACE_CHECK_FACE);
    assert_offsets(&file, 0xDF22, 9);
    assert_text("19800217", object(&file, 0xFF20, 0xDF22).value);
    assert_text("1", object(&file, 0xFF20, 0xDF23).value);
    assert_one_bit_png(object(&file, 0xFF20, 0xDF25).value);
    assert_one_bit_png(object(&file, 0xFF20, 0xDF26).value);
    assert_memory_equal("\x00\x00\x00\x0CjP  ", object(&file, 0xFF20, 0xDF27).value.data, 8);
    assert_text("20350217", object(&file, 0xFF20, 0xDF29).value);
    assert_one_bit_png(object(&file, 0xFF20, 0xDF2A).value);
    buffer_free(&file);
}

static void the_face_file_is_signed_in_three_hashes(void **state)
{
    (void)state;
    struct buffer file = file_of(&issued, CHECK_BY_B, SURFACE_CHECK_FACE);
    struct tlv objects[6];
    for (uint32_t i = 0; i < 6; i++)
        objects[i] = object(&file, 0xFF20, 0xDF22 + i);
    const struct sha256 hashes[] = {hash_of(objects, 3), hash_of(objects + 3, 2), hash_of(objects + 5, 1)};
    assert_signed(object(&file, 0xFF20, 0xDF28).value, hashes, 3);
    buffer_free(&file);
}

static void the_key_in_the_files_is_the_one_that_proves_presence(void **state)
{
    (void)state;
    struct buffer file = file_of(&issued, CHECK_BY_BIRTH, SURFACE_CHECK_BIRTH);
    struct buffer der = {0};
    struct public_key key = {0};
    uint8_t modulus[RSA_2048_LENGTH];
    struct virtual_card *card = opened(&issued, CHECK_BY_B);
    assert_int_equal(OK, virtual_card_public_key(card, CARD_KEY_PRESENCE, &der));
    assert_int_equal(OK, public_key_decode(buffer_bytes(&der), &key));
    assert_int_equal(OK, public_key_modulus(&key, modulus));
    struct tlv in_file = object(&file, 0xFF10, 0xDF12);
    assert_int_equal(5 + 4 + RSA_2048_LENGTH, in_file.value.length);
    assert_memory_equal("\x90\x03\x01\x00\x01\x91\x82\x01\x00", in_file.value.data, 9);
    assert_memory_equal(modulus, in_file.value.data + 9, RSA_2048_LENGTH);
    const struct tlv signed_objects[] = {object(&file, 0xFF10, 0xDF11), in_file};
    const struct sha256 hash = hash_of(signed_objects, 2);
    assert_signed(object(&file, 0xFF10, 0xDF13).value, &hash, 1);
    public_key_free(&key);
    buffer_free(&der);
    buffer_free(&file);
    virtual_card_free(card);
}

static void municipality_and_my_number_image_are_in_files_of_their_own(void **state)
{
    (void)state;
    struct buffer file = file_of(&issued, CHECK_BY_B, SURFACE_CHECK_MUNICIPALITY);
    assert_text("13101", object(&file, 0xFF30, 0xDF34).value);
    buffer_free(&file);
    file = file_of(&issued, CHECK_BY_A, SURFACE_CHECK_MY_NUMBER);
    assert_one_bit_png(object(&file, 0xFF40, 0xDF41).value);
    const struct tlv signed_objects[] = {object(&file, 0xFF40, 0xDF41), object(&file, 0xFF40, 0xDF42)};
    const struct sha256 hash = hash_of(signed_objects, 2);
    assert_signed(object(&file, 0xFF40, 0xDF43).value, &hash, 1);
    buffer_free(&file);
}

static void the_coming_card_has_no_sex_and_a_western_birth_date(void **state)
{
    (void)state;
    struct buffer file =
        file_of(&issued_coming, SELECT_CHECK, "002000920E 3830303231373230333532323835", SURFACE_CHECK_FACE);
    assert_int_equal(0, object(&file, 0xFF20, 0xDF23).value.length);
    buffer_free(&file);
    struct virtual_card *card = opened(&issued_coming, SELECT_CHECK, "0020009106 383030323137");
    virtual_card_free(card);
}

/* Nothing but what is printed, certificates and keys: every file of the card, and every key, is accounted
 * for. */
static void the_chip_holds_no_health_tax_or_pension_data(void **state) /* Q8, Q9 */
{
    (void)state;
    static const struct {
        enum card_application application;
        unsigned ids[7]; /* of all data files, 0 at the end */
    } known[] = {
        {CARD_JPKI, {0x01, 0x02, 0x06, 0x08, 0x0A, 0x0B}}, /* certificates, token, presence */
        {CARD_SURFACE_CHECK, {0x01, 0x02, 0x03, 0x04, 0x05}},
        {CARD_SURFACE_INPUT, {0x01, 0x02, 0x03, 0x04, 0x05}},
    };
    size_t data_files = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        for (size_t n = 0; known[i].ids[n]; n++) {
            const struct card_file_rule *rule = card_file_find(known[i].application, known[i].ids[n]);
            assert_non_null(rule);
            assert_int_equal(CARD_FILE_DATA, rule->kind);
            data_files++;
        }
    }
    for (size_t i = 0; i < CARD_FILE_COUNT; i++)
        data_files -= card_file_rules[i].kind == CARD_FILE_DATA;
    assert_int_equal(0, data_files);
    /* And the objects in those of the surface are the printed ones. */
    static const struct {
        const char *application;
        const char *verify;
        unsigned id;
        uint32_t outer;
        uint32_t inner[11];
    } contents[] = {
        {CHECK_BY_BIRTH, 0x01, 0xFF10, {0xDF11, 0xDF12, 0xDF13}},
        {CHECK_BY_B,
         0x02,
         0xFF20,
         {0xDF21, 0xDF22, 0xDF23, 0xDF24, 0xDF25, 0xDF26, 0xDF27, 0xDF28, 0xDF29, 0xDF2A}},
        {CHECK_BY_B, 0x03, 0xFF30, {0xDF34}},
        {CHECK_BY_A, 0x05, 0xFF40, {0xDF41, 0xDF42, 0xDF43}},
        {INPUT_BY_PIN, 0x01, 0xFF10, {0}},
        {INPUT_BY_PIN, 0x02, 0xFF20, {0xDF21, 0xDF22, 0xDF23, 0xDF24, 0xDF25}},
        {INPUT_BY_PIN, 0x03, 0xFF30, {0xDF31, 0xDF32, 0xDF33}},
        {INPUT_BY_PIN, 0x05, 0xFF40, {0xDF41, 0xDF42, 0xDF43}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(contents); i++) {
        struct buffer file = file_of(&issued, contents[i].application, contents[i].verify, contents[i].id);
        struct reader outside = reader_of(buffer_bytes(&file));
        struct tlv outer;
        struct tlv inner;
        assert_int_equal(OK, tlv_next(&outside, &outer));
        assert_int_equal(contents[i].outer, outer.tag);
        assert_int_equal(ERR_NOT_FOUND, tlv_next(&outside, &inner)); /* filler only */
        struct reader inside = reader_of(outer.value);
        for (size_t n = 0; contents[i].inner[n]; n++) {
            assert_int_equal(OK, tlv_next(&inside, &inner));
            assert_int_equal(contents[i].inner[n], inner.tag);
        }
        if (contents[i].inner[0])
            assert_int_equal(OK, reader_finish(&inside));
        buffer_free(&file);
    }
}

/* ---- Images ---- */

static void names_with_rare_characters_are_drawn(void **state)
{
    (void)state;
    static const char *const names[] = {
        "髙橋　𠮷郎",                /* beyond JIS and beyond the basic plane */
        "渡邉󠄂　花子",       /* a variation sequence */
        "NGUYEN VAN LONG HOANG ANH", /* Latin letters */
        "﨑　﨔",                    /* compatibility ideographs */
        "鈴木　一郎（旧氏　佐藤）［通称　山本］",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct buffer png = {0};
        assert_int_equal(OK, surface_image_draw(SURFACE_IMAGE_NAME, bytes_of_text(names[i]), &png));
        assert_one_bit_png(buffer_bytes(&png));
        buffer_free(&png);
    }
}

static void two_characters_that_differ_are_drawn_differently(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"高", "髙"}, {"崎", "﨑"}, {"吉", "𠮷"}, {"邉󠄂", "邉"}};
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
        struct buffer a = {0};
        struct buffer b = {0};
        assert_int_equal(OK, surface_image_draw(SURFACE_IMAGE_NAME, bytes_of_text(pairs[i][0]), &a));
        assert_int_equal(OK, surface_image_draw(SURFACE_IMAGE_NAME, bytes_of_text(pairs[i][1]), &b));
        assert_false(bytes_equal(buffer_bytes(&a), buffer_bytes(&b)));
        buffer_free(&a);
        buffer_free(&b);
    }
}

static void a_character_that_cannot_be_drawn_is_never_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status status;
    } cases[] = {
        {"\xEE\x80\x80", ERR_UNSUPPORTED},     /* U+E000, private use */
        {"\xF3\xB0\x80\x80", ERR_UNSUPPORTED}, /* U+F0000 */
        {"\xF0\xB3\x8D\x88", ERR_UNSUPPORTED}, /* U+33348, given to no character */
        {"\xFF", ERR_MALFORMED},
        {"a\nb", ERR_MALFORMED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct buffer png = {0};
        assert_int_equal(cases[i].status,
                         surface_image_draw(SURFACE_IMAGE_NAME, bytes_of_text(cases[i].text), &png));
        assert_int_equal(0, png.length);
        buffer_free(&png);
    }
}

static void a_long_address_is_wrapped_and_an_endless_one_refused(void **state)
{
    (void)state;
    struct buffer png = {0};
    struct buffer address = {0};
    for (int i = 0; i < 12; i++)
        assert_int_equal(OK, buffer_append_text(&address, "京都府京都市左京区"));
    assert_int_equal(OK, surface_image_draw(SURFACE_IMAGE_ADDRESS, buffer_bytes(&address), &png));
    for (int i = 0; i < 40; i++)
        assert_int_equal(OK, buffer_append_text(&address, "京都府京都市左京区"));
    assert_int_equal(ERR_TOO_LARGE, surface_image_draw(SURFACE_IMAGE_ADDRESS, buffer_bytes(&address), &png));
    buffer_free(&png);
    buffer_free(&address);
}

/* ---- Portraits ---- */

static struct buffer portrait_of(const char *name, int year, uint8_t sex)
{
    struct buffer jp2 = {0};
    struct portrait_subject subject = {.name = name, .sex = sex};
    assert_int_equal(OK, date_from_ymd(year, 3, 3, &subject.birth));
    assert_int_equal(OK, date_from_ymd(2026, 4, 1, &subject.day));
    assert_int_equal(OK, portrait_draw(&subject, &jp2));
    return jp2;
}

static void the_same_person_has_the_same_face_and_another_another(void **state)
{
    (void)state;
    struct buffer first = portrait_of("佐藤　花子", 1985, 2);
    struct buffer again = portrait_of("佐藤　花子", 1985, 2);
    struct buffer other = portrait_of("佐藤　華子", 1985, 2);
    assert_true(bytes_equal(buffer_bytes(&first), buffer_bytes(&again)));
    assert_false(bytes_equal(buffer_bytes(&first), buffer_bytes(&other)));
    buffer_free(&first);
    buffer_free(&again);
    buffer_free(&other);
}

/* Reads the picture back, with the library's own decoder from a file. */
static opj_image_t *decode(const struct buffer *jp2, const char *path)
{
    opj_dparameters_t parameters;
    opj_image_t *image = NULL;
    assert_int_equal(OK, file_write_durably(path, buffer_bytes(jp2), 0600));
    opj_stream_t *stream = opj_stream_create_default_file_stream(path, OPJ_TRUE);
    opj_codec_t *codec = opj_create_decompress(OPJ_CODEC_JP2);
    opj_set_default_decoder_parameters(&parameters);
    assert_true(opj_setup_decoder(codec, &parameters));
    assert_true(opj_read_header(stream, codec, &image));
    assert_true(opj_decode(codec, stream, image));
    opj_stream_destroy(stream);
    opj_destroy_codec(codec);
    return image;
}

static void a_portrait_is_a_grey_jp2_of_its_size(void **state)
{
    (void)state;
    struct test_directory directory;
    char path[300];
    test_directory_open(&directory);
    snprintf(path, sizeof path, "%s/face.jp2", directory.path);
    for (int year = 1930; year < 2026; year += 19) {
        struct buffer jp2 = portrait_of("田中　美咲", year, (uint8_t)(year % 2 + 1));
        assert_true(jp2.length > 2000 && jp2.length < 8000);
        opj_image_t *image = decode(&jp2, path);
        assert_int_equal(1, image->numcomps);
        assert_int_equal(PORTRAIT_WIDTH, image->comps[0].w);
        assert_int_equal(PORTRAIT_HEIGHT, image->comps[0].h);
        assert_int_equal(8, image->comps[0].prec);
        opj_image_destroy(image);
        buffer_free(&jp2);
    }
    test_directory_close(&directory);
}

static void a_photograph_is_cut_to_the_portraits_shape(void **state)
{
    (void)state;
    struct test_directory directory;
    char png[300];
    char jp2_path[300];
    struct buffer jp2 = {0};
    test_directory_open(&directory);
    snprintf(png, sizeof png, "%s/photo.png", directory.path);
    snprintf(jp2_path, sizeof jp2_path, "%s/photo.jp2", directory.path);
    /* Dark, with a bright middle square that fills the portrait's width. */
    cairo_surface_t *photo = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 800, 400);
    cairo_t *cr = cairo_create(photo);
    cairo_rectangle(cr, 250, 0, 300, 400);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_fill(cr);
    cairo_destroy(cr);
    assert_int_equal(CAIRO_STATUS_SUCCESS, cairo_surface_write_to_png(photo, png));
    cairo_surface_destroy(photo);
    assert_int_equal(OK, portrait_from_png(png, &jp2));
    opj_image_t *image = decode(&jp2, jp2_path);
    for (int y = 20; y < PORTRAIT_HEIGHT; y += 40)
        for (int x = 20; x < PORTRAIT_WIDTH; x += 40)
            assert_true(image->comps[0].data[y * PORTRAIT_WIDTH + x] > 230);
    opj_image_destroy(image);
    assert_int_equal(ERR_NOT_FOUND, portrait_from_png("/nonexistent.png", &jp2));
    assert_int_equal(ERR_MALFORMED, portrait_from_png(jp2_path, &jp2));
    buffer_free(&jp2);
    test_directory_close(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_my_number_file_is_as_observed),
        cmocka_unit_test(name_address_birth_and_sex_are_readable),
        cmocka_unit_test(the_input_files_are_signed),
        cmocka_unit_test(the_signers_certificate_is_on_the_card),
        cmocka_unit_test(the_input_key_file_names_its_algorithm),
        cmocka_unit_test(what_is_printed_is_in_the_face_file),
        cmocka_unit_test(the_face_file_is_signed_in_three_hashes),
        cmocka_unit_test(the_key_in_the_files_is_the_one_that_proves_presence),
        cmocka_unit_test(municipality_and_my_number_image_are_in_files_of_their_own),
        cmocka_unit_test(the_coming_card_has_no_sex_and_a_western_birth_date),
        cmocka_unit_test(the_chip_holds_no_health_tax_or_pension_data),
        cmocka_unit_test(names_with_rare_characters_are_drawn),
        cmocka_unit_test(two_characters_that_differ_are_drawn_differently),
        cmocka_unit_test(a_character_that_cannot_be_drawn_is_never_replaced),
        cmocka_unit_test(a_long_address_is_wrapped_and_an_endless_one_refused),
        cmocka_unit_test(the_same_person_has_the_same_face_and_another_another),
        cmocka_unit_test(a_portrait_is_a_grey_jp2_of_its_size),
        cmocka_unit_test(a_photograph_is_cut_to_the_portraits_shape),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, issue, forget);
}
