#ifndef SHIKAKU_DOMAIN_NAME_FORM_H
#define SHIKAKU_DOMAIN_NAME_FORM_H

#include <stdbool.h>

#include "base/bytes.h"

/*
 * A name brought into the form in which two spellings of it are equal (five_items.h says what is folded).
 * `joined` is the name without its spaces; `sorted` its parts in alphabetical order, for names of Latin
 * letters only, where registers do not agree on which part goes first. Owned; zeroed is empty.
 */
struct name_form {
    struct buffer joined;
    struct buffer sorted;
    bool is_latin;
};

/* name followed by rest (which may be empty) as further parts. The caller frees, also after a failure. */
enum status name_form_make(struct bytes name, struct bytes rest, struct name_form *out) MUST_CHECK;
/* A kana name; its parts are sorted where the person's name is in Latin letters. */
enum status kana_form_make(struct bytes kana, bool is_latin, struct name_form *out) MUST_CHECK;
void name_form_free(struct name_form *form);

/* Two empty forms are not equal. */
bool name_forms_equal(const struct name_form *a, const struct name_form *b);

/* What follows the first space or run of spaces; empty where there is none. */
struct bytes name_after_first_space(struct bytes name);

#endif
