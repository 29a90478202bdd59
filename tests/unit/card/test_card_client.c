/* The side that drives a card, against a whole card in the same process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "card/client.h"
#include "card/virtual_state.h"
#include "issued_card.h"
#include "virtual_transport.h"

/* Issued once, since that makes keys; each test gets copies. */
static struct test_authority authority, coming_authority;
static struct buffer rsa_image, p384_image, without_pin_image, without_photo_image, phone_image;

struct desk {
    struct virtual_card *card;
    struct virtual_transport transport;
    struct card_client client;
};

static struct desk desk_with(const struct buffer *image)
{
    struct desk desk = {0};
    assert_int_equal(virtual_card_from_state(buffer_bytes(image), &desk.card), OK);
    desk.transport = virtual_transport_to(desk.card);
    return desk;
}

/* Apart from desk_with(): the client points into the desk. */
static struct card_client *sit_down(struct desk *desk)
{
    desk->client =
        card_client_of(&desk->transport.transport, monotonic_microseconds() + (int64_t)60 * MICROSECONDS);
    assert_int_equal(card_client_begin(&desk->client), CARD_OK);
    return &desk->client;
}

static void leave(struct desk *desk)
{
    card_client_free(&desk->client);
    virtual_card_free(desk->card);
}

static void spend_tries(struct card_client *client, enum card_pin pin, const char *wrong, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_not_equal(card_verify_pin(client, pin, bytes_of_text(wrong), SPEND_LAST_TRY), CARD_OK);
}

static unsigned tries_left(struct card_client *client, enum card_pin pin)
{
    unsigned tries = 99;
    assert_int_equal(card_tries_left(client, pin, &tries), CARD_OK);
    return tries;
}

/* ---- Recognising ---- */

static void a_card_is_recognised_by_its_application_and_says_what_it_is(void **state)
{
    static const struct {
        const struct buffer *image;
        enum card_form form;
        const char *label;
        bool has_pin;
        unsigned tries;
    } cards[] = {
        {&rsa_image, CARD_FORM_CARD, "JPKIAPICCTOKEN2", true, 3},
        {&p384_image, CARD_FORM_CARD, "JPKIAPICCTOKEN2", true, 3},
        {&phone_image, CARD_FORM_ANDROID, "JPKIAPGPSETOKEN", true, 3},
        {&without_pin_image, CARD_FORM_CARD, "JPKIAPICCTOKEN2", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cards); i++) {
        struct desk desk = desk_with(cards[i].image);
        struct card_client *client = sit_down(&desk);
        struct card_description description;
        assert_int_equal(card_recognise(client, &description), CARD_OK);
        assert_int_equal(description.form, cards[i].form);
        assert_string_equal(description.label, cards[i].label);
        assert_int_equal(description.has_pin, cards[i].has_pin);
        assert_int_equal(description.has_signature_certificate, cards[i].has_pin);
        assert_int_equal(description.tries_left, cards[i].tries);
        leave(&desk);
    }
}

static void a_foreign_card_is_not_a_my_number_card(void **state)
{
    (void)state;
    struct desk desk = desk_with(&rsa_image);
    desk.transport.forged = bytes_of("\x6A\x82", 2);
    struct card_client *client = sit_down(&desk);
    struct card_description description;
    assert_int_equal(card_recognise(client, &description), CARD_ERR_NOT_MY_NUMBER);
    leave(&desk);
}

static void a_card_that_answers_nonsense_has_failed(void **state)
{
    static const struct {
        const char *answer;
        size_t length;
        enum card_error error;
    } answers[] = {
        {"\x90", 1, CARD_ERR_FAILED},
        {"\x90\x00", 2, CARD_ERR_FAILED}, /* to everything, also where data were asked for */
        {"\x12\x34\x56\x78\x90\x00", 6, CARD_ERR_FAILED},
        {"\x6F\x00", 2, CARD_ERR_MUTE},
        {"\x6E\x00", 2, CARD_ERR_FAILED},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        struct desk desk = desk_with(&rsa_image);
        desk.transport.forged = bytes_of(answers[i].answer, answers[i].length);
        struct card_client *client = sit_down(&desk);
        struct card_description description;
        struct buffer der = {0};
        assert_int_equal(card_recognise(client, &description), answers[i].error);
        assert_int_equal(card_read_certificate(client, CARD_CERTIFICATE_AUTHENTICATION, &der),
                         answers[i].error);
        buffer_free(&der);
        leave(&desk);
    }
}

static void a_card_pulled_at_any_moment_is_reported_as_removed(void **state)
{
    (void)state;
    for (unsigned commands = 1;; commands++) {
        struct desk desk = desk_with(&rsa_image);
        desk.transport.pulled_after = commands;
        struct card_client *client = sit_down(&desk);
        struct card_description description;
        struct signature signature;
        enum card_error error = card_recognise(client, &description);
        if (error == CARD_OK)
            error = card_verify_pin(client, CARD_PIN_AUTHENTICATION, bytes_of_text("1234"), KEEP_LAST_TRY);
        if (error == CARD_OK)
            error = card_sign(client, CARD_KEY_AUTHENTICATION, KEY_RSA_2048, bytes_of_text("x"), &signature);
        leave(&desk);
        if (error == CARD_OK) {
            assert_true(commands > 5);
            return;
        }
        assert_int_equal(error, CARD_ERR_REMOVED);
    }
}

static void nothing_is_sent_after_the_deadline(void **state)
{
    (void)state;
    struct desk desk = desk_with(&rsa_image);
    struct card_client *client = sit_down(&desk);
    client->deadline = monotonic_microseconds() - 1;
    struct card_description description;
    assert_int_equal(card_recognise(client, &description), CARD_ERR_TIMEOUT);
    assert_int_equal(desk.transport.commands, 0);
    leave(&desk);
}

static void nothing_is_sent_outside_a_session(void **state)
{
    (void)state;
    struct desk desk = desk_with(&rsa_image);
    struct card_client *client = sit_down(&desk);
    card_client_end(client);
    struct card_description description;
    assert_int_equal(card_recognise(client, &description), CARD_ERR_INTERNAL);
    assert_int_equal(desk.transport.commands, 0);
    leave(&desk);
}

/* ---- PINs (Q8) ---- */

static void asking_for_the_tries_left_spends_none_Q8(void **state)
{
    static const struct {
        enum card_pin pin;
        unsigned tries;
    } pins[] = {
        {CARD_PIN_AUTHENTICATION, 3}, {CARD_PIN_SIGNATURE, 5}, {CARD_PIN_SURFACE_INPUT, 3},
        {CARD_PIN_RESIDENT, 3},       {CARD_PIN_COMMON, 3},    {CARD_PIN_INPUT_CODE_B, 10},
        {CARD_PIN_CHECK_CODE_B, 10},
    };
    (void)state;
    struct desk desk = desk_with(&rsa_image);
    struct card_client *client = sit_down(&desk);
    for (size_t i = 0; i < ARRAY_LENGTH(pins); i++)
        for (int asked = 0; asked < 12; asked++)
            assert_int_equal(tries_left(client, pins[i].pin), pins[i].tries);
    leave(&desk);
}

static void the_last_try_is_never_spent_unasked_Q8(void **state)
{
    static const struct {
        enum card_pin pin;
        unsigned tries;
        const char *right, *wrong;
    } pins[] = {
        {CARD_PIN_AUTHENTICATION, 3, "1234", "0000"},
        {CARD_PIN_SIGNATURE, 5, "ABC123", "XYZ999"},
        {CARD_PIN_SURFACE_INPUT, 3, "4321", "0000"},
        {CARD_PIN_CHECK_CODE_B, 10, TEST_CARD_CODE_B, "00000000000000"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(pins); i++) {
        struct desk desk = desk_with(&rsa_image);
        struct card_client *client = sit_down(&desk);
        for (unsigned left = pins[i].tries - 1; left >= 1; left--) {
            assert_int_equal(
                card_verify_pin(client, pins[i].pin, bytes_of_text(pins[i].wrong), KEEP_LAST_TRY),
                CARD_ERR_PIN_WRONG);
            assert_int_equal(client->tries_left, left);
        }
        unsigned sent = desk.transport.verifications;
        /* not even the right one: who knows whether it is */
        assert_int_equal(card_verify_pin(client, pins[i].pin, bytes_of_text(pins[i].right), KEEP_LAST_TRY),
                         CARD_ERR_PIN_LAST_TRY);
        assert_int_equal(client->tries_left, 1);
        assert_int_equal(desk.transport.verifications, sent);
        assert_int_equal(card_verify_pin(client, pins[i].pin, bytes_of_text(pins[i].right), SPEND_LAST_TRY),
                         CARD_OK);
        assert_int_equal(tries_left(client, pins[i].pin), pins[i].tries);
        leave(&desk);
    }
}

static void a_try_too_many_locks_and_the_right_pin_no_longer_opens_Q8(void **state)
{
    (void)state;
    struct desk desk = desk_with(&rsa_image);
    struct card_client *client = sit_down(&desk);
    spend_tries(client, CARD_PIN_AUTHENTICATION, "0000", 2);
    assert_int_equal(card_verify_pin(client, CARD_PIN_AUTHENTICATION, bytes_of_text("0000"), SPEND_LAST_TRY),
                     CARD_ERR_PIN_LOCKED);
    assert_int_equal(client->tries_left, 0);
    unsigned sent = desk.transport.verifications;
    assert_int_equal(card_verify_pin(client, CARD_PIN_AUTHENTICATION, bytes_of_text("1234"), SPEND_LAST_TRY),
                     CARD_ERR_PIN_LOCKED);
    assert_int_equal(desk.transport.verifications, sent);
    assert_int_equal(virtual_card_reset_pin_at_counter(desk.card, CARD_PIN_AUTHENTICATION, "5678"), OK);
    assert_int_equal(card_verify_pin(client, CARD_PIN_AUTHENTICATION, bytes_of_text("5678"), KEEP_LAST_TRY),
                     CARD_OK);
    leave(&desk);
}

/* Some cards answer 6983 or 6984 to VERIFY once locked, to the empty query too. */
static void a_lock_told_by_another_word_is_a_lock_Q8(void **state)
{
    (void)state;
    for (unsigned word = 0x83; word <= 0x84; word++) {
        const uint8_t answer[] = {0x69, (uint8_t)word};
        struct desk desk = desk_with(&rsa_image);
        struct card_client *client = sit_down(&desk);
        desk.transport.forged = bytes_of(answer, sizeof answer);
        desk.transport.forged_for = INS_VERIFY;
        assert_int_equal(tries_left(client, CARD_PIN_AUTHENTICATION), 0);
        assert_int_equal(
            card_verify_pin(client, CARD_PIN_AUTHENTICATION, bytes_of_text("1234"), SPEND_LAST_TRY),
            CARD_ERR_PIN_LOCKED);
        assert_int_equal(desk.transport.verifications, 0);
        leave(&desk);
    }
}

/* A card that answers 9000 to the empty query tells nothing: no PIN is risked on it. */
static void a_card_that_hides_its_tries_gets_no_pin_Q8(void **state)
{
    (void)state;
    struct desk desk = desk_with(&rsa_image);
    struct card_client *client = sit_down(&desk);
    desk.transport.forged = bytes_of("\x90\x00", 2);
    desk.transport.forged_for = INS_VERIFY;
    assert_int_equal(card_verify_pin(client, CARD_PIN_AUTHENTICATION, bytes_of_text("1234"), SPEND_LAST_TRY),
                     CARD_ERR_FAILED);
    assert_int_equal(desk.transport.verifications, 0);
    leave(&desk);
}

static void a_malformed_pin_costs_no_try_Q8(void **state)
{
    static const struct {
        enum card_pin pin;
        const char *value;
    } values[] = {
        {CARD_PIN_AUTHENTICATION, ""},
        {CARD_PIN_AUTHENTICATION, "123"},
        {CARD_PIN_AUTHENTICATION, "12345"},
        {CARD_PIN_AUTHENTICATION, "12a4"},
        {CARD_PIN_AUTHENTICATION, "１２"},
        {CARD_PIN_SIGNATURE, "ABC12"},
        {CARD_PIN_SIGNATURE, "ABC-123"},
        {CARD_PIN_SIGNATURE, "ABCDEFGHIJ1234567"},
        {CARD_PIN_SURFACE_INPUT, "43210"},
        {CARD_PIN_CHECK_CODE_B, "5502172035228"},
        {CARD_PIN_INPUT_CODE_B, "550217203522855"},
    };
    (void)state;
    struct desk desk = desk_with(&rsa_image);
    struct card_client *client = sit_down(&desk);
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++)
        assert_int_equal(
            card_verify_pin(client, values[i].pin, bytes_of_text(values[i].value), SPEND_LAST_TRY),
            CARD_ERR_PIN_FORMAT);
    assert_int_equal(desk.transport.commands, 0);
    leave(&desk);
}

static void a_signature_password_is_taken_in_either_case(void **state)
{
    (void)state;
    struct desk desk = desk_with(&rsa_image);
    struct card_client *client = sit_down(&desk);
    assert_int_equal(card_verify_pin(client, CARD_PIN_SIGNATURE, bytes_of_text("aBc123"), KEEP_LAST_TRY),
                     CARD_OK);
    leave(&desk);
}

static void what_was_verified_ends_with_the_session(void **state)
{
    (void)state;
    struct desk desk = desk_with(&rsa_image);
    struct card_client *client = sit_down(&desk);
    struct signature signature;
    assert_int_equal(card_verify_pin(client, CARD_PIN_AUTHENTICATION, bytes_of_text("1234"), KEEP_LAST_TRY),
                     CARD_OK);
    card_client_end(client);
    assert_int_equal(desk.transport.resets, 1);
    assert_int_equal(card_client_begin(client), CARD_OK);
    assert_int_equal(card_sign(client, CARD_KEY_AUTHENTICATION, KEY_RSA_2048, bytes_of_text("x"), &signature),
                     CARD_ERR_PIN_NEEDED);
    card_client_end(client);
    assert_int_equal(desk.transport.resets, 1); /* nothing was opened */
    leave(&desk);
}

static void a_pin_is_changed_after_the_old_one_was_verified(void **state)
{
    static const struct {
        enum card_pin pin;
        const char *old, *new, *malformed;
    } pins[] = {
        {CARD_PIN_AUTHENTICATION, "1234", "9999", "999"},
        {CARD_PIN_SIGNATURE, "abc123", "newpass1", "short"},
        {CARD_PIN_SURFACE_INPUT, "4321", "8888", "88888"},
        {CARD_PIN_RESIDENT, "9876", "7777", "777x"},
        {CARD_PIN_COMMON, "9876", "6666", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(pins); i++) {
        struct desk desk = desk_with(&rsa_image);
        struct card_client *client = sit_down(&desk);
        assert_int_equal(card_change_pin(client, pins[i].pin, bytes_of_text(pins[i].new)),
                         CARD_ERR_PIN_NEEDED);
        assert_int_equal(card_verify_pin(client, pins[i].pin, bytes_of_text(pins[i].old), KEEP_LAST_TRY),
                         CARD_OK);
        assert_int_equal(card_change_pin(client, pins[i].pin, bytes_of_text(pins[i].malformed)),
                         CARD_ERR_PIN_FORMAT);
        assert_int_equal(card_change_pin(client, pins[i].pin, bytes_of_text(pins[i].new)), CARD_OK);
        card_client_end(client);
        assert_int_equal(card_client_begin(client), CARD_OK);
        assert_int_equal(card_verify_pin(client, pins[i].pin, bytes_of_text(pins[i].new), KEEP_LAST_TRY),
                         CARD_OK);
        leave(&desk);
    }
}

/* ---- Certificates and signatures ---- */

static void assert_issued_by(const struct buffer *der, const struct buffer *ca_der)
{
    struct certificate certificate = {0};
    struct certificate ca = {0};
    assert_int_equal(certificate_parse(buffer_bytes(der), &certificate), OK);
    assert_int_equal(certificate_parse(buffer_bytes(ca_der), &ca), OK);
    assert_int_equal(ca.kind, CERTIFICATE_CA);
    certificate_free(&certificate);
    certificate_free(&ca);
}

static void the_certificates_are_read_and_the_signature_one_only_after_its_password(void **state)
{
    (void)state;
    struct desk desk = desk_with(&rsa_image);
    struct card_client *client = sit_down(&desk);
    struct buffer auth = {0}, auth_ca = {0}, sign = {0}, sign_ca = {0};
    assert_int_equal(card_read_certificate(client, CARD_CERTIFICATE_AUTHENTICATION, &auth), CARD_OK);
    assert_int_equal(card_read_certificate(client, CARD_CERTIFICATE_AUTHENTICATION_CA, &auth_ca), CARD_OK);
    assert_int_equal(card_read_certificate(client, CARD_CERTIFICATE_SIGNATURE_CA, &sign_ca), CARD_OK);
    assert_int_equal(card_read_certificate(client, CARD_CERTIFICATE_SIGNATURE, &sign), CARD_ERR_PIN_NEEDED);
    assert_int_equal(card_verify_pin(client, CARD_PIN_SIGNATURE, bytes_of_text("ABC123"), KEEP_LAST_TRY),
                     CARD_OK);
    assert_int_equal(card_read_certificate(client, CARD_CERTIFICATE_SIGNATURE, &sign), CARD_OK);
    assert_issued_by(&auth, &auth_ca);
    assert_issued_by(&sign, &sign_ca);
    buffer_free(&auth);
    buffer_free(&auth_ca);
    buffer_free(&sign);
    buffer_free(&sign_ca);
    leave(&desk);
}

static void a_card_without_a_signature_certificate_says_so(void **state)
{
    (void)state;
    struct desk desk = desk_with(&without_pin_image);
    struct card_client *client = sit_down(&desk);
    struct buffer der = {0};
    assert_int_not_equal(card_read_certificate(client, CARD_CERTIFICATE_SIGNATURE, &der), CARD_OK);
    assert_int_equal(card_read_certificate(client, CARD_CERTIFICATE_SIGNATURE_CA, &der),
                     CARD_ERR_WITHOUT_CERTIFICATE);
    buffer_free(&der);
    leave(&desk);
}

static struct public_key certified_key(struct card_client *client, enum card_certificate_kind kind)
{
    struct buffer der = {0};
    struct certificate certificate = {0};
    assert_int_equal(card_read_certificate(client, kind, &der), CARD_OK);
    assert_int_equal(certificate_parse(buffer_bytes(&der), &certificate), OK);
    struct public_key key = public_key_share(&certificate.key);
    certificate_free(&certificate);
    buffer_free(&der);
    return key;
}

static void both_keys_sign_after_their_pin_and_their_certificates_verify_it(void **state)
{
    static const struct {
        const struct buffer *image;
        enum key_kind kind;
        enum card_key key;
        enum card_pin pin;
        const char *value;
        enum card_certificate_kind certificate;
    } cases[] = {
        {&rsa_image, KEY_RSA_2048, CARD_KEY_AUTHENTICATION, CARD_PIN_AUTHENTICATION, "1234",
         CARD_CERTIFICATE_AUTHENTICATION},
        {&rsa_image, KEY_RSA_2048, CARD_KEY_SIGNATURE, CARD_PIN_SIGNATURE, "ABC123",
         CARD_CERTIFICATE_SIGNATURE},
        {&p384_image, KEY_P384, CARD_KEY_AUTHENTICATION, CARD_PIN_AUTHENTICATION, "1234",
         CARD_CERTIFICATE_AUTHENTICATION},
        {&p384_image, KEY_P384, CARD_KEY_SIGNATURE, CARD_PIN_SIGNATURE, "ABC123", CARD_CERTIFICATE_SIGNATURE},
    };
    const struct bytes message = bytes_of_text("資格確認");
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct desk desk = desk_with(cases[i].image);
        struct card_client *client = sit_down(&desk);
        struct signature signature;
        assert_int_equal(card_sign(client, cases[i].key, cases[i].kind, message, &signature),
                         CARD_ERR_PIN_NEEDED);
        assert_int_equal(card_verify_pin(client, cases[i].pin, bytes_of_text(cases[i].value), KEEP_LAST_TRY),
                         CARD_OK);
        assert_int_equal(card_sign(client, cases[i].key, cases[i].kind, message, &signature), CARD_OK);
        struct public_key key = certified_key(client, cases[i].certificate);
        assert_int_equal(public_key_verify(&key, message, bytes_of(signature.bytes, signature.length)), OK);
        assert_int_equal(
            public_key_verify(&key, bytes_of_text("x"), bytes_of(signature.bytes, signature.length)),
            ERR_CRYPTO);
        public_key_free(&key);
        leave(&desk);
    }
}

/* ---- Without the PIN ---- */

static struct statement_message a_statement(void)
{
    const struct statement statement = {.kind = STATEMENT_CHECK,
                                        .institution = {'0', '1', '1', '0', '1', '1', '3', '7', '1', '9'},
                                        .purpose = 1,
                                        .day = DATE_NONE};
    struct statement_message message;
    statement_compose(&statement, &message);
    return message;
}

/* Borrows the authority's key. */
static struct card_terminal terminal_of(const struct test_authority *of)
{
    return (struct card_terminal){.certificate = of->terminal, .key = of->terminal_key};
}

static void a_terminal_that_proved_itself_gets_the_marked_form_and_no_other(void **state)
{
    (void)state;
    const struct {
        const struct buffer *image;
        const struct test_authority *of;
        enum key_kind kind;
    } cases[] = {
        {&rsa_image, &authority, KEY_RSA_2048},
        {&p384_image, &coming_authority, KEY_P384},
        {&without_pin_image, &coming_authority, KEY_P384},
    };
    const struct statement_message message = a_statement();
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct desk desk = desk_with(cases[i].image);
        struct card_client *client = sit_down(&desk);
        const struct card_terminal terminal = terminal_of(cases[i].of);
        struct card_nonce nonce;
        struct signature signature;
        assert_int_equal(
            card_sign_without_pin(client, &terminal, cases[i].kind, &message, &nonce, &signature), CARD_OK);
        struct public_key key = certified_key(client, CARD_CERTIFICATE_AUTHENTICATION);
        struct statement_signature signed_part = {
            .form = STATEMENT_WITHOUT_PIN,
            .signature = bytes_of(signature.bytes, signature.length),
            .terminal = terminal.certificate.subject,
            .nonce = nonce,
        };
        assert_int_equal(statement_verify(&key, &message, &signed_part), OK);
        signed_part.form = STATEMENT_WITH_PIN;
        assert_int_equal(statement_verify(&key, &message, &signed_part), ERR_CRYPTO);
        public_key_free(&key);
        card_client_end(client);
        assert_int_equal(desk.transport.resets, 1);
        leave(&desk);
    }
}

static void a_terminal_of_another_authority_or_with_another_key_is_refused(void **state)
{
    (void)state;
    const struct statement_message message = a_statement();
    struct card_nonce nonce;
    struct signature signature;
    const struct card_terminal foreign = terminal_of(&coming_authority);
    const struct card_terminal stolen = {.certificate = authority.terminal,
                                         .key = coming_authority.terminal_key};
    struct desk desk = desk_with(&rsa_image);
    struct card_client *client = sit_down(&desk);
    assert_int_equal(card_sign_without_pin(client, &foreign, KEY_RSA_2048, &message, &nonce, &signature),
                     CARD_ERR_TERMINAL_REFUSED);
    assert_int_equal(card_sign_without_pin(client, &stolen, KEY_RSA_2048, &message, &nonce, &signature),
                     CARD_ERR_TERMINAL_REFUSED);
    leave(&desk);
}

/* ---- Surface (Q5, Q9) ---- */

static bool holds(const struct buffer *buffer, const char *text)
{
    return bytes_equal(buffer_bytes(buffer), bytes_of_text(text));
}

static void the_surface_is_read_by_pin_or_code_b_and_never_the_my_number_Q5(void **state)
{
    static const struct {
        const struct buffer *image;
        enum surface_way by;
        const char *value;
    } openers[] = {
        {&rsa_image, SURFACE_BY_PIN, "4321"},
        {&rsa_image, SURFACE_BY_CODE_B, TEST_CARD_CODE_B},
        {&p384_image, SURFACE_BY_PIN, "1234"}, /* one PIN for certificates and surface */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(openers); i++) {
        struct desk desk = desk_with(openers[i].image);
        struct card_client *client = sit_down(&desk);
        const struct surface_opener opener = {.by = openers[i].by, .value = bytes_of_text(openers[i].value)};
        struct card_surface surface;
        assert_int_equal(card_read_surface(client, &opener, &surface), CARD_OK);
        assert_true(holds(&surface.name, TEST_CARD_NAME));
        assert_true(holds(&surface.address, TEST_CARD_ADDRESS));
        struct ymd birth = date_to_ymd(surface.birth);
        assert_int_equal(birth.year * 10000 + birth.month * 100 + birth.day, 19800217);
        assert_int_equal(surface.sex, 1);
        assert_false(desk.transport.my_number_was_asked_for);
        card_surface_free(&surface);
        leave(&desk);
    }
}

static void a_wrong_opener_gives_no_surface(void **state)
{
    (void)state;
    struct desk desk = desk_with(&rsa_image);
    struct card_client *client = sit_down(&desk);
    const struct surface_opener opener = {.by = SURFACE_BY_PIN, .value = bytes_of_text("0000")};
    struct card_surface surface;
    assert_int_equal(card_read_surface(client, &opener, &surface), CARD_ERR_PIN_WRONG);
    assert_int_equal(surface.name.length, 0);
    leave(&desk);
}

#define COMING_CODE_B "80021720352285" /* of the same person: birth date in western years */

static void the_photo_is_read_by_code_b_and_an_infants_card_has_none_Q5(void **state)
{
    const struct {
        const struct buffer *image;
        const char *code_b;
        enum card_error error;
    } cards[] = {
        {&rsa_image, TEST_CARD_CODE_B, CARD_OK},
        {&p384_image, COMING_CODE_B, CARD_OK},
        {&without_photo_image, COMING_CODE_B, CARD_ERR_WITHOUT_PHOTO},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cards); i++) {
        struct desk desk = desk_with(cards[i].image);
        struct card_client *client = sit_down(&desk);
        struct buffer photo = {.secret = true};
        assert_int_equal(card_read_photo(client, bytes_of_text(cards[i].code_b), KEEP_LAST_TRY, &photo),
                         cards[i].error);
        if (cards[i].error == CARD_OK)
            assert_memory_equal(photo.data + 4, "jP  ", 4); /* JPEG 2000's signature box */
        else
            assert_int_equal(photo.length, 0);
        assert_false(desk.transport.my_number_was_asked_for);
        buffer_free(&photo);
        leave(&desk);
    }
}

/* Code A is the My Number: the client has no place for it. */
static void codes_that_are_the_my_number_cannot_be_presented_Q5(void **state)
{
    static const enum card_pin codes[] = {CARD_PIN_INPUT_CODE_A, CARD_PIN_CHECK_CODE_A, CARD_PIN_CHECK_BIRTH};
    (void)state;
    struct desk desk = desk_with(&rsa_image);
    struct card_client *client = sit_down(&desk);
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        unsigned tries;
        assert_int_equal(card_tries_left(client, codes[i], &tries), CARD_ERR_INTERNAL);
        assert_int_equal(
            card_verify_pin(client, codes[i], bytes_of_text(TEST_CARD_MY_NUMBER), SPEND_LAST_TRY),
            CARD_ERR_INTERNAL);
    }
    assert_int_equal(desk.transport.commands, 0);
    leave(&desk);
}

/* ---- */

static void every_error_has_a_name_and_somebody_at_fault(void **state)
{
    static const struct {
        enum card_error error;
        enum card_fault fault;
        const char *name;
    } errors[] = {
        {CARD_OK, CARD_FAULT_NONE, "ok"},
        {CARD_ERR_SERVICE_MISSING, CARD_FAULT_READER, "service_missing"},
        {CARD_ERR_READER_FAILED, CARD_FAULT_READER, "reader_failed"},
        {CARD_ERR_ABSENT, CARD_FAULT_CARD, "absent"},
        {CARD_ERR_WITHOUT_CERTIFICATE, CARD_FAULT_CARD, "without_certificate"},
        {CARD_ERR_PIN_WRONG, CARD_FAULT_PERSON, "pin_wrong"},
        {CARD_ERR_PIN_LOCKED, CARD_FAULT_PERSON, "pin_locked"},
        {CARD_ERR_PIN_FORMAT, CARD_FAULT_CALLER, "pin_format"},
        {CARD_ERR_TERMINAL_REFUSED, CARD_FAULT_CALLER, "terminal_refused"},
        {CARD_ERR_INTERNAL, CARD_FAULT_US, "internal"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(errors); i++) {
        assert_int_equal(card_error_fault(errors[i].error), errors[i].fault);
        assert_string_equal(card_error_name(errors[i].error), errors[i].name);
    }
}

static void issue(const struct test_authority *of, struct test_order order, struct buffer *image)
{
    struct virtual_card *card = test_card_issue(of, &order);
    assert_int_equal(card_state_encode(&card->state, image), OK);
    virtual_card_free(card);
}

static int issue_cards(void **state)
{
    (void)state;
    test_authority_open(&authority, KEY_RSA_2048);
    test_authority_open(&coming_authority, KEY_P384);
    issue(&authority, (struct test_order){0}, &rsa_image);
    issue(&coming_authority, (struct test_order){.generation = CARD_GENERATION_P384}, &p384_image);
    /* What these are about does not depend on the generation, and P-384 keys are made in no time. */
    const enum chip_generation quick = CARD_GENERATION_P384;
    issue(&coming_authority, (struct test_order){.generation = quick, .without_pin = true},
          &without_pin_image);
    issue(&coming_authority, (struct test_order){.generation = quick, .without_photo = true},
          &without_photo_image);
    issue(&coming_authority, (struct test_order){.generation = quick, .form = CARD_FORM_ANDROID},
          &phone_image);
    return 0;
}

static int destroy_cards(void **state)
{
    (void)state;
    buffer_free(&rsa_image);
    buffer_free(&p384_image);
    buffer_free(&without_pin_image);
    buffer_free(&without_photo_image);
    buffer_free(&phone_image);
    test_authority_close(&authority);
    test_authority_close(&coming_authority);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_is_recognised_by_its_application_and_says_what_it_is),
        cmocka_unit_test(a_foreign_card_is_not_a_my_number_card),
        cmocka_unit_test(a_card_that_answers_nonsense_has_failed),
        cmocka_unit_test(a_card_pulled_at_any_moment_is_reported_as_removed),
        cmocka_unit_test(nothing_is_sent_after_the_deadline),
        cmocka_unit_test(nothing_is_sent_outside_a_session),
        cmocka_unit_test(asking_for_the_tries_left_spends_none_Q8),
        cmocka_unit_test(the_last_try_is_never_spent_unasked_Q8),
        cmocka_unit_test(a_try_too_many_locks_and_the_right_pin_no_longer_opens_Q8),
        cmocka_unit_test(a_lock_told_by_another_word_is_a_lock_Q8),
        cmocka_unit_test(a_card_that_hides_its_tries_gets_no_pin_Q8),
        cmocka_unit_test(a_malformed_pin_costs_no_try_Q8),
        cmocka_unit_test(a_signature_password_is_taken_in_either_case),
        cmocka_unit_test(what_was_verified_ends_with_the_session),
        cmocka_unit_test(a_pin_is_changed_after_the_old_one_was_verified),
        cmocka_unit_test(the_certificates_are_read_and_the_signature_one_only_after_its_password),
        cmocka_unit_test(a_card_without_a_signature_certificate_says_so),
        cmocka_unit_test(both_keys_sign_after_their_pin_and_their_certificates_verify_it),
        cmocka_unit_test(a_terminal_that_proved_itself_gets_the_marked_form_and_no_other),
        cmocka_unit_test(a_terminal_of_another_authority_or_with_another_key_is_refused),
        cmocka_unit_test(the_surface_is_read_by_pin_or_code_b_and_never_the_my_number_Q5),
        cmocka_unit_test(a_wrong_opener_gives_no_surface),
        cmocka_unit_test(the_photo_is_read_by_code_b_and_an_infants_card_has_none_Q5),
        cmocka_unit_test(codes_that_are_the_my_number_cannot_be_presented_Q5),
        cmocka_unit_test(every_error_has_a_name_and_somebody_at_fault),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, issue_cards, destroy_cards);
}
