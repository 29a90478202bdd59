#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <sqlite3.h>

#include "registry/registry_sql.h"
#include "registry/unseen.h"
#include "world.h"

static struct date birth;
static struct date today;

static int set_days(void **state)
{
    birth = day(1990, 5, 5);
    today = day(2026, 11, 18);
    return worlds_begin(state);
}

static void a_number_that_nobody_has_finds_the_caller_and_nothing_else(void **state)
{
    struct world world = world_open(state);
    struct insured_key key = key_of(INSURER, "12-34", "567", "01");
    struct check_findings findings = find_by_number(&world, &key, birth);
    assert_int_equal(findings.count, 0);
    assert_true(findings.machine.known);
    assert_int_equal(findings.machine.state, CERTIFICATE_ACTIVE);
    assert_true(findings.institution.known && findings.institution.active);
    assert_false(findings.certificate.known || findings.terminal.known);
    assert_int_equal(decide_by_number(&world, &key, birth, today), REASON_NO_SUCH_COVERAGE);
    world_close(&world);
}

static void a_card_that_nobody_issued_finds_the_caller_and_nothing_else(void **state)
{
    struct world world = world_open(state);
    struct check_findings findings = find_by_card(&world, 11);
    assert_int_equal(findings.count, 0);
    assert_true(findings.machine.known && findings.institution.active);
    assert_false(findings.certificate.known);
    world_close(&world);
}

static void a_number_without_a_registered_person_cannot_be_confirmed(void **state) /* Q10 */
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    record_directly(&world, &record, NULL);
    assert_int_equal(decide_by_number(&world, &record.coverage.key, birth, today),
                     REASON_NUMBER_NOT_REGISTERED);
    world_close(&world);
}

static void the_link_decides_what_a_number_may_say(void **state)
{
    static const struct {
        enum link_state link;
        enum reason reason;
    } cases[] = {
        {LINK_PENDING, REASON_UNDER_VERIFICATION},
        {LINK_QUARANTINED, REASON_UNDER_VERIFICATION},
        {LINK_CONFIRMED, REASON_IN_FORCE},
        {LINK_RELEASED, REASON_UNDER_VERIFICATION},
    };
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    int64_t subscription;
    record_directly(&world, &record, &subscription);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        link_directly(&world, subscription, 1, cases[i].link);
        assert_int_equal(decide_by_number(&world, &record.coverage.key, birth, today), cases[i].reason);
    }
    world_close(&world);
}

static void a_loss_day_is_no_longer_covered(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    record.coverage.lost = today;
    int64_t subscription;
    record_directly(&world, &record, &subscription);
    link_directly(&world, subscription, 1, LINK_CONFIRMED);
    const struct insured_key *key = &record.coverage.key;
    assert_int_equal(decide_by_number(&world, key, birth, date_add_days(today, -1)), REASON_IN_FORCE);
    assert_int_equal(decide_by_number(&world, key, birth, today), REASON_LOST);
    assert_int_equal(decide_by_number(&world, key, birth, day(2024, 3, 31)), REASON_NOT_YET_ACQUIRED);
    world_close(&world);
}

static void a_number_is_asked_about_in_any_width(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    int64_t subscription;
    record_directly(&world, &record, &subscription);
    link_directly(&world, subscription, 1, LINK_CONFIRMED);
    static const char *const symbols[] = {"１２－３４", "12-34", "12 - 34", "１２ー３４"};
    for (size_t i = 0; i < 3; i++) {
        struct insured_key key = key_of(INSURER, symbols[i], "５６７", "");
        assert_int_equal(decide_by_number(&world, &key, birth, today), REASON_IN_FORCE);
    }
    world_close(&world);
}

static void twins_without_branch_numbers_are_several(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "");
    int64_t first, second;
    record_directly(&world, &record, &first);
    record.coverage.person.name.text = bytes_of_text("山﨑　星子");
    record_directly(&world, &record, &second);
    link_directly(&world, first, 1, LINK_CONFIRMED);
    link_directly(&world, second, 2, LINK_CONFIRMED);
    assert_int_equal(decide_by_number(&world, &record.coverage.key, birth, today), REASON_SEVERAL_MATCH);
    world_close(&world);
}

static void two_records_of_one_person_under_one_number_are_found_once_each(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    int64_t first, second;
    record_directly(&world, &record, &first);
    record.coverage.key.branch = (struct branch_number){"02"};
    record_directly(&world, &record, &second);
    link_directly(&world, first, 1, LINK_CONFIRMED);
    link_directly(&world, second, 1, LINK_CONFIRMED);
    struct insured_key key = key_of(INSURER, "12-34", "567", "");
    assert_int_equal(find_by_number(&world, &key, birth).count, 2);
    assert_int_equal(decide_by_number(&world, &key, birth, today), REASON_IN_FORCE);
    world_close(&world);
}

static void another_member_of_the_family_is_not_found_under_the_same_number(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    record_directly(&world, &record, NULL);
    record.coverage.key.branch = (struct branch_number){"02"};
    record.coverage.person.birth = day(2015, 7, 7);
    record_directly(&world, &record, NULL);
    struct insured_key key = key_of(INSURER, "12-34", "567", "");
    struct check_findings findings = find_by_number(&world, &key, birth);
    assert_int_equal(findings.count, 1);
    assert_true(date_equal(findings.subscriptions[0].coverage.person.birth, birth));
    world_close(&world);
}

static void an_old_number_tells_of_a_newer_coverage_elsewhere(void **state)
{
    struct world world = world_open(state);
    struct subscription_record old = record_of(INSURER, "01"), new = record_of(OTHER_INSURER, "");
    old.coverage.lost = new.coverage.acquired = day(2026, 4, 1);
    int64_t old_id, new_id;
    record_directly(&world, &old, &old_id);
    record_directly(&world, &new, &new_id);
    link_directly(&world, old_id, 1, LINK_CONFIRMED);
    assert_int_equal(decide_by_number(&world, &old.coverage.key, birth, today), REASON_LOST);
    link_directly(&world, new_id, 1, LINK_CONFIRMED);
    assert_int_equal(decide_by_number(&world, &old.coverage.key, birth, today), REASON_LOST_NEWER_EXISTS);
    assert_int_equal(decide_by_number(&world, &new.coverage.key, birth, today), REASON_IN_FORCE);
    world_close(&world);
}

static void a_card_finds_every_insurers_record_of_its_person(void **state)
{
    struct world world = world_open(state);
    struct subscription_record old = record_of(INSURER, "01"), new = record_of(OTHER_INSURER, "");
    old.coverage.lost = new.coverage.acquired = day(2026, 4, 1);
    int64_t ids[2];
    record_directly(&world, &old, &ids[0]);
    record_directly(&world, &new, &ids[1]);
    int64_t person = link_directly(&world, ids[0], 1, LINK_CONFIRMED);
    apply_certificate(&world, 11, CERTIFICATE_ACTIVE, 0);
    assert_int_equal(decide_by_card(&world, 11, today), REASON_NOT_ENROLLED);
    learn_person(&world, 11, person);
    assert_int_equal(decide_by_card(&world, 11, today), REASON_NOT_ENROLLED);
    enrol(&world, person, ENROLMENT_IN_FORCE);
    assert_int_equal(decide_by_card(&world, 11, today), REASON_NEW_COVERAGE_NOT_REGISTERED);
    link_directly(&world, ids[1], 1, LINK_CONFIRMED);
    assert_int_equal(decide_by_card(&world, 11, today), REASON_IN_FORCE);
    struct check_findings findings = find_by_card(&world, 11);
    assert_int_equal(findings.count, 2);
    assert_int_equal(findings.certificate.person.id, person);
    assert_true(findings.subscriptions[0].person.card_use_registered);
    world_close(&world);
}

static void several_versions_of_several_periods_give_the_newest_of_each(void **state)
{
    struct world world = world_open(state);
    struct subscription_record record = record_of(INSURER, "01");
    int64_t subscription;
    for (int period = 0; period < 3; period++) {
        record.coverage.acquired = day(2020 + 2 * period, 4, 1);
        for (int version = 1; version <= 3; version++) {
            record.coverage.lost = day(2021 + 2 * period, version, 1);
            record.coverage.person.address.text = bytes_of_text(version == 2 ? "東京都" : "大阪府");
            record_directly(&world, &record, &subscription);
        }
    }
    struct check_findings findings = find_by_number(&world, &record.coverage.key, birth);
    assert_int_equal(findings.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct coverage *coverage = &findings.subscriptions[i].coverage;
        int year = date_to_ymd(coverage->acquired).year;
        assert_true(date_equal(coverage->lost, day(year + 1, 3, 1)));
        assert_true(bytes_equal(coverage->person.address.text, bytes_of_text("大阪府")));
    }
    world_close(&world);
}

/* ---- Caller and terminal ---- */

static void take_caller(void *argument, enum status status, struct db_rows *rows)
{
    struct check_findings *findings = argument;
    assert_int_equal(status, OK);
    assert_int_equal(check_caller_collect(rows, findings), OK);
}

static struct check_findings find_caller(struct world *world, int machine, const char *institution)
{
    struct check_findings findings = {0};
    struct check_caller caller = {0};
    memcpy(caller.machine, id_of(machine), sizeof caller.machine);
    assert_int_equal(institution_code_parse(institution, 10, &caller.institution), REASON_NONE);
    assert_int_equal(check_caller_submit(world->checks, &caller, monotonic_microseconds() + 5000000,
                                         take_caller, &findings),
                     OK);
    test_database_drive(world->checks, 5000);
    return findings;
}

static void a_machine_and_an_institution_that_nobody_named_are_not_known(void **state)
{
    struct world world = world_open(state);
    struct check_findings known = find_caller(&world, 200, INSTITUTION);
    assert_true(known.machine.known && known.institution.known);
    struct check_findings unknown = find_caller(&world, 201, "2714206386");
    assert_false(unknown.machine.known || unknown.institution.known);
    world_close(&world);
}

static void take_card(void *argument, enum status status, struct db_rows *rows)
{
    struct check_findings *findings = argument;
    struct region region = {0};
    assert_int_equal(status, OK);
    assert_int_equal(check_by_card_collect(rows, &region, findings), OK);
    region_free(&region);
}

static void a_check_by_card_tells_the_state_of_the_terminal_that_was_named(void **state)
{
    struct world world = world_open(state);
    struct certificate_change change = {.state = CERTIFICATE_REVOKED, .last_day = day(2031, 1, 1)};
    memcpy(change.id, id_of(5), TERMINAL_ID_SIZE);
    assert_int_equal(terminal_apply(world.changes, &change), OK);
    for (int terminal = 4; terminal <= 5; terminal++) {
        struct check_findings findings = {0};
        struct check_by_card question = {.has_terminal = true};
        memcpy(question.terminal, id_of(terminal), TERMINAL_ID_SIZE);
        assert_int_equal(check_by_card_submit(world.checks, &question, monotonic_microseconds() + 5000000,
                                              take_card, &findings),
                         OK);
        test_database_drive(world.checks, 5000);
        assert_int_equal(findings.terminal.known, terminal == 5);
        assert_int_equal(findings.terminal.state, terminal == 5 ? CERTIFICATE_REVOKED : CERTIFICATE_ACTIVE);
    }
    world_close(&world);
}

/* ---- Cost ---- */

/* "SEARCH c USING PRIMARY KEY (…)" is a look-up; "SCAN c" reads a whole table. */
static void assert_only_look_ups(sqlite3 *file, const char *sql)
{
    char *explain = sqlite3_mprintf("explain query plan %s", sql);
    sqlite3_stmt *plan;
    assert_int_equal(sqlite3_prepare_v2(file, explain, -1, &plan, NULL), SQLITE_OK);
    int steps = 0;
    for (; sqlite3_step(plan) == SQLITE_ROW; steps++) {
        const char *step = (const char *)sqlite3_column_text(plan, 3);
        if (strncmp(step, "SCAN", 4) == 0)
            assert_string_equal(step, "SCAN f"); /* feed_position, which has one row */
    }
    assert_true(steps > 10);
    sqlite3_finalize(plan);
    sqlite3_free(explain);
}

static void a_check_reads_no_table_from_end_to_end(void **state)
{
    const struct test_database *database = *state;
    struct world world = world_open(state);
    sqlite3 *file;
    int checks = 0;
    assert_int_equal(sqlite3_open(database->location + strlen("sqlite:"), &file), SQLITE_OK);
    for (int i = 0; i < registry_catalogue.statement_count; i++) {
        const struct db_statement *statement = &registry_catalogue.statements[i];
        if (strncmp(statement->name, "check_by_", 9) != 0)
            continue;
        assert_only_look_ups(file, statement->sqlite);
        checks++;
    }
    assert_int_equal(checks, 2);
    sqlite3_close(file);
    world_close(&world);
}

/* ---- Filling ---- */

static enum status add_unseen(struct db *db, void *argument)
{
    struct unseen_subscription subscriptions[] = {
        {.record = record_of(INSURER, "01"), .link = LINK_CONFIRMED, .evidence = {.compared = true}},
        {.record = record_of(OTHER_INSURER, "01"), .link = LINK_NONE},
    };
    struct certificate_change certificate = {.state = CERTIFICATE_ACTIVE, .last_day = day(2030, 5, 5)};
    memcpy(certificate.id, id_of(11), sizeof certificate.id);
    struct enrolment enrolment = {.state = ENROLMENT_IN_FORCE,
                                  .at = NOW,
                                  .place = ENROLLED_IN_PORTAL,
                                  .form = AUTHENTICATED_BY_PIN,
                                  .terms = bytes_of_text("2026-04")};
    struct unseen_person unseen = {.subscriptions = subscriptions,
                                   .subscription_count = 2,
                                   .certificates = &certificate,
                                   .certificate_count = 1,
                                   .enrolment = &enrolment};
    memcpy(unseen.reference, id_of(1), sizeof unseen.reference);
    struct recording recording = {.at = NOW};
    return person_add_unseen(db, &unseen, &recording, argument);
}

static void a_person_who_was_filled_in_at_once_is_like_any_other(void **state)
{
    struct world world = world_open(state);
    int64_t person;
    assert_int_equal(db_transaction(world.changes, add_unseen, &person), OK);
    assert_int_equal(decide_by_card(&world, 11, today), REASON_IN_FORCE);
    struct insured_key linked = key_of(INSURER, "12-34", "567", "01");
    struct insured_key unlinked = key_of(OTHER_INSURER, "12-34", "567", "01");
    assert_int_equal(decide_by_number(&world, &linked, birth, today), REASON_IN_FORCE);
    assert_int_equal(decide_by_number(&world, &unlinked, birth, today), REASON_NUMBER_NOT_REGISTERED);
    struct subscription_record record = record_of(INSURER, "01");
    int64_t subscription;
    assert_int_equal(record_directly(&world, &record, &subscription), RECORD_UNCHANGED);
    assert_int_equal(link_directly(&world, subscription, 1, LINK_QUARANTINED), person);
    assert_int_equal(decide_by_card(&world, 11, today), REASON_CARD_NOT_USABLE);
    enrol(&world, person, ENROLMENT_RELEASED);
    assert_int_equal(db_transaction(world.changes, add_unseen, &person), ERR_EXISTS);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH_DATABASES(a_number_that_nobody_has_finds_the_caller_and_nothing_else),
        ON_BOTH_DATABASES(a_card_that_nobody_issued_finds_the_caller_and_nothing_else),
        ON_SQLITE(a_number_without_a_registered_person_cannot_be_confirmed),
        ON_BOTH_DATABASES(the_link_decides_what_a_number_may_say),
        ON_BOTH_DATABASES(a_loss_day_is_no_longer_covered),
        ON_SQLITE(a_number_is_asked_about_in_any_width),
        ON_BOTH_DATABASES(twins_without_branch_numbers_are_several),
        ON_BOTH_DATABASES(two_records_of_one_person_under_one_number_are_found_once_each),
        ON_SQLITE(another_member_of_the_family_is_not_found_under_the_same_number),
        ON_BOTH_DATABASES(an_old_number_tells_of_a_newer_coverage_elsewhere),
        ON_BOTH_DATABASES(a_card_finds_every_insurers_record_of_its_person),
        ON_BOTH_DATABASES(several_versions_of_several_periods_give_the_newest_of_each),
        ON_BOTH_DATABASES(a_machine_and_an_institution_that_nobody_named_are_not_known),
        ON_BOTH_DATABASES(a_check_by_card_tells_the_state_of_the_terminal_that_was_named),
        ON_SQLITE(a_check_reads_no_table_from_end_to_end),
        ON_BOTH_DATABASES(a_person_who_was_filled_in_at_once_is_like_any_other),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_days, test_databases_end);
}
