#include "pki_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

moment moment_of_day(int year, int month, int day)
{
    struct date date;
    assert_int_equal(date_from_ymd(year, month, day, &date), OK);
    return moment_of_tokyo_midnight(date);
}

void scratch_create(struct scratch *out)
{
    const char *base = getenv("TMPDIR");
    snprintf(out->path, sizeof(out->path), "%s/shikaku-pki-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(out->path));
}

void scratch_remove(const struct scratch *scratch)
{
    char command[160];
    snprintf(command, sizeof(command), "rm -rf '%s'", scratch->path);
    assert_int_equal(system(command), 0);
}

const char *scratch_file(const struct scratch *scratch, const char *name)
{
    static char ring[8][256];
    static unsigned next;
    char *path = ring[next++ % 8];
    snprintf(path, sizeof(ring[0]), "%s/%s", scratch->path, name);
    return path;
}

void scratch_write(const struct scratch *scratch, const char *name, struct bytes content, unsigned mode)
{
    const char *path = scratch_file(scratch, name);
    assert_int_equal(file_write_durably(path, content, mode), OK);
    assert_int_equal(chmod(path, mode), 0);
}

struct card_certificate_order card_order(const struct private_key *card_key)
{
    struct card_certificate_order order = {
        .not_before = moment_of_day(2026, 1, 1),
        .not_after = moment_of_day(2031, 1, 1) - MICROSECONDS,
        .municipality = {"13101"},
    };
    serial_create(&order.serial);
    assert_int_equal(public_key_of(card_key, &order.key), OK);
    return order;
}

void card_order_free(struct card_certificate_order *order)
{
    public_key_free(&order->key);
}

struct certificate_holder holder_of_certificate(void)
{
    struct certificate_holder holder = {
        .name = "髙橋　﨑子",
        .name_substitutions = "00000",
        .sex = '2',
        .address = "東京都千代田区霞が関一丁目２番２号中央合同庁舎第５号館",
        .address_substitutions = "000000000000000000000000000",
    };
    assert_int_equal(date_from_ymd(1985, 5, 17, &holder.birth), OK);
    return holder;
}

json_t *vectors_load(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", VECTORS, name);
    json_error_t error;
    json_t *vectors = json_load_file(path, 0, &error);
    if (!vectors)
        fail_msg("%s: %s", path, error.text);
    return vectors;
}

void vector_bytes(const json_t *object, const char *member, struct buffer *out)
{
    const char *hex = vector_text(object, member);
    size_t length = strlen(hex) / 2;
    buffer_clear(out);
    assert_int_equal(buffer_reserve(out, length + 1), OK);
    assert_int_equal(hex_decode(hex, strlen(hex), out->data, length), OK);
    out->length = length;
}

const char *vector_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    if (!text)
        fail_msg("the vectors have no %s", member);
    return text;
}
