#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authority/bulk.h"
#include "authority_fixture.h"
#include "pki/trust.h"

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

static size_t list(int64_t resident, struct certificate_row *rows)
{
    size_t count;
    assert_int_equal(
        authority_list_certificates(world.authority, resident, rows, CERTIFICATES_OF_RESIDENT_MAX, &count),
        OK);
    return count;
}

static const struct certificate_row *row_of(const struct certificate_row *rows, size_t count,
                                            const struct certificate_id *id)
{
    for (size_t i = 0; i < count; i++) {
        if (certificate_id_equal(&rows[i].id, id))
            return &rows[i];
    }
    fail_msg("the certificate is not listed");
    return NULL;
}

static void issue(const struct card_order *order, struct issued_card *out)
{
    assert_int_equal(authority_issue_card(world.authority, order, out), OK);
}

static struct trust_anchors *public_anchors(void)
{
    struct trust_anchors *anchors;
    char path[192];
    assert_int_equal(trust_anchors_create(&(struct trust_settings){0}, &anchors), OK);
    snprintf(path, sizeof(path), "%s/public/authentication-ca.pem", world.directory);
    assert_int_equal(trust_anchors_add_file(anchors, CERTIFICATE_AUTHENTICATION, path), OK);
    snprintf(path, sizeof(path), "%s/public/signature-ca.pem", world.directory);
    assert_int_equal(trust_anchors_add_file(anchors, CERTIFICATE_SIGNATURE, path), OK);
    return anchors;
}

static void assert_trusted(struct trust_anchors *anchors, const struct issued_certificate *issued,
                           enum certificate_kind kind)
{
    struct trusted_certificate trusted;
    assert_true(issued->present);
    assert_int_equal(
        trust_check(anchors, buffer_bytes(&issued->certificate), kind, clock_now(&world.clock), &trusted),
        TRUST_GOOD);
    assert_true(certificate_id_equal(&trusted.id, &issued->id));
    trusted_certificate_free(&trusted);
}

static void certificates_of_both_generations_are_believed_by_the_public_anchors(void **state)
{
    (void)state;
    struct trust_anchors *anchors = public_anchors();
    const struct private_key *keys[][2] = {{rsa_key(0), rsa_key(1)}, {p384_key(0), p384_key(1)}};
    static const char *const numbers[] = {"12345678901", "22345678901"};
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        struct card_order order = order_with(numbers[i], keys[i][0], keys[i][1]);
        struct issued_card card;
        register_resident(&world, numbers[i]);
        issue(&order, &card);
        assert_trusted(anchors, &card.authentication, CERTIFICATE_AUTHENTICATION);
        assert_trusted(anchors, &card.signature, CERTIFICATE_SIGNATURE);
        issued_card_free(&card);
        order_free(&order);
    }
    trust_anchors_free(anchors);
}

/* Born 1985-05-17, issued 2026-11-22: the fifth birthday after is in 2031, the tenth in 2036. */
static void a_certificate_ends_on_the_fifth_birthday_after_its_issue(void **state)
{
    (void)state;
    struct card_order order = order_with("12345678901", rsa_key(0), NULL), next;
    struct issued_card card, next_card;
    register_resident(&world, "12345678901");
    issue(&order, &card);
    assert_true(card.not_after == moment_of_day(2031, 5, 18) - MICROSECONDS);
    register_resident(&world, "22345678901");
    next = order_with("22345678901", p384_key(0), NULL);
    issue(&next, &next_card);
    assert_true(next_card.not_after == moment_of_day(2036, 5, 18) - MICROSECONDS);
    issued_card_free(&card);
    issued_card_free(&next_card);
    order_free(&order);
    order_free(&next);
}

static void a_card_without_signature_key_has_one_certificate(void **state)
{
    (void)state;
    struct card_order order = order_with("12345678901", rsa_key(0), NULL);
    struct certificate_row rows[CERTIFICATES_OF_RESIDENT_MAX];
    struct issued_card card;
    int64_t resident = register_resident(&world, "12345678901");
    issue(&order, &card);
    assert_false(card.signature.present);
    assert_int_equal(list(resident, rows), 1);
    issued_card_free(&card);
    order_free(&order);
}

static void nobody_gets_a_second_card_beside_the_first(void **state)
{
    (void)state;
    struct card_order order = order_with("12345678901", rsa_key(0), rsa_key(1));
    struct issued_card card, second;
    size_t changed;
    register_resident(&world, "12345678901");
    issue(&order, &card);
    assert_int_equal(authority_issue_card(world.authority, &order, &second), ERR_EXISTS);
    struct state_order change = {ACTION_SUSPEND, SUBJECT_CARD, card.authentication.id};
    assert_int_equal(authority_change_state(world.authority, &change, &changed), OK);
    assert_int_equal(authority_issue_card(world.authority, &order, &second), ERR_EXISTS);
    change.action = ACTION_REVOKE;
    assert_int_equal(authority_change_state(world.authority, &change, &changed), OK);
    issue(&order, &second);
    assert_false(certificate_id_equal(&card.authentication.id, &second.authentication.id));
    issued_card_free(&card);
    issued_card_free(&second);
    order_free(&order);
}

static void keys_that_do_not_fit_the_generation_are_refused(void **state)
{
    (void)state;
    struct issued_card card;
    struct card_order orders[] = {
        order_with("12345678901", rsa_key(0), p384_key(0)),
        order_with("12345678901", p384_key(0), rsa_key(0)),
        order_with("12345678901", p256_key(), NULL),
        order_with("12345678901", rsa_key(0), NULL),
    };
    orders[3].generation = GENERATION_NEXT;
    register_resident(&world, "12345678901");
    for (size_t i = 0; i < ARRAY_LENGTH(orders); i++) {
        assert_int_equal(authority_issue_card(world.authority, &orders[i], &card), ERR_UNSUPPORTED);
        order_free(&orders[i]);
    }
}

static void only_a_living_resident_gets_a_card(void **state)
{
    (void)state;
    struct card_order order = order_with("12345678901", rsa_key(0), NULL);
    struct resident resident = resident_with("12345678901");
    struct issued_card card;
    assert_int_equal(authority_issue_card(world.authority, &order, &card), ERR_NOT_FOUND);
    resident.state = RESIDENT_DEAD;
    assert_int_equal(authority_register_resident(world.authority, &resident, NULL), OK);
    assert_int_equal(authority_issue_card(world.authority, &order, &card), ERR_WRONG_STATE);
    order_free(&order);
}

static void one_number_is_one_residents(void **state)
{
    (void)state;
    struct resident resident = resident_with("12345678901");
    assert_int_equal(authority_register_resident(world.authority, &resident, NULL), OK);
    assert_int_equal(authority_register_resident(world.authority, &resident, NULL), ERR_EXISTS);
}

static void what_was_registered_is_found_byte_for_byte(void **state)
{
    (void)state;
    struct resident given = resident_with("12345678901"), found;
    struct region region = {0};
    int64_t id = register_resident(&world, "12345678901");
    assert_int_equal(authority_find_resident(world.authority, &given.number, &region, &found), OK);
    assert_int_equal(found.id, id);
    assert_true(my_number_equal(&given.number, &found.number));
    assert_true(bytes_equal(found.items.name.text, given.items.name.text));
    assert_true(bytes_equal(found.items.kana.text, given.items.kana.text));
    assert_true(bytes_equal(found.items.address.text, given.items.address.text));
    assert_int_equal(found.items.alias.text.length, 0);
    assert_true(date_equal(found.items.birth, given.items.birth));
    assert_int_equal(found.items.sex, SEX_FEMALE);
    assert_string_equal(found.municipality.digits, "13101");
    assert_true(found.has_photo);
    region_free(&region);
}

/* ---- phones ---- */

static void a_phone_hangs_on_an_active_card(void **state)
{
    (void)state;
    struct card_order order = order_with("12345678901", rsa_key(0), rsa_key(1));
    struct card_order phone = order_with("12345678901", rsa_key(2), rsa_key(3));
    struct issued_card card, on_phone, second;
    phone.device = DEVICE_PHONE;
    register_resident(&world, "12345678901");
    assert_int_equal(authority_issue_card(world.authority, &phone, &on_phone), ERR_WRONG_STATE);
    issue(&order, &card);
    issue(&phone, &on_phone);
    assert_true(on_phone.not_after == card.not_after);
    assert_int_equal(authority_issue_card(world.authority, &phone, &second), ERR_EXISTS);
    issued_card_free(&card);
    issued_card_free(&on_phone);
    order_free(&order);
    order_free(&phone);
}

/* ---- renewal ---- */

static void a_renewed_certificate_names_its_successor(void **state)
{
    (void)state;
    struct card_order first = order_with("12345678901", rsa_key(0), rsa_key(1));
    struct card_order second = order_with("12345678901", rsa_key(2), rsa_key(3));
    struct certificate_row rows[CERTIFICATES_OF_RESIDENT_MAX];
    struct issued_card card, renewed;
    int64_t resident = register_resident(&world, "12345678901");
    issue(&first, &card);
    authority_world_set_day(&world, 2031, 4, 1);
    assert_int_equal(authority_renew_card(world.authority, &second, &renewed), OK);
    size_t count = list(resident, rows);
    assert_int_equal(count, 4);
    const struct certificate_row *old = row_of(rows, count, &card.authentication.id);
    assert_int_equal(old->state, STATE_SUPERSEDED);
    assert_true(certificate_id_equal(&old->successor, &renewed.authentication.id));
    old = row_of(rows, count, &card.signature.id);
    assert_int_equal(old->state, STATE_SUPERSEDED);
    assert_true(certificate_id_equal(&old->successor, &renewed.signature.id));
    const struct certificate_row *new = row_of(rows, count, &renewed.authentication.id);
    assert_int_equal(new->state, STATE_ACTIVE);
    assert_int_equal(new->card, old->card);
    issued_card_free(&card);
    issued_card_free(&renewed);
    order_free(&first);
    order_free(&second);
}

/* Fifth birthday after 2031-06-01 is 2036-05-17, and so is the card's tenth: not a day longer. */
static void no_certificate_outlives_its_card(void **state)
{
    (void)state;
    struct card_order first = order_with("12345678901", rsa_key(0), NULL);
    struct card_order second = order_with("12345678901", rsa_key(2), NULL);
    struct issued_card card, renewed;
    register_resident(&world, "12345678901");
    issue(&first, &card);
    authority_world_set_day(&world, 2032, 7, 1);
    assert_int_equal(authority_renew_card(world.authority, &second, &renewed), OK);
    assert_true(renewed.not_after == moment_of_day(2036, 5, 18) - MICROSECONDS);
    issued_card_free(&renewed);
    authority_world_set_day(&world, 2036, 5, 18);
    assert_int_equal(authority_renew_card(world.authority, &first, &renewed), ERR_WRONG_STATE);
    issued_card_free(&card);
    order_free(&first);
    order_free(&second);
}

static void a_renewal_ends_the_phone(void **state)
{
    (void)state;
    struct card_order order = order_with("12345678901", rsa_key(0), NULL);
    struct card_order phone = order_with("12345678901", rsa_key(1), NULL);
    struct card_order again = order_with("12345678901", rsa_key(2), NULL);
    struct certificate_row rows[CERTIFICATES_OF_RESIDENT_MAX];
    struct issued_card card, on_phone, renewed;
    int64_t resident = register_resident(&world, "12345678901");
    phone.device = DEVICE_PHONE;
    issue(&order, &card);
    issue(&phone, &on_phone);
    assert_int_equal(authority_renew_card(world.authority, &again, &renewed), OK);
    size_t count = list(resident, rows);
    assert_int_equal(row_of(rows, count, &on_phone.authentication.id)->state, STATE_REVOKED);
    issued_card_free(&card);
    issued_card_free(&on_phone);
    issued_card_free(&renewed);
    order_free(&order);
    order_free(&phone);
    order_free(&again);
}

static void only_an_active_or_expired_card_is_renewed(void **state)
{
    (void)state;
    struct card_order order = order_with("12345678901", rsa_key(0), NULL);
    struct card_order again = order_with("12345678901", rsa_key(2), NULL);
    struct card_order next = order_with("12345678901", p384_key(0), NULL);
    struct issued_card card, renewed;
    size_t changed;
    register_resident(&world, "12345678901");
    assert_int_equal(authority_renew_card(world.authority, &again, &renewed), ERR_WRONG_STATE);
    issue(&order, &card);
    assert_int_equal(authority_renew_card(world.authority, &next, &renewed), ERR_UNSUPPORTED);
    struct state_order change = {ACTION_SUSPEND, SUBJECT_CARD, card.authentication.id};
    assert_int_equal(authority_change_state(world.authority, &change, &changed), OK);
    assert_int_equal(authority_renew_card(world.authority, &again, &renewed), ERR_WRONG_STATE);
    change.action = ACTION_LIFT;
    assert_int_equal(authority_change_state(world.authority, &change, &changed), OK);
    authority_world_set_day(&world, 2031, 6, 1);
    assert_int_equal(authority_expire(world.authority, &changed), OK);
    assert_int_equal(authority_renew_card(world.authority, &again, &renewed), OK);
    issued_card_free(&card);
    issued_card_free(&renewed);
    order_free(&order);
    order_free(&again);
    order_free(&next);
}

/* ---- promised certificates ---- */

static bool next_one(void *context, struct bulk_resident *out)
{
    bool *given = context;
    if (*given)
        return false;
    *given = true;
    *out = (struct bulk_resident){
        .resident = resident_with("12345678901"),
        .has_card = true,
        .has_signature = true,
        .certificate_begins = moment_of_day(2025, 2, 1),
        .certificate_ends = moment_of_day(2030, 5, 18) - MICROSECONDS,
    };
    return true;
}

static struct bulk_stored promised;

static void keep_promise(void *context, uint64_t index, const struct bulk_stored *stored)
{
    (void)context;
    assert_int_equal(index, 0);
    promised = *stored;
}

static void promise_a_card(void)
{
    bool given = false;
    uint64_t count;
    const struct bulk_source source = {.next = next_one, .stored = keep_promise, .context = &given};
    assert_int_equal(authority_load_residents(world.authority, &source, &count), OK);
    assert_int_equal(count, 1);
}

static void a_card_gets_the_certificates_that_were_promised(void **state)
{
    (void)state;
    struct trust_anchors *anchors = public_anchors();
    struct card_order order = order_with("12345678901", rsa_key(0), rsa_key(1));
    struct issued_card card, second;
    promise_a_card();
    issue(&order, &card);
    assert_true(certificate_id_equal(&card.authentication.id, &promised.authentication));
    assert_true(certificate_id_equal(&card.signature.id, &promised.signature));
    assert_true(card.not_after == moment_of_day(2030, 5, 18) - MICROSECONDS);
    assert_trusted(anchors, &card.authentication, CERTIFICATE_AUTHENTICATION);
    assert_int_equal(authority_issue_card(world.authority, &order, &second), ERR_EXISTS);
    issued_card_free(&card);
    order_free(&order);
    trust_anchors_free(anchors);
}

static void a_promise_that_is_not_kept_is_revoked(void **state)
{
    (void)state;
    struct card_order order = order_with("12345678901", rsa_key(0), NULL);
    struct certificate_row rows[CERTIFICATES_OF_RESIDENT_MAX];
    struct issued_card card;
    promise_a_card();
    issue(&order, &card);
    size_t count = list(promised.resident, rows);
    assert_int_equal(row_of(rows, count, &promised.signature)->state, STATE_REVOKED);
    assert_int_equal(row_of(rows, count, &promised.authentication)->state, STATE_ACTIVE);
    issued_card_free(&card);
    order_free(&order);
}

/* ---- machines and terminals ---- */

static void a_machine_certificate_needs_a_code_that_can_exist(void **state)
{
    (void)state;
    static const struct {
        struct machine_subject subject;
        enum status expected;
    } cases[] = {
        {{MACHINE_INSTITUTION, "0110113719"}, OK},
        {{MACHINE_INSTITUTION, "0110113718"}, ERR_RANGE},
        {{MACHINE_INSURER, "06139463"}, OK},
        {{MACHINE_INSURER, "06139464"}, ERR_RANGE},
        {{MACHINE_LINK, "link-1"}, OK},
        {{MACHINE_OPERATOR, "counter-13101"}, OK},
        {{MACHINE_OPERATOR, "a b"}, ERR_RANGE},
        {{MACHINE_NONE, "x"}, ERR_RANGE},
    };
    struct public_key key;
    assert_int_equal(public_key_of(p256_key(), &key), OK);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct certificate_id id;
        struct buffer der = {0};
        struct machine_row row;
        assert_int_equal(authority_issue_machine(world.authority, &cases[i].subject, &key, &id, &der),
                         cases[i].expected);
        if (cases[i].expected == OK) {
            assert_int_equal(authority_find_machine(world.authority, &id, &row), OK);
            assert_int_equal(row.subject.kind, cases[i].subject.kind);
            assert_string_equal(row.subject.code, cases[i].subject.code);
            assert_int_equal(row.state, STATE_ACTIVE);
            assert_true(row.not_after == moment_of_day(2028, 11, 22) - MICROSECONDS);
        }
        buffer_free(&der);
    }
    public_key_free(&key);
}

static void terminals_are_numbered_by_institution(void **state)
{
    (void)state;
    static const struct {
        struct institution_code institution;
        const char *id;
    } cases[] = {
        {{"0110113719"}, "0110113719000001"},
        {{"0110113719"}, "0110113719000002"},
        {{"2714206386"}, "2714206386000001"},
    };
    struct terminal_certificate root;
    struct buffer bytes = {0};
    struct public_key key;
    char path[192];
    snprintf(path, sizeof(path), "%s/public/terminal-ca.cv", world.directory);
    assert_int_equal(file_read(path, 1000, &bytes), OK);
    assert_int_equal(terminal_certificate_parse(buffer_bytes(&bytes), &root), OK);
    assert_int_equal(public_key_of(rsa_key(0), &key), OK);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct terminal_certificate terminal;
        assert_int_equal(authority_issue_terminal(world.authority, &cases[i].institution, &key, &terminal),
                         OK);
        assert_memory_equal(terminal.subject.bytes, cases[i].id, TERMINAL_ID_LENGTH);
        assert_int_equal(terminal_certificate_verify(&terminal, &root), OK);
    }
    public_key_free(&key);
    buffer_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(certificates_of_both_generations_are_believed_by_the_public_anchors, reset),
        cmocka_unit_test_setup(a_certificate_ends_on_the_fifth_birthday_after_its_issue, reset),
        cmocka_unit_test_setup(a_card_without_signature_key_has_one_certificate, reset),
        cmocka_unit_test_setup(nobody_gets_a_second_card_beside_the_first, reset),
        cmocka_unit_test_setup(keys_that_do_not_fit_the_generation_are_refused, reset),
        cmocka_unit_test_setup(only_a_living_resident_gets_a_card, reset),
        cmocka_unit_test_setup(one_number_is_one_residents, reset),
        cmocka_unit_test_setup(what_was_registered_is_found_byte_for_byte, reset),
        cmocka_unit_test_setup(a_phone_hangs_on_an_active_card, reset),
        cmocka_unit_test_setup(a_renewed_certificate_names_its_successor, reset),
        cmocka_unit_test_setup(no_certificate_outlives_its_card, reset),
        cmocka_unit_test_setup(a_renewal_ends_the_phone, reset),
        cmocka_unit_test_setup(only_an_active_or_expired_card_is_renewed, reset),
        cmocka_unit_test_setup(a_card_gets_the_certificates_that_were_promised, reset),
        cmocka_unit_test_setup(a_promise_that_is_not_kept_is_revoked, reset),
        cmocka_unit_test_setup(a_machine_certificate_needs_a_code_that_can_exist, reset),
        cmocka_unit_test_setup(terminals_are_numbered_by_institution, reset),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, create, destroy);
}
