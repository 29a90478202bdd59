#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/copayment.h"
#include "domain/five_items.h"
#include "synth/nation.h"

enum { PEOPLE = 20000 };

static struct nation_plan plan = {.people = PEOPLE, .seed = 5};

typedef void visit(const struct synthetic_person *person, void *argument);

static uint64_t for_everybody(const struct nation_plan *wanted, visit *call, void *argument)
{
    struct nation *nation = calloc(1, sizeof(*nation));
    struct synthetic_person people[HOUSEHOLD_MOST];
    struct region region = {0};
    assert_non_null(nation);
    assert_int_equal(nation_begin(wanted, nation), OK);
    uint64_t total = 0;
    for (size_t count; (count = nation_next_household(nation, &region, people)) > 0; region_reset(&region)) {
        for (size_t i = 0; i < count; i++)
            call(&people[i], argument);
        total += count;
    }
    region_free(&region);
    free(nation);
    return total;
}

/* ---- The same again ---- */

static void add(uint64_t *sum, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.length; i++)
        *sum = (*sum ^ bytes.data[i]) * 0x100000001B3u;
}

static void add_number(uint64_t *sum, int64_t number)
{
    add(sum, bytes_of(&number, sizeof(number)));
}

static void add_items(uint64_t *sum, const struct five_items *items)
{
    add(sum, items->name.text);
    add(sum, items->kana.text);
    add(sum, items->alias.text);
    add(sum, items->address.text);
    add_number(sum, items->birth.days);
    add_number(sum, items->sex);
}

static void add_person(const struct synthetic_person *person, void *argument)
{
    uint64_t *sum = argument;
    add(sum, my_number_secret(&person->number));
    add_items(sum, &person->known);
    add_number(sum, person->card.present ? person->card.last_day.days + (int)person->card.state : 0);
    add_number(sum, person->enrolment);
    for (size_t i = 0; i < person->record_count; i++) {
        const struct coverage *coverage = &person->records[i].coverage;
        add(sum, bytes_of_text(coverage->key.insurer.digits));
        add(sum, bytes_of_text(coverage->key.symbol.text));
        add(sum, bytes_of_text(coverage->key.number.text));
        add(sum, bytes_of_text(coverage->key.branch.digits));
        add_items(sum, &coverage->person);
        add_number(sum, coverage->acquired.days);
        add_number(sum, coverage->lost.days);
        add_number(sum, person->records[i].link);
        add_number(sum, person->records[i].recorded.days);
    }
}

static uint64_t sum_of(struct nation_plan wanted)
{
    uint64_t sum = 0xCBF29CE484222325u;
    wanted.people = 3000;
    for_everybody(&wanted, add_person, &sum);
    return sum;
}

static void the_same_plan_gives_the_same_people(void **state)
{
    (void)state;
    struct nation_plan other_seed = plan, other_day = plan;
    other_seed.seed++;
    other_day.today.days++;
    assert_true(sum_of(plan) == sum_of(plan));
    assert_true(sum_of(plan) != sum_of(other_seed));
    assert_true(sum_of(plan) != sum_of(other_day));
}

/* ---- Every single one ---- */

struct key_row {
    char text[220];
};

struct seen {
    struct key_row *keys;
    size_t key_count, key_limit;
    unsigned people, cards, enrolled, moved, corrected, unlinked, pending, quarantined, released_link;
    unsigned suspended, revoked, expired, renewed, without_pin, without_photo, released, protected, blocked;
    unsigned special, dead, latin, preschool, seventies, elderly, paper_only, uninsured_now, not_yet,
        harmless;
    unsigned without_branch;
};

static void expect_good_record(const struct synthetic_person *person, const struct synthetic_record *record,
                               struct seen *seen)
{
    const struct coverage *coverage = &record->coverage;
    assert_false(date_before(coverage->acquired, person->known.birth));
    assert_true(date_before(coverage->acquired, coverage->lost));
    assert_false(date_before(plan.today, record->recorded));
    assert_int_equal(copayment_doubt_on(coverage, plan.today), COPAYMENT_NOT_DOUBTED);
    if (coverage_in_force_on(coverage, plan.today))
        assert_int_not_equal(copayment_on(coverage, plan.today), COPAYMENT_UNKNOWN);
    struct five_items_match match;
    assert_int_equal(five_items_compare(&coverage->person, &person->known, &match), OK);
    assert_int_equal(five_items_agree(&match), record->link != LINK_QUARANTINED);
    seen->harmless += five_items_agree(&match) &&
                      (match.address == ITEM_MATCHES_NORMALISED || match.name == ITEM_MATCHES_NORMALISED);
    assert_true(seen->key_count < seen->key_limit);
    struct key_row *key = &seen->keys[seen->key_count++];
    /* Without branches, birth date and name tell people apart. */
    bool has_branch = coverage->key.branch.digits[0] != 0;
    snprintf(key->text, sizeof(key->text), "%s/%s/%s/%s/%.*s/%d", coverage->key.insurer.digits,
             coverage->key.symbol.key, coverage->key.number.key, coverage->key.branch.digits,
             has_branch ? 0 : (int)coverage->person.name.text.length,
             (const char *)coverage->person.name.text.data, (int)coverage->acquired.days);
}

static void count_record(const struct synthetic_record *record, struct seen *seen)
{
    const struct coverage *coverage = &record->coverage;
    seen->corrected += record->correction != CORRECTION_NONE;
    seen->unlinked += record->link == LINK_NONE;
    seen->pending += record->link == LINK_PENDING;
    seen->quarantined += record->link == LINK_QUARANTINED;
    seen->released_link += record->link == LINK_RELEASED;
    seen->special += coverage->special_expense;
    enum copayment_band band = copayment_band_on(&coverage->key.insurer, coverage->person.birth, plan.today);
    seen->preschool += band == COPAYMENT_BAND_PRESCHOOL;
    seen->seventies += band == COPAYMENT_BAND_70_TO_74;
    seen->elderly += band == COPAYMENT_BAND_LATE_ELDERLY;
    seen->not_yet += date_before(plan.today, coverage->acquired);
    seen->without_branch += branch_number_is_absent(&coverage->key.branch);
}

static void count_card(const struct synthetic_person *person, struct seen *seen)
{
    const struct synthetic_card *card = &person->card;
    if (!card->present)
        return;
    assert_false(date_before(plan.today, card->issued));
    assert_false(date_before(card->issued, person->known.birth));
    assert_true(card->state != STATE_SUPERSEDED);
    if (card->state == STATE_ACTIVE)
        assert_false(date_before(card->last_day, plan.today));
    if (card->state == STATE_EXPIRED)
        assert_true(date_before(card->last_day, plan.today));
    if (card->variant == CARD_VARIANT_WITHOUT_PIN)
        assert_false(card->has_signature);
    seen->cards++;
    seen->suspended += card->state == STATE_SUSPENDED;
    seen->revoked += card->state == STATE_REVOKED;
    seen->expired += card->state == STATE_EXPIRED;
    seen->renewed += card->renewed;
    seen->without_pin += card->variant == CARD_VARIANT_WITHOUT_PIN;
    seen->without_photo += card->variant == CARD_VARIANT_WITHOUT_PHOTO;
}

static void look_at(const struct synthetic_person *person, void *argument)
{
    struct seen *seen = argument;
    assert_int_equal(person->index, seen->people);
    seen->people++;
    assert_true(person->record_count > 0);
    bool covered = false, linked = false;
    for (size_t i = 0; i < person->record_count; i++) {
        expect_good_record(person, &person->records[i], seen);
        count_record(&person->records[i], seen);
        covered |= coverage_in_force_on(&person->records[i].coverage, plan.today);
        linked |= person->records[i].link != LINK_NONE;
    }
    assert_true(person->in_vault || !linked);
    assert_true(person->in_vault || person->enrolment == ENROLMENT_NONE);
    if (person->enrolment != ENROLMENT_NONE)
        assert_true(person->card.present);
    count_card(person, seen);
    seen->moved += person->record_count > 1;
    seen->uninsured_now += !covered;
    seen->enrolled += person->enrolment == ENROLMENT_IN_FORCE;
    seen->released += person->enrolment == ENROLMENT_RELEASED;
    seen->protected += person->non_disclosure;
    seen->blocked += person->self_information_blocked;
    seen->dead += person->resident_state == RESIDENT_DEAD;
    seen->latin += person->known.name.text.data[0] < 0x80;
    seen->paper_only +=
        !person->card.present && !date_is_none(person->records[0].coverage.certificate.issued);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct key_row *)a)->text, ((const struct key_row *)b)->text);
}

static struct seen seen;

static int look_at_everybody(void **state)
{
    (void)state;
    if (date_from_ymd(2026, 11, 22, &plan.today) != OK)
        return -1;
    seen.key_limit = (size_t)PEOPLE * RECORDS_MOST;
    seen.keys = calloc(seen.key_limit, sizeof(*seen.keys));
    return seen.keys ? 0 : -1;
}

static int forget(void **state)
{
    (void)state;
    free(seen.keys);
    return 0;
}

static void everybody_is_possible_and_agrees_with_the_card_authority(void **state)
{
    (void)state;
    assert_int_equal(for_everybody(&plan, look_at, &seen), PEOPLE);
    assert_int_equal(seen.people, PEOPLE);
}

static void nobody_shares_insurer_symbol_number_and_branch(void **state)
{
    (void)state;
    qsort(seen.keys, seen.key_count, sizeof(*seen.keys), compare_keys);
    for (size_t i = 1; i < seen.key_count; i++)
        assert_string_not_equal(seen.keys[i - 1].text, seen.keys[i].text);
}

static void everything_happens_about_as_often_as_it_should(void **state)
{
    (void)state;
    const struct {
        const char *what;
        unsigned count, least, most; /* of PEOPLE */
    } table[] = {
        {"cards", seen.cards, 14000, 17500},
        {"enrolled", seen.enrolled, 11500, 15000},
        {"moved", seen.moved, 2000, 6000},
        {"corrected", seen.corrected, 50, 500},
        {"number not registered", seen.unlinked, 40, 160},
        {"pending", seen.pending, 20, 120},
        {"quarantined", seen.quarantined, 3, 50},
        {"link released", seen.released_link, 0, 20},
        {"suspended", seen.suspended, 15, 120},
        {"revoked", seen.revoked, 15, 200},
        {"expired", seen.expired, 200, 1500},
        {"renewed", seen.renewed, 4000, 9000},
        {"without PIN", seen.without_pin, 50, 500},
        {"without photo", seen.without_photo, 20, 400},
        {"enrolment released", seen.released, 20, 200},
        {"protected", seen.protected, 5, 150},
        {"self-information blocked", seen.blocked, 1, 60},
        {"special expense", seen.special, 2, 60},
        {"dead", seen.dead, 5, 120},
        {"foreign residents", seen.latin, 100, 600},
        {"preschool", seen.preschool, 600, 1700},
        {"70 to 74", seen.seventies, 300, 2500},
        {"late elderly", seen.elderly, 1500, 5000},
        {"paper only", seen.paper_only, 2500, 6000},
        {"without coverage today", seen.uninsured_now, 40, 500},
        {"covered from a later day", seen.not_yet, 3, 100},
        {"without branch", seen.without_branch, 1500, 6000},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].count < table[i].least || table[i].count > table[i].most)
            print_message("# %s: %u\n", table[i].what, table[i].count);
        assert_in_range(table[i].count, table[i].least, table[i].most);
    }
}

static void insurers_write_names_and_addresses_in_their_own_way(void **state)
{
    (void)state;
    assert_in_range(seen.harmless, 1000, 8000);
}

static void too_few_people_are_refused(void **state)
{
    (void)state;
    struct nation *nation = calloc(1, sizeof(*nation));
    struct nation_plan small = plan;
    small.people = NATION_LEAST - 1;
    assert_int_equal(nation_begin(&small, nation), ERR_RANGE);
    small.people = (uint64_t)MY_NUMBER_INDEX_LIMIT + 1;
    assert_int_equal(nation_begin(&small, nation), ERR_RANGE);
    free(nation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_plan_gives_the_same_people),
        cmocka_unit_test(everybody_is_possible_and_agrees_with_the_card_authority),
        cmocka_unit_test(nobody_shares_insurer_symbol_number_and_branch),
        cmocka_unit_test(everything_happens_about_as_often_as_it_should),
        cmocka_unit_test(insurers_write_names_and_addresses_in_their_own_way),
        cmocka_unit_test(too_few_people_are_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, look_at_everybody, forget);
}
