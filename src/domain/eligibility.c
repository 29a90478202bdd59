#include "domain/eligibility.h"

#include <string.h>

#include "domain/disclosure.h"

/* Defined here and nowhere else: whoever wants an answer must ask for a decision. */
struct answer {
    struct answer_content content;
    int64_t person;
    int64_t subscription;
};

const struct answer_content *answer_content(const struct answer *answer)
{
    return &answer->content;
}

int64_t answer_person(const struct answer *answer)
{
    return answer->person;
}

int64_t answer_subscription(const struct answer *answer)
{
    return answer->subscription;
}

bool answer_allows_visit_token(const struct answer *answer)
{
    const struct answer_content *content = &answer->content;
    return content->kind == QUESTION_BY_CARD && content->result == RESULT_ELIGIBLE &&
           content->has_certificate_term &&
           (content->certificate_term == CERTIFICATE_TERM_RUNS ||
            content->certificate_term == CERTIFICATE_TERM_ENDS_SOON);
}

/* What was decided, before disclosure. */
struct decision {
    enum reason reason;
    const struct subscription_facts *facts; /* what it is about; NULL where nothing may be said */
    int64_t person;
    bool is_protected;
    bool change_pending; /* beside the coverage's own */
    bool has_term;
    enum certificate_term term;
    struct date certificate_last_day;
};

/* Given when there is no memory for an answer: nothing in it can be taken for a decision. */
static const struct answer answer_without_memory = {
    .content = {.kind = QUESTION_BY_NUMBER,
                .day = {INT32_MAX},
                .reason = REASON_INTERNAL,
                .result = RESULT_CANNOT_BE_CONFIRMED,
                .coverage = {.person = {.birth = {INT32_MAX}, .sex = SEX_UNSET},
                             .acquired = {INT32_MAX},
                             .lost = {INT32_MAX},
                             .copayment_percent = COPAYMENT_UNKNOWN,
                             .elderly = {{INT32_MAX}, {INT32_MAX}, {INT32_MAX}, COPAYMENT_UNKNOWN},
                             .certificate = {{INT32_MAX}, {INT32_MAX}}},
                .certificate_last_day = {INT32_MAX}},
};

static void disclose(struct answer_content *content, const struct decision *decision)
{
    const struct subscription_facts *facts = decision->facts;
    content->coverage = disclosure_nothing();
    content->certificate_last_day = DATE_NONE;
    if (content->result == RESULT_CANNOT_BE_CONFIRMED || !facts) {
        content->change_pending = decision->change_pending;
        return;
    }
    content->has_coverage = true;
    content->coverage = disclosure_for(content->result, facts, decision->is_protected, content->day);
    content->registered_at = facts->coverage.registered_at;
    content->registered_by = facts->coverage.registered_by;
    content->change_pending =
        facts->coverage.change_pending || coverage_change_is_due(&facts->coverage, content->day);
    if (decision->has_term) {
        content->has_certificate_term = true;
        content->certificate_term = decision->term;
        content->certificate_last_day = decision->certificate_last_day;
    }
}

static const struct answer *build(struct region *region, const struct question *question,
                                  const struct decision *decision)
{
    struct answer *answer = region_alloc(region, sizeof(*answer));
    if (!answer)
        return &answer_without_memory;
    const struct reason_entry *entry = reason_entry(decision->reason);
    struct answer_content *content = &answer->content;
    content->kind = question->kind;
    content->day = question->day;
    content->authenticated_by = question->authenticated_by;
    memcpy(content->event_id, question->event_id, sizeof(content->event_id));
    content->as_of = question->asked_at;
    content->reason = entry->reason;
    content->result = entry->result;
    content->cd006 = entry->cd006;
    disclose(content, decision);
    answer->person = decision->person;
    answer->subscription = decision->facts ? decision->facts->subscription : 0;
    return answer;
}

const struct answer *eligibility_failed(struct region *region, const struct question *question,
                                        enum reason reason)
{
    bool is_failure = reason == REASON_CENTRE_UNREACHABLE || reason == REASON_AUTHORITY_UNREACHABLE ||
                      reason == REASON_TOO_BUSY || reason == REASON_INTERNAL;
    struct decision decision = {.reason = is_failure ? reason : REASON_INTERNAL};
    return build(region, question, &decision);
}

/* ---- what both ways of asking share ---- */

static bool is_confirmed_to(const struct subscription_facts *facts, int64_t person)
{
    return facts->link == LINK_CONFIRMED && person != 0 && facts->person.id == person;
}

static int scheme_of(const struct subscription_facts *facts)
{
    return insurer_number_scheme(&facts->coverage.key.insurer);
}

/* Whether a goes before b where both are in force. */
static bool goes_before(const struct subscription_facts *a, const struct subscription_facts *b)
{
    bool a_assists = scheme_of(a) == SCHEME_MEDICAL_ASSISTANCE;
    bool b_assists = scheme_of(b) == SCHEME_MEDICAL_ASSISTANCE;
    if (a_assists != b_assists)
        return b_assists;
    if (!date_equal(a->coverage.acquired, b->coverage.acquired))
        return date_before(b->coverage.acquired, a->coverage.acquired);
    if (a->coverage.registered_at != b->coverage.registered_at)
        return a->coverage.registered_at > b->coverage.registered_at;
    return a->subscription > b->subscription;
}

static bool is_protected_by(const struct subscription_facts *facts, size_t count, int64_t person)
{
    for (size_t i = 0; i < count; i++)
        if (person != 0 && facts[i].person.id == person && person_is_protected(&facts[i].person))
            return true;
    return false;
}

/* ---- by number ---- */

static bool matches(const struct subscription_facts *facts, const struct question *question)
{
    const struct coverage *coverage = &facts->coverage;
    return insured_key_same_number(&coverage->key, &question->key) &&
           date_equal(coverage->person.birth, question->birth) &&
           (branch_number_is_absent(&question->key.branch) ||
            branch_number_equal(&coverage->key.branch, &question->key.branch));
}

struct found {
    const struct subscription_facts *first;
    bool are_several;   /* subscriptions */
    bool is_one_person; /* every one of them is confirmed to the same person */
    bool has_unlinked;  /* one without a number */
    bool is_protected;
    const struct subscription_facts *in_force, *last_lost, *next;
};

static void find_place(struct found *found, const struct subscription_facts *row, struct date day)
{
    const struct coverage *coverage = &row->coverage;
    if (coverage_in_force_on(coverage, day)) {
        if (!found->in_force || goes_before(row, found->in_force))
            found->in_force = row;
    } else if (coverage_lost_by(coverage, day)) {
        if (!found->last_lost || date_before(found->last_lost->coverage.lost, coverage->lost))
            found->last_lost = row;
    } else if (!found->next || date_before(coverage->acquired, found->next->coverage.acquired)) {
        found->next = row;
    }
}

static struct found find_matches(const struct question *question, const struct subscription_facts *facts,
                                 size_t count)
{
    struct found found = {.is_one_person = true};
    for (size_t i = 0; i < count; i++) {
        const struct subscription_facts *row = &facts[i];
        if (!matches(row, question))
            continue;
        if (!found.first)
            found.first = row;
        found.are_several |= row->subscription != found.first->subscription;
        found.is_one_person &= is_confirmed_to(row, found.first->person.id);
        found.has_unlinked |= row->link == LINK_NONE;
        found.is_protected |= person_is_protected(&row->person);
        find_place(&found, row, question->day);
    }
    return found;
}

static enum reason reason_in_force(const struct subscription_facts *row)
{
    if (row->coverage.special_expense)
        return REASON_IN_FORCE_SPECIAL_EXPENSE;
    if (scheme_of(row) == SCHEME_MEDICAL_ASSISTANCE && !row->person.card_use_registered)
        return REASON_IN_FORCE_UNREGISTERED;
    return REASON_IN_FORCE;
}

/* Another confirmed coverage of the person counts on the day. */
static bool has_newer(const struct question *question, const struct subscription_facts *facts, size_t count,
                      const struct subscription_facts *lost)
{
    for (size_t i = 0; i < count; i++)
        if (is_confirmed_to(&facts[i], lost->person.id) &&
            coverage_in_force_on(&facts[i].coverage, question->day))
            return true;
    return false;
}

const struct answer *eligibility_decide_by_number(struct region *region, const struct question *question,
                                                  const struct subscription_facts *facts, size_t count)
{
    struct found found = find_matches(question, facts, count);
    struct decision decision = {.reason = REASON_INTERNAL};
    if (!found.first) {
        decision.reason = REASON_NO_SUCH_COVERAGE;
    } else if (found.are_several && !found.is_one_person) {
        decision.reason = REASON_SEVERAL_MATCH;
    } else if (found.has_unlinked) { /* Q10: before every date */
        decision.reason = REASON_NUMBER_NOT_REGISTERED;
        decision.facts = found.first;
    } else if (!found.is_one_person) {
        decision.reason = REASON_UNDER_VERIFICATION;
        decision.facts = found.first;
    } else {
        decision.person = found.first->person.id;
        decision.is_protected = found.is_protected || is_protected_by(facts, count, decision.person);
        if (found.in_force) {
            decision.facts = found.in_force;
            decision.reason = reason_in_force(found.in_force);
        } else if (found.last_lost) {
            decision.facts = found.last_lost;
            /* Q1: an old number in the wrong hands must not tell that there is a new one. */
            bool may_tell = !decision.is_protected && has_newer(question, facts, count, found.last_lost);
            decision.reason = may_tell ? REASON_LOST_NEWER_EXISTS : REASON_LOST;
        } else {
            decision.facts = found.next;
            decision.reason = REASON_NOT_YET_ACQUIRED;
        }
    }
    return build(region, question, &decision);
}

/* ---- by card ---- */

static bool is_enrolled(const struct certificate_facts *certificate)
{
    return certificate->enrolment == ENROLMENT_IN_FORCE && certificate->person.id != 0;
}

static bool card_is_unusable(const struct certificate_facts *certificate,
                             const struct subscription_facts *facts, size_t count)
{
    bool is_blocked = certificate->person.self_information_blocked;
    for (size_t i = 0; i < count; i++)
        is_blocked |= certificate->person.id != 0 && facts[i].person.id == certificate->person.id &&
                      facts[i].person.self_information_blocked;
    return is_blocked || certificate->state == CERTIFICATE_SUSPENDED ||
           certificate->state == CERTIFICATE_REVOKED || certificate->state == CERTIFICATE_SUPERSEDED ||
           certificate->enrolment == ENROLMENT_RELEASED;
}

/* The authority's word that it has expired counts, whatever the last day that we hold. */
static enum certificate_term term_of(const struct certificate_facts *certificate, struct date today)
{
    enum certificate_term term = certificate_term_on(certificate->last_day, certificate->on_phone, today);
    bool runs = term == CERTIFICATE_TERM_RUNS || term == CERTIFICATE_TERM_ENDS_SOON;
    if (certificate->state == CERTIFICATE_EXPIRED && runs)
        return certificate->on_phone ? CERTIFICATE_TERM_ENDED : CERTIFICATE_TERM_IN_GRACE;
    return term;
}

/* REASON_NONE where the card may be used and only coverage remains to be looked at. */
static enum reason reason_of_card(const struct certificate_facts *certificate, enum certificate_term term,
                                  const struct subscription_facts *facts, size_t count)
{
    if (!certificate->known)
        return REASON_NOT_ENROLLED;
    if (card_is_unusable(certificate, facts, count))
        return REASON_CARD_NOT_USABLE;
    if (term == CERTIFICATE_TERM_ENDED ||
        (term == CERTIFICATE_TERM_IN_GRACE && certificate->enrolment == ENROLMENT_NONE))
        return REASON_CERTIFICATE_EXPIRED;
    if (certificate->enrolment == ENROLMENT_WITHOUT_NUMBER) /* Q10 */
        return REASON_NUMBER_NOT_REGISTERED;
    return is_enrolled(certificate) ? REASON_NONE : REASON_NOT_ENROLLED;
}

/* Where the person's coverages stand on the day. */
struct standing {
    const struct subscription_facts *in_force, *last_lost;
    bool has_confirmed, has_quarantined, has_pending, has_released;
    struct date last_acquired; /* the latest of any confirmed coverage */
};

static struct standing standing_of(int64_t person, struct date day, const struct subscription_facts *facts,
                                   size_t count)
{
    struct standing standing = {.last_acquired = {INT32_MIN}};
    for (size_t i = 0; i < count; i++) {
        const struct subscription_facts *row = &facts[i];
        if (row->person.id != person)
            continue;
        standing.has_quarantined |= row->link == LINK_QUARANTINED;
        standing.has_pending |= row->link == LINK_PENDING;
        standing.has_released |= row->link == LINK_RELEASED;
        if (!is_confirmed_to(row, person))
            continue;
        standing.has_confirmed = true;
        if (date_before(standing.last_acquired, row->coverage.acquired))
            standing.last_acquired = row->coverage.acquired;
        if (coverage_in_force_on(&row->coverage, day)) {
            if (!standing.in_force || goes_before(row, standing.in_force))
                standing.in_force = row;
        } else if (coverage_lost_by(&row->coverage, day)) {
            if (!standing.last_lost || date_before(standing.last_lost->coverage.lost, row->coverage.lost))
                standing.last_lost = row;
        }
    }
    return standing;
}

static bool ended_by_death(const struct standing *standing)
{
    const struct subscription_facts *last = standing->last_lost;
    return last && last->coverage.loss_reason == LOSS_REASON_DEATH &&
           date_before(standing->last_acquired, last->coverage.lost);
}

static enum reason reason_of_standing(const struct standing *standing, enum certificate_term term)
{
    if (standing->in_force) {
        if (standing->in_force->coverage.special_expense)
            return REASON_IN_FORCE_SPECIAL_EXPENSE;
        return term == CERTIFICATE_TERM_IN_GRACE ? REASON_IN_FORCE_GRACE : REASON_IN_FORCE;
    }
    if (standing->has_quarantined || (standing->has_released && !standing->has_confirmed))
        return REASON_CARD_NOT_USABLE;
    if (standing->has_pending)
        return REASON_NEW_COVERAGE_NOT_REGISTERED;
    if (!standing->has_confirmed) /* Q10 */
        return REASON_NUMBER_NOT_REGISTERED;
    return ended_by_death(standing) ? REASON_LOST : REASON_NEW_COVERAGE_NOT_REGISTERED;
}

const struct answer *eligibility_decide_by_card(struct region *region, const struct question *question,
                                                const struct certificate_facts *certificate,
                                                const struct subscription_facts *facts, size_t count)
{
    enum certificate_term term = term_of(certificate, date_in_tokyo(question->asked_at));
    struct decision decision = {.reason = reason_of_card(certificate, term, facts, count)};
    if (certificate->known)
        decision.person = certificate->person.id;
    if (decision.reason != REASON_NONE)
        return build(region, question, &decision);

    struct standing standing = standing_of(decision.person, question->day, facts, count);
    decision.reason = reason_of_standing(&standing, term);
    decision.facts = standing.in_force                ? standing.in_force
                     : decision.reason == REASON_LOST ? standing.last_lost
                                                      : NULL;
    decision.is_protected =
        person_is_protected(&certificate->person) || is_protected_by(facts, count, decision.person);
    decision.change_pending = decision.reason == REASON_NEW_COVERAGE_NOT_REGISTERED && standing.has_pending;
    decision.has_term = true;
    decision.term = term;
    decision.certificate_last_day = certificate->last_day;
    return build(region, question, &decision);
}

/* ---- the question itself ---- */

enum reason day_of_treatment_refusal(enum question_kind kind, struct date day, struct date today)
{
    bool by_card = kind == QUESTION_BY_CARD;
    struct date first = by_card ? date_add_months(date_first_of_month(today), -1) : date_add_years(today, -5);
    struct date last = by_card ? today : date_add_months(today, 1);
    return date_before(day, first) || date_before(last, day) ? REASON_DAY_OUT_OF_RANGE : REASON_NONE;
}

enum reason day_of_treatment_parse(const char *text, size_t length, struct date *out)
{
    return date_parse(text, length, out) == OK ? REASON_NONE : REASON_MALFORMED_DAY;
}

static const char *const authentication_codes[] = {
    [AUTHENTICATED_BY_NONE] = "none",
    [AUTHENTICATED_BY_PIN] = "pin",
    [AUTHENTICATED_BY_FACE] = "face",
    [AUTHENTICATED_BY_STAFF_EYES] = "staff_eyes",
};

const char *authentication_code(enum authentication authentication)
{
    return (size_t)authentication < ARRAY_LENGTH(authentication_codes) ? authentication_codes[authentication]
                                                                       : "none";
}

bool authentication_by_code(const char *code, size_t length, enum authentication *out)
{
    *out = AUTHENTICATED_BY_NONE;
    for (size_t i = 0; i < ARRAY_LENGTH(authentication_codes); i++) {
        if (strlen(authentication_codes[i]) == length && memcmp(code, authentication_codes[i], length) == 0) {
            *out = (enum authentication)i;
            return true;
        }
    }
    return false;
}

const char *question_kind_code(enum question_kind kind)
{
    return kind == QUESTION_BY_CARD ? "card" : "number";
}
