#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "domain/numbers.h"
#include "programs/shikaku_commands.h"

/* Longer than any number, so that a longer line is seen to be too long. */
enum { VALUE_SIZE = 64 };

static enum reason check_my_number(const char *text, size_t length)
{
    struct my_number number;
    enum reason wrong = my_number_parse(text, length, &number);
    my_number_wipe(&number);
    return wrong;
}

static enum reason check_insurer_number(const char *text, size_t length)
{
    struct insurer_number number;
    enum reason wrong = insurer_number_parse(text, length, &number);
    if (wrong == REASON_NONE) {
        char printed[9];
        insurer_number_format(&number, printed);
        printf("%s %s\n", printed, scheme_name_ja(insurer_number_scheme(&number)));
    }
    return wrong;
}

static enum reason check_institution_code(const char *text, size_t length)
{
    struct institution_code code;
    return institution_code_parse(text, length, &code);
}

static const struct {
    const char *name, *ja, *en;
    enum reason (*check)(const char *text, size_t length);
} numbers[] = {
    {"my-number", "マイナンバー", "My Number", check_my_number},
    {"insurer-number", "保険者番号", "insurer number", check_insurer_number},
    {"institution-code", "医療機関コード", "institution code", check_institution_code},
};

/* A line from standard input, without its end: a My Number given as an argument would stand in the list of
 * processes. */
static bool read_value(char value[VALUE_SIZE])
{
    if (!fgets(value, VALUE_SIZE, stdin))
        return false;
    value[strcspn(value, "\r\n")] = '\0';
    return true;
}

enum exit_code shikaku_check_digit(const struct subcommand *command, int count, char **arguments)
{
    char value[VALUE_SIZE] = "";
    size_t which = 0;
    while (count == 3 && which < ARRAY_LENGTH(numbers) && strcmp(arguments[1], numbers[which].name) != 0)
        which++;
    if (count != 3 || which == ARRAY_LENGTH(numbers))
        return subcommand_usage(command);
    bool from_input = strcmp(arguments[2], "-") == 0;
    if (from_input && !read_value(value))
        return subcommand_usage(command);

    const char *text = from_input ? value : arguments[2];
    enum reason wrong = numbers[which].check(text, strlen(text));
    secret_wipe(value, sizeof(value));
    if (wrong == REASON_NONE) {
        printf("%sとして正しい番号です。\nThis is a valid %s.\n", numbers[which].ja, numbers[which].en);
        return EXIT_OK;
    }
    const struct reason_entry *entry = reason_entry(wrong);
    printf("%s\n%s\n", entry->staff_ja, entry->staff_en);
    return EXIT_NO;
}
