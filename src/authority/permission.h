#ifndef SHIKAKU_AUTHORITY_PERMISSION_H
#define SHIKAKU_AUTHORITY_PERMISSION_H

#include <stdbool.h>

#include "authority/authority.h"

/* Who may do what, by the caller's machine certificate. Operators' roles stand at the head of their code:
 * "counter-13101", "hotline-1", "registrar-1". */
enum operation {
    OPERATION_REGISTER_RESIDENT, /* counter */
    OPERATION_SHOW,              /* counter, hotline, registrar */
    OPERATION_ISSUE_CARD,        /* counter */
    OPERATION_RENEW_CARD,        /* counter */
    OPERATION_SUSPEND_CARD,      /* hotline, counter */
    OPERATION_LIFT_CARD,         /* counter only: never by telephone (Q8) */
    OPERATION_REVOKE_CARD,       /* counter */
    OPERATION_ISSUE_MACHINE,     /* registrar; terminals and vault keys too */
    OPERATION_CHANGE_MACHINE,    /* registrar; terminals too */
    OPERATION_READ_FEED,         /* link */
    OPERATION_ASK,               /* link */
};

bool caller_may(const struct machine_subject *caller, enum operation operation);

#endif
