#ifndef SHIKAKU_TESTS_PKI_FIXTURE_H
#define SHIKAKU_TESTS_PKI_FIXTURE_H

#include <jansson.h>

#include "pki/issue.h"

/* Helps the tests of pki: moments in words, orders with sensible defaults, files, vectors. All abort the test
 * (cmocka's asserts) where they fail. */

moment moment_of_day(int year, int month, int day);

/* A temporary directory, removed with everything in it by scratch_remove(). */
struct scratch {
    char path[128];
};
void scratch_create(struct scratch *out);
void scratch_remove(const struct scratch *scratch);
/* In a ring of static buffers: good for a few calls. */
const char *scratch_file(const struct scratch *scratch, const char *name);
void scratch_write(const struct scratch *scratch, const char *name, struct bytes content, unsigned mode);

/* Valid 2026-01-01 to 2030-12-31, municipality 13101 (千代田区), a fresh serial. */
struct card_certificate_order card_order(const struct private_key *card_key);
void card_order_free(struct card_certificate_order *order);
struct certificate_holder holder_of_certificate(void);

/* tests/vectors/NAME; freed with json_decref(). */
json_t *vectors_load(const char *name);
/* A member that is hexadecimal, appended to a cleared buffer. */
void vector_bytes(const json_t *object, const char *member, struct buffer *out);
const char *vector_text(const json_t *object, const char *member);

#endif
