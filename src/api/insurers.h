#ifndef SHIKAKU_API_INSURERS_H
#define SHIKAKU_API_INSURERS_H

#include "api/machine.h"

/* Handlers of insurers' endpoints (docs/insurer-api.md); context is the struct machine_api. */
void handle_load_begin(struct http_request *request, void *context);
void handle_load_show(struct http_request *request, void *context);
void handle_load_rows(struct http_request *request, void *context);
void handle_load_publish(struct http_request *request, void *context);
void handle_load_undo(struct http_request *request, void *context);
void handle_number_registration(struct http_request *request, void *context);

enum { LOAD_BODY_LIMIT = 8 << 20 };

#endif
