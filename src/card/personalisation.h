#ifndef SHIKAKU_CARD_PERSONALISATION_H
#define SHIKAKU_CARD_PERSONALISATION_H

#include "base/bytes.h"
#include "base/date.h"
#include "pki/key.h"
#include "pki/terminal_certificate.h"

/*
 * What is written into a card when it is issued: what is printed on it, the certificates and the PINs, and
 * nothing else (Q9: no health, tax or pension data). All text is UTF-8; everything here is borrowed.
 */
struct card_holder {
    const char *my_number; /* 12 digits */
    const char *name;      /* as printed; family and given name separated by U+3000 */
    const char *address;
    struct date birth;
    uint8_t sex;              /* 1 male, 2 female, 9 not stated */
    const char *municipality; /* five digits */
};

/* Those that the card has not are ignored and may be NULL. */
struct card_pins {
    const char *authentication;     /* 4 digits */
    const char *signature_password; /* 6-16 of A-Z, a-z, 0-9; stored in upper case */
    const char *surface_input;      /* 4 digits */
    const char *resident;           /* 4 digits, the residents' and the common application */
};

/* A certificate of the card and that of its issuer, DER. */
struct card_certificate {
    struct bytes certificate;
    struct bytes issuer;
};

/* Who vouches for what is printed: an RSA-2048 key and its card-verifiable certificate. */
struct surface_signer {
    const struct private_key *key;
    struct terminal_certificate certificate;
};

/* A phone (CARD_FORM_ANDROID, CARD_FORM_IPHONE) holds certificates only: of the holder nothing is written,
 * and surface, expiry, security code and face are not looked at. */
struct personalisation {
    struct card_holder holder;
    struct card_pins pins;
    struct date expiry;
    const char *security_code; /* 4 digits, printed on the front */
    /* 顔認証マイナンバーカード: no PIN that a person chooses is usable, no signature certificate. */
    bool without_pin;
    /* Issued to an infant: no face. */
    bool without_photo;
    /* The face as JPEG 2000 (JP2, grey); empty: a portrait is drawn, the same one for the same person. */
    struct bytes face;
    struct card_certificate authentication;
    struct card_certificate signature; /* empty: none */
    struct surface_signer surface;
    /* Self-issued; under it terminals are believed. */
    struct terminal_certificate terminal_ca;
};

#endif
