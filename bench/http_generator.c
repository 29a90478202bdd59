/*
 * Load on a running server with fixed bodies:
 *
 *   http_generator --port PORT [--tls DIRECTORY] [--path PATH] [--bodies FILE] [--connections N] [--seconds
 * S]
 *                  [--server PID] [--processor N] [--name WORD] [--json]
 *
 * DIRECTORY holds server-ca.crt, machine.crt and machine.key. FILE has one body a line, sent in turn.
 */
#include <getopt.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "pki/tls.h"

struct requests {
    struct buffer *items;
    size_t count;
    size_t next;
};

static struct bytes next_request(void *context)
{
    struct requests *requests = context;
    const struct buffer *item = &requests->items[requests->next];
    requests->next = requests->next + 1 == requests->count ? 0 : requests->next + 1;
    return buffer_bytes(item);
}

static enum status add_request(struct requests *requests, const char *path, struct bytes body)
{
    struct buffer *longer = realloc(requests->items, (requests->count + 1) * sizeof *longer);
    if (!longer)
        return ERR_NO_MEMORY;
    requests->items = longer;
    struct buffer *item = &longer[requests->count++];
    *item = (struct buffer){0};
    enum status status = buffer_printf(item,
                                       "POST %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: shikaku-load\r\n"
                                       "Accept: application/json\r\nContent-Type: application/json\r\n"
                                       "Content-Length: %zu\r\n\r\n",
                                       path, body.length);
    return status == OK ? buffer_append(item, body) : status;
}

static enum status load_bodies(struct requests *requests, const char *path, const char *file)
{
    struct buffer content = {0};
    enum status status = file_read(file, (size_t)256 << 20, &content);
    struct bytes rest = buffer_bytes(&content);
    while (status == OK && rest.length) {
        const uint8_t *end = memchr(rest.data, '\n', rest.length);
        struct bytes line = bytes_of(rest.data, end ? (size_t)(end - rest.data) : rest.length);
        rest = bytes_from(rest, line.length + 1);
        status = add_request(requests, path, line);
    }
    buffer_free(&content);
    return status;
}

static enum status client_context(const char *directory, SSL_CTX **out)
{
    char ca[256], certificate[256], key[256];
    snprintf(ca, sizeof ca, "%s/server-ca.crt", directory);
    snprintf(certificate, sizeof certificate, "%s/machine.crt", directory);
    snprintf(key, sizeof key, "%s/machine.key", directory);
    struct tls_client_settings settings = {ca, certificate, key};
    return tls_client_context(&settings, out);
}

struct options {
    struct load_settings load;
    const char *directory, *path, *bodies, *name;
    bool json;
};

static bool read_options(int count, char **arguments, struct options *out)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},
        {"tls", required_argument, NULL, 't'},
        {"path", required_argument, NULL, 'u'},
        {"bodies", required_argument, NULL, 'b'},
        {"connections", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'},
        {"server", required_argument, NULL, 'i'},
        {"processor", required_argument, NULL, 'r'},
        {"name", required_argument, NULL, 'n'},
        {"json", no_argument, NULL, 'j'},
        {0},
    };
    int option;
    while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
        switch (option) {
        case 'p':
            out->load.port = (uint16_t)atoi(optarg);
            break;
        case 't':
            out->directory = optarg;
            break;
        case 'u':
            out->path = optarg;
            break;
        case 'b':
            out->bodies = optarg;
            break;
        case 'c':
            out->load.connections = (unsigned)atoi(optarg);
            break;
        case 's':
            out->load.seconds = atof(optarg);
            break;
        case 'i':
            out->load.server = (pid_t)atoi(optarg);
            break;
        case 'r':
            out->load.processor = atoi(optarg);
            break;
        case 'n':
            out->name = optarg;
            break;
        case 'j':
            out->json = true;
            break;
        default:
            return false;
        }
    }
    return out->load.port != 0 && out->load.connections > 0 && optind == count;
}

int main(int count, char **arguments)
{
    struct requests requests = {0};
    struct options options = {
        .load = {.address = "127.0.0.1",
                 .connections = 16,
                 .warm_up = 0.5,
                 .seconds = 5,
                 .processor = -1,
                 .next_request = next_request,
                 .context = &requests},
        .path = "/echo",
        .name = "http",
    };
    if (!read_options(count, arguments, &options)) {
        fprintf(
            stderr,
            "usage: http_generator --port PORT [--tls DIRECTORY] [--path PATH] [--bodies FILE]\n"
            "       [--connections N] [--seconds S] [--server PID] [--processor N] [--name WORD] [--json]\n");
        return 2;
    }
    SSL_CTX *context = NULL;
    enum status status = options.bodies
                             ? load_bodies(&requests, options.path, options.bodies)
                             : add_request(&requests, options.path, bytes_of_text("{\"count\": 20}"));
    if (status == OK && options.directory)
        status = client_context(options.directory, &context);
    options.load.tls = context;
    struct load_result result;
    if (status == OK && requests.count == 0)
        status = ERR_NOT_FOUND;
    if (status == OK)
        status = load_run(&options.load, &result);
    if (status == OK)
        load_print(options.name, &result, options.json);
    else
        fprintf(stderr, "http_generator: %s\n", status_name(status));
    for (size_t i = 0; i < requests.count; i++)
        buffer_free(&requests.items[i]);
    free(requests.items);
    SSL_CTX_free(context);
    return status == OK && result.failures == 0 ? 0 : 1;
}
