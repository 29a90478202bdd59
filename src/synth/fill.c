#include "synth/fill.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "authority/bulk.h"
#include "registry/certificate.h"
#include "registry/parties.h"
#include "registry/unseen.h"
#include "synth/words.h"

enum {
    PEOPLE_AT_ONCE = 4000,
    /* Keys are random, so a transaction touches most pages of their indexes however small it is. */
    PEOPLE_A_TRANSACTION = 100000,
    CERTIFICATES_A_TRANSACTION = 400000,
    OPENING_HOUR = 9,
    NATIONS = 3, /* the same one, told to each thread */
};

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

/* ---- What the centre waits for: both come on threads of their own, in order of the people's indexes ---- */

struct progress {
    pthread_mutex_t mutex;
    pthread_cond_t grown;
    uint64_t count;
    bool ended; /* no more will come */
};

static void progress_begin(struct progress *progress)
{
    *progress = (struct progress){0};
    (void)pthread_mutex_init(&progress->mutex, NULL);
    (void)pthread_cond_init(&progress->grown, NULL);
}

static void progress_free(struct progress *progress)
{
    (void)pthread_cond_destroy(&progress->grown);
    (void)pthread_mutex_destroy(&progress->mutex);
}

static void progress_reach(struct progress *progress, uint64_t count, bool ended)
{
    (void)pthread_mutex_lock(&progress->mutex);
    progress->count = count;
    progress->ended = ended;
    (void)pthread_cond_signal(&progress->grown);
    (void)pthread_mutex_unlock(&progress->mutex);
}

/* False: it will not come so far. */
static bool progress_wait(struct progress *progress, uint64_t count)
{
    (void)pthread_mutex_lock(&progress->mutex);
    while (progress->count < count && !progress->ended)
        (void)pthread_cond_wait(&progress->grown, &progress->mutex);
    bool came = progress->count >= count;
    (void)pthread_mutex_unlock(&progress->mutex);
    return came;
}

struct vault_side {
    const struct fill *fill;
    struct nation *nation;
    struct progress progress;
    struct vault_reference *references; /* by the person's index; zeros where the vault has no number */
    struct region region;
    struct my_number *numbers;
    uint64_t *indexes;
    struct vault_reference *made;
    size_t count;
    enum status status;
};

struct authority_side {
    const struct fill *fill;
    struct nation *nation;
    struct progress progress;
    struct bulk_stored *stored; /* by the person's index */
    struct region region;
    struct synthetic_person people[HOUSEHOLD_MOST];
    size_t count, next;
    enum status status;
};

/* ---- The vault ---- */

static enum status add_numbers(struct vault_side *side)
{
    enum status status = vault_add_numbers(side->fill->vault, side->numbers, side->count, side->made);
    for (size_t i = 0; i < side->count && status == OK; i++)
        side->references[side->indexes[i]] = side->made[i];
    if (status == OK)
        progress_reach(&side->progress, side->nation->next_index, false);
    side->count = 0;
    return status;
}

static enum status add_all_numbers(struct vault_side *side)
{
    struct synthetic_person people[HOUSEHOLD_MOST];
    enum status status = OK;
    for (size_t count = 1; count > 0 && status == OK; region_reset(&side->region)) {
        count = nation_next_household(side->nation, &side->region, people);
        for (size_t i = 0; i < count; i++) {
            if (!people[i].in_vault)
                continue;
            side->numbers[side->count] = people[i].number;
            side->indexes[side->count++] = people[i].index;
        }
        if (count == 0 || side->count + HOUSEHOLD_MOST > PEOPLE_A_TRANSACTION)
            status = add_numbers(side);
    }
    secret_wipe(people, sizeof(people));
    return status;
}

static void *fill_vault(void *argument)
{
    struct vault_side *side = argument;
    side->numbers = calloc(PEOPLE_A_TRANSACTION, sizeof(*side->numbers));
    side->indexes = calloc(PEOPLE_A_TRANSACTION, sizeof(*side->indexes));
    side->made = calloc(PEOPLE_A_TRANSACTION, sizeof(*side->made));
    side->status = side->numbers && side->indexes && side->made ? add_all_numbers(side) : ERR_NO_MEMORY;
    if (side->numbers)
        secret_wipe(side->numbers, PEOPLE_A_TRANSACTION * sizeof(*side->numbers));
    free(side->numbers);
    free(side->indexes);
    free(side->made);
    region_free(&side->region);
    progress_reach(&side->progress, side->status == OK ? side->fill->plan.people : 0, true);
    return NULL;
}

/* ---- The authority ---- */

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
    struct authority_side *side = context;
    side->stored[index] = *stored;
    progress_reach(&side->progress, index + 1, false);
}

static void *fill_authority(void *argument)
{
    struct authority_side *side = argument;
    const struct bulk_source source = {.next = next_resident, .stored = take_stored, .context = side};
    uint64_t count;
    side->status = authority_load_residents(side->fill->authority, &source, &count);
    secret_wipe(side->people, sizeof(side->people));
    region_free(&side->region);
    progress_reach(&side->progress, count, true);
    return NULL;
}

/* ---- The centre ---- */

/* Ids are random: rows that wait for the end can be written in their order, which is many times faster. */
struct waiting_certificate {
    const struct certificate_id *id;
    const struct certificate_id *successor; /* NULL: none */
    int64_t person;                         /* 0: not learnt */
    struct date last_day;
    enum certificate_state state;
};

struct centre_side {
    const struct fill *fill;
    struct nation *nation;
    struct vault_side *vault;
    struct authority_side *authority;
    struct region region;
    struct synthetic_person *people;
    size_t count;
    int64_t *employers; /* keys by index; 0: not there yet */
    struct waiting_certificate *waiting;
    size_t waiting_count, waiting_limit;
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

static enum status add_waiting(struct centre_side *side, const struct waiting_certificate *certificate)
{
    if (side->waiting_count == side->waiting_limit) {
        size_t limit = side->waiting_limit ? 2 * side->waiting_limit : PEOPLE_AT_ONCE;
        struct waiting_certificate *more = realloc(side->waiting, limit * sizeof(*more));
        if (!more)
            return ERR_NO_MEMORY;
        side->waiting = more;
        side->waiting_limit = limit;
    }
    side->waiting[side->waiting_count++] = *certificate;
    return OK;
}

/* person 0: nobody has learnt whose they are. Only authentication certificates are ever shown. */
static enum status put_card(struct centre_side *side, const struct synthetic_person *who, int64_t person)
{
    const struct bulk_stored *ids = &side->authority->stored[who->index];
    const struct synthetic_card *card = &who->card;
    enum certificate_state state = centre_state_of(card->state);
    const struct waiting_certificate certificates[] = {
        {&ids->authentication, NULL, person, card->last_day, state},
        {&ids->signature, NULL, 0, card->last_day, state},
        {&ids->renewed_authentication, &ids->authentication, person, card->renewed_last_day,
         CERTIFICATE_SUPERSEDED},
        {&ids->renewed_signature, &ids->signature, 0, card->renewed_last_day, CERTIFICATE_SUPERSEDED},
    };
    const bool is_there[] = {true, card->has_signature, card->renewed, card->renewed && card->has_signature};
    enum status status = OK;
    for (size_t i = 0; i < ARRAY_LENGTH(certificates) && status == OK; i++)
        if (is_there[i])
            status = add_waiting(side, &certificates[i]);
    return status;
}

static struct enrolment enrolment_of(const struct centre_side *side, const struct synthetic_person *who)
{
    const struct bulk_stored *ids = &side->authority->stored[who->index];
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
        status = put_card(side, who, enrolled ? person : 0);
    side->counts->enrolled += enrolled;
    return status == OK && who->enrolment == ENROLMENT_RELEASED
               ? release_enrolment(db, side, &enrolment, person)
               : status;
}

static enum status put_people(struct db *db, struct centre_side *side)
{
    enum status status = OK;
    for (size_t i = 0; i < side->count && status == OK; i++) {
        const struct synthetic_person *who = &side->people[i];
        status = put_person(db, side, who, who->in_vault ? &side->vault->references[who->index] : NULL);
        side->counts->in_vault += who->in_vault;
    }
    side->counts->people += side->count;
    return status;
}

/* Whole households, once vault and authority have them. */
static enum status take_people(struct centre_side *side)
{
    region_reset(&side->region);
    side->count = 0;
    while (side->count + HOUSEHOLD_MOST <= PEOPLE_AT_ONCE) {
        size_t more = nation_next_household(side->nation, &side->region, &side->people[side->count]);
        if (more == 0)
            break;
        side->count += more;
    }
    uint64_t end = side->nation->next_index;
    bool came = progress_wait(&side->vault->progress, end) && progress_wait(&side->authority->progress, end);
    return came ? OK : ERR_INTERNAL; /* theirs is the error that counts */
}

/* One transaction, from which a second run begins again. */
struct stretch {
    struct centre_side *side;
    struct nation nation; /* before it */
    struct fill_counts counts;
    size_t waiting_count;
    bool has_run;
};

static void begin_again(struct stretch *stretch)
{
    struct centre_side *side = stretch->side;
    *side->nation = stretch->nation;
    *side->counts = stretch->counts;
    side->waiting_count = stretch->waiting_count;
    memset(side->employers, 0, side->nation->organisations.employer_count * sizeof(*side->employers));
}

static enum status put_stretch(struct db *db, void *argument)
{
    struct stretch *stretch = argument;
    struct centre_side *side = stretch->side;
    if (stretch->has_run)
        begin_again(stretch);
    stretch->has_run = true;
    uint64_t end = side->counts->people + PEOPLE_A_TRANSACTION;
    while (side->counts->people < end) {
        enum status status = take_people(side);
        if (status != OK || side->count == 0)
            return status;
        status = put_people(db, side);
        if (status != OK)
            return status;
    }
    return OK;
}

static enum status put_all_people(struct centre_side *side)
{
    struct stretch *stretch = calloc(1, sizeof(*stretch));
    enum status status = stretch ? OK : ERR_NO_MEMORY;
    while (status == OK && side->counts->people < side->fill->plan.people) {
        *stretch = (struct stretch){.side = side,
                                    .nation = *side->nation,
                                    .counts = *side->counts,
                                    .waiting_count = side->waiting_count};
        status = db_transaction(side->fill->registry, put_stretch, stretch);
    }
    free(stretch);
    return status;
}

static int compare_waiting(const void *a, const void *b)
{
    const struct waiting_certificate *left = a, *right = b;
    return memcmp(left->id->bytes, right->id->bytes, sizeof(left->id->bytes));
}

static enum status put_certificates(struct db *db, void *argument)
{
    const struct centre_side *part = argument;
    enum status status = OK;
    for (size_t i = 0; i < part->waiting_count && status == OK; i++) {
        const struct waiting_certificate *waiting = &part->waiting[i];
        struct certificate_change change = {.state = waiting->state, .last_day = waiting->last_day};
        memcpy(change.id, waiting->id->bytes, sizeof(change.id));
        if (waiting->successor)
            memcpy(change.successor, waiting->successor->bytes, sizeof(change.successor));
        status = certificate_add_unseen(db, &change, waiting->person);
    }
    return status;
}

static enum status put_all_certificates(struct centre_side *side)
{
    qsort(side->waiting, side->waiting_count, sizeof(*side->waiting), compare_waiting);
    side->counts->certificates = side->waiting_count;
    enum status status = OK;
    for (size_t done = 0; done < side->waiting_count && status == OK; done += CERTIFICATES_A_TRANSACTION) {
        size_t left = side->waiting_count - done;
        struct centre_side part = {
            .waiting = side->waiting + done,
            .waiting_count = left < CERTIFICATES_A_TRANSACTION ? left : (size_t)CERTIFICATES_A_TRANSACTION};
        status = db_transaction(side->fill->registry, put_certificates, &part);
    }
    return status;
}

static enum status fill_centre(struct centre_side *side)
{
    side->people = calloc(PEOPLE_AT_ONCE, sizeof(*side->people));
    side->employers = calloc(side->nation->organisations.employer_count, sizeof(*side->employers));
    bool whole = side->people && side->employers;
    enum status status = whole ? put_all_people(side) : ERR_NO_MEMORY;
    if (status == OK)
        status = put_all_certificates(side);
    if (side->people)
        secret_wipe(side->people, PEOPLE_AT_ONCE * sizeof(*side->people));
    free(side->people);
    free(side->employers);
    free(side->waiting);
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

static enum status put_what_is_not_people(const struct fill *fill, struct centre_side *centre)
{
    struct state_batch machines = {0};
    enum status status = db_transaction(fill->registry, put_parties, centre);
    if (status == OK)
        status = first_news(fill, &machines);
    if (status == OK)
        status = db_transaction(fill->registry, apply_first_news, &machines);
    state_batch_free(&machines);
    return status;
}

/* The first error of vault and authority, or else the centre's. */
static enum status run_all(struct centre_side *centre)
{
    pthread_t vault, authority;
    if (pthread_create(&vault, NULL, fill_vault, centre->vault) != 0)
        return ERR_NO_MEMORY;
    if (pthread_create(&authority, NULL, fill_authority, centre->authority) != 0) {
        (void)pthread_join(vault, NULL);
        return ERR_NO_MEMORY;
    }
    enum status status = fill_centre(centre);
    (void)pthread_join(vault, NULL);
    (void)pthread_join(authority, NULL);
    if (centre->vault->status != OK)
        return centre->vault->status;
    return centre->authority->status != OK ? centre->authority->status : status;
}

static enum status run_with(const struct fill *fill, struct nation *nations, struct vault_side *vault,
                            struct authority_side *authority, struct fill_counts *counts)
{
    struct centre_side centre = {
        .fill = fill, .nation = &nations[0], .vault = vault, .authority = authority, .counts = counts};
    vault->fill = authority->fill = fill;
    vault->nation = &nations[1];
    authority->nation = &nations[2];
    enum status status = OK;
    for (size_t i = 0; i < NATIONS && status == OK; i++)
        status = nation_begin(&fill->plan, &nations[i]);
    if (status == OK)
        status = put_what_is_not_people(fill, &centre);
    if (status == OK)
        status = run_all(&centre);
    return status == OK ? follow_from_here(fill) : status;
}

enum status fill_run(const struct fill *fill, struct fill_counts *counts)
{
    *counts = (struct fill_counts){0};
    struct nation *nations = calloc(NATIONS, sizeof(*nations));
    struct authority_side *authority = calloc(1, sizeof(*authority));
    struct vault_side vault = {.references = calloc(fill->plan.people, sizeof(*vault.references))};
    if (authority)
        authority->stored = calloc(fill->plan.people, sizeof(*authority->stored));
    enum status status = ERR_NO_MEMORY;
    if (nations && vault.references && authority && authority->stored) {
        progress_begin(&vault.progress);
        progress_begin(&authority->progress);
        status = run_with(fill, nations, &vault, authority, counts);
        progress_free(&vault.progress);
        progress_free(&authority->progress);
    }
    free(vault.references);
    if (authority)
        free(authority->stored);
    free(authority);
    free(nations);
    return status;
}
