#ifndef SHIKAKU_SERVICE_ENROL_H
#define SHIKAKU_SERVICE_ENROL_H

#include "service/card_proof.h"
#include "service/proceeding.h"

/*
 * First-use enrolment (利用登録) at an institution's terminal: terms accepted and signed by the card. Who the
 * person is is learnt once, through vault and authority; the next check by card honours it.
 */
struct enrolment_request {
    struct card_proof proof;
    struct bytes terms_version;
};

struct enrolment_result {
    bool already; /* an enrolment was in force before: nothing changed */
    moment at;
    const uint8_t *event_id;
};

struct enrol {
    struct proceeding proceeding; /* first; its owner's part filled in */
    /* filled in by the owner: */
    enum status (*encode)(const struct enrolment_result *result, struct buffer *out);

    /* its own */
    struct proven_card card;
    enum authentication form;
};

void enrol_start(struct enrol *enrol, const struct enrolment_request *request);

#endif
