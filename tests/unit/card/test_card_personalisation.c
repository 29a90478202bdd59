#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "card/tlv.h"
#include "card/virtual_state.h"
#include "issued_card.h"

static struct test_authority authority;
static struct buffer blank; /* a card with keys and nothing else */

static int manufacture(void **state)
{
    (void)state;
    struct virtual_card *card = NULL;
    test_authority_open(&authority, KEY_RSA_2048);
    assert_int_equal(OK, virtual_card_manufacture(CARD_GENERATION_RSA, CARD_FORM_CARD, NULL, &card));
    assert_int_equal(OK, card_state_encode(&card->state, &blank));
    virtual_card_free(card);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    buffer_free(&blank);
    test_authority_close(&authority);
    return 0;
}

/* A blank card and what could be written to it. */
struct bench {
    struct virtual_card *card;
    struct buffer certificates[4];
    struct personalisation what;
};

static void set_up(struct bench *bench, const struct test_order *order)
{
    *bench = (struct bench){0};
    assert_int_equal(OK, virtual_card_from_state(buffer_bytes(&blank), &bench->card));
    bench->card->state.form = order->form ? order->form : CARD_FORM_CARD;
    bench->what = test_personalisation(&authority, order, bench->card, bench->certificates);
}

static void take_down(struct bench *bench)
{
    virtual_card_free(bench->card);
    for (size_t i = 0; i < ARRAY_LENGTH(bench->certificates); i++)
        buffer_free(&bench->certificates[i]);
}

static void a_blank_card_has_no_applications_but_the_issuers(void **state)
{
    (void)state;
    struct bench bench;
    set_up(&bench, &(struct test_order){0});
    assert_false(virtual_card_is_personalised(bench.card));
    assert_answers(bench.card, "00A4040C07A0000001510000", "9000");
    assert_answers(bench.card, SELECT_JPKI, "6A82");
    assert_answers(bench.card, SELECT_CHECK, "6A82");
    take_down(&bench);
}

static void a_card_is_personalised_once(void **state)
{
    (void)state;
    struct bench bench;
    struct buffer request = {0};
    set_up(&bench, &(struct test_order){0});
    assert_int_equal(OK, virtual_card_personalise(bench.card, &bench.what));
    assert_true(virtual_card_is_personalised(bench.card));
    assert_int_equal(ERR_WRONG_STATE, virtual_card_personalise(bench.card, &bench.what));
    assert_int_equal(ERR_WRONG_STATE,
                     virtual_card_request_certificate(bench.card, CARD_KEY_AUTHENTICATION, &request));
    take_down(&bench);
}

/* ---- What must not be written ---- */

typedef void spoil_function(struct personalisation *what);

static void with_eleven_digits(struct personalisation *what)
{
    what->holder.my_number = "12345678901";
}
static void with_a_letter_in_the_number(struct personalisation *what)
{
    what->holder.my_number = "12345678901X";
}
static void without_a_name(struct personalisation *what)
{
    what->holder.name = "";
}
static void with_a_control_character_in_the_address(struct personalisation *what)
{
    what->holder.address = "東京都\n千代田区";
}
static void with_a_name_that_is_not_utf8(struct personalisation *what)
{
    what->holder.name = "\x8E\x52\x93\x63"; /* Shift_JIS */
}
static void with_a_name_in_private_characters(struct personalisation *what)
{
    what->holder.name = "山田　\xEE\x80\x80郎"; /* 外字 */
}
static void with_another_sex(struct personalisation *what)
{
    what->holder.sex = 3;
}
static void with_four_digits_of_municipality(struct personalisation *what)
{
    what->holder.municipality = "1310";
}
static void with_a_long_security_code(struct personalisation *what)
{
    what->security_code = "22850";
}
static void expired_before_birth(struct personalisation *what)
{
    what->expiry = date_add_days(what->holder.birth, -1);
}
static void with_a_five_digit_pin(struct personalisation *what)
{
    what->pins.authentication = "12345";
}
static void without_a_pin_at_all(struct personalisation *what)
{
    what->pins.authentication = NULL;
}
static void with_letters_in_the_surface_pin(struct personalisation *what)
{
    what->pins.surface_input = "12A4";
}
static void with_a_short_password(struct personalisation *what)
{
    what->pins.signature_password = "ABC12";
}
static void with_a_password_in_kanji(struct personalisation *what)
{
    what->pins.signature_password = "暗証番号";
}
static void with_certificates_exchanged(struct personalisation *what)
{
    struct card_certificate other = what->signature;
    what->signature = what->authentication;
    what->authentication = other;
}
static void with_another_issuer(struct personalisation *what)
{
    what->authentication.issuer = what->signature.issuer;
}
static void with_half_a_certificate(struct personalisation *what)
{
    what->authentication.certificate.length /= 2;
}
static void with_a_signature_certificate_on_a_card_without_pin(struct personalisation *what)
{
    what->without_pin = true;
}
static void signed_by_another_key(struct personalisation *what)
{
    what->surface.key = &authority.terminal_key;
}
static void with_a_terminal_ca_that_is_none(struct personalisation *what)
{
    what->terminal_ca = authority.terminal;
}

/* What can be seen before there are certificates, but for these. */
enum { FIRST_ABOUT_CERTIFICATES = 15, LAST_ABOUT_CERTIFICATES = 18 };

static const struct {
    spoil_function *spoil;
    enum status status;
} spoiled[] = {
    {with_eleven_digits, ERR_RANGE},
    {with_a_letter_in_the_number, ERR_RANGE},
    {without_a_name, ERR_RANGE},
    {with_a_control_character_in_the_address, ERR_RANGE},
    {with_a_name_that_is_not_utf8, ERR_RANGE},
    {with_another_sex, ERR_RANGE},
    {with_four_digits_of_municipality, ERR_RANGE},
    {with_a_long_security_code, ERR_RANGE},
    {expired_before_birth, ERR_RANGE},
    {with_a_name_in_private_characters, ERR_UNSUPPORTED},
    {with_a_five_digit_pin, ERR_RANGE},
    {without_a_pin_at_all, ERR_RANGE},
    {with_letters_in_the_surface_pin, ERR_RANGE},
    {with_a_short_password, ERR_RANGE},
    {with_a_password_in_kanji, ERR_RANGE},
    [FIRST_ABOUT_CERTIFICATES] = {with_certificates_exchanged, ERR_RANGE},
    {with_another_issuer, ERR_CRYPTO},
    {with_half_a_certificate, ERR_MALFORMED},
    [LAST_ABOUT_CERTIFICATES] = {with_a_signature_certificate_on_a_card_without_pin, ERR_RANGE},
    {signed_by_another_key, ERR_CRYPTO},
    {with_a_terminal_ca_that_is_none, ERR_CRYPTO},
};

static void what_makes_no_sense_is_not_written_and_leaves_the_card_blank(void **state)
{
    (void)state;
    struct bench bench;
    set_up(&bench, &(struct test_order){0});
    for (size_t i = 0; i < ARRAY_LENGTH(spoiled); i++) {
        struct personalisation what = bench.what;
        spoiled[i].spoil(&what);
        bool about_certificates = i >= FIRST_ABOUT_CERTIFICATES && i <= LAST_ABOUT_CERTIFICATES;
        assert_int_equal(about_certificates ? OK : spoiled[i].status,
                         virtual_card_may_be_personalised(bench.card, &what));
        enum status status = virtual_card_personalise(bench.card, &what);
        if (status != spoiled[i].status)
            print_error("case %zu\n", i);
        assert_int_equal(spoiled[i].status, status);
        assert_false(virtual_card_is_personalised(bench.card));
        assert_answers(bench.card, SELECT_JPKI, "6A82");
    }
    assert_int_equal(OK, virtual_card_personalise(bench.card, &bench.what));
    take_down(&bench);
}

static void a_certificate_for_another_card_is_not_taken(void **state)
{
    (void)state;
    struct bench bench;
    struct virtual_card *other = NULL;
    struct buffer certificates[4] = {0};
    set_up(&bench, &(struct test_order){0});
    assert_int_equal(OK, virtual_card_manufacture(CARD_GENERATION_RSA, CARD_FORM_ANDROID, NULL, &other));
    const struct personalisation for_other =
        test_personalisation(&authority, &(struct test_order){0}, other, certificates);
    bench.what.authentication = for_other.authentication;
    assert_int_equal(ERR_CRYPTO, virtual_card_personalise(bench.card, &bench.what));
    for (size_t i = 0; i < ARRAY_LENGTH(certificates); i++)
        buffer_free(&certificates[i]);
    virtual_card_free(other);
    take_down(&bench);
}

/* ---- Variants ---- */

static void a_card_without_pin_has_no_signature_certificate_and_no_usable_pin(void **state)
{
    (void)state;
    struct bench bench;
    set_up(&bench, &(struct test_order){.without_pin = true});
    assert_int_equal(OK, virtual_card_personalise(bench.card, &bench.what));
    assert_answers(bench.card, SELECT_JPKI, "9000");
    assert_string_equal("008F009000", test_exchange(bench.card, "00B0880003"));
    assert_answers(bench.card, "00200098", "63C0");
    assert_answers(bench.card, VERIFY_PIN, "6984");
    assert_answers(bench.card, "0020009801 00", "6984");
    assert_answers(bench.card, "0020009B", "63C0");
    assert_answers(bench.card, VERIFY_PASSWORD, "6984");
    assert_answers(bench.card, "00B08A0001", "9000"); /* the authentication certificate is there */
    assert_answers(bench.card, "00B0820001", "9000");
    assert_string_equal("FF9000",
                        test_exchange(bench.card, "00B0820001")); /* no CA of a signature certificate */
    static const enum card_pin chosen[] = {CARD_PIN_AUTHENTICATION, CARD_PIN_SIGNATURE,
                                           CARD_PIN_SURFACE_INPUT, CARD_PIN_RESIDENT, CARD_PIN_COMMON};
    for (size_t i = 0; i < ARRAY_LENGTH(chosen); i++)
        assert_int_equal(-1, virtual_card_tries_left(bench.card, chosen[i]));
    assert_int_equal(10,
                     virtual_card_tries_left(bench.card, CARD_PIN_CHECK_CODE_B)); /* the face can be read */
    assert_int_equal(ERR_DENIED,
                     virtual_card_reset_pin_at_counter(bench.card, CARD_PIN_AUTHENTICATION, "1111"));
    take_down(&bench);
}

static void an_infants_card_has_no_photo(void **state)
{
    (void)state;
    struct bench bench;
    struct buffer file = {0};
    struct tlv face;
    set_up(&bench, &(struct test_order){.without_photo = true});
    assert_int_equal(OK, virtual_card_personalise(bench.card, &bench.what));
    assert_answers(bench.card, SELECT_CHECK, "9000");
    assert_answers(bench.card, "002000920E 3535303231373230333532323835", "9000");
    test_read_file(bench.card, SURFACE_CHECK_FACE, &file);
    assert_int_equal(OK, tlv_find_inside(buffer_bytes(&file), 0xFF20, 0xDF27, &face));
    assert_int_equal(0, face.value.length);
    buffer_free(&file);
    take_down(&bench);
}

static void a_photo_of_ones_own_is_taken_as_it_is(void **state)
{
    (void)state;
    struct bench bench;
    struct buffer file = {0};
    struct tlv face;
    set_up(&bench, &(struct test_order){0});
    bench.what.face = bytes_of_text("a picture");
    assert_int_equal(OK, virtual_card_personalise(bench.card, &bench.what));
    assert_answers(bench.card, SELECT_CHECK, "9000");
    assert_answers(bench.card, "002000920E 3535303231373230333532323835", "9000");
    test_read_file(bench.card, SURFACE_CHECK_FACE, &file);
    assert_int_equal(OK, tlv_find_inside(buffer_bytes(&file), 0xFF20, 0xDF27, &face));
    assert_true(bytes_equal(bytes_of_text("a picture"), face.value));
    buffer_free(&file);
    take_down(&bench);
}

static void a_picture_that_does_not_fit_a_file_is_refused(void **state)
{
    (void)state;
    static const uint8_t picture[0x8000];
    struct bench bench;
    set_up(&bench, &(struct test_order){0});
    bench.what.face = bytes_of(picture, sizeof picture);
    assert_int_equal(ERR_TOO_LARGE, virtual_card_personalise(bench.card, &bench.what));
    take_down(&bench);
}

static void a_phone_holds_certificates_and_nothing_of_the_surface(void **state)
{
    (void)state;
    static const struct {
        enum card_form form;
        const char *label;
    } phones[] = {{CARD_FORM_ANDROID, "JPKIAPGPSETOKEN "}, {CARD_FORM_IPHONE, "JPKIAPIOSTOKEN  "}};
    for (size_t i = 0; i < ARRAY_LENGTH(phones); i++) {
        struct bench bench;
        struct buffer token = {0};
        set_up(&bench, &(struct test_order){.form = phones[i].form});
        assert_int_equal(OK, virtual_card_personalise(bench.card, &bench.what));
        assert_answers(bench.card, SELECT_CHECK, "6A82");
        assert_answers(bench.card, SELECT_INPUT, "6A82");
        assert_answers(bench.card, SELECT_JPKI, "9000");
        test_read_file(bench.card, JPKI_TOKEN, &token);
        assert_memory_equal(phones[i].label, token.data, 16);
        assert_answers(bench.card, VERIFY_PIN, "9000");
        struct buffer encoded = {0};
        assert_int_equal(OK, card_state_encode(&bench.card->state, &encoded));
        assert_null(memmem(encoded.data, encoded.length, TEST_CARD_MY_NUMBER, 12));
        buffer_free(&encoded);
        buffer_free(&token);
        take_down(&bench);
    }
}

/* ---- Renewal ---- */

static struct buffer renewed_certificate(const struct virtual_card *card, const struct issuer *issuer)
{
    struct buffer spki = {0};
    struct buffer der = {0};
    struct card_certificate_order order = {
        .not_before = 0, .not_after = (moment)4102444799 * MICROSECONDS, .municipality = {"13101"}};
    serial_create(&order.serial);
    assert_int_equal(OK, virtual_card_renewed_public_key(card, CARD_KEY_AUTHENTICATION, &spki));
    assert_int_equal(OK, public_key_decode(buffer_bytes(&spki), &order.key));
    assert_int_equal(OK, certificate_issue_authentication(issuer, &order, &der));
    public_key_free(&order.key);
    buffer_free(&spki);
    return der;
}

static void new_certificates_come_with_new_keys_and_the_old_pins(void **state)
{
    (void)state;
    struct bench bench;
    struct buffer before = {0};
    struct buffer after = {0};
    const struct card_certificate none = {0};
    set_up(&bench, &(struct test_order){.without_pin = true});
    assert_int_equal(ERR_WRONG_STATE, virtual_card_renew_keys(bench.card)); /* blank */
    bench.what.without_pin = false; /* a PIN, and no signature certificate: of a child */
    assert_int_equal(OK, virtual_card_personalise(bench.card, &bench.what));
    const struct card_certificate old = bench.what.authentication;
    assert_int_equal(ERR_WRONG_STATE, virtual_card_renew_certificates(bench.card, &old, &none));

    assert_int_equal(OK, virtual_card_renew_keys(bench.card));
    struct buffer der = renewed_certificate(bench.card, &authority.authentication);
    const struct card_certificate fresh = {.certificate = buffer_bytes(&der), .issuer = old.issuer};
    assert_int_equal(ERR_CRYPTO, virtual_card_renew_certificates(bench.card, &old, &none));
    assert_int_equal(ERR_RANGE, virtual_card_renew_certificates(bench.card, &fresh, &fresh));
    assert_int_equal(OK, virtual_card_public_key(bench.card, CARD_KEY_AUTHENTICATION, &before));
    assert_int_equal(OK, virtual_card_renew_certificates(bench.card, &fresh, &none));
    assert_int_equal(OK, virtual_card_public_key(bench.card, CARD_KEY_AUTHENTICATION, &after));
    assert_false(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));

    struct buffer file = {0};
    assert_answers(bench.card, SELECT_JPKI, "9000");
    assert_answers(bench.card, VERIFY_PIN, "9000");
    test_read_file(bench.card, JPKI_AUTHENTICATION_CERTIFICATE, &file);
    assert_memory_equal(der.data, file.data, der.length);
    assert_int_equal(ERR_WRONG_STATE, virtual_card_renew_certificates(bench.card, &fresh, &none)); /* once */
    buffer_free(&file);
    buffer_free(&before);
    buffer_free(&after);
    buffer_free(&der);
    take_down(&bench);
}

/* ---- The municipal counter ---- */

static void a_locked_pin_is_reset_at_the_counter_only(void **state) /* Q8 */
{
    (void)state;
    struct bench bench;
    set_up(&bench, &(struct test_order){0});
    assert_int_equal(OK, virtual_card_personalise(bench.card, &bench.what));
    assert_answers(bench.card, SELECT_JPKI, "9000");
    for (int i = 0; i < 3; i++)
        (void)test_exchange(bench.card, VERIFY_WRONG_PIN);
    assert_answers(bench.card, VERIFY_PIN, "6984");
    virtual_card_reset(bench.card);
    assert_answers(bench.card, SELECT_JPKI, "9000");
    assert_answers(bench.card, VERIFY_PIN, "6984");
    assert_int_equal(OK, virtual_card_reset_pin_at_counter(bench.card, CARD_PIN_AUTHENTICATION, "5678"));
    assert_answers(bench.card, "00200098", "63C3");
    assert_answers(bench.card, "0020009804 35363738", "9000");
    take_down(&bench);
}

static void the_counter_sets_chosen_pins_to_good_values_only(void **state) /* Q8 */
{
    (void)state;
    static const struct {
        enum card_pin pin;
        const char *value;
        enum status status;
    } cases[] = {
        {CARD_PIN_SIGNATURE, "newpass1", OK},
        {CARD_PIN_SIGNATURE, "short", ERR_RANGE},
        {CARD_PIN_SIGNATURE, "0123456789ABCDEFG", ERR_RANGE},
        {CARD_PIN_AUTHENTICATION, "12345", ERR_RANGE},
        {CARD_PIN_AUTHENTICATION, "", ERR_RANGE},
        {CARD_PIN_SURFACE_INPUT, "0000", OK},
        {CARD_PIN_COMMON, "0000", OK},
        {CARD_PIN_INPUT_CODE_A, "000000000000", ERR_DENIED},
        {CARD_PIN_CHECK_CODE_B, "00000000000000", ERR_DENIED},
        {CARD_PIN_CHECK_BIRTH, "000000", ERR_DENIED},
    };
    struct bench bench;
    set_up(&bench, &(struct test_order){0});
    assert_int_equal(ERR_WRONG_STATE, virtual_card_reset_pin_at_counter(bench.card, CARD_PIN_COMMON, "0000"));
    assert_int_equal(OK, virtual_card_personalise(bench.card, &bench.what));
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        assert_int_equal(cases[i].status,
                         virtual_card_reset_pin_at_counter(bench.card, cases[i].pin, cases[i].value));
    assert_answers(bench.card, SELECT_JPKI, "9000");
    assert_answers(bench.card, "0020009B08 4E45575041535331", "9000"); /* NEWPASS1 */
    take_down(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blank_card_has_no_applications_but_the_issuers),
        cmocka_unit_test(a_card_is_personalised_once),
        cmocka_unit_test(what_makes_no_sense_is_not_written_and_leaves_the_card_blank),
        cmocka_unit_test(a_certificate_for_another_card_is_not_taken),
        cmocka_unit_test(a_card_without_pin_has_no_signature_certificate_and_no_usable_pin),
        cmocka_unit_test(an_infants_card_has_no_photo),
        cmocka_unit_test(a_photo_of_ones_own_is_taken_as_it_is),
        cmocka_unit_test(a_picture_that_does_not_fit_a_file_is_refused),
        cmocka_unit_test(a_phone_holds_certificates_and_nothing_of_the_surface),
        cmocka_unit_test(new_certificates_come_with_new_keys_and_the_old_pins),
        cmocka_unit_test(a_locked_pin_is_reset_at_the_counter_only),
        cmocka_unit_test(the_counter_sets_chosen_pins_to_good_values_only),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, manufacture, forget);
}
