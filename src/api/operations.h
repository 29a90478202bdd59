#ifndef SHIKAKU_API_OPERATIONS_H
#define SHIKAKU_API_OPERATIONS_H

#include "http/server.h"
#include "service/centre.h"
#include "service/feed.h"

/* For those who run the service, on a loopback port: /healthz and /metrics. Numbers only, nothing about
 * people. */
struct operations_api {
    struct centre *centre;
    struct http_server *server;
    const struct feed *feed;
};

const struct http_route *operations_api_routes(struct operations_api *api, struct region *region,
                                               size_t *count);

#endif
