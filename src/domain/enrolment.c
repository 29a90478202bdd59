#include "domain/enrolment.h"

enum reason enrolment_refusal(const struct certificate_facts *certificate, struct date today)
{
    if (!certificate->known)
        return REASON_AUTHORITY_UNREACHABLE;
    if (certificate->person.self_information_blocked || certificate->state == CERTIFICATE_SUSPENDED ||
        certificate->state == CERTIFICATE_REVOKED || certificate->state == CERTIFICATE_SUPERSEDED)
        return REASON_CARD_NOT_USABLE;
    if (certificate->state == CERTIFICATE_EXPIRED || date_before(certificate->last_day, today))
        return REASON_CERTIFICATE_EXPIRED;
    return REASON_NONE;
}
