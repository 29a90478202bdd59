#ifndef SHIKAKU_DOMAIN_DISCLOSURE_H
#define SHIKAKU_DOMAIN_DISCLOSURE_H

#include "domain/answer.h"
#include "domain/facts.h"

/*
 * What of a coverage an answer shows: part of building the answer, so that nothing can be encoded that was
 * not decided here.
 *
 * | answer                   | shown                                                                     |
 * |--------------------------|---------------------------------------------------------------------------|
 * | eligible                 | all; address and postal code not where the person is protected            |
 * | not eligible             | key, insurer, names, birth date, acquired, lost: nothing of where someone |
 * |                          | lives or went, so that it looks the same for everyone                     |
 * | cannot be confirmed      | nothing                                                                   |
 *
 * Hidden and missing are one value. The reason of a loss is never shown: "other insurance" would say of a
 * protected person what `lost` withholds. A coverage by card whose loss was a death shows as any loss.
 */
struct disclosed_coverage disclosure_for(enum result result, const struct subscription_facts *facts,
                                         bool is_protected, struct date day);
/* Nothing stated. */
struct disclosed_coverage disclosure_nothing(void);

/* 不開示該当 or 自己情報提供不可. */
bool person_is_protected(const struct person_facts *person);

#endif
