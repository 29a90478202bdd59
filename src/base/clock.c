#include "base/clock.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#define TOKYO_OFFSET ((int64_t)9 * 3600 * MICROSECONDS)
#define DAY ((int64_t)86400 * MICROSECONDS)

const struct clock real_clock = {0};

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * MICROSECONDS + now.tv_nsec / 1000;
}

moment clock_now(const struct clock *clock)
{
    return clock->fake ? __atomic_load_n(&clock->fixed, __ATOMIC_RELAXED) : read_clock(CLOCK_REALTIME);
}

void clock_move(struct clock *clock, moment when)
{
    __atomic_store_n(&clock->fixed, when, __ATOMIC_RELAXED);
}

int64_t monotonic_microseconds(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

struct date date_in_tokyo(moment when)
{
    return (struct date){(int32_t)floor_divide(when + TOKYO_OFFSET, DAY)};
}

moment moment_of_tokyo_midnight(struct date date)
{
    return (int64_t)date.days * DAY - TOKYO_OFFSET;
}

static void put_digits(char *at, size_t count, unsigned value)
{
    for (size_t i = count; i > 0; i--, value /= 10)
        at[i - 1] = (char)('0' + value % 10);
}

void moment_format(moment when, char out[33])
{
    struct date date = date_in_tokyo(when);
    int64_t in_day = when + TOKYO_OFFSET - (int64_t)date.days * DAY;
    unsigned seconds = (unsigned)(in_day / MICROSECONDS), micros = (unsigned)(in_day % MICROSECONDS);
    memcpy(out, "0000-00-00T00:00:00.000000+09:00", 33);
    date_format(date, out);
    out[10] = 'T';
    put_digits(out + 11, 2, seconds / 3600);
    put_digits(out + 14, 2, seconds / 60 % 60);
    put_digits(out + 17, 2, seconds % 60);
    put_digits(out + 20, 6, micros);
}

static int two_digits(const char *text)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return -1;
    return (text[0] - '0') * 10 + (text[1] - '0');
}

enum status moment_parse(const char *text, size_t length, moment *out)
{
    *out = 0;
    struct date date;
    if (length < 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':')
        return ERR_MALFORMED;
    enum status status = date_parse(text, 10, &date);
    if (status != OK)
        return status;
    int hour = two_digits(text + 11), minute = two_digits(text + 14), second = two_digits(text + 17);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return ERR_MALFORMED;
    size_t at = 19;
    int64_t fraction = 0;
    if (text[at] == '.') {
        int64_t unit = MICROSECONDS;
        for (at++; at < length && text[at] >= '0' && text[at] <= '9'; at++) {
            unit /= 10;
            if (unit == 0)
                return ERR_MALFORMED;
            fraction += (text[at] - '0') * unit;
        }
        if (unit == MICROSECONDS)
            return ERR_MALFORMED; /* a point, and nothing behind it */
    }
    int64_t offset = 0;
    if (at + 1 == length && text[at] == 'Z') {
        offset = 0;
    } else if (at + 6 == length && (text[at] == '+' || text[at] == '-') && text[at + 3] == ':') {
        int hours = two_digits(text + at + 1), minutes = two_digits(text + at + 4);
        if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
            return ERR_MALFORMED;
        offset = (text[at] == '-' ? -1 : 1) * (int64_t)(hours * 3600 + minutes * 60) * MICROSECONDS;
    } else {
        return ERR_MALFORMED;
    }
    *out = (int64_t)date.days * DAY + (int64_t)(hour * 3600 + minute * 60 + second) * MICROSECONDS +
           fraction - offset;
    return OK;
}
