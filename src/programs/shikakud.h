#ifndef SHIKAKU_PROGRAMS_SHIKAKUD_H
#define SHIKAKU_PROGRAMS_SHIKAKUD_H

#include "service/settings.h"

/* The processes of shikakud, and under which numbers each finds its sockets. */
enum {
    FRONT_VAULT_FD = 10, /* and following: one a job thread */
    FRONT_LINK_FD = 30,
    VAULT_FRONT_FD = 10, /* and following */
    VAULT_LINK_FD = 30,
    LINK_FRONT_FD = 10,
    LINK_VAULT_FD = 11,
};

/* Each runs until it is told to end, or its peers are gone, and gives the process's exit status. */
int run_front(const struct centre_settings *settings);
int run_vault(const struct centre_settings *settings);
int run_link(const struct centre_settings *settings);

#endif
