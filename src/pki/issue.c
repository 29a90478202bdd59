#include "pki/issue.h"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki/library.h"
#include "pki/policy.h"

/* Where the practice statement and the status service of a real authority would be. */
#define PRACTICE_STATEMENT "http://www.jpki.example/cps.html"
#define STATUS_SERVICE "http://ocsp.jpki.example"
#define HOLDER_ARC "1.2.392.200149.8.5.5."

#define AGENCY "Japan Agency for Local Authority Information Systems"
#define AGENCY_JAPANESE "地方公共団体情報システム機構"

enum { REQUEST_LIMIT = 8192 };

/* A certificate being made. The first failure sticks, so that the steps read one after another. */
struct draft {
    X509 *x509;
    X509 *signer; /* borrowed: the issuer's certificate, or the draft itself */
    bool failed;
};

static void must(struct draft *draft, bool done)
{
    if (!done)
        draft->failed = true;
}

static bool name_add(X509_NAME *name, int attribute, const char *utf8)
{
    union {
        const char *given;
        const unsigned char *wanted;
    } text = {.given = utf8};
    /* MBSTRING_UTF8 picks PrintableString for the country and UTF8String for the rest, as on cards. */
    return name && X509_NAME_add_entry_by_NID(name, attribute, MBSTRING_UTF8, text.wanted, -1, -1, 0) == 1;
}

static bool set_serial(X509 *x509, const struct serial *serial)
{
    BIGNUM *number = BN_bin2bn(serial->bytes, SERIAL_LENGTH, NULL);
    bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
    BN_free(number);
    return done;
}

static struct draft draft_begin(const struct serial *serial, moment not_before, moment not_after,
                                const struct public_key *key, const struct issuer *issuer)
{
    struct draft draft = {.x509 = X509_new()};
    if (!draft.x509) {
        draft.failed = true;
        return draft;
    }
    draft.signer = issuer ? issuer->certificate.handle : draft.x509;
    must(&draft, X509_set_version(draft.x509, X509_VERSION_3) == 1);
    must(&draft, set_serial(draft.x509, serial));
    must(&draft, ASN1_TIME_set(X509_getm_notBefore(draft.x509), not_before / MICROSECONDS) != NULL);
    must(&draft, ASN1_TIME_set(X509_getm_notAfter(draft.x509), not_after / MICROSECONDS) != NULL);
    must(&draft, X509_set_pubkey(draft.x509, key->handle) == 1);
    if (issuer)
        must(&draft, X509_set_issuer_name(draft.x509, X509_get_subject_name(draft.signer)) == 1);
    return draft;
}

static void subject_add(struct draft *draft, int attribute, const char *utf8)
{
    if (!draft->failed)
        must(draft, name_add(X509_get_subject_name(draft->x509), attribute, utf8));
}

/* An extension in OpenSSL's own notation: fine for those without names in them. */
static void extend_in_words(struct draft *draft, int extension, const char *words)
{
    if (draft->failed)
        return;
    X509V3_CTX context;
    X509V3_set_ctx(&context, draft->signer, draft->x509, NULL, NULL, 0);
    X509_EXTENSION *made = X509V3_EXT_conf_nid(NULL, &context, extension, words);
    must(draft, made && X509_add_ext(draft->x509, made, -1) == 1);
    X509_EXTENSION_free(made);
}

/* Names in the card's certificates: country, then these attributes in order. */
struct attribute {
    int type;
    const char *text;
};

static X509_NAME *name_of(const struct attribute *attributes, size_t count)
{
    X509_NAME *name = X509_NAME_new();
    bool done = name_add(name, NID_countryName, "JP");
    for (size_t i = 0; done && i < count; i++)
        done = name_add(name, attributes[i].type, attributes[i].text);
    if (done)
        return name;
    X509_NAME_free(name);
    return NULL;
}

/* Takes the name over. */
static GENERAL_NAMES *directory_name(X509_NAME *name)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *entry = GENERAL_NAME_new();
    if (!name || !names || !entry || sk_GENERAL_NAME_push(names, entry) < 1) {
        X509_NAME_free(name);
        GENERAL_NAME_free(entry);
        sk_GENERAL_NAME_free(names);
        return NULL;
    }
    GENERAL_NAME_set0_value(entry, GEN_DIRNAME, name);
    return names;
}

/* Adds the value and frees nothing: the caller owns it. */
static void extend(struct draft *draft, int extension, void *value, bool critical)
{
    if (!draft->failed)
        must(draft,
             value && X509_add1_ext_i2d(draft->x509, extension, value, critical, X509V3_ADD_APPEND) == 1);
}

static bool set_qualifier(POLICYINFO *policy)
{
    POLICYQUALINFO *qualifier = POLICYQUALINFO_new();
    policy->qualifiers = sk_POLICYQUALINFO_new_null();
    if (!qualifier || !policy->qualifiers || sk_POLICYQUALINFO_push(policy->qualifiers, qualifier) < 1) {
        POLICYQUALINFO_free(qualifier);
        return false;
    }
    qualifier->pqualid = OBJ_nid2obj(NID_id_qt_cps);
    qualifier->d.cpsuri = ASN1_IA5STRING_new();
    return qualifier->d.cpsuri && ASN1_STRING_set(qualifier->d.cpsuri, PRACTICE_STATEMENT, -1) == 1;
}

static void extend_with_policy(struct draft *draft, const char *oid)
{
    CERTIFICATEPOLICIES *policies = CERTIFICATEPOLICIES_new();
    POLICYINFO *policy = POLICYINFO_new();
    if (policies && policy && sk_POLICYINFO_push(policies, policy) > 0) {
        policy->policyid = OBJ_txt2obj(oid, 1);
        must(draft, policy->policyid && set_qualifier(policy));
    } else {
        POLICYINFO_free(policy);
        draft->failed = true;
    }
    extend(draft, NID_certificate_policies, policies, true);
    CERTIFICATEPOLICIES_free(policies);
}

/* How prefectures are romanised in the names of revocation lists, by code. */
static const char *const prefectures[] = {
    "Hokkaido",      "Aomori-ken",   "Iwate-ken",    "Miyagi-ken",    "Akita-ken",     "Yamagata-ken",
    "Fukushima-ken", "Ibaraki-ken",  "Tochigi-ken",  "Gunma-ken",     "Saitama-ken",   "Chiba-ken",
    "Tokyo-to",      "Kanagawa-ken", "Niigata-ken",  "Toyama-ken",    "Ishikawa-ken",  "Fukui-ken",
    "Yamanashi-ken", "Nagano-ken",   "Gifu-ken",     "Shizuoka-ken",  "Aichi-ken",     "Mie-ken",
    "Shiga-ken",     "Kyoto-fu",     "Osaka-fu",     "Hyogo-ken",     "Nara-ken",      "Wakayama-ken",
    "Tottori-ken",   "Shimane-ken",  "Okayama-ken",  "Hiroshima-ken", "Yamaguchi-ken", "Tokushima-ken",
    "Kagawa-ken",    "Ehime-ken",    "Kochi-ken",    "Fukuoka-ken",   "Saga-ken",      "Nagasaki-ken",
    "Kumamoto-ken",  "Oita-ken",     "Miyazaki-ken", "Kagoshima-ken", "Okinawa-ken",
};

static const char *prefecture_of(const struct municipality_code *municipality)
{
    const char *digits = municipality->digits;
    if (strspn(digits, "0123456789") != 5 || digits[5] != '\0')
        return NULL;
    size_t number = (size_t)((digits[0] - '0') * 10 + digits[1] - '0');
    return number >= 1 && number <= ARRAY_LENGTH(prefectures) ? prefectures[number - 1] : NULL;
}

static DIST_POINT *distribution_point(GENERAL_NAMES *where)
{
    DIST_POINT *point = DIST_POINT_new();
    DIST_POINT_NAME *name = DIST_POINT_NAME_new();
    if (!point || !name || !where) {
        DIST_POINT_free(point);
        DIST_POINT_NAME_free(name);
        GENERAL_NAMES_free(where);
        return NULL;
    }
    name->type = 0; /* fullName */
    name->name.fullname = where;
    point->distpoint = name;
    return point;
}

static void extend_with_revocation_lists(struct draft *draft, const char *unit,
                                         const struct municipality_code *municipality)
{
    char list[32];
    snprintf(list, sizeof(list), "%s CRLDP", municipality->digits);
    const struct attribute attributes[] = {
        {NID_organizationName, "JPKI"},
        {NID_organizationalUnitName, unit},
        {NID_organizationalUnitName, "CRL Distribution Points"},
        {NID_organizationalUnitName, prefecture_of(municipality)},
        {NID_commonName, list},
    };
    CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();
    DIST_POINT *point = distribution_point(directory_name(name_of(attributes, ARRAY_LENGTH(attributes))));
    bool listed = points && point && sk_DIST_POINT_push(points, point) > 0;
    if (!listed)
        DIST_POINT_free(point);
    extend(draft, NID_crl_distribution_points, listed ? points : NULL, false);
    CRL_DIST_POINTS_free(points);
}

static void extend_with_japanese_issuer(struct draft *draft)
{
    const struct attribute attributes[] = {
        {NID_organizationName, "公的個人認証サービス"},
        {NID_organizationalUnitName, "公的個人認証サービス利用者証明用"},
        {NID_organizationalUnitName, AGENCY_JAPANESE},
    };
    GENERAL_NAMES *names = directory_name(name_of(attributes, ARRAY_LENGTH(attributes)));
    extend(draft, NID_issuer_alt_name, names, false);
    GENERAL_NAMES_free(names);
}

/* Takes the text's copy into an otherName under JPKI's arc, as UTF8String. */
static bool push_holder_item(GENERAL_NAMES *names, int item, const char *utf8)
{
    char oid[sizeof(HOLDER_ARC) + 1];
    snprintf(oid, sizeof(oid), HOLDER_ARC "%d", item);
    ASN1_OBJECT *type = OBJ_txt2obj(oid, 1);
    ASN1_TYPE *value = ASN1_TYPE_new();
    ASN1_UTF8STRING *text = ASN1_UTF8STRING_new();
    GENERAL_NAME *entry = GENERAL_NAME_new();
    if (!type || !value || !text || !entry || ASN1_STRING_set(text, utf8, -1) != 1) {
        ASN1_OBJECT_free(type);
        ASN1_TYPE_free(value);
        ASN1_UTF8STRING_free(text);
        GENERAL_NAME_free(entry);
        return false;
    }
    ASN1_TYPE_set(value, V_ASN1_UTF8STRING, text);
    if (GENERAL_NAME_set0_othername(entry, type, value) != 1 || sk_GENERAL_NAME_push(names, entry) < 1) {
        GENERAL_NAME_free(entry);
        return false;
    }
    return true;
}

/* Era digit and YYYYMMDD of the western year: 明治 1, 大正 2, 昭和 3, 平成 4, 令和 5. */
static bool format_birth(struct date birth, char out[10])
{
    const char *eras = "MTSHR";
    const char *era = strchr(eras, date_era(birth).letter);
    if (date_is_none(birth) || !era || *era == '\0')
        return false;
    out[0] = (char)('1' + (era - eras));
    date_format_compact(birth, out + 1);
    return true;
}

static void extend_with_holder(struct draft *draft, const struct certificate_holder *holder)
{
    char birth[10];
    const char sex[] = {holder->sex, '\0'};
    if (!format_birth(holder->birth, birth)) {
        draft->failed = true;
        return;
    }
    const struct {
        int item;
        const char *text;
    } items[] = {
        {1, holder->name},
        {4, birth},
        {3, sex},
        {5, holder->address},
        {2, holder->name_substitutions},
        {6, holder->address_substitutions},
    };
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    bool done = names != NULL;
    for (size_t i = 0; done && i < ARRAY_LENGTH(items); i++)
        done = push_holder_item(names, items[i].item, items[i].text);
    extend(draft, NID_subject_alt_name, done ? names : NULL, false);
    GENERAL_NAMES_free(names);
}

static enum status draft_encode(const X509 *x509, struct buffer *der)
{
    int length = i2d_X509(x509, NULL);
    enum status status = length > 0 ? buffer_reserve(der, (size_t)length) : ERR_CRYPTO;
    if (status != OK)
        return status;
    uint8_t *position = der->data + der->length;
    i2d_X509(x509, &position);
    der->length += (size_t)length;
    return OK;
}

/* Signs, encodes and frees the draft. */
static enum status draft_finish(struct draft *draft, const struct private_key *key, struct buffer *der)
{
    const EVP_MD *digest = key->kind == KEY_P384 ? EVP_sha384() : EVP_sha256();
    if (!draft->failed)
        must(draft, X509_sign(draft->x509, key->handle, digest) > 0);
    enum status status = draft->failed ? ERR_CRYPTO : draft_encode(draft->x509, der);
    X509_free(draft->x509);
    return status == OK ? OK : library_refused(status);
}

static const char *unit_of(enum certificate_kind kind)
{
    return kind == CERTIFICATE_AUTHENTICATION ? "JPKI for user authentication" : "JPKI for digital signature";
}

static void name_issuer(struct draft *draft, enum issuer_kind kind, const char *owner)
{
    subject_add(draft, NID_countryName, "JP");
    if (kind == ISSUER_MACHINES || kind == ISSUER_CENTRE) {
        subject_add(draft, NID_organizationName, owner);
        subject_add(draft, NID_commonName, kind == ISSUER_MACHINES ? "Machine CA" : "Centre CA");
        return;
    }
    subject_add(draft, NID_organizationName, "JPKI");
    subject_add(draft, NID_organizationalUnitName,
                unit_of(kind == ISSUER_AUTHENTICATION ? CERTIFICATE_AUTHENTICATION : CERTIFICATE_SIGNATURE));
    subject_add(draft, NID_organizationalUnitName, AGENCY);
}

static enum status self_sign(enum issuer_kind kind, const char *owner, moment not_before, moment not_after,
                             const struct private_key *key, struct buffer *der)
{
    struct serial serial;
    serial_create(&serial);
    struct public_key own = {.kind = key->kind, .handle = key->handle};
    struct draft draft = draft_begin(&serial, not_before, not_after, &own, NULL);
    name_issuer(&draft, kind, owner);
    if (!draft.failed)
        must(&draft, X509_set_issuer_name(draft.x509, X509_get_subject_name(draft.x509)) == 1);
    extend_in_words(&draft, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    extend_in_words(&draft, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend_in_words(&draft, NID_subject_key_identifier, "hash");
    extend_in_words(&draft, NID_authority_key_identifier, "keyid:always");
    return draft_finish(&draft, key, der);
}

enum status issuer_create(enum issuer_kind kind, enum key_kind key_kind, const char *owner, moment not_before,
                          moment not_after, struct issuer *out)
{
    struct issuer issuer = {0};
    struct buffer der = {0};
    enum status status = private_key_create(key_kind, &issuer.key);
    if (status == OK)
        status = self_sign(kind, owner, not_before, not_after, &issuer.key, &der);
    if (status == OK)
        status = certificate_parse(buffer_bytes(&der), &issuer.certificate);
    buffer_free(&der);
    if (status != OK)
        issuer_free(&issuer);
    else
        *out = issuer;
    return status;
}

/* PATH with an ending; the caller frees it. NULL without memory. */
static char *with_ending(const char *path, const char *ending)
{
    char *whole = NULL;
    return asprintf(&whole, "%s%s", path, ending) < 0 ? NULL : whole;
}

enum status issuer_save(const struct issuer *issuer, const char *path)
{
    char *key_path = with_ending(path, ".key"), *certificate_path = with_ending(path, ".crt");
    struct buffer der = {0};
    enum status status = key_path && certificate_path ? OK : ERR_NO_MEMORY;
    if (status == OK)
        status = certificate_encode(&issuer->certificate, &der);
    if (status == OK)
        status = private_key_save(&issuer->key, key_path);
    struct bytes certificate = buffer_bytes(&der);
    if (status == OK)
        status = certificate_save(&certificate, 1, certificate_path);
    buffer_free(&der);
    free(key_path);
    free(certificate_path);
    return status;
}

enum status issuer_load(const char *path, struct issuer *out)
{
    char *key_path = with_ending(path, ".key"), *certificate_path = with_ending(path, ".crt");
    struct issuer issuer = {0};
    enum status status = key_path && certificate_path ? OK : ERR_NO_MEMORY;
    if (status == OK)
        status = private_key_load(key_path, &issuer.key);
    if (status == OK)
        status = certificate_load(certificate_path, &issuer.certificate);
    if (status == OK && EVP_PKEY_eq(issuer.certificate.key.handle, issuer.key.handle) != 1)
        status = library_refused(ERR_DAMAGED);
    if (status == OK && issuer.certificate.kind != CERTIFICATE_CA)
        status = ERR_DAMAGED;
    free(key_path);
    free(certificate_path);
    if (status != OK)
        issuer_free(&issuer);
    else
        *out = issuer;
    return status;
}

enum status issuer_certificate_id(const struct issuer *issuer, const struct serial *serial,
                                  struct certificate_id *out)
{
    struct buffer spki = {0};
    enum status status = public_key_encode(&issuer->certificate.key, &spki);
    if (status == OK)
        status = certificate_id_make(buffer_bytes(&spki), serial, out);
    buffer_free(&spki);
    return status;
}

void issuer_free(struct issuer *issuer)
{
    private_key_free(&issuer->key);
    certificate_free(&issuer->certificate);
}

/* Like 997794E9AGCIEG13221003A: nothing of the person, only of the serial and of the municipality. */
static enum status opaque_name(const struct card_certificate_order *order, char ending, char out[24])
{
    struct sha256 hash;
    enum status status = sha256_of(bytes_of(order->serial.bytes, SERIAL_LENGTH), &hash);
    if (status != OK)
        return status;
    char letters[7] = {0};
    for (int i = 0; i < 6; i++)
        letters[i] = (char)('A' + hash.bytes[4 + i] % 16);
    snprintf(out, 24, "%02X%02X%02X%02X%s%s%03u%c", hash.bytes[0], hash.bytes[1], hash.bytes[2],
             hash.bytes[3], letters, order->municipality.digits, (unsigned)hash.bytes[10], ending);
    return OK;
}

static enum status draft_card(const struct issuer *issuer, const struct card_certificate_order *order,
                              enum certificate_kind kind, struct draft *out)
{
    if (order->key.kind != KEY_RSA_2048 && order->key.kind != KEY_P384)
        return ERR_UNSUPPORTED;
    if (!prefecture_of(&order->municipality))
        return ERR_RANGE;
    char name[24];
    enum status status = opaque_name(order, kind == CERTIFICATE_AUTHENTICATION ? 'A' : 'S', name);
    if (status != OK)
        return status;
    *out = draft_begin(&order->serial, order->not_before, order->not_after, &order->key, issuer);
    subject_add(out, NID_countryName, "JP");
    subject_add(out, NID_commonName, name);
    return OK;
}

enum status certificate_issue_authentication(const struct issuer *issuer,
                                             const struct card_certificate_order *order, struct buffer *der)
{
    struct draft draft;
    enum status status = draft_card(issuer, order, CERTIFICATE_AUTHENTICATION, &draft);
    if (status != OK)
        return status;
    extend_in_words(&draft, NID_key_usage, "critical,digitalSignature");
    extend_in_words(&draft, NID_ext_key_usage, "clientAuth");
    extend_with_policy(&draft, order->test_policy ? POLICY_TEST : POLICY_AUTHENTICATION);
    extend_with_japanese_issuer(&draft);
    extend_with_revocation_lists(&draft, unit_of(CERTIFICATE_AUTHENTICATION), &order->municipality);
    extend_in_words(&draft, NID_info_access, "OCSP;URI:" STATUS_SERVICE);
    extend_in_words(&draft, NID_authority_key_identifier, "keyid:always");
    extend_in_words(&draft, NID_subject_key_identifier, "hash");
    return draft_finish(&draft, &issuer->key, der);
}

enum status certificate_issue_signature(const struct issuer *issuer,
                                        const struct card_certificate_order *order,
                                        const struct certificate_holder *holder, struct buffer *der)
{
    struct draft draft;
    enum status status = draft_card(issuer, order, CERTIFICATE_SIGNATURE, &draft);
    if (status != OK)
        return status;
    extend_in_words(&draft, NID_key_usage, "critical,digitalSignature,nonRepudiation");
    extend_with_policy(&draft, order->test_policy ? POLICY_TEST : POLICY_SIGNATURE);
    extend_with_holder(&draft, holder);
    extend_with_revocation_lists(&draft, unit_of(CERTIFICATE_SIGNATURE), &order->municipality);
    extend_in_words(&draft, NID_info_access, "OCSP;URI:" STATUS_SERVICE);
    extend_in_words(&draft, NID_authority_key_identifier, "keyid:always");
    extend_in_words(&draft, NID_subject_key_identifier, "hash");
    return draft_finish(&draft, &issuer->key, der);
}

enum status certificate_issue_machine(const struct issuer *issuer,
                                      const struct machine_certificate_order *order, struct buffer *der)
{
    if (order->key.kind != KEY_P256)
        return ERR_UNSUPPORTED;
    if (order->subject.kind == MACHINE_NONE || !machine_code_is_well_formed(order->subject.code))
        return ERR_RANGE;
    struct draft draft =
        draft_begin(&order->serial, order->not_before, order->not_after, &order->key, issuer);
    char name[64];
    snprintf(name, sizeof(name), "%s %s", machine_kind_name(order->subject.kind), order->subject.code);
    subject_add(&draft, NID_countryName, "JP");
    subject_add(&draft, NID_organizationalUnitName, machine_kind_name(order->subject.kind));
    subject_add(&draft, NID_serialNumber, order->subject.code);
    subject_add(&draft, NID_commonName, name);
    extend_in_words(&draft, NID_basic_constraints, "critical,CA:FALSE");
    extend_in_words(&draft, NID_key_usage, "critical,digitalSignature");
    extend_in_words(&draft, NID_ext_key_usage, "clientAuth");
    extend_in_words(&draft, NID_authority_key_identifier, "keyid:always");
    extend_in_words(&draft, NID_subject_key_identifier, "hash");
    return draft_finish(&draft, &issuer->key, der);
}

static bool push_server_name(GENERAL_NAMES *names, const char *text)
{
    GENERAL_NAME *entry = GENERAL_NAME_new();
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(text);
    ASN1_IA5STRING *name = address ? NULL : ASN1_IA5STRING_new();
    bool done = entry && (address || (name && ASN1_STRING_set(name, text, -1) == 1));
    if (done) {
        GENERAL_NAME_set0_value(entry, address ? GEN_IPADD : GEN_DNS, address ? address : name);
        done = sk_GENERAL_NAME_push(names, entry) > 0;
    } else {
        ASN1_STRING_free(address);
        ASN1_STRING_free(name);
    }
    if (!done)
        GENERAL_NAME_free(entry);
    return done;
}

enum status certificate_issue_server(const struct issuer *issuer,
                                     const struct server_certificate_order *order, struct buffer *der)
{
    if (!order->names[0])
        return ERR_RANGE;
    struct draft draft =
        draft_begin(&order->serial, order->not_before, order->not_after, &order->key, issuer);
    subject_add(&draft, NID_countryName, "JP");
    subject_add(&draft, NID_commonName, order->names[0]);
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    bool done = names != NULL;
    for (size_t i = 0; done && order->names[i]; i++)
        done = push_server_name(names, order->names[i]);
    extend(&draft, NID_subject_alt_name, done ? names : NULL, false);
    GENERAL_NAMES_free(names);
    extend_in_words(&draft, NID_basic_constraints, "critical,CA:FALSE");
    extend_in_words(&draft, NID_key_usage, "critical,digitalSignature");
    extend_in_words(&draft, NID_ext_key_usage, "serverAuth");
    extend_in_words(&draft, NID_authority_key_identifier, "keyid:always");
    extend_in_words(&draft, NID_subject_key_identifier, "hash");
    return draft_finish(&draft, &issuer->key, der);
}

enum status certificate_request_create(const struct private_key *key, struct buffer *der)
{
    X509_REQ *request = X509_REQ_new();
    const EVP_MD *digest = key->kind == KEY_P384 ? EVP_sha384() : EVP_sha256();
    bool done = request && X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
                X509_REQ_set_pubkey(request, key->handle) == 1 &&
                X509_REQ_sign(request, key->handle, digest) > 0;
    int length = done ? i2d_X509_REQ(request, NULL) : -1;
    enum status status = length > 0 ? buffer_reserve(der, (size_t)length) : ERR_CRYPTO;
    if (status == OK) {
        uint8_t *position = der->data + der->length;
        i2d_X509_REQ(request, &position);
        der->length += (size_t)length;
    }
    X509_REQ_free(request);
    return status == OK ? OK : library_refused(status);
}

static enum status request_key(X509_REQ *request, struct public_key *out)
{
    uint8_t der[1024];
    X509_PUBKEY *holder = X509_REQ_get_X509_PUBKEY(request);
    int length = holder ? i2d_X509_PUBKEY(holder, NULL) : -1;
    if (length <= 0 || length > (int)sizeof(der))
        return ERR_UNSUPPORTED;
    uint8_t *position = der;
    i2d_X509_PUBKEY(holder, &position);
    struct public_key key;
    enum status status = public_key_decode(bytes_of(der, (size_t)length), &key);
    if (status != OK)
        return status;
    if (X509_REQ_verify(request, key.handle) != 1) {
        public_key_free(&key);
        return ERR_CRYPTO;
    }
    *out = key;
    return OK;
}

enum status certificate_request_open(struct bytes der, struct public_key *out)
{
    if (der.length == 0 || der.length > REQUEST_LIMIT)
        return ERR_MALFORMED;
    const uint8_t *position = der.data;
    X509_REQ *request = d2i_X509_REQ(NULL, &position, (long)der.length);
    if (!request)
        return library_refused(ERR_MALFORMED);
    enum status status = position == der.data + der.length ? request_key(request, out) : ERR_MALFORMED;
    X509_REQ_free(request);
    return library_refused(status);
}
