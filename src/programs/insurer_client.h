#ifndef SHIKAKU_PROGRAMS_INSURER_CLIENT_H
#define SHIKAKU_PROGRAMS_INSURER_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "http/client.h"

/* What insurers' commands have in common: where the centre is, who calls, one exchange of JSON. */
struct insurer_options {
    const char *centre;           /* URL */
    const char *public_directory; /* of the centre: centre-ca.crt, vault-sealing.pub */
    const char *certificate;      /* PEM, the insurer's machine certificate */
    const char *key;
};

/* Recognises --centre, --public, --certificate and --key at arguments[*at]; moves on. */
bool insurer_option(struct insurer_options *options, int count, char **arguments, int *at);
bool insurer_options_are_complete(const struct insurer_options *options);

/* Says on stderr what is wrong. Freed by http_client_free(). */
struct http_client *insurer_connect(const struct insurer_options *options);
/* body is given away; NULL asks by GET. The answer's object, or NULL after the problem was printed on stderr.
 */
json_t *insurer_call(struct http_client *client, const char *path, json_t *body);

#endif
