#ifndef SHIKAKU_AUTHORITY_SETUP_H
#define SHIKAKU_AUTHORITY_SETUP_H

#include "base/clock.h"
#include "base/status.h"

/*
 * A new authority's directory:
 *
 *   authority.json          settings
 *   authority.db            residents and certificates
 *   ca/                     keys of all CAs (0600), feed key, sealing key
 *   server.{crt,key}        its own TLS certificate
 *   operators/NAME/machine.{crt,key}    counter, hotline, registrar: who may do what (authority/permission.h)
 *   issuing/surface.{key,cv}            signs what is printed on cards; belongs to where cards are made
 *   public/                 what everybody else needs:
 *       authentication-ca.pem signature-ca.pem   all generations
 *       machine-ca.pem        of institutions, insurers, link, operators
 *       server-ca.pem         of the authority's own server
 *       feed.pem sealing.pem  public keys
 *       terminal-ca.cv        card-verifiable, self-issued
 *   logs/
 */
struct authority_settings {
    char address[64]; /* numeric */
    uint16_t port;    /* 0: any free one */
};

extern const struct authority_settings authority_default_settings; /* 127.0.0.1, 8440 */

/* ERR_EXISTS: there is one in this directory already. Nothing else is left behind by a failure that a second
 * try cannot overwrite. */
enum status authority_setup(const char *directory, const struct authority_settings *settings,
                            const struct clock *clock) MUST_CHECK;
enum status authority_settings_load(const char *directory, struct authority_settings *out) MUST_CHECK;

#endif
