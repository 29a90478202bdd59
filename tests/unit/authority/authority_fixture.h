#ifndef SHIKAKU_TESTS_AUTHORITY_FIXTURE_H
#define SHIKAKU_TESTS_AUTHORITY_FIXTURE_H

#include "authority/authority.h"

/*
 * An authority in a temporary directory. Setting one up makes RSA keys, which takes long, so an executable
 * does it once; authority_world_reset() gives a fresh database under the same keys. The clock is fake and
 * starts at 2026-11-22 09:00 in Tokyo. All abort the test where they fail.
 */
struct authority_world {
    char directory[128];
    struct clock clock;
    struct authority *authority;
};

/* 0, or -1: for a group's setup. The second one makes keys and certificates by another clock. */
int authority_world_create(struct authority_world *world);
int authority_world_create_at(struct authority_world *world, const struct clock *clock);
void authority_world_reset(struct authority_world *world);
void authority_world_close(struct authority_world *world); /* so that a server may open it */
int authority_world_remove(struct authority_world *world);

moment moment_of_day(int year, int month, int day);
void authority_world_set_day(struct authority_world *world, int year, int month, int day);

/* 髙橋 﨑子, born 1985-05-17, of Chiyoda, by that number (the check digit is appended). */
struct resident resident_with(const char *eleven_digits);
int64_t register_resident(struct authority_world *world, const char *eleven_digits);

/* Keys are made once an executable: RSA takes long. Number 0 to 3. */
const struct private_key *rsa_key(unsigned number);
const struct private_key *p384_key(unsigned number);
const struct private_key *p256_key(void);
void keys_free(void);

struct card_order order_with(const char *eleven_digits, const struct private_key *authentication,
                             const struct private_key *signature);
void order_free(struct card_order *order);

#endif
