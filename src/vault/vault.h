#ifndef SHIKAKU_VAULT_VAULT_H
#define SHIKAKU_VAULT_VAULT_H

#include "base/clock.h"
#include "domain/numbers.h"
#include "pki/key.h"
#include "vault/messages.h"

/*
 * The store of My Numbers: reference <-> number, nothing else. Q7: it lies apart from the registry, and
 * neither alone ties a number to anything private.
 *
 * In its directory: vault.db; vault.key, the master secret from which the look-up key and the record key are
 * derived; sealing.key, to which numbers are sealed, and sealing.pub, which everyone may have.
 */
struct vault;

/* Makes the directory's keys and an empty store. ERR_EXISTS where there is one already. */
enum status vault_create(const char *directory) MUST_CHECK;
/* One handle a thread. Closed by vault_close(). */
enum status vault_open(const char *directory, const struct clock *clock, struct vault **out) MUST_CHECK;
void vault_close(struct vault *vault);

const struct private_key *vault_sealing_key(const struct vault *vault);

/* The number's reference, made where it is new (*created says so). */
enum status vault_add_number(struct vault *vault, const struct my_number *number, struct vault_reference *out,
                             bool *created) MUST_CHECK;
/* The same for many in one transaction: references[i] belongs to numbers[i]. */
enum status vault_add_numbers(struct vault *vault, const struct my_number *numbers, size_t count,
                              struct vault_reference *references) MUST_CHECK;
/* ERR_NOT_FOUND: no insurer ever registered it. */
enum status vault_find_number(struct vault *vault, const struct my_number *number,
                              struct vault_reference *out) MUST_CHECK;
/* The caller wipes *out with my_number_wipe(). ERR_NOT_FOUND; ERR_DAMAGED where the record does not open. */
enum status vault_reveal_number(struct vault *vault, const struct vault_reference *reference,
                                struct my_number *out) MUST_CHECK;
enum status vault_count(struct vault *vault, int64_t *out) MUST_CHECK;

#endif
