#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authority/bulk.h"
#include "authority_fixture.h"

/* More than one transaction holds. */
enum { CROWD = 10001 };

static struct authority_world world;

static int create(void **state)
{
    (void)state;
    return authority_world_create(&world);
}

static int destroy(void **state)
{
    (void)state;
    keys_free();
    return authority_world_remove(&world);
}

static int reset(void **state)
{
    (void)state;
    authority_world_reset(&world);
    return 0;
}

struct crowd {
    unsigned given;
    unsigned limit;
    unsigned told;
    char name[32]; /* overwritten for each: what is not copied at once is lost */
    struct bulk_stored stored[CROWD];
};

/* Every third has no card, every fifth card no signature certificate. */
static bool next(void *context, struct bulk_resident *out)
{
    struct crowd *crowd = context;
    char digits[12];
    if (crowd->given == crowd->limit)
        return false;
    unsigned number = crowd->given++;
    snprintf(digits, sizeof(digits), "%011u", 10000 + number);
    snprintf(crowd->name, sizeof(crowd->name), "住民 %05u", number);
    *out = (struct bulk_resident){
        .resident = resident_with(digits),
        .has_card = number % 3 != 0,
        .has_signature = number % 5 != 0,
        .certificate_begins = moment_of_day(2025, 2, 1),
        .certificate_ends = moment_of_day(2030, 5, 18) - MICROSECONDS,
    };
    out->resident.items.name.text = bytes_of_text(crowd->name);
    return true;
}

static void stored(void *context, uint64_t index, const struct bulk_stored *what)
{
    struct crowd *crowd = context;
    assert_int_equal(index, crowd->told++);
    crowd->stored[index] = *what;
}

static struct crowd crowd;

static uint64_t load(unsigned count)
{
    uint64_t loaded;
    const struct bulk_source source = {.next = next, .stored = stored, .context = &crowd};
    memset(&crowd, 0, sizeof(crowd));
    crowd.limit = count;
    assert_int_equal(authority_load_residents(world.authority, &source, &loaded), OK);
    return loaded;
}

static void everybody_given_is_there_under_their_own_name(void **state)
{
    (void)state;
    static const unsigned samples[] = {0, 1, 9999, 10000};
    assert_int_equal(load(CROWD), CROWD);
    assert_int_equal(crowd.told, CROWD);
    for (size_t i = 0; i < ARRAY_LENGTH(samples); i++) {
        char digits[12], name[32];
        struct region region = {0};
        struct resident found;
        snprintf(digits, sizeof(digits), "%011u", 10000 + samples[i]);
        snprintf(name, sizeof(name), "住民 %05u", samples[i]);
        struct resident expected = resident_with(digits);
        assert_int_equal(authority_find_resident(world.authority, &expected.number, &region, &found), OK);
        assert_true(bytes_equal(found.items.name.text, bytes_of_text(name)));
        assert_int_equal(found.id, crowd.stored[samples[i]].resident);
        region_free(&region);
    }
}

static bool is_zero(const struct certificate_id *id)
{
    static const struct certificate_id zero;
    return certificate_id_equal(id, &zero);
}

static void certificates_are_promised_to_those_with_a_card(void **state)
{
    (void)state;
    load(60);
    for (unsigned i = 0; i < 60; i++) {
        struct certificate_row rows[CERTIFICATES_OF_RESIDENT_MAX];
        size_t count, expected = i % 3 == 0 ? 0 : i % 5 == 0 ? 1 : 2;
        assert_int_equal(authority_list_certificates(world.authority, crowd.stored[i].resident, rows,
                                                     CERTIFICATES_OF_RESIDENT_MAX, &count),
                         OK);
        assert_int_equal(count, expected);
        assert_int_equal(is_zero(&crowd.stored[i].authentication), expected == 0);
        assert_int_equal(is_zero(&crowd.stored[i].signature), expected < 2);
        for (size_t row = 0; row < count; row++) {
            assert_false(rows[row].made);
            assert_int_equal(rows[row].state, STATE_ACTIVE);
        }
    }
}

static void a_number_that_is_taken_stops_the_load(void **state)
{
    (void)state;
    uint64_t loaded;
    const struct bulk_source source = {.next = next, .stored = stored, .context = &crowd};
    register_resident(&world, "00000010007");
    memset(&crowd, 0, sizeof(crowd));
    crowd.limit = 10;
    assert_int_equal(authority_load_residents(world.authority, &source, &loaded), ERR_EXISTS);
    assert_int_equal(loaded, 0);
    assert_int_equal(crowd.told, 0);
    struct resident first = resident_with("00000010000"), found;
    struct region region = {0};
    assert_int_equal(authority_find_resident(world.authority, &first.number, &region, &found), ERR_NOT_FOUND);
    region_free(&region);
}

static void those_registered_later_get_numbers_of_their_own(void **state)
{
    (void)state;
    load(5);
    int64_t later = register_resident(&world, "99999999999");
    for (unsigned i = 0; i < 5; i++)
        assert_true(crowd.stored[i].resident < later);
}

/* One resident whose card was renewed and then reported lost. */
static bool one_suspended(void *context, struct bulk_resident *out)
{
    unsigned *given = context;
    if ((*given)++)
        return false;
    *out = (struct bulk_resident){
        .resident = resident_with("00000010000"),
        .has_card = true,
        .has_signature = true,
        .certificate_begins = moment_of_day(2025, 2, 1),
        .certificate_ends = moment_of_day(2030, 5, 18) - MICROSECONDS,
        .state = STATE_SUSPENDED,
        .is_renewed = true,
        .renewed_begins = moment_of_day(2020, 2, 1),
        .renewed_ends = moment_of_day(2025, 5, 18) - MICROSECONDS,
    };
    return true;
}

static int64_t load_one_suspended(void)
{
    unsigned given = 0;
    uint64_t loaded;
    const struct bulk_source source = {.next = one_suspended, .context = &given};
    assert_int_equal(authority_load_residents(world.authority, &source, &loaded), OK);
    struct resident wanted = resident_with("00000010000"), found;
    struct region region = {0};
    assert_int_equal(authority_find_resident(world.authority, &wanted.number, &region, &found), OK);
    region_free(&region);
    return found.id;
}

static size_t list(int64_t resident, struct certificate_row *rows)
{
    size_t count;
    assert_int_equal(
        authority_list_certificates(world.authority, resident, rows, CERTIFICATES_OF_RESIDENT_MAX, &count),
        OK);
    return count;
}

static void a_renewed_promise_names_its_successor(void **state)
{
    (void)state;
    struct certificate_row rows[CERTIFICATES_OF_RESIDENT_MAX];
    size_t count = list(load_one_suspended(), rows), superseded = 0;
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].state != STATE_SUPERSEDED) {
            assert_int_equal(rows[i].state, STATE_SUSPENDED);
            continue;
        }
        superseded++;
        bool names_one = false;
        for (size_t j = 0; j < count; j++)
            names_one |= rows[j].issuer == rows[i].issuer && rows[j].state == STATE_SUSPENDED &&
                         certificate_id_equal(&rows[j].id, &rows[i].successor);
        assert_true(names_one);
    }
    assert_int_equal(superseded, 2);
}

static void a_promised_card_is_made_in_the_state_of_its_promise(void **state)
{
    (void)state;
    struct certificate_row rows[CERTIFICATES_OF_RESIDENT_MAX];
    int64_t resident = load_one_suspended();
    struct card_order order = order_with("00000010000", rsa_key(0), rsa_key(1));
    struct issued_card issued = {0};
    assert_int_equal(authority_issue_card(world.authority, &order, &issued), OK);
    size_t count = list(resident, rows), made = 0;
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        made += rows[i].made;
        if (rows[i].made)
            assert_int_equal(rows[i].state, STATE_SUSPENDED);
        if (rows[i].issuer == CARD_ISSUER_AUTHENTICATION && rows[i].made)
            assert_true(certificate_id_equal(&rows[i].id, &issued.authentication.id));
    }
    assert_int_equal(made, 2);
    issued_card_free(&issued);
    order_free(&order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everybody_given_is_there_under_their_own_name, reset),
        cmocka_unit_test_setup(certificates_are_promised_to_those_with_a_card, reset),
        cmocka_unit_test_setup(a_number_that_is_taken_stops_the_load, reset),
        cmocka_unit_test_setup(those_registered_later_get_numbers_of_their_own, reset),
        cmocka_unit_test_setup(a_renewed_promise_names_its_successor, reset),
        cmocka_unit_test_setup(a_promised_card_is_made_in_the_state_of_its_promise, reset),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, create, destroy);
}
