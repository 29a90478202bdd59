#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "world.h"

/* ---- Persons and links ---- */

struct pair {
    int64_t first, second, other;
    uint8_t reference[VAULT_REFERENCE_SIZE];
};

static enum status get_persons(struct db *db, void *argument)
{
    struct pair *pair = argument;
    enum status status = person_for_reference(db, id_of(1), &pair->first);
    if (status == OK)
        status = person_for_reference(db, id_of(1), &pair->second);
    if (status == OK)
        status = person_for_reference(db, id_of(2), &pair->other);
    return status == OK ? person_reference(db, pair->other, pair->reference) : status;
}

static void a_reference_of_the_vault_is_one_person(void **state)
{
    struct world world = world_open(state);
    struct pair pair;
    assert_int_equal(db_transaction(world.changes, get_persons, &pair), OK);
    assert_true(pair.first > 0 && pair.first == pair.second && pair.other != pair.first);
    assert_memory_equal(pair.reference, id_of(2), VAULT_REFERENCE_SIZE);
    assert_int_equal(person_reference(world.changes, 999, pair.reference), ERR_NOT_FOUND);
    world_close(&world);
}

static void a_repaired_link_is_one_more_version_and_the_wrong_one_stays_known(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    int64_t subscription;
    record_directly(&world, &record, &subscription);
    int64_t wrong = link_directly(&world, subscription, 1, LINK_PENDING);
    link_directly(&world, subscription, 1, LINK_QUARANTINED);
    int64_t right = link_directly(&world, subscription, 2, LINK_CONFIRMED);

    struct link_version newest, *versions;
    size_t count;
    assert_int_equal(link_find(world.changes, subscription, &world.region, &newest), OK);
    assert_int_equal(newest.person, right);
    assert_int_equal(newest.version, 3);
    assert_int_equal(link_history(world.changes, subscription, &world.region, &versions, &count), OK);
    assert_int_equal(count, 3);
    assert_int_equal(versions[0].person, wrong);
    assert_int_equal(versions[1].state, LINK_QUARANTINED);
    assert_int_equal(versions[2].recorded_at, NOW);

    /* The coverage goes with the link to the right person, and only there. */
    apply_certificate(&world, 11, CERTIFICATE_ACTIVE, 0);
    apply_certificate(&world, 12, CERTIFICATE_ACTIVE, 0);
    learn_person(&world, 11, wrong);
    learn_person(&world, 12, right);
    assert_int_equal(find_by_card(&world, 11).count, 0);
    assert_int_equal(find_by_card(&world, 12).count, 1);
    world_close(&world);
}

struct evidenced {
    int64_t subscription;
    enum link_state state;
    struct link_evidence evidence;
    enum status refused;
};

static enum status set_with_evidence(struct db *db, void *argument)
{
    struct evidenced *evidenced = argument;
    int64_t person;
    struct recording recording = {.at = NOW};
    enum status status = person_for_reference(db, id_of(1), &person);
    if (status == OK)
        status =
            link_set(db, evidenced->subscription, person, evidenced->state, &evidenced->evidence, &recording);
    return status;
}

static void a_link_keeps_on_what_it_rests(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    struct evidenced evidenced = {.state = LINK_CONFIRMED};
    record_directly(&world, &record, &evidenced.subscription);
    evidenced.evidence =
        (struct link_evidence){.compared = true,
                               .match = {ITEM_MATCHES_EXACTLY, ITEM_MATCHES_NORMALISED, ITEM_MATCHES_EXACTLY,
                                         ITEM_DIFFERS, ITEM_DIFFERS, ADDRESS_NOT_STATED},
                               .reason = bytes_of_text("戸籍で確認済み")};
    assert_int_equal(db_transaction(world.changes, set_with_evidence, &evidenced), OK);
    struct link_version found;
    assert_int_equal(link_find(world.changes, evidenced.subscription, &world.region, &found), OK);
    assert_true(found.evidence.compared);
    assert_memory_equal(&found.evidence.match, &evidenced.evidence.match, sizeof found.evidence.match);
    assert_true(bytes_equal(found.evidence.reason, evidenced.evidence.reason));

    evidenced.evidence = (struct link_evidence){.compared = false};
    evidenced.state = LINK_PENDING;
    assert_int_equal(db_transaction(world.changes, set_with_evidence, &evidenced), OK);
    assert_int_equal(link_find(world.changes, evidenced.subscription, &world.region, &found), OK);
    assert_false(found.evidence.compared);
    assert_null(found.evidence.reason.data);
    world_close(&world);
}

static void nothing_and_nobody_cannot_be_linked(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    struct evidenced evidenced = {.state = LINK_CONFIRMED, .subscription = 99};
    assert_int_equal(db_transaction(world.changes, set_with_evidence, &evidenced), ERR_NOT_FOUND);
    record_directly(&world, &record, &evidenced.subscription);
    evidenced.state = LINK_NONE;
    assert_int_equal(db_transaction(world.changes, set_with_evidence, &evidenced), ERR_RANGE);
    struct link_version found;
    assert_int_equal(link_find(world.changes, evidenced.subscription, &world.region, &found), ERR_NOT_FOUND);
    world_close(&world);
}

/* ---- Enrolment ---- */

static void the_newest_enrolment_counts(void **state)
{
    struct world world = world_open(state);
    struct pair pair;
    assert_int_equal(db_transaction(world.changes, get_persons, &pair), OK);
    struct enrolment found;
    assert_int_equal(enrolment_find(world.changes, pair.first, &world.region, &found), OK);
    assert_int_equal(found.state, ENROLMENT_NONE);
    enrol(&world, pair.first, ENROLMENT_IN_FORCE);
    enrol(&world, pair.first, ENROLMENT_RELEASED);
    assert_int_equal(enrolment_find(world.changes, pair.first, &world.region, &found), OK);
    assert_int_equal(found.state, ENROLMENT_RELEASED);
    assert_int_equal(found.place, ENROLLED_IN_PORTAL);
    assert_int_equal(found.form, AUTHENTICATED_BY_PIN);
    assert_true(bytes_equal(found.terms, bytes_of_text("2026-04")));
    assert_string_equal(found.institution.digits, "");
    world_close(&world);
}

static enum status enrol_at_institution(struct db *db, void *argument)
{
    const int64_t *person = argument;
    struct enrolment enrolment = {.person = *person,
                                  .state = ENROLMENT_IN_FORCE,
                                  .at = NOW,
                                  .place = ENROLLED_AT_INSTITUTION,
                                  .institution = {INSTITUTION},
                                  .form = AUTHENTICATED_BY_FACE,
                                  .terms = bytes_of_text("2026-04")};
    memcpy(enrolment.certificate, id_of(11), sizeof enrolment.certificate);
    return enrolment_set(db, &enrolment);
}

static void an_enrolment_says_where_and_with_which_card_it_was_made(void **state)
{
    struct world world = world_open(state);
    struct pair pair;
    assert_int_equal(db_transaction(world.changes, get_persons, &pair), OK);
    assert_int_equal(db_transaction(world.changes, enrol_at_institution, &pair.first), OK);
    struct enrolment found;
    assert_int_equal(enrolment_find(world.changes, pair.first, &world.region, &found), OK);
    assert_string_equal(found.institution.digits, INSTITUTION);
    assert_memory_equal(found.certificate, id_of(11), sizeof found.certificate);
    int64_t nobody = 999;
    assert_int_equal(db_transaction(world.changes, enrol_at_institution, &nobody), ERR_NOT_FOUND);
    world_close(&world);
}

/* ---- Declarations ---- */

static enum status do_declare(struct db *db, void *argument)
{
    return declaration_set(db, argument);
}

static enum status declare(struct world *world, struct declaration *declaration, enum declaration_state state)
{
    declaration->state = state;
    declaration->at = NOW;
    return db_transaction(world->changes, do_declare, declaration);
}

/* Two insurers' records of one person, who holds certificate 11 and is enrolled. */
static int64_t one_person_twice(struct world *world, int64_t subscriptions[2], enum link_state second_link)
{
    struct subscription_record record = record_of(INSURER, "01"), other = record_of(OTHER_INSURER, "01");
    record.coverage.lost = other.coverage.acquired = day(2026, 1, 1);
    record_directly(world, &record, &subscriptions[0]);
    record_directly(world, &other, &subscriptions[1]);
    int64_t person = link_directly(world, subscriptions[0], 1, LINK_CONFIRMED);
    link_directly(world, subscriptions[1], 1, second_link);
    apply_certificate(world, 11, CERTIFICATE_ACTIVE, 0);
    learn_person(world, 11, person);
    enrol(world, person, ENROLMENT_IN_FORCE);
    return person;
}

static void a_declaration_in_force_is_in_force_for_the_next_check(void **state) /* Q1 */
{
    struct world world = world_open(state);
    int64_t subscriptions[2];
    struct declaration declaration = {.kind = DECLARATION_SELF_INFORMATION_BLOCKED};
    declaration.person = one_person_twice(&world, subscriptions, LINK_CONFIRMED);
    struct date today = day(2026, 11, 18);
    assert_int_equal(declare(&world, &declaration, DECLARATION_RECEIVED), OK);
    assert_int_equal(decide_by_card(&world, 11, today), REASON_IN_FORCE);
    assert_int_equal(declare(&world, &declaration, DECLARATION_IN_FORCE), OK);
    assert_int_equal(decide_by_card(&world, 11, today), REASON_CARD_NOT_USABLE);
    assert_int_equal(declare(&world, &declaration, DECLARATION_WITHDRAWN), OK);
    assert_int_equal(decide_by_card(&world, 11, today), REASON_IN_FORCE);
    world_close(&world);
}

static void an_old_number_of_a_protected_person_does_not_tell_of_the_new_coverage(void **state) /* Q1 */
{
    struct world world = world_open(state);
    int64_t subscriptions[2];
    struct declaration declaration = {.kind = DECLARATION_NON_DISCLOSURE};
    declaration.person = one_person_twice(&world, subscriptions, LINK_CONFIRMED);
    struct insured_key key = record_of(INSURER, "01").coverage.key;
    struct date birth = day(1990, 5, 5), today = day(2026, 11, 18);
    assert_int_equal(decide_by_number(&world, &key, birth, today), REASON_LOST_NEWER_EXISTS);
    assert_int_equal(declare(&world, &declaration, DECLARATION_IN_FORCE), OK);
    assert_int_equal(decide_by_number(&world, &key, birth, today), REASON_LOST);
    world_close(&world);
}

static void what_was_declared_about_one_subscription_protects_the_whole_person(void **state) /* Q1 */
{
    struct world world = world_open(state);
    int64_t subscriptions[2];
    one_person_twice(&world, subscriptions, LINK_CONFIRMED);
    struct declaration declaration = {.kind = DECLARATION_NON_DISCLOSURE, .subscription = subscriptions[1]};
    assert_int_equal(declare(&world, &declaration, DECLARATION_IN_FORCE), OK);
    struct check_findings findings = find_by_card(&world, 11);
    assert_int_equal(findings.count, 2);
    assert_true(findings.certificate.person.non_disclosure);
    assert_true(findings.subscriptions[0].person.non_disclosure);
    assert_true(findings.subscriptions[1].person.non_disclosure);
    struct insured_key key = record_of(INSURER, "01").coverage.key;
    assert_int_equal(decide_by_number(&world, &key, day(1990, 5, 5), day(2026, 11, 18)), REASON_LOST);
    world_close(&world);
}

static void a_declaration_about_a_subscription_in_doubt_does_not_spread(void **state)
{
    struct world world = world_open(state);
    int64_t subscriptions[2];
    one_person_twice(&world, subscriptions, LINK_QUARANTINED);
    struct declaration declaration = {.kind = DECLARATION_SELF_INFORMATION_BLOCKED,
                                      .subscription = subscriptions[1]};
    assert_int_equal(declare(&world, &declaration, DECLARATION_IN_FORCE), OK);
    struct check_findings findings = find_by_card(&world, 11);
    assert_int_equal(findings.count, 2);
    assert_false(findings.certificate.person.self_information_blocked);
    for (size_t i = 0; i < 2; i++) {
        const struct subscription_facts *facts = &findings.subscriptions[i];
        assert_int_equal(facts->person.self_information_blocked, facts->subscription == subscriptions[1]);
    }
    world_close(&world);
}

static void two_declarations_are_in_force_until_both_are_withdrawn(void **state)
{
    struct world world = world_open(state);
    int64_t subscriptions[2];
    struct declaration first = {.kind = DECLARATION_NON_DISCLOSURE}, second = first;
    first.person = second.person = one_person_twice(&world, subscriptions, LINK_CONFIRMED);
    assert_int_equal(declare(&world, &first, DECLARATION_IN_FORCE), OK);
    assert_int_equal(declare(&world, &second, DECLARATION_IN_FORCE), OK);
    assert_true(first.id != second.id);
    assert_int_equal(declare(&world, &first, DECLARATION_WITHDRAWN), OK);
    assert_true(find_by_card(&world, 11).certificate.person.non_disclosure);
    assert_int_equal(declare(&world, &second, DECLARATION_WITHDRAWN), OK);
    assert_false(find_by_card(&world, 11).certificate.person.non_disclosure);
    world_close(&world);
}

static void non_consent_to_the_inquiry_touches_no_check(void **state) /* Q1 */
{
    struct world world = world_open(state);
    int64_t subscriptions[2];
    struct declaration declaration = {.kind = DECLARATION_NON_CONSENT};
    declaration.person = one_person_twice(&world, subscriptions, LINK_CONFIRMED);
    assert_int_equal(declare(&world, &declaration, DECLARATION_IN_FORCE), OK);
    struct check_findings findings = find_by_card(&world, 11);
    assert_false(findings.certificate.person.non_disclosure);
    assert_false(findings.certificate.person.self_information_blocked);
    assert_int_equal(decide_by_card(&world, 11, day(2026, 11, 18)), REASON_IN_FORCE);
    world_close(&world);
}

static void declarations_are_listed_with_their_newest_state(void **state)
{
    struct world world = world_open(state);
    int64_t subscriptions[2];
    struct declaration first = {.kind = DECLARATION_NON_CONSENT},
                       second = {.kind = DECLARATION_NON_DISCLOSURE};
    first.person = one_person_twice(&world, subscriptions, LINK_CONFIRMED);
    second.subscription = subscriptions[1];
    assert_int_equal(declare(&world, &first, DECLARATION_RECEIVED), OK);
    first.reason = bytes_of_text("本人ではない");
    assert_int_equal(declare(&world, &first, DECLARATION_REFUSED), OK);
    assert_int_equal(declare(&world, &second, DECLARATION_IN_FORCE), OK);
    struct declaration *found;
    size_t count;
    assert_int_equal(
        declarations_about(world.changes, first.person, subscriptions[1], &world.region, &found, &count), OK);
    assert_int_equal(count, 2);
    assert_int_equal(found[0].state, DECLARATION_REFUSED);
    assert_true(bytes_equal(found[0].reason, first.reason));
    assert_int_equal(found[1].kind, DECLARATION_NON_DISCLOSURE);
    assert_int_equal(found[1].subscription, subscriptions[1]);
    world_close(&world);
}

static void a_declaration_about_nobody_or_turned_into_another_is_refused(void **state)
{
    struct world world = world_open(state);
    int64_t subscriptions[2];
    struct declaration declaration = {.kind = DECLARATION_NON_DISCLOSURE};
    assert_int_equal(declare(&world, &declaration, DECLARATION_RECEIVED), ERR_RANGE);
    declaration.person = one_person_twice(&world, subscriptions, LINK_CONFIRMED);
    assert_int_equal(declare(&world, &declaration, DECLARATION_RECEIVED), OK);
    declaration.kind = DECLARATION_NON_CONSENT;
    assert_int_equal(declare(&world, &declaration, DECLARATION_IN_FORCE), ERR_RANGE);
    declaration.id = 999;
    assert_int_equal(declare(&world, &declaration, DECLARATION_IN_FORCE), ERR_NOT_FOUND);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH_DATABASES(a_reference_of_the_vault_is_one_person),
        ON_BOTH_DATABASES(a_repaired_link_is_one_more_version_and_the_wrong_one_stays_known),
        ON_BOTH_DATABASES(a_link_keeps_on_what_it_rests),
        ON_SQLITE(nothing_and_nobody_cannot_be_linked),
        ON_BOTH_DATABASES(the_newest_enrolment_counts),
        ON_SQLITE(an_enrolment_says_where_and_with_which_card_it_was_made),
        ON_BOTH_DATABASES(a_declaration_in_force_is_in_force_for_the_next_check),
        ON_BOTH_DATABASES(an_old_number_of_a_protected_person_does_not_tell_of_the_new_coverage),
        ON_SQLITE(what_was_declared_about_one_subscription_protects_the_whole_person),
        ON_SQLITE(a_declaration_about_a_subscription_in_doubt_does_not_spread),
        ON_BOTH_DATABASES(two_declarations_are_in_force_until_both_are_withdrawn),
        ON_SQLITE(non_consent_to_the_inquiry_touches_no_check),
        ON_BOTH_DATABASES(declarations_are_listed_with_their_newest_state),
        ON_SQLITE(a_declaration_about_nobody_or_turned_into_another_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, worlds_begin, test_databases_end);
}
