#ifndef SHIKAKU_API_PENDING_H
#define SHIKAKU_API_PENDING_H

#include "api/machine.h"
#include "service/proceeding.h"

/*
 * A request whose proceeding goes on after the handler has returned. The proceeding is the first member of a
 * use case of `size` bytes in the request's region; NULL where the caller was refused or memory ran out, and
 * answered.
 */
struct proceeding *pending_start(struct http_request *request, const struct machine_api *api,
                                 enum machine_kind wanted, size_t size);

/* A request that could not be read: recorded as a refusal that names the member, ours, or NULL. */
void pending_refuse(struct proceeding *proceeding, enum reason reason, const char *member);

#endif
