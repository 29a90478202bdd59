#ifndef SHIKAKU_DOMAIN_FACTS_H
#define SHIKAKU_DOMAIN_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/date.h"
#include "domain/coverage.h"
#include "domain/numbers.h"

/* What the registry knows, as plain rows: the input of every decision. Nothing here decides. */

/* How a subscription is tied to a person by a My Number. */
enum link_state {
    LINK_NONE,      /* no number was ever registered (Q10) */
    LINK_PENDING,   /* registered; the five items are still being compared */
    LINK_CONFIRMED, /* all five items agree, or the insurer's two officers declared "no doubt, with reason" */
    LINK_QUARANTINED, /* the items do not agree: no data until the insurer has looked into it */
    LINK_RELEASED,    /* taken back: it ties nothing any more. (A quarantine that was lifted is CONFIRMED.) */
};

struct person_facts {
    int64_t id;          /* 0: no person is known */
    bool non_disclosure; /* 不開示該当: the address is never shown, an old number never tells of a new one */
    bool self_information_blocked; /* 自己情報提供不可: the card does not work either */
    bool card_use_registered;      /* 利用登録: an enrolment is in force */
};

/* One subscription with one version of its coverage (the newest visible one for its period). */
struct subscription_facts {
    int64_t subscription;
    enum link_state link;
    struct person_facts person; /* flags set on the subscription alone count as well */
    struct coverage coverage;
};

enum certificate_state {
    CERTIFICATE_ACTIVE,
    CERTIFICATE_SUSPENDED, /* by telephone; lifted at the municipal counter only */
    CERTIFICATE_REVOKED,
    CERTIFICATE_EXPIRED,
    CERTIFICATE_SUPERSEDED, /* another certificate has taken its place: this one's card is the old one */
};

enum enrolment_state {
    ENROLMENT_NONE,
    ENROLMENT_WITHOUT_NUMBER, /* tried; no insurer has registered the person's number (Q10) */
    ENROLMENT_IN_FORCE,
    ENROLMENT_RELEASED, /* 利用登録の解除 */
};

/* The card certificate that signed, and whose it is. */
struct certificate_facts {
    bool known; /* false: the centre has never heard of it; nothing else counts then */
    enum certificate_state state;
    struct date last_day; /* of validity, inclusive, in Tokyo */
    bool on_phone;
    enum enrolment_state enrolment; /* of the person, whichever certificate it was made with */
    struct person_facts person;     /* id 0: not learnt yet */
};

/* The certificate of an institution's or insurer's machine, with its state now. */
struct machine_certificate_facts {
    bool known; /* named by the authority's feed */
    enum certificate_state state;
    struct date last_day;
    struct institution_code institution; /* digits "" where it is not an institution's */
};

/* REASON_NONE, machine_certificate_unknown, _revoked (suspended and superseded too) or _expired. */
enum reason machine_certificate_refusal(const struct machine_certificate_facts *facts, struct date today);

#endif
