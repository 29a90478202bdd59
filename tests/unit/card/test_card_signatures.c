#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "card/virtual_state.h"
#include "issued_card.h"
#include "pki/statement.h"

/* One RSA and one P-384 card are issued; each test plays a copy in memory. */
static struct test_authority authority;
static struct buffer issued_rsa;
static struct buffer issued_p384;

static void issue_one(const struct test_authority *by, enum chip_generation generation, struct buffer *out)
{
    struct virtual_card *card = test_card_issue(by, &(struct test_order){.generation = generation});
    assert_int_equal(OK, card_state_encode(&card->state, out));
    virtual_card_free(card);
}

static int issue(void **state)
{
    (void)state;
    struct test_authority coming;
    test_authority_open(&authority, KEY_RSA_2048);
    test_authority_open(&coming, KEY_P384);
    coming.terminal_ca = authority.terminal_ca; /* one terminal for both cards */
    private_key_free(&coming.terminal_ca_key);
    coming.terminal_ca_key = authority.terminal_ca_key;
    issue_one(&authority, CARD_GENERATION_RSA, &issued_rsa);
    issue_one(&coming, CARD_GENERATION_P384, &issued_p384);
    coming.terminal_ca_key = (struct private_key){0};
    test_authority_close(&coming);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    buffer_free(&issued_rsa);
    buffer_free(&issued_p384);
    test_authority_close(&authority);
    return 0;
}

static struct virtual_card *card_of(const struct buffer *issued)
{
    struct virtual_card *card = NULL;
    assert_int_equal(OK, virtual_card_from_state(buffer_bytes(issued), &card));
    assert_answers(card, SELECT_JPKI, "9000");
    return card;
}

static struct public_key key_of(const struct virtual_card *card, enum card_key which)
{
    struct buffer der = {0};
    struct public_key key = {0};
    assert_int_equal(OK, virtual_card_public_key(card, which, &der));
    assert_int_equal(OK, public_key_decode(buffer_bytes(&der), &key));
    buffer_free(&der);
    return key;
}

/* The signature of a good answer. */
static struct bytes signature_of(const char *answer, uint8_t out[SIGNATURE_LIMIT])
{
    size_t length = strlen(answer) / 2 - 2;
    assert_string_equal("9000", answer + 2 * length);
    assert_true(length > 0 && length <= SIGNATURE_LIMIT);
    assert_int_equal(OK, hex_decode(answer, 2 * length, out, length));
    return bytes_of(out, length);
}

static struct bytes sign(struct virtual_card *card, const char *header, struct bytes data,
                         uint8_t out[SIGNATURE_LIMIT])
{
    return signature_of(test_exchange_data(card, header, data, true), out);
}

static const char message[] = "診療日 2026-11-22";

static struct sha256 hash_of_message(void)
{
    struct sha256 hash;
    assert_int_equal(OK, sha256_of(bytes_of_text(message), &hash));
    return hash;
}

/* ---- With the PIN, RSA ---- */

static void expect_pkcs1(const struct virtual_card *card, enum card_key which, struct bytes signature,
                         struct bytes inside)
{
    struct public_key key = key_of(card, which);
    uint8_t recovered[RSA_2048_LENGTH];
    size_t length = sizeof recovered;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key.handle, NULL);
    assert_int_equal(1, EVP_PKEY_verify_recover_init(context));
    assert_int_equal(1, EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING));
    assert_int_equal(1,
                     EVP_PKEY_verify_recover(context, recovered, &length, signature.data, signature.length));
    assert_true(bytes_equal(inside, bytes_of(recovered, length)));
    EVP_PKEY_CTX_free(context);
    public_key_free(&key);
}

static void expect_pss(const struct virtual_card *card, struct bytes signature, const struct sha256 *hash)
{
    struct public_key key = key_of(card, CARD_KEY_AUTHENTICATION);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key.handle, NULL);
    assert_int_equal(1, EVP_PKEY_verify_init(context));
    assert_int_equal(1, EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING));
    assert_int_equal(1, EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()));
    assert_int_equal(1, EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 32));
    assert_int_equal(1,
                     EVP_PKEY_verify(context, signature.data, signature.length, hash->bytes, SHA256_LENGTH));
    EVP_PKEY_CTX_free(context);
    public_key_free(&key);
}

static void every_way_of_signing_gives_its_own_signature(void **state)
{
    (void)state;
    struct virtual_card *card = card_of(&issued_rsa);
    struct sha256 hash = hash_of_message();
    struct bytes text = bytes_of_text(message);
    struct bytes bare = bytes_of(hash.bytes, SHA256_LENGTH);
    uint8_t wrapped_bytes[DIGEST_INFO_LENGTH];
    digest_info_sha256(&hash, wrapped_bytes);
    struct bytes wrapped = bytes_of(wrapped_bytes, sizeof wrapped_bytes);
    uint8_t out[SIGNATURE_LIMIT];
    assert_answers(card, VERIFY_PIN, "9000");
    const enum card_key key = CARD_KEY_AUTHENTICATION;
    expect_pkcs1(card, key, sign(card, "802A0097", wrapped, out), wrapped);
    expect_pkcs1(card, key, sign(card, "802A0097", text, out), text);
    expect_pkcs1(card, key, sign(card, "802A0197", text, out), bare);
    expect_pkcs1(card, key, sign(card, "802A0297", bare, out), wrapped);
    expect_pkcs1(card, key, sign(card, "802A0397", text, out), wrapped);
    expect_pss(card, sign(card, "802A0497", bare, out), &hash);
    expect_pss(card, sign(card, "802A0597", text, out), &hash);
    virtual_card_free(card);
}

static void a_signature_is_that_of_the_certified_key(void **state)
{
    (void)state;
    struct virtual_card *card = card_of(&issued_rsa);
    struct buffer file = {0};
    struct certificate certificate = {0};
    uint8_t out[SIGNATURE_LIMIT];
    assert_answers(card, VERIFY_PASSWORD, "9000");
    test_read_file(card, JPKI_SIGNATURE_CERTIFICATE, &file);
    file.length = 4 + ((size_t)file.data[2] << 8 | file.data[3]);
    assert_int_equal(OK, certificate_parse(buffer_bytes(&file), &certificate));
    struct bytes signature = sign(card, "802A039A", bytes_of_text(message), out);
    assert_int_equal(OK, public_key_verify(&certificate.key, bytes_of_text(message), signature));
    certificate_free(&certificate);
    buffer_free(&file);
    virtual_card_free(card);
}

static void a_selected_key_signs_without_being_named(void **state)
{
    (void)state;
    struct virtual_card *card = card_of(&issued_rsa);
    uint8_t out[SIGNATURE_LIMIT];
    assert_answers(card, VERIFY_PIN, "9000");
    assert_answers(card, "00A4020C020017", "9000");
    expect_pkcs1(card, CARD_KEY_AUTHENTICATION, sign(card, "802A0080", bytes_of_text(message), out),
                 bytes_of_text(message));
    virtual_card_free(card);
}

static void a_key_signs_after_its_own_pin_only(void **state)
{
    (void)state;
    static const struct {
        const char *pin;
        const char *sign;
        const char *word;
    } cases[] = {
        {VERIFY_PIN, "802A0097", "9000"},      {VERIFY_PIN, "802A009A", "6982"},
        {VERIFY_PASSWORD, "802A0097", "6982"}, {VERIFY_PASSWORD, "802A009A", "9000"},
        {"00200098", "802A0097", "6982"}, /* asking for the tries is no verification */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct virtual_card *card = card_of(&issued_rsa);
        (void)test_exchange(card, cases[i].pin);
        const char *answer = test_exchange_data(card, cases[i].sign, bytes_of_text(message), true);
        assert_word(answer, cases[i].word, cases[i].sign, __FILE__, __LINE__);
        virtual_card_free(card);
    }
}

static void what_cannot_be_signed_is_refused(void **state)
{
    (void)state;
    static const uint8_t zeros[256];
    static const struct {
        const char *header;
        size_t length;
        const char *word;
    } cases[] = {
        {"802A0097", 1, "9000"},   {"802A0097", 245, "9000"}, {"802A0097", 246, "6985"},
        {"802A0097", 256, "6985"}, {"802A0097", 0, "6700"},   {"802A0297", 31, "6985"},
        {"802A0297", 33, "6985"},  {"802A0497", 31, "6985"},  {"802A0697", 32, "6A86"},
        {"802A9E9A", 32, "6A86"},  {"802A0098", 32, "6981"},  {"802A0083", 32, "6A82"},
        {"802A0017", 32, "6A86"},  {"002A0097", 32, "6D00"},
    };
    struct virtual_card *card = card_of(&issued_rsa);
    assert_answers(card, VERIFY_PIN, "9000");
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct bytes data = bytes_of(zeros, cases[i].length);
        assert_word(test_exchange_data(card, cases[i].header, data, true), cases[i].word, cases[i].header,
                    __FILE__, __LINE__);
    }
    assert_answers(card, "802A0097 01 00 10", "6700"); /* no room for the answer */
    virtual_card_free(card);
}

static void the_card_proves_its_presence_without_a_pin(void **state)
{
    (void)state;
    struct virtual_card *card = card_of(&issued_rsa);
    struct sha256 hash = hash_of_message();
    uint8_t wrapped[DIGEST_INFO_LENGTH];
    uint8_t out[SIGNATURE_LIMIT];
    digest_info_sha256(&hash, wrapped);
    assert_answers(card, SELECT_CHECK, "9000");
    assert_int_equal(2 * (8 + 2), strlen(test_exchange(card, "0084000008")));
    struct bytes signature = sign(card, "802A0000", bytes_of(wrapped, sizeof wrapped), out);
    expect_pkcs1(card, CARD_KEY_PRESENCE, signature, bytes_of(wrapped, sizeof wrapped));
    assert_answers(card, SELECT_INPUT, "9000");
    assert_answers(card, "802A0000 01 00 00", "6A86"); /* elsewhere there is no such key */
    virtual_card_free(card);
}

/* ---- With the PIN, P-384 (ours) ---- */

static void the_coming_card_signs_with_ecdsa_over_sha384(void **state)
{
    (void)state;
    struct virtual_card *card = card_of(&issued_p384);
    struct public_key key = key_of(card, CARD_KEY_AUTHENTICATION);
    uint8_t hash[SHA384_LENGTH];
    uint8_t out[SIGNATURE_LIMIT];
    assert_int_equal(KEY_P384, key.kind);
    assert_int_equal(1, EVP_Digest(message, strlen(message), hash, NULL, EVP_sha384(), NULL));
    assert_answers(card, VERIFY_PIN, "9000");
    struct bytes by_hash = sign(card, "802A0297", bytes_of(hash, sizeof hash), out);
    assert_int_equal(OK, public_key_verify(&key, bytes_of_text(message), by_hash));
    struct bytes by_message = sign(card, "802A0397", bytes_of_text(message), out);
    assert_int_equal(OK, public_key_verify(&key, bytes_of_text(message), by_message));
    static const char *const of_rsa[] = {"802A0097", "802A0197", "802A0497", "802A0597"};
    for (size_t i = 0; i < ARRAY_LENGTH(of_rsa); i++)
        assert_word(test_exchange_data(card, of_rsa[i], bytes_of(hash, sizeof hash), true), "6A86", of_rsa[i],
                    __FILE__, __LINE__);
    assert_word(test_exchange_data(card, "802A0297", bytes_of(hash, 32), true), "6985", "32 bytes", __FILE__,
                __LINE__);
    public_key_free(&key);
    virtual_card_free(card);
}

static void the_coming_card_has_two_pins(void **state)
{
    (void)state;
    struct virtual_card *card = card_of(&issued_p384);
    assert_answers(card, SELECT_INPUT, "9000");
    assert_answers(card, "0020009104 31323334", "9000"); /* the same one as for authentication */
    assert_answers(card, "00B0810001", "9000");
    assert_answers(card, "0020009104 30303030", "63C2");
    assert_answers(card, SELECT_JPKI, "9000");
    assert_answers(card, "00200098", "63C2");
    assert_answers(card, SELECT_RESIDENT, "6A82");
    assert_answers(card, SELECT_COMMON, "6A82");
    virtual_card_free(card);
}

/* ---- Without the PIN (ours) ---- */

static void read_challenge(struct virtual_card *card, struct card_nonce *nonce)
{
    const char *answer = test_exchange(card, "0084000010");
    assert_int_equal(2 * (CARD_NONCE_LENGTH + 2), strlen(answer));
    assert_int_equal(OK, hex_decode(answer, 2 * CARD_NONCE_LENGTH, nonce->bytes, CARD_NONCE_LENGTH));
}

static const char *present(struct virtual_card *card, const struct terminal_certificate *certificate)
{
    uint8_t encoded[TERMINAL_CERTIFICATE_LENGTH];
    terminal_certificate_encode(certificate, encoded);
    return test_exchange_data(card, "80A20080", bytes_of(encoded, sizeof encoded), false);
}

static struct signature prove(const struct private_key *key, const struct card_nonce *nonce)
{
    uint8_t signed_bytes[CARD_LABEL_LENGTH + CARD_CHALLENGE_LENGTH] = CARD_TERMINAL_LABEL;
    struct signature signature;
    memcpy(signed_bytes + CARD_LABEL_LENGTH, nonce->bytes, CARD_NONCE_LENGTH);
    assert_int_equal(OK, private_key_sign(key, bytes_of(signed_bytes, sizeof signed_bytes), &signature));
    return signature;
}

static void authenticate_terminal(struct virtual_card *card, struct card_nonce *nonce)
{
    assert_answers(card, "00A4020C020016", "9000");
    read_challenge(card, nonce);
    assert_string_equal("9000", present(card, &authority.terminal));
    struct signature proof = prove(&authority.terminal_key, nonce);
    assert_string_equal("9000",
                        test_exchange_data(card, "00820080", bytes_of(proof.bytes, proof.length), false));
}

static struct statement_message statement(void)
{
    struct statement_message composed;
    struct statement statement = {.kind = STATEMENT_CHECK, .purpose = 1, .day = DATE_NONE};
    memcpy(statement.institution, "0110113719", INSTITUTION_CODE_LENGTH);
    statement_compose(&statement, &composed);
    return composed;
}

static void expect_marked(const struct virtual_card *card, struct bytes signature,
                          const struct card_nonce *nonce)
{
    struct public_key key = key_of(card, CARD_KEY_AUTHENTICATION);
    const struct statement_message composed = statement();
    struct statement_signature made = {.form = STATEMENT_WITHOUT_PIN,
                                       .signature = signature,
                                       .terminal = authority.terminal.subject,
                                       .nonce = *nonce};
    assert_int_equal(OK, statement_verify(&key, &composed, &made));
    made.form = STATEMENT_WITH_PIN; /* usable nowhere where a PIN is meant */
    assert_int_equal(ERR_CRYPTO, statement_verify(&key, &composed, &made));
    public_key_free(&key);
}

static void a_terminal_that_proved_itself_gets_one_marked_signature(void **state)
{
    (void)state;
    const struct buffer *cards[] = {&issued_rsa, &issued_p384};
    const struct statement_message composed = statement();
    struct sha256 digest;
    assert_int_equal(OK, statement_digest(&composed, &digest));
    for (size_t i = 0; i < ARRAY_LENGTH(cards); i++) {
        struct virtual_card *card = card_of(cards[i]);
        struct card_nonce nonce;
        uint8_t out[SIGNATURE_LIMIT];
        authenticate_terminal(card, &nonce);
        struct bytes hash = bytes_of(digest.bytes, SHA256_LENGTH);
        struct bytes signature = sign(card, "802A0297", hash, out);
        expect_marked(card, signature, &nonce);
        assert_string_equal("6982", test_exchange_data(card, "802A0297", hash, true));
        virtual_card_free(card);
    }
}

static void the_marked_form_is_made_of_a_digest_info_too(void **state)
{
    (void)state;
    struct virtual_card *card = card_of(&issued_rsa);
    const struct statement_message composed = statement();
    struct sha256 digest;
    struct card_nonce nonce;
    uint8_t wrapped[DIGEST_INFO_LENGTH];
    uint8_t out[SIGNATURE_LIMIT];
    assert_int_equal(OK, statement_digest(&composed, &digest));
    digest_info_sha256(&digest, wrapped);
    authenticate_terminal(card, &nonce);
    expect_marked(card, sign(card, "802A0097", bytes_of(wrapped, sizeof wrapped), out), &nonce);
    virtual_card_free(card);
}

static void without_a_pin_nothing_but_a_hash_is_taken(void **state)
{
    (void)state;
    static const uint8_t zeros[DIGEST_INFO_LENGTH];
    static const struct {
        const char *header;
        size_t length;
        const char *word;
    } cases[] = {
        {"802A0097", DIGEST_INFO_LENGTH, "6985"}, /* no DigestInfo */
        {"802A0097", 32, "6985"},
        {"802A0297", 31, "6985"},
        {"802A0397", 32, "6A86"},
        {"802A0497", 32, "6A86"},
        {"802A0597", 32, "6A86"},
        {"802A029A", 32, "6982"}, /* never the signature key */
    };
    struct virtual_card *card = card_of(&issued_rsa);
    struct card_nonce nonce;
    authenticate_terminal(card, &nonce);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const char *answer =
            test_exchange_data(card, cases[i].header, bytes_of(zeros, cases[i].length), true);
        assert_string_equal(cases[i].word, answer);
    }
    virtual_card_free(card);
}

static void the_right_to_sign_without_pin_ends_with(const char *command)
{
    static const uint8_t hash[SHA256_LENGTH];
    struct virtual_card *card = card_of(&issued_rsa);
    struct card_nonce nonce;
    authenticate_terminal(card, &nonce);
    (void)test_exchange(card, command);
    assert_string_equal("6982", test_exchange_data(card, "802A0297", bytes_of(hash, sizeof hash), true));
    virtual_card_free(card);
}

static void the_right_to_sign_without_pin_is_soon_lost(void **state)
{
    (void)state;
    the_right_to_sign_without_pin_ends_with(SELECT_JPKI);
    the_right_to_sign_without_pin_ends_with(VERIFY_WRONG_PIN);
    the_right_to_sign_without_pin_ends_with("0084000010");
}

static void power_off_ends_the_right_to_sign_without_pin(void **state)
{
    (void)state;
    static const uint8_t hash[SHA256_LENGTH];
    struct virtual_card *card = card_of(&issued_rsa);
    struct card_nonce nonce;
    authenticate_terminal(card, &nonce);
    virtual_card_power_off(card);
    assert_answers(card, SELECT_JPKI, "9000");
    assert_string_equal("6982", test_exchange_data(card, "802A0297", bytes_of(hash, sizeof hash), true));
    virtual_card_free(card);
}

static void a_pin_verified_afterwards_signs_unmarked(void **state)
{
    (void)state;
    struct virtual_card *card = card_of(&issued_rsa);
    struct card_nonce nonce;
    uint8_t out[SIGNATURE_LIMIT];
    authenticate_terminal(card, &nonce);
    assert_answers(card, VERIFY_PIN, "9000");
    expect_pkcs1(card, CARD_KEY_AUTHENTICATION, sign(card, "802A0097", bytes_of_text(message), out),
                 bytes_of_text(message));
    virtual_card_free(card);
}

static void long_commands_may_be_chained(void **state)
{
    (void)state;
    struct virtual_card *card = card_of(&issued_rsa);
    struct card_nonce nonce;
    uint8_t encoded[TERMINAL_CERTIFICATE_LENGTH];
    terminal_certificate_encode(&authority.terminal, encoded);
    assert_answers(card, "00A4020C020016", "9000");
    read_challenge(card, &nonce);
    assert_string_equal("9000", test_exchange_data(card, "90A20080", bytes_of(encoded, 255), false));
    assert_string_equal("9000", test_exchange_data(card, "90A20080", bytes_of(encoded + 255, 255), false));
    assert_string_equal(
        "9000", test_exchange_data(card, "80A20080", bytes_of(encoded + 510, sizeof encoded - 510), false));
    struct signature proof = prove(&authority.terminal_key, &nonce);
    assert_string_equal("9000", test_exchange_data(card, "10820080", bytes_of(proof.bytes, 200), false));
    assert_string_equal("9000", test_exchange_data(card, "00820080", bytes_of(proof.bytes + 200, 56), false));
    virtual_card_free(card);
}

static void a_chain_is_dropped_by_another_command_and_by_its_length(void **state)
{
    (void)state;
    static const uint8_t zeros[255];
    struct virtual_card *card = card_of(&issued_rsa);
    struct card_nonce nonce;
    uint8_t encoded[TERMINAL_CERTIFICATE_LENGTH];
    terminal_certificate_encode(&authority.terminal, encoded);
    assert_answers(card, "00A4020C020016", "9000");
    assert_string_equal("9000", test_exchange_data(card, "90A20080", bytes_of(encoded, 255), false));
    read_challenge(card, &nonce);
    assert_string_equal("9000", present(card, &authority.terminal));
    for (int i = 0; i < 4; i++)
        assert_string_equal("9000", test_exchange_data(card, "90A20080", bytes_of(zeros, 255), false));
    assert_string_equal("6700", test_exchange_data(card, "90A20080", bytes_of(zeros, 255), false));
    assert_int_equal(0, virtual_card_improper_uses(card));
    virtual_card_free(card);
}

/* ---- Improper use (Q9) ---- */

/* What counts: each way once, with the word it is answered. */
enum improper {
    FORGED_CERTIFICATE,
    MALFORMED_CERTIFICATE,
    PROOF_BY_ANOTHER_KEY,
    PROOF_OVER_AN_OLDER_CHALLENGE,
    PROOF_WITHOUT_CHALLENGE,
    PROOF_WITHOUT_CERTIFICATE,
    IMPROPER_COUNT,
};

static const char *send_proof(struct virtual_card *card, const struct private_key *key,
                              const struct card_nonce *nonce)
{
    struct signature proof = prove(key, nonce);
    return test_exchange_data(card, "00820080", bytes_of(proof.bytes, proof.length), false);
}

static const char *use_improperly(struct virtual_card *card, enum improper how)
{
    struct card_nonce nonce;
    struct terminal_certificate forged = authority.terminal;
    forged.signature[100] ^= 1;
    assert_answers(card, SELECT_JPKI, "9000");
    assert_answers(card, "00A4020C020016", "9000");
    read_challenge(card, &nonce);
    if (how == FORGED_CERTIFICATE)
        return present(card, &forged);
    if (how == MALFORMED_CERTIFICATE)
        return test_exchange_data(card, "80A20080", bytes_of_text("certificate"), false);
    if (how == PROOF_WITHOUT_CERTIFICATE)
        return send_proof(card, &authority.terminal_key, &nonce);
    assert_string_equal("9000", present(card, &authority.terminal));
    if (how == PROOF_BY_ANOTHER_KEY)
        return send_proof(card, &authority.terminal_ca_key, &nonce);
    struct card_nonce newer;
    if (how == PROOF_OVER_AN_OLDER_CHALLENGE)
        read_challenge(card, &newer);
    else
        (void)test_exchange(card, "0084000008"); /* too short to be one */
    return send_proof(card, &authority.terminal_key, &nonce);
}

static void improper_use_of_the_secure_interface_is_counted(void **state) /* Q9 */
{
    (void)state;
    static const char *const words[IMPROPER_COUNT] = {
        [FORGED_CERTIFICATE] = "6A80",      [MALFORMED_CERTIFICATE] = "6A80",
        [PROOF_BY_ANOTHER_KEY] = "6982",    [PROOF_OVER_AN_OLDER_CHALLENGE] = "6982",
        [PROOF_WITHOUT_CHALLENGE] = "6985", [PROOF_WITHOUT_CERTIFICATE] = "6985",
    };
    for (int how = 0; how < IMPROPER_COUNT; how++) {
        static const uint8_t hash[SHA256_LENGTH];
        struct virtual_card *card = card_of(&issued_rsa);
        assert_string_equal(words[how], use_improperly(card, (enum improper)how));
        assert_int_equal(1, virtual_card_improper_uses(card));
        assert_string_equal("6982", test_exchange_data(card, "802A0297", bytes_of(hash, sizeof hash), true));
        virtual_card_free(card);
    }
}

static void improper_use_at_its_limit_destroys_the_card(void **state) /* Q9 */
{
    (void)state;
    struct virtual_card *card = card_of(&issued_rsa);
    for (unsigned i = 1; i < CARD_IMPROPER_LIMIT; i++) {
        (void)use_improperly(card, (enum improper)(i % IMPROPER_COUNT));
        assert_int_equal(i, virtual_card_improper_uses(card));
        virtual_card_reset(card); /* which does not clear the count */
    }
    assert_false(virtual_card_is_destroyed(card));
    assert_string_equal("6F00", use_improperly(card, FORGED_CERTIFICATE));
    assert_true(virtual_card_is_destroyed(card));
    assert_int_equal(0, virtual_card_atr(card).length);
    assert_string_equal("6F00", test_exchange(card, SELECT_JPKI));
    virtual_card_free(card);
}

static void a_proper_terminal_clears_the_count_of_improper_use(void **state)
{
    (void)state;
    struct virtual_card *card = card_of(&issued_rsa);
    struct card_nonce nonce;
    for (unsigned i = 1; i < CARD_IMPROPER_LIMIT; i++)
        (void)use_improperly(card, FORGED_CERTIFICATE);
    authenticate_terminal(card, &nonce);
    assert_int_equal(0, virtual_card_improper_uses(card));
    virtual_card_free(card);
}

static void a_terminal_of_another_ca_is_refused_and_not_counted(void **state)
{
    (void)state;
    struct virtual_card *card = card_of(&issued_rsa);
    struct terminal_certificate other = authority.terminal;
    assert_int_equal(OK, terminal_id_make("0110113719", 7, &other.issuer));
    assert_answers(card, "00A4020C020016", "9000");
    assert_string_equal("6A80", present(card, &other));
    assert_int_equal(0, virtual_card_improper_uses(card));
    virtual_card_free(card);
}

static void the_secure_interface_answers_at_its_file_only(void **state)
{
    (void)state;
    struct virtual_card *card = card_of(&issued_rsa);
    static const char *const commands[] = {"80A2008001 00", "0082008001 00"};
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        assert_answers(card, SELECT_JPKI, "9000");
        assert_answers(card, commands[i], "6986");
        assert_answers(card, "00A4020C020018", "9000");
        assert_answers(card, commands[i], "6986");
    }
    assert_int_equal(0, virtual_card_improper_uses(card));
    virtual_card_free(card);
}

static void improper_use_destroys_what_is_on_disk(void **state) /* Q9 */
{
    (void)state;
    struct test_directory directory;
    char image_path[300];
    char key_path[300];
    struct sealed_image *image = NULL;
    struct virtual_card *card = NULL;
    test_directory_open(&directory);
    snprintf(image_path, sizeof image_path, "%s/a.card", directory.path);
    snprintf(key_path, sizeof key_path, "%s/a.key", directory.path);
    const struct card_location where = {.image_path = image_path, .key_path = key_path};
    assert_int_equal(OK, sealed_image_create(&where, buffer_bytes(&issued_rsa), &image));
    sealed_image_close(image);
    for (unsigned i = 0; i < CARD_IMPROPER_LIMIT; i++) { /* the count outlives the process */
        assert_int_equal(OK, virtual_card_open(&where, &card));
        assert_false(virtual_card_is_destroyed(card));
        (void)use_improperly(card, PROOF_BY_ANOTHER_KEY);
        virtual_card_free(card);
    }
    assert_int_equal(OK, virtual_card_open(&where, &card));
    assert_true(virtual_card_is_destroyed(card));
    virtual_card_free(card);
    test_directory_close(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_of_signing_gives_its_own_signature),
        cmocka_unit_test(a_signature_is_that_of_the_certified_key),
        cmocka_unit_test(a_selected_key_signs_without_being_named),
        cmocka_unit_test(a_key_signs_after_its_own_pin_only),
        cmocka_unit_test(what_cannot_be_signed_is_refused),
        cmocka_unit_test(the_card_proves_its_presence_without_a_pin),
        cmocka_unit_test(the_coming_card_signs_with_ecdsa_over_sha384),
        cmocka_unit_test(the_coming_card_has_two_pins),
        cmocka_unit_test(a_terminal_that_proved_itself_gets_one_marked_signature),
        cmocka_unit_test(the_marked_form_is_made_of_a_digest_info_too),
        cmocka_unit_test(without_a_pin_nothing_but_a_hash_is_taken),
        cmocka_unit_test(the_right_to_sign_without_pin_is_soon_lost),
        cmocka_unit_test(power_off_ends_the_right_to_sign_without_pin),
        cmocka_unit_test(a_pin_verified_afterwards_signs_unmarked),
        cmocka_unit_test(long_commands_may_be_chained),
        cmocka_unit_test(a_chain_is_dropped_by_another_command_and_by_its_length),
        cmocka_unit_test(improper_use_of_the_secure_interface_is_counted),
        cmocka_unit_test(improper_use_at_its_limit_destroys_the_card),
        cmocka_unit_test(a_proper_terminal_clears_the_count_of_improper_use),
        cmocka_unit_test(a_terminal_of_another_ca_is_refused_and_not_counted),
        cmocka_unit_test(the_secure_interface_answers_at_its_file_only),
        cmocka_unit_test(improper_use_destroys_what_is_on_disk),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, issue, forget);
}
