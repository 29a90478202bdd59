#ifndef SHIKAKU_PROGRAMS_SHIKAKU_AUTHORITY_H
#define SHIKAKU_PROGRAMS_SHIKAKU_AUTHORITY_H

#include "base/status.h"

/* Subcommands of shikaku-authority. Each gets what follows its name, and gives the exit code. */
enum {
    DONE = 0,
    FAILED = 1, /* asked, and refused; or it could not be done */
    MISUSED = 2,
};

typedef int authority_command(int count, char **arguments);

authority_command authority_init;  /* DIR [--address ADDRESS] [--port PORT] */
authority_command authority_serve; /* DIR */

/* These ask the running authority, with the certificate of the operator whose work it is. */
authority_command authority_resident; /* DIR FILE.json */
authority_command authority_show;     /* DIR [CERTIFICATE-ID]; without: a My Number on standard input */
authority_command authority_renew;    /* DIR OUT AUTHENTICATION.pem [SIGNATURE.pem]; My Number as above */
authority_command authority_machine;  /* DIR KIND CODE OUT */
authority_command authority_terminal; /* DIR INSTITUTION OUT */
authority_command authority_vault;    /* DIR KEY.pem */
authority_command authority_suspend;  /* DIR card|machine|terminal ID; so the next two */
authority_command authority_lift;
authority_command authority_revoke;

/* "shikaku-authority: WHAT: STATUS" in words on standard error; gives FAILED. */
int complain(const char *what, enum status status);

#endif
