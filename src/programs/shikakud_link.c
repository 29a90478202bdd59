#include "base/log.h"
#include "link/link.h"
#include "process/child.h"
#include "process/sandbox.h"
#include "programs/shikakud.h"

/* Before the sandbox: afterwards no file can be opened. */
static enum status open_clients(const struct centre_settings *settings,
                                struct http_client *clients[LINK_CLIENTS])
{
    struct region region = {0};
    const struct http_client_settings authority = {
        .base_url = settings->authority_url,
        .ca_file = region_printf(&region, "%s/server-ca.pem", settings->authority_directory),
        .certificate_file = region_printf(&region, "%s/link.crt", settings->keys_directory),
        .key_file = region_printf(&region, "%s/link.key", settings->keys_directory),
        .prepare = true,
    };
    enum status status = authority.key_file ? OK : ERR_NO_MEMORY;
    for (size_t i = 0; i < LINK_CLIENTS && status == OK; i++)
        status = http_client_new(&authority, &clients[i]);
    region_free(&region);
    return status;
}

int run_link(const struct centre_settings *settings)
{
    struct http_client *clients[LINK_CLIENTS] = {0};
    const struct link_service service = {.clients = clients, .front = LINK_FRONT_FD, .vault = LINK_VAULT_FD};
    const struct sandbox sandbox = {.profile = SANDBOX_LINK, .user = settings->user};
    struct sandbox_result result;
    enum status status = open_clients(settings, clients);
    if (status == OK)
        status = sandbox_enter(&sandbox, &result);
    bool confined = status == OK;
    if (confined)
        status = link_serve(&service);
    if (status != OK)
        LOG(LOG_ERROR, confined ? "link_ended" : "link_not_opened", log_status("status", status));
    for (size_t i = 0; i < LINK_CLIENTS; i++)
        http_client_free(clients[i]);
    return status == OK ? 0 : confined ? 1 : CHILD_EXIT_SETTINGS;
}
