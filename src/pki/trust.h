#ifndef SHIKAKU_PKI_TRUST_H
#define SHIKAKU_PKI_TRUST_H

#include "pki/certificate.h"

/*
 * Whom the centre believes: chain, policy, algorithms and validity of a card's certificate. Whether it is
 * suspended or revoked is not said here: that is the state feed's (pki/state_feed.h).
 */
enum trust_outcome {
    TRUST_GOOD,
    TRUST_MALFORMED,    /* not a certificate that follows the rules, or a key kind that we do not know */
    TRUST_UNTRUSTED,    /* no configured CA signed it, or that CA itself is not valid now */
    TRUST_WRONG_POLICY, /* well signed, but for something else (a signature certificate at reception) */
    TRUST_NOT_YET_VALID,
    TRUST_EXPIRED, /* not_after tells since when; the grace of reception builds on it */
    TRUST_FAILED,  /* the check itself failed: memory or library */
};
/* "good", "malformed", … for logs. */
const char *trust_outcome_name(enum trust_outcome outcome);

/* Filled for GOOD, NOT_YET_VALID and EXPIRED; otherwise empty. Owned; freed by trusted_certificate_free(). */
struct trusted_certificate {
    struct certificate_id id;
    enum certificate_kind kind; /* CERTIFICATE_AUTHENTICATION or CERTIFICATE_SIGNATURE */
    bool test;                  /* came under the test policy */
    moment not_before;
    moment not_after;
    struct sha256 issuer_key; /* SHA-256 of the CA's SubjectPublicKeyInfo */
    struct public_key key;    /* shared with the cache */
};

struct trust_settings {
    bool accept_test_policy; /* never in production */
    /* Certificates whose chain was checked are remembered, so that the next check costs one hash and the
     * statement's own signature. About 1 KB each with its key. 0: none. */
    size_t remembered;
};

/* The configured CAs and the memory of checked chains. Add anchors first; afterwards any thread may check. */
struct trust_anchors;

enum status trust_anchors_create(const struct trust_settings *settings,
                                 struct trust_anchors **out) MUST_CHECK;
/* What one CA may issue: CERTIFICATE_AUTHENTICATION or CERTIFICATE_SIGNATURE. Several with the same name
 * (generations) are told apart by their keys. ERR_EXISTS: the same key again. */
enum status trust_anchors_add(struct trust_anchors *anchors, enum certificate_kind issues,
                              struct bytes der) MUST_CHECK;
/* Every certificate of a PEM file. */
enum status trust_anchors_add_file(struct trust_anchors *anchors, enum certificate_kind issues,
                                   const char *path) MUST_CHECK;
void trust_anchors_free(struct trust_anchors *anchors);

/* wanted: the kind that the use needs. Thread-safe. */
enum trust_outcome trust_check(struct trust_anchors *anchors, struct bytes der, enum certificate_kind wanted,
                               moment now, struct trusted_certificate *out) MUST_CHECK;
void trusted_certificate_free(struct trusted_certificate *certificate);

struct trust_counts {
    uint64_t remembered; /* answered from memory */
    uint64_t checked;    /* chains verified */
};
struct trust_counts trust_counts(struct trust_anchors *anchors);

#endif
