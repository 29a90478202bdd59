#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/insurer_client.h"
#include "programs/shikaku_commands.h"

/* shikaku load: an insurer's bulk load from a file with one JSON object a line (docs/insurer-api.md). */
enum { ROWS_AT_ONCE = 2000 };

struct bulk_load {
    struct http_client *client;
    char id[33];
    json_int_t next_row;
    json_int_t line;
};

static bool post_step(struct bulk_load *load, const char *step, json_t *body)
{
    char path[80];
    snprintf(path, sizeof(path), "/v1/loads/%s/%s", load->id, step);
    json_t *answer = insurer_call(load->client, path, body);
    bool well = answer != NULL;
    if (well && strcmp(step, "rows") != 0)
        json_dumpf(answer, stdout, JSON_COMPACT);
    json_decref(answer);
    return well;
}

static bool begin(struct bulk_load *load)
{
    json_t *answer = insurer_call(load->client, "/v1/loads", json_object());
    const char *id = json_string_value(json_object_get(answer, "load_id"));
    bool well = id && strlen(id) == sizeof(load->id) - 1;
    if (well)
        memcpy(load->id, id, sizeof(load->id));
    json_decref(answer);
    return well;
}

static bool send_rows(struct bulk_load *load, json_t *rows)
{
    json_int_t count = (json_int_t)json_array_size(rows);
    bool well = post_step(load, "rows", json_pack("{s:I, s:O}", "first_row", load->next_row, "rows", rows));
    load->next_row += count;
    json_array_clear(rows);
    return well;
}

/* False at the end and, after saying so, at a line that is no object. */
static bool read_row(struct bulk_load *load, FILE *file, json_t *rows, bool *well)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length = getline(&line, &size, file);
    bool got = length > 0;
    if (got) {
        load->line++;
        json_t *row = json_loadb(line, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
        *well = json_is_object(row) && json_array_append_new(rows, row) == 0;
        if (!*well)
            fprintf(stderr, "shikaku load: line %lld is not a JSON object\n", (long long)load->line);
    }
    free(line);
    return got && *well;
}

static bool send_file(struct bulk_load *load, FILE *file)
{
    json_t *rows = json_array();
    bool well = rows != NULL;
    while (well && read_row(load, file, rows, &well))
        if (json_array_size(rows) == ROWS_AT_ONCE)
            well = send_rows(load, rows);
    if (well && json_array_size(rows) > 0)
        well = send_rows(load, rows);
    json_decref(rows);
    return well;
}

static bool run_load(struct bulk_load *load, FILE *file, bool publish)
{
    if (!begin(load))
        return false;
    if (!send_file(load, file)) {
        fprintf(stderr, "shikaku load: nothing was made visible; load %s is taken back\n", load->id);
        post_step(load, "undo", json_object());
        return false;
    }
    if (publish)
        return post_step(load, "publish", json_object());
    printf("%s\n", load->id);
    return true;
}

enum exit_code shikaku_load(const struct subcommand *command, int count, char **arguments)
{
    struct insurer_options options = {0};
    const char *path = NULL, *undo = NULL;
    bool publish = true;
    for (int at = 1; at < count;) {
        if (insurer_option(&options, count, arguments, &at))
            continue;
        if (strcmp(arguments[at], "--staged") == 0)
            publish = false;
        else if (strcmp(arguments[at], "--undo") == 0 && at + 1 < count)
            undo = arguments[++at];
        else if (arguments[at][0] != '-' && !path)
            path = arguments[at];
        else
            return subcommand_usage(command);
        at++;
    }
    if (!insurer_options_are_complete(&options) || !path == !undo || (undo && strlen(undo) != 32))
        return subcommand_usage(command);
    FILE *file = path ? fopen(path, "r") : NULL;
    if (path && !file) {
        fprintf(stderr, "shikaku load: %s cannot be read\n", path);
        return EXIT_NO;
    }
    struct bulk_load load = {.client = insurer_connect(&options)};
    bool well = load.client != NULL;
    if (well && undo) {
        memcpy(load.id, undo, sizeof(load.id));
        well = post_step(&load, "undo", json_object());
    } else if (well) {
        well = run_load(&load, file, publish);
    }
    http_client_free(load.client);
    if (file)
        fclose(file);
    return well ? EXIT_OK : EXIT_NO;
}
