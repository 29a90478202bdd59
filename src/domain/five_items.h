#ifndef SHIKAKU_DOMAIN_FIVE_ITEMS_H
#define SHIKAKU_DOMAIN_FIVE_ITEMS_H

#include "base/status.h"
#include "domain/person.h"

/*
 * Comparing what an insurer states about a person with what the card authority knows. Since 2023 all five
 * items must agree; a link that does not match on all five is quarantined (ours). The notation of names and
 * addresses differs between the two registers, so each item is compared as given and, failing that, in a
 * normalised form.
 *
 * Names: Unicode compatibility forms, letter case, variation selectors, spaces, dashes and middle dots are
 * folded; old and variant forms of kanji are brought together by the table in five_items.c. A name of Latin
 * letters matches in any order of its parts (given name first or last). An alias 通称 or a former surname
 * 旧氏 on either side may stand for the name on the other. Kana names: width, hiragana and katakana, small
 * and full-size kana, spaces and long-vowel marks' forms are folded. A person whose name is in Latin letters
 * may have no kana in one of the registers: that is no difference. Addresses: width, kanji numerals before
 * 丁目, 丁目・番地・番・号 and hyphens, 大字・字, ヶ・ケ・が, old forms of kanji, spaces and a prefecture's
 * name left out. A building's name that is left out on one side only is no difference; two that contradict
 * each other are (ours).
 */
enum item_match {
    ITEM_DIFFERS, /* zero, so that nothing unset agrees */
    ITEM_MATCHES_NORMALISED,
    ITEM_MATCHES_EXACTLY,
};

/* Where two addresses part, for the officer who looks into it. */
enum address_difference {
    ADDRESS_SAME,
    ADDRESS_BUILDING_LEFT_OUT,
    ADDRESS_BUILDING_DIFFERS,
    ADDRESS_NUMBER_DIFFERS, /* the same town, another block or house number */
    ADDRESS_TOWN_DIFFERS,
    ADDRESS_NOT_STATED, /* on one side */
};

struct five_items_match {
    enum item_match name, kana, birth, sex, address;
    enum address_difference address_difference;
};

/* ERR_NO_MEMORY or ERR_MALFORMED (text that is not UTF-8); *out then says that all differ. */
enum status five_items_compare(const struct five_items *stated, const struct five_items *known,
                               struct five_items_match *out) MUST_CHECK;
bool five_items_agree(const struct five_items_match *match);

#endif
