#ifndef SHIKAKU_SERVICE_SETTINGS_H
#define SHIKAKU_SERVICE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/region.h"

/*
 * centre.json: what an operator of the centre can set. Everything has a default but the authority's URL;
 * paths are relative to the file's own directory. docs/settings.md explains each.
 */
struct centre_settings {
    struct region region; /* owns every text below */
    const char *directory;

    const char *address; /* numeric, of the machine port */
    uint16_t port;
    const char *operations_address; /* loopback: /healthz and /metrics */
    uint16_t operations_port;
    const char *const *server_names; /* in the server's certificate; NULL at the end */
    unsigned loops;                  /* 0: one a processor */
    unsigned job_threads;
    unsigned shutdown_ms;
    const char *user; /* to drop to when started as root; NULL: stay */

    const char *database; /* "sqlite:PATH" or "postgresql://…" */
    const char *log_directory;
    const char *vault_directory;
    const char *keys_directory;
    const char *public_directory; /* what insurers need: the vault's sealing key, the centre's CA */

    const char *authority_url;
    const char *authority_directory; /* copy of what the authority publishes */
    unsigned feed_limit_seconds;     /* older news of certificates: checks by card cannot be confirmed */

    const char *const *authentication_cas; /* PEM files: JPKI user authentication; NULL at the end */
    const char *const *signature_cas;
    const char *machine_ca;  /* PEM */
    const char *terminal_ca; /* card-verifiable certificate */
    bool accept_test_policy;

    const char *terms_version;
    const char *terms_file;

    unsigned requests_per_second; /* a caller; 0: no limit */
    unsigned burst;
    unsigned connections;
    unsigned checks_ms; /* a check that takes longer answers too_busy */
    unsigned challenges_most;
};

/* ERR_NOT_FOUND, ERR_MALFORMED (a word about what is wrong is logged), ERR_NO_MEMORY. Freed by
 * centre_settings_free(), also after an error. */
enum status centre_settings_load(const char *directory, struct centre_settings *out) MUST_CHECK;
void centre_settings_free(struct centre_settings *settings);

#endif
