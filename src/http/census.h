#ifndef SHIKAKU_HTTP_CENSUS_H
#define SHIKAKU_HTTP_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Open connections, counted in all and by peer (IPv4 address, IPv6 /64). Any thread. */
struct census;

/* per_peer 0: peers are not counted. */
enum status census_new(size_t total, size_t per_peer, struct census **out) MUST_CHECK;
void census_free(struct census *census);

enum census_answer { CENSUS_ADMITTED, CENSUS_FULL, CENSUS_PEER_FULL };

/* address: IPv6, or IPv4 mapped. Each ADMITTED is followed by one census_leave(). */
enum census_answer census_enter(struct census *census, const uint8_t address[16]);
void census_leave(struct census *census, const uint8_t address[16]);

#endif
