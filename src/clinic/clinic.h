#ifndef SHIKAKU_CLINIC_CLINIC_H
#define SHIKAKU_CLINIC_CLINIC_H

#include "base/clock.h"
#include "card/client.h"
#include "clinic/challenge_store.h"
#include "clinic/outcome.h"
#include "clinic/settings.h"
#include "clinic/trace.h"
#include "http/client.h"
#include "pki/certificate.h"

/* One terminal of an institution: who it is, and its line to the centre. */
struct clinic {
    const struct clinic_settings *settings; /* borrowed */
    const struct clock *clock;              /* borrowed */
    struct certificate machine;
    struct sha256 centre; /* of the CA's key: the `centre` field of every statement */
    bool has_terminal;
    struct card_terminal terminal;
    struct challenge_store challenges;
    struct http_client *http;
    struct region texts; /* of outcomes; lives as long as this */
    struct trace trace;
};

/* Reads keys and certificates and sees that they belong together; touches neither network nor card.
 * ERR_NOT_FOUND, ERR_DENIED, ERR_MALFORMED …: fault says which. Freed by clinic_close(), also after an error.
 */
enum status clinic_open(const struct clinic_settings *settings, const struct clock *clock, struct clinic *out,
                        struct settings_fault *fault) MUST_CHECK;
void clinic_close(struct clinic *clinic);

/* One call to the centre, traced; a call that broke after it was sent is repeated once, byte for byte: the
 * centre then gives the recorded answer. body empty: GET. */
enum status clinic_call(struct clinic *clinic, const char *path, struct bytes body,
                        struct http_reply *reply) MUST_CHECK;

/*
 * A challenge for one statement, from the store or else fresh from the centre, which then gives many.
 * ERR_UNREACHABLE: no answer; ERR_DENIED: a problem, described in outcome.
 */
enum status clinic_take_challenge(struct clinic *clinic, struct challenge *out,
                                  struct outcome *refused) MUST_CHECK;
/* After the centre refused one of them: the others are of the same batch. */
void clinic_forget_challenges(struct clinic *clinic);
/* Fetches ahead where few are left, so that the next check is one round trip. Failure is no matter. */
void clinic_fetch_ahead(struct clinic *clinic);

#endif
