#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "registry/registry_sql.h"
#include "world.h"

enum { MACHINE = 200 };

static enum status put_parties(struct db *db, void *argument)
{
    (void)argument;
    static const char *const insurers[] = {INSURER, OTHER_INSURER, ELDERLY_INSURER};
    enum status status = OK;
    for (size_t i = 0; status == OK && i < ARRAY_LENGTH(insurers); i++) {
        struct insurer insurer = {.name = bytes_of_text("試験保険者")};
        assert_int_equal(insurer_number_parse(insurers[i], 8, &insurer.number), REASON_NONE);
        status = insurer_put(db, &insurer);
    }
    struct institution institution = {{INSTITUTION}, bytes_of_text("試験診療所"), true};
    if (status == OK)
        status = institution_put(db, &institution);
    struct certificate_change change = {.state = CERTIFICATE_ACTIVE, .last_day = day(2030, 3, 31)};
    memcpy(change.id, id_of(MACHINE), sizeof change.id);
    return status == OK ? machine_certificate_apply(db, &change) : status;
}

int worlds_begin(void **state)
{
    (void)state;
    test_databases_start_with(&registry_catalogue);
    return 0;
}

struct world world_open(void **state)
{
    const struct test_database *database = *state;
    struct world world = {0};
    struct db_options options = {.location = database->location, .use = DB_FOR_CHANGES};
    assert_int_equal(registry_open(&options, &world.changes), OK);
    options.use = DB_FOR_CHECKS;
    assert_int_equal(registry_open(&options, &world.checks), OK);
    assert_int_equal(db_transaction(world.changes, put_parties, NULL), OK);
    test_database_drive(world.checks, 10000);
    return world;
}

void world_close(struct world *world)
{
    db_close(world->checks);
    db_close(world->changes);
    region_free(&world->region);
}

struct date day(int year, int month, int day_of_month)
{
    struct date date;
    assert_int_equal(date_from_ymd(year, month, day_of_month, &date), OK);
    return date;
}

const uint8_t *id_of(int value)
{
    static _Thread_local uint8_t ids[256][32];
    memset(ids[value & 255], value, 32);
    return ids[value & 255];
}

struct insured_key key_of(const char *insurer, const char *symbol, const char *number, const char *branch)
{
    struct insured_key key;
    assert_int_equal(insurer_number_parse(insurer, strlen(insurer), &key.insurer), REASON_NONE);
    assert_int_equal(insured_symbol_parse(symbol, strlen(symbol), &key.symbol), REASON_NONE);
    assert_int_equal(insured_number_parse(number, strlen(number), &key.number), REASON_NONE);
    assert_int_equal(branch_number_parse(branch, strlen(branch), &key.branch), REASON_NONE);
    return key;
}

struct subscription_record record_of(const char *insurer, const char *branch)
{
    struct subscription_record record = {.coverage = coverage_blank(), .replaces_acquired = DATE_NONE};
    struct coverage *coverage = &record.coverage;
    coverage->key = key_of(insurer, "１２－３４", "567", branch);
    coverage->person = (struct five_items){
        .name = {bytes_of_text("山﨑　花子")},
        .kana = {bytes_of_text("ヤマザキ　ハナコ")},
        .birth = day(1990, 5, 5),
        .sex = SEX_FEMALE,
        .address = {bytes_of_text("東京都千代田区霞が関1丁目2番3号")},
        .postal_code = {"0600001"},
    };
    coverage->relationship = RELATIONSHIP_INSURED;
    coverage->classification = CARD_CLASSIFICATION_GENERAL;
    coverage->acquired = day(2024, 4, 1);
    return record;
}

/* ---- Changes, each in a transaction of its own ---- */

struct recorded {
    const struct subscription_record *record;
    enum record_outcome outcome;
    int64_t subscription;
};

static enum status do_record(struct db *db, void *argument)
{
    struct recorded *recorded = argument;
    struct recording recording = {.at = NOW};
    return subscription_record(db, recorded->record, &recording, &recorded->outcome, &recorded->subscription);
}

enum record_outcome record_directly(struct world *world, const struct subscription_record *record,
                                    int64_t *subscription)
{
    struct recorded recorded = {.record = record};
    assert_int_equal(db_transaction(world->changes, do_record, &recorded), OK);
    if (subscription)
        *subscription = recorded.subscription;
    return recorded.outcome;
}

struct linked {
    int64_t subscription;
    int reference;
    enum link_state state;
    int64_t person;
};

static enum status do_link(struct db *db, void *argument)
{
    struct linked *linked = argument;
    struct recording recording = {.at = NOW};
    struct link_evidence evidence = {.compared = true};
    enum status status = person_for_reference(db, id_of(linked->reference), &linked->person);
    return status == OK
               ? link_set(db, linked->subscription, linked->person, linked->state, &evidence, &recording)
               : status;
}

int64_t link_directly(struct world *world, int64_t subscription, int reference, enum link_state state)
{
    struct linked linked = {subscription, reference, state, 0};
    assert_int_equal(db_transaction(world->changes, do_link, &linked), OK);
    return linked.person;
}

static enum status do_apply(struct db *db, void *argument)
{
    return certificate_apply(db, argument);
}

void apply_certificate(struct world *world, int id, enum certificate_state state, int successor)
{
    struct certificate_change change = {.state = state, .last_day = day(2030, 5, 5)};
    memcpy(change.id, id_of(id), sizeof change.id);
    if (successor)
        memcpy(change.successor, id_of(successor), sizeof change.successor);
    assert_int_equal(db_transaction(world->changes, do_apply, &change), OK);
}

struct learnt {
    int certificate;
    int64_t person;
};

static enum status do_learn(struct db *db, void *argument)
{
    const struct learnt *learnt = argument;
    return certificate_learn_person(db, id_of(learnt->certificate), learnt->person, false);
}

void learn_person(struct world *world, int certificate, int64_t person)
{
    struct learnt learnt = {certificate, person};
    assert_int_equal(db_transaction(world->changes, do_learn, &learnt), OK);
}

static enum status do_enrol(struct db *db, void *argument)
{
    return enrolment_set(db, argument);
}

void enrol(struct world *world, int64_t person, enum enrolment_state state)
{
    struct enrolment enrolment = {.person = person,
                                  .state = state,
                                  .at = NOW,
                                  .place = ENROLLED_IN_PORTAL,
                                  .form = AUTHENTICATED_BY_PIN,
                                  .terms = bytes_of_text("2026-04")};
    assert_int_equal(db_transaction(world->changes, do_enrol, &enrolment), OK);
}

/* ---- Questions ---- */

struct asked {
    struct world *world;
    bool by_card;
    int answers;
    struct check_findings findings;
};

static void take_findings(void *argument, enum status status, struct db_rows *rows)
{
    struct asked *asked = argument;
    assert_int_equal(status, OK);
    status = asked->by_card ? check_by_card_collect(rows, &asked->world->region, &asked->findings)
                            : check_by_number_collect(rows, &asked->world->region, &asked->findings);
    assert_int_equal(status, OK);
    asked->answers++;
}

static struct check_findings wait_for(struct asked *asked)
{
    test_database_drive(asked->world->checks, 5000);
    assert_int_equal(asked->answers, 1);
    return asked->findings;
}

static struct check_caller caller_of(const char *institution)
{
    struct check_caller caller = {0};
    memcpy(caller.machine, id_of(MACHINE), sizeof caller.machine);
    assert_int_equal(institution_code_parse(institution, 10, &caller.institution), REASON_NONE);
    return caller;
}

struct check_findings find_by_number(struct world *world, const struct insured_key *key, struct date birth)
{
    struct asked asked = {.world = world};
    struct check_by_number question = {.key = *key, .birth = birth};
    question.caller = caller_of(INSTITUTION);
    assert_int_equal(check_by_number_submit(world->checks, &question, monotonic_microseconds() + 5000000,
                                            take_findings, &asked),
                     OK);
    return wait_for(&asked);
}

struct check_findings find_by_card(struct world *world, int certificate)
{
    struct asked asked = {.world = world, .by_card = true};
    struct check_by_card question = {0};
    memcpy(question.certificate, id_of(certificate), sizeof question.certificate);
    question.caller = caller_of(INSTITUTION);
    assert_int_equal(check_by_card_submit(world->checks, &question, monotonic_microseconds() + 5000000,
                                          take_findings, &asked),
                     OK);
    return wait_for(&asked);
}

enum reason decide_by_number(struct world *world, const struct insured_key *key, struct date birth,
                             struct date on)
{
    struct check_findings findings = find_by_number(world, key, birth);
    struct question question = {
        .kind = QUESTION_BY_NUMBER, .day = on, .asked_at = NOW, .key = *key, .birth = birth};
    return answer_content(eligibility_decide_by_number(&world->region, &question, findings.subscriptions,
                                                       findings.count))
        ->reason;
}

enum reason decide_by_card(struct world *world, int certificate, struct date on)
{
    struct check_findings findings = find_by_card(world, certificate);
    struct question question = {
        .kind = QUESTION_BY_CARD, .day = on, .asked_at = NOW, .authenticated_by = AUTHENTICATED_BY_PIN};
    return answer_content(eligibility_decide_by_card(&world->region, &question, &findings.certificate,
                                                     findings.subscriptions, findings.count))
        ->reason;
}
