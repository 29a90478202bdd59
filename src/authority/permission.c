#include "authority/permission.h"

#include <string.h>

enum role {
    ROLE_NONE = 0,
    ROLE_COUNTER = 1,
    ROLE_HOTLINE = 2,
    ROLE_REGISTRAR = 4,
    ROLE_LINK = 8,
};

static enum role role_of(const struct machine_subject *caller)
{
    static const struct {
        const char *head;
        enum role role;
    } operators[] = {{"counter-", ROLE_COUNTER}, {"hotline-", ROLE_HOTLINE}, {"registrar-", ROLE_REGISTRAR}};
    if (caller->kind == MACHINE_LINK)
        return ROLE_LINK;
    if (caller->kind != MACHINE_OPERATOR)
        return ROLE_NONE;
    for (size_t i = 0; i < ARRAY_LENGTH(operators); i++) {
        if (strncmp(caller->code, operators[i].head, strlen(operators[i].head)) == 0)
            return operators[i].role;
    }
    return ROLE_NONE;
}

static unsigned roles_for(enum operation operation)
{
    switch (operation) {
    case OPERATION_REGISTER_RESIDENT:
    case OPERATION_ISSUE_CARD:
    case OPERATION_RENEW_CARD:
    case OPERATION_LIFT_CARD: /* Q8 */
    case OPERATION_REVOKE_CARD:
        return ROLE_COUNTER;
    case OPERATION_SUSPEND_CARD:
        return ROLE_COUNTER | ROLE_HOTLINE;
    case OPERATION_SHOW:
        return ROLE_COUNTER | ROLE_HOTLINE | ROLE_REGISTRAR;
    case OPERATION_ISSUE_MACHINE:
    case OPERATION_CHANGE_MACHINE:
        return ROLE_REGISTRAR;
    case OPERATION_READ_FEED:
    case OPERATION_ASK:
        return ROLE_LINK;
    }
    return 0;
}

bool caller_may(const struct machine_subject *caller, enum operation operation)
{
    return (roles_for(operation) & role_of(caller)) != 0;
}
