#ifndef SHIKAKU_API_CHECKS_H
#define SHIKAKU_API_CHECKS_H

#include "api/machine.h"

/* Handlers of institutions' endpoints; context is the struct machine_api. */
void handle_challenges(struct http_request *request, void *context);
void handle_check_by_card(struct http_request *request, void *context);
void handle_check_by_number(struct http_request *request, void *context);

#endif
