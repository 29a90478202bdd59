#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authority/holdings.h"
#include "authority/setup.h"

const struct authority_settings authority_default_settings = {.address = "127.0.0.1", .port = 8440};

static bool is_numeric_address(const char *text)
{
    uint8_t address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static enum status decode(json_t *root, struct authority_settings *out)
{
    const char *address;
    int port;
    json_error_t error;
    if (json_unpack_ex(root, &error, JSON_STRICT, "{s:s, s:i}", "address", &address, "port", &port) != 0)
        return ERR_MALFORMED;
    if (!is_numeric_address(address) || strlen(address) >= sizeof(out->address) || port < 0 ||
        port > UINT16_MAX)
        return ERR_RANGE;
    *out = (struct authority_settings){.port = (uint16_t)port};
    memcpy(out->address, address, strlen(address));
    return OK;
}

enum status authority_settings_load(const char *directory, struct authority_settings *out)
{
    char *path = path_in(directory, "authority.json");
    struct buffer text = {0};
    enum status status = path ? file_read(path, 65536, &text) : ERR_NO_MEMORY;
    free(path);
    json_t *root =
        status == OK ? json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (status == OK)
        status = root ? decode(root, out) : ERR_MALFORMED;
    json_decref(root);
    buffer_free(&text);
    return status;
}
