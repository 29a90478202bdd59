#ifndef SHIKAKU_PKI_CERTIFICATE_H
#define SHIKAKU_PKI_CERTIFICATE_H

#include "base/clock.h"
#include "pki/key.h"

/* X.509 certificates of people's cards, of machines and of servers: reading and naming them. Issuing is in
 * pki/issue.h, deciding whom to believe in pki/trust.h. */

enum {
    SERIAL_LENGTH = 20,       /* big-endian, left-padded with zeros; RFC 5280 4.1.2.2 allows no more */
    CERTIFICATE_LIMIT = 8192, /* bytes of DER that we are willing to look at */
};

struct serial {
    uint8_t bytes[SERIAL_LENGTH];
};

/* SHA-256(issuer's SubjectPublicKeyInfo DER ‖ serial): names of CAs repeat across generations, keys do not.
 */
struct certificate_id {
    uint8_t bytes[SHA256_LENGTH];
};

/* 159 random bits: positive, never zero. */
void serial_create(struct serial *out);
enum status certificate_id_make(struct bytes issuer_spki, const struct serial *serial,
                                struct certificate_id *out) MUST_CHECK;
bool certificate_id_equal(const struct certificate_id *a, const struct certificate_id *b);

/* What a certificate says it is for: by policy for cards, by CA flag, by extended key usage otherwise. */
enum certificate_kind {
    CERTIFICATE_OTHER,
    CERTIFICATE_AUTHENTICATION, /* 利用者証明用電子証明書, policy 1.2.392.200149.8.5.1.3.30 */
    CERTIFICATE_SIGNATURE,      /* 署名用電子証明書, policy 1.2.392.200149.8.5.1.1.20 */
    CERTIFICATE_TEST,           /* policy 1.2.392.200149.8.5.1.0.20 */
    CERTIFICATE_CA,
    CERTIFICATE_MACHINE, /* institution, insurer, link, operator: TLS client */
    CERTIFICATE_SERVER,
};

/* Who calls, by the subject of a machine certificate: OU is the kind, serialNumber the code. */
enum machine_kind { MACHINE_NONE, MACHINE_INSTITUTION, MACHINE_INSURER, MACHINE_LINK, MACHINE_OPERATOR };
enum { MACHINE_CODE_LIMIT = 32 };

/* "institution", "insurer", "link", "operator"; "none". */
const char *machine_kind_name(enum machine_kind kind);
/* MACHINE_NONE for any other word. */
enum machine_kind machine_kind_of(const char *name);

/* What code, below, may be. */
bool machine_code_is_well_formed(const char *code);

struct machine_subject {
    enum machine_kind kind;
    /* ASCII letters, digits and '-', 1–32: institution code (10 digits), insurer number (6 or 8), or a name.
     */
    char code[MACHINE_CODE_LIMIT + 1];
};

/* One certificate, parsed strictly: version 3, one of our key kinds, our signature algorithms, no unknown
 * critical extension, no byte after it. Owned; freed by certificate_free(). */
struct certificate {
    X509 *handle; /* owned */
    enum certificate_kind kind;
    struct serial serial;
    moment not_before;
    moment not_after; /* the last second at which it is valid */
    struct public_key key;
    uint16_t key_usage; /* bit 0 digitalSignature, 1 nonRepudiation, … 5 keyCertSign; 0 where not stated */
    struct sha256 fingerprint;      /* SHA-256 of the DER */
    struct machine_subject machine; /* of CERTIFICATE_MACHINE only */
};

enum { USAGE_SIGNATURE = 1 << 0, USAGE_NON_REPUDIATION = 1 << 1, USAGE_CERTIFICATES = 1 << 5 };

/* ERR_MALFORMED, ERR_TOO_LARGE, ERR_UNSUPPORTED (key or algorithm). Proves nothing about who issued it. */
enum status certificate_parse(struct bytes der, struct certificate *out) MUST_CHECK;
/* The first certificate of a PEM file; ERR_NOT_FOUND where it holds none. */
enum status certificate_load(const char *path, struct certificate *out) MUST_CHECK;
/* PEM, mode 0644; several are allowed, in order. */
enum status certificate_save(const struct bytes *ders, size_t count, const char *path) MUST_CHECK;
enum status certificate_encode(const struct certificate *certificate, struct buffer *out) MUST_CHECK;
/* Hands every certificate of a PEM text to take(), in order, until one is refused. */
enum status certificates_each(struct bytes pem, enum status (*take)(void *context, struct bytes der),
                              void *context) MUST_CHECK;
/* OK, or ERR_CRYPTO: the signature is not that key's, or by an algorithm that this key does not have. */
enum status certificate_verify(const struct certificate *certificate,
                               const struct public_key *issuer) MUST_CHECK;
void certificate_free(struct certificate *certificate);

#endif
