#include "authority/bulk.h"

#include <stdlib.h>
#include <string.h>

#include "authority/holdings.h"

enum { RESIDENTS_A_TRANSACTION = 10000 };

/* One transaction's worth, complete before it begins, so that it could run twice. */
struct chunk {
    struct authority *authority;
    struct bulk_resident *residents;
    struct bulk_stored *stored;
    struct serial *authentication_serials;
    struct serial *signature_serials;
    size_t count;
    size_t cards;
    size_t certificates;
    struct region texts;
};

static bool copy_texts(struct region *region, struct five_items *items)
{
    struct bytes *const texts[] = {&items->name.text, &items->kana.text, &items->alias.text,
                                   &items->address.text};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct bytes copy = region_copy(region, *texts[i]);
        if (!copy.data && texts[i]->length)
            return false;
        *texts[i] = copy;
    }
    return true;
}

static enum status promise(struct chunk *chunk, size_t at)
{
    const struct bulk_resident *resident = &chunk->residents[at];
    struct bulk_stored *stored = &chunk->stored[at];
    *stored = (struct bulk_stored){0};
    if (!resident->has_card)
        return OK;
    chunk->cards++;
    chunk->certificates++;
    serial_create(&chunk->authentication_serials[at]);
    enum status status = card_certificate_id(chunk->authority, CARD_ISSUER_AUTHENTICATION,
                                             &chunk->authentication_serials[at], &stored->authentication);
    if (status != OK || !resident->has_signature)
        return status;
    chunk->certificates++;
    serial_create(&chunk->signature_serials[at]);
    return card_certificate_id(chunk->authority, CARD_ISSUER_SIGNATURE, &chunk->signature_serials[at],
                               &stored->signature);
}

static enum status fill(struct chunk *chunk, const struct bulk_source *source)
{
    region_reset(&chunk->texts);
    chunk->count = chunk->cards = chunk->certificates = 0;
    while (chunk->count < RESIDENTS_A_TRANSACTION &&
           source->next(source->context, &chunk->residents[chunk->count])) {
        if (!copy_texts(&chunk->texts, &chunk->residents[chunk->count].resident.items))
            return ERR_NO_MEMORY;
        enum status status = promise(chunk, chunk->count);
        if (status != OK)
            return status;
        chunk->count++;
    }
    return OK;
}

/* The next free numbers of a running transaction. */
struct numbers {
    int64_t resident, card, sequence;
};

static enum status insert_certificate(struct db *db, const struct bulk_resident *resident,
                                      int64_t resident_id, enum card_issuer issuer,
                                      const struct serial *serial, const struct certificate_id *id,
                                      struct numbers *numbers)
{
    const struct authority_sql_certificate_add_in in = {
        .id = bytes_of(id->bytes, sizeof(id->bytes)),
        .sequence = numbers->sequence++,
        .issuer = issuer,
        .serial = bytes_of(serial->bytes, SERIAL_LENGTH),
        .device = DEVICE_CARD,
        .resident = resident_id,
        .card = numbers->card,
        .state = STATE_ACTIVE,
        .not_before = resident->certificate_begins,
        .not_after = resident->certificate_ends,
    };
    return authority_sql_certificate_add(db, &in, NULL);
}

static enum status insert_one(struct db *db, const struct chunk *chunk, size_t at, struct numbers *numbers)
{
    const struct bulk_resident *resident = &chunk->residents[at];
    struct bulk_stored *stored = &chunk->stored[at];
    stored->resident = numbers->resident++;
    const struct authority_sql_resident_add_in in = resident_values(&resident->resident, stored->resident);
    enum status status = authority_sql_resident_add(db, &in, NULL);
    if (status != OK || !resident->has_card)
        return status;
    status = insert_certificate(db, resident, stored->resident, CARD_ISSUER_AUTHENTICATION,
                                &chunk->authentication_serials[at], &stored->authentication, numbers);
    if (status == OK && resident->has_signature)
        status = insert_certificate(db, resident, stored->resident, CARD_ISSUER_SIGNATURE,
                                    &chunk->signature_serials[at], &stored->signature, numbers);
    numbers->card++;
    return status;
}

static enum status insert(struct db *db, void *argument)
{
    const struct chunk *chunk = argument;
    struct numbers numbers = {0};
    enum status status = counter_take(db, "resident", (int64_t)chunk->count, &numbers.resident);
    if (status == OK)
        status = counter_take(db, "card", (int64_t)chunk->cards, &numbers.card);
    if (status == OK)
        status = counter_take(db, "sequence", (int64_t)chunk->certificates, &numbers.sequence);
    for (size_t i = 0; i < chunk->count && status == OK; i++)
        status = insert_one(db, chunk, i, &numbers);
    return status;
}

static void tell(const struct chunk *chunk, const struct bulk_source *source, uint64_t first)
{
    for (size_t i = 0; i < chunk->count && source->stored; i++)
        source->stored(source->context, first + i, &chunk->stored[i]);
}

static enum status load_chunks(struct chunk *chunk, const struct bulk_source *source, uint64_t *count)
{
    for (;;) {
        enum status status = fill(chunk, source);
        if (status != OK || chunk->count == 0)
            return status;
        status = db_transaction(chunk->authority->db, insert, chunk);
        if (status != OK)
            return status;
        tell(chunk, source, *count);
        *count += chunk->count;
    }
}

enum status authority_load_residents(struct authority *authority, const struct bulk_source *source,
                                     uint64_t *count)
{
    struct chunk chunk = {
        .authority = authority,
        .residents = calloc(RESIDENTS_A_TRANSACTION, sizeof(*chunk.residents)),
        .stored = calloc(RESIDENTS_A_TRANSACTION, sizeof(*chunk.stored)),
        .authentication_serials = calloc(RESIDENTS_A_TRANSACTION, sizeof(*chunk.authentication_serials)),
        .signature_serials = calloc(RESIDENTS_A_TRANSACTION, sizeof(*chunk.signature_serials)),
    };
    *count = 0;
    bool whole = chunk.residents && chunk.stored && chunk.authentication_serials && chunk.signature_serials;
    enum status status = whole ? load_chunks(&chunk, source, count) : ERR_NO_MEMORY;
    if (chunk.residents)
        secret_wipe(chunk.residents, RESIDENTS_A_TRANSACTION * sizeof(*chunk.residents));
    free(chunk.residents);
    free(chunk.stored);
    free(chunk.authentication_serials);
    free(chunk.signature_serials);
    region_free(&chunk.texts);
    return status;
}
