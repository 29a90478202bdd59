#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/region.h"
#include "pki/issue.h"
#include "programs/default_terms.h"
#include "programs/shikaku_commands.h"
#include "registry/registry.h"
#include "vault/vault.h"

/* shikaku init: a new centre's keys, certificates, vault, registry and settings. Nothing that exists is
 * touched. */
struct new_centre {
    struct region region;
    const char *directory;
    const char *authority_published; /* what the card authority publishes, to be copied */
    const char *authority_url;
    const char *database;
    const char *name; /* of the server, in its certificate */
    int port, operations_port;
    bool test_policy;
};

static const char *path_in(struct new_centre *centre, const char *name)
{
    const char *path = region_printf(&centre->region, "%s/%s", centre->directory, name);
    return path ? path : "";
}

static enum status make_directory(struct new_centre *centre, const char *name, mode_t mode)
{
    if (mkdir(path_in(centre, name), mode) == 0 || errno == EEXIST)
        return OK;
    return status_from_errno(errno);
}

static enum status make_directories(struct new_centre *centre)
{
    if (mkdir(centre->directory, 0750) != 0 && errno != EEXIST)
        return status_from_errno(errno);
    if (access(path_in(centre, "centre.json"), F_OK) == 0)
        return ERR_EXISTS;
    static const char *const private[] = {"keys", "log", "logs"};
    enum status status = OK;
    for (size_t i = 0; i < ARRAY_LENGTH(private) && status == OK; i++)
        status = make_directory(centre, private[i], 0700);
    if (status == OK)
        status = make_directory(centre, "public", 0755);
    return status == OK ? make_directory(centre, "authority", 0755) : status;
}

static enum status copy_file(const char *from, const char *to)
{
    enum { PUBLISHED_LIMIT = 1 << 20 };
    struct buffer content = {0};
    enum status status = file_read(from, PUBLISHED_LIMIT, &content);
    if (status == OK)
        status = file_write_durably(to, buffer_bytes(&content), 0644);
    buffer_free(&content);
    return status;
}

static enum status copy_published(struct new_centre *centre)
{
    DIR *directory = opendir(centre->authority_published);
    if (!directory)
        return status_from_errno(errno);
    enum status status = OK;
    for (struct dirent *entry = readdir(directory); entry && status == OK; entry = readdir(directory)) {
        if (entry->d_name[0] == '.')
            continue;
        const char *from =
            region_printf(&centre->region, "%s/%s", centre->authority_published, entry->d_name);
        const char *to = region_printf(&centre->region, "%s/authority/%s", centre->directory, entry->d_name);
        status = from && to ? copy_file(from, to) : ERR_NO_MEMORY;
    }
    closedir(directory);
    return status;
}

static enum status issue_server_certificate(struct new_centre *centre, const struct issuer *ca, moment now)
{
    struct private_key key = {0};
    struct buffer der = {0};
    enum status status = private_key_create(KEY_P256, &key);
    const char *names[] = {centre->name, "localhost", "127.0.0.1", NULL};
    struct server_certificate_order order = {
        .names = names, .not_before = now, .not_after = now + (int64_t)398 * 86400 * MICROSECONDS};
    serial_create(&order.serial);
    if (status == OK)
        status = public_key_of(&key, &order.key);
    if (status == OK)
        status = certificate_issue_server(ca, &order, &der);
    const struct bytes chain[] = {buffer_bytes(&der)};
    if (status == OK)
        status = certificate_save(chain, 1, path_in(centre, "keys/server.crt"));
    if (status == OK)
        status = private_key_save(&key, path_in(centre, "keys/server.key"));
    public_key_free(&order.key);
    private_key_free(&key);
    buffer_free(&der);
    return status;
}

static enum status make_keys(struct new_centre *centre)
{
    moment now = clock_now(&real_clock);
    struct issuer ca = {0};
    struct secret_key challenge;
    enum status status = issuer_create(ISSUER_CENTRE, KEY_P256, "オンライン資格確認等システム（Shikaku）",
                                       now, now + (int64_t)10 * 366 * 86400 * MICROSECONDS, &ca);
    if (status == OK)
        status = issuer_save(&ca, path_in(centre, "keys/centre-ca"));
    if (status == OK)
        status = copy_file(path_in(centre, "keys/centre-ca.crt"), path_in(centre, "public/centre-ca.crt"));
    if (status == OK)
        status = issue_server_certificate(centre, &ca, now);
    issuer_free(&ca);
    secret_key_create(&challenge);
    if (status == OK)
        status = secret_key_save(&challenge, path_in(centre, "keys/challenge.key"));
    secret_key_wipe(&challenge);
    return status;
}

static enum status make_stores(struct new_centre *centre)
{
    enum status status = vault_create(path_in(centre, "vault"));
    if (status == OK)
        status = copy_file(path_in(centre, "vault/sealing.pub"), path_in(centre, "public/vault-sealing.pub"));
    bool embedded = strncmp(centre->database, "sqlite:", 7) == 0;
    const char *location =
        embedded ? region_printf(&centre->region, "sqlite:%s/%s", centre->directory, centre->database + 7)
                 : centre->database;
    const struct db_options options = {.location = location, .use = DB_FOR_CHANGES};
    struct db *db = NULL;
    if (status == OK)
        status = location ? registry_open(&options, &db) : ERR_NO_MEMORY;
    db_close(db);
    return status;
}

static enum status write_settings(struct new_centre *centre)
{
    enum status status = file_write_durably(path_in(centre, "terms.txt"), bytes_of_text(default_terms), 0644);
    json_t *settings =
        json_pack("{s:{s:s, s:i, s:[s]}, s:{s:s, s:i}, s:s, s:{s:s}, s:{s:b}, s:{s:s}}", "machine_port",
                  "address", "127.0.0.1", "port", centre->port, "names", centre->name, "operations_port",
                  "address", "127.0.0.1", "port", centre->operations_port, "database", centre->database,
                  "authority", "url", centre->authority_url, "trust", "accept_test_policy",
                  centre->test_policy, "terms", "version", default_terms_version);
    char *text = settings ? json_dumps(settings, JSON_INDENT(2)) : NULL;
    json_decref(settings);
    if (status == OK)
        status = text ? file_write_durably(path_in(centre, "centre.json"), bytes_of_text(text), 0640)
                      : ERR_NO_MEMORY;
    free(text);
    return status;
}

static bool read_options(struct new_centre *centre, int count, char **arguments)
{
    static const struct option options[] = {
        {"authority", required_argument, NULL, 'a'},    {"authority-url", required_argument, NULL, 'u'},
        {"database", required_argument, NULL, 'd'},     {"name", required_argument, NULL, 'n'},
        {"port", required_argument, NULL, 'p'},         {"operations-port", required_argument, NULL, 'o'},
        {"accept-test-policy", no_argument, NULL, 't'}, {0},
    };
    optind = 1;
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        switch (option) {
        case 'a':
            centre->authority_published = optarg;
            break;
        case 'u':
            centre->authority_url = optarg;
            break;
        case 'd':
            centre->database = optarg;
            break;
        case 'n':
            centre->name = optarg;
            break;
        case 'p':
            centre->port = atoi(optarg);
            break;
        case 'o':
            centre->operations_port = atoi(optarg);
            break;
        case 't':
            centre->test_policy = true;
            break;
        default:
            return false;
        }
    }
    if (optind + 1 != count)
        return false;
    centre->directory = arguments[optind];
    bool ports = centre->port > 0 && centre->port < 65536 && centre->operations_port > 0 &&
                 centre->operations_port < 65536;
    return ports && centre->authority_published && centre->authority_url;
}

enum exit_code shikaku_init(const struct subcommand *command, int count, char **arguments)
{
    struct new_centre centre = {
        .database = "sqlite:registry.db", .name = "localhost", .port = 8443, .operations_port = 9443};
    if (!read_options(&centre, count, arguments))
        return subcommand_usage(command);
    static const struct {
        const char *what;
        enum status (*run)(struct new_centre *centre);
    } steps[] = {
        {"directories", make_directories},    {"the card authority's published files", copy_published},
        {"keys and certificates", make_keys}, {"vault and registry", make_stores},
        {"settings", write_settings},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        enum status status = steps[i].run(&centre);
        if (status == OK)
            continue;
        fprintf(stderr, "shikaku init: %s: %s\n", steps[i].what, status_name(status));
        region_free(&centre.region);
        return EXIT_NO;
    }
    printf("%s は使えるようになりました。/ %s is ready.\n", centre.directory, centre.directory);
    region_free(&centre.region);
    return EXIT_OK;
}
