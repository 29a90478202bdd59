/* How long the virtual card takes for a command, in memory and on disk: median of many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "issued_card.h"

enum { ROUNDS = 2001, SLOW_ROUNDS = 101 };

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static int64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void measure(struct virtual_card *card, const char *what, const char *where, const char *hex,
                    int rounds)
{
    static int64_t times[ROUNDS];
    uint8_t command[300];
    struct buffer response = {0};
    size_t length = strlen(hex) / 2;
    if (hex_decode(hex, 2 * length, command, length) != OK)
        abort();
    for (int i = 0; i < rounds; i++) {
        int64_t begun = nanoseconds();
        virtual_card_transmit(card, bytes_of(command, length), &response);
        times[i] = nanoseconds() - begun;
    }
    qsort(times, (size_t)rounds, sizeof times[0], by_value);
    printf("%s\t%s\t%.1f\tus\n", what, where, (double)times[rounds / 2] / 1000);
    buffer_free(&response);
}

#define DIGEST_INFO                                                                                          \
    "3031300D060960864801650304020105000420"                                                                 \
    "0000000000000000000000000000000000000000000000000000000000000000"

static void measure_card(struct virtual_card *card, const char *where)
{
    assert_answers(card, SELECT_JPKI, "9000");
    measure(card, "SELECT", where, "00A4020C02000A", ROUNDS);
    measure(card, "READ BINARY 256", where, "00B0000000", ROUNDS);
    measure(card, "VERIFY", where, "002000980431323334", SLOW_ROUNDS);
    measure(card, "compute signature", where, "802A009733" DIGEST_INFO "00", SLOW_ROUNDS);
}

int main(int count, char **arguments)
{
    static struct test_authority authority;
    if (count != 2)
        return 2;
    char image[300];
    char key[300];
    snprintf(image, sizeof image, "%s/bench.card", arguments[1]);
    snprintf(key, sizeof key, "%s/bench.key", arguments[1]);
    const struct card_location where = {.image_path = image, .key_path = key};
    test_authority_open(&authority, KEY_RSA_2048);
    struct virtual_card *in_memory = test_card_issue(&authority, &(struct test_order){0});
    struct virtual_card *on_disk = test_card_issue(&authority, &(struct test_order){.where = &where});
    measure_card(in_memory, "in memory");
    measure_card(on_disk, "on disk");
    virtual_card_free(in_memory);
    virtual_card_free(on_disk);
    test_authority_close(&authority);
    return 0;
}
