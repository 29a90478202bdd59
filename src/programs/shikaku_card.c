/* shikaku-card: issues virtual My Number Cards and plays them in a reader. Each subcommand has a file of its
 * own. */
#include "programs/shikaku_card.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
    "usage: shikaku-card [--cards DIRECTORY] COMMAND NAME [OPTIONS]\n"
    "\n"
    "  issue NAME --authority DIRECTORY  make a card for a resident whom the authority knows\n"
    "  renew NAME --authority DIRECTORY  new certificates on the card, with new keys\n"
    "  insert NAME --reader SOCKET     put the card into the virtual reader, until it is ejected\n"
    "  eject NAME                      take it out again\n"
    "  show NAME                       what anybody can read of it, and the tries left\n"
    "  change-pin NAME KIND            by its holder, who knows the old one\n"
    "  unlock NAME KIND                the municipal counter's act: a new PIN with all its tries\n"
    "\n"
    "  --cards DIRECTORY      NAME.card and keys/NAME.key; default $SHIKAKU_CARDS, else demo/cards\n"
    "  KIND                   pin (利用者証明用), password (署名用), surface (券面事項入力補助用), other "
    "(住民基本台帳用)\n"
    "issue, renew:\n"
    "  --authority DIRECTORY  the running authority's, for an operator of the municipal counter\n"
    "issue:\n"
    "  --photo FILE           PNG; default: a face is drawn\n"
    "  --without-pin          顔認証マイナンバーカード\n"
    "  --next-generation      the card planned for 2028: P-384\n"
    "  --phone android|iphone certificates on a phone, made from the resident's card\n"
    "insert:\n"
    "  --background           return when the card is in the reader\n"
    "show, issue:\n"
    "  --json                 for machines\n"
    "show:\n"
    "  --pin                  ask for the surface PIN and show what is printed\n"
    "  --reveal               with --pin: the My Number too\n"
    "unlock:\n"
    "  --as-municipal-counter I act for the municipality, and have seen the holder's identity paper\n"
    "\n"
    "PINs and the My Number are asked at the terminal, or are the lines of standard input.\n"
    "exit status: 0 done; 1 it could not be done; 2 usage\n";

static const struct {
    const char *name;
    bool takes_pin_kind;
    enum card_exit (*run)(const struct card_options *options);
} commands[] = {
    {"issue", false, card_issue},      {"renew", false, card_renew}, {"insert", false, card_insert},
    {"eject", false, card_eject},      {"show", false, card_show},   {"unlock", true, card_unlock},
    {"change-pin", true, card_change},
};

enum {
    OPTION_CARDS = 256,
    OPTION_READER,
    OPTION_BACKGROUND,
    OPTION_PIN,
    OPTION_REVEAL,
    OPTION_COUNTER,
    OPTION_JSON,
    OPTION_AUTHORITY,
    OPTION_PHOTO,
    OPTION_WITHOUT_PIN,
    OPTION_NEXT_GENERATION,
    OPTION_PHONE,
};

static const struct option long_options[] = {
    {"cards", required_argument, NULL, OPTION_CARDS},
    {"reader", required_argument, NULL, OPTION_READER},
    {"background", no_argument, NULL, OPTION_BACKGROUND},
    {"pin", no_argument, NULL, OPTION_PIN},
    {"reveal", no_argument, NULL, OPTION_REVEAL},
    {"as-municipal-counter", no_argument, NULL, OPTION_COUNTER},
    {"json", no_argument, NULL, OPTION_JSON},
    {"authority", required_argument, NULL, OPTION_AUTHORITY},
    {"photo", required_argument, NULL, OPTION_PHOTO},
    {"without-pin", no_argument, NULL, OPTION_WITHOUT_PIN},
    {"next-generation", no_argument, NULL, OPTION_NEXT_GENERATION},
    {"phone", required_argument, NULL, OPTION_PHONE},
    {0},
};

static enum card_exit usage(void)
{
    fputs(usage_text, stderr);
    return CARD_EXIT_USAGE;
}

static bool take_option(int option, struct card_options *options)
{
    switch (option) {
    case OPTION_CARDS:
        options->cards = optarg;
        return true;
    case OPTION_READER:
        options->reader = optarg;
        return true;
    case OPTION_BACKGROUND:
        options->background = true;
        return true;
    case OPTION_PIN:
        options->with_pin = true;
        return true;
    case OPTION_REVEAL:
        options->reveal = true;
        return true;
    case OPTION_COUNTER:
        options->as_municipal_counter = true;
        return true;
    case OPTION_JSON:
        options->json = true;
        return true;
    case OPTION_AUTHORITY:
        options->authority = optarg;
        return true;
    case OPTION_PHOTO:
        options->photo = optarg;
        return true;
    case OPTION_WITHOUT_PIN:
        options->without_pin = true;
        return true;
    case OPTION_NEXT_GENERATION:
        options->next_generation = true;
        return true;
    case OPTION_PHONE:
        options->phone = optarg;
        return true;
    default:
        return false;
    }
}

static enum card_exit run(const char *command, int count, char **words, struct card_options *options)
{
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        if (strcmp(command, commands[i].name) != 0)
            continue;
        if (count != (commands[i].takes_pin_kind ? 2 : 1))
            return usage();
        options->name = words[0];
        options->pin_kind = commands[i].takes_pin_kind ? words[1] : NULL;
        return commands[i].run(options);
    }
    return usage();
}

int main(int count, char **arguments)
{
    const char *cards = getenv("SHIKAKU_CARDS");
    struct card_options options = {.cards = cards ? cards : "demo/cards"};
    if (count == 2 && (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "help") == 0)) {
        fputs(usage_text, stdout);
        return CARD_EXIT_OK;
    }
    for (int option; (option = getopt_long(count, arguments, "", long_options, NULL)) != -1;)
        if (!take_option(option, &options))
            return (int)usage();
    if (optind >= count)
        return (int)usage();
    return (int)run(arguments[optind], count - optind - 1, arguments + optind + 1, &options);
}
