#include "registry/findings.h"

#include "registry/stored.h"

/* ---- What stands in every row ---- */

static enum status take_machine(struct db_optional_int state, struct date last_day,
                                struct db_optional_bool active, struct check_findings *out)
{
    out->machine = (struct machine_certificate_facts){.last_day = DATE_NONE};
    out->institution.known = active.present;
    out->institution.active = active.value;
    if (!state.present)
        return OK;
    out->machine.known = true;
    out->machine.last_day = last_day;
    return certificate_state_of_stored(state.value, &out->machine.state);
}

static enum status take_terminal(const struct registry_sql_check_row *row, struct check_findings *out)
{
    out->terminal = (struct terminal_facts){.last_day = DATE_NONE};
    if (!row->terminal_state.present)
        return OK;
    out->terminal.known = true;
    out->terminal.last_day = row->terminal_last_day;
    return certificate_state_of_stored(row->terminal_state.value, &out->terminal.state);
}

static enum status take_certificate(const struct registry_sql_check_row *row, struct check_findings *out)
{
    struct certificate_facts *certificate = &out->certificate;
    *certificate = (struct certificate_facts){.last_day = DATE_NONE};
    if (!row->certificate_state.present)
        return OK;
    certificate->known = true;
    certificate->last_day = row->certificate_term_last_day;
    certificate->on_phone = row->on_phone.value;
    if (row->holder.present) {
        certificate->enrolment = (enum enrolment_state)row->holder_enrolment.value;
        certificate->person =
            person_of_row(row->holder.value, row->holder_enrolment.value, row->holder_protection.value);
    }
    return certificate_state_of_stored(row->certificate_state.value, &certificate->state);
}

static enum status take_caller(const struct registry_sql_check_row *row, struct check_findings *out)
{
    out->authority_heard_at = row->heard_at;
    enum status status =
        take_machine(row->machine_state, row->machine_last_day, row->institution_active, out);
    if (status == OK)
        status = take_terminal(row, out);
    return status == OK ? take_certificate(row, out) : status;
}

/* ---- Subscriptions ---- */

static enum status facts_of_stored(const struct registry_sql_check_row *row, struct region *region,
                                   struct subscription_facts *out)
{
    if (row->link.value < LINK_NONE || row->link.value > LINK_RELEASED)
        return ERR_DAMAGED;
    out->subscription = row->subscription.value;
    out->link = (enum link_state)row->link.value;
    out->person = person_of_row(row->person.value, row->enrolment.value,
                                row->person_protection.value | row->subscription_protection.value);

    struct coverage *coverage = &out->coverage;
    enum status status = coverage_of_stored(&row->coverage, coverage);
    if (status == OK)
        status = key_of_stored(row->insurer.value, row->symbol, row->number, row->branch, &coverage->key);
    if (status == OK)
        status = person_of_stored(&row->stated, region, &coverage->person);
    if (status == OK)
        status = text_of_stored(row->insurer_name, region, &coverage->insurer_name);
    coverage->relationship = (enum relationship)row->stated.relationship.value;
    coverage->registered_at = row->visible_at.value;
    coverage->registered_by = coverage->insurer_name;
    if (status == OK && row->registrant.data)
        status = text_of_stored(row->registrant, region, &coverage->registered_by);
    return status;
}

/* A period of a subscription, of which some version was seen. */
struct place {
    int64_t subscription;
    int64_t period;
    int64_t version; /* the newest that counts; 0: none yet */
    int64_t staged;  /* the newest that waits for its load; 0: none */
    size_t found;    /* which of the facts, where a version counts */
};

/* There already when two candidates of one person lead to each other, and for a further version. */
static struct place *place_of(struct rows_in_region *places, int64_t subscription, int64_t period)
{
    struct place *known = places->items;
    for (size_t i = 0; i < places->count; i++) {
        if (known[i].subscription == subscription && known[i].period == period)
            return &known[i];
    }
    struct place *added = rows_in_region_add(places);
    if (added)
        *added = (struct place){.subscription = subscription, .period = period};
    return added;
}

static bool ties(enum link_state link)
{
    return link == LINK_CONFIRMED || link == LINK_PENDING;
}

static void add_protection(struct person_facts *to, const struct person_facts *from)
{
    to->non_disclosure |= from->non_disclosure;
    to->self_information_blocked |= from->self_information_blocked;
}

/* What was declared about one of a person's subscriptions, before anybody knew whose it was, protects the
 * whole person. A link in doubt spreads nothing. */
static void spread_protection(struct check_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct subscription_facts *from = &findings->subscriptions[i];
        if (!ties(from->link))
            continue;
        for (size_t j = 0; j < findings->count; j++) {
            if (findings->subscriptions[j].person.id == from->person.id)
                add_protection(&findings->subscriptions[j].person, &from->person);
        }
        if (findings->certificate.person.id == from->person.id)
            add_protection(&findings->certificate.person, &from->person);
    }
}

static enum status take_version(const struct registry_sql_check_row *row, struct place *place,
                                struct rows_in_region *found)
{
    int64_t version = row->version.value;
    if (!version_counts(row->load, row->load_state, 0)) {
        if (version_is_staged(row->load_state) && version > place->staged)
            place->staged = version;
        return OK;
    }
    if (version <= place->version)
        return OK;
    if (place->version == 0) {
        place->found = found->count;
        if (!rows_in_region_add(found))
            return ERR_NO_MEMORY;
    }
    place->version = version;
    return facts_of_stored(row, found->region, (struct subscription_facts *)found->items + place->found);
}

static enum status take_subscription(const struct registry_sql_check_row *row, struct rows_in_region *places,
                                     struct rows_in_region *found)
{
    if (!row->period.present)
        return OK;
    struct place *place = place_of(places, row->subscription.value, row->period.value);
    return place ? take_version(row, place, found) : ERR_NO_MEMORY;
}

static void mark_pending(const struct rows_in_region *places, struct subscription_facts *facts)
{
    const struct place *place = places->items;
    for (size_t i = 0; i < places->count; i++, place++) {
        if (place->version)
            facts[place->found].coverage.change_pending = place->staged > place->version;
    }
}

enum status findings_collect(struct db_rows *rows, struct region *region, struct check_findings *out)
{
    *out = (struct check_findings){0};
    struct rows_in_region places = {.region = region, .size = sizeof(struct place)};
    struct rows_in_region found = {.region = region, .size = sizeof(struct subscription_facts)};
    struct registry_sql_check_row row;
    enum status status = OK;
    for (bool first = true; status == OK && registry_sql_check_next(rows, &row); first = false) {
        if (first)
            status = take_caller(&row, out);
        if (status == OK)
            status = take_subscription(&row, &places, &found);
    }
    if (status == OK)
        status = db_rows_status(rows);
    if (status != OK) {
        *out = (struct check_findings){0};
        return status;
    }
    out->subscriptions = found.items;
    out->count = found.count;
    mark_pending(&places, found.items);
    spread_protection(out);
    return OK;
}

enum status findings_collect_caller(struct db_rows *rows, struct check_findings *out)
{
    *out = (struct check_findings){0};
    struct registry_sql_caller_find_row row;
    enum status status = OK;
    if (registry_sql_caller_find_next(rows, &row)) {
        out->authority_heard_at = row.heard_at;
        status = take_machine(row.machine_state, row.machine_last_day, row.institution_active, out);
    }
    return status == OK ? db_rows_status(rows) : status;
}
