#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "domain/numbers.h"
#include "pki/sealed.h"
#include "pki/tls.h"
#include "programs/insurer_client.h"
#include "programs/shikaku_commands.h"
#include "vault/messages.h"

/*
 * shikaku register-number: an insurer registers a subscriber's My Number, read from standard input and sealed
 * to the vault before it leaves this process.
 */
struct registration_options {
    struct insurer_options insurer;
    const char *insurer_number, *symbol, *number, *branch, *birth_date;
};

static bool read_my_number(struct my_number *out)
{
    char line[64];
    bool got = fgets(line, sizeof(line), stdin) != NULL;
    enum reason wrong = got ? my_number_parse(line, strcspn(line, "\r\n"), out) : REASON_MALFORMED_MY_NUMBER;
    secret_wipe(line, sizeof(line));
    if (wrong != REASON_NONE)
        fprintf(stderr, "%s\n%s\n", reason_entry(wrong)->staff_ja, reason_entry(wrong)->staff_en);
    return wrong == REASON_NONE;
}

static enum status seal_number(const struct registration_options *options, const struct my_number *number,
                               const char *row, struct buffer *out)
{
    struct insurer_number insurer;
    char path[4096];
    struct public_key vault = {0};
    struct buffer context = {0}, sealed = {0};
    if (insurer_number_parse(options->insurer_number, strlen(options->insurer_number), &insurer) !=
        REASON_NONE)
        return ERR_MALFORMED;
    snprintf(path, sizeof(path), "%s/vault-sealing.pub", options->insurer.public_directory);
    enum status status = public_key_load(path, &vault);
    if (status == OK)
        status = vault_number_context((const uint8_t *)insurer.digits, VAULT_PURPOSE_REGISTER,
                                      bytes_of_text(row), &context);
    const struct sealed_context sealed_context = {.label = VAULT_NUMBER_LABEL,
                                                  .context = buffer_bytes(&context)};
    if (status == OK)
        status = sealed_seal(&vault, sealed_context, my_number_secret(number), &sealed);
    if (status == OK)
        status = base64_encode(buffer_bytes(&sealed), out);
    public_key_free(&vault);
    buffer_free(&context);
    buffer_free(&sealed);
    return status;
}

static bool register_sealed(const struct registration_options *options, const char *row, struct bytes sealed)
{
    struct http_client *client = insurer_connect(&options->insurer);
    if (!client)
        return false;
    json_t *body = json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s%}", "symbol", options->symbol, "number",
                             options->number, "branch", options->branch, "birth_date", options->birth_date,
                             "row", row, "sealed_number", (const char *)sealed.data, sealed.length);
    json_t *answer = insurer_call(client, "/v1/links", body);
    http_client_free(client);
    if (answer) {
        json_dumpf(answer, stdout, JSON_COMPACT);
        printf("\n");
    }
    json_decref(answer);
    return answer != NULL;
}

static bool read_options(struct registration_options *options, int count, char **arguments)
{
    const struct {
        const char *name;
        const char **value;
    } known[] = {
        {"--insurer", &options->insurer_number}, {"--symbol", &options->symbol},
        {"--number", &options->number},          {"--branch", &options->branch},
        {"--birth-date", &options->birth_date},
    };
    for (int at = 1; at < count;) {
        size_t i = 0;
        if (insurer_option(&options->insurer, count, arguments, &at))
            continue;
        while (i < ARRAY_LENGTH(known) && strcmp(arguments[at], known[i].name) != 0)
            i++;
        if (i == ARRAY_LENGTH(known) || at + 1 >= count)
            return false;
        *known[i].value = arguments[at + 1];
        at += 2;
    }
    return insurer_options_are_complete(&options->insurer) && options->insurer_number && options->number;
}

enum exit_code shikaku_register_number(const struct subcommand *command, int count, char **arguments)
{
    static const char row[] = "1";
    struct registration_options options = {.symbol = "", .branch = ""};
    struct my_number number;
    struct buffer sealed = {0};
    if (!read_options(&options, count, arguments))
        return subcommand_usage(command);
    if (!read_my_number(&number))
        return EXIT_NO;
    enum status status = seal_number(&options, &number, row, &sealed);
    my_number_wipe(&number);
    if (status != OK)
        fprintf(stderr, "shikaku register-number: %s\n", status_name(status));
    bool well = status == OK && register_sealed(&options, row, buffer_bytes(&sealed));
    buffer_free(&sealed);
    return well ? EXIT_OK : EXIT_NO;
}
