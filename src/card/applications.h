#ifndef SHIKAKU_CARD_APPLICATIONS_H
#define SHIKAKU_CARD_APPLICATIONS_H

#include "base/bytes.h"

/* The applications of a My Number Card and their files, as both sides of the contact see them. */

enum card_application {
    CARD_ISSUER_DOMAIN, /* GlobalPlatform's issuer security domain, selected at power-on */
    CARD_JPKI,          /* 公的個人認証: certificates and their keys */
    CARD_SURFACE_CHECK, /* 券面事項確認 */
    CARD_SURFACE_INPUT, /* 券面入力補助 */
    CARD_RESIDENT,      /* 住基 */
    CARD_COMMON,        /* 共通 */
    CARD_APPLICATION_COUNT,
};

/* The application identifier; static. */
struct bytes card_application_identifier(enum card_application application);

enum jpki_file {
    JPKI_SIGNATURE_CERTIFICATE = 0x0001, /* readable after the password */
    JPKI_SIGNATURE_CA = 0x0002,
    JPKI_TOKEN = 0x0006,
    JPKI_PRESENCE = 0x0008, /* 8F8F00: both certificates */
    JPKI_AUTHENTICATION_CERTIFICATE = 0x000A,
    JPKI_AUTHENTICATION_CA = 0x000B,
    JPKI_TERMINAL_CA = 0x0016, /* key of the flow without PIN */
    JPKI_AUTHENTICATION_KEY = 0x0017,
    JPKI_AUTHENTICATION_PIN = 0x0018,
    JPKI_SIGNATURE_KEY = 0x001A,
    JPKI_SIGNATURE_PASSWORD = 0x001B,
};

enum surface_input_file {
    SURFACE_INPUT_MY_NUMBER = 0x0001,
    SURFACE_INPUT_ATTRIBUTES = 0x0002,
    SURFACE_INPUT_SIGNATURE = 0x0003,
    SURFACE_INPUT_CERTIFICATE = 0x0004,
    SURFACE_INPUT_KEY = 0x0005,
    SURFACE_INPUT_PIN = 0x0011,
    SURFACE_INPUT_CODE_A = 0x0014,
    SURFACE_INPUT_CODE_B = 0x0015,
};

enum surface_check_file {
    SURFACE_CHECK_BIRTH = 0x0001,
    SURFACE_CHECK_FACE = 0x0002, /* face, name and address images, sex, birth, expiry */
    SURFACE_CHECK_MUNICIPALITY = 0x0003,
    SURFACE_CHECK_CERTIFICATE = 0x0004,
    SURFACE_CHECK_MY_NUMBER = 0x0005,
    SURFACE_CHECK_BIRTH_KEY = 0x0011, /* six digits YYMMDD */
    SURFACE_CHECK_CODE_B = 0x0012,
    SURFACE_CHECK_CODE_A = 0x0013,
};

enum { CARD_OTHER_PIN = 0x0011 /* the PIN of the residents' and common applications (ours) */ };

/* What the token is; told in file 0006. */
enum card_form {
    CARD_FORM_CARD = 1,
    CARD_FORM_ANDROID = 2,
    CARD_FORM_IPHONE = 3,
};

enum card_key {
    CARD_KEY_AUTHENTICATION,
    CARD_KEY_SIGNATURE,
    CARD_KEY_PRESENCE, /* of the surface check application: proves that the chip is there, RSA-2048 */
    CARD_KEY_COUNT,
};

enum card_pin {
    CARD_PIN_AUTHENTICATION, /* 3 tries */
    CARD_PIN_SIGNATURE,      /* 5 */
    CARD_PIN_SURFACE_INPUT,  /* 3 */
    CARD_PIN_RESIDENT,       /* 3 */
    CARD_PIN_COMMON,         /* 3 */
    CARD_PIN_INPUT_CODE_A,   /* 10 */
    CARD_PIN_INPUT_CODE_B,   /* 10 */
    CARD_PIN_CHECK_BIRTH,    /* 10 */
    CARD_PIN_CHECK_CODE_B,   /* 10 */
    CARD_PIN_CHECK_CODE_A,   /* 10 */
    CARD_PIN_COUNT,
};

/* The short identifier by which READ BINARY, VERIFY and the signature name a file: P1 or P2 is 80 | this. */
static inline uint8_t card_short_id(unsigned file_id)
{
    return (uint8_t)(file_id & 0x1F);
}

/*
 * The flow without PIN (ours; the real one is not public). With JPKI selected and file 0016 current:
 *   00 84 00 00 10                          the card's challenge (16 bytes)
 *   80 A2 00 80 Lc <CV certificate>         the terminal's certificate, issued by the card's terminal CA
 *   00 82 00 80 Lc <signature>              PKCS#1 v1.5 SHA-256 by the certificate's key over
 *                                           the 32-byte zero-padded label below ‖ challenge
 * Then 80 2A 00 97 with a DigestInfo(SHA-256), once: the card signs the marked form of pki/statement.h.
 * The two long commands go as extended APDUs or chained (class bit 10). VERIFY of the PIN ends the state.
 */
#define CARD_TERMINAL_LABEL "shikaku-terminal-1"
enum { CARD_CHALLENGE_LENGTH = 16, CARD_LABEL_LENGTH = 32 };

#endif
