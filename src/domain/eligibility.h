#ifndef SHIKAKU_DOMAIN_ELIGIBILITY_H
#define SHIKAKU_DOMAIN_ELIGIBILITY_H

#include "base/region.h"
#include "domain/answer.h"
#include "domain/facts.h"

/*
 * The decision about eligibility: question and facts in, answer out. Pure: no clock, no store. The functions
 * never fail and never return NULL: without memory they give a fixed answer "cannot be confirmed: internal".
 * A failure, a lag or a missing number never becomes "not eligible".
 *
 * BY NUMBER. facts: every visible coverage under the key's insurer, symbol and number, and every other
 * coverage of the persons that those are linked to; any order. A row matches iff its key folds to the
 * question's, its birth date is the question's and, where the question has a branch, its branch is the same.
 * First line that applies:
 *
 * | what is found                                           | reason                   | why in this place |
 * |---------------------------------------------------------|--------------------------|--------------------------|
 * | 1 no row matches                                        | no_such_coverage         | | | 2 rows of more
 * than one subscription match, unless all  | several_match            | whose link, loss or flag | |   are
 * confirmed to one person                           |                          | it is, nobody knows yet  |
 * | 3 link none                                             | number_not_registered    | Q10: whatever the
 * dates  | | 4 link pending, quarantined or released                 | under_verification       | the record
 * may be        | |                                                         |                          |
 * someone else's           | | 5 in force, special expense                             |
 * in_force_special_expense |                          | | 6 in force, scheme 12, card use not registered |
 * in_force_unregistered    | CD006 6                  | | 7 in force | in_force                 | | | 8 not
 * acquired by the day                               | not_yet_acquired         | a date, not a failure    |
 * | 9 lost; another confirmed coverage of the person is in  | lost_newer_exists        | | |   force on the
 * day; person not protected                |                          |                          | | 10 lost
 * | lost                     | protected: nothing tells | | |                          | that there is more |
 *
 * BY CARD the question is about the person. facts: every visible coverage linked (in any state) to the
 * certificate's person. First line that applies; "today" is the day of asked_at in Tokyo, since the card is
 * used now whatever day is asked about:
 *
 * | what is found                                           | reason                      | why |
 * |---------------------------------------------------------|-----------------------------|--------------------------|
 * | 1 certificate not known                                 | not_enrolled                | | | 2
 * self-information blocked; certificate suspended,      | card_not_usable             | one code, one text
 * and   | |   revoked or superseded; enrolment released             |                             | nothing
 * else: what lies  | |                                                         | | behind it is not shown   |
 * | 3 past grace; or expired and not enrolled               | certificate_expired         | an expired one
 * cannot    | |                                                         |                             |
 * enrol: renew it first    | | 4 enrolment tried without a registered number           |
 * number_not_registered       | Q10                      | | 5 not enrolled, or no person learnt |
 * not_enrolled                | leads to enrolment       | | 6 a confirmed coverage is in force on the day |
 * in_force_special_expense,   | grace shows in the       | | | in_force_grace, in_force    | certificate's
 * term too   | | 7 none in force; a link is quarantined or released      | card_not_usable             | | |
 * 8 none in force; a link is pending                      | new_coverage_not_registered | a lag | | 9 no
 * coverage is confirmed to the person                | number_not_registered       | Q10 | | 10 the last
 * confirmed loss by the day was a death, and  | lost                        | no newer coverage can    | |
 * nothing was acquired after it                        |                             | be on its way | | 11
 * otherwise                                            | new_coverage_not_registered | the loss is known, the
 * | |                                                         |                             | acquisition
 * lags         |
 *
 * Of several coverages in force by card, insurance goes before medical assistance (scheme 12), then the
 * latest acquired, the latest registered, the higher subscription. A superseded certificate is on the card
 * that was replaced (a renewal writes a new key, so the old one can no longer sign from the right card): not
 * usable.
 */
const struct answer *eligibility_decide_by_number(struct region *region, const struct question *question,
                                                  const struct subscription_facts *facts, size_t count);
const struct answer *eligibility_decide_by_card(struct region *region, const struct question *question,
                                                const struct certificate_facts *certificate,
                                                const struct subscription_facts *facts, size_t count);

/* For what went wrong before a decision: centre_unreachable, authority_unreachable, too_busy, internal. Any
 * other reason becomes internal, so that no failure can come out as anything but "cannot be confirmed". */
const struct answer *eligibility_failed(struct region *region, const struct question *question,
                                        enum reason reason);

/*
 * Which days of treatment may be asked about (ours). By number: from 5 years before today (claims lapse after
 * 5) to one month ahead (appointments). By card: from the first day of the month before today's to today,
 * since the person is at the desk. REASON_NONE or day_out_of_range.
 */
enum reason day_of_treatment_refusal(enum question_kind kind, struct date day, struct date today);
/* YYYYMMDD or YYYY-MM-DD. REASON_NONE or malformed_day. */
enum reason day_of_treatment_parse(const char *text, size_t length, struct date *out) MUST_CHECK;

#endif
