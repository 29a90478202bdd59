#include "base/log.h"
#include "link/link.h"
#include "process/child.h"
#include "process/sandbox.h"
#include "programs/shikakud.h"

int run_link(const struct centre_settings *settings)
{
    struct region region = {0};
    struct link_service service = {
        .authority = {.base_url = settings->authority_url,
                      .ca_file = region_printf(&region, "%s/server-ca.pem", settings->authority_directory),
                      .certificate_file = region_printf(&region, "%s/link.crt", settings->keys_directory),
                      .key_file = region_printf(&region, "%s/link.key", settings->keys_directory)},
        .front = LINK_FRONT_FD,
        .vault = LINK_VAULT_FD,
    };
    const struct sandbox sandbox = {.profile = SANDBOX_LINK, .user = settings->user};
    struct sandbox_result result;
    enum status status = service.authority.key_file ? sandbox_enter(&sandbox, &result) : ERR_NO_MEMORY;
    if (status != OK) {
        LOG(LOG_ERROR, "link_not_confined", log_status("status", status));
        region_free(&region);
        return CHILD_EXIT_SETTINGS;
    }
    status = link_serve(&service);
    region_free(&region);
    if (status != OK)
        LOG(LOG_ERROR, "link_ended", log_status("status", status));
    return status == OK ? 0 : 1;
}
