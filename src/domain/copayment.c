#include "domain/copayment.h"

static struct date day_of(int year, int month, int day)
{
    struct date date;
    return date_from_ymd(year, month, day, &date) == OK ? date : DATE_NONE;
}

struct date preschool_last_day(struct date birth)
{
    struct date six = date_age_reached(birth, 6);
    if (date_is_none(six))
        return six;
    int year = date_to_ymd(six).year;
    struct date march = day_of(year, 3, 31);
    return date_before(march, six) ? day_of(year + 1, 3, 31) : march;
}

struct date elderly_band_first_day(struct date birth)
{
    return date_add_months(date_first_of_month(date_age_reached(birth, 70)), 1);
}

enum copayment_band copayment_band_on(const struct insurer_number *insurer, struct date birth,
                                      struct date day)
{
    int scheme = insurer_number_scheme(insurer);
    if (scheme == SCHEME_MEDICAL_ASSISTANCE)
        return COPAYMENT_BAND_MEDICAL_ASSISTANCE;
    if (scheme == SCHEME_LATE_ELDERLY)
        return COPAYMENT_BAND_LATE_ELDERLY;
    if (!date_is_none(birth) && !date_before(preschool_last_day(birth), day))
        return COPAYMENT_BAND_PRESCHOOL;
    if (!date_before(day, elderly_band_first_day(birth)))
        return COPAYMENT_BAND_70_TO_74;
    return COPAYMENT_BAND_GENERAL;
}

bool copayment_is_plausible(enum copayment_band band, int percent)
{
    switch (band) {
    case COPAYMENT_BAND_PRESCHOOL:
        return percent == 20;
    case COPAYMENT_BAND_GENERAL:
        return percent == 30;
    case COPAYMENT_BAND_70_TO_74:
        return percent == 20 || percent == 30;
    case COPAYMENT_BAND_LATE_ELDERLY:
        return percent == 10 || percent == 20 || percent == 30;
    case COPAYMENT_BAND_MEDICAL_ASSISTANCE:
        return percent == 0;
    }
    return false;
}

struct date copayment_period_first_day(struct date day)
{
    struct ymd ymd = date_to_ymd(day);
    return day_of(ymd.month >= 8 ? ymd.year : ymd.year - 1, 8, 1);
}

/* Begins on or before the day and ends after it; an open end does not reach over 1 August. */
static bool stated_for(const struct coverage *coverage, struct date day)
{
    const struct stated_copayment *stated = &coverage->copayment;
    struct date from = date_is_none(stated->valid_from) ? coverage->acquired : stated->valid_from;
    if (date_before(day, from) || !date_before(day, stated->valid_until))
        return false;
    return !date_is_none(stated->valid_until) || !date_before(from, copayment_period_first_day(day));
}

static bool certified_for(const struct elderly_certificate *elderly, struct date day)
{
    return !date_is_none(elderly->valid_from) && !date_is_none(elderly->last_day) &&
           !date_before(day, elderly->valid_from) && !date_before(elderly->last_day, day);
}

static int stated_percent_on(const struct coverage *coverage, enum copayment_band band, struct date day)
{
    if (band == COPAYMENT_BAND_70_TO_74 && certified_for(&coverage->elderly, day))
        return coverage->elderly.percent;
    return stated_for(coverage, day) ? coverage->copayment.percent : COPAYMENT_UNKNOWN;
}

int copayment_on(const struct coverage *coverage, struct date day)
{
    enum copayment_band band = copayment_band_on(&coverage->key.insurer, coverage->person.birth, day);
    int percent = COPAYMENT_UNKNOWN;
    switch (band) {
    case COPAYMENT_BAND_PRESCHOOL:
        return 20;
    case COPAYMENT_BAND_GENERAL:
        return 30;
    case COPAYMENT_BAND_MEDICAL_ASSISTANCE:
        return 0;
    case COPAYMENT_BAND_70_TO_74:
    case COPAYMENT_BAND_LATE_ELDERLY:
        percent = stated_percent_on(coverage, band, day);
        return copayment_is_plausible(band, percent) ? percent : COPAYMENT_UNKNOWN;
    }
    return COPAYMENT_UNKNOWN;
}

enum copayment_doubt copayment_doubt_on(const struct coverage *coverage, struct date day)
{
    int percent = coverage->copayment.percent;
    if (percent == COPAYMENT_UNKNOWN)
        return COPAYMENT_NOT_DOUBTED;
    if (percent != 0 && percent != 10 && percent != 20 && percent != 30)
        return COPAYMENT_NOT_A_RATIO;
    enum copayment_band band = copayment_band_on(&coverage->key.insurer, coverage->person.birth, day);
    return copayment_is_plausible(band, percent) ? COPAYMENT_NOT_DOUBTED : COPAYMENT_NOT_FOR_AGE;
}

int fiscal_year_age(struct date birth, struct date day)
{
    return date_age_in_law(birth, day_of(date_fiscal_year(day) + 1, 3, 31));
}
