#ifndef SHIKAKU_AUTHORITY_ENDPOINTS_H
#define SHIKAKU_AUTHORITY_ENDPOINTS_H

#include "authority/desk.h"
#include "http/router.h"

/*
 * The authority's HTTP interface, over mutual TLS. No identifier of a person stands in a URL.
 * docs/authority.md describes it.
 */

/* All routes to this desk, which must outlive the router. */
enum status authority_router_new(struct desk *desk, struct http_router **out) MUST_CHECK;

#endif
