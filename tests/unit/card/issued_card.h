#ifndef SHIKAKU_TESTS_ISSUED_CARD_H
#define SHIKAKU_TESTS_ISSUED_CARD_H

#include "card/virtual_card.h"
#include "pki/issue.h"

/* Real cards for tests: keys made in the card, certificates by CAs made here. Everything fails the test at
 * once. */

struct test_authority {
    struct issuer authentication;
    struct issuer signature;
    struct private_key terminal_ca_key; /* also vouches for what is printed */
    struct terminal_certificate terminal_ca;
    struct private_key terminal_key;
    struct terminal_certificate terminal; /* of institution 0110113719, number 1 */
};

/* card_keys: KEY_RSA_2048 or KEY_P384. */
void test_authority_open(struct test_authority *authority, enum key_kind card_keys);
void test_authority_close(struct test_authority *authority);

struct test_order {
    enum chip_generation generation; /* 0: CARD_GENERATION_RSA */
    enum card_form form;             /* 0: CARD_FORM_CARD */
    bool without_pin;
    bool without_photo;
    const struct card_location *where; /* NULL: in memory */
};

/* Of 山田　太郎, born 1980-02-17, My Number 123456789018; PIN 1234, password ABC123, surface PIN 4321, other
 * PIN 9876. */
struct virtual_card *test_card_issue(const struct test_authority *authority, const struct test_order *order);
/* What test_card_issue writes; the certificates are borrowed from the two buffers. */
struct personalisation test_personalisation(const struct test_authority *authority,
                                            const struct test_order *order, const struct virtual_card *card,
                                            struct buffer certificates[4]);

#define TEST_CARD_MY_NUMBER "123456789018"
#define TEST_CARD_NAME "山田　太郎"
#define TEST_CARD_ADDRESS "東京都千代田区霞が関一丁目２番３号"
#define TEST_CARD_CODE_B "55021720352285"
#define TEST_CARD_BIRTH_KEY "550217"

/* One command in hexadecimal; the response in hexadecimal, static until the next call. Spaces are skipped. */
const char *test_exchange(struct virtual_card *card, const char *command);
/* As above, with the data, made into an APDU with the header and no Le, or Le 0 where wanted. */
const char *test_exchange_data(struct virtual_card *card, const char *header, struct bytes data,
                               bool wants_answer);
/* Fails the test unless the response ends with the status word, as "9000". */
#define assert_answers(card, command, word)                                                                  \
    assert_word(test_exchange(card, command), word, command, __FILE__, __LINE__)
void assert_word(const char *response, const char *word, const char *command, const char *file, int line);

/* Shorthand for conversations. */
#define SELECT_JPKI "00A4040C0A D392F000260100000001"
#define SELECT_CHECK "00A4040C0A D3921000310001010402"
#define SELECT_INPUT "00A4040C0A D3921000310001010408"
#define SELECT_RESIDENT "00A4040C0A D3921000310001010401"
#define SELECT_COMMON "00A4040C0A D3921000310001010100"
#define VERIFY_PIN "0020009804 31323334"          /* 1234, by short id */
#define VERIFY_WRONG_PIN "0020009804 30303030"    /* 0000 */
#define VERIFY_PASSWORD "0020009B06 414243313233" /* ABC123 */

/* The whole current file of that application, read in pieces after what opened it. */
void test_read_file(struct virtual_card *card, unsigned id, struct buffer *out);

/* A directory of the test's own, removed with what is in it. */
struct test_directory {
    char path[256];
};
void test_directory_open(struct test_directory *directory);
void test_directory_close(struct test_directory *directory);

#endif
