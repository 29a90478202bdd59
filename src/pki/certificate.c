#include "pki/certificate.h"

#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/random.h"
#include "pki/library.h"
#include "pki/parse_by.h"
#include "pki/policy.h"

enum { PEM_LIMIT = 1 << 20, KEY_LIMIT = 1024 };

void serial_create(struct serial *out)
{
    do {
        random_fill(out->bytes, sizeof(out->bytes));
        out->bytes[0] &= 0x7F; /* DER integers have a sign */
    } while (out->bytes[0] == 0);
}

enum status certificate_id_make(struct bytes issuer_spki, const struct serial *serial,
                                struct certificate_id *out)
{
    const struct bytes parts[] = {issuer_spki, bytes_of(serial->bytes, SERIAL_LENGTH)};
    struct sha256 hash;
    enum status status = sha256_of_parts(parts, ARRAY_LENGTH(parts), &hash);
    if (status == OK)
        memcpy(out->bytes, hash.bytes, sizeof(out->bytes));
    return status;
}

bool certificate_id_equal(const struct certificate_id *a, const struct certificate_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static const struct {
    enum machine_kind kind;
    const char *name;
} machine_kinds[] = {
    {MACHINE_INSTITUTION, "institution"},
    {MACHINE_INSURER, "insurer"},
    {MACHINE_LINK, "link"},
    {MACHINE_OPERATOR, "operator"},
};

const char *machine_kind_name(enum machine_kind kind)
{
    for (size_t i = 0; i < ARRAY_LENGTH(machine_kinds); i++) {
        if (machine_kinds[i].kind == kind)
            return machine_kinds[i].name;
    }
    return "none";
}

enum machine_kind machine_kind_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(machine_kinds); i++) {
        if (strcmp(machine_kinds[i].name, name) == 0)
            return machine_kinds[i].kind;
    }
    return MACHINE_NONE;
}

bool machine_code_is_well_formed(const char *code)
{
    size_t length = strlen(code);
    if (length == 0 || length > MACHINE_CODE_LIMIT)
        return false;
    return strspn(code, "0123456789-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == length;
}

static enum status read_serial(const X509 *x509, struct serial *out)
{
    const ASN1_INTEGER *number = X509_get0_serialNumber(x509);
    int length = ASN1_STRING_length(number);
    if (ASN1_STRING_type(number) != V_ASN1_INTEGER || length < 1 || length > SERIAL_LENGTH)
        return ERR_MALFORMED; /* negative, or longer than RFC 5280 allows */
    *out = (struct serial){0};
    memcpy(out->bytes + SERIAL_LENGTH - length, ASN1_STRING_get0_data(number), (size_t)length);
    static const struct serial zero;
    return memcmp(out, &zero, sizeof(zero)) == 0 ? ERR_MALFORMED : OK;
}

static enum status read_moment(const ASN1_TIME *time, moment *out)
{
    struct tm parts;
    if (ASN1_TIME_to_tm(time, &parts) != 1)
        return library_refused(ERR_MALFORMED);
    *out = (moment)timegm(&parts) * MICROSECONDS;
    return OK;
}

/* From the bytes as they stand in the certificate: they name the key. */
static enum status read_key(const X509 *x509, struct public_key *out)
{
    uint8_t der[KEY_LIMIT];
    X509_PUBKEY *holder = X509_get_X509_PUBKEY(x509);
    int length = i2d_X509_PUBKEY(holder, NULL);
    if (length <= 0 || length > KEY_LIMIT)
        return library_refused(ERR_UNSUPPORTED);
    uint8_t *position = der;
    i2d_X509_PUBKEY(holder, &position);
    return public_key_decode(bytes_of(der, (size_t)length), out);
}

static bool signature_algorithm_is_ours(const X509 *x509)
{
    int algorithm = X509_get_signature_nid(x509);
    return algorithm == NID_sha256WithRSAEncryption || algorithm == NID_ecdsa_with_SHA256 ||
           algorithm == NID_ecdsa_with_SHA384;
}

/* The only policy's OID in text; false where there is none, or more than one. */
static bool read_policy(const X509 *x509, char *out, int size)
{
    CERTIFICATEPOLICIES *policies = X509_get_ext_d2i(x509, NID_certificate_policies, NULL, NULL);
    bool one = sk_POLICYINFO_num(policies) == 1 &&
               OBJ_obj2txt(out, size, sk_POLICYINFO_value(policies, 0)->policyid, 1) > 0;
    CERTIFICATEPOLICIES_free(policies);
    return one;
}

static enum certificate_kind kind_of_policy(const X509 *x509)
{
    char policy[80];
    if (!read_policy(x509, policy, sizeof(policy)))
        return CERTIFICATE_OTHER;
    if (strcmp(policy, POLICY_AUTHENTICATION) == 0)
        return CERTIFICATE_AUTHENTICATION;
    if (strcmp(policy, POLICY_SIGNATURE) == 0)
        return CERTIFICATE_SIGNATURE;
    return strcmp(policy, POLICY_TEST) == 0 ? CERTIFICATE_TEST : CERTIFICATE_OTHER;
}

/* The attribute's ASCII text where the subject has exactly one of them. */
static bool read_attribute(const X509 *x509, int attribute, char *out, size_t size)
{
    const X509_NAME *name = X509_get_subject_name(x509);
    int at = X509_NAME_get_index_by_NID(name, attribute, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(name, attribute, at) >= 0)
        return false;
    const ASN1_STRING *text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    size_t length = (size_t)ASN1_STRING_length(text);
    const uint8_t *characters = ASN1_STRING_get0_data(text);
    if (length == 0 || length >= size || memchr(characters, '\0', length))
        return false;
    memcpy(out, characters, length);
    out[length] = '\0';
    return true;
}

static bool read_machine(const X509 *x509, struct machine_subject *out)
{
    char kind[16];
    if (!read_attribute(x509, NID_organizationalUnitName, kind, sizeof(kind)) ||
        !read_attribute(x509, NID_serialNumber, out->code, sizeof(out->code)) ||
        !machine_code_is_well_formed(out->code))
        return false;
    out->kind = machine_kind_of(kind);
    return out->kind != MACHINE_NONE;
}

/* The only extended key usage; NID_undef where there is none, or more than one. */
static int read_extended_use(const X509 *x509)
{
    EXTENDED_KEY_USAGE *uses = X509_get_ext_d2i(x509, NID_ext_key_usage, NULL, NULL);
    int use = sk_ASN1_OBJECT_num(uses) == 1 ? OBJ_obj2nid(sk_ASN1_OBJECT_value(uses, 0)) : NID_undef;
    EXTENDED_KEY_USAGE_free(uses);
    return use;
}

static uint16_t read_key_usage(const X509 *x509)
{
    ASN1_BIT_STRING *usage = X509_get_ext_d2i(x509, NID_key_usage, NULL, NULL);
    uint16_t bits = 0;
    for (int i = 0; usage && i < 9; i++)
        bits = (uint16_t)(bits | (ASN1_BIT_STRING_get_bit(usage, i) ? 1U << i : 0));
    ASN1_BIT_STRING_free(usage);
    return bits;
}

static enum certificate_kind kind_of(X509 *x509, struct machine_subject *machine)
{
    if (X509_get_extension_flags(x509) & EXFLAG_CA)
        return CERTIFICATE_CA;
    enum certificate_kind by_policy = kind_of_policy(x509);
    if (by_policy != CERTIFICATE_OTHER)
        return by_policy;
    int use = read_extended_use(x509);
    if (use == NID_server_auth)
        return CERTIFICATE_SERVER;
    if (use != NID_client_auth)
        return CERTIFICATE_OTHER;
    struct machine_subject subject;
    if (!read_machine(x509, &subject))
        return CERTIFICATE_OTHER;
    *machine = subject;
    return CERTIFICATE_MACHINE;
}

static enum status read_fields(X509 *x509, struct certificate *out)
{
    if (X509_get_version(x509) != X509_VERSION_3)
        return ERR_MALFORMED;
    if (X509_get_extension_flags(x509) & (EXFLAG_INVALID | EXFLAG_CRITICAL))
        return ERR_MALFORMED; /* an extension unreadable, or one that must be understood and is not */
    if (!signature_algorithm_is_ours(x509))
        return ERR_UNSUPPORTED;
    enum status status = read_serial(x509, &out->serial);
    if (status == OK)
        status = read_moment(X509_get0_notBefore(x509), &out->not_before);
    if (status == OK)
        status = read_moment(X509_get0_notAfter(x509), &out->not_after);
    if (status == OK)
        status = read_key(x509, &out->key);
    if (status == OK) {
        out->kind = kind_of(x509, &out->machine);
        out->key_usage = read_key_usage(x509);
    }
    return status == OK ? OK : library_refused(status);
}

/* BER that is not DER would let one certificate have many fingerprints. */
static enum status refuse_other_encodings(const struct certificate *certificate, struct bytes der)
{
    struct buffer again = {0};
    enum status status = certificate_encode(certificate, &again);
    if (status == OK && !bytes_equal(buffer_bytes(&again), der))
        status = ERR_MALFORMED;
    buffer_free(&again);
    return status;
}

enum status certificate_parse(struct bytes der, struct certificate *out)
{
    return certificate_parse_by(NULL, der, out);
}

enum status certificate_parse_by(OSSL_LIB_CTX *library, struct bytes der, struct certificate *out)
{
    if (der.length > CERTIFICATE_LIMIT)
        return ERR_TOO_LARGE;
    if (der.length == 0)
        return ERR_MALFORMED;
    const uint8_t *position = der.data;
    struct certificate certificate = {.handle = X509_new_ex(library, NULL)};
    if (!certificate.handle)
        return library_refused(ERR_NO_MEMORY);
    if (!d2i_X509(&certificate.handle, &position, (long)der.length))
        return library_refused(ERR_MALFORMED); /* the handle is gone and NULL */
    enum status status = refuse_other_encodings(&certificate, der);
    if (status == OK)
        status = read_fields(certificate.handle, &certificate);
    if (status == OK)
        status = sha256_of(der, &certificate.fingerprint);
    if (status != OK)
        certificate_free(&certificate);
    else
        *out = certificate;
    return library_refused(status); /* whatever was tried on the way left its complaints behind */
}

enum status certificates_each(struct bytes pem, enum status (*take)(void *context, struct bytes der),
                              void *context)
{
    if (pem.length > PEM_LIMIT)
        return ERR_TOO_LARGE;
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.length);
    if (!bio)
        return library_refused(ERR_NO_MEMORY);
    enum status status = OK;
    char *name, *header;
    unsigned char *content;
    long length;
    while (status == OK && PEM_read_bio(bio, &name, &header, &content, &length) == 1) {
        if (strcmp(name, PEM_STRING_X509) == 0)
            status = take(context, bytes_of(content, (size_t)length));
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(content);
    }
    BIO_free(bio);
    return library_refused(status); /* "no start line" is how the end looks */
}

/* The algorithm follows from the issuer's key, as everywhere, and is stated twice. */
static bool algorithm_fits(const struct certificate *certificate, const struct public_key *issuer)
{
    const X509_ALGOR *outer;
    X509_get0_signature(NULL, &outer, certificate->handle);
    if (X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(certificate->handle)) != 0)
        return false;
    int algorithm = X509_get_signature_nid(certificate->handle);
    switch (issuer->kind) {
    case KEY_RSA_2048:
        return algorithm == NID_sha256WithRSAEncryption;
    case KEY_P256:
        return algorithm == NID_ecdsa_with_SHA256;
    case KEY_P384:
        return algorithm == NID_ecdsa_with_SHA384;
    case KEY_NONE:
        break;
    }
    return false;
}

/* What is signed: the first element within the outermost, as it stands. */
static bool find_body(struct bytes der, struct bytes *out)
{
    const uint8_t *position = der.data;
    long length;
    int tag, class;
    if (ASN1_get_object(&position, &length, &tag, &class, (long)der.length) & 0x80)
        return false;
    const uint8_t *body = position;
    if (ASN1_get_object(&position, &length, &tag, &class, length) & 0x80)
        return false;
    *out = bytes_of(body, (size_t)(position - body) + (size_t)length);
    return true;
}

enum status certificate_verify(const struct certificate *certificate, const struct public_key *issuer)
{
    const ASN1_BIT_STRING *signature;
    struct buffer der = {0};
    struct bytes body;
    X509_get0_signature(&signature, NULL, certificate->handle);
    if (!algorithm_fits(certificate, issuer) || signature->flags & 0x07) /* bits left over */
        return ERR_CRYPTO;
    enum status status = certificate_encode(certificate, &der);
    if (status == OK && !find_body(buffer_bytes(&der), &body))
        status = ERR_CRYPTO;
    if (status == OK)
        status = public_key_verify(issuer, body, bytes_of(signature->data, (size_t)signature->length));
    buffer_free(&der);
    return status == OK ? OK : library_refused(status);
}

struct first_certificate {
    struct certificate *out;
    bool found;
};

static enum status take_first(void *context, struct bytes der)
{
    struct first_certificate *first = context;
    if (first->found)
        return OK;
    first->found = true;
    return certificate_parse(der, first->out);
}

enum status certificate_load(const char *path, struct certificate *out)
{
    struct buffer pem = {0};
    struct first_certificate first = {.out = out};
    enum status status = file_read(path, PEM_LIMIT, &pem);
    if (status == OK)
        status = certificates_each(buffer_bytes(&pem), take_first, &first);
    if (status == OK && !first.found)
        status = ERR_NOT_FOUND;
    buffer_free(&pem);
    return status;
}

enum status certificate_save(const struct bytes *ders, size_t count, const char *path)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio)
        return library_refused(ERR_NO_MEMORY);
    bool written = true;
    for (size_t i = 0; written && i < count; i++)
        written = PEM_write_bio(bio, PEM_STRING_X509, "", ders[i].data, (long)ders[i].length) > 0;
    char *pem;
    long length = BIO_get_mem_data(bio, &pem);
    enum status status =
        written && length >= 0 ? file_write_durably(path, bytes_of(pem, (size_t)length), 0644) : ERR_CRYPTO;
    BIO_free(bio);
    return status == OK ? OK : library_refused(status);
}

enum status certificate_encode(const struct certificate *certificate, struct buffer *out)
{
    int length = i2d_X509(certificate->handle, NULL);
    if (length <= 0)
        return library_refused(ERR_CRYPTO);
    enum status status = buffer_reserve(out, (size_t)length);
    if (status != OK)
        return status;
    uint8_t *position = out->data + out->length;
    i2d_X509(certificate->handle, &position);
    out->length += (size_t)length;
    return OK;
}

void certificate_free(struct certificate *certificate)
{
    X509_free(certificate->handle);
    public_key_free(&certificate->key);
    *certificate = (struct certificate){0};
}
