#ifndef SHIKAKU_API_REQUESTS_H
#define SHIKAKU_API_REQUESTS_H

#include "service/challenges.h"
#include "service/check.h"
#include "service/enrol.h"
#include "service/loads.h"
#include "service/register_number.h"

/*
 * Bodies of requests (docs/machine-api.md, docs/insurer-api.md) into what the use cases take. REASON_NONE, or
 * what is wrong; *member is then the member at fault, a constant, or NULL. Nothing hostile gets further than
 * this.
 */
enum reason decode_nothing(struct bytes body, const char **member) MUST_CHECK; /* {} */
enum reason decode_challenges(struct bytes body, unsigned most, size_t *count,
                              const char **member) MUST_CHECK;
enum reason decode_number_check(struct bytes body, struct date today, struct number_check_request *out,
                                const char **member) MUST_CHECK;
enum reason decode_card_check(struct bytes body, struct region *region, struct card_check_request *out,
                              const char **member) MUST_CHECK;
enum reason decode_enrolment(struct bytes body, struct region *region, struct enrolment_request *out,
                             const char **member) MUST_CHECK;
enum reason decode_number_registration(struct bytes body, struct region *region,
                                       struct number_registration *out, const char **member) MUST_CHECK;
/* out->document holds the rows' texts until free_load_rows(), also after a refusal. */
enum reason decode_load_rows(struct bytes body, const struct insurer_number *insurer, struct date today,
                             struct region *region, struct load_rows *out) MUST_CHECK;
void free_load_rows(struct load_rows *rows);

#endif
