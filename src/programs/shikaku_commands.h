#ifndef SHIKAKU_PROGRAMS_SHIKAKU_COMMANDS_H
#define SHIKAKU_PROGRAMS_SHIKAKU_COMMANDS_H

/* The subcommands of `shikaku`, one file each. arguments[0] is the subcommand's name. */
enum exit_code {
    EXIT_OK = 0,
    EXIT_NO = 1,    /* asked and answered: no; or what was asked for could not be done */
    EXIT_USAGE = 2, /* not called as the usage says */
};

struct subcommand {
    const char *name;
    const char *usage;   /* arguments, as printed after "shikaku NAME " */
    const char *summary; /* one line */
    enum exit_code (*run)(const struct subcommand *command, int count, char **arguments);
};

/* Prints the subcommand's usage on stderr; gives EXIT_USAGE. */
enum exit_code subcommand_usage(const struct subcommand *command);

enum exit_code shikaku_init(const struct subcommand *command, int count, char **arguments);
enum exit_code shikaku_load(const struct subcommand *command, int count, char **arguments);
enum exit_code shikaku_register_number(const struct subcommand *command, int count, char **arguments);
enum exit_code shikaku_synth(const struct subcommand *command, int count, char **arguments);
enum exit_code shikaku_check_digit(const struct subcommand *command, int count, char **arguments);
enum exit_code shikaku_list_log(const struct subcommand *command, int count, char **arguments);
enum exit_code shikaku_verify_log(const struct subcommand *command, int count, char **arguments);

#endif
