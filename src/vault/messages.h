#ifndef SHIKAKU_VAULT_MESSAGES_H
#define SHIKAKU_VAULT_MESSAGES_H

#include "base/bytes.h"
#include "base/date.h"

/*
 * What front asks the vault, and what the vault asks the card authority through link. A My Number stands only
 * inside sealed parts (pki/sealed.h): front and link relay them and cannot open them.
 *
 * Numbers of messages are stable; a new meaning is a new number. The reply to each of the first three is a
 * struct vault_reply.
 */
enum vault_message {
    VAULT_ADD = 1, /* front -> vault: keep this number, tell its reference */
    VAULT_COMPARE =
        2, /* front -> vault: compare what the insurer states with the authority, all five items */
    VAULT_RESOLVE_CERTIFICATE = 3, /* front -> vault: which reference does this certificate belong to? */
    VAULT_ASK_AUTHORITY =
        4, /* vault -> link: relay this sealed message; the reply is the authority's, sealed */
};

enum { VAULT_REFERENCE_LENGTH = 16, VAULT_ROW_MAX = 64 };

/* An opaque name for one My Number: random, made by the vault, meaningless outside. */
struct vault_reference {
    uint8_t bytes[VAULT_REFERENCE_LENGTH];
};

enum vault_outcome {
    VAULT_DONE = 0,
    VAULT_SEALED_INVALID = 1,      /* does not open for this insurer, row and purpose */
    VAULT_NUMBER_INVALID = 2,      /* opens, but is no My Number (form or check digit) */
    VAULT_NUMBER_UNKNOWN = 3,      /* resolve: no insurer ever registered the person's number (Q10) */
    VAULT_CERTIFICATE_UNKNOWN = 4, /* resolve: the authority does not know the certificate */
    VAULT_REFERENCE_UNKNOWN = 5,   /* compare */
    VAULT_RESIDENT_UNKNOWN = 6,    /* compare: the authority knows no such resident */
    VAULT_AUTHORITY_UNREACHABLE = 7,
    VAULT_FAILED = 8,
};

/* Why a number was sealed: part of what the seal is bound to. */
enum vault_purpose { VAULT_PURPOSE_REGISTER = 1 };

/* row: the insurer's own name for the row (symbol and number say whose it is; never a My Number), ≤ 64 bytes.
 */
struct vault_add {
    uint8_t insurer[8];
    struct bytes row;
    uint16_t purpose;
    struct bytes sealed;
};

/* The five items 五情報 as the insurer states them; alias may be empty. Borrowed UTF-8. */
struct vault_compare {
    struct vault_reference reference;
    struct bytes name_kanji, name_kana, alias, address;
    struct date birth;
    uint8_t sex;
};

/* How one item of the five fits. */
enum vault_item_fit { VAULT_ITEM_EXACT = 0, VAULT_ITEM_NORMALISED = 1, VAULT_ITEM_DIFFERS = 2 };

struct vault_reply {
    enum vault_outcome outcome;
    struct vault_reference reference; /* add, resolve */
    uint8_t created;                  /* add: 1 where the number was new */
    uint8_t fit[5];                   /* compare: kanji, kana, birth, sex, address */
};

enum status vault_add_encode(const struct vault_add *add, struct buffer *out) MUST_CHECK;
enum status vault_add_decode(struct bytes payload, struct vault_add *out) MUST_CHECK; /* views into payload */
enum status vault_compare_encode(const struct vault_compare *compare, struct buffer *out) MUST_CHECK;
enum status vault_compare_decode(struct bytes payload, struct vault_compare *out) MUST_CHECK;
enum status vault_reply_encode(const struct vault_reply *reply, struct buffer *out) MUST_CHECK;
enum status vault_reply_decode(struct bytes payload, struct vault_reply *out) MUST_CHECK;

/* Label of a sealed My Number (pki/sealed.h), and the context that it is bound to: insurer, purpose, row.
 * Whoever seals and the vault that opens build them alike. */
#define VAULT_NUMBER_LABEL "shikaku-number-1"

enum status vault_number_context(const uint8_t insurer[8], uint16_t purpose, struct bytes row,
                                 struct buffer *out) MUST_CHECK;

#endif
