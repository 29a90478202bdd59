#include "domain/five_items.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "domain/address_form.h"
#include "domain/name_form.h"

bool five_items_agree(const struct five_items_match *match)
{
    return match->name != ITEM_DIFFERS && match->kana != ITEM_DIFFERS && match->birth != ITEM_DIFFERS &&
           match->sex != ITEM_DIFFERS && match->address != ITEM_DIFFERS;
}

/* The name itself, the alias, and, where the alias is a surname alone (旧氏), the alias with the given name.
 */
struct spellings {
    struct name_form of[3];
    size_t count;
};

static enum status spellings_add(struct spellings *spellings, struct bytes surname, struct bytes rest)
{
    struct name_form *form = &spellings->of[spellings->count++];
    return name_form_make(surname, rest, form);
}

static void spellings_free(struct spellings *spellings)
{
    for (size_t i = 0; i < spellings->count; i++)
        name_form_free(&spellings->of[i]);
}

static enum status spellings_make(const struct five_items *items, struct spellings *out)
{
    *out = (struct spellings){0};
    struct bytes none = {0}, given_name = name_after_first_space(items->name.text);
    enum status status = spellings_add(out, items->name.text, none);
    if (status != OK || !name_is_stated(&items->alias))
        return status;
    status = spellings_add(out, items->alias.text, none);
    if (status == OK && given_name.length && name_after_first_space(items->alias.text).length == 0)
        status = spellings_add(out, items->alias.text, given_name);
    return status;
}

/* An alias of one side stands for the name of the other; two aliases alike prove nothing. */
static enum item_match compare_spellings(const struct spellings *a, const struct spellings *b)
{
    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++)
            if ((i == 0 || j == 0) && name_forms_equal(&a->of[i], &b->of[j]))
                return ITEM_MATCHES_NORMALISED;
    return ITEM_DIFFERS;
}

struct names_compared {
    enum item_match match;
    bool is_latin; /* one of the two names is in Latin letters */
};

static enum status compare_names(const struct five_items *a, const struct five_items *b,
                                 struct names_compared *out)
{
    struct spellings of_a = {0}, of_b = {0};
    enum status status = spellings_make(a, &of_a);
    if (status == OK)
        status = spellings_make(b, &of_b);
    if (status == OK) {
        out->is_latin = of_a.of[0].is_latin || of_b.of[0].is_latin;
        bool is_same = name_is_stated(&a->name) && bytes_equal(a->name.text, b->name.text);
        out->match = is_same ? ITEM_MATCHES_EXACTLY : compare_spellings(&of_a, &of_b);
    }
    spellings_free(&of_a);
    spellings_free(&of_b);
    return status;
}

static enum status compare_kana(const struct name *a, const struct name *b, bool is_latin,
                                enum item_match *out)
{
    if (!name_is_stated(a) || !name_is_stated(b)) {
        /* Residents' records of people without Japanese nationality need not hold kana. */
        *out = is_latin ? ITEM_MATCHES_NORMALISED : ITEM_DIFFERS;
        return OK;
    }
    if (bytes_equal(a->text, b->text)) {
        *out = ITEM_MATCHES_EXACTLY;
        return OK;
    }
    struct name_form of_a = {0}, of_b = {0};
    enum status status = kana_form_make(a->text, is_latin, &of_a);
    if (status == OK)
        status = kana_form_make(b->text, is_latin, &of_b);
    if (status == OK)
        *out = name_forms_equal(&of_a, &of_b) ? ITEM_MATCHES_NORMALISED : ITEM_DIFFERS;
    name_form_free(&of_a);
    name_form_free(&of_b);
    return status;
}

static enum status compare_addresses(const struct address *a, const struct address *b,
                                     struct five_items_match *out)
{
    out->address_difference = ADDRESS_NOT_STATED;
    if (a->text.length == 0 || b->text.length == 0)
        return OK;
    if (bytes_equal(a->text, b->text)) {
        out->address = ITEM_MATCHES_EXACTLY;
        out->address_difference = ADDRESS_SAME;
        return OK;
    }
    struct address_form of_a = {0}, of_b = {0};
    enum status status = address_form_make(a->text, &of_a);
    if (status == OK)
        status = address_form_make(b->text, &of_b);
    if (status == OK) {
        out->address_difference = address_forms_compare(&of_a, &of_b);
        bool is_same =
            out->address_difference == ADDRESS_SAME || out->address_difference == ADDRESS_BUILDING_LEFT_OUT;
        out->address = is_same ? ITEM_MATCHES_NORMALISED : ITEM_DIFFERS;
    }
    address_form_free(&of_a);
    address_form_free(&of_b);
    return status;
}

enum status five_items_compare(const struct five_items *stated, const struct five_items *known,
                               struct five_items_match *out)
{
    struct five_items_match match = {.address_difference = ADDRESS_NOT_STATED};
    struct names_compared names = {0};
    *out = match;
    enum status status = compare_names(stated, known, &names);
    if (status == OK)
        status = compare_kana(&stated->kana, &known->kana, names.is_latin, &match.kana);
    if (status == OK)
        status = compare_addresses(&stated->address, &known->address, &match);
    if (status != OK)
        return status;
    match.name = names.match;
    bool same_day = !date_is_none(stated->birth) && date_equal(stated->birth, known->birth);
    match.birth = same_day ? ITEM_MATCHES_EXACTLY : ITEM_DIFFERS;
    match.sex = stated->sex == known->sex ? ITEM_MATCHES_EXACTLY : ITEM_DIFFERS;
    *out = match;
    return OK;
}
