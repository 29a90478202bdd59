#ifndef SHIKAKU_DOMAIN_KANJI_VARIANTS_H
#define SHIKAKU_DOMAIN_KANJI_VARIANTS_H

#include <stdint.h>

/*
 * Old and variant forms of kanji 旧字体・異体字 that registers write differently for one and the same name
 * (髙 and 高, 﨑 and 崎, 邊 and 辺). For comparing only: no stored name is ever changed. Characters that are
 * names of their own are kept apart (斎 and 斉). The pairs are our own choice (ours), from the old forms of
 * the 常用漢字表 and the variants that family names commonly use.
 */
/* The common form, or the character itself. */
int32_t kanji_common_form(int32_t character);

#endif
