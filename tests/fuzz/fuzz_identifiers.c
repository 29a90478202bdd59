/* Every number, name, code and day that comes from outside: what parses prints and parses again to the same,
 * and what does not parse leaves nothing behind. The first byte picks the parser. */
#include <stdlib.h>
#include <string.h>

#include "domain/eligibility.h"
#include "domain/five_items.h"
#include "domain/numbers.h"
#include "domain/person.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* A refusal comes from the catalogue and leaves only zeros. */
static bool is_taken(enum reason wrong, const void *out, size_t size)
{
    if (wrong == REASON_NONE)
        return true;
    must(reason_entry(wrong)->reason == wrong);
    for (size_t i = 0; i < size; i++)
        must(((const uint8_t *)out)[i] == 0);
    return false;
}

static void insurer(const char *text, size_t length)
{
    struct insurer_number number, again;
    char printed[9], wire[9];
    if (!is_taken(insurer_number_parse(text, length, &number), &number, sizeof(number)))
        return;
    insurer_number_format(&number, printed);
    insurer_number_wire(&number, wire);
    must(insurer_number_parse(printed, strlen(printed), &again) == REASON_NONE);
    must(insurer_number_equal(&number, &again));
    must(insurer_number_parse(wire, 8, &again) == REASON_NONE);
    must(insurer_number_equal(&number, &again));
}

static void insured(const char *text, size_t length)
{
    struct insured_number number, again;
    if (!is_taken(insured_number_parse(text, length, &number), &number, sizeof(number)))
        return;
    must(strlen(number.text) == length && memcmp(number.text, text, length) == 0);
    must(insured_number_parse(number.key, strlen(number.key), &again) == REASON_NONE);
    must(strcmp(number.key, again.key) == 0); /* a key folds to itself */
}

static void others(const char *text, size_t length)
{
    struct my_number my_number;
    struct institution_code institution;
    struct payer_number payer;
    struct recipient_number recipient;
    struct branch_number branch;
    struct postal_code postal;
    struct insured_symbol symbol;
    (void)is_taken(my_number_parse(text, length, &my_number), &my_number, sizeof(my_number));
    my_number_wipe(&my_number);
    (void)is_taken(institution_code_parse(text, length, &institution), &institution, sizeof(institution));
    (void)is_taken(payer_number_parse(text, length, &payer), &payer, sizeof(payer));
    (void)is_taken(recipient_number_parse(text, length, &recipient), &recipient, sizeof(recipient));
    (void)is_taken(branch_number_parse(text, length, &branch), &branch, sizeof(branch));
    (void)is_taken(postal_code_parse(text, length, &postal), &postal, sizeof(postal));
    (void)is_taken(insured_symbol_parse(text, length, &symbol), &symbol, sizeof(symbol));
    struct date day;
    must((day_of_treatment_parse(text, length, &day) == REASON_NONE) == !date_is_none(day));
}

/* Two people, one text each, split at the middle: comparing is symmetric, and everyone is like oneself. */
static void people(const char *text, size_t length)
{
    size_t half = length / 2;
    struct five_items a = {.birth = {0}, .sex = SEX_MALE}, b = a;
    if (name_parse(text, half, &a.name) != REASON_NONE ||
        name_parse(text + half, length - half, &b.name) != REASON_NONE)
        return;
    a.address.text = a.name.text;
    b.address.text = b.name.text;
    (void)!kana_name_parse(text, half, &a.kana);
    (void)!kana_name_parse(text + half, length - half, &b.kana);
    (void)!alias_parse(text + half, length - half, &a.alias);
    struct five_items_match ab, ba, aa;
    must(five_items_compare(&a, &b, &ab) == OK && five_items_compare(&b, &a, &ba) == OK);
    must(memcmp(&ab, &ba, sizeof(ab)) == 0);
    must(five_items_compare(&a, &a, &aa) == OK);
    must(aa.name == ITEM_MATCHES_EXACTLY && aa.address == ITEM_MATCHES_EXACTLY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(const char *text, size_t length) = {insurer, insured, others, people};
    if (size == 0)
        return 0;
    targets[data[0] % ARRAY_LENGTH(targets)]((const char *)data + 1, size - 1);
    return 0;
}
