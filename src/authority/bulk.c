#include "authority/bulk.h"

#include <stdlib.h>
#include <string.h>

#include "authority/holdings.h"

/* Ids are random, so that each transaction rewrites most of the index over them, however few it adds: a long
 * load takes more and more at a time. */
enum { FIRST_TRANSACTION = 5000, LONGEST_TRANSACTION = 160000 };

/* Of one resident's certificates. */
struct serials {
    struct serial authentication, signature, renewed_authentication, renewed_signature;
};

/* One transaction's worth, complete before it begins, so that it could run twice. */
struct chunk {
    struct authority *authority;
    struct bulk_resident *residents;
    struct bulk_stored *stored;
    struct serials *serials;
    size_t limit;
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

static enum status promise_one(struct chunk *chunk, enum card_issuer issuer, struct serial *serial,
                               struct certificate_id *id)
{
    chunk->certificates++;
    serial_create(serial);
    return card_certificate_id(chunk->authority, issuer, serial, id);
}

static enum status promise_pair(struct chunk *chunk, bool has_signature, struct serial serials[2],
                                struct certificate_id ids[2])
{
    enum status status = promise_one(chunk, CARD_ISSUER_AUTHENTICATION, &serials[0], &ids[0]);
    return status == OK && has_signature ? promise_one(chunk, CARD_ISSUER_SIGNATURE, &serials[1], &ids[1])
                                         : status;
}

static enum status promise(struct chunk *chunk, size_t at)
{
    const struct bulk_resident *resident = &chunk->residents[at];
    struct bulk_stored *stored = &chunk->stored[at];
    struct serials *serials = &chunk->serials[at];
    *stored = (struct bulk_stored){0};
    if (!resident->has_card)
        return OK;
    chunk->cards++;
    struct serial made[2];
    struct certificate_id ids[2] = {0};
    enum status status = promise_pair(chunk, resident->has_signature, made, ids);
    serials->authentication = made[0], serials->signature = made[1];
    stored->authentication = ids[0], stored->signature = ids[1];
    if (status != OK || !resident->is_renewed)
        return status;
    status = promise_pair(chunk, resident->has_signature, made, ids);
    serials->renewed_authentication = made[0], serials->renewed_signature = made[1];
    stored->renewed_authentication = ids[0], stored->renewed_signature = ids[1];
    return status;
}

static enum status fill(struct chunk *chunk, const struct bulk_source *source)
{
    region_reset(&chunk->texts);
    chunk->count = chunk->cards = chunk->certificates = 0;
    while (chunk->count < chunk->limit && source->next(source->context, &chunk->residents[chunk->count])) {
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

struct promised {
    enum card_issuer issuer;
    const struct serial *serial;
    const struct certificate_id *id;
    const struct certificate_id *successor; /* NULL: it is of the newest */
};

static enum status insert_certificate(struct db *db, const struct bulk_resident *resident,
                                      int64_t resident_id, const struct promised *promised,
                                      struct numbers *numbers)
{
    bool is_newest = !promised->successor;
    enum subject_state state = resident->state ? resident->state : STATE_ACTIVE;
    const struct authority_sql_certificate_add_in in = {
        .id = bytes_of(promised->id->bytes, sizeof(promised->id->bytes)),
        .sequence = numbers->sequence++,
        .issuer = promised->issuer,
        .serial = bytes_of(promised->serial->bytes, SERIAL_LENGTH),
        .device = DEVICE_CARD,
        .resident = resident_id,
        .card = numbers->card,
        .state = is_newest ? state : STATE_SUPERSEDED,
        .not_before = is_newest ? resident->certificate_begins : resident->renewed_begins,
        .not_after = is_newest ? resident->certificate_ends : resident->renewed_ends,
        .successor = is_newest ? (struct bytes){0}
                               : bytes_of(promised->successor->bytes, sizeof(promised->successor->bytes)),
    };
    return authority_sql_certificate_add(db, &in, NULL);
}

static enum status insert_one(struct db *db, const struct chunk *chunk, size_t at, struct numbers *numbers)
{
    const struct bulk_resident *resident = &chunk->residents[at];
    struct bulk_stored *stored = &chunk->stored[at];
    const struct serials *serials = &chunk->serials[at];
    stored->resident = numbers->resident++;
    const struct authority_sql_resident_add_in in = resident_values(&resident->resident, stored->resident);
    enum status status = authority_sql_resident_add(db, &in, NULL);
    if (status != OK || !resident->has_card)
        return status;
    const struct promised promised[] = {
        {CARD_ISSUER_AUTHENTICATION, &serials->renewed_authentication, &stored->renewed_authentication,
         &stored->authentication},
        {CARD_ISSUER_SIGNATURE, &serials->renewed_signature, &stored->renewed_signature, &stored->signature},
        {CARD_ISSUER_AUTHENTICATION, &serials->authentication, &stored->authentication, NULL},
        {CARD_ISSUER_SIGNATURE, &serials->signature, &stored->signature, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(promised) && status == OK; i++) {
        bool is_there = (!promised[i].successor || resident->is_renewed) &&
                        (promised[i].issuer == CARD_ISSUER_AUTHENTICATION || resident->has_signature);
        if (is_there)
            status = insert_certificate(db, resident, stored->resident, &promised[i], numbers);
    }
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
        if (chunk->limit < LONGEST_TRANSACTION)
            chunk->limit *= 2;
    }
}

enum status authority_load_residents(struct authority *authority, const struct bulk_source *source,
                                     uint64_t *count)
{
    struct chunk chunk = {
        .authority = authority,
        .limit = FIRST_TRANSACTION,
        .residents = calloc(LONGEST_TRANSACTION, sizeof(*chunk.residents)),
        .stored = calloc(LONGEST_TRANSACTION, sizeof(*chunk.stored)),
        .serials = calloc(LONGEST_TRANSACTION, sizeof(*chunk.serials)),
    };
    *count = 0;
    bool whole = chunk.residents && chunk.stored && chunk.serials;
    enum status status = whole ? load_chunks(&chunk, source, count) : ERR_NO_MEMORY;
    if (chunk.residents)
        secret_wipe(chunk.residents, LONGEST_TRANSACTION * sizeof(*chunk.residents));
    free(chunk.residents);
    free(chunk.stored);
    free(chunk.serials);
    region_free(&chunk.texts);
    return status;
}
