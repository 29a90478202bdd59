#ifndef SHIKAKU_DOMAIN_ENROLMENT_H
#define SHIKAKU_DOMAIN_ENROLMENT_H

#include "domain/facts.h"

/*
 * 利用登録: whether this card's holder may be enrolled now (Q6). REASON_NONE, or why not. First line that
 * applies:
 *
 * | what is found                                     | reason                |
 * |---------------------------------------------------|-----------------------|
 * | the authority's news has not named the certificate | authority_unreachable | newly issued: it will be a
 * moment later | self-information blocked; certificate suspended,  | card_not_usable       | one text for all
 * of these |   revoked or superseded                           |                       | | certificate past
 * its last day                     | certificate_expired   | renew first; grace is for reception
 *
 * Someone whose enrolment is in force may enrol again: nothing changes. After a release it begins anew.
 */
enum reason enrolment_refusal(const struct certificate_facts *certificate, struct date today);

#endif
