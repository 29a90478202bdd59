#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>
#include <unistd.h>

#include "base/clock.h"
#include "issued_card.h"

static moment year(int number)
{
    struct date date;
    assert_int_equal(OK, date_from_ymd(number, 1, 1, &date));
    return moment_of_tokyo_midnight(date);
}

static struct terminal_id terminal_name(uint32_t number)
{
    struct terminal_id id;
    assert_int_equal(OK, terminal_id_make("0110113719", number, &id));
    return id;
}

static void certify_terminal(const struct test_authority *authority, const struct terminal_id *subject,
                             const struct private_key *key, struct terminal_certificate *out)
{
    const struct terminal_id issuer = terminal_name(999999);
    struct public_key public_key = {0};
    assert_int_equal(OK, public_key_of(key, &public_key));
    assert_int_equal(
        OK, terminal_certificate_issue(&authority->terminal_ca_key, &issuer, subject, &public_key, out));
    public_key_free(&public_key);
}

void test_authority_open(struct test_authority *authority, enum key_kind card_keys)
{
    *authority = (struct test_authority){0};
    assert_int_equal(OK, issuer_create(ISSUER_AUTHENTICATION, card_keys, NULL, year(2020), year(2040),
                                       &authority->authentication));
    assert_int_equal(
        OK, issuer_create(ISSUER_SIGNATURE, card_keys, NULL, year(2020), year(2040), &authority->signature));
    assert_int_equal(OK, private_key_create(KEY_RSA_2048, &authority->terminal_ca_key));
    assert_int_equal(OK, private_key_create(KEY_RSA_2048, &authority->terminal_key));
    const struct terminal_id ca = terminal_name(999999);
    const struct terminal_id terminal = terminal_name(1);
    certify_terminal(authority, &ca, &authority->terminal_ca_key, &authority->terminal_ca);
    certify_terminal(authority, &terminal, &authority->terminal_key, &authority->terminal);
}

void test_authority_close(struct test_authority *authority)
{
    issuer_free(&authority->authentication);
    issuer_free(&authority->signature);
    private_key_free(&authority->terminal_ca_key);
    private_key_free(&authority->terminal_key);
}

static struct card_certificate_order order_for(const struct virtual_card *card, enum card_key key)
{
    struct buffer request = {0};
    struct card_certificate_order order = {
        .not_before = year(2025), .not_after = year(2035), .municipality = {"13101"}};
    serial_create(&order.serial);
    assert_int_equal(OK, virtual_card_request_certificate(card, key, &request));
    assert_int_equal(OK, certificate_request_open(buffer_bytes(&request), &order.key));
    buffer_free(&request);
    return order;
}

static void issue_certificates(const struct test_authority *authority, const struct virtual_card *card,
                               struct date birth, struct buffer certificates[4])
{
    struct card_certificate_order authentication = order_for(card, CARD_KEY_AUTHENTICATION);
    struct card_certificate_order signature = order_for(card, CARD_KEY_SIGNATURE);
    const struct certificate_holder holder = {
        .name = TEST_CARD_NAME,
        .name_substitutions = "00000",
        .sex = '1',
        .birth = birth,
        .address = TEST_CARD_ADDRESS,
        .address_substitutions = "00000000000000000",
    };
    assert_int_equal(
        OK, certificate_issue_authentication(&authority->authentication, &authentication, &certificates[0]));
    assert_int_equal(OK, certificate_encode(&authority->authentication.certificate, &certificates[1]));
    assert_int_equal(
        OK, certificate_issue_signature(&authority->signature, &signature, &holder, &certificates[2]));
    assert_int_equal(OK, certificate_encode(&authority->signature.certificate, &certificates[3]));
    public_key_free(&authentication.key);
    public_key_free(&signature.key);
}

struct personalisation test_personalisation(const struct test_authority *authority,
                                            const struct test_order *order, const struct virtual_card *card,
                                            struct buffer certificates[4])
{
    struct personalisation what = {
        .holder = {.my_number = TEST_CARD_MY_NUMBER,
                   .name = TEST_CARD_NAME,
                   .address = TEST_CARD_ADDRESS,
                   .sex = 1,
                   .municipality = "13101"},
        .pins = {.authentication = "1234",
                 .signature_password = "abc123",
                 .surface_input = "4321",
                 .resident = "9876"},
        .security_code = "2285",
        .without_pin = order->without_pin,
        .without_photo = order->without_photo,
        .surface = {.key = &authority->terminal_ca_key, .certificate = authority->terminal_ca},
        .terminal_ca = authority->terminal_ca,
    };
    assert_int_equal(OK, date_from_ymd(1980, 2, 17, &what.holder.birth));
    assert_int_equal(OK, date_from_ymd(2035, 2, 17, &what.expiry));
    issue_certificates(authority, card, what.holder.birth, certificates);
    what.authentication.certificate = buffer_bytes(&certificates[0]);
    what.authentication.issuer = buffer_bytes(&certificates[1]);
    if (!order->without_pin) {
        what.signature.certificate = buffer_bytes(&certificates[2]);
        what.signature.issuer = buffer_bytes(&certificates[3]);
    }
    return what;
}

struct virtual_card *test_card_issue(const struct test_authority *authority, const struct test_order *order)
{
    struct virtual_card *card = NULL;
    struct buffer certificates[4] = {0};
    assert_int_equal(OK, virtual_card_manufacture(order->generation ? order->generation : CARD_GENERATION_RSA,
                                                  order->form ? order->form : CARD_FORM_CARD, order->where,
                                                  &card));
    const struct personalisation what = test_personalisation(authority, order, card, certificates);
    assert_int_equal(OK, virtual_card_personalise(card, &what));
    for (size_t i = 0; i < ARRAY_LENGTH(certificates); i++)
        buffer_free(&certificates[i]);
    return card;
}

/* ---- Conversations ---- */

static const char *transmit(struct virtual_card *card, struct bytes command)
{
    static char hex[2 * (APDU_EXTENDED_RESPONSE_LENGTH + 2) + 1];
    struct buffer response = {0};
    virtual_card_transmit(card, command, &response);
    assert_true(response.length >= 2);
    hex_encode(buffer_bytes(&response), hex);
    for (char *c = hex; *c; c++)
        *c = (char)(*c >= 'a' ? *c - 'a' + 'A' : *c);
    buffer_free(&response);
    return hex;
}

const char *test_exchange(struct virtual_card *card, const char *command)
{
    char digits[2 * 512];
    size_t length = 0;
    for (const char *c = command; *c; c++)
        if (*c != ' ')
            digits[length++] = *c;
    uint8_t bytes[512];
    assert_int_equal(OK, hex_decode(digits, length, bytes, length / 2));
    return transmit(card, bytes_of(bytes, length / 2));
}

const char *test_exchange_data(struct virtual_card *card, const char *header, struct bytes data,
                               bool wants_answer)
{
    uint8_t bytes[4];
    struct buffer command = {0};
    assert_int_equal(OK, hex_decode(header, strlen(header), bytes, sizeof bytes));
    const struct command_apdu parts = {
        .class_byte = bytes[0],
        .instruction = bytes[1],
        .p1 = bytes[2],
        .p2 = bytes[3],
        .data = data,
        .expected_length = wants_answer ? APDU_SHORT_RESPONSE_LENGTH : 0,
    };
    assert_int_equal(OK, command_apdu_encode(&parts, &command));
    const char *response = transmit(card, buffer_bytes(&command));
    buffer_free(&command);
    return response;
}

void assert_word(const char *response, const char *word, const char *command, const char *file, int line)
{
    size_t length = strlen(response);
    if (length < 4 || strcmp(response + length - 4, word) != 0) {
        print_error("%s answers %s, not %s\n", command, response + (length < 4 ? 0 : length - 4), word);
        _fail(file, line);
    }
}

void test_read_file(struct virtual_card *card, unsigned id, struct buffer *out)
{
    char command[32];
    snprintf(command, sizeof command, "00A4020C02%04X", id);
    assert_answers(card, command, "9000");
    for (;;) {
        snprintf(command, sizeof command, "00B0%04X00", (unsigned)out->length);
        const char *response = test_exchange(card, command);
        size_t length = strlen(response) / 2 - 2;
        if (strcmp(response, "6B00") == 0)
            return;
        assert_word(response, "9000", command, __FILE__, __LINE__);
        assert_int_equal(OK, buffer_reserve(out, length));
        assert_int_equal(OK, hex_decode(response, 2 * length, out->data + out->length, length));
        out->length += length;
    }
}

/* ---- Directories ---- */

void test_directory_open(struct test_directory *directory)
{
    const char *parent = getenv("TMPDIR");
    snprintf(directory->path, sizeof directory->path, "%s/shikaku-card-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(directory->path));
}

static int remove_one(const char *path, const struct stat *seen, int kind, struct FTW *where)
{
    (void)seen;
    (void)kind;
    (void)where;
    return remove(path);
}

void test_directory_close(struct test_directory *directory)
{
    assert_int_equal(0, nftw(directory->path, remove_one, 8, FTW_DEPTH | FTW_PHYS));
}
