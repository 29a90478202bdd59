#ifndef SHIKAKU_REGISTRY_PARTIES_H
#define SHIKAKU_REGISTRY_PARTIES_H

#include "base/region.h"
#include "db/db.h"
#include "domain/numbers.h"

/* Insurers, institutions, employers: who takes part, apart from people. */

struct insurer {
    struct insurer_number number;
    struct bytes name;
};

/* Adds or renames. */
enum status insurer_put(struct db *db, const struct insurer *insurer) MUST_CHECK;
/* The name lies in the region. ERR_NOT_FOUND. */
enum status insurer_find(struct db *db, const struct insurer_number *number, struct region *region,
                         struct insurer *out) MUST_CHECK;

struct institution {
    struct institution_code code;
    struct bytes name;
    bool active; /* false: closed, or its designation is withdrawn */
};

enum status institution_put(struct db *db, const struct institution *institution) MUST_CHECK;
enum status institution_find(struct db *db, const struct institution_code *code, struct region *region,
                             struct institution *out) MUST_CHECK;

/* An employer, by the code that its insurer gave it (1 to 20 characters). Made where it is new; a name that
 * is stated (data not NULL) replaces the earlier one. */
enum status employer_for_code(struct db *db, const struct insurer_number *insurer, struct bytes code,
                              struct bytes name, int64_t *out) MUST_CHECK;

/* Settings by name, as text. ERR_NOT_FOUND. */
enum status setting_put(struct db *db, const char *name, struct bytes value) MUST_CHECK;
enum status setting_find(struct db *db, const char *name, struct region *region,
                         struct bytes *out) MUST_CHECK;

#endif
