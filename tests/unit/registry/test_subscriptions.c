#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "world.h"

static size_t read_facts(struct world *world, int64_t subscription, struct subscription_facts **out)
{
    size_t count;
    assert_int_equal(subscription_read(world->changes, subscription, &world->region, out, &count), OK);
    return count;
}

static void everything_that_an_insurer_states_comes_back(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    struct coverage *coverage = &record.coverage;
    coverage->person.alias.text = bytes_of_text("佐藤　花子");
    coverage->relationship = RELATIONSHIP_FAMILY;
    coverage->lost = day(2026, 10, 1);
    coverage->loss_reason = LOSS_REASON_OTHER_INSURANCE;
    coverage->classification = CARD_CLASSIFICATION_ASSISTANCE;
    coverage->copayment = (struct stated_copayment){20, day(2026, 8, 1), day(2027, 8, 1)};
    coverage->elderly = (struct elderly_certificate){day(2026, 7, 1), day(2026, 8, 1), day(2027, 7, 31), 30};
    coverage->preschool = coverage->special_expense = true;
    coverage->certificate = (struct eligibility_certificate){day(2025, 12, 2), day(2030, 12, 1)};
    int64_t subscription;
    assert_int_equal(record_directly(&world, &record, &subscription), RECORD_NEW_SUBSCRIPTION);

    struct subscription_facts *facts;
    assert_int_equal(read_facts(&world, subscription, &facts), 1);
    const struct coverage *found = &facts->coverage;
    assert_int_equal(facts->subscription, subscription);
    assert_int_equal(facts->link, LINK_NONE);
    assert_int_equal(facts->person.id, 0);
    assert_true(insured_key_same_number(&found->key, &coverage->key));
    assert_string_equal(found->key.symbol.text, "１２－３４");
    assert_string_equal(found->key.branch.digits, "01");
    assert_true(bytes_equal(found->insurer_name, bytes_of_text("試験保険者")));
    assert_true(bytes_equal(found->registered_by, found->insurer_name));
    assert_true(bytes_equal(found->person.name.text, coverage->person.name.text));
    assert_true(bytes_equal(found->person.kana.text, coverage->person.kana.text));
    assert_true(bytes_equal(found->person.alias.text, coverage->person.alias.text));
    assert_true(bytes_equal(found->person.address.text, coverage->person.address.text));
    assert_string_equal(found->person.postal_code.digits, "0600001");
    assert_true(date_equal(found->person.birth, coverage->person.birth));
    assert_int_equal(found->person.sex, SEX_FEMALE);
    assert_int_equal(found->relationship, RELATIONSHIP_FAMILY);
    assert_true(date_equal(found->acquired, coverage->acquired) && date_equal(found->lost, coverage->lost));
    assert_int_equal(found->loss_reason, LOSS_REASON_OTHER_INSURANCE);
    assert_int_equal(found->classification, CARD_CLASSIFICATION_ASSISTANCE);
    assert_memory_equal(&found->copayment, &coverage->copayment, sizeof found->copayment);
    assert_memory_equal(&found->elderly, &coverage->elderly, sizeof found->elderly);
    assert_memory_equal(&found->certificate, &coverage->certificate, sizeof found->certificate);
    assert_true(found->preschool && found->special_expense);
    assert_int_equal(found->registered_at, NOW);
    assert_false(found->change_pending);
    world_close(&world);
}

static void what_is_not_stated_stays_not_stated(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    struct five_items *person = &record.coverage.person;
    *person = (struct five_items){.name = person->name, .birth = person->birth, .sex = SEX_UNSET};
    int64_t subscription;
    record_directly(&world, &record, &subscription);
    struct subscription_facts *facts;
    assert_int_equal(read_facts(&world, subscription, &facts), 1);
    const struct coverage *found = &facts->coverage;
    assert_false(name_is_stated(&found->person.kana) || name_is_stated(&found->person.alias));
    assert_int_equal(found->person.address.text.length, 0);
    assert_string_equal(found->person.postal_code.digits, "");
    assert_int_equal(found->person.sex, SEX_UNSET);
    assert_true(date_is_none(found->lost));
    assert_int_equal(found->copayment.percent, COPAYMENT_UNKNOWN);
    assert_int_equal(found->elderly.percent, COPAYMENT_UNKNOWN);
    assert_true(date_is_none(found->certificate.last_day) && date_is_none(found->elderly.last_day));
    world_close(&world);
}

/* ---- What a record is ---- */

static void the_same_record_again_changes_nothing(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    int64_t first, second;
    assert_int_equal(record_directly(&world, &record, &first), RECORD_NEW_SUBSCRIPTION);
    assert_int_equal(record_directly(&world, &record, &second), RECORD_UNCHANGED);
    assert_int_equal(first, second);
    struct coverage_version *versions;
    size_t count;
    assert_int_equal(subscription_history(world.changes, first, &world.region, &versions, &count), OK);
    assert_int_equal(count, 1);
    world_close(&world);
}

static void width_and_dashes_of_symbol_and_number_do_not_make_another_subscription(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    int64_t first, second;
    record_directly(&world, &record, &first);
    record.coverage.key = key_of(INSURER, "12-34", "５６７", "01");
    assert_int_equal(record_directly(&world, &record, &second), RECORD_UNCHANGED);
    assert_int_equal(first, second);
    world_close(&world);
}

static void branches_and_insurers_are_subscriptions_of_their_own(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    int64_t ids[3];
    record_directly(&world, &record, &ids[0]);
    record.coverage.key.branch = (struct branch_number){"02"};
    assert_int_equal(record_directly(&world, &record, &ids[1]), RECORD_NEW_SUBSCRIPTION);
    record = record_of(OTHER_INSURER, "01");
    assert_int_equal(record_directly(&world, &record, &ids[2]), RECORD_NEW_SUBSCRIPTION);
    assert_true(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    world_close(&world);
}

static void twins_without_branch_numbers_stay_two(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "");
    int64_t first, second, again;
    record_directly(&world, &record, &first);
    record.coverage.person.name.text = bytes_of_text("山﨑　星子");
    assert_int_equal(record_directly(&world, &record, &second), RECORD_NEW_SUBSCRIPTION);
    assert_int_equal(record_directly(&world, &record, &again), RECORD_UNCHANGED);
    assert_true(first != second && second == again);
    world_close(&world);
}

static void the_late_elderly_scheme_knows_people_by_number_and_birth_date(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(ELDERLY_INSURER, "");
    int64_t first, second;
    record_directly(&world, &record, &first);
    record.coverage.person.name.text = bytes_of_text("佐藤　花子");
    assert_int_equal(record_directly(&world, &record, &second), RECORD_PERSON_CHANGED);
    assert_int_equal(first, second);
    world_close(&world);
}

static void a_corrected_fact_supersedes_and_the_earlier_one_stays_known(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    int64_t subscription;
    record_directly(&world, &record, &subscription);
    record.coverage.copayment = (struct stated_copayment){30, DATE_NONE, DATE_NONE};
    assert_int_equal(record_directly(&world, &record, NULL), RECORD_CHANGED);

    struct subscription_facts *facts;
    assert_int_equal(read_facts(&world, subscription, &facts), 1);
    assert_int_equal(facts->coverage.copayment.percent, 30);
    struct coverage_version *versions;
    size_t count;
    assert_int_equal(subscription_history(world.changes, subscription, &world.region, &versions, &count), OK);
    assert_int_equal(count, 2);
    assert_int_equal(versions[0].coverage.copayment.percent, COPAYMENT_UNKNOWN);
    assert_int_equal(versions[1].coverage.copayment.percent, 30);
    assert_int_equal(versions[1].version, 2);
    assert_int_equal(versions[1].period, versions[0].period);
    world_close(&world);
}

static void a_later_acquisition_is_a_period_of_its_own(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    record.coverage.lost = day(2025, 4, 1);
    int64_t subscription;
    record_directly(&world, &record, &subscription);
    record.coverage.acquired = day(2026, 1, 1);
    record.coverage.lost = DATE_NONE;
    assert_int_equal(record_directly(&world, &record, NULL), RECORD_NEW_PERIOD);
    struct subscription_facts *facts;
    assert_int_equal(read_facts(&world, subscription, &facts), 2);
    assert_true(date_equal(facts[0].coverage.lost, day(2025, 4, 1)));
    assert_true(date_equal(facts[1].coverage.acquired, day(2026, 1, 1)));
    world_close(&world);
}

static enum status record_and_tell(struct db *db, void *argument)
{
    struct recording recording = {.at = NOW};
    enum record_outcome outcome;
    int64_t subscription;
    return subscription_record(db, argument, &recording, &outcome, &subscription);
}

static void the_day_of_acquisition_can_be_corrected(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    int64_t subscription;
    record_directly(&world, &record, &subscription);
    record.replaces_acquired = record.coverage.acquired;
    record.coverage.acquired = day(2024, 5, 1);
    assert_int_equal(record_directly(&world, &record, NULL), RECORD_CHANGED);
    struct subscription_facts *facts;
    assert_int_equal(read_facts(&world, subscription, &facts), 1);
    assert_true(date_equal(facts->coverage.acquired, day(2024, 5, 1)));

    /* The day that was wrong begins no period any more. */
    record.coverage.acquired = day(2024, 6, 1);
    assert_int_equal(db_transaction(world.changes, record_and_tell, &record), ERR_NOT_FOUND);
    world_close(&world);
}

static void a_period_is_not_corrected_into_another(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    record.coverage.lost = day(2025, 4, 1);
    record_directly(&world, &record, NULL);
    record.coverage.acquired = day(2026, 1, 1);
    record.coverage.lost = DATE_NONE;
    record_directly(&world, &record, NULL);
    record.replaces_acquired = day(2024, 4, 1);
    assert_int_equal(db_transaction(world.changes, record_and_tell, &record), ERR_EXISTS);
    world_close(&world);
}

static void a_record_of_nobodys_insurer_or_backwards_in_time_is_refused(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of("01320027", "01");
    assert_int_equal(db_transaction(world.changes, record_and_tell, &record), ERR_NOT_FOUND);
    record = record_of(INSURER, "01");
    record.coverage.lost = day(2024, 3, 31);
    assert_int_equal(db_transaction(world.changes, record_and_tell, &record), ERR_RANGE);
    record.coverage.lost = record.coverage.acquired;
    assert_int_equal(db_transaction(world.changes, record_and_tell, &record), OK);
    world_close(&world);
}

/* ---- The person ---- */

static void a_change_of_address_leaves_the_coverage_as_it_was(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    int64_t subscription;
    record_directly(&world, &record, &subscription);
    record.coverage.person.address.text = bytes_of_text("大阪府大阪市北区中之島1-3-20");
    assert_int_equal(record_directly(&world, &record, NULL), RECORD_PERSON_CHANGED);
    struct subscription_facts *facts;
    assert_int_equal(read_facts(&world, subscription, &facts), 1);
    assert_true(bytes_equal(facts->coverage.person.address.text, record.coverage.person.address.text));
    world_close(&world);
}

static void a_corrected_birth_date_is_found_by_the_new_one_only(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    int64_t subscription, person;
    record_directly(&world, &record, &subscription);
    person = link_directly(&world, subscription, 1, LINK_CONFIRMED);
    assert_true(person > 0);
    struct date before = record.coverage.person.birth, after = day(1990, 5, 6), today = day(2026, 11, 18);
    record.coverage.person.birth = after;
    assert_int_equal(record_directly(&world, &record, NULL), RECORD_PERSON_CHANGED);
    assert_int_equal(decide_by_number(&world, &record.coverage.key, after, today), REASON_IN_FORCE);
    assert_int_equal(decide_by_number(&world, &record.coverage.key, before, today), REASON_NO_SUCH_COVERAGE);
    world_close(&world);
}

/* ---- Loss ---- */

struct loss {
    int64_t subscription;
    struct date acquired, lost;
};

static enum status do_lose(struct db *db, void *argument)
{
    const struct loss *loss = argument;
    struct recording recording = {.at = NOW + 1};
    return coverage_lose(db, loss->subscription, loss->acquired, loss->lost, LOSS_REASON_OTHER, &recording);
}

static void a_loss_keeps_everything_else_that_was_stated(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    record.coverage.copayment.percent = 30;
    int64_t subscription;
    record_directly(&world, &record, &subscription);
    struct loss loss = {subscription, record.coverage.acquired, day(2026, 11, 1)};
    assert_int_equal(db_transaction(world.changes, do_lose, &loss), OK);
    struct subscription_facts *facts;
    assert_int_equal(read_facts(&world, subscription, &facts), 1);
    assert_true(date_equal(facts->coverage.lost, loss.lost));
    assert_int_equal(facts->coverage.loss_reason, LOSS_REASON_OTHER);
    assert_int_equal(facts->coverage.copayment.percent, 30);
    assert_int_equal(facts->coverage.registered_at, NOW + 1);

    loss.lost = day(2024, 3, 31);
    assert_int_equal(db_transaction(world.changes, do_lose, &loss), ERR_RANGE);
    loss = (struct loss){subscription, day(2024, 4, 2), day(2026, 11, 1)};
    assert_int_equal(db_transaction(world.changes, do_lose, &loss), ERR_NOT_FOUND);
    world_close(&world);
}

/* ---- Finding ---- */

static void a_subscription_is_found_by_key_and_birth_date_or_told_to_be_several(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    int64_t first, second, found;
    record_directly(&world, &record, &first);
    record.coverage.key.branch = (struct branch_number){"02"};
    record.coverage.person.birth = day(2020, 1, 1);
    record_directly(&world, &record, &second);

    struct insured_key with = key_of(INSURER, "12-34", "567", "02"),
                       without = key_of(INSURER, "12-34", "567", "");
    assert_int_equal(subscription_find(world.changes, &with, DATE_NONE, &found), OK);
    assert_int_equal(found, second);
    assert_int_equal(subscription_find(world.changes, &without, day(1990, 5, 5), &found), OK);
    assert_int_equal(found, first);
    assert_int_equal(subscription_find(world.changes, &without, DATE_NONE, &found), ERR_EXISTS);
    assert_int_equal(subscription_find(world.changes, &with, day(1990, 5, 5), &found), ERR_NOT_FOUND);
    with.branch = (struct branch_number){"03"};
    assert_int_equal(subscription_find(world.changes, &with, DATE_NONE, &found), ERR_NOT_FOUND);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH_DATABASES(everything_that_an_insurer_states_comes_back),
        ON_BOTH_DATABASES(what_is_not_stated_stays_not_stated),
        ON_BOTH_DATABASES(the_same_record_again_changes_nothing),
        ON_SQLITE(width_and_dashes_of_symbol_and_number_do_not_make_another_subscription),
        ON_SQLITE(branches_and_insurers_are_subscriptions_of_their_own),
        ON_SQLITE(twins_without_branch_numbers_stay_two),
        ON_SQLITE(the_late_elderly_scheme_knows_people_by_number_and_birth_date),
        ON_BOTH_DATABASES(a_corrected_fact_supersedes_and_the_earlier_one_stays_known),
        ON_BOTH_DATABASES(a_later_acquisition_is_a_period_of_its_own),
        ON_SQLITE(the_day_of_acquisition_can_be_corrected),
        ON_SQLITE(a_period_is_not_corrected_into_another),
        ON_BOTH_DATABASES(a_record_of_nobodys_insurer_or_backwards_in_time_is_refused),
        ON_SQLITE(a_change_of_address_leaves_the_coverage_as_it_was),
        ON_BOTH_DATABASES(a_corrected_birth_date_is_found_by_the_new_one_only),
        ON_SQLITE(a_loss_keeps_everything_else_that_was_stated),
        ON_BOTH_DATABASES(a_subscription_is_found_by_key_and_birth_date_or_told_to_be_several),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, worlds_begin, test_databases_end);
}
