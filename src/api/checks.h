#ifndef SHIKAKU_API_CHECKS_H
#define SHIKAKU_API_CHECKS_H

#include "api/decode.h"
#include "api/machine.h"
#include "service/card_proof.h"

/* Handlers of institutions' endpoints; context is the struct machine_api. */
void handle_challenges(struct http_request *request, void *context);
void handle_check_by_card(struct http_request *request, void *context);
void handle_check_by_number(struct http_request *request, void *context);

/* The members that say what a card signed, as /v1/checks/card and /v1/enrolments share them. */
void decode_card_proof(struct decoder *decoder, struct region *region, struct card_proof *out);

/* The institution that calls; a refusal is answered here, and false given. */
bool institution_calls(struct http_request *request, struct caller *out);

#endif
