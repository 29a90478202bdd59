#ifndef SHIKAKU_CLINIC_OUTCOME_H
#define SHIKAKU_CLINIC_OUTCOME_H

#include "exchange/answer_json.h"

/*
 * What a terminal has to tell after a check or an enrolment: the centre's answer, or why there is none. The
 * zero is "cannot be confirmed": nothing that failed ever reads as eligible or as not eligible.
 */
enum outcome_source {
    OUTCOME_LOCAL,     /* stopped at this terminal: reader, card, person, settings, entry */
    OUTCOME_NO_CENTRE, /* the centre could not be asked, or gave no answer that can be read */
    OUTCOME_REFUSED,   /* the centre refused the request: a problem document */
    OUTCOME_ANSWER,    /* the centre decided about eligibility */
    OUTCOME_ENROLLED,  /* the centre enrolled the card, or had done so before */
};

struct outcome {
    enum outcome_source source;
    enum result result;
    const char *reason; /* a code of the catalogue */
    const char *message_ja, *message_en;
    struct step_view steps[NEXT_STEPS_MAX];
    size_t step_count;
    int tries_left;            /* of a PIN; negative where it does not apply */
    struct answer_view answer; /* of OUTCOME_ANSWER */
    json_t *json;              /* owned: the same for machines; NULL without memory */
};

/* Texts are static or live in the region. Freed by outcome_free(). */
void outcome_of_reason(enum outcome_source source, enum reason reason, int tries_left, struct outcome *out);
/* By status and body of the centre's reply to a check. What cannot be read becomes centre_unreachable. */
void outcome_of_check_reply(unsigned status, struct bytes body, struct region *region, struct outcome *out);
/* The same of the reply to an enrolment. */
void outcome_of_enrolment_reply(unsigned status, struct bytes body, struct region *region,
                                struct outcome *out);
void outcome_free(struct outcome *outcome);

/* 0 eligible or enrolled, 1 not eligible, 2 cannot be confirmed, 3 stopped at this terminal. */
int outcome_exit_status(const struct outcome *outcome);

#endif
