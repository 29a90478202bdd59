#include "service/settings.h"

#include <jansson.h>
#include <string.h>

#include "base/log.h"

/* Reads members with defaults; the first thing wrong sticks. */
struct settings_reader {
    struct region *region;
    const char *directory;
    enum status status;
};

static json_t *find(const json_t *root, const char *section, const char *name)
{
    json_t *in = section ? json_object_get(root, section) : (json_t *)(uintptr_t)root;
    return json_object_get(in, name);
}

static void refuse(struct settings_reader *reader, const char *name)
{
    LOG(LOG_ERROR, "setting_refused", log_word("setting", name));
    reader->status = ERR_MALFORMED;
}

static const char *read_text(struct settings_reader *reader, const json_t *root, const char *section,
                             const char *name, const char *otherwise)
{
    json_t *value = find(root, section, name);
    if (!value || json_is_null(value))
        return otherwise;
    if (!json_is_string(value)) {
        refuse(reader, name);
        return otherwise;
    }
    const char *text = region_text(reader->region, json_string_value(value), json_string_length(value));
    if (!text)
        reader->status = ERR_NO_MEMORY;
    return text;
}

/* Relative to the settings' directory. */
static const char *resolve(struct settings_reader *reader, const char *path)
{
    if (!path || path[0] == '/')
        return path;
    const char *resolved = region_printf(reader->region, "%s/%s", reader->directory, path);
    if (!resolved)
        reader->status = ERR_NO_MEMORY;
    return resolved;
}

static const char *read_path(struct settings_reader *reader, const json_t *root, const char *section,
                             const char *name, const char *otherwise)
{
    return resolve(reader, read_text(reader, root, section, name, otherwise));
}

static unsigned read_number(struct settings_reader *reader, const json_t *root, const char *section,
                            const char *name, unsigned otherwise, unsigned most)
{
    json_t *value = find(root, section, name);
    if (!value || json_is_null(value))
        return otherwise;
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number > (json_int_t)most) {
        refuse(reader, name);
        return otherwise;
    }
    return (unsigned)number;
}

static const char *const *read_list(struct settings_reader *reader, const json_t *root, const char *section,
                                    const char *name, const char *otherwise, bool paths)
{
    json_t *value = find(root, section, name);
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    const char **list = region_alloc(reader->region, (count + 1) * sizeof(*list));
    if (!list) {
        reader->status = ERR_NO_MEMORY;
        return NULL;
    }
    if (!json_is_array(value)) {
        if (value)
            refuse(reader, name);
        list[0] = paths ? resolve(reader, otherwise) : otherwise;
        return list;
    }
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_array_get(value, i);
        if (!json_is_string(item)) {
            refuse(reader, name);
            return list;
        }
        const char *text = region_text(reader->region, json_string_value(item), json_string_length(item));
        list[i] = paths ? resolve(reader, text) : text;
    }
    return list;
}

/* A SQLite file is relative to the settings' directory, like every path. */
static const char *read_database(struct settings_reader *reader, const json_t *root)
{
    static const char embedded[] = "sqlite:";
    const char *location = read_text(reader, root, NULL, "database", "sqlite:registry.db");
    if (!location || strncmp(location, embedded, strlen(embedded)) != 0)
        return location;
    const char *path = resolve(reader, location + strlen(embedded));
    return path ? region_printf(reader->region, "%s%s", embedded, path) : NULL;
}

static void read_all(struct settings_reader *r, const json_t *root, struct centre_settings *out)
{
    out->address = read_text(r, root, "machine_port", "address", "127.0.0.1");
    out->port = (uint16_t)read_number(r, root, "machine_port", "port", 8443, 65535);
    out->server_names = read_list(r, root, "machine_port", "names", "localhost", false);
    out->operations_address = read_text(r, root, "operations_port", "address", "127.0.0.1");
    out->operations_port = (uint16_t)read_number(r, root, "operations_port", "port", 9443, 65535);
    out->loops = read_number(r, root, NULL, "loops", 0, 256);
    out->job_threads = read_number(r, root, NULL, "job_threads", 4, 8);
    out->shutdown_ms = read_number(r, root, NULL, "shutdown_ms", 5000, 600000);
    out->user = read_text(r, root, NULL, "user", NULL);

    out->database = read_database(r, root);
    out->log_directory = read_path(r, root, NULL, "log", "log");
    out->vault_directory = read_path(r, root, NULL, "vault", "vault");
    out->keys_directory = read_path(r, root, NULL, "keys", "keys");
    out->public_directory = read_path(r, root, NULL, "public", "public");

    out->authority_url = read_text(r, root, "authority", "url", NULL);
    out->authority_directory = read_path(r, root, "authority", "published", "authority");
    out->feed_limit_seconds = read_number(r, root, "authority", "feed_limit_seconds", 60, 86400);

    out->authentication_cas =
        read_list(r, root, "trust", "authentication_cas", "authority/authentication-ca.pem", true);
    out->signature_cas = read_list(r, root, "trust", "signature_cas", "authority/signature-ca.pem", true);
    out->machine_ca = read_path(r, root, "trust", "machine_ca", "authority/machine-ca.pem");
    out->terminal_ca = read_path(r, root, "trust", "terminal_ca", "authority/terminal-ca.cv");
    json_t *test_policy = find(root, "trust", "accept_test_policy");
    if (test_policy && !json_is_boolean(test_policy))
        refuse(r, "accept_test_policy");
    out->accept_test_policy = json_is_true(test_policy);

    out->terms_version = read_text(r, root, "terms", "version", "2026-04");
    out->terms_file = read_path(r, root, "terms", "file", "terms.txt");

    out->requests_per_second = read_number(r, root, "limits", "requests_per_second", 0, 1000000);
    out->burst = read_number(r, root, "limits", "burst", 0, 1000000);
    out->connections = read_number(r, root, "limits", "connections", 8192, 1000000);
    out->checks_ms = read_number(r, root, "limits", "check_ms", 2000, 60000);
    out->challenges_most = read_number(r, root, "limits", "challenges", 100, 1000);
}

enum status centre_settings_load(const char *directory, struct centre_settings *out)
{
    memset(out, 0, sizeof(*out));
    out->directory = region_text(&out->region, directory, strlen(directory));
    const char *path = region_printf(&out->region, "%s/centre.json", directory);
    if (!path || !out->directory)
        return ERR_NO_MEMORY;
    struct buffer text = {0};
    enum status status = file_read(path, 1 << 20, &text);
    json_t *root =
        status == OK ? json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, NULL) : NULL;
    buffer_free(&text);
    if (status != OK)
        return status;
    if (!json_is_object(root)) {
        json_decref(root);
        LOG(LOG_ERROR, "settings_are_no_json_object");
        return ERR_MALFORMED;
    }
    struct settings_reader reader = {.region = &out->region, .directory = out->directory};
    read_all(&reader, root, out);
    json_decref(root);
    if (reader.status == OK && !out->authority_url)
        refuse(&reader, "authority.url");
    return reader.status;
}

void centre_settings_free(struct centre_settings *settings)
{
    region_free(&settings->region);
}
