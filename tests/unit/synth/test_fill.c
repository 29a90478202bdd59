#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "authority/setup.h"
#include "domain/eligibility.h"
#include "registry/check.h"
#include "synth/cast.h"
#include "synth/fill.h"

/* A filled authority and centre, asked through the statements that checks use. */
static struct world {
    char directory[96];
    char location[160];
    struct clock clock;
    struct fill fill;
    struct public_key feed;
    struct db *checks;
} world;

static const char *path_of(const char *name)
{
    static char path[160];
    (void)snprintf(path, sizeof(path), "%s/%s", world.directory, name);
    return path;
}

static int open_all(void)
{
    const struct db_options changes = {.location = world.location, .use = DB_FOR_CHANGES};
    const struct db_options checks = {.location = world.location, .use = DB_FOR_CHECKS};
    struct fill *fill = &world.fill;
    if (public_key_load(path_of("authority/public/feed.pem"), &world.feed) != OK ||
        authority_open(path_of("authority"), &world.clock, &fill->authority) != OK ||
        vault_create(path_of("vault")) != OK ||
        vault_open(path_of("vault"), &world.clock, &fill->vault) != OK ||
        registry_open(&changes, &fill->registry) != OK || registry_open(&checks, &world.checks) != OK)
        return -1;
    fill->authority_feed = &world.feed;
    fill->clock = &world.clock;
    fill->terms_version = "test-1";
    fill->plan = (struct nation_plan){.people = 1500, .seed = 9};
    return date_from_ymd(2026, 11, 22, &fill->plan.today) == OK ? 0 : -1;
}

static int create(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    struct date today;
    (void)snprintf(world.directory, sizeof(world.directory), "%s/shikaku-synth-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(world.directory) || date_from_ymd(2026, 11, 22, &today) != OK)
        return -1;
    (void)snprintf(world.location, sizeof(world.location), "sqlite:%s/registry.db", world.directory);
    world.clock =
        (struct clock){.fake = true, .fixed = moment_of_tokyo_midnight(today) + (moment)36000 * MICROSECONDS};
    const struct authority_settings settings = {.address = "127.0.0.1"};
    if (authority_setup(path_of("authority"), &settings, &world.clock) != OK)
        return -1;
    return open_all();
}

static int destroy(void **state)
{
    (void)state;
    char command[160];
    db_close(world.checks);
    db_close(world.fill.registry);
    vault_close(world.fill.vault);
    authority_close(world.fill.authority);
    public_key_free(&world.feed);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", world.directory);
    return system(command) == 0 ? 0 : -1;
}

static void new_ones_are_filled(void **state)
{
    (void)state;
    enum fill_finding finding;
    struct fill_counts counts;
    assert_int_equal(fill_look(&world.fill, &finding), OK);
    assert_int_equal(finding, FILL_FOUND_EMPTY);
    assert_int_equal(fill_run(&world.fill, &counts), OK);
    assert_int_equal(counts.people, world.fill.plan.people);
    int64_t numbers;
    assert_int_equal(vault_count(world.fill.vault, &numbers), OK);
    assert_int_equal(numbers, counts.in_vault);
}

static void filled_ones_are_refused(void **state)
{
    (void)state;
    enum fill_finding finding;
    assert_int_equal(fill_look(&world.fill, &finding), OK);
    assert_int_equal(finding, FILL_FOUND_DONE);
}

static void an_authority_with_residents_is_refused(void **state)
{
    (void)state;
    struct fill other = world.fill;
    struct db_options options = {.location = "sqlite:", .use = DB_FOR_CHANGES};
    char location[160];
    (void)snprintf(location, sizeof(location), "sqlite:%s/other.db", world.directory);
    options.location = location;
    assert_int_equal(registry_open(&options, &other.registry), OK);
    assert_int_equal(vault_create(path_of("other-vault")), OK);
    assert_int_equal(vault_open(path_of("other-vault"), &world.clock, &other.vault), OK);
    enum fill_finding finding;
    assert_int_equal(fill_look(&other, &finding), OK);
    assert_int_equal(finding, FILL_FOUND_RESIDENTS);
    vault_close(other.vault);
    db_close(other.registry);
}

static void the_centre_follows_the_authority_from_its_newest_change(void **state)
{
    (void)state;
    struct feed_position position;
    uint64_t newest;
    assert_int_equal(feed_position_read(world.fill.registry, &position), OK);
    assert_int_equal(authority_newest_sequence(world.fill.authority, &newest), OK);
    assert_true(newest > 0 && position.through == newest);
}

/* The authority's own news against what the registry holds. */
static enum certificate_state centre_word(enum subject_state state)
{
    switch (state) {
    case STATE_ACTIVE:
        return CERTIFICATE_ACTIVE;
    case STATE_SUSPENDED:
        return CERTIFICATE_SUSPENDED;
    case STATE_REVOKED:
        return CERTIFICATE_REVOKED;
    case STATE_EXPIRED:
        return CERTIFICATE_EXPIRED;
    case STATE_SUPERSEDED:
        return CERTIFICATE_SUPERSEDED;
    }
    return CERTIFICATE_REVOKED;
}

static uint64_t compare_batch(uint64_t after, size_t *cards, unsigned seen[6])
{
    struct buffer sealed = {0};
    struct state_batch batch;
    assert_int_equal(authority_feed(world.fill.authority, after, &sealed), OK);
    assert_int_equal(state_batch_open(buffer_bytes(&sealed), &world.feed, &batch), OK);
    for (size_t i = 0; i < batch.count; i++) {
        const struct state_entry *entry = &batch.entries[i];
        if (entry->kind != SUBJECT_CARD)
            continue;
        struct certificate_facts facts;
        assert_int_equal(certificate_read(world.fill.registry, entry->id.bytes, &facts), OK);
        assert_true(facts.known);
        assert_int_equal(facts.state, centre_word(entry->state));
        assert_true(date_equal(facts.last_day, date_in_tokyo(entry->not_after)));
        (*cards)++;
        seen[entry->state]++;
    }
    uint64_t through = batch.through;
    state_batch_free(&batch);
    buffer_free(&sealed);
    return through;
}

static void centre_and_authority_agree_on_every_certificate(void **state)
{
    (void)state;
    uint64_t newest, after = 0;
    size_t cards = 0;
    unsigned seen[6] = {0};
    assert_int_equal(authority_newest_sequence(world.fill.authority, &newest), OK);
    while (after < newest)
        after = compare_batch(after, &cards, seen);
    assert_true(cards > 1500);
    for (int which = STATE_ACTIVE; which <= STATE_SUPERSEDED; which++)
        assert_true(seen[which] > 0);
}

/* ---- The cast, asked of the registry ---- */

struct asked {
    struct region region;
    struct check_findings findings;
    bool by_card;
    int calls;
};

static void take(void *argument, enum status status, struct db_rows *rows)
{
    struct asked *asked = argument;
    asked->calls++;
    assert_int_equal(status, OK);
    status = asked->by_card ? check_by_card_collect(rows, &asked->region, &asked->findings)
                            : check_by_number_collect(rows, &asked->region, &asked->findings);
    assert_int_equal(status, OK);
}

static void expect(const struct cast_member *member, const char *way, const struct answer *answer,
                   enum reason expected)
{
    enum reason reason = answer_content(answer)->reason;
    if (reason != expected)
        print_message("# %s by %s: %s\n", member->played->name, way, reason_code(reason));
    assert_int_equal(reason, expected);
}

static void ask_by_number(const struct cast_member *member)
{
    struct asked asked = {0};
    const struct check_by_number submitted = {.key = member->key, .birth = member->person->known.birth};
    assert_int_equal(
        check_by_number_submit(world.checks, &submitted, monotonic_microseconds() + 5000000, take, &asked),
        OK);
    assert_int_equal(asked.calls, 1);
    const struct question question = {.kind = QUESTION_BY_NUMBER,
                                      .day = world.fill.plan.today,
                                      .asked_at = world.clock.fixed,
                                      .key = member->key,
                                      .birth = member->person->known.birth};
    expect(member, "number",
           eligibility_decide_by_number(&asked.region, &question, asked.findings.subscriptions,
                                        asked.findings.count),
           member->played->by_number);
    region_free(&asked.region);
}

static struct certificate_id shown_certificate(const struct cast_member *member)
{
    struct certificate_row rows[CERTIFICATES_OF_RESIDENT_MAX];
    struct region region = {0};
    struct resident resident;
    size_t count;
    assert_int_equal(
        authority_find_resident(world.fill.authority, &member->person->number, &region, &resident), OK);
    assert_int_equal(authority_list_certificates(world.fill.authority, resident.id, rows,
                                                 CERTIFICATES_OF_RESIDENT_MAX, &count),
                     OK);
    region_free(&region);
    for (size_t i = 0; i < count; i++)
        if (rows[i].issuer == CARD_ISSUER_AUTHENTICATION &&
            (rows[i].state == STATE_SUPERSEDED) == member->shows_superseded)
            return rows[i].id;
    fail_msg("no certificate for %s", member->played->name);
    return (struct certificate_id){0};
}

static void ask_by_card(const struct cast_member *member)
{
    if (member->played->by_card == REASON_NONE)
        return;
    struct asked asked = {.by_card = true};
    struct certificate_id shown = shown_certificate(member);
    struct check_by_card submitted = {0};
    memcpy(submitted.certificate, shown.bytes, sizeof(submitted.certificate));
    assert_int_equal(
        check_by_card_submit(world.checks, &submitted, monotonic_microseconds() + 5000000, take, &asked), OK);
    assert_int_equal(asked.calls, 1);
    const struct question question = {.kind = QUESTION_BY_CARD,
                                      .day = world.fill.plan.today,
                                      .asked_at = world.clock.fixed,
                                      .authenticated_by = member->authenticated_by};
    expect(member, "card",
           eligibility_decide_by_card(&asked.region, &question, &asked.findings.certificate,
                                      asked.findings.subscriptions, asked.findings.count),
           member->played->by_card);
    region_free(&asked.region);
}

static void the_registry_answers_what_the_cast_expects(void **state)
{
    (void)state;
    struct nation *nation = calloc(1, sizeof(*nation));
    struct synthetic_person people[HOUSEHOLD_MOST];
    struct region region = {0};
    assert_int_equal(nation_begin(&world.fill.plan, nation), OK);
    for (uint64_t at = 0; at < cast_households(); at++) {
        size_t count = nation_next_household(nation, &region, people);
        for (size_t i = 0; i < count; i++) {
            struct cast_member member;
            cast_member_of(&world.fill.plan, at, &people[i], &member);
            ask_by_number(&member);
            ask_by_card(&member);
        }
    }
    region_free(&region);
    free(nation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_ones_are_filled),
        cmocka_unit_test(filled_ones_are_refused),
        cmocka_unit_test(an_authority_with_residents_is_refused),
        cmocka_unit_test(the_centre_follows_the_authority_from_its_newest_change),
        cmocka_unit_test(centre_and_authority_agree_on_every_certificate),
        cmocka_unit_test(the_registry_answers_what_the_cast_expects),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, create, destroy);
}
