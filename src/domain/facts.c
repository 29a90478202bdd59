#include "domain/facts.h"

enum reason machine_certificate_refusal(const struct machine_certificate_facts *facts, struct date today)
{
    if (!facts->known)
        return REASON_MACHINE_CERTIFICATE_UNKNOWN;
    switch (facts->state) {
    case CERTIFICATE_ACTIVE:
        break;
    case CERTIFICATE_EXPIRED:
        return REASON_MACHINE_CERTIFICATE_EXPIRED;
    case CERTIFICATE_SUSPENDED:
    case CERTIFICATE_REVOKED:
    case CERTIFICATE_SUPERSEDED:
        return REASON_MACHINE_CERTIFICATE_REVOKED;
    }
    return date_before(facts->last_day, today) ? REASON_MACHINE_CERTIFICATE_EXPIRED : REASON_NONE;
}
