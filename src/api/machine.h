#ifndef SHIKAKU_API_MACHINE_H
#define SHIKAKU_API_MACHINE_H

#include "http/router.h"
#include "service/centre.h"

/*
 * The endpoints of the machine port (docs/machine-api.md): HTTP in, use case, HTTP out. `loops` has one entry
 * for each loop of the server, by http_loop_index(); all of this outlives the server.
 */
struct machine_api {
    struct centre *centre;
    struct centre_loop **loops;
};

/* The routes, with `api` as their context, in the region; NULL without memory. */
const struct http_route *machine_api_routes(struct machine_api *api, struct region *region, size_t *count);

/* Problem documents for what the server itself refuses (http_problem_writer). */
void machine_api_write_problem(void *context, struct http_request *request, enum http_problem problem,
                               struct http_response *response);

#endif
