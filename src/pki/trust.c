#include "pki/trust.h"

#include <openssl/provider.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pki/library.h"
#include "pki/parse_by.h"

enum {
    ANCHORS_MAX = 32, /* two kinds, several generations */
    WAYS = 4,         /* places a certificate may be remembered in */
};

struct anchor {
    struct certificate certificate;
    enum certificate_kind issues;
    struct sha256 key_hash;
    struct buffer spki;
};

/* What never changes about a certificate whose chain was good. Its validity is looked at each time. */
struct remembered {
    struct sha256 fingerprint;
    const struct anchor *anchor; /* NULL: free */
    struct trusted_certificate certificate;
};

struct trust_anchors {
    struct trust_settings settings;
    OSSL_LIB_CTX *library; /* without algorithms: for reading certificates (pki/parse_by.h) */
    OSSL_PROVIDER *nothing;
    size_t count;
    struct anchor anchors[ANCHORS_MAX];
    pthread_mutex_t lock; /* of everything below */
    size_t sets;
    struct remembered *memory; /* sets × WAYS; a set's oldest place is given away first */
    uint8_t *next_way;
    struct trust_counts counts;
};

const char *trust_outcome_name(enum trust_outcome outcome)
{
    switch (outcome) {
    case TRUST_GOOD:
        return "good";
    case TRUST_MALFORMED:
        return "malformed";
    case TRUST_UNTRUSTED:
        return "untrusted";
    case TRUST_WRONG_POLICY:
        return "wrong_policy";
    case TRUST_NOT_YET_VALID:
        return "not_yet_valid";
    case TRUST_EXPIRED:
        return "expired";
    case TRUST_FAILED:
        return "failed";
    }
    return "unknown";
}

static bool make_memory(struct trust_anchors *anchors)
{
    if (anchors->sets == 0)
        return true;
    anchors->memory = calloc(anchors->sets * WAYS, sizeof(*anchors->memory));
    anchors->next_way = calloc(anchors->sets, 1);
    return anchors->memory && anchors->next_way;
}

static bool make_library(struct trust_anchors *anchors)
{
    anchors->library = OSSL_LIB_CTX_new();
    if (anchors->library)
        anchors->nothing = OSSL_PROVIDER_load(anchors->library, "null");
    return anchors->nothing != NULL;
}

/* What is left when nothing refers to it any more. */
static void release(struct trust_anchors *anchors)
{
    free(anchors->memory);
    free(anchors->next_way);
    if (anchors->nothing)
        OSSL_PROVIDER_unload(anchors->nothing);
    OSSL_LIB_CTX_free(anchors->library);
    free(anchors);
}

enum status trust_anchors_create(const struct trust_settings *settings, struct trust_anchors **out)
{
    struct trust_anchors *anchors = calloc(1, sizeof(*anchors));
    if (!anchors)
        return ERR_NO_MEMORY;
    anchors->settings = *settings;
    anchors->sets = (settings->remembered + WAYS - 1) / WAYS;
    if (!make_memory(anchors) || !make_library(anchors) || pthread_mutex_init(&anchors->lock, NULL) != 0) {
        release(anchors);
        return library_refused(ERR_NO_MEMORY);
    }
    *out = anchors;
    return OK;
}

static void anchor_free(struct anchor *anchor)
{
    certificate_free(&anchor->certificate);
    buffer_free(&anchor->spki);
}

static bool is_known(const struct trust_anchors *anchors, const struct sha256 *key_hash)
{
    for (size_t i = 0; i < anchors->count; i++) {
        if (sha256_equal(&anchors->anchors[i].key_hash, key_hash))
            return true;
    }
    return false;
}

enum status trust_anchors_add(struct trust_anchors *anchors, enum certificate_kind issues, struct bytes der)
{
    if (issues != CERTIFICATE_AUTHENTICATION && issues != CERTIFICATE_SIGNATURE)
        return ERR_RANGE;
    if (anchors->count == ANCHORS_MAX)
        return ERR_TOO_LARGE;
    struct anchor anchor = {.issues = issues};
    enum status status = certificate_parse(der, &anchor.certificate);
    if (status == OK && anchor.certificate.kind != CERTIFICATE_CA)
        status = ERR_DENIED;
    if (status == OK && !(anchor.certificate.key_usage & USAGE_CERTIFICATES))
        status = ERR_DENIED;
    if (status == OK)
        status = public_key_encode(&anchor.certificate.key, &anchor.spki);
    if (status == OK)
        status = sha256_of(buffer_bytes(&anchor.spki), &anchor.key_hash);
    if (status == OK && is_known(anchors, &anchor.key_hash))
        status = ERR_EXISTS;
    if (status == OK)
        anchors->anchors[anchors->count++] = anchor;
    else
        anchor_free(&anchor);
    return status;
}

struct adding {
    struct trust_anchors *anchors;
    enum certificate_kind issues;
    bool any;
};

static enum status add_one(void *context, struct bytes der)
{
    struct adding *adding = context;
    adding->any = true;
    return trust_anchors_add(adding->anchors, adding->issues, der);
}

enum status trust_anchors_add_file(struct trust_anchors *anchors, enum certificate_kind issues,
                                   const char *path)
{
    struct buffer pem = {0};
    struct adding adding = {.anchors = anchors, .issues = issues};
    enum status status = file_read(path, 1 << 20, &pem);
    if (status == OK)
        status = certificates_each(buffer_bytes(&pem), add_one, &adding);
    if (status == OK && !adding.any)
        status = ERR_NOT_FOUND;
    buffer_free(&pem);
    return status;
}

void trust_anchors_free(struct trust_anchors *anchors)
{
    if (!anchors)
        return;
    for (size_t i = 0; i < anchors->count; i++)
        anchor_free(&anchors->anchors[i]);
    for (size_t i = 0; i < anchors->sets * WAYS; i++)
        trusted_certificate_free(&anchors->memory[i].certificate);
    pthread_mutex_destroy(&anchors->lock);
    release(anchors);
}

void trusted_certificate_free(struct trusted_certificate *certificate)
{
    public_key_free(&certificate->key);
    *certificate = (struct trusted_certificate){0};
}

static struct trusted_certificate share(const struct trusted_certificate *certificate)
{
    struct trusted_certificate copy = *certificate;
    copy.key = public_key_share(&certificate->key);
    return copy;
}

/* ---- memory of checked chains ---- */

static struct remembered *set_of(struct trust_anchors *anchors, const struct sha256 *fingerprint,
                                 size_t *index)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | fingerprint->bytes[i];
    *index = (size_t)(number % anchors->sets);
    return anchors->memory + *index * WAYS;
}

/* The anchor that issued it, and a share of what is known; NULL where it is not remembered. */
static const struct anchor *recall(struct trust_anchors *anchors, const struct sha256 *fingerprint,
                                   struct trusted_certificate *out)
{
    if (anchors->sets == 0)
        return NULL;
    const struct anchor *found = NULL;
    size_t index;
    pthread_mutex_lock(&anchors->lock);
    struct remembered *set = set_of(anchors, fingerprint, &index);
    for (size_t way = 0; way < WAYS && !found; way++) {
        if (set[way].anchor && sha256_equal(&set[way].fingerprint, fingerprint)) {
            found = set[way].anchor;
            *out = share(&set[way].certificate);
            anchors->counts.remembered++;
        }
    }
    pthread_mutex_unlock(&anchors->lock);
    return found;
}

static void remember(struct trust_anchors *anchors, const struct sha256 *fingerprint,
                     const struct anchor *anchor, const struct trusted_certificate *certificate)
{
    if (anchors->sets == 0)
        return;
    size_t index;
    pthread_mutex_lock(&anchors->lock);
    struct remembered *place = set_of(anchors, fingerprint, &index) + anchors->next_way[index];
    anchors->next_way[index] = (uint8_t)((anchors->next_way[index] + 1) % WAYS);
    trusted_certificate_free(&place->certificate);
    *place =
        (struct remembered){.fingerprint = *fingerprint, .anchor = anchor, .certificate = share(certificate)};
    pthread_mutex_unlock(&anchors->lock);
}

/* ---- the check ---- */

/* Generations share a name, so every anchor of that name is tried with its key. */
static const struct anchor *find_issuer(const struct trust_anchors *anchors,
                                        const struct certificate *certificate)
{
    const X509_NAME *issuer = X509_get_issuer_name(certificate->handle);
    for (size_t i = 0; i < anchors->count; i++) {
        const struct anchor *anchor = &anchors->anchors[i];
        if (X509_NAME_cmp(issuer, X509_get_subject_name(anchor->certificate.handle)) != 0)
            continue;
        if (certificate_verify(certificate, &anchor->certificate.key) == OK)
            return anchor;
    }
    return NULL;
}

static bool is_valid_at(const struct certificate *certificate, moment now)
{
    return now >= certificate->not_before && now < certificate->not_after + MICROSECONDS;
}

/* What the certificate may be used for; a test certificate is what its issuer issues. */
static enum certificate_kind use_of(const struct trust_anchors *anchors, const struct anchor *anchor,
                                    const struct certificate *certificate)
{
    if (certificate->kind == CERTIFICATE_TEST)
        return anchors->settings.accept_test_policy ? anchor->issues : CERTIFICATE_OTHER;
    return certificate->kind == anchor->issues ? anchor->issues : CERTIFICATE_OTHER;
}

static bool key_usage_fits(const struct certificate *certificate, enum certificate_kind kind)
{
    unsigned wanted = USAGE_SIGNATURE | (kind == CERTIFICATE_SIGNATURE ? USAGE_NON_REPUDIATION : 0);
    return certificate->key_usage == wanted;
}

static bool key_is_a_cards(const struct public_key *key)
{
    return key->kind == KEY_RSA_2048 || key->kind == KEY_P384;
}

static enum trust_outcome build(struct trust_anchors *anchors, const struct certificate *certificate,
                                const struct anchor **issuer, struct trusted_certificate *out)
{
    const struct anchor *anchor = find_issuer(anchors, certificate);
    if (!anchor)
        return TRUST_UNTRUSTED;
    enum certificate_kind kind = use_of(anchors, anchor, certificate);
    if (kind == CERTIFICATE_OTHER || !key_usage_fits(certificate, kind))
        return TRUST_WRONG_POLICY;
    if (!key_is_a_cards(&certificate->key))
        return TRUST_MALFORMED;
    *out = (struct trusted_certificate){
        .kind = kind,
        .test = certificate->kind == CERTIFICATE_TEST,
        .not_before = certificate->not_before,
        .not_after = certificate->not_after,
        .issuer_key = anchor->key_hash,
    };
    if (certificate_id_make(buffer_bytes(&anchor->spki), &certificate->serial, &out->id) != OK)
        return TRUST_FAILED;
    out->key = public_key_share(&certificate->key);
    *issuer = anchor;
    return TRUST_GOOD;
}

static enum trust_outcome check_chain(struct trust_anchors *anchors, struct bytes der,
                                      const struct sha256 *fingerprint, const struct anchor **anchor,
                                      struct trusted_certificate *out)
{
    struct certificate certificate;
    enum status status = certificate_parse_by(anchors->library, der, &certificate);
    if (status == ERR_NO_MEMORY || status == ERR_CRYPTO)
        return TRUST_FAILED;
    if (status != OK)
        return TRUST_MALFORMED;
    enum trust_outcome outcome = build(anchors, &certificate, anchor, out);
    if (outcome == TRUST_GOOD)
        remember(anchors, fingerprint, *anchor, out);
    certificate_free(&certificate);
    pthread_mutex_lock(&anchors->lock);
    anchors->counts.checked++;
    pthread_mutex_unlock(&anchors->lock);
    library_forget();
    return outcome;
}

static enum trust_outcome check_dates(const struct trusted_certificate *certificate, moment now)
{
    if (now < certificate->not_before)
        return TRUST_NOT_YET_VALID;
    return now < certificate->not_after + MICROSECONDS ? TRUST_GOOD : TRUST_EXPIRED;
}

enum trust_outcome trust_check(struct trust_anchors *anchors, struct bytes der, enum certificate_kind wanted,
                               moment now, struct trusted_certificate *out)
{
    struct trusted_certificate certificate = {0};
    struct sha256 fingerprint;
    *out = certificate;
    if (der.length == 0 || der.length > CERTIFICATE_LIMIT)
        return TRUST_MALFORMED;
    if (sha256_of(der, &fingerprint) != OK)
        return TRUST_FAILED;
    const struct anchor *anchor = recall(anchors, &fingerprint, &certificate);
    enum trust_outcome outcome =
        anchor ? TRUST_GOOD : check_chain(anchors, der, &fingerprint, &anchor, &certificate);
    if (outcome != TRUST_GOOD)
        return outcome;
    if (!is_valid_at(&anchor->certificate, now))
        outcome = TRUST_UNTRUSTED;
    else if (certificate.kind != wanted)
        outcome = TRUST_WRONG_POLICY;
    if (outcome != TRUST_GOOD) {
        trusted_certificate_free(&certificate);
        return outcome;
    }
    *out = certificate;
    return check_dates(&certificate, now);
}

struct trust_counts trust_counts(struct trust_anchors *anchors)
{
    pthread_mutex_lock(&anchors->lock);
    struct trust_counts counts = anchors->counts;
    pthread_mutex_unlock(&anchors->lock);
    return counts;
}
