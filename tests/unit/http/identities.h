#ifndef SHIKAKU_TESTS_HTTP_IDENTITIES_H
#define SHIKAKU_TESTS_HTTP_IDENTITIES_H

#include "pki/issue.h"

/* A centre's CA with a server certificate for 127.0.0.1 and localhost, and a machine CA with an institution's
 * certificate, as files in a directory of their own. */
struct identities {
    char directory[64];
    char server_ca[96], server_certificate[96], server_key[96];
    char machine_ca[96], machine_certificate[96], machine_key[96];
    char stranger_certificate[96], stranger_key[96]; /* by a CA that nobody trusts */
};

/* In a new directory under $TMPDIR or /tmp; or in one that exists. */
enum status identities_create(struct identities *out) MUST_CHECK;
enum status identities_create_in(struct identities *out, const char *directory) MUST_CHECK;
/* A server certificate by a new centre CA replaces the files. */
enum status identities_renew_server(struct identities *identities) MUST_CHECK;
void identities_remove(struct identities *identities);

#endif
