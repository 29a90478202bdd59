/* shikaku-authority: the stand-in card authority, and its operators' commands. */
#include "programs/shikaku_authority.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

static const struct {
    const char *name;
    int least, most; /* arguments */
    const char *usage;
    const char *summary;
    authority_command *run;
} commands[] = {
    {"init", 1, 5, "DIR [--address ADDRESS] [--port PORT]", "make a new authority's directory",
     authority_init},
    {"serve", 1, 1, "DIR", "run until SIGTERM or SIGINT", authority_serve},
    {"resident", 2, 2, "DIR FILE.json", "register a resident, or an array of them", authority_resident},
    {"show", 1, 2, "DIR [CERTIFICATE-ID]",
     "show a resident and all certificates; without an id a My Number is read from standard input",
     authority_show},
    {"renew", 3, 4, "DIR OUT AUTHENTICATION.pem [SIGNATURE.pem]",
     "renew a card's certificates for these public keys, into OUT; My Number from standard input",
     authority_renew},
    {"machine", 4, 4, "DIR institution|insurer|link|operator CODE OUT",
     "make a key and its machine certificate, OUT/machine.key and OUT/machine.crt", authority_machine},
    {"terminal", 3, 3, "DIR INSTITUTION OUT",
     "make a key and its card-verifiable certificate, OUT/terminal.key and OUT/terminal.cv",
     authority_terminal},
    {"vault", 2, 2, "DIR KEY.pem", "seal answers to this vault's public key from now on", authority_vault},
    {"suspend", 3, 3, "DIR card|machine|terminal ID", "suspend; a card as a whole, with its phone",
     authority_suspend},
    {"lift", 3, 3, "DIR card|machine|terminal ID", "lift a suspension; a card's at the counter only",
     authority_lift},
    {"revoke", 3, 3, "DIR card|machine|terminal ID", "revoke for good", authority_revoke},
};

int complain(const char *what, enum status status)
{
    fprintf(stderr, "shikaku-authority: %s: %s\n", what, status_name(status));
    return FAILED;
}

static void print_usage(FILE *stream)
{
    fprintf(stream, "usage: shikaku-authority COMMAND ARGUMENTS\n\n");
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
        fprintf(stream, "  %s %s\n      %s\n", commands[i].name, commands[i].usage, commands[i].summary);
}

int main(int count, char **arguments)
{
    if (count >= 2 && (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "help") == 0)) {
        print_usage(stdout);
        return DONE;
    }
    log_open(2, "shikaku-authority", LOG_WARNING);
    for (size_t i = 0; count >= 2 && i < ARRAY_LENGTH(commands); i++) {
        if (strcmp(arguments[1], commands[i].name) != 0)
            continue;
        if (count - 2 >= commands[i].least && count - 2 <= commands[i].most)
            return commands[i].run(count - 2, arguments + 2);
        fprintf(stderr, "usage: shikaku-authority %s %s\n", commands[i].name, commands[i].usage);
        return MISUSED;
    }
    print_usage(stderr);
    return MISUSED;
}
