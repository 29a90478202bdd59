#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "pki/issue.h"
#include "pki_fixture.h"

/* Made once: RSA keys take long. */
static struct private_key card_key, machine_key;
static struct issuer authentication_ca, signature_ca, next_ca, machine_ca;

static int make_authorities(void **state)
{
    (void)state;
    moment from = moment_of_day(2024, 1, 1), to = moment_of_day(2034, 1, 1);
    enum status status = private_key_create(KEY_RSA_2048, &card_key);
    if (status == OK)
        status = private_key_create(KEY_P256, &machine_key);
    if (status == OK)
        status = issuer_create(ISSUER_AUTHENTICATION, KEY_RSA_2048, NULL, from, to, &authentication_ca);
    if (status == OK)
        status = issuer_create(ISSUER_SIGNATURE, KEY_RSA_2048, NULL, from, to, &signature_ca);
    if (status == OK)
        status = issuer_create(ISSUER_AUTHENTICATION, KEY_P384, NULL, from, to, &next_ca);
    if (status == OK)
        status = issuer_create(ISSUER_MACHINES, KEY_P256, "資格確認試験機関", from, to, &machine_ca);
    return status == OK ? 0 : -1;
}

static int free_authorities(void **state)
{
    (void)state;
    private_key_free(&card_key);
    private_key_free(&machine_key);
    issuer_free(&authentication_ca);
    issuer_free(&signature_ca);
    issuer_free(&next_ca);
    issuer_free(&machine_ca);
    return 0;
}

static void issue_authentication(const struct issuer *issuer, struct buffer *der)
{
    struct card_certificate_order order = card_order(&card_key);
    assert_int_equal(certificate_issue_authentication(issuer, &order, der), OK);
    card_order_free(&order);
}

static void issue_signature(struct buffer *der)
{
    struct card_certificate_order order = card_order(&card_key);
    struct certificate_holder holder = holder_of_certificate();
    assert_int_equal(certificate_issue_signature(&signature_ca, &order, &holder, der), OK);
    card_order_free(&order);
}

/* RFC 2253 with UTF-8 left alone; the caller frees it. */
static char *name_in_words(const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509_NAME_print_ex(bio, name, 0,
                       (XN_FLAG_RFC2253 | XN_FLAG_SPC_EQ) & ~(ASN1_STRFLGS_ESC_MSB | XN_FLAG_DN_REV));
    char *text;
    long length = BIO_get_mem_data(bio, &text);
    char *copy = strndup(text, (size_t)length);
    BIO_free(bio);
    return copy;
}

static void assert_name(const X509_NAME *name, const char *expected)
{
    char *words = name_in_words(name);
    assert_string_equal(words, expected);
    free(words);
}

static void card_certificates_have_the_size_of_real_ones(void **state)
{
    (void)state;
    struct buffer authentication = {0}, signature = {0};
    issue_authentication(&authentication_ca, &authentication);
    issue_signature(&signature);
    assert_in_range(authentication.length, 1300, 1550);
    assert_in_range(signature.length, 1300, 1550);
    buffer_free(&authentication);
    buffer_free(&signature);
}

static void the_names_of_the_card_authority_are_those_of_every_generation(void **state)
{
    (void)state;
    static const char name[] = "C = JP,O = JPKI,OU = JPKI for user authentication,"
                               "OU = Japan Agency for Local Authority Information Systems";
    assert_name(X509_get_subject_name(authentication_ca.certificate.handle), name);
    assert_name(X509_get_subject_name(next_ca.certificate.handle), name);
    assert_name(X509_get_subject_name(signature_ca.certificate.handle),
                "C = JP,O = JPKI,OU = JPKI for digital signature,"
                "OU = Japan Agency for Local Authority Information Systems");
    const X509_NAME *subject = X509_get_subject_name(authentication_ca.certificate.handle);
    assert_int_equal(ASN1_STRING_type(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, 0))),
                     V_ASN1_PRINTABLESTRING);
    for (int i = 1; i < X509_NAME_entry_count(subject); i++)
        assert_int_equal(ASN1_STRING_type(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i))),
                         V_ASN1_UTF8STRING);
}

static void an_authentication_certificate_holds_nothing_of_the_person(void **state)
{
    (void)state;
    struct buffer der = {0};
    struct certificate certificate;
    issue_authentication(&authentication_ca, &der);
    assert_int_equal(certificate_parse(buffer_bytes(&der), &certificate), OK);
    X509_NAME *subject = X509_get_subject_name(certificate.handle);
    assert_int_equal(X509_NAME_entry_count(subject), 2);
    char name[64];
    assert_int_equal(X509_NAME_get_text_by_NID(subject, NID_commonName, name, sizeof(name)), 23);
    assert_int_equal(strspn(name, "0123456789ABCDEFGHIJKLMNOP"), 23);
    assert_int_equal(X509_get_ext_by_NID(certificate.handle, NID_subject_alt_name, -1), -1);
    certificate_free(&certificate);
    buffer_free(&der);
}

static void an_authentication_certificate_says_what_it_is_for(void **state)
{
    (void)state;
    struct buffer der = {0};
    struct certificate certificate;
    issue_authentication(&authentication_ca, &der);
    assert_int_equal(certificate_parse(buffer_bytes(&der), &certificate), OK);
    assert_int_equal(certificate.kind, CERTIFICATE_AUTHENTICATION);
    assert_int_equal(certificate.key.kind, KEY_RSA_2048);
    assert_true(certificate.not_before == moment_of_day(2026, 1, 1));
    assert_true(certificate.not_after == moment_of_day(2031, 1, 1) - MICROSECONDS);
    assert_int_equal(X509_get_key_usage(certificate.handle), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(certificate.handle), XKU_SSL_CLIENT);
    int at = X509_get_ext_by_NID(certificate.handle, NID_certificate_policies, -1);
    assert_true(X509_EXTENSION_get_critical(X509_get_ext(certificate.handle, at)));
    certificate_free(&certificate);
    buffer_free(&der);
}

static void revocation_lists_are_named_by_municipality(void **state)
{
    (void)state;
    struct buffer der = {0};
    struct certificate certificate;
    issue_authentication(&authentication_ca, &der);
    assert_int_equal(certificate_parse(buffer_bytes(&der), &certificate), OK);
    CRL_DIST_POINTS *points = X509_get_ext_d2i(certificate.handle, NID_crl_distribution_points, NULL, NULL);
    assert_int_equal(sk_DIST_POINT_num(points), 1);
    const DIST_POINT_NAME *where = sk_DIST_POINT_value(points, 0)->distpoint;
    assert_int_equal(where->type, 0);
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(where->name.fullname, 0);
    assert_int_equal(name->type, GEN_DIRNAME);
    assert_name(name->d.directoryName, "C = JP,O = JPKI,OU = JPKI for user authentication,"
                                       "OU = CRL Distribution Points,OU = Tokyo-to,CN = 13101 CRLDP");
    CRL_DIST_POINTS_free(points);
    certificate_free(&certificate);
    buffer_free(&der);
}

static void a_municipality_that_does_not_exist_gets_no_certificate(void **state)
{
    (void)state;
    static const char *const codes[] = {"00100", "48101", "1310", "1310a", "", "131011"};
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        struct buffer der = {0};
        struct card_certificate_order order = card_order(&card_key);
        memset(&order.municipality, 0, sizeof(order.municipality));
        memcpy(order.municipality.digits, codes[i], strnlen(codes[i], 6));
        assert_int_equal(certificate_issue_authentication(&authentication_ca, &order, &der), ERR_RANGE);
        assert_int_equal(der.length, 0);
        card_order_free(&order);
    }
}

static void assert_holder_item(GENERAL_NAMES *names, int position, const char *oid, const char *expected)
{
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, position);
    assert_int_equal(name->type, GEN_OTHERNAME);
    char found[80];
    OBJ_obj2txt(found, sizeof(found), name->d.otherName->type_id, 1);
    assert_string_equal(found, oid);
    assert_int_equal(name->d.otherName->value->type, V_ASN1_UTF8STRING);
    const ASN1_STRING *text = name->d.otherName->value->value.utf8string;
    assert_true(bytes_equal(bytes_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text)),
                            bytes_of_text(expected)));
}

static void a_signature_certificate_names_its_holder_in_the_order_of_the_card(void **state)
{
    (void)state;
    struct buffer der = {0};
    struct certificate certificate;
    issue_signature(&der);
    assert_int_equal(certificate_parse(buffer_bytes(&der), &certificate), OK);
    assert_int_equal(certificate.kind, CERTIFICATE_SIGNATURE);
    assert_int_equal(X509_get_key_usage(certificate.handle), KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION);
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate.handle, NID_subject_alt_name, NULL, NULL);
    assert_int_equal(sk_GENERAL_NAME_num(names), 6);
    assert_holder_item(names, 0, "1.2.392.200149.8.5.5.1", "髙橋　﨑子");
    assert_holder_item(names, 1, "1.2.392.200149.8.5.5.4", "319850517");
    assert_holder_item(names, 2, "1.2.392.200149.8.5.5.3", "2");
    assert_holder_item(names, 3, "1.2.392.200149.8.5.5.5",
                       "東京都千代田区霞が関一丁目２番２号中央合同庁舎第５号館");
    assert_holder_item(names, 4, "1.2.392.200149.8.5.5.2", "00000");
    assert_holder_item(names, 5, "1.2.392.200149.8.5.5.6", "000000000000000000000000000");
    GENERAL_NAMES_free(names);
    certificate_free(&certificate);
    buffer_free(&der);
}

static void the_era_of_birth_is_written_as_a_digit(void **state)
{
    (void)state;
    static const struct {
        int year, month, day;
        const char *written;
    } cases[] = {
        {1912, 7, 29, "119120729"},  {1912, 7, 30, "219120730"}, {1926, 12, 24, "219261224"},
        {1926, 12, 25, "319261225"}, {1989, 1, 7, "319890107"},  {1989, 1, 8, "419890108"},
        {2019, 4, 30, "420190430"},  {2019, 5, 1, "520190501"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct buffer der = {0};
        struct certificate certificate;
        struct card_certificate_order order = card_order(&card_key);
        struct certificate_holder holder = holder_of_certificate();
        assert_int_equal(date_from_ymd(cases[i].year, cases[i].month, cases[i].day, &holder.birth), OK);
        assert_int_equal(certificate_issue_signature(&signature_ca, &order, &holder, &der), OK);
        assert_int_equal(certificate_parse(buffer_bytes(&der), &certificate), OK);
        GENERAL_NAMES *names = X509_get_ext_d2i(certificate.handle, NID_subject_alt_name, NULL, NULL);
        assert_holder_item(names, 1, "1.2.392.200149.8.5.5.4", cases[i].written);
        GENERAL_NAMES_free(names);
        certificate_free(&certificate);
        card_order_free(&order);
        buffer_free(&der);
    }
}

static void a_certificate_has_the_id_it_was_promised_before_it_existed(void **state)
{
    (void)state;
    struct buffer der = {0};
    struct certificate certificate;
    struct card_certificate_order order = card_order(&card_key);
    struct certificate_id promised, found, elsewhere;
    struct buffer spki = {0};
    assert_int_equal(issuer_certificate_id(&authentication_ca, &order.serial, &promised), OK);
    assert_int_equal(certificate_issue_authentication(&authentication_ca, &order, &der), OK);
    assert_int_equal(certificate_parse(buffer_bytes(&der), &certificate), OK);
    assert_int_equal(public_key_encode(&authentication_ca.certificate.key, &spki), OK);
    assert_int_equal(certificate_id_make(buffer_bytes(&spki), &certificate.serial, &found), OK);
    assert_true(certificate_id_equal(&promised, &found));
    /* The same serial under another generation's key is another certificate. */
    assert_int_equal(issuer_certificate_id(&next_ca, &order.serial, &elsewhere), OK);
    assert_false(certificate_id_equal(&promised, &elsewhere));
    buffer_free(&spki);
    certificate_free(&certificate);
    card_order_free(&order);
    buffer_free(&der);
}

static void a_short_serial_is_padded_on_the_left(void **state)
{
    (void)state;
    struct buffer der = {0};
    struct certificate certificate;
    struct card_certificate_order order = card_order(&card_key);
    order.serial = (struct serial){.bytes = {[18] = 0x12, [19] = 0xB4}};
    assert_int_equal(certificate_issue_authentication(&authentication_ca, &order, &der), OK);
    assert_int_equal(certificate_parse(buffer_bytes(&der), &certificate), OK);
    assert_memory_equal(&certificate.serial, &order.serial, sizeof(order.serial));
    certificate_free(&certificate);
    card_order_free(&order);
    buffer_free(&der);
}

static void a_machine_certificate_carries_kind_and_code(void **state)
{
    (void)state;
    static const struct machine_subject subjects[] = {
        {MACHINE_INSTITUTION, "0110113719"},
        {MACHINE_INSURER, "06139463"},
        {MACHINE_LINK, "link-1"},
        {MACHINE_OPERATOR, "counter-13101"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(subjects); i++) {
        struct machine_certificate_order order = {
            .subject = subjects[i],
            .not_before = moment_of_day(2026, 1, 1),
            .not_after = moment_of_day(2028, 1, 1),
        };
        struct buffer der = {0};
        struct certificate certificate;
        serial_create(&order.serial);
        assert_int_equal(public_key_of(&machine_key, &order.key), OK);
        assert_int_equal(certificate_issue_machine(&machine_ca, &order, &der), OK);
        assert_int_equal(certificate_parse(buffer_bytes(&der), &certificate), OK);
        assert_int_equal(certificate.kind, CERTIFICATE_MACHINE);
        assert_int_equal(certificate.machine.kind, subjects[i].kind);
        assert_string_equal(certificate.machine.code, subjects[i].code);
        certificate_free(&certificate);
        public_key_free(&order.key);
        buffer_free(&der);
    }
}

static void a_machine_without_a_sensible_code_gets_no_certificate(void **state)
{
    (void)state;
    static const char *const codes[] = {"", "a b", "012,CN", "0123456789012345678901234567890123",
                                        "\xE3\x81\x82"};
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        struct machine_certificate_order order = {.subject = {.kind = MACHINE_INSURER}};
        struct buffer der = {0};
        strncpy(order.subject.code, codes[i], MACHINE_CODE_LIMIT);
        if (strlen(codes[i]) > MACHINE_CODE_LIMIT)
            continue; /* cannot even be stated */
        assert_int_equal(public_key_of(&machine_key, &order.key), OK);
        assert_int_equal(certificate_issue_machine(&machine_ca, &order, &der), ERR_RANGE);
        public_key_free(&order.key);
    }
}

static void an_issuer_is_loaded_only_with_its_own_key(void **state)
{
    (void)state;
    struct scratch scratch;
    struct issuer loaded;
    scratch_create(&scratch);
    assert_int_equal(issuer_save(&authentication_ca, scratch_file(&scratch, "a")), OK);
    assert_int_equal(issuer_save(&signature_ca, scratch_file(&scratch, "b")), OK);
    assert_int_equal(issuer_load(scratch_file(&scratch, "a"), &loaded), OK);
    issuer_free(&loaded);
    assert_int_equal(rename(scratch_file(&scratch, "b.key"), scratch_file(&scratch, "a.key")), 0);
    assert_int_equal(issuer_load(scratch_file(&scratch, "a"), &loaded), ERR_DAMAGED);
    scratch_remove(&scratch);
}

static void a_request_proves_that_its_sender_holds_the_key(void **state)
{
    (void)state;
    struct buffer request = {0};
    struct public_key key;
    assert_int_equal(certificate_request_create(&machine_key, &request), OK);
    assert_int_equal(certificate_request_open(buffer_bytes(&request), &key), OK);
    assert_int_equal(EVP_PKEY_eq(key.handle, machine_key.handle), 1);
    public_key_free(&key);
    for (size_t i = 0; i < request.length; i++) {
        request.data[i] ^= 0x01;
        assert_int_not_equal(certificate_request_open(buffer_bytes(&request), &key), OK);
        request.data[i] ^= 0x01;
    }
    buffer_free(&request);
}

/* ---- what is refused ---- */

static void every_shortened_or_lengthened_certificate_is_refused(void **state)
{
    (void)state;
    struct buffer der = {0};
    struct certificate refused;
    issue_authentication(&authentication_ca, &der);
    for (size_t length = 0; length < der.length; length++)
        assert_int_not_equal(certificate_parse(bytes_of(der.data, length), &refused), OK);
    assert_int_equal(buffer_append(&der, bytes_of("", 1)), OK);
    assert_int_equal(certificate_parse(buffer_bytes(&der), &refused), ERR_MALFORMED);
    buffer_free(&der);
}

static void a_certificate_beyond_the_limit_is_not_looked_at(void **state)
{
    (void)state;
    static const uint8_t long_one[CERTIFICATE_LIMIT + 1] = {0x30, 0x82};
    struct certificate refused;
    assert_int_equal(certificate_parse(bytes_of(long_one, sizeof(long_one)), &refused), ERR_TOO_LARGE);
    assert_int_equal(certificate_parse(bytes_of(long_one, CERTIFICATE_LIMIT), &refused), ERR_MALFORMED);
}

/* A certificate as OpenSSL makes it, with one thing wrong. */
static enum status parse_with(int version, const EVP_MD *digest, int extension, const char *words)
{
    X509 *x509 = X509_new();
    X509_set_version(x509, version);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 7);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 86400L);
    X509_set_pubkey(x509, machine_key.handle);
    if (words) {
        X509_EXTENSION *made = X509V3_EXT_conf_nid(NULL, NULL, extension, words);
        assert_non_null(made);
        X509_add_ext(x509, made, -1);
        X509_EXTENSION_free(made);
    }
    assert_true(X509_sign(x509, machine_key.handle, digest) > 0);
    uint8_t *der = NULL;
    int length = i2d_X509(x509, &der);
    struct certificate certificate = {0};
    enum status status = certificate_parse(bytes_of(der, (size_t)length), &certificate);
    certificate_free(&certificate);
    OPENSSL_free(der);
    X509_free(x509);
    return status;
}

static void weak_or_strange_certificates_are_refused(void **state)
{
    (void)state;
    static const char critical_unknown[] = "critical,DER:0500";
    int unknown = OBJ_create("1.2.3.4.5.6.7", "strange", "strange extension");
    assert_int_equal(parse_with(X509_VERSION_3, EVP_sha256(), 0, NULL), OK);
    assert_int_equal(parse_with(X509_VERSION_1, EVP_sha256(), 0, NULL), ERR_MALFORMED);
    assert_int_equal(parse_with(X509_VERSION_3, EVP_sha1(), 0, NULL), ERR_UNSUPPORTED);
    assert_int_equal(parse_with(X509_VERSION_3, EVP_sha512(), 0, NULL), ERR_UNSUPPORTED);
    assert_int_equal(parse_with(X509_VERSION_3, EVP_sha256(), unknown, critical_unknown), ERR_MALFORMED);
    assert_int_equal(parse_with(X509_VERSION_3, EVP_sha256(), NID_basic_constraints, "DER:0500"),
                     ERR_MALFORMED);
}

static void a_pem_file_gives_its_certificates_in_order(void **state)
{
    (void)state;
    struct scratch scratch;
    struct buffer first = {0}, second = {0};
    struct certificate loaded;
    scratch_create(&scratch);
    assert_int_equal(certificate_encode(&authentication_ca.certificate, &first), OK);
    assert_int_equal(certificate_encode(&signature_ca.certificate, &second), OK);
    const struct bytes both[] = {buffer_bytes(&first), buffer_bytes(&second)};
    assert_int_equal(certificate_save(both, 2, scratch_file(&scratch, "both.pem")), OK);
    assert_int_equal(certificate_load(scratch_file(&scratch, "both.pem"), &loaded), OK);
    assert_true(sha256_equal(&loaded.fingerprint, &authentication_ca.certificate.fingerprint));
    certificate_free(&loaded);
    scratch_write(&scratch, "empty.pem", bytes_of_text("nothing here\n"), 0644);
    assert_int_equal(certificate_load(scratch_file(&scratch, "empty.pem"), &loaded), ERR_NOT_FOUND);
    buffer_free(&first);
    buffer_free(&second);
    scratch_remove(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(card_certificates_have_the_size_of_real_ones),
        cmocka_unit_test(the_names_of_the_card_authority_are_those_of_every_generation),
        cmocka_unit_test(an_authentication_certificate_holds_nothing_of_the_person),
        cmocka_unit_test(an_authentication_certificate_says_what_it_is_for),
        cmocka_unit_test(revocation_lists_are_named_by_municipality),
        cmocka_unit_test(a_municipality_that_does_not_exist_gets_no_certificate),
        cmocka_unit_test(a_signature_certificate_names_its_holder_in_the_order_of_the_card),
        cmocka_unit_test(the_era_of_birth_is_written_as_a_digit),
        cmocka_unit_test(a_certificate_has_the_id_it_was_promised_before_it_existed),
        cmocka_unit_test(a_short_serial_is_padded_on_the_left),
        cmocka_unit_test(a_machine_certificate_carries_kind_and_code),
        cmocka_unit_test(a_machine_without_a_sensible_code_gets_no_certificate),
        cmocka_unit_test(an_issuer_is_loaded_only_with_its_own_key),
        cmocka_unit_test(a_request_proves_that_its_sender_holds_the_key),
        cmocka_unit_test(every_shortened_or_lengthened_certificate_is_refused),
        cmocka_unit_test(a_certificate_beyond_the_limit_is_not_looked_at),
        cmocka_unit_test(weak_or_strange_certificates_are_refused),
        cmocka_unit_test(a_pem_file_gives_its_certificates_in_order),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_authorities, free_authorities);
}
