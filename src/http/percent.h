#ifndef SHIKAKU_HTTP_PERCENT_H
#define SHIKAKU_HTTP_PERCENT_H

#include "base/region.h"

/* RFC 3986 2.1, into the region; with plus_is_space as in forms. ERR_MALFORMED: a broken escape, or anything
 * decoded that is not UTF-8 without control characters; ERR_NO_MEMORY. */
enum status percent_decode(struct region *region, struct bytes encoded, bool plus_is_space,
                           struct bytes *out) MUST_CHECK;

#endif
