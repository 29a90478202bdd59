/* usage: issue_test_card DIRECTORY NAME [p384] [without-pin] [without-photo] [android]
 *
 * Writes DIRECTORY/NAME.card and DIRECTORY/keys/NAME.key, a card as unit tests have them (issued_card.h): for
 * system tests that are about cards and readers, not about who issues them. Beside it the terminal's
 * DIRECTORY/terminal.cv and terminal.key of the authority that the card believes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "issued_card.h"

static char paths[4][512];

static const char *path(size_t which, const char *directory, const char *format, const char *name)
{
    char file[128];
    snprintf(file, sizeof file, format, name);
    snprintf(paths[which], sizeof paths[which], "%s/%s", directory, file);
    return paths[which];
}

static bool take_word(const char *word, struct test_order *order)
{
    if (strcmp(word, "p384") == 0)
        order->generation = CARD_GENERATION_P384;
    else if (strcmp(word, "without-pin") == 0)
        order->without_pin = true;
    else if (strcmp(word, "without-photo") == 0)
        order->without_photo = true;
    else if (strcmp(word, "android") == 0)
        order->form = CARD_FORM_ANDROID;
    else
        return false;
    return true;
}

static void write_terminal(const struct test_authority *authority, const char *directory)
{
    uint8_t encoded[TERMINAL_CERTIFICATE_LENGTH];
    terminal_certificate_encode(&authority->terminal, encoded);
    assert_int_equal(OK, file_write_durably(path(2, directory, "terminal.cv", ""),
                                            bytes_of(encoded, sizeof encoded), 0644));
    assert_int_equal(OK, private_key_save(&authority->terminal_key, path(3, directory, "terminal.key", "")));
}

int main(int count, char **arguments)
{
    struct test_order order = {0};
    for (int i = 3; i < count; i++)
        if (!take_word(arguments[i], &order))
            count = 0;
    if (count < 3) {
        fputs("usage: issue_test_card DIRECTORY NAME [p384] [without-pin] [without-photo] [android]\n",
              stderr);
        return 2;
    }
    const char *directory = arguments[1];
    (void)mkdir(path(0, directory, "keys", ""), 0700);
    const struct card_location where = {.image_path = path(0, directory, "%s.card", arguments[2]),
                                        .key_path = path(1, directory, "keys/%s.key", arguments[2])};
    struct test_authority authority;
    order.where = &where;
    test_authority_open(&authority, order.generation == CARD_GENERATION_P384 ? KEY_P384 : KEY_RSA_2048);
    virtual_card_free(test_card_issue(&authority, &order));
    write_terminal(&authority, directory);
    test_authority_close(&authority);
    return 0;
}
