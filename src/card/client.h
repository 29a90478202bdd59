#ifndef SHIKAKU_CARD_CLIENT_H
#define SHIKAKU_CARD_CLIENT_H

#include "base/date.h"
#include "card/applications.h"
#include "card/transport.h"
#include "pki/statement.h"
#include "pki/terminal_certificate.h"

/*
 * Drives a My Number Card, a virtual one or any other that follows the same commands. It recognises a card
 * by its applications, never by its ATR: those vary. It never asks for code A, which is the My Number (Q5),
 * and never reads a file that holds it.
 *
 * Everything but card_client_begin() happens inside a session: the card is ours alone, and what was verified
 * ends with it.
 */
struct card_client {
    struct card_transport *transport; /* borrowed */
    int64_t deadline;                 /* monotonic_microseconds(); no command is begun after it */

    /* Of the session. */
    bool in_session;
    bool opened;          /* a PIN, a code or a terminal was accepted: the card must forget it at the end */
    int selected;         /* enum card_application; -1: none */
    uint16_t status_word; /* the last one, for diagnosis */
    unsigned tries_left;  /* set by CARD_ERR_PIN_WRONG, _LAST_TRY, _LOCKED */
    struct buffer response;
};

/* The transport is borrowed. */
struct card_client card_client_of(struct card_transport *transport, int64_t deadline);
/* Ends a session that is still open; wipes. */
void card_client_free(struct card_client *client);

enum card_error card_client_begin(struct card_client *client) MUST_CHECK;
void card_client_end(struct card_client *client);

/* What the card says of itself without any PIN. */
struct card_description {
    enum card_form form;
    char label[33]; /* as in its token information, ASCII, without the padding */
    bool has_signature_certificate;
    bool has_pin; /* of the authentication key; false: 顔認証マイナンバーカード */
    unsigned tries_left;
};

/* CARD_ERR_NOT_MY_NUMBER where there is no such application. */
enum card_error card_recognise(struct card_client *client, struct card_description *out) MUST_CHECK;

/*
 * Asked by an empty VERIFY, which counts nothing. 0: locked, or a card without such a PIN. The PINs that a
 * person chooses and code B; others are CARD_ERR_INTERNAL.
 */
enum card_error card_tries_left(struct card_client *client, enum card_pin pin, unsigned *out) MUST_CHECK;

/* Q8: a try too many locks the card until its holder has been at the municipal counter. */
enum card_last_try {
    KEEP_LAST_TRY,  /* with one try left nothing is sent: CARD_ERR_PIN_LAST_TRY */
    SPEND_LAST_TRY, /* the person was told, and wants it */
};

/*
 * value is ASCII; a signature password is taken in either case. Its format is looked at before the card is:
 * CARD_ERR_PIN_FORMAT costs no try. CARD_ERR_WITHOUT_PIN, _PIN_WRONG, _PIN_LAST_TRY, _PIN_LOCKED.
 */
enum card_error card_verify_pin(struct card_client *client, enum card_pin pin, struct bytes value,
                                enum card_last_try last_try) MUST_CHECK;
/* The PIN must have been verified in this session: CARD_ERR_PIN_NEEDED. Chosen PINs only. */
enum card_error card_change_pin(struct card_client *client, enum card_pin pin,
                                struct bytes new_value) MUST_CHECK;

enum card_certificate_kind {
    CARD_CERTIFICATE_AUTHENTICATION,
    CARD_CERTIFICATE_AUTHENTICATION_CA,
    CARD_CERTIFICATE_SIGNATURE, /* after the signature password: it holds name and address */
    CARD_CERTIFICATE_SIGNATURE_CA,
};

/* DER, appended. */
enum card_error card_read_certificate(struct card_client *client, enum card_certificate_kind kind,
                                      struct buffer *der) MUST_CHECK;

/*
 * Signs the message as its key's kind says (pki/key.h), the authentication or the signature key, after its
 * PIN was verified: CARD_ERR_PIN_NEEDED. kind: of the certificate's key, RSA-2048 or P-384.
 */
enum card_error card_sign(struct card_client *client, enum card_key key, enum key_kind kind,
                          struct bytes message, struct signature *out) MUST_CHECK;

/* A terminal of an institution: its card-verifiable certificate and the key that goes with it. */
struct card_terminal {
    struct terminal_certificate certificate;
    struct private_key key; /* RSA-2048 */
};

/*
 * The flow without PIN: the terminal proves itself to the chip, which then signs once, in the marked form of
 * pki/statement.h, over its own nonce. CARD_ERR_TERMINAL_REFUSED.
 */
enum card_error card_sign_without_pin(struct card_client *client, const struct card_terminal *terminal,
                                      enum key_kind kind, const struct statement_message *message,
                                      struct card_nonce *nonce, struct signature *out) MUST_CHECK;

/* What opens the surface applications to an institution. */
enum surface_way { SURFACE_BY_PIN, SURFACE_BY_CODE_B };
struct surface_opener {
    enum surface_way by;
    struct bytes value; /* 4 digits; or 14: YYMMDD of birth (in its era; western on the coming card), YYYY of
                           expiry, security code */
    enum card_last_try last_try;
};

/* As printed on the card, the My Number left aside. Owned; freed by card_surface_free(), which wipes. */
struct card_surface {
    struct buffer name; /* UTF-8; family and given name separated by U+3000 */
    struct buffer address;
    struct date birth;
    uint8_t sex; /* 1 male, 2 female, 9 not stated */
};

enum card_error card_read_surface(struct card_client *client, const struct surface_opener *opener,
                                  struct card_surface *out) MUST_CHECK;
void card_surface_free(struct card_surface *surface);

/*
 * The photo, JPEG 2000 (JP2, grey), appended to out, which the caller marks secret and wipes: it is never
 * stored (Q5). Opened by code B only. CARD_ERR_WITHOUT_PHOTO.
 */
enum card_error card_read_photo(struct card_client *client, struct bytes code_b, enum card_last_try last_try,
                                struct buffer *out) MUST_CHECK;

#endif
