#ifndef SHIKAKU_BASE_DATE_H
#define SHIKAKU_BASE_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/*
 * A calendar day (Gregorian): days since 1970-01-01. DATE_NONE is "no date" and compares later than all.
 * Dates come from 1868-01-01 to 2999-12-31: everyone alive, and every rule of ours.
 */
struct date {
    int32_t days;
};

#define DATE_NONE ((struct date){INT32_MAX})

struct ymd {
    int year;
    int month; /* 1-12 */
    int day;   /* 1-31 */
};

bool date_is_none(struct date date);
/* Negative, zero or positive as a is before, on or after b. */
int date_compare(struct date a, struct date b);
bool date_before(struct date a, struct date b);
bool date_equal(struct date a, struct date b);

/* ERR_RANGE for a day that does not exist or lies outside the range above. */
enum status date_from_ymd(int year, int month, int day, struct date *out) MUST_CHECK;
/* DATE_NONE gives zeros. */
struct ymd date_to_ymd(struct date date);
/* "2026-11-22" or "20261122", nothing else. */
enum status date_parse(const char *text, size_t length, struct date *out) MUST_CHECK;
/* "2026-11-22"; DATE_NONE gives "". out holds 11 bytes. */
void date_format(struct date date, char out[11]);
/* "20261122"; DATE_NONE gives "00000000". out holds 9 bytes. */
void date_format_compact(struct date date, char out[9]);

/* DATE_NONE stays DATE_NONE. */
struct date date_add_days(struct date date, int days);
/* The same day of the month, or its last day where that month is shorter: 29 February + 1 year is 28
 * February. */
struct date date_add_months(struct date date, int months);
struct date date_add_years(struct date date, int years);
struct date date_first_of_month(struct date date);
struct date date_last_of_month(struct date date);
/* The fiscal year 年度 begins on 1 April: 2027-03-31 gives 2026. */
int date_fiscal_year(struct date date);

/*
 * Age in law (年齢計算ニ関スル法律): a year of age is reached at the end of the day before the birthday, so
 * the first day on which a rule "from age n" holds is that day before. Born on 29 February: reached on 28
 * February every year.
 */
struct date date_age_reached(struct date birth, int age);
/* Completed years by that rule on the given day; negative before birth, and where either is DATE_NONE. */
int date_age_in_law(struct date birth, struct date day);

/* Japanese era of the day: letter M, T, S, H or R, its name in kanji, and the year (1 is 元年). */
struct era_year {
    char letter;
    const char *name;
    int year;
};
struct era_year date_era(struct date date);

#endif
