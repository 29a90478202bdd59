#include "authority_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "authority/setup.h"

int authority_world_create(struct authority_world *world)
{
    *world = (struct authority_world){.clock = {.fake = true}};
    authority_world_set_day(world, 2026, 11, 22);
    return authority_world_create_at(world, &world->clock);
}

int authority_world_create_at(struct authority_world *world, const struct clock *clock)
{
    const char *base = getenv("TMPDIR");
    snprintf(world->directory, sizeof(world->directory), "%s/shikaku-authority-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(world->directory))
        return -1;
    const struct authority_settings settings = {.address = "127.0.0.1"};
    if (authority_setup(world->directory, &settings, clock) != OK)
        return -1;
    return 0;
}

void authority_world_close(struct authority_world *world)
{
    authority_close(world->authority);
    world->authority = NULL;
}

void authority_world_reset(struct authority_world *world)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    authority_world_close(world);
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++) {
        char path[160];
        snprintf(path, sizeof(path), "%s/authority.db%s", world->directory, endings[i]);
        unlink(path);
    }
    authority_world_set_day(world, 2026, 11, 22);
    assert_int_equal(authority_open(world->directory, &world->clock, &world->authority), OK);
}

int authority_world_remove(struct authority_world *world)
{
    char command[160];
    authority_world_close(world);
    snprintf(command, sizeof(command), "rm -rf '%s'", world->directory);
    return system(command) == 0 ? 0 : -1;
}

moment moment_of_day(int year, int month, int day)
{
    struct date date;
    assert_int_equal(date_from_ymd(year, month, day, &date), OK);
    return moment_of_tokyo_midnight(date);
}

void authority_world_set_day(struct authority_world *world, int year, int month, int day)
{
    struct date date;
    if (date_from_ymd(year, month, day, &date) == OK)
        world->clock.fixed = moment_of_tokyo_midnight(date) + 9LL * 3600 * MICROSECONDS;
}

static struct my_number number_of(const char *eleven_digits)
{
    char digits[13];
    struct my_number number;
    snprintf(digits, sizeof(digits), "%.11s%c", eleven_digits, my_number_check_digit(eleven_digits));
    assert_int_equal(my_number_parse(digits, 12, &number), REASON_NONE);
    return number;
}

struct resident resident_with(const char *eleven_digits)
{
    struct resident resident = {
        .number = number_of(eleven_digits),
        .items = {.name = {bytes_of_text("髙橋　﨑子")},
                  .kana = {bytes_of_text("タカハシ　サキコ")},
                  .sex = SEX_FEMALE,
                  .address = {bytes_of_text("東京都千代田区霞が関一丁目２番２号")}},
        .municipality = {"13101"},
        .has_photo = true,
        .state = RESIDENT_LIVING,
    };
    assert_int_equal(date_from_ymd(1985, 5, 17, &resident.items.birth), OK);
    return resident;
}

int64_t register_resident(struct authority_world *world, const char *eleven_digits)
{
    struct resident resident = resident_with(eleven_digits);
    int64_t id;
    assert_int_equal(authority_register_resident(world->authority, &resident, &id), OK);
    return id;
}

static struct private_key rsa_keys[4], p384_keys[4], machine_key;

static const struct private_key *made(struct private_key *key, enum key_kind kind)
{
    if (key->kind == KEY_NONE)
        assert_int_equal(private_key_create(kind, key), OK);
    return key;
}

const struct private_key *rsa_key(unsigned number)
{
    return made(&rsa_keys[number], KEY_RSA_2048);
}

const struct private_key *p384_key(unsigned number)
{
    return made(&p384_keys[number], KEY_P384);
}

const struct private_key *p256_key(void)
{
    return made(&machine_key, KEY_P256);
}

void keys_free(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(rsa_keys); i++) {
        private_key_free(&rsa_keys[i]);
        private_key_free(&p384_keys[i]);
    }
    private_key_free(&machine_key);
}

struct card_order order_with(const char *eleven_digits, const struct private_key *authentication,
                             const struct private_key *signature)
{
    struct card_order order = {
        .number = number_of(eleven_digits),
        .generation = authentication->kind == KEY_P384 ? GENERATION_NEXT : GENERATION_CURRENT,
        .device = DEVICE_CARD,
    };
    assert_int_equal(public_key_of(authentication, &order.authentication_key), OK);
    if (signature)
        assert_int_equal(public_key_of(signature, &order.signature_key), OK);
    return order;
}

void order_free(struct card_order *order)
{
    public_key_free(&order->authentication_key);
    public_key_free(&order->signature_key);
}
