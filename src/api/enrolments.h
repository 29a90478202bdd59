#ifndef SHIKAKU_API_ENROLMENTS_H
#define SHIKAKU_API_ENROLMENTS_H

#include "api/machine.h"

/* Handlers; context is the struct machine_api. */
void handle_terms(struct http_request *request, void *context);
void handle_enrolment(struct http_request *request, void *context);

#endif
