#include "service/card_proof.h"

#include <string.h>

static enum reason check_challenge(const struct centre *centre, const struct caller *caller,
                                   const struct challenge *challenge, moment now, moment *expiry)
{
    struct bytes bound_to = bytes_of(caller->certificate.bytes, sizeof(caller->certificate.bytes));
    switch (challenge_check(&centre->challenge_key, bound_to, challenge, now, expiry)) {
    case CHALLENGE_GOOD:
        return REASON_NONE;
    case CHALLENGE_EXPIRED:
        return REASON_CHALLENGE_EXPIRED;
    case CHALLENGE_FOREIGN:
        return REASON_CHALLENGE_FOREIGN;
    }
    return REASON_INTERNAL;
}

static enum reason reason_of_trust(enum trust_outcome outcome)
{
    switch (outcome) {
    case TRUST_GOOD:
    case TRUST_EXPIRED:
        return REASON_NONE;
    case TRUST_MALFORMED:
        return REASON_CERTIFICATE_MALFORMED;
    case TRUST_UNTRUSTED:
    case TRUST_NOT_YET_VALID:
        return REASON_CERTIFICATE_UNTRUSTED;
    case TRUST_WRONG_POLICY:
        return REASON_CERTIFICATE_POLICY_WRONG;
    case TRUST_FAILED:
        return REASON_INTERNAL;
    }
    return REASON_INTERNAL;
}

/* The terminal that the signature names: issued by the terminal CA, and this institution's own. */
static enum reason check_terminal(const struct centre *centre, const struct caller *caller,
                                  struct bytes encoded, struct statement_signature *signature,
                                  struct proven_card *out)
{
    struct terminal_certificate certificate;
    if (terminal_certificate_parse(encoded, &certificate) != OK ||
        terminal_certificate_verify(&certificate, &centre->terminal_ca) != OK ||
        !terminal_belongs_to(&certificate.subject, caller->subject.code))
        return REASON_TERMINAL_UNKNOWN;
    signature->terminal = certificate.subject;
    out->has_terminal = true;
    out->terminal = certificate.subject;
    return REASON_NONE;
}

static void compose(const struct centre *centre, const struct caller *caller,
                    const struct challenge *challenge, const struct proof_purpose *purpose,
                    struct statement_message *out)
{
    struct statement statement = {
        .kind = purpose->kind,
        .centre = centre->id,
        .challenge = *challenge,
        .caller = caller->fingerprint,
        .purpose = purpose->purpose,
        .day = purpose->day,
        .content = purpose->content,
    };
    memcpy(statement.institution, caller->subject.code, sizeof(statement.institution));
    statement_compose(&statement, out);
}

enum reason card_proof_check(const struct centre *centre, const struct caller *caller,
                             const struct card_proof *proof, const struct proof_purpose *purpose, moment now,
                             struct proven_card *out)
{
    *out = (struct proven_card){0};
    enum reason reason = check_challenge(centre, caller, &proof->challenge, now, &out->challenge_expiry);
    if (reason != REASON_NONE)
        return reason;
    struct trusted_certificate trusted;
    reason = reason_of_trust(
        trust_check(centre->anchors, proof->certificate, CERTIFICATE_AUTHENTICATION, now, &trusted));
    if (reason != REASON_NONE)
        return reason;
    out->certificate = trusted.id;
    out->last_day = date_in_tokyo(trusted.not_after);

    struct statement_signature signature = proof->signature;
    struct statement_message message;
    compose(centre, caller, &proof->challenge, purpose, &message);
    if (signature.form == STATEMENT_WITHOUT_PIN)
        reason = check_terminal(centre, caller, proof->terminal_certificate, &signature, out);
    if (reason == REASON_NONE && statement_verify(&trusted.key, &message, &signature) != OK)
        reason = REASON_SIGNATURE_MISMATCH;
    trusted_certificate_free(&trusted);
    return reason;
}
