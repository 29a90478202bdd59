#ifndef SHIKAKU_DOMAIN_COPAYMENT_H
#define SHIKAKU_DOMAIN_COPAYMENT_H

#include "domain/coverage.h"

/*
 * The share that a patient pays 負担割合, by age and scheme. Age in law is reached on the day before the
 * birthday (年齢計算ニ関スル法律), so every edge below lies a day before where one would look for it.
 */
enum copayment_band {
    COPAYMENT_BAND_PRESCHOOL,          /* 20 %, up to preschool_last_day() */
    COPAYMENT_BAND_GENERAL,            /* 30 % */
    COPAYMENT_BAND_70_TO_74,           /* 20 or 30 %, from elderly_band_first_day() */
    COPAYMENT_BAND_LATE_ELDERLY,       /* 10, 20 or 30 %, whatever the age: the scheme says it */
    COPAYMENT_BAND_MEDICAL_ASSISTANCE, /* nothing */
};

/* The first 31 March on or after the day before the 6th birthday: born on 1 April leaves a year before born
 * on the 2nd. */
struct date preschool_last_day(struct date birth);
/* The first of the month after the one in which 70 is reached: after the 70th birthday's month, and for those
 * born on the 1st that month itself. */
struct date elderly_band_first_day(struct date birth);

enum copayment_band copayment_band_on(const struct insurer_number *insurer, struct date birth,
                                      struct date day);

/* The ratio may be what someone of this band pays. */
bool copayment_is_plausible(enum copayment_band band, int percent);

/* The elderly ratio is set anew for 1 August to 31 July: the first day of the period that the day lies in. */
struct date copayment_period_first_day(struct date day);

/*
 * What is shown: the ratio that age and scheme alone decide (20, 30, 0); for 70 to 74 and the late elderly
 * the one stated for the day, never one carried over 1 August without the insurer saying so, and never one
 * that is not plausible: COPAYMENT_UNKNOWN then.
 */
int copayment_on(const struct coverage *coverage, struct date day);

/* Why a ratio in a load is doubted, for the preview of bulk changes. */
enum copayment_doubt {
    COPAYMENT_NOT_DOUBTED,
    COPAYMENT_NOT_A_RATIO, /* not one of 0, 10, 20, 30 */
    COPAYMENT_NOT_FOR_AGE, /* a ratio of another band */
};
enum copayment_doubt copayment_doubt_on(const struct coverage *coverage, struct date day);

/* Age in law reached by the end of the fiscal year 年度 (31 March) that the day lies in: 40, 65 and 75 of the
 * checkups. Born on 1 April counts with the fiscal year that ends the day before. */
int fiscal_year_age(struct date birth, struct date day);

#endif
