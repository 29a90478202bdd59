#ifndef SHIKAKU_PROCESS_FILTER_H
#define SHIKAKU_PROCESS_FILTER_H

#include "process/sandbox.h"

/* Filters the system calls of all threads from now on. may_be_traced: for a sanitizer's leak check only. */
enum status filter_enter(enum sandbox_profile profile, bool may_be_traced) MUST_CHECK;

#endif
