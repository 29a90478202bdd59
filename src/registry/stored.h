#ifndef SHIKAKU_REGISTRY_STORED_H
#define SHIKAKU_REGISTRY_STORED_H

#include "base/region.h"
#include "domain/facts.h"
#include "registry/registry.h"
#include "registry/registry_sql.h"

/* How the domain's values are stored, and back. For src/registry only. */

enum { PROTECTED_NON_DISCLOSURE = 1, PROTECTED_SELF_INFORMATION_BLOCKED = 2 };

/* 06139463 is stored as 6139463. */
int64_t stored_insurer(const struct insurer_number *number);
enum status insurer_of_stored(int64_t stored, struct insurer_number *out) MUST_CHECK;
int64_t stored_institution(const struct institution_code *code);
/* Not present gives "". */
enum status institution_of_stored(struct db_optional_int stored, struct institution_code *out) MUST_CHECK;

enum status key_of_stored(int64_t insurer, struct bytes symbol, struct bytes number, struct bytes branch,
                          struct insured_key *out) MUST_CHECK;

enum status certificate_state_of_stored(int64_t stored, enum certificate_state *out) MUST_CHECK;

/* Borrows the texts. */
struct registry_sql_stated stated_of_person(const struct five_items *person, enum relationship relationship);
struct registry_sql_coverage coverage_to_store(const struct coverage *coverage);
/* The texts are copied to the region. ERR_DAMAGED: what is stored is none of ours. */
enum status person_of_stored(const struct registry_sql_stated *stated, struct region *region,
                             struct five_items *out) MUST_CHECK;
enum status coverage_of_stored(const struct registry_sql_coverage *stored, struct coverage *out) MUST_CHECK;

struct person_facts person_of_row(int64_t id, int64_t enrolment, int64_t protection);

bool stated_is_same(const struct registry_sql_stated *a, const struct registry_sql_stated *b);
bool coverage_is_same(const struct registry_sql_coverage *a, const struct registry_sql_coverage *b);

/* data NULL where there is nothing. ERR_NO_MEMORY. */
enum status text_of_stored(struct bytes stored, struct region *region, struct bytes *out) MUST_CHECK;
/* Exactly size bytes: ERR_DAMAGED otherwise. */
enum status id_of_stored(struct bytes stored, uint8_t *out, size_t size) MUST_CHECK;

struct db_optional_int optional_key(int64_t key); /* 0 is NULL */
/* The bytes, or NULL where all are zero. */
struct bytes optional_id(const uint8_t *id, size_t size);

/* A version counts for a reader of `load` (0: nobody's): recorded directly, published, or of that load. */
bool version_counts(struct db_optional_int load, struct db_optional_int load_state, int64_t of_load);
bool version_is_staged(struct db_optional_int load_state);
bool version_is_undone(struct db_optional_int load_state);

/* Closes rows of which only the first one's id is wanted; *out stays as it is where there is none. */
enum status take_id(struct db_rows *rows, int64_t *out) MUST_CHECK;

/* An array in a region that grows as rows come. */
struct rows_in_region {
    struct region *region;
    size_t size; /* of one */
    void *items;
    size_t count;
    size_t capacity;
};
/* A zeroed one at the end; NULL: no memory. Earlier ones may have moved. */
void *rows_in_region_add(struct rows_in_region *rows);

#endif
