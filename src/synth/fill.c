#include "synth/fill.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "authority/bulk.h"
#include "registry/certificate.h"
#include "registry/parties.h"
#include "registry/unseen.h"
#include "synth/words.h"

enum { PEOPLE_A_TRANSACTION = 8000, OPENING_HOUR = 9 };

static const char filled_setting[] = "synthetic";
static const char filling_begun[] = "begun", filling_done[] = "done";

/* ---- Looking first ---- */

static enum status look_at_registry(const struct fill *fill, enum fill_finding *out)
{
    struct region region = {0};
    struct bytes word;
    enum status status = setting_find(fill->registry, filled_setting, &region, &word);
    if (status == OK)
        *out = bytes_equal(word, bytes_of_text(filling_done)) ? FILL_FOUND_DONE : FILL_FOUND_HALF;
    region_free(&region);
    if (status != ERR_NOT_FOUND)
        return status;
    struct feed_position position;
    status = feed_position_read(fill->registry, &position);
    int64_t numbers = 0;
    if (status == OK)
        status = vault_count(fill->vault, &numbers);
    if (status == OK && (position.through > 0 || numbers > 0))
        *out = FILL_FOUND_PEOPLE;
    return status;
}

/* A new authority has named machines only: few enough for one batch. */
static enum status first_news(const struct fill *fill, struct state_batch *out)
{
    struct buffer sealed = {0};
    enum status status = authority_feed(fill->authority, 0, &sealed);
    if (status == OK)
        status = state_batch_open(buffer_bytes(&sealed), fill->authority_feed, out);
    buffer_free(&sealed);
    return status;
}

static enum status look_at_authority(const struct fill *fill, enum fill_finding *out)
{
    struct state_batch batch = {0};
    enum status status = first_news(fill, &batch);
    if (status == ERR_CRYPTO) {
        *out = FILL_FOUND_OTHER_AUTHORITY;
        return OK;
    }
    if (status != OK)
        return status;
    if (batch.through < batch.newest)
        *out = FILL_FOUND_RESIDENTS;
    for (size_t i = 0; i < batch.count; i++)
        if (batch.entries[i].kind == SUBJECT_CARD)
            *out = FILL_FOUND_RESIDENTS;
    state_batch_free(&batch);
    return OK;
}

enum status fill_look(const struct fill *fill, enum fill_finding *out)
{
    *out = FILL_FOUND_EMPTY;
    enum status status = look_at_registry(fill, out);
    return status == OK && *out == FILL_FOUND_EMPTY ? look_at_authority(fill, out) : status;
}

/* ---- What the authority promised, handed from its thread to the centre's ---- */

struct promises {
    pthread_mutex_t mutex;
    pthread_cond_t grown;
    struct bulk_stored *stored; /* by the person's index */
    uint64_t count;
    bool ended; /* no more will come */
};

struct authority_side {
    const struct fill *fill;
    struct nation *nation;
    struct promises *promises;
    struct region region;
    struct synthetic_person people[HOUSEHOLD_MOST];
    size_t count, next;
    enum status status;
};

static moment opening_of(struct date day)
{
    return moment_of_tokyo_midnight(day) + (moment)OPENING_HOUR * 3600 * MICROSECONDS;
}

static moment end_of(struct date last_day)
{
    return moment_of_tokyo_midnight(date_add_days(last_day, 1)) - MICROSECONDS;
}

static void resident_of_person(const struct synthetic_person *person, struct bulk_resident *out)
{
    const struct synthetic_card *card = &person->card;
    *out = (struct bulk_resident){
        .resident = {.number = person->number,
                     .items = person->known,
                     .has_photo = card->variant != CARD_VARIANT_WITHOUT_PHOTO,
                     .state = person->resident_state},
        .has_card = card->present,
    };
    memcpy(out->resident.municipality.digits, places[person->place].municipality_code, 5);
    if (!card->present)
        return;
    out->has_signature = card->has_signature;
    out->certificate_begins = opening_of(card->issued);
    out->certificate_ends = end_of(card->last_day);
    out->state = card->state;
    out->is_renewed = card->renewed;
    if (!card->renewed)
        return;
    out->renewed_begins = opening_of(card->renewed_issued);
    out->renewed_ends = end_of(card->renewed_last_day);
}

static bool next_resident(void *context, struct bulk_resident *out)
{
    struct authority_side *side = context;
    if (side->next == side->count) {
        region_reset(&side->region);
        side->count = nation_next_household(side->nation, &side->region, side->people);
        side->next = 0;
    }
    if (side->count == 0)
        return false;
    resident_of_person(&side->people[side->next++], out);
    return true;
}

static void take_stored(void *context, uint64_t index, const struct bulk_stored *stored)
{
    struct promises *promises = ((struct authority_side *)context)->promises;
    (void)pthread_mutex_lock(&promises->mutex);
    promises->stored[index] = *stored;
    promises->count = index + 1;
    (void)pthread_cond_signal(&promises->grown);
    (void)pthread_mutex_unlock(&promises->mutex);
}

static void *fill_authority(void *argument)
{
    struct authority_side *side = argument;
    const struct bulk_source source = {.next = next_resident, .stored = take_stored, .context = side};
    uint64_t count;
    side->status = authority_load_residents(side->fill->authority, &source, &count);
    secret_wipe(side->people, sizeof(side->people));
    region_free(&side->region);
    (void)pthread_mutex_lock(&side->promises->mutex);
    side->promises->ended = true;
    (void)pthread_cond_signal(&side->promises->grown);
    (void)pthread_mutex_unlock(&side->promises->mutex);
    return NULL;
}

/* False: they will not come. */
static bool wait_for_promises(struct promises *promises, uint64_t until)
{
    (void)pthread_mutex_lock(&promises->mutex);
    while (promises->count < until && !promises->ended)
        (void)pthread_cond_wait(&promises->grown, &promises->mutex);
    bool came = promises->count >= until;
    (void)pthread_mutex_unlock(&promises->mutex);
    return came;
}

/* ---- The centre ---- */

struct centre_side {
    const struct fill *fill;
    struct nation *nation;
    const struct promises *promises;
    struct region region;
    struct synthetic_person *people;
    size_t count;
    struct my_number *numbers;          /* of those in the vault */
    struct vault_reference *references; /* beside them */
    size_t number_count;
    int64_t *employers; /* keys by index; 0: not there yet */
    struct fill_counts *counts;
};

static enum status put_parties(struct db *db, void *argument)
{
    const struct centre_side *side = argument;
    const struct organisations *organisations = &side->nation->organisations;
    enum status status = setting_put(db, filled_setting, bytes_of_text(filling_begun));
    for (size_t i = 0; i < organisations->insurer_count && status == OK; i++) {
        const struct insurer insurer = {organisations->insurers[i].number,
                                        bytes_of_text(organisations->insurers[i].name)};
        status = insurer_put(db, &insurer);
    }
    for (size_t i = 0; i < INSTITUTION_COUNT && status == OK; i++) {
        const struct institution institution = {organisations->institutions[i].code,
                                                bytes_of_text(organisations->institutions[i].name), true};
        status = institution_put(db, &institution);
    }
    return status;
}

static enum status employer_key(struct db *db, struct centre_side *side, int64_t index, int64_t *out)
{
    *out = 0;
    if (index < 0)
        return OK;
    *out = side->employers[index];
    if (*out)
        return OK;
    struct synthetic_employer employer;
    employer_of_index(&side->nation->organisations, (uint64_t)index, &employer);
    enum status status = employer_for_code(db, &employer.insurer->number, bytes_of_text(employer.symbol),
                                           bytes_of_text(employer.name), out);
    side->employers[index] = *out;
    return status;
}

/* What was recorded first; a correction follows. */
static enum status first_record(struct db *db, struct centre_side *side,
                                const struct synthetic_record *record, struct subscription_record *out)
{
    *out = (struct subscription_record){.coverage = record->coverage, .replaces_acquired = DATE_NONE};
    if (record->correction == CORRECTION_OF_ACQUISITION)
        out->coverage.acquired = record->first_acquired;
    if (record->correction == CORRECTION_OF_LOSS) {
        out->coverage.lost = DATE_NONE;
        out->coverage.loss_reason = LOSS_REASON_NONE;
    }
    side->counts->subscriptions++;
    return employer_key(db, side, record->employer, &out->employer);
}

static enum status correct(struct db *db, const struct synthetic_record *record,
                           const struct subscription_record *first)
{
    if (record->correction == CORRECTION_NONE)
        return OK;
    const struct recording recording = {.at = opening_of(record->corrected)};
    const struct subscription_record corrected = {
        .coverage = record->coverage,
        .employer = first->employer,
        .replaces_acquired =
            record->correction == CORRECTION_OF_ACQUISITION ? record->first_acquired : DATE_NONE,
    };
    enum record_outcome outcome;
    int64_t subscription;
    enum status status = subscription_record(db, &corrected, &recording, &outcome, &subscription);
    return status == OK && outcome != RECORD_CHANGED ? ERR_INTERNAL : status;
}

/* The comparison that the vault makes when a number is registered. */
static enum status evidence_of(const struct synthetic_person *who, const struct synthetic_record *record,
                               struct link_evidence *out)
{
    bool compared = record->link != LINK_PENDING && record->link != LINK_NONE;
    *out = (struct link_evidence){.compared = compared};
    return compared ? five_items_compare(&record->coverage.person, &who->known, &out->match) : OK;
}

/* Somebody whose number no insurer has: no person stands behind the record. */
static enum status put_unlinked(struct db *db, struct centre_side *side, const struct synthetic_person *who,
                                int64_t *newest)
{
    enum status status = OK;
    for (size_t i = 0; i < who->record_count && status == OK; i++) {
        const struct synthetic_record *record = &who->records[i];
        const struct recording recording = {.at = opening_of(record->recorded)};
        struct subscription_record first;
        enum record_outcome outcome;
        int64_t subscription = 0;
        status = first_record(db, side, record, &first);
        if (status == OK)
            status = subscription_record(db, &first, &recording, &outcome, &subscription);
        if (status == OK)
            status = correct(db, record, &first);
        *newest = i == 0 ? subscription : *newest;
    }
    return status;
}

static enum status put_linked(struct db *db, struct centre_side *side, const struct synthetic_person *who,
                              const struct vault_reference *reference, const struct enrolment *enrolment,
                              int64_t *person)
{
    struct unseen_subscription subscriptions[RECORDS_MOST];
    enum status status = OK;
    for (size_t i = 0; i < who->record_count && status == OK; i++) {
        const struct synthetic_record *record = &who->records[i];
        subscriptions[i].link = record->link;
        subscriptions[i].recorded_at = opening_of(record->recorded);
        status = first_record(db, side, record, &subscriptions[i].record);
        if (status == OK)
            status = evidence_of(who, record, &subscriptions[i].evidence);
    }
    struct unseen_person unseen = {
        .subscriptions = subscriptions, .subscription_count = who->record_count, .enrolment = enrolment};
    memcpy(unseen.reference, reference->bytes, sizeof(unseen.reference));
    const struct recording recording = {.at = opening_of(side->fill->plan.today)};
    if (status == OK)
        status = person_add_unseen(db, &unseen, &recording, person);
    for (size_t i = 0; i < who->record_count && status == OK; i++)
        status = correct(db, &who->records[i], &subscriptions[i].record);
    return status;
}

static enum status declare(struct db *db, enum declaration_kind kind, int64_t person, int64_t subscription,
                           moment at)
{
    struct declaration declaration = {.kind = kind,
                                      .state = DECLARATION_IN_FORCE,
                                      .person = person,
                                      .subscription = subscription,
                                      .at = at};
    return declaration_set(db, &declaration);
}

static enum status protect(struct db *db, const struct synthetic_person *who, int64_t person,
                           int64_t subscription)
{
    moment at = opening_of(who->records[0].recorded);
    enum status status = OK;
    if (who->non_disclosure)
        status = declare(db, DECLARATION_NON_DISCLOSURE, person, subscription, at);
    if (status == OK && who->self_information_blocked)
        status = declare(db, DECLARATION_SELF_INFORMATION_BLOCKED, person, subscription, at);
    return status;
}

static enum certificate_state centre_state_of(enum subject_state state)
{
    switch (state) {
    case STATE_ACTIVE:
        return CERTIFICATE_ACTIVE;
    case STATE_SUSPENDED:
        return CERTIFICATE_SUSPENDED;
    case STATE_EXPIRED:
        return CERTIFICATE_EXPIRED;
    case STATE_SUPERSEDED:
        return CERTIFICATE_SUPERSEDED;
    case STATE_REVOKED:
        break;
    }
    return CERTIFICATE_REVOKED;
}

static enum status put_certificate(struct db *db, struct centre_side *side, const struct certificate_id *id,
                                   enum subject_state state, struct date last_day,
                                   const struct certificate_id *successor, int64_t person)
{
    struct certificate_change change = {.state = centre_state_of(state), .last_day = last_day};
    memcpy(change.id, id->bytes, sizeof(change.id));
    if (successor)
        memcpy(change.successor, successor->bytes, sizeof(change.successor));
    side->counts->certificates++;
    return certificate_add_unseen(db, &change, person);
}

/* person 0: nobody has learnt whose they are. Only authentication certificates are ever shown. */
static enum status put_card(struct db *db, struct centre_side *side, const struct synthetic_person *who,
                            int64_t person)
{
    const struct bulk_stored *ids = &side->promises->stored[who->index];
    const struct synthetic_card *card = &who->card;
    enum status status =
        put_certificate(db, side, &ids->authentication, card->state, card->last_day, NULL, person);
    if (status == OK && card->has_signature)
        status = put_certificate(db, side, &ids->signature, card->state, card->last_day, NULL, 0);
    if (status == OK && card->renewed)
        status = put_certificate(db, side, &ids->renewed_authentication, STATE_SUPERSEDED,
                                 card->renewed_last_day, &ids->authentication, person);
    if (status == OK && card->renewed && card->has_signature)
        status = put_certificate(db, side, &ids->renewed_signature, STATE_SUPERSEDED, card->renewed_last_day,
                                 &ids->signature, 0);
    return status;
}

static struct enrolment enrolment_of(const struct centre_side *side, const struct synthetic_person *who)
{
    const struct bulk_stored *ids = &side->promises->stored[who->index];
    struct enrolment enrolment = {
        .state = ENROLMENT_IN_FORCE,
        .at = opening_of(who->enrolled),
        .place = who->enrolled_by == AUTHENTICATED_BY_FACE ? ENROLLED_AT_COUNTER : ENROLLED_IN_PORTAL,
        .form = who->enrolled_by,
        .terms = bytes_of_text(side->fill->terms_version),
    };
    const struct certificate_id *with =
        who->card.renewed ? &ids->renewed_authentication : &ids->authentication;
    memcpy(enrolment.certificate, with->bytes, sizeof(enrolment.certificate));
    return enrolment;
}

static enum status release_enrolment(struct db *db, const struct centre_side *side,
                                     const struct enrolment *enrolment, int64_t person)
{
    struct enrolment released = *enrolment;
    released.person = person;
    released.state = ENROLMENT_RELEASED;
    released.at = opening_of(side->fill->plan.today);
    return enrolment_set(db, &released);
}

static enum status put_person(struct db *db, struct centre_side *side, const struct synthetic_person *who,
                              const struct vault_reference *reference)
{
    int64_t person = 0, newest = 0;
    bool enrolled = reference && who->enrolment != ENROLMENT_NONE;
    struct enrolment enrolment = {0};
    if (enrolled)
        enrolment = enrolment_of(side, who);
    enum status status = reference
                             ? put_linked(db, side, who, reference, enrolled ? &enrolment : NULL, &person)
                             : put_unlinked(db, side, who, &newest);
    if (status == OK && (who->non_disclosure || who->self_information_blocked))
        status = protect(db, who, person, newest);
    if (status == OK && who->card.present)
        status = put_card(db, side, who, enrolled ? person : 0);
    side->counts->enrolled += enrolled;
    return status == OK && who->enrolment == ENROLMENT_RELEASED
               ? release_enrolment(db, side, &enrolment, person)
               : status;
}

static enum status put_people(struct db *db, void *argument)
{
    struct centre_side *side = argument;
    const struct fill_counts before = *side->counts; /* a second run counts from here */
    size_t reference = 0;
    enum status status = OK;
    for (size_t i = 0; i < side->count && status == OK; i++) {
        const struct synthetic_person *who = &side->people[i];
        status = put_person(db, side, who, who->in_vault ? &side->references[reference++] : NULL);
    }
    if (status != OK)
        *side->counts = before;
    return status;
}

/* Whole households, up to the number of a transaction. */
static void take_people(struct centre_side *side)
{
    region_reset(&side->region);
    side->count = side->number_count = 0;
    while (side->count + HOUSEHOLD_MOST <= PEOPLE_A_TRANSACTION) {
        size_t more = nation_next_household(side->nation, &side->region, &side->people[side->count]);
        if (more == 0)
            break;
        side->count += more;
    }
    for (size_t i = 0; i < side->count; i++)
        if (side->people[i].in_vault)
            side->numbers[side->number_count++] = side->people[i].number;
}

static enum status put_all_people(struct centre_side *side, struct promises *promises)
{
    for (take_people(side); side->count > 0; take_people(side)) {
        enum status status =
            vault_add_numbers(side->fill->vault, side->numbers, side->number_count, side->references);
        if (status != OK)
            return status;
        if (!wait_for_promises(promises, side->people[side->count - 1].index + 1))
            return ERR_INTERNAL;
        status = db_transaction(side->fill->registry, put_people, side);
        if (status != OK)
            return status;
        side->counts->people += side->count;
        side->counts->in_vault += side->number_count;
    }
    return OK;
}

static enum status fill_centre(struct centre_side *side, struct promises *promises)
{
    side->people = calloc(PEOPLE_A_TRANSACTION, sizeof(*side->people));
    side->numbers = calloc(PEOPLE_A_TRANSACTION, sizeof(*side->numbers));
    side->references = calloc(PEOPLE_A_TRANSACTION, sizeof(*side->references));
    side->employers = calloc(side->nation->organisations.employer_count, sizeof(*side->employers));
    bool whole = side->people && side->numbers && side->references && side->employers;
    enum status status = whole ? put_all_people(side, promises) : ERR_NO_MEMORY;
    if (whole) {
        secret_wipe(side->people, PEOPLE_A_TRANSACTION * sizeof(*side->people));
        secret_wipe(side->numbers, PEOPLE_A_TRANSACTION * sizeof(*side->numbers));
    }
    free(side->people);
    free(side->numbers);
    free(side->references);
    free(side->employers);
    region_free(&side->region);
    return status;
}

/* ---- From where the centre follows the authority's news ---- */

static enum status apply_entry(struct db *db, const struct state_entry *entry)
{
    struct certificate_change change = {.state = centre_state_of(entry->state),
                                        .last_day = date_in_tokyo(entry->not_after)};
    memcpy(change.id, entry->id.bytes, sizeof(change.id));
    return entry->kind == SUBJECT_MACHINE ? machine_certificate_apply(db, &change)
                                          : terminal_apply(db, &change);
}

static enum status apply_first_news(struct db *db, void *argument)
{
    const struct state_batch *batch = argument;
    enum status status = OK;
    for (size_t i = 0; i < batch->count && status == OK; i++)
        status = apply_entry(db, &batch->entries[i]);
    return status;
}

static enum status finish(struct db *db, void *argument)
{
    const struct state_batch *batch = argument;
    const struct feed_position position = {.through = batch->through, .issued_at = batch->issued_at};
    enum status status = feed_position_set(db, &position);
    return status == OK ? setting_put(db, filled_setting, bytes_of_text(filling_done)) : status;
}

static enum status follow_from_here(const struct fill *fill)
{
    uint64_t newest;
    struct buffer sealed = {0};
    struct state_batch batch = {0};
    enum status status = authority_newest_sequence(fill->authority, &newest);
    if (status == OK)
        status = authority_feed(fill->authority, newest, &sealed);
    if (status == OK)
        status = state_batch_open(buffer_bytes(&sealed), fill->authority_feed, &batch);
    if (status == OK)
        status = db_transaction(fill->registry, finish, &batch);
    state_batch_free(&batch);
    buffer_free(&sealed);
    return status;
}

static enum status run_both(const struct fill *fill, struct authority_side *authority,
                            struct centre_side *centre, struct promises *promises)
{
    struct state_batch machines = {0};
    enum status status = db_transaction(fill->registry, put_parties, centre);
    if (status == OK)
        status = first_news(fill, &machines);
    if (status == OK)
        status = db_transaction(fill->registry, apply_first_news, &machines);
    state_batch_free(&machines);
    if (status != OK)
        return status;
    pthread_t thread;
    if (pthread_create(&thread, NULL, fill_authority, authority) != 0)
        return ERR_NO_MEMORY;
    status = fill_centre(centre, promises);
    (void)pthread_join(thread, NULL);
    if (authority->status != OK)
        return authority->status;
    return status == OK ? follow_from_here(fill) : status;
}

enum status fill_run(const struct fill *fill, struct fill_counts *counts)
{
    *counts = (struct fill_counts){0};
    struct promises promises = {.stored = calloc(fill->plan.people, sizeof(*promises.stored))};
    struct nation *nations = calloc(2, sizeof(*nations));
    struct authority_side *authority = calloc(1, sizeof(*authority));
    enum status status = promises.stored && nations && authority ? OK : ERR_NO_MEMORY;
    for (size_t i = 0; i < 2 && status == OK; i++)
        status = nation_begin(&fill->plan, &nations[i]);
    (void)pthread_mutex_init(&promises.mutex, NULL);
    (void)pthread_cond_init(&promises.grown, NULL);
    if (status == OK) {
        authority->fill = fill;
        authority->nation = &nations[0];
        authority->promises = &promises;
        struct centre_side centre = {
            .fill = fill, .nation = &nations[1], .promises = &promises, .counts = counts};
        status = run_both(fill, authority, &centre, &promises);
    }
    (void)pthread_cond_destroy(&promises.grown);
    (void)pthread_mutex_destroy(&promises.mutex);
    free(promises.stored);
    free(nations);
    free(authority);
    return status;
}
