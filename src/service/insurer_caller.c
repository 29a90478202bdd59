#include "service/insurer_caller.h"

#include <string.h>

#include "registry/certificate.h"
#include "registry/parties.h"

static enum reason machine_refusal(const struct proceeding *proceeding, struct db *changes)
{
    struct machine_certificate_facts facts = {0};
    enum status status = machine_certificate_find(changes, proceeding->caller.certificate.bytes, &facts);
    if (status != OK && status != ERR_NOT_FOUND)
        return reason_of_store(status);
    return machine_certificate_refusal(&facts, date_in_tokyo(proceeding->now));
}

enum reason insurer_caller_refusal(const struct proceeding *proceeding, struct db *changes,
                                   struct insurer_number *out)
{
    const char *code = proceeding->caller.subject.code;
    enum reason reason = machine_refusal(proceeding, changes);
    if (reason != REASON_NONE)
        return reason;
    if (insurer_number_parse(code, strlen(code), out) != REASON_NONE)
        return REASON_INSURER_UNKNOWN;
    struct insurer insurer;
    enum status status = insurer_find(changes, out, proceeding->region, &insurer);
    return status == OK              ? REASON_NONE
           : status == ERR_NOT_FOUND ? REASON_INSURER_UNKNOWN
                                     : reason_of_store(status);
}
