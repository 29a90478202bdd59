#include "domain/card_certificate.h"

enum { WARNING_MONTHS = 3, GRACE_MONTHS = 3 };

/* Those born on 29 February have their birthday, for these terms, on the 28th. */
static struct date birthday_in(int year, struct date birth)
{
    struct ymd ymd = date_to_ymd(birth);
    struct date date;
    int day = ymd.month == 2 && ymd.day == 29 ? 28 : ymd.day;
    return date_from_ymd(year, ymd.month, day, &date) == OK ? date : DATE_NONE;
}

static struct date nth_birthday_after(struct date issued, struct date birth, int n)
{
    int year = date_to_ymd(issued).year;
    int first = date_before(issued, birthday_in(year, birth)) ? year : year + 1;
    return birthday_in(first + n - 1, birth);
}

struct date certificate_last_day(struct date issued, struct date birth)
{
    return nth_birthday_after(issued, birth, 5);
}

struct date card_last_day(struct date issued, struct date applied, struct date birth)
{
    struct date adult_at_18; /* 民法改正, in force on this day */
    if (date_from_ymd(2022, 4, 1, &adult_at_18) != OK)
        return DATE_NONE;
    int adult_age = date_before(applied, adult_at_18) ? 20 : 18;
    bool is_minor = date_age_in_law(birth, applied) < adult_age;
    return nth_birthday_after(issued, birth, is_minor ? 5 : 10);
}

struct date certificate_grace_last_day(struct date last_day, bool on_phone)
{
    if (on_phone)
        return last_day;
    return date_last_of_month(date_add_months(date_first_of_month(last_day), GRACE_MONTHS));
}

enum certificate_term certificate_term_on(struct date last_day, bool on_phone, struct date today)
{
    if (date_before(certificate_grace_last_day(last_day, on_phone), today))
        return CERTIFICATE_TERM_ENDED;
    if (date_before(last_day, today))
        return CERTIFICATE_TERM_IN_GRACE;
    if (!date_before(today, date_add_months(last_day, -WARNING_MONTHS)))
        return CERTIFICATE_TERM_ENDS_SOON;
    return CERTIFICATE_TERM_RUNS;
}
