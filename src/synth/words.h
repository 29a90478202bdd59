#ifndef SHIKAKU_SYNTH_WORDS_H
#define SHIKAKU_SYNTH_WORDS_H

#include <stddef.h>

/* Words that synthetic people are made of. Names are common ones in new combinations; nobody is meant. */
struct word {
    const char *kanji;
    const char *kana; /* full-width katakana */
};

struct place {
    const char *prefecture;
    int prefecture_code; /* JIS X 0401 */
    const char *municipality;
    const char *municipality_code; /* five digits, JIS X 0402 */
    const char *postal_prefix;     /* three digits */
};

struct latin_name {
    const char *family, *given;
    const char *kana;
    const char *alias; /* 通称, or NULL */
    const char *alias_kana;
    int sex; /* 1, 2 */
};

extern const struct word surnames[];
extern const size_t surname_count;
/* Surnames with characters that get lost elsewhere: variation sequences, compatibility ideographs, 髙, 﨑. */
extern const struct word rare_surnames[];
extern const size_t rare_surname_count;
extern const struct word male_names[];
extern const size_t male_name_count;
extern const struct word female_names[];
extern const size_t female_name_count;
extern const struct latin_name latin_names[];
extern const size_t latin_name_count;
extern const struct place places[];
extern const size_t place_count;
extern const char *const towns[];
extern const size_t town_count;
extern const char *const buildings[];
extern const size_t building_count;

#endif
