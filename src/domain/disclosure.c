#include "domain/disclosure.h"

#include "domain/copayment.h"

bool person_is_protected(const struct person_facts *person)
{
    return person->non_disclosure || person->self_information_blocked;
}

struct disclosed_coverage disclosure_nothing(void)
{
    struct coverage blank = coverage_blank();
    return (struct disclosed_coverage){
        .person = blank.person,
        .acquired = DATE_NONE,
        .lost = DATE_NONE,
        .copayment_percent = COPAYMENT_UNKNOWN,
        .elderly = blank.elderly,
        .certificate = blank.certificate,
    };
}

/* What whoever holds the number may learn when it no longer counts: whose it was, whose insurer, from when to
 * when. */
static struct disclosed_coverage disclose_not_eligible(const struct coverage *coverage)
{
    struct disclosed_coverage shown = disclosure_nothing();
    shown.key = coverage->key;
    shown.insurer_name = coverage->insurer_name;
    shown.person.name = coverage->person.name;
    shown.person.kana = coverage->person.kana;
    shown.person.alias = coverage->person.alias;
    shown.person.birth = coverage->person.birth;
    shown.acquired = coverage->acquired;
    shown.lost = coverage->lost;
    return shown;
}

static struct disclosed_coverage disclose_eligible(const struct coverage *coverage, bool is_protected,
                                                   struct date day)
{
    struct disclosed_coverage shown = {
        .key = coverage->key,
        .insurer_name = coverage->insurer_name,
        .person = coverage->person,
        .relationship = coverage->relationship,
        .acquired = coverage->acquired,
        .lost = coverage->lost,
        .classification = coverage->classification,
        .copayment_percent = copayment_on(coverage, day),
        .elderly = coverage->elderly,
        .preschool = coverage->preschool,
        .special_expense = coverage->special_expense,
        .certificate = coverage->certificate,
    };
    if (is_protected) { /* Q1: the town is as telling as the street */
        shown.person.address = (struct address){0};
        shown.person.postal_code = (struct postal_code){0};
    }
    return shown;
}

struct disclosed_coverage disclosure_for(enum result result, const struct subscription_facts *facts,
                                         bool is_protected, struct date day)
{
    switch (result) {
    case RESULT_ELIGIBLE:
        return disclose_eligible(&facts->coverage, is_protected, day);
    case RESULT_NOT_ELIGIBLE:
        return disclose_not_eligible(&facts->coverage);
    case RESULT_CANNOT_BE_CONFIRMED:
        break;
    }
    return disclosure_nothing();
}
