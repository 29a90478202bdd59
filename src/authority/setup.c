#include "authority/setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authority/holdings.h"

enum { AUTHORITY_YEARS = 15, SERVER_YEARS = 2 }; /* (ours) */

#define OWNER "Shikaku card authority"

/* Everything that is needed while a directory is being filled. */
struct site {
    const char *directory;
    const struct clock *clock;
    const struct authority_settings *settings;
    moment begins;
    moment ends;
};

static enum status make_folder(const struct site *site, const char *name, mode_t mode)
{
    char *path = path_in(site->directory, name);
    if (!path)
        return ERR_NO_MEMORY;
    enum status status = mkdir(path, mode) == 0 || errno == EEXIST ? OK : status_from_errno(errno);
    free(path);
    return status;
}

static enum status make_folders(const struct site *site)
{
    static const struct {
        const char *name;
        mode_t mode;
    } folders[] = {
        {"", 0755},
        {"ca", 0700},
        {"public", 0755},
        {"logs", 0750},
        {"issuing", 0700},
        {"operators", 0700},
        {"operators/counter", 0700},
        {"operators/hotline", 0700},
        {"operators/registrar", 0700},
    };
    enum status status = OK;
    for (size_t i = 0; i < ARRAY_LENGTH(folders) && status == OK; i++)
        status = make_folder(site, folders[i].name, folders[i].mode);
    return status;
}

static enum status write_file(const struct site *site, const char *name, struct bytes content, unsigned mode)
{
    char *path = path_in(site->directory, name);
    enum status status = path ? file_write_durably(path, content, mode) : ERR_NO_MEMORY;
    free(path);
    return status;
}

static enum status save_certificates(const struct site *site, const char *name,
                                     const struct certificate *const *certificates, size_t count)
{
    struct buffer encoded[2] = {0};
    struct bytes ders[2];
    char *path = path_in(site->directory, name);
    enum status status = path && count <= ARRAY_LENGTH(encoded) ? OK : ERR_NO_MEMORY;
    for (size_t i = 0; i < count && status == OK; i++) {
        status = certificate_encode(certificates[i], &encoded[i]);
        ders[i] = buffer_bytes(&encoded[i]);
    }
    if (status == OK)
        status = certificate_save(ders, count, path);
    for (size_t i = 0; i < ARRAY_LENGTH(encoded); i++)
        buffer_free(&encoded[i]);
    free(path);
    return status;
}

static enum status make_issuer(const struct site *site, const char *name, enum issuer_kind kind,
                               enum key_kind key_kind, struct issuer *out)
{
    char *path = path_in(site->directory, name);
    enum status status = path ? OK : ERR_NO_MEMORY;
    if (status == OK)
        status = issuer_create(kind, key_kind, OWNER, site->begins, site->ends, out);
    if (status == OK)
        status = issuer_save(out, path);
    free(path);
    return status;
}

/* Today's generation and the coming one, believed together. */
static enum status make_generations(const struct site *site, enum issuer_kind kind, const char *current,
                                    const char *next, const char *public_name)
{
    struct issuer issuers[2] = {0};
    enum status status = make_issuer(site, current, kind, KEY_RSA_2048, &issuers[0]);
    if (status == OK)
        status = make_issuer(site, next, kind, KEY_P384, &issuers[1]);
    const struct certificate *both[] = {&issuers[0].certificate, &issuers[1].certificate};
    if (status == OK)
        status = save_certificates(site, public_name, both, ARRAY_LENGTH(both));
    issuer_free(&issuers[0]);
    issuer_free(&issuers[1]);
    return status;
}

static enum status make_machine_issuer(const struct site *site)
{
    struct issuer issuer = {0};
    enum status status = make_issuer(site, "ca/machines", ISSUER_MACHINES, KEY_P256, &issuer);
    const struct certificate *one = &issuer.certificate;
    if (status == OK)
        status = save_certificates(site, "public/machine-ca.pem", &one, 1);
    issuer_free(&issuer);
    return status;
}

static enum status save_private(const struct site *site, const char *name, const struct private_key *key)
{
    char *path = path_in(site->directory, name);
    enum status status = path ? private_key_save(key, path) : ERR_NO_MEMORY;
    free(path);
    return status;
}

static enum status make_server(const struct site *site)
{
    const char *names[] = {"localhost", site->settings->address, NULL};
    struct issuer issuer = {0};
    struct private_key key = {0};
    struct server_certificate_order order = {
        .names = names,
        .not_before = site->begins,
        .not_after =
            moment_of_tokyo_midnight(date_add_years(date_in_tokyo(clock_now(site->clock)), SERVER_YEARS)),
    };
    struct buffer der = {0};
    serial_create(&order.serial);
    enum status status = make_issuer(site, "ca/server", ISSUER_CENTRE, KEY_P256, &issuer);
    const struct certificate *one = &issuer.certificate;
    if (status == OK)
        status = save_certificates(site, "public/server-ca.pem", &one, 1);
    if (status == OK)
        status = private_key_create(KEY_P256, &key);
    if (status == OK)
        status = public_key_of(&key, &order.key);
    if (status == OK)
        status = certificate_issue_server(&issuer, &order, &der);
    struct certificate certificate = {0};
    if (status == OK)
        status = certificate_parse(buffer_bytes(&der), &certificate);
    const struct certificate *server = &certificate;
    if (status == OK)
        status = save_certificates(site, "server.crt", &server, 1);
    if (status == OK)
        status = save_private(site, "server.key", &key);
    certificate_free(&certificate);
    buffer_free(&der);
    public_key_free(&order.key);
    private_key_free(&key);
    issuer_free(&issuer);
    return status;
}

/* A P-256 pair: the private part in ca/, the public one for everybody. */
static enum status make_pair(const struct site *site, const char *private_name, const char *public_name)
{
    struct private_key key = {0};
    struct public_key public = {0};
    char *path = path_in(site->directory, public_name);
    enum status status = path ? private_key_create(KEY_P256, &key) : ERR_NO_MEMORY;
    if (status == OK)
        status = save_private(site, private_name, &key);
    if (status == OK)
        status = public_key_of(&key, &public);
    if (status == OK)
        status = public_key_save(&public, path);
    free(path);
    public_key_free(&public);
    private_key_free(&key);
    return status;
}

static enum status save_terminal_certificate(const struct site *site, const char *name,
                                             const struct terminal_certificate *certificate)
{
    uint8_t bytes[TERMINAL_CERTIFICATE_LENGTH];
    terminal_certificate_encode(certificate, bytes);
    return write_file(site, name, bytes_of(bytes, sizeof(bytes)), 0644);
}

/* An RSA key and its card-verifiable certificate by `by`, or by itself where that is NULL. */
static enum status make_card_verifiable(const struct site *site, const char *key_name,
                                        const char *certificate_name, const struct terminal_id *subject,
                                        const struct private_key *by, struct private_key *key)
{
    struct public_key public = {0};
    struct terminal_certificate certificate;
    enum status status = private_key_create(KEY_RSA_2048, key);
    if (status == OK)
        status = public_key_of(key, &public);
    if (status == OK)
        status =
            terminal_certificate_issue(by ? by : key, &terminal_authority_id, subject, &public, &certificate);
    if (status == OK)
        status = save_private(site, key_name, key);
    if (status == OK)
        status = save_terminal_certificate(site, certificate_name, &certificate);
    public_key_free(&public);
    return status;
}

static enum status copy_file(const struct site *site, const char *from, const char *to)
{
    char *path = path_in(site->directory, from);
    struct buffer content = {0};
    enum status status = path ? file_read(path, 65536, &content) : ERR_NO_MEMORY;
    if (status == OK)
        status = write_file(site, to, buffer_bytes(&content), 0644);
    buffer_free(&content);
    free(path);
    return status;
}

static enum status make_terminal_authority(const struct site *site)
{
    static const struct terminal_id surface_id = {"SHIKAKU-SURFACE1"};
    struct private_key authority_key = {0}, surface_key = {0};
    enum status status = make_card_verifiable(site, "ca/terminal.key", "ca/terminal.cv",
                                              &terminal_authority_id, NULL, &authority_key);
    if (status == OK)
        status = copy_file(site, "ca/terminal.cv", "public/terminal-ca.cv");
    if (status == OK)
        status = make_card_verifiable(site, "issuing/surface.key", "issuing/surface.cv", &surface_id,
                                      &authority_key, &surface_key);
    private_key_free(&authority_key);
    private_key_free(&surface_key);
    return status;
}

static enum status save_machine(const struct site *site, const char *role, const struct private_key *key,
                                struct bytes der)
{
    char key_name[64], certificate_name[64];
    snprintf(key_name, sizeof(key_name), "operators/%s/machine.key", role);
    snprintf(certificate_name, sizeof(certificate_name), "operators/%s/machine.crt", role);
    char *path = path_in(site->directory, certificate_name);
    enum status status = path ? certificate_save(&der, 1, path) : ERR_NO_MEMORY;
    free(path);
    return status == OK ? save_private(site, key_name, key) : status;
}

static enum status make_operator(const struct site *site, struct authority *authority, const char *role)
{
    struct machine_subject subject = {.kind = MACHINE_OPERATOR};
    struct private_key key = {0};
    struct public_key public = {0};
    struct certificate_id id;
    struct buffer der = {0};
    snprintf(subject.code, sizeof(subject.code), "%s-1", role);
    enum status status = private_key_create(KEY_P256, &key);
    if (status == OK)
        status = public_key_of(&key, &public);
    if (status == OK)
        status = authority_issue_machine(authority, &subject, &public, &id, &der);
    if (status == OK)
        status = save_machine(site, role, &key, buffer_bytes(&der));
    buffer_free(&der);
    public_key_free(&public);
    private_key_free(&key);
    return status;
}

static enum status make_operators(const struct site *site)
{
    static const char *const roles[] = {"counter", "hotline", "registrar"};
    struct authority *authority;
    enum status status = authority_open(site->directory, site->clock, &authority);
    if (status != OK)
        return status;
    for (size_t i = 0; i < ARRAY_LENGTH(roles) && status == OK; i++)
        status = make_operator(site, authority, roles[i]);
    authority_close(authority);
    return status;
}

static enum status write_settings(const struct site *site)
{
    char text[160];
    int length = snprintf(text, sizeof(text), "{\n  \"address\": \"%s\",\n  \"port\": %u\n}\n",
                          site->settings->address, site->settings->port);
    return write_file(site, "authority.json", bytes_of(text, (size_t)length), 0644);
}

static enum status is_still_free(const struct site *site)
{
    char *path = path_in(site->directory, "authority.json");
    if (!path)
        return ERR_NO_MEMORY;
    enum status status = access(path, F_OK) == 0 ? ERR_EXISTS : OK;
    free(path);
    return status;
}

enum status authority_setup(const char *directory, const struct authority_settings *settings,
                            const struct clock *clock)
{
    moment now = clock_now(clock);
    const struct site site = {
        .directory = directory,
        .clock = clock,
        .settings = settings,
        .begins = now - now % MICROSECONDS,
        .ends = moment_of_tokyo_midnight(date_add_years(date_in_tokyo(now), AUTHORITY_YEARS)),
    };
    enum status status = is_still_free(&site);
    if (status == OK)
        status = make_folders(&site);
    if (status == OK)
        status = make_generations(&site, ISSUER_AUTHENTICATION, "ca/authentication", "ca/authentication-next",
                                  "public/authentication-ca.pem");
    if (status == OK)
        status = make_generations(&site, ISSUER_SIGNATURE, "ca/signature", "ca/signature-next",
                                  "public/signature-ca.pem");
    if (status == OK)
        status = make_machine_issuer(&site);
    if (status == OK)
        status = make_server(&site);
    if (status == OK)
        status = make_pair(&site, "ca/feed.key", "public/feed.pem");
    if (status == OK)
        status = make_pair(&site, "ca/sealing.key", "public/sealing.pem");
    if (status == OK)
        status = make_terminal_authority(&site);
    if (status == OK)
        status = make_operators(&site);
    /* The settings come last: where they are, everything is. */
    return status == OK ? write_settings(&site) : status;
}
