/* shikaku: administration and insurers' commands. Each subcommand has a file of its own. */
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "programs/shikaku_commands.h"

static const struct subcommand subcommands[] = {
    {"init",
     "DIRECTORY --authority PUBLISHED --authority-url URL [--database LOCATION] [--name NAME] [--port N] "
     "[--operations-port N] [--accept-test-policy]",
     "make a new centre: keys, certificates, vault, registry, settings", shikaku_init},
    {"load",
     "--centre URL --public DIRECTORY --certificate FILE --key FILE (FILE.jsonl [--staged] | --undo LOAD)",
     "an insurer's bulk load of subscribers: staged, then made visible as a whole, or taken back",
     shikaku_load},
    {"register-number",
     "--centre URL --public DIRECTORY --certificate FILE --key FILE --insurer NUMBER --symbol S --number N "
     "[--branch B] "
     "[--birth-date D]",
     "register a subscriber's My Number, read from standard input and sealed to the vault",
     shikaku_register_number},
    {"synth",
     "--centre DIRECTORY (--authority DIRECTORY [--people N] [--seed S] [--today DAY] | --cast [--json])",
     "fill a new centre and a new authority with a synthetic nation; or show the cast of one", shikaku_synth},
    {"check-digit", "my-number|insurer-number|institution-code VALUE|-",
     "tell whether a number's form and check digit are right (- reads it from standard input)",
     shikaku_check_digit},
    {"list-log", "DIRECTORY [--from SEQUENCE]",
     "the events of a centre's log, one line of JSON each, without what names a person", shikaku_list_log},
    {"verify-log", "DIRECTORY",
     "tell whether the files of a centre's log, which nobody writes now, are whole and unchanged",
     shikaku_verify_log},
};

enum exit_code subcommand_usage(const struct subcommand *command)
{
    fprintf(stderr, "usage: shikaku %s %s\n", command->name, command->usage);
    return EXIT_USAGE;
}

static void print_usage(FILE *stream)
{
    fprintf(stream, "usage: shikaku COMMAND ARGUMENTS\n\n");
    for (size_t i = 0; i < ARRAY_LENGTH(subcommands); i++)
        fprintf(stream, "  %s %s\n      %s\n", subcommands[i].name, subcommands[i].usage,
                subcommands[i].summary);
}

int main(int count, char **arguments)
{
    if (count >= 2 && (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "help") == 0)) {
        print_usage(stdout);
        return EXIT_OK;
    }
    for (size_t i = 0; count >= 2 && i < ARRAY_LENGTH(subcommands); i++)
        if (strcmp(arguments[1], subcommands[i].name) == 0)
            return (int)subcommands[i].run(&subcommands[i], count - 1, arguments + 1);
    print_usage(stderr);
    return EXIT_USAGE;
}
