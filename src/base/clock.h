#ifndef SHIKAKU_BASE_CLOCK_H
#define SHIKAKU_BASE_CLOCK_H

#include <stdint.h>

#include "base/date.h"

/* Microseconds since 1970-01-01T00:00:00Z. What is stored and sent as a moment. */
typedef int64_t moment;

enum { MICROSECONDS = 1000000 };

/*
 * Where "now" comes from. Everything that needs it takes a clock, so that scenarios replay: `real` reads
 * CLOCK_REALTIME; a fake answers `fixed`, which its owner moves.
 */
struct clock {
    bool fake;
    moment fixed;
};

extern const struct clock real_clock;

moment clock_now(const struct clock *clock);
/* Moves a fake, also while other threads read it. */
void clock_move(struct clock *clock, moment when);
/* Never goes backwards; for measuring durations only. */
int64_t monotonic_microseconds(void);

/* Asia/Tokyo, the zone of every rule about days: UTC+9 since 1952, no summer time. */
struct date date_in_tokyo(moment when);
moment moment_of_tokyo_midnight(struct date date);
/* "2026-11-22T09:15:02.123456+09:00"; out holds 33 bytes. */
void moment_format(moment when, char out[33]);
/* What moment_format writes, and RFC 3339 with any offset and 0-6 decimals. */
enum status moment_parse(const char *text, size_t length, moment *out) MUST_CHECK;

#endif
