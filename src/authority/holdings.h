#ifndef SHIKAKU_AUTHORITY_HOLDINGS_H
#define SHIKAKU_AUTHORITY_HOLDINGS_H

#include "authority/authority.h"
#include "authority/authority_sql.h"

/* What the authority's own files share, and nobody else sees. */

enum { CARD_ISSUERS = 4 };

struct authority {
    const struct clock *clock;
    struct db *db;
    struct issuer card_issuers[CARD_ISSUERS];     /* by enum card_issuer - 1 */
    struct buffer card_issuer_keys[CARD_ISSUERS]; /* SubjectPublicKeyInfo, for ids */
    struct issuer machine_issuer;
    struct private_key terminal_key;
    struct terminal_certificate terminal_authority;
    struct private_key feed_key;
    struct private_key sealing_key;
};

/* Names of the issuers' files in ca/, and of the self-issued terminal certificate's subject. */
extern const char *const card_issuer_files[CARD_ISSUERS];
extern const struct terminal_id terminal_authority_id;

/* The caller frees it; NULL without memory. */
char *path_in(const char *directory, const char *name);

bool issuer_makes_signatures(enum card_issuer issuer);
enum status card_certificate_id(const struct authority *authority, enum card_issuer issuer,
                                const struct serial *serial, struct certificate_id *out) MUST_CHECK;

/* The first of count consecutive numbers of that counter: inside the transaction that uses them. */
enum status counter_take(struct db *db, const char *name, int64_t count, int64_t *first) MUST_CHECK;

int64_t my_number_to_integer(const struct my_number *number);
void my_number_from_integer(int64_t value, struct my_number *out);

/* ERR_NOT_FOUND. */
enum status resident_read(struct authority *authority, int64_t id, struct region *region,
                          struct resident *out) MUST_CHECK;
/* ERR_NOT_FOUND. */
enum status certificate_find(struct authority *authority, const struct certificate_id *id,
                             struct authority_sql_certificate_find_row *out) MUST_CHECK;
/* Values for the generated statement; borrow from resident. */
struct authority_sql_resident_add_in resident_values(const struct resident *resident, int64_t id);

#endif
