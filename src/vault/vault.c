#include "vault/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/random.h"
#include "db/db.h"
#include "pki/symmetric.h"
#include "vault/vault_sql.h"

struct vault {
    struct db *db;
    const struct clock *clock;
    struct secret_key lookup_key;
    struct secret_key record_key;
    struct private_key sealing_key;
};

enum { RECORD_VERSION = 1, PATH_LIMIT = 4096 };

static enum status path_in(const char *directory, const char *name, char out[PATH_LIMIT])
{
    int length = snprintf(out, PATH_LIMIT, "%s/%s", directory, name);
    return length > 0 && length < PATH_LIMIT ? OK : ERR_TOO_LARGE;
}

static enum status open_store(const char *directory, struct db **out)
{
    char location[PATH_LIMIT + 8];
    int length = snprintf(location, sizeof(location), "sqlite:%s/vault.db", directory);
    if (length < 0 || (size_t)length >= sizeof(location))
        return ERR_TOO_LARGE;
    const struct db_options options = {.location = location, .use = DB_FOR_CHANGES};
    return db_open(&options, &vault_catalogue, out);
}

static enum status create_keys(const char *directory)
{
    char path[PATH_LIMIT];
    struct secret_key master = {0};
    secret_key_create(&master);
    enum status status = path_in(directory, "vault.key", path);
    if (status == OK)
        status = secret_key_save(&master, path);
    secret_key_wipe(&master);

    struct private_key sealing = {0};
    struct public_key public = {0};
    if (status == OK)
        status = private_key_create(KEY_P256, &sealing);
    if (status == OK && (status = path_in(directory, "sealing.key", path)) == OK)
        status = private_key_save(&sealing, path);
    if (status == OK)
        status = public_key_of(&sealing, &public);
    if (status == OK && (status = path_in(directory, "sealing.pub", path)) == OK)
        status = public_key_save(&public, path);
    private_key_free(&sealing);
    public_key_free(&public);
    return status;
}

enum status vault_create(const char *directory)
{
    char path[PATH_LIMIT];
    enum status status = path_in(directory, "vault.key", path);
    if (status != OK)
        return status;
    struct stat present;
    if (stat(path, &present) == 0)
        return ERR_EXISTS;
    mkdir(directory, 0700); /* where it is there already, the next step tells whether it can be used */
    status = create_keys(directory);
    if (status != OK)
        return status;
    struct db *db = NULL;
    status = open_store(directory, &db);
    if (status == OK)
        status = db_migrate(db);
    db_close(db);
    return status;
}

static enum status derive_keys(struct vault *vault, const char *directory)
{
    char path[PATH_LIMIT];
    struct secret_key master = {0};
    enum status status = path_in(directory, "vault.key", path);
    if (status == OK)
        status = secret_key_load(path, &master);
    struct bytes input = bytes_of(master.bytes, sizeof(master.bytes));
    if (status == OK)
        status = hkdf_sha256(input, (struct bytes){0}, bytes_of_text("shikaku-vault-lookup-1"),
                             vault->lookup_key.bytes, sizeof(vault->lookup_key.bytes));
    if (status == OK)
        status = hkdf_sha256(input, (struct bytes){0}, bytes_of_text("shikaku-vault-record-1"),
                             vault->record_key.bytes, sizeof(vault->record_key.bytes));
    secret_key_wipe(&master);
    if (status == OK)
        status = path_in(directory, "sealing.key", path);
    if (status == OK)
        status = private_key_load(path, &vault->sealing_key);
    return status;
}

enum status vault_open(const char *directory, const struct clock *clock, struct vault **out)
{
    *out = NULL;
    struct vault *vault = calloc(1, sizeof(*vault));
    if (!vault)
        return ERR_NO_MEMORY;
    vault->clock = clock;
    enum status status = derive_keys(vault, directory);
    if (status == OK)
        status = open_store(directory, &vault->db);
    if (status == OK)
        status = db_migrate(vault->db);
    if (status != OK) {
        vault_close(vault);
        return status;
    }
    *out = vault;
    return OK;
}

void vault_close(struct vault *vault)
{
    if (!vault)
        return;
    db_close(vault->db);
    secret_key_wipe(&vault->lookup_key);
    secret_key_wipe(&vault->record_key);
    private_key_free(&vault->sealing_key);
    free(vault);
}

const struct private_key *vault_sealing_key(const struct vault *vault)
{
    return &vault->sealing_key;
}

static enum status lookup_of(const struct vault *vault, const struct my_number *number, struct sha256 *out)
{
    const struct bytes part = my_number_secret(number);
    return hmac_sha256(&vault->lookup_key, &part, 1, out);
}

static enum status find_by_lookup(struct vault *vault, const struct sha256 *lookup,
                                  struct vault_reference *out)
{
    const struct vault_sql_record_by_lookup_in in = {.lookup =
                                                         bytes_of(lookup->bytes, sizeof(lookup->bytes))};
    struct db_rows rows;
    enum status status = vault_sql_record_by_lookup(vault->db, &in, &rows);
    if (status != OK)
        return status;
    struct vault_sql_record_by_lookup_row row;
    bool found = vault_sql_record_by_lookup_next(&rows, &row);
    if (found && row.reference.length == VAULT_REFERENCE_LENGTH)
        memcpy(out->bytes, row.reference.data, VAULT_REFERENCE_LENGTH);
    status = db_rows_close(&rows);
    if (status != OK)
        return status;
    return found ? OK : ERR_NOT_FOUND;
}

enum status vault_find_number(struct vault *vault, const struct my_number *number,
                              struct vault_reference *out)
{
    struct sha256 lookup;
    enum status status = lookup_of(vault, number, &lookup);
    return status == OK ? find_by_lookup(vault, &lookup, out) : status;
}

static enum status seal_record(struct vault *vault, const struct my_number *number,
                               const struct vault_reference *reference, struct buffer *out)
{
    const uint8_t version = RECORD_VERSION;
    enum status status = buffer_append(out, bytes_of(&version, 1));
    if (status != OK)
        return status;
    return aead_seal(&vault->record_key, bytes_of(reference->bytes, VAULT_REFERENCE_LENGTH),
                     my_number_secret(number), out);
}

/* Within a transaction. */
static enum status add_one(struct vault *vault, const struct my_number *number, struct vault_reference *out,
                           bool *created)
{
    struct sha256 lookup;
    enum status status = lookup_of(vault, number, &lookup);
    if (status != OK)
        return status;
    struct vault_reference fresh;
    random_fill(fresh.bytes, sizeof(fresh.bytes));
    struct buffer sealed = {0};
    status = seal_record(vault, number, &fresh, &sealed);
    int64_t changed = 0;
    if (status == OK) {
        const struct vault_sql_record_add_in in = {
            .reference = bytes_of(fresh.bytes, sizeof(fresh.bytes)),
            .lookup = bytes_of(lookup.bytes, sizeof(lookup.bytes)),
            .sealed = buffer_bytes(&sealed),
            .created_at = clock_now(vault->clock),
        };
        status = vault_sql_record_add(vault->db, &in, &changed);
    }
    buffer_free(&sealed);
    if (status != OK)
        return status;
    *created = changed > 0;
    *out = fresh;
    return *created ? OK : find_by_lookup(vault, &lookup, out);
}

struct addition {
    struct vault *vault;
    const struct my_number *numbers;
    size_t count;
    struct vault_reference *references;
    bool created; /* of the last */
};

static enum status add_all(struct db *db, void *argument)
{
    (void)db;
    struct addition *addition = argument;
    for (size_t i = 0; i < addition->count; i++) {
        enum status status =
            add_one(addition->vault, &addition->numbers[i], &addition->references[i], &addition->created);
        if (status != OK)
            return status;
    }
    return OK;
}

enum status vault_add_numbers(struct vault *vault, const struct my_number *numbers, size_t count,
                              struct vault_reference *references)
{
    struct addition addition = {.vault = vault, .numbers = numbers, .count = count, .references = references};
    return db_transaction(vault->db, add_all, &addition);
}

enum status vault_add_number(struct vault *vault, const struct my_number *number, struct vault_reference *out,
                             bool *created)
{
    struct addition addition = {.vault = vault, .numbers = number, .count = 1, .references = out};
    enum status status = db_transaction(vault->db, add_all, &addition);
    *created = addition.created;
    return status;
}

static enum status open_record(struct vault *vault, const struct vault_reference *reference,
                               struct bytes sealed, struct my_number *out)
{
    if (sealed.length < 1 || sealed.data[0] != RECORD_VERSION)
        return ERR_DAMAGED;
    struct buffer opened = {.secret = true};
    enum status status = aead_open(&vault->record_key, bytes_of(reference->bytes, VAULT_REFERENCE_LENGTH),
                                   bytes_from(sealed, 1), &opened);
    if (status == ERR_CRYPTO)
        status = ERR_DAMAGED;
    if (status == OK && my_number_parse((const char *)opened.data, opened.length, out) != REASON_NONE)
        status = ERR_DAMAGED;
    buffer_free(&opened);
    return status;
}

enum status vault_reveal_number(struct vault *vault, const struct vault_reference *reference,
                                struct my_number *out)
{
    const struct vault_sql_record_by_reference_in in = {
        .reference = bytes_of(reference->bytes, VAULT_REFERENCE_LENGTH)};
    struct db_rows rows;
    enum status status = vault_sql_record_by_reference(vault->db, &in, &rows);
    if (status != OK)
        return status;
    struct vault_sql_record_by_reference_row row;
    enum status opened = ERR_NOT_FOUND;
    if (vault_sql_record_by_reference_next(&rows, &row))
        opened = open_record(vault, reference, row.sealed, out);
    status = db_rows_close(&rows);
    return status != OK ? status : opened;
}

enum status vault_count(struct vault *vault, int64_t *out)
{
    *out = 0;
    struct db_rows rows;
    enum status status = vault_sql_record_count(vault->db, &rows);
    if (status != OK)
        return status;
    struct vault_sql_record_count_row row;
    if (vault_sql_record_count_next(&rows, &row))
        *out = row.records;
    return db_rows_close(&rows);
}
