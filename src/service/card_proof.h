#ifndef SHIKAKU_SERVICE_CARD_PROOF_H
#define SHIKAKU_SERVICE_CARD_PROOF_H

#include "domain/answer.h"
#include "pki/challenge.h"
#include "service/centre.h"

/* What a caller sends to prove that a card was there. Everything else of the signed statement is rebuilt from
 * what the centre knows. */
struct card_proof {
    struct challenge challenge;
    struct bytes certificate; /* DER */
    struct statement_signature signature;
    struct bytes terminal_certificate; /* without PIN only */
    enum authentication authenticated_by;
};

struct proven_card {
    struct certificate_id certificate;
    struct date last_day; /* of the certificate's validity, in Tokyo */
    moment challenge_expiry;
    bool has_terminal; /* its state is still to be looked at */
    struct terminal_id terminal;
};

struct proof_purpose {
    enum statement_kind kind;
    uint16_t purpose;
    struct date day;       /* DATE_NONE where none */
    struct sha256 content; /* zeros where none */
};

/*
 * Challenge, chain, policy, signature, in this order; the first thing wrong is the reason. An expired
 * certificate passes: what it is still good for is the domain's to decide (grace). Its state is not looked at
 * here.
 */
enum reason card_proof_check(const struct centre *centre, const struct caller *caller,
                             const struct card_proof *proof, const struct proof_purpose *purpose, moment now,
                             struct proven_card *out) MUST_CHECK;

#endif
