#ifndef SHIKAKU_TESTS_CALENDAR_WORDS_H
#define SHIKAKU_TESTS_CALENDAR_WORDS_H

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/date.h"

/* Dates and moments as tests write them; "" is no date. A text that is neither ends the test. */
static inline struct date day(const char *text)
{
    struct date date;
    if (*text && date_parse(text, strlen(text), &date) != OK)
        abort();
    return *text ? date : DATE_NONE;
}

static inline moment at(const char *text)
{
    moment when;
    if (moment_parse(text, strlen(text), &when) != OK)
        abort();
    return when;
}

#endif
