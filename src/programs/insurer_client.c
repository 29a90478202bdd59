#include "programs/insurer_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/region.h"
#include "exchange/problem_json.h"

bool insurer_option(struct insurer_options *options, int count, char **arguments, int *at)
{
    const struct {
        const char *name;
        const char **value;
    } known[] = {
        {"--centre", &options->centre},
        {"--public", &options->public_directory},
        {"--certificate", &options->certificate},
        {"--key", &options->key},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (strcmp(arguments[*at], known[i].name) != 0 || *at + 1 >= count)
            continue;
        *known[i].value = arguments[*at + 1];
        *at += 2;
        return true;
    }
    return false;
}

bool insurer_options_are_complete(const struct insurer_options *options)
{
    return options->centre && options->public_directory && options->certificate && options->key;
}

struct http_client *insurer_connect(const struct insurer_options *options)
{
    struct region region = {0};
    const struct http_client_settings settings = {
        .base_url = options->centre,
        .ca_file = region_printf(&region, "%s/centre-ca.crt", options->public_directory),
        .certificate_file = options->certificate,
        .key_file = options->key,
    };
    struct http_client *client = NULL;
    enum status status = settings.ca_file ? http_client_new(&settings, &client) : ERR_NO_MEMORY;
    if (status != OK)
        fprintf(stderr, "shikaku: %s: %s\n", options->centre, status_name(status));
    region_free(&region);
    return client;
}

static void print_problem(const struct http_reply *reply)
{
    struct region region = {0};
    struct problem_view problem;
    if (problem_from_json_text(buffer_bytes(&reply->body), &region, &problem) == OK)
        fprintf(stderr, "%s %s\n%s\n%s\n%s\n", problem.code, problem.pointer, problem.staff_ja,
                problem.staff_en, problem.developer);
    else
        fprintf(stderr, "shikaku: HTTP %u\n", reply->status);
    region_free(&region);
}

json_t *insurer_call(struct http_client *client, const char *path, json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    const struct http_call call = {
        .method = body ? METHOD_POST : METHOD_GET,
        .path = path,
        .content_type = body ? "application/json" : NULL,
        .body = bytes_of_text(text),
        .deadline = 120000,
    };
    struct http_reply reply = {0};
    json_t *answer = NULL;
    enum status status = body && !text ? ERR_NO_MEMORY : http_client_call(client, &call, &reply);
    if (status != OK)
        fprintf(stderr, "shikaku: %s (%s)\n", status_name(status), http_hop_name(reply.failed));
    else if (reply.status == 200)
        answer = json_loadb((const char *)reply.body.data, reply.body.length, 0, NULL);
    else
        print_problem(&reply);
    http_reply_free(&reply);
    json_decref(body);
    free(text);
    return answer;
}
