#ifndef SHIKAKU_PKI_STATEMENT_H
#define SHIKAKU_PKI_STATEMENT_H

#include "base/date.h"
#include "pki/key.h"

/*
 * What a card signs (ours; version in the label). Fixed-length fields, big-endian, rebuilt by the verifier
 * from its own state and never taken from the request:
 *   32 label, zero-padded   32 centre   32 challenge   10 institution code   32 caller
 *    2 purpose   8 day YYYYMMDD   32 content
 */
enum statement_kind {
    STATEMENT_CHECK,   /* shikaku-check-1 */
    STATEMENT_LOGIN,   /* shikaku-login-1 */
    STATEMENT_ENROL,   /* shikaku-enrol-1 */
    STATEMENT_DECLARE, /* shikaku-declare-1 */
};

enum {
    CHALLENGE_LENGTH = 32,
    INSTITUTION_CODE_LENGTH = 10,
    TERMINAL_ID_LENGTH = 16,
    CARD_NONCE_LENGTH = 16,
    STATEMENT_LENGTH = 180,
    PINLESS_MESSAGE_LENGTH = 96,
};

struct challenge {
    uint8_t bytes[CHALLENGE_LENGTH];
};

struct statement {
    enum statement_kind kind;
    struct sha256 centre; /* SHA-256 of the SubjectPublicKeyInfo of the centre's CA */
    struct challenge challenge;
    char institution[INSTITUTION_CODE_LENGTH]; /* ten digits, no NUL; ten '0' where none */
    struct sha256 caller;                      /* of the machine certificate's DER, or of the page's origin */
    uint16_t purpose;                          /* of the caller's catalogue; 0: none */
    struct date day;                           /* of treatment; DATE_NONE is written "00000000" */
    struct sha256 content;                     /* of terms, declaration, consents; zeros where none */
};

struct statement_message {
    uint8_t bytes[STATEMENT_LENGTH];
};

void statement_compose(const struct statement *statement, struct statement_message *out);
/* SHA-256(M): what is supplied to the card in either form for RSA, and the supplied hash of the PIN-less
 * form. */
enum status statement_digest(const struct statement_message *message, struct sha256 *out) MUST_CHECK;

/* Each recorded as what it is; login, portal enrolment and declarations accept the PIN form only. */
enum statement_form { STATEMENT_WITH_PIN, STATEMENT_WITHOUT_PIN };

struct terminal_id {
    uint8_t bytes[TERMINAL_ID_LENGTH]; /* ASCII: institution code and a six-digit number of the terminal */
};
struct card_nonce {
    uint8_t bytes[CARD_NONCE_LENGTH];
};

/*
 * The marked form, so that a signature without PIN fits nowhere where a PIN is meant. The card itself puts
 * together
 *   32 "shikaku-pinless-1", zero-padded   16 terminal id   16 card nonce   32 supplied hash = SHA-256(M)
 * and signs that message: SHA-256 of it in a DigestInfo under RSA-2048, SHA-384 of it under P-384. The card
 * (card/) and the verifier both call this function.
 */
void pinless_message_compose(const struct terminal_id *terminal, const struct card_nonce *nonce,
                             const struct sha256 *supplied, uint8_t out[PINLESS_MESSAGE_LENGTH]);

struct statement_signature {
    enum statement_form form;
    struct bytes signature;      /* borrowed */
    struct terminal_id terminal; /* WITHOUT_PIN only */
    struct card_nonce nonce;     /* WITHOUT_PIN only */
};

/* OK, or ERR_CRYPTO: not this key's signature over this statement in this form. Card keys are RSA-2048 and
 * P-384; another kind is ERR_UNSUPPORTED. */
enum status statement_verify(const struct public_key *key, const struct statement_message *message,
                             const struct statement_signature *signature) MUST_CHECK;

#endif
