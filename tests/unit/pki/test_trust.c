#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <pthread.h>

#include "pki/issue.h"
#include "pki/trust.h"
#include "pki_fixture.h"

static struct private_key card_key, next_card_key, machine_key;
static struct issuer authentication_ca, older_ca, signature_ca, next_ca, stranger_ca;

static int make_authorities(void **state)
{
    (void)state;
    moment from = moment_of_day(2024, 1, 1), to = moment_of_day(2034, 1, 1);
    enum status status = private_key_create(KEY_RSA_2048, &card_key);
    if (status == OK)
        status = private_key_create(KEY_P384, &next_card_key);
    if (status == OK)
        status = private_key_create(KEY_P256, &machine_key);
    if (status == OK)
        status = issuer_create(ISSUER_AUTHENTICATION, KEY_RSA_2048, NULL, from, to, &authentication_ca);
    if (status == OK)
        status = issuer_create(ISSUER_AUTHENTICATION, KEY_RSA_2048, NULL, moment_of_day(2019, 1, 1),
                               moment_of_day(2029, 1, 1), &older_ca);
    if (status == OK)
        status = issuer_create(ISSUER_SIGNATURE, KEY_RSA_2048, NULL, from, to, &signature_ca);
    if (status == OK)
        status = issuer_create(ISSUER_AUTHENTICATION, KEY_P384, NULL, from, to, &next_ca);
    if (status == OK)
        status = issuer_create(ISSUER_AUTHENTICATION, KEY_RSA_2048, NULL, from, to, &stranger_ca);
    return status == OK ? 0 : -1;
}

static int free_authorities(void **state)
{
    (void)state;
    private_key_free(&card_key);
    private_key_free(&next_card_key);
    private_key_free(&machine_key);
    issuer_free(&authentication_ca);
    issuer_free(&older_ca);
    issuer_free(&signature_ca);
    issuer_free(&next_ca);
    issuer_free(&stranger_ca);
    return 0;
}

static void believe(struct trust_anchors *anchors, enum certificate_kind issues, const struct issuer *issuer)
{
    struct buffer der = {0};
    assert_int_equal(certificate_encode(&issuer->certificate, &der), OK);
    assert_int_equal(trust_anchors_add(anchors, issues, buffer_bytes(&der)), OK);
    buffer_free(&der);
}

static struct trust_anchors *anchors_with(size_t remembered, bool accept_test_policy)
{
    struct trust_anchors *anchors;
    const struct trust_settings settings = {.remembered = remembered,
                                            .accept_test_policy = accept_test_policy};
    assert_int_equal(trust_anchors_create(&settings, &anchors), OK);
    believe(anchors, CERTIFICATE_AUTHENTICATION, &older_ca);
    believe(anchors, CERTIFICATE_AUTHENTICATION, &authentication_ca);
    believe(anchors, CERTIFICATE_AUTHENTICATION, &next_ca);
    believe(anchors, CERTIFICATE_SIGNATURE, &signature_ca);
    return anchors;
}

static void issue_from(const struct issuer *issuer, const struct private_key *key, bool test_policy,
                       struct buffer *der)
{
    struct card_certificate_order order = card_order(key);
    order.test_policy = test_policy;
    assert_int_equal(certificate_issue_authentication(issuer, &order, der), OK);
    card_order_free(&order);
}

static void issue_signature_from(const struct issuer *issuer, struct buffer *der)
{
    struct card_certificate_order order = card_order(&card_key);
    struct certificate_holder holder = holder_of_certificate();
    assert_int_equal(certificate_issue_signature(issuer, &order, &holder, der), OK);
    card_order_free(&order);
}

static enum trust_outcome outcome_at(struct trust_anchors *anchors, const struct buffer *der, moment now)
{
    struct trusted_certificate trusted;
    enum trust_outcome outcome =
        trust_check(anchors, buffer_bytes(der), CERTIFICATE_AUTHENTICATION, now, &trusted);
    trusted_certificate_free(&trusted);
    return outcome;
}

static void generations_with_one_name_are_told_apart_by_key(void **state)
{
    (void)state;
    struct trust_anchors *anchors = anchors_with(0, false);
    const struct issuer *issuers[] = {&older_ca, &authentication_ca, &next_ca};
    for (size_t i = 0; i < ARRAY_LENGTH(issuers); i++) {
        struct buffer der = {0};
        struct trusted_certificate trusted;
        struct certificate_id expected;
        struct certificate parsed;
        issue_from(issuers[i], issuers[i] == &next_ca ? &next_card_key : &card_key, false, &der);
        assert_int_equal(trust_check(anchors, buffer_bytes(&der), CERTIFICATE_AUTHENTICATION,
                                     moment_of_day(2026, 11, 22), &trusted),
                         TRUST_GOOD);
        assert_int_equal(certificate_parse(buffer_bytes(&der), &parsed), OK);
        assert_int_equal(issuer_certificate_id(issuers[i], &parsed.serial, &expected), OK);
        assert_true(certificate_id_equal(&trusted.id, &expected));
        assert_int_equal(trusted.kind, CERTIFICATE_AUTHENTICATION);
        assert_false(trusted.test);
        certificate_free(&parsed);
        trusted_certificate_free(&trusted);
        buffer_free(&der);
    }
    trust_anchors_free(anchors);
}

static void a_certificate_is_good_from_its_first_to_its_last_second(void **state)
{
    (void)state;
    moment first = moment_of_day(2026, 1, 1), last = moment_of_day(2031, 1, 1) - MICROSECONDS;
    const struct {
        moment now;
        enum trust_outcome expected;
    } cases[] = {
        {first - 1, TRUST_NOT_YET_VALID},
        {first, TRUST_GOOD},
        {last, TRUST_GOOD},
        {last + MICROSECONDS - 1, TRUST_GOOD},
        {last + MICROSECONDS, TRUST_EXPIRED},
    };
    static const size_t memories[] = {0, 16};
    struct buffer der = {0};
    issue_from(&authentication_ca, &card_key, false, &der);
    for (size_t memory = 0; memory < ARRAY_LENGTH(memories); memory++) {
        struct trust_anchors *anchors = anchors_with(memories[memory], false);
        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
            assert_int_equal(outcome_at(anchors, &der, cases[i].now), cases[i].expected);
        trust_anchors_free(anchors);
    }
    buffer_free(&der);
}

static void an_expired_certificate_still_says_whose_it_is_and_since_when(void **state)
{
    (void)state;
    struct trust_anchors *anchors = anchors_with(16, false);
    struct buffer der = {0};
    struct trusted_certificate trusted;
    issue_from(&authentication_ca, &card_key, false, &der);
    assert_int_equal(trust_check(anchors, buffer_bytes(&der), CERTIFICATE_AUTHENTICATION,
                                 moment_of_day(2031, 2, 1), &trusted),
                     TRUST_EXPIRED);
    assert_true(trusted.not_after == moment_of_day(2031, 1, 1) - MICROSECONDS);
    assert_int_equal(trusted.key.kind, KEY_RSA_2048);
    trusted_certificate_free(&trusted);
    buffer_free(&der);
    trust_anchors_free(anchors);
}

static void a_stranger_with_the_right_name_is_not_believed(void **state)
{
    (void)state;
    struct trust_anchors *anchors = anchors_with(16, false);
    struct buffer der = {0};
    issue_from(&stranger_ca, &card_key, false, &der);
    assert_int_equal(outcome_at(anchors, &der, moment_of_day(2026, 11, 22)), TRUST_UNTRUSTED);
    assert_int_equal(trust_counts(anchors).remembered, 0);
    buffer_free(&der);
    trust_anchors_free(anchors);
}

/* The holder of a good certificate is no authority. */
static void a_card_cannot_issue_certificates(void **state)
{
    (void)state;
    struct trust_anchors *anchors = anchors_with(16, false);
    struct buffer card = {0}, forged = {0};
    struct certificate parsed;
    issue_from(&authentication_ca, &card_key, false, &card);
    assert_int_equal(certificate_parse(buffer_bytes(&card), &parsed), OK);
    struct issuer pretender = {.key = card_key, .certificate = parsed};
    issue_from(&pretender, &next_card_key, false, &forged);
    assert_int_equal(outcome_at(anchors, &forged, moment_of_day(2026, 11, 22)), TRUST_UNTRUSTED);
    struct trust_anchors *empty;
    assert_int_equal(trust_anchors_create(&(struct trust_settings){0}, &empty), OK);
    assert_int_equal(trust_anchors_add(empty, CERTIFICATE_AUTHENTICATION, buffer_bytes(&card)), ERR_DENIED);
    trust_anchors_free(empty);
    certificate_free(&parsed);
    buffer_free(&card);
    buffer_free(&forged);
    trust_anchors_free(anchors);
}

static void every_altered_byte_of_a_certificate_is_noticed(void **state)
{
    (void)state;
    struct trust_anchors *anchors = anchors_with(16, false);
    struct buffer der = {0};
    issue_from(&authentication_ca, &card_key, false, &der);
    assert_int_equal(outcome_at(anchors, &der, moment_of_day(2026, 11, 22)), TRUST_GOOD);
    for (size_t i = 0; i < der.length; i++) {
        der.data[i] ^= 0x01;
        enum trust_outcome outcome = outcome_at(anchors, &der, moment_of_day(2026, 11, 22));
        if (outcome != TRUST_MALFORMED && outcome != TRUST_UNTRUSTED)
            fail_msg("byte %zu: %s", i, trust_outcome_name(outcome));
        der.data[i] ^= 0x01;
    }
    assert_int_equal(ERR_peek_error(), 0);
    buffer_free(&der);
    trust_anchors_free(anchors);
}

static void a_signature_certificate_does_not_open_reception(void **state)
{
    (void)state;
    struct trust_anchors *anchors = anchors_with(16, false);
    struct buffer der = {0};
    struct trusted_certificate trusted;
    issue_signature_from(&signature_ca, &der);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(outcome_at(anchors, &der, moment_of_day(2026, 11, 22)), TRUST_WRONG_POLICY);
        assert_int_equal(trust_check(anchors, buffer_bytes(&der), CERTIFICATE_SIGNATURE,
                                     moment_of_day(2026, 11, 22), &trusted),
                         TRUST_GOOD);
        trusted_certificate_free(&trusted);
    }
    buffer_free(&der);
    trust_anchors_free(anchors);
}

static void an_authority_is_believed_only_for_what_it_issues(void **state)
{
    (void)state;
    struct trust_anchors *anchors = anchors_with(16, false);
    struct buffer der = {0};
    issue_from(&signature_ca, &card_key, false, &der); /* authentication policy by the signature CA */
    assert_int_equal(outcome_at(anchors, &der, moment_of_day(2026, 11, 22)), TRUST_WRONG_POLICY);
    buffer_free(&der);
    trust_anchors_free(anchors);
}

static void test_certificates_are_believed_only_where_configured(void **state)
{
    (void)state;
    struct trust_anchors *strict = anchors_with(16, false), *sandbox = anchors_with(16, true);
    struct buffer der = {0};
    struct trusted_certificate trusted;
    issue_from(&authentication_ca, &card_key, true, &der);
    assert_int_equal(outcome_at(strict, &der, moment_of_day(2026, 11, 22)), TRUST_WRONG_POLICY);
    assert_int_equal(trust_check(sandbox, buffer_bytes(&der), CERTIFICATE_AUTHENTICATION,
                                 moment_of_day(2026, 11, 22), &trusted),
                     TRUST_GOOD);
    assert_true(trusted.test);
    trusted_certificate_free(&trusted);
    buffer_free(&der);
    trust_anchors_free(strict);
    trust_anchors_free(sandbox);
}

static void an_authority_past_its_own_validity_is_not_believed(void **state)
{
    (void)state;
    struct trust_anchors *anchors = anchors_with(16, false);
    struct buffer der = {0};
    issue_from(&older_ca, &card_key, false, &der);
    moment end = moment_of_day(2029, 1, 1) + MICROSECONDS;
    assert_int_equal(outcome_at(anchors, &der, end - 1), TRUST_GOOD);
    assert_int_equal(outcome_at(anchors, &der, end), TRUST_UNTRUSTED);
    buffer_free(&der);
    trust_anchors_free(anchors);
}

static void rubbish_is_malformed(void **state)
{
    (void)state;
    struct trust_anchors *anchors = anchors_with(16, false);
    struct trusted_certificate trusted;
    static const uint8_t too_long[CERTIFICATE_LIMIT + 1];
    const struct bytes cases[] = {{0}, bytes_of_text("0"), bytes_of(too_long, sizeof(too_long))};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(
            trust_check(anchors, cases[i], CERTIFICATE_AUTHENTICATION, moment_of_day(2026, 11, 22), &trusted),
            TRUST_MALFORMED);
    }
    trust_anchors_free(anchors);
}

static void the_same_anchor_is_added_once(void **state)
{
    (void)state;
    struct trust_anchors *anchors = anchors_with(0, false);
    struct buffer der = {0};
    assert_int_equal(certificate_encode(&authentication_ca.certificate, &der), OK);
    assert_int_equal(trust_anchors_add(anchors, CERTIFICATE_AUTHENTICATION, buffer_bytes(&der)), ERR_EXISTS);
    assert_int_equal(trust_anchors_add(anchors, CERTIFICATE_CA, buffer_bytes(&der)), ERR_RANGE);
    buffer_free(&der);
    trust_anchors_free(anchors);
}

static void anchors_come_from_a_file_of_several(void **state)
{
    (void)state;
    struct scratch scratch;
    struct buffer first = {0}, second = {0}, der = {0};
    struct trust_anchors *anchors;
    scratch_create(&scratch);
    assert_int_equal(certificate_encode(&older_ca.certificate, &first), OK);
    assert_int_equal(certificate_encode(&authentication_ca.certificate, &second), OK);
    const struct bytes both[] = {buffer_bytes(&first), buffer_bytes(&second)};
    assert_int_equal(certificate_save(both, 2, scratch_file(&scratch, "ca.pem")), OK);
    assert_int_equal(trust_anchors_create(&(struct trust_settings){0}, &anchors), OK);
    assert_int_equal(
        trust_anchors_add_file(anchors, CERTIFICATE_AUTHENTICATION, scratch_file(&scratch, "ca.pem")), OK);
    issue_from(&authentication_ca, &card_key, false, &der);
    assert_int_equal(outcome_at(anchors, &der, moment_of_day(2026, 11, 22)), TRUST_GOOD);
    scratch_write(&scratch, "none.pem", bytes_of_text(""), 0644);
    assert_int_equal(
        trust_anchors_add_file(anchors, CERTIFICATE_AUTHENTICATION, scratch_file(&scratch, "none.pem")),
        ERR_NOT_FOUND);
    buffer_free(&first);
    buffer_free(&second);
    buffer_free(&der);
    trust_anchors_free(anchors);
    scratch_remove(&scratch);
}

/* ---- memory ---- */

static void a_checked_chain_is_not_checked_again(void **state)
{
    (void)state;
    struct trust_anchors *anchors = anchors_with(16, false);
    struct buffer der = {0};
    issue_from(&authentication_ca, &card_key, false, &der);
    for (int i = 0; i < 5; i++)
        assert_int_equal(outcome_at(anchors, &der, moment_of_day(2026, 11, 22)), TRUST_GOOD);
    assert_int_equal(trust_counts(anchors).checked, 1);
    assert_int_equal(trust_counts(anchors).remembered, 4);
    buffer_free(&der);
    trust_anchors_free(anchors);
}

static void what_was_refused_is_checked_each_time(void **state)
{
    (void)state;
    struct trust_anchors *anchors = anchors_with(16, false);
    struct buffer der = {0};
    issue_from(&stranger_ca, &card_key, false, &der);
    for (int i = 0; i < 3; i++)
        assert_int_equal(outcome_at(anchors, &der, moment_of_day(2026, 11, 22)), TRUST_UNTRUSTED);
    assert_int_equal(trust_counts(anchors).checked, 3);
    buffer_free(&der);
    trust_anchors_free(anchors);
}

static void the_memory_is_bounded_and_forgets_the_oldest(void **state)
{
    (void)state;
    struct trust_anchors *anchors = anchors_with(4, false);
    struct buffer ders[6] = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(ders); i++)
        issue_from(&authentication_ca, &card_key, false, &ders[i]);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(outcome_at(anchors, &ders[i], moment_of_day(2026, 11, 22)), TRUST_GOOD);
    assert_int_equal(outcome_at(anchors, &ders[4], moment_of_day(2026, 11, 22)), TRUST_GOOD);
    assert_int_equal(trust_counts(anchors).remembered, 1);
    assert_int_equal(outcome_at(anchors, &ders[0], moment_of_day(2026, 11, 22)), TRUST_GOOD);
    assert_int_equal(trust_counts(anchors).checked, 6);
    for (size_t i = 0; i < ARRAY_LENGTH(ders); i++)
        buffer_free(&ders[i]);
    trust_anchors_free(anchors);
}

/* What a caller holds stays usable when its place in the memory was given away. */
static void a_trusted_certificate_outlives_the_memory(void **state)
{
    (void)state;
    struct trust_anchors *anchors = anchors_with(1, false);
    struct buffer der = {0};
    struct trusted_certificate trusted;
    struct signature signature;
    issue_from(&authentication_ca, &card_key, false, &der);
    assert_int_equal(trust_check(anchors, buffer_bytes(&der), CERTIFICATE_AUTHENTICATION,
                                 moment_of_day(2026, 11, 22), &trusted),
                     TRUST_GOOD);
    trust_anchors_free(anchors);
    assert_int_equal(private_key_sign(&card_key, bytes_of_text("m"), &signature), OK);
    assert_int_equal(
        public_key_verify(&trusted.key, bytes_of_text("m"), bytes_of(signature.bytes, signature.length)), OK);
    trusted_certificate_free(&trusted);
    buffer_free(&der);
}

struct crowd {
    struct trust_anchors *anchors;
    struct buffer ders[8];
    int failures;
};

static void *check_them_all(void *argument)
{
    struct crowd *crowd = argument;
    for (size_t i = 0; i < 400; i++) {
        if (outcome_at(crowd->anchors, &crowd->ders[i % 8], moment_of_day(2026, 11, 22)) != TRUST_GOOD)
            __atomic_add_fetch(&crowd->failures, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void many_threads_share_one_memory(void **state)
{
    (void)state;
    struct crowd crowd = {.anchors = anchors_with(4, false)};
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LENGTH(crowd.ders); i++)
        issue_from(&authentication_ca, &card_key, false, &crowd.ders[i]);
    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, check_them_all, &crowd), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.failures, 0);
    struct trust_counts counts = trust_counts(crowd.anchors);
    assert_int_equal(counts.checked + counts.remembered, 1600);
    for (size_t i = 0; i < ARRAY_LENGTH(crowd.ders); i++)
        buffer_free(&crowd.ders[i]);
    trust_anchors_free(crowd.anchors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generations_with_one_name_are_told_apart_by_key),
        cmocka_unit_test(a_certificate_is_good_from_its_first_to_its_last_second),
        cmocka_unit_test(an_expired_certificate_still_says_whose_it_is_and_since_when),
        cmocka_unit_test(a_stranger_with_the_right_name_is_not_believed),
        cmocka_unit_test(a_card_cannot_issue_certificates),
        cmocka_unit_test(every_altered_byte_of_a_certificate_is_noticed),
        cmocka_unit_test(a_signature_certificate_does_not_open_reception),
        cmocka_unit_test(an_authority_is_believed_only_for_what_it_issues),
        cmocka_unit_test(test_certificates_are_believed_only_where_configured),
        cmocka_unit_test(an_authority_past_its_own_validity_is_not_believed),
        cmocka_unit_test(rubbish_is_malformed),
        cmocka_unit_test(the_same_anchor_is_added_once),
        cmocka_unit_test(anchors_come_from_a_file_of_several),
        cmocka_unit_test(a_checked_chain_is_not_checked_again),
        cmocka_unit_test(what_was_refused_is_checked_each_time),
        cmocka_unit_test(the_memory_is_bounded_and_forgets_the_oldest),
        cmocka_unit_test(a_trusted_certificate_outlives_the_memory),
        cmocka_unit_test(many_threads_share_one_memory),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_authorities, free_authorities);
}
