#include <string.h>

#include "authority/holdings.h"

/* (ours) A relay that holds a question back longer than this gets nothing for it. */
static const moment question_life = 600LL * MICROSECONDS;

static const struct sealed_context question_context = {.label = RESIDENT_QUESTION_LABEL};
static const struct sealed_context answer_context = {.label = RESIDENT_ANSWER_LABEL};

enum status authority_register_vault(struct authority *authority, const struct public_key *key)
{
    if (key->kind != KEY_P256)
        return ERR_UNSUPPORTED;
    struct buffer spki = {0};
    enum status status = public_key_encode(key, &spki);
    if (status == OK) {
        const struct authority_sql_vault_key_add_in in = {.registered_at = clock_now(authority->clock),
                                                          .spki = buffer_bytes(&spki)};
        status = authority_sql_vault_key_add(authority->db, &in, NULL);
    }
    buffer_free(&spki);
    return status;
}

static enum status find_vault(struct authority *authority, struct public_key *out)
{
    struct authority_sql_vault_key_newest_row row;
    struct db_rows rows;
    enum status status = authority_sql_vault_key_newest(authority->db, &rows);
    if (status != OK)
        return status;
    enum status found =
        authority_sql_vault_key_newest_next(&rows, &row) ? public_key_decode(row.spki, out) : ERR_WRONG_STATE;
    status = db_rows_close(&rows);
    return status == OK ? found : status;
}

static enum status open_question(struct authority *authority, struct bytes sealed,
                                 struct resident_question *out)
{
    struct buffer plaintext = {.secret = true};
    enum status status = sealed_open(&authority->sealing_key, question_context, sealed, &plaintext);
    if (status == OK)
        status = resident_question_decode(buffer_bytes(&plaintext), out);
    buffer_free(&plaintext);
    return status;
}

static bool is_fresh(moment asked_at, moment now)
{
    return asked_at > now - question_life && asked_at < now + question_life;
}

static enum status find_whose(struct authority *authority, const struct resident_question *question,
                              struct region *region, struct resident_answer *out)
{
    struct authority_sql_certificate_find_row row;
    struct resident resident;
    enum status status = certificate_find(authority, &question->certificate, &row);
    if (status == OK)
        status = resident_read(authority, row.resident, region, &resident);
    if (status != OK)
        return status;
    memcpy(out->my_number, my_number_secret(&resident.number).data, MY_NUMBER_LENGTH);
    my_number_wipe(&resident.number);
    out->certificate_kind = issuer_makes_signatures((enum card_issuer)row.issuer)
                                ? CERTIFICATE_SIGNATURE
                                : CERTIFICATE_AUTHENTICATION;
    out->certificate_state = (enum subject_state)row.state;
    return OK;
}

static enum status find_who(struct authority *authority, const struct resident_question *question,
                            struct region *region, struct resident_answer *out)
{
    struct my_number number;
    struct resident resident;
    if (my_number_parse(question->my_number, MY_NUMBER_LENGTH, &number) != REASON_NONE)
        return ERR_NOT_FOUND; /* a number that cannot be is nobody's */
    enum status status = authority_find_resident(authority, &number, region, &resident);
    my_number_wipe(&number);
    if (status != OK)
        return status;
    my_number_wipe(&resident.number);
    const struct five_items *items = &resident.items;
    out->items = (struct resident_items){
        .name = items->name.text,
        .kana = items->kana.text,
        .alias = items->alias.text,
        .birth = items->birth,
        .sex = (char)('0' + sex_on_card(items->sex)),
        .address = items->address.text,
    };
    out->resident_state = resident.state;
    return OK;
}

static enum status seal_answer(const struct public_key *vault, const struct resident_answer *answer,
                               struct buffer *out)
{
    struct buffer plaintext = {.secret = true};
    enum status status = resident_answer_encode(answer, &plaintext);
    if (status == OK)
        status = sealed_seal(vault, answer_context, buffer_bytes(&plaintext), out);
    buffer_free(&plaintext);
    return status;
}

static enum status answer_question(struct authority *authority, const struct resident_question *question,
                                   const struct public_key *vault, struct buffer *out)
{
    struct region region = {0};
    struct resident_answer answer = {.kind = question->kind, .finding = FINDING_FOUND};
    memcpy(answer.number, question->number, sizeof(answer.number));
    enum status status = question->kind == QUESTION_WHO_IS
                             ? find_who(authority, question, &region, &answer)
                             : find_whose(authority, question, &region, &answer);
    if (status == ERR_NOT_FOUND) {
        answer.finding = FINDING_NOBODY;
        status = OK;
    }
    if (status == OK)
        status = seal_answer(vault, &answer, out);
    secret_wipe(&answer, sizeof(answer));
    region_free(&region);
    return status;
}

enum status authority_answer(struct authority *authority, struct bytes question, struct buffer *out)
{
    struct resident_question asked = {0};
    struct public_key vault = {0};
    enum status status = open_question(authority, question, &asked);
    if (status == OK && !is_fresh(asked.asked_at, clock_now(authority->clock)))
        status = ERR_EXPIRED;
    if (status == OK)
        status = find_vault(authority, &vault);
    if (status == OK)
        status = answer_question(authority, &asked, &vault, out);
    secret_wipe(&asked, sizeof(asked));
    public_key_free(&vault);
    return status;
}
