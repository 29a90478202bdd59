#ifndef SHIKAKU_PROGRAMS_SECRET_PROMPT_H
#define SHIKAKU_PROGRAMS_SECRET_PROMPT_H

#include "base/status.h"

enum { SECRET_SIZE = 64 };

/*
 * A PIN or a number, that must stand neither in the list of processes nor on the screen: asked at the
 * terminal without echo, or the next line of standard input where that is no terminal. out is NUL-terminated;
 * the caller wipes it. ERR_TRUNCATED: nothing came. ERR_TOO_LARGE: longer than any secret.
 */
enum status secret_prompt(const char *prompt, char out[SECRET_SIZE]) MUST_CHECK;

#endif
