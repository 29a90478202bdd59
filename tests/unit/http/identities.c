#include "identities.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static moment days_from_now(int days)
{
    return clock_now(&real_clock) + (moment)days * 86400 * MICROSECONDS;
}

static enum status write_certificate(struct bytes der, const char *path)
{
    return certificate_save(&der, 1, path);
}

static enum status issue_server(const struct issuer *ca, const struct public_key *key, const char *path)
{
    static const char *const names[] = {"localhost", "127.0.0.1", NULL};
    struct server_certificate_order order = {
        .key = *key, .names = names, .not_before = days_from_now(-1), .not_after = days_from_now(30)};
    struct buffer der = {0};
    serial_create(&order.serial);
    enum status status = certificate_issue_server(ca, &order, &der);
    if (status == OK)
        status = write_certificate(buffer_bytes(&der), path);
    buffer_free(&der);
    return status;
}

static enum status issue_machine(const struct issuer *ca, const struct public_key *key, const char *path)
{
    struct machine_certificate_order order = {.key = *key,
                                              .subject = {MACHINE_INSTITUTION, "1312345678"},
                                              .not_before = days_from_now(-1),
                                              .not_after = days_from_now(30)};
    struct buffer der = {0};
    serial_create(&order.serial);
    enum status status = certificate_issue_machine(ca, &order, &der);
    if (status == OK)
        status = write_certificate(buffer_bytes(&der), path);
    buffer_free(&der);
    return status;
}

static enum status save_ca(const struct issuer *ca, const char *path)
{
    struct buffer der = {0};
    enum status status = certificate_encode(&ca->certificate, &der);
    if (status == OK)
        status = write_certificate(buffer_bytes(&der), path);
    buffer_free(&der);
    return status;
}

/* A new CA, and one certificate by it with its key. ca_file may be NULL. */
static enum status make(enum issuer_kind kind, const char *ca_file, const char *certificate_file,
                        const char *key_file)
{
    struct issuer ca = {0};
    struct private_key key = {0};
    struct public_key public_key = {0};
    enum status status = issuer_create(kind, KEY_P256, "Test", days_from_now(-2), days_from_now(60), &ca);
    if (status == OK && ca_file)
        status = save_ca(&ca, ca_file);
    if (status == OK)
        status = private_key_create(KEY_P256, &key);
    if (status == OK)
        status = public_key_of(&key, &public_key);
    if (status == OK)
        status = private_key_save(&key, key_file);
    if (status == OK)
        status = kind == ISSUER_CENTRE ? issue_server(&ca, &public_key, certificate_file)
                                       : issue_machine(&ca, &public_key, certificate_file);
    public_key_free(&public_key);
    private_key_free(&key);
    issuer_free(&ca);
    return status;
}

enum status identities_create(struct identities *out)
{
    const char *temporary = getenv("TMPDIR");
    char directory[sizeof out->directory];
    snprintf(directory, sizeof directory, "%.40s/http-XXXXXX", temporary ? temporary : "/tmp");
    return mkdtemp(directory) ? identities_create_in(out, directory) : ERR_IO;
}

enum status identities_create_in(struct identities *out, const char *directory)
{
    snprintf(out->directory, sizeof out->directory, "%s", directory);
    const struct {
        char *path;
        const char *name;
    } files[] = {
        {out->server_ca, "server-ca.crt"},
        {out->server_certificate, "server.crt"},
        {out->server_key, "server.key"},
        {out->machine_ca, "machine-ca.crt"},
        {out->machine_certificate, "machine.crt"},
        {out->machine_key, "machine.key"},
        {out->stranger_certificate, "stranger.crt"},
        {out->stranger_key, "stranger.key"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++)
        snprintf(files[i].path, sizeof out->server_ca, "%.63s/%s", out->directory, files[i].name);
    enum status status = make(ISSUER_CENTRE, out->server_ca, out->server_certificate, out->server_key);
    if (status == OK)
        status = make(ISSUER_MACHINES, out->machine_ca, out->machine_certificate, out->machine_key);
    if (status == OK)
        status = make(ISSUER_MACHINES, NULL, out->stranger_certificate, out->stranger_key);
    return status;
}

enum status identities_renew_server(struct identities *identities)
{
    return make(ISSUER_CENTRE, identities->server_ca, identities->server_certificate, identities->server_key);
}

void identities_remove(struct identities *identities)
{
    const char *files[] = {identities->server_ca,
                           identities->server_certificate,
                           identities->server_key,
                           identities->machine_ca,
                           identities->machine_certificate,
                           identities->machine_key,
                           identities->stranger_certificate,
                           identities->stranger_key};
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++)
        unlink(files[i]);
    rmdir(identities->directory);
}
