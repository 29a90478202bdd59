#include "base/log.h"
#include "process/child.h"
#include "process/sandbox.h"
#include "programs/shikakud.h"
#include "vault/serve.h"

static enum status load_authority_key(const struct centre_settings *settings, struct public_key *out)
{
    struct region region = {0};
    const char *path = region_printf(&region, "%s/sealing.pem", settings->authority_directory);
    enum status status = path ? public_key_load(path, out) : ERR_NO_MEMORY;
    region_free(&region);
    return status;
}

static enum status confine(const struct centre_settings *settings)
{
    const struct sandbox sandbox = {.profile = SANDBOX_VAULT, .user = settings->user};
    struct sandbox_result result;
    enum status status = sandbox_enter(&sandbox, &result);
    if (status == OK)
        LOG(LOG_INFO, "confined", log_number("user_dropped", result.user_dropped),
            log_number("network_cut", result.network_cut));
    return status;
}

int run_vault(const struct centre_settings *settings)
{
    struct public_key authority = {0};
    struct vault *vault = NULL;
    int fronts[VAULT_FRONTS_MAX];
    for (unsigned i = 0; i < settings->job_threads; i++)
        fronts[i] = VAULT_FRONT_FD + (int)i;
    enum status status = load_authority_key(settings, &authority);
    if (status == OK)
        status = confine(settings);
    if (status == OK)
        status = vault_open(settings->vault_directory, &real_clock, &vault);
    if (status != OK) {
        LOG(LOG_ERROR, "vault_not_opened", log_status("status", status));
        public_key_free(&authority);
        return CHILD_EXIT_SETTINGS;
    }
    const struct vault_service service = {
        .vault = vault,
        .authority = &authority,
        .clock = &real_clock,
        .fronts = fronts,
        .front_count = settings->job_threads,
        .link = VAULT_LINK_FD,
    };
    status = vault_serve(&service);
    vault_close(vault);
    public_key_free(&authority);
    if (status != OK)
        LOG(LOG_ERROR, "vault_ended", log_status("status", status));
    return status == OK ? 0 : 1;
}
