#ifndef SHIKAKU_PROGRAMS_DEFAULT_TERMS_H
#define SHIKAKU_PROGRAMS_DEFAULT_TERMS_H

/* Terms of 健康保険証利用の申込 that a new centre begins with; an operator replaces the file and its version.
 */
extern const char default_terms_version[];
extern const char default_terms[];

#endif
