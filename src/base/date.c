#include "base/date.h"

#include <stddef.h>
#include <string.h>

/* Days from civil and back: the well-known proleptic Gregorian arithmetic on years that begin in March. */
static int32_t days_from_civil(int year, int month, int day)
{
    year -= month <= 2;
    int era = (year >= 0 ? year : year - 399) / 400;
    int year_of_era = year - era * 400;
    int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct ymd date_to_ymd(struct date date)
{
    if (date_is_none(date))
        return (struct ymd){0};
    int days = date.days + 719468;
    int era = (days >= 0 ? days : days - 146096) / 146097;
    int day_of_era = days - era * 146097;
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int shifted = (5 * day_of_year + 2) / 153;
    int month = shifted < 10 ? shifted + 3 : shifted - 9;
    return (struct ymd){
        .year = year_of_era + era * 400 + (month <= 2),
        .month = month,
        .day = day_of_year - (153 * shifted + 2) / 5 + 1,
    };
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

bool date_is_none(struct date date)
{
    return date.days == INT32_MAX;
}

int date_compare(struct date a, struct date b)
{
    return (a.days > b.days) - (a.days < b.days);
}

bool date_before(struct date a, struct date b)
{
    return a.days < b.days;
}

bool date_equal(struct date a, struct date b)
{
    return a.days == b.days;
}

enum status date_from_ymd(int year, int month, int day, struct date *out)
{
    *out = DATE_NONE;
    if (year < 1868 || year > 2999 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return ERR_RANGE;
    out->days = days_from_civil(year, month, day);
    return OK;
}

static int digits(const char *text, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

enum status date_parse(const char *text, size_t length, struct date *out)
{
    *out = DATE_NONE;
    bool dashes = length == 10 && text[4] == '-' && text[7] == '-';
    if (!dashes && length != 8)
        return ERR_MALFORMED;
    int year = digits(text, 4);
    int month = digits(text + (dashes ? 5 : 4), 2);
    int day = digits(text + (dashes ? 8 : 6), 2);
    if (year < 0 || month < 0 || day < 0)
        return ERR_MALFORMED;
    return date_from_ymd(year, month, day, out);
}

/* Answers hold several dates: printf would cost ten times as much. */
static char *put_digits(char *at, size_t count, unsigned value)
{
    for (size_t i = count; i > 0; i--, value /= 10)
        at[i - 1] = (char)('0' + value % 10);
    return at + count;
}

void date_format(struct date date, char out[11])
{
    if (date_is_none(date)) {
        out[0] = '\0';
        return;
    }
    struct ymd ymd = date_to_ymd(date);
    char *at = put_digits(out, 4, (unsigned)ymd.year);
    *at++ = '-';
    at = put_digits(at, 2, (unsigned)ymd.month);
    *at++ = '-';
    *put_digits(at, 2, (unsigned)ymd.day) = '\0';
}

void date_format_compact(struct date date, char out[9])
{
    if (date_is_none(date)) {
        memcpy(out, "00000000", 9);
        return;
    }
    struct ymd ymd = date_to_ymd(date);
    char *at = put_digits(put_digits(out, 4, (unsigned)ymd.year), 2, (unsigned)ymd.month);
    *put_digits(at, 2, (unsigned)ymd.day) = '\0';
}

struct date date_add_days(struct date date, int days)
{
    if (date_is_none(date))
        return date;
    return (struct date){date.days + days};
}

struct date date_add_months(struct date date, int months)
{
    if (date_is_none(date))
        return date;
    struct ymd ymd = date_to_ymd(date);
    int index = ymd.year * 12 + ymd.month - 1 + months;
    int year = index / 12, month = index % 12 + 1;
    int last = days_in_month(year, month);
    return (struct date){days_from_civil(year, month, ymd.day < last ? ymd.day : last)};
}

struct date date_add_years(struct date date, int years)
{
    return date_add_months(date, years * 12);
}

struct date date_first_of_month(struct date date)
{
    if (date_is_none(date))
        return date;
    return date_add_days(date, 1 - date_to_ymd(date).day);
}

struct date date_last_of_month(struct date date)
{
    return date_add_days(date_first_of_month(date_add_months(date_first_of_month(date), 1)), -1);
}

int date_fiscal_year(struct date date)
{
    struct ymd ymd = date_to_ymd(date);
    return ymd.month >= 4 ? ymd.year : ymd.year - 1;
}

struct date date_age_reached(struct date birth, int age)
{
    if (date_is_none(birth))
        return birth;
    struct ymd ymd = date_to_ymd(birth);
    /* The day before 29 February is 28 February in every year; of any other day, simply the day before. */
    if (ymd.month == 2 && ymd.day == 29)
        return (struct date){days_from_civil(ymd.year + age, 2, 28)};
    return (struct date){days_from_civil(ymd.year + age, ymd.month, ymd.day) - 1};
}

int date_age_in_law(struct date birth, struct date day)
{
    if (date_is_none(birth) || date_is_none(day))
        return -1;
    int age = date_to_ymd(day).year - date_to_ymd(birth).year + 1;
    while (date_before(day, date_age_reached(birth, age)))
        age--;
    return age;
}

struct era_year date_era(struct date date)
{
    static const struct {
        struct ymd first;
        char letter;
        const char *name;
    } eras[] = {
        {{2019, 5, 1}, 'R', "令和"},  {{1989, 1, 8}, 'H', "平成"}, {{1926, 12, 25}, 'S', "昭和"},
        {{1912, 7, 30}, 'T', "大正"}, {{1868, 1, 1}, 'M', "明治"},
    };
    struct ymd ymd = date_to_ymd(date);
    for (size_t i = 0; i < sizeof(eras) / sizeof(eras[0]); i++) {
        struct ymd first = eras[i].first;
        if (date.days >= days_from_civil(first.year, first.month, first.day))
            return (struct era_year){eras[i].letter, eras[i].name, ymd.year - first.year + 1};
    }
    return (struct era_year){'M', "明治", ymd.year - 1867};
}
