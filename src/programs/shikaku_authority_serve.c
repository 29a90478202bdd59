/* shikaku-authority init and serve. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authority/service.h"
#include "base/log.h"
#include "programs/shikaku_authority.h"

static bool read_port(const char *text, uint16_t *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value > UINT16_MAX)
        return false;
    *out = (uint16_t)value;
    return true;
}

static bool read_options(int count, char **arguments, struct authority_settings *out)
{
    if (count % 2 != 0)
        return false;
    for (int i = 0; i < count; i += 2) {
        const char *value = arguments[i + 1];
        if (strcmp(arguments[i], "--port") == 0 && read_port(value, &out->port))
            continue;
        if (strcmp(arguments[i], "--address") != 0 || strlen(value) >= sizeof(out->address))
            return false;
        memset(out->address, 0, sizeof(out->address));
        memcpy(out->address, value, strlen(value));
    }
    return true;
}

int authority_init(int count, char **arguments)
{
    struct authority_settings settings = authority_default_settings;
    if (!read_options(count - 1, arguments + 1, &settings)) {
        fprintf(stderr, "shikaku-authority: options of init are --address ADDRESS and --port 0-65535\n");
        return MISUSED;
    }
    enum status status = authority_setup(arguments[0], &settings, &real_clock);
    if (status == ERR_EXISTS) {
        fprintf(stderr, "shikaku-authority: %s already holds an authority\n", arguments[0]);
        return FAILED;
    }
    return status == OK ? DONE : complain(arguments[0], status);
}

/* From now on into DIR/logs/authority.log; to standard error where that cannot be opened. */
static void open_log(const char *directory)
{
    char *path = NULL;
    if (asprintf(&path, "%s/logs/authority.log", directory) < 0)
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    free(path);
    log_open(fd >= 0 ? fd : STDERR_FILENO, "shikaku-authority", LOG_INFO);
}

int authority_serve(int count, char **arguments)
{
    (void)count;
    struct authority_service *service;
    sigset_t ending;
    int signal_number;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ending, NULL); /* before any thread, so that only sigwait() takes them */
    open_log(arguments[0]);
    enum status status = authority_service_start(arguments[0], &real_clock, &service);
    if (status != OK)
        return complain(arguments[0], status);
    const struct authority_settings *settings = authority_service_settings(service);
    LOG(LOG_INFO, "serving", log_number("port", settings->port));
    printf("listening on %s port %u\n", settings->address, settings->port);
    fflush(stdout);
    sigwait(&ending, &signal_number);
    LOG(LOG_INFO, "stopping", log_number("signal", signal_number));
    authority_service_stop(service);
    return DONE;
}
