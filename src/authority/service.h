#ifndef SHIKAKU_AUTHORITY_SERVICE_H
#define SHIKAKU_AUTHORITY_SERVICE_H

#include "authority/setup.h"

/* The running authority: its data, its desk, its HTTPS listener. */
struct authority_service;

/* clock is borrowed. ERR_EXISTS: the address is in use; the rest as authority_open(). */
enum status authority_service_start(const char *directory, const struct clock *clock,
                                    struct authority_service **out) MUST_CHECK;
/* The address and the port that it listens on. */
const struct authority_settings *authority_service_settings(const struct authority_service *service);
/* Orderly: those who wait for the feed get their answer, requests in work are finished. NULL is fine. */
void authority_service_stop(struct authority_service *service);

#endif
