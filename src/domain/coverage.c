#include "domain/coverage.h"

#include <string.h>

static const struct {
    int value;
    const char *code;
} loss_reasons[] =
    {
        {LOSS_REASON_NONE, ""},
        {LOSS_REASON_DEATH, "01"},
        {LOSS_REASON_PUBLIC_ASSISTANCE, "02"},
        {LOSS_REASON_OTHER_INSURANCE, "03"},
        {LOSS_REASON_OTHER, "99"},
},
  classifications[] = {
      {CARD_CLASSIFICATION_UNSTATED, ""},          {CARD_CLASSIFICATION_GENERAL, "01"},
      {CARD_CLASSIFICATION_RETIRED, "02"},         {CARD_CLASSIFICATION_SPECIAL, "05"},
      {CARD_CLASSIFICATION_SPECIAL_RETIRED, "06"}, {CARD_CLASSIFICATION_SELF_DEFENCE, "07"},
      {CARD_CLASSIFICATION_ASSISTANCE, "A1"},
};

static bool is_code(const char *text, size_t length, const char *code)
{
    return strlen(code) == length && (length == 0 || memcmp(text, code, length) == 0);
}

const char *loss_reason_code(enum loss_reason reason)
{
    for (size_t i = 0; i < ARRAY_LENGTH(loss_reasons); i++)
        if (loss_reasons[i].value == (int)reason)
            return loss_reasons[i].code;
    return "";
}

const char *card_classification_code(enum card_classification classification)
{
    for (size_t i = 0; i < ARRAY_LENGTH(classifications); i++)
        if (classifications[i].value == (int)classification)
            return classifications[i].code;
    return "";
}

bool loss_reason_by_code(const char *code, size_t length, enum loss_reason *out)
{
    *out = LOSS_REASON_NONE;
    for (size_t i = 0; i < ARRAY_LENGTH(loss_reasons); i++) {
        if (is_code(code, length, loss_reasons[i].code)) {
            *out = (enum loss_reason)loss_reasons[i].value;
            return true;
        }
    }
    return false;
}

bool card_classification_by_code(const char *code, size_t length, enum card_classification *out)
{
    *out = CARD_CLASSIFICATION_UNSTATED;
    for (size_t i = 0; i < ARRAY_LENGTH(classifications); i++) {
        if (is_code(code, length, classifications[i].code)) {
            *out = (enum card_classification)classifications[i].value;
            return true;
        }
    }
    return false;
}

struct coverage coverage_blank(void)
{
    return (struct coverage){
        .person = {.birth = DATE_NONE, .sex = SEX_UNSET},
        .acquired = DATE_NONE,
        .lost = DATE_NONE,
        .copayment = {.percent = COPAYMENT_UNKNOWN, .valid_from = DATE_NONE, .valid_until = DATE_NONE},
        .elderly = {.issued = DATE_NONE,
                    .valid_from = DATE_NONE,
                    .last_day = DATE_NONE,
                    .percent = COPAYMENT_UNKNOWN},
        .certificate = {.issued = DATE_NONE, .last_day = DATE_NONE},
    };
}

bool coverage_in_force_on(const struct coverage *coverage, struct date day)
{
    return !date_before(day, coverage->acquired) && date_before(day, coverage->lost);
}

bool coverage_lost_by(const struct coverage *coverage, struct date day)
{
    return !date_is_none(coverage->lost) && !date_before(day, coverage->lost);
}

struct date late_elderly_move_day(struct date birth)
{
    return date_add_days(date_age_reached(birth, 75), 1);
}

bool coverage_change_is_due(const struct coverage *coverage, struct date day)
{
    int scheme = insurer_number_scheme(&coverage->key.insurer);
    bool is_health_insurance = scheme < SCHEME_MEDICAL_ASSISTANCE || scheme >= 31;
    bool is_public_expense = scheme == 51 || scheme == 52 || scheme == 54;
    if (!is_health_insurance || is_public_expense || scheme == SCHEME_LATE_ELDERLY)
        return false;
    return !date_before(day, late_elderly_move_day(coverage->person.birth));
}
