#ifndef SHIKAKU_CLINIC_PIN_ENTRY_H
#define SHIKAKU_CLINIC_PIN_ENTRY_H

#include "base/bytes.h"

/* How a PIN comes in: a line of standard input, or typed at the terminal without echo. Never an argument:
 * those stand in the list of processes. */
enum { PIN_ENTRY_LIMIT = 32 };

/* pin is marked secret; its owner frees it, which wipes. ERR_TRUNCATED where the input ends before a line
 * does, ERR_TOO_LARGE for a longer line. */
enum status pin_entry_read(int fd, struct buffer *pin) MUST_CHECK;
/* On /dev/tty. prompt: UTF-8. ERR_NOT_FOUND where the process has no terminal. The terminal echoes again
 * however this ends, also when it is interrupted. */
enum status pin_entry_ask(const char *prompt, struct buffer *pin) MUST_CHECK;

#endif
