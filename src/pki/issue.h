#ifndef SHIKAKU_PKI_ISSUE_H
#define SHIKAKU_PKI_ISSUE_H

#include "base/date.h"
#include "pki/certificate.h"

/* Making certificates. Names, policies and extensions of cards are those observed on My Number Cards (JPKI);
 * machines' and servers' are ours. */

/* A CA's key with its certificate. Owned; freed by issuer_free(). */
struct issuer {
    struct private_key key;
    struct certificate certificate;
};

enum issuer_kind {
    ISSUER_AUTHENTICATION, /* OU "JPKI for user authentication"; the same name for every generation */
    ISSUER_SIGNATURE,      /* OU "JPKI for digital signature" */
    ISSUER_MACHINES,
    ISSUER_CENTRE, /* the centre's own, for its servers */
};

/* Self-signed. key_kind: RSA-2048 (the card of today), P-384 (the coming card), P-256 (machines, centre).
 * owner: the organisation's name of ISSUER_MACHINES and ISSUER_CENTRE, UTF-8; not used for cards. */
enum status issuer_create(enum issuer_kind kind, enum key_kind key_kind, const char *owner, moment not_before,
                          moment not_after, struct issuer *out) MUST_CHECK;
/* PATH.key (0600) and PATH.crt. Loading checks that they belong together: ERR_DAMAGED. */
enum status issuer_save(const struct issuer *issuer, const char *path) MUST_CHECK;
enum status issuer_load(const char *path, struct issuer *out) MUST_CHECK;
/* The id of a certificate by this issuer with this serial, which need not exist yet. */
enum status issuer_certificate_id(const struct issuer *issuer, const struct serial *serial,
                                  struct certificate_id *out) MUST_CHECK;
void issuer_free(struct issuer *issuer);

/* JIS X 0402: two digits of prefecture 01–47 and three; revocation lists are kept by municipality. */
struct municipality_code {
    char digits[6]; /* five and NUL */
};

struct card_certificate_order {
    struct serial serial;
    struct public_key key; /* borrowed; made on the card */
    moment not_before;
    moment not_after;
    struct municipality_code municipality;
    bool test_policy; /* under 1.2.392.200149.8.5.1.0.20: believed only where configured */
};

/* 利用者証明用: the subject is an opaque name of 23 characters (from the serial, and the municipality's
 * code). No personal item. */
enum status certificate_issue_authentication(const struct issuer *issuer,
                                             const struct card_certificate_order *order,
                                             struct buffer *der) MUST_CHECK;

/* What a signature certificate says of its holder. UTF-8, borrowed. sex: '1' male, '2' female, '3' other
 * [JPKI]. Substitution flags: a '0' or '1' a character, '1' where the character is a substitute. */
struct certificate_holder {
    const char *name;
    const char *name_substitutions;
    char sex;
    struct date birth;
    const char *address;
    const char *address_substitutions;
};

/* 署名用: subjectAltName otherNames 1.2.392.200149.8.5.5.{1,4,3,5,2,6} in this order. */
enum status certificate_issue_signature(const struct issuer *issuer,
                                        const struct card_certificate_order *order,
                                        const struct certificate_holder *holder,
                                        struct buffer *der) MUST_CHECK;

struct machine_certificate_order {
    struct serial serial;
    struct public_key key; /* borrowed, P-256 */
    struct machine_subject subject;
    moment not_before;
    moment not_after;
};
enum status certificate_issue_machine(const struct issuer *issuer,
                                      const struct machine_certificate_order *order,
                                      struct buffer *der) MUST_CHECK;

struct server_certificate_order {
    struct serial serial;
    struct public_key key; /* borrowed, P-256 */
    const char *const
        *names; /* DNS names and IP addresses in text; the first is also the CN; NULL at the end */
    moment not_before;
    moment not_after;
};
enum status certificate_issue_server(const struct issuer *issuer,
                                     const struct server_certificate_order *order,
                                     struct buffer *der) MUST_CHECK;

/* PKCS#10 without a name: proves that the sender holds the private key. DER, appended. */
enum status certificate_request_create(const struct private_key *key, struct buffer *der) MUST_CHECK;
/* The key of a request whose own signature fits; ERR_MALFORMED, ERR_UNSUPPORTED, ERR_CRYPTO otherwise. */
enum status certificate_request_open(struct bytes der, struct public_key *out) MUST_CHECK;

#endif
