#include "clinic/settings.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { SETTINGS_LIMIT = 65536 };

static enum status fault_at(struct settings_fault *fault, const char *path, const char *what,
                            enum status status)
{
    snprintf(fault->text, sizeof fault->text, "%s: %s", path, what);
    return status;
}

/* One member that is a text; *out NULL where it is absent or null. */
static enum status take_text(const json_t *json, const char *name, struct region *texts, const char **out)
{
    const json_t *member = json_object_get(json, name);
    *out = NULL;
    if (!member || json_is_null(member))
        return OK;
    if (!json_is_string(member) || json_string_length(member) == 0 ||
        strlen(json_string_value(member)) != json_string_length(member))
        return ERR_MALFORMED;
    *out = region_text(texts, json_string_value(member), json_string_length(member));
    return *out ? OK : ERR_NO_MEMORY;
}

static enum status take_path(const json_t *json, const char *name, const char *directory,
                             struct region *texts, const char **out)
{
    enum status status = take_text(json, name, texts, out);
    if (status != OK || !*out || **out == '/')
        return status;
    *out = region_printf(texts, "%s/%s", directory, *out);
    return *out ? OK : ERR_NO_MEMORY;
}

static const char *directory_of(const char *path, struct region *texts)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return slash == path ? "/" : region_text(texts, path, (size_t)(slash - path));
}

struct member {
    const char *name;
    const char **out;
    bool is_path;
    bool is_required;
};

static enum status take_members(const json_t *json, const char *directory, const struct member *members,
                                size_t count, struct region *texts, const char **wrong)
{
    for (size_t i = 0; i < count; i++) {
        const struct member *member = &members[i];
        *wrong = member->name;
        enum status status = member->is_path ? take_path(json, member->name, directory, texts, member->out)
                                             : take_text(json, member->name, texts, member->out);
        if (status != OK)
            return status;
        if (member->is_required && !*member->out)
            return ERR_NOT_FOUND;
    }
    return OK;
}

static bool is_known(const char *name, const struct member *members, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(members[i].name, name) == 0)
            return true;
    return false;
}

/* A member that nobody reads is a mistyped one. */
static enum status refuse_unknown(json_t *json, const struct member *members, size_t count,
                                  const char **wrong)
{
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        if (!is_known(name, members, count)) {
            *wrong = name;
            return ERR_MALFORMED;
        }
    }
    return OK;
}

static enum status take_settings(json_t *json, const char *path, struct clinic_settings *out,
                                 const char **wrong)
{
    const char *institution = NULL;
    const struct member members[] = {
        {"centre_url", &out->centre_url, false, true},
        {"centre_ca", &out->centre_ca, true, true},
        {"machine_certificate", &out->machine_certificate, true, true},
        {"machine_key", &out->machine_key, true, true},
        {"institution_code", &institution, false, true},
        {"terminal_certificate", &out->terminal_certificate, true, false},
        {"terminal_key", &out->terminal_key, true, false},
        {"reader", &out->reader, false, false},
        {"challenge_file", &out->challenge_file, true, false},
    };
    const char *directory = directory_of(path, &out->texts);
    if (!directory)
        return ERR_NO_MEMORY;
    enum status status = refuse_unknown(json, members, ARRAY_LENGTH(members), wrong);
    if (status == OK)
        status = take_members(json, directory, members, ARRAY_LENGTH(members), &out->texts, wrong);
    if (status != OK)
        return status;
    *wrong = "institution_code";
    if (institution_code_parse(institution, strlen(institution), &out->institution) != REASON_NONE)
        return ERR_MALFORMED;
    *wrong = "terminal_key";
    if (!out->terminal_certificate != !out->terminal_key)
        return ERR_MALFORMED;
    if (!out->challenge_file)
        out->challenge_file = region_printf(&out->texts, "%s/challenges.json", directory);
    return out->challenge_file ? OK : ERR_NO_MEMORY;
}

enum status clinic_settings_load(const char *path, struct clinic_settings *out, struct settings_fault *fault)
{
    *out = (struct clinic_settings){0};
    *fault = (struct settings_fault){0};
    struct buffer text = {0};
    enum status status = file_read(path, SETTINGS_LIMIT, &text);
    if (status != OK) {
        buffer_free(&text);
        return fault_at(fault, path, status_name(status), status);
    }
    json_error_t error;
    json_t *json = json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, &error);
    buffer_free(&text);
    if (!json_is_object(json)) {
        json_decref(json);
        return fault_at(fault, path, "not a JSON object", ERR_MALFORMED);
    }
    const char *wrong = "";
    status = take_settings(json, path, out, &wrong);
    if (status != OK) {
        (void)fault_at(fault, path, wrong, status);
        clinic_settings_free(out);
    }
    json_decref(json);
    return status;
}

void clinic_settings_free(struct clinic_settings *settings)
{
    region_free(&settings->texts);
    *settings = (struct clinic_settings){0};
}
