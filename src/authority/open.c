#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authority/holdings.h"

const char *const card_issuer_files[CARD_ISSUERS] = {"ca/authentication", "ca/signature",
                                                     "ca/authentication-next", "ca/signature-next"};
const struct terminal_id terminal_authority_id = {"SHIKAKU-TERM-CA1"};

char *path_in(const char *directory, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static enum status load_issuer(const char *directory, const char *name, struct issuer *out)
{
    char *path = path_in(directory, name);
    enum status status = path ? issuer_load(path, out) : ERR_NO_MEMORY;
    free(path);
    return status;
}

static enum status load_key(const char *directory, const char *name, struct private_key *out)
{
    char *path = path_in(directory, name);
    enum status status = path ? private_key_load(path, out) : ERR_NO_MEMORY;
    free(path);
    return status;
}

static enum status load_terminal_authority(const char *directory, struct authority *authority)
{
    char *path = path_in(directory, "ca/terminal.cv");
    struct buffer bytes = {0};
    enum status status = path ? file_read(path, TERMINAL_CERTIFICATE_LENGTH, &bytes) : ERR_NO_MEMORY;
    free(path);
    if (status == OK)
        status = terminal_certificate_parse(buffer_bytes(&bytes), &authority->terminal_authority);
    buffer_free(&bytes);
    return status;
}

static enum status load_card_issuers(const char *directory, struct authority *authority)
{
    enum status status = OK;
    for (size_t i = 0; i < CARD_ISSUERS && status == OK; i++) {
        status = load_issuer(directory, card_issuer_files[i], &authority->card_issuers[i]);
        if (status == OK)
            status = public_key_encode(&authority->card_issuers[i].certificate.key,
                                       &authority->card_issuer_keys[i]);
    }
    return status;
}

static enum status open_database(const char *directory, struct authority *authority)
{
    char *location = NULL;
    if (asprintf(&location, "sqlite:%s/authority.db", directory) < 0)
        return ERR_NO_MEMORY;
    const struct db_options options = {.location = location, .use = DB_FOR_CHANGES};
    enum status status = db_open(&options, &authority_catalogue, &authority->db);
    free(location);
    return status == OK ? db_migrate(authority->db) : status;
}

static enum status load(const char *directory, struct authority *authority)
{
    enum status status = load_card_issuers(directory, authority);
    if (status == OK)
        status = load_issuer(directory, "ca/machines", &authority->machine_issuer);
    if (status == OK)
        status = load_key(directory, "ca/terminal.key", &authority->terminal_key);
    if (status == OK)
        status = load_terminal_authority(directory, authority);
    if (status == OK)
        status = load_key(directory, "ca/feed.key", &authority->feed_key);
    if (status == OK)
        status = load_key(directory, "ca/sealing.key", &authority->sealing_key);
    return status == OK ? open_database(directory, authority) : status;
}

enum status authority_open(const char *directory, const struct clock *clock, struct authority **out)
{
    struct authority *authority = calloc(1, sizeof(*authority));
    if (!authority)
        return ERR_NO_MEMORY;
    authority->clock = clock;
    enum status status = load(directory, authority);
    if (status != OK)
        authority_close(authority);
    else
        *out = authority;
    return status;
}

void authority_close(struct authority *authority)
{
    if (!authority)
        return;
    db_close(authority->db);
    for (size_t i = 0; i < CARD_ISSUERS; i++) {
        issuer_free(&authority->card_issuers[i]);
        buffer_free(&authority->card_issuer_keys[i]);
    }
    issuer_free(&authority->machine_issuer);
    private_key_free(&authority->terminal_key);
    private_key_free(&authority->feed_key);
    private_key_free(&authority->sealing_key);
    free(authority);
}

bool issuer_makes_signatures(enum card_issuer issuer)
{
    return issuer == CARD_ISSUER_SIGNATURE || issuer == CARD_ISSUER_SIGNATURE_NEXT;
}

enum status card_certificate_id(const struct authority *authority, enum card_issuer issuer,
                                const struct serial *serial, struct certificate_id *out)
{
    return certificate_id_make(buffer_bytes(&authority->card_issuer_keys[issuer - 1]), serial, out);
}

enum status counter_take(struct db *db, const char *name, int64_t count, int64_t *first)
{
    const struct authority_sql_counter_take_in in = {.name = bytes_of_text(name), .count = count};
    struct authority_sql_counter_take_row row;
    struct db_rows rows;
    enum status status = authority_sql_counter_take(db, &in, &rows);
    if (status != OK)
        return status;
    bool found = authority_sql_counter_take_next(&rows, &row);
    status = db_rows_close(&rows);
    if (status != OK)
        return status;
    if (!found)
        return ERR_DAMAGED;
    *first = row.value - count + 1;
    return OK;
}
