#include "test_centre.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/consent.h"
#include "domain/eligibility.h"
#include "exchange/problem_json.h"
#include "pki/challenge.h"

#define INSTITUTION "0110113719"

/* ---- Answers ---- */

static char answer_text[8192];

static void take_coverage(struct subscription_facts *facts, struct date lost)
{
    facts->coverage = coverage_blank();
    facts->subscription = 7;
    facts->link = LINK_CONFIRMED;
    facts->person = (struct person_facts){.id = 3, .card_use_registered = true};
    struct insured_key *key = &facts->coverage.key;
    assert_int_equal(insurer_number_parse("06139463", 8, &key->insurer), REASON_NONE);
    assert_int_equal(insured_symbol_parse("12", 2, &key->symbol), REASON_NONE);
    assert_int_equal(insured_number_parse("567", 3, &key->number), REASON_NONE);
    assert_int_equal(branch_number_parse("01", 2, &key->branch), REASON_NONE);
    facts->coverage.insurer_name = bytes_of_text("テスト健康保険組合");
    facts->coverage.person.name.text = bytes_of_text(TEST_CARD_NAME);
    facts->coverage.person.sex = SEX_MALE;
    assert_int_equal(date_from_ymd(1980, 2, 17, &facts->coverage.person.birth), OK);
    assert_int_equal(date_from_ymd(2020, 4, 1, &facts->coverage.acquired), OK);
    facts->coverage.lost = lost;
    facts->coverage.registered_by = bytes_of_text("テスト健康保険組合");
}

static const char *answer_about(struct date lost)
{
    struct region region = {0};
    struct subscription_facts facts = {0};
    take_coverage(&facts, lost);
    struct question question = {.kind = QUESTION_BY_NUMBER,
                                .asked_at = clock_now(&real_clock),
                                .key = facts.coverage.key,
                                .birth = facts.coverage.person.birth};
    question.day = date_in_tokyo(question.asked_at);
    struct buffer text = {0};
    assert_int_equal(answer_to_json_text(eligibility_decide_by_number(&region, &question, &facts, 1),
                                         (struct bytes){0}, &text),
                     OK);
    assert_true(text.length < sizeof answer_text);
    memcpy(answer_text, text.data, text.length);
    answer_text[text.length] = '\0';
    buffer_free(&text);
    region_free(&region);
    return answer_text;
}

const char *eligible_answer(void)
{
    return answer_about(DATE_NONE);
}

const char *lost_answer(void)
{
    struct date lost;
    assert_int_equal(date_from_ymd(2024, 4, 1, &lost), OK);
    return answer_about(lost);
}

const char *problem_text(enum reason reason)
{
    static char text[4096];
    const struct problem problem = problem_of(reason);
    struct buffer buffer = {0};
    assert_int_equal(problem_to_json_text(&problem, &buffer), OK);
    assert_true(buffer.length < sizeof text);
    memcpy(text, buffer.data, buffer.length);
    text[buffer.length] = '\0';
    buffer_free(&buffer);
    return text;
}

/* ---- Who is who: keys and certificates on disk ---- */

static moment days_from_now(int days)
{
    return clock_now(&real_clock) + (moment)days * 86400 * MICROSECONDS;
}

static const char *path_in(const struct test_centre *centre, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", centre->directory.path, name);
    return path;
}

static void make_ca(struct test_centre *centre)
{
    struct issuer ca = {0};
    struct buffer der = {0};
    assert_int_equal(
        issuer_create(ISSUER_CENTRE, KEY_P256, "Test", days_from_now(-2), days_from_now(60), &ca), OK);
    assert_int_equal(certificate_encode(&ca.certificate, &der), OK);
    const struct bytes ders = buffer_bytes(&der);
    assert_int_equal(certificate_save(&ders, 1, path_in(centre, "centre-ca.crt")), OK);
    assert_int_equal(public_key_hash(&ca.certificate.key, &centre->centre), OK);
    buffer_free(&der);
    issuer_free(&ca);
}

static void make_machine(struct test_centre *centre)
{
    struct issuer ca = {0};
    struct private_key key = {0};
    struct buffer der = {0};
    assert_int_equal(
        issuer_create(ISSUER_MACHINES, KEY_P256, "Test", days_from_now(-2), days_from_now(60), &ca), OK);
    assert_int_equal(private_key_create(KEY_P256, &key), OK);
    struct machine_certificate_order order = {.subject = {MACHINE_INSTITUTION, INSTITUTION},
                                              .not_before = days_from_now(-1),
                                              .not_after = days_from_now(30)};
    assert_int_equal(public_key_of(&key, &order.key), OK);
    serial_create(&order.serial);
    assert_int_equal(certificate_issue_machine(&ca, &order, &der), OK);
    const struct bytes ders = buffer_bytes(&der);
    assert_int_equal(certificate_save(&ders, 1, path_in(centre, "machine.crt")), OK);
    assert_int_equal(sha256_of(ders, &centre->machine), OK);
    assert_int_equal(private_key_save(&key, path_in(centre, "machine.key")), OK);
    buffer_free(&der);
    public_key_free(&order.key);
    private_key_free(&key);
    issuer_free(&ca);
}

static void make_terminal(struct test_centre *centre)
{
    uint8_t encoded[TERMINAL_CERTIFICATE_LENGTH];
    terminal_certificate_encode(&centre->authority.terminal, encoded);
    assert_int_equal(
        file_write_durably(path_in(centre, "terminal.cv"), bytes_of(encoded, sizeof encoded), 0644), OK);
    assert_int_equal(private_key_save(&centre->authority.terminal_key, path_in(centre, "terminal.key")), OK);
}

static void write_settings(struct test_centre *centre)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{\"centre_url\": \"http://127.0.0.1:%u\", \"centre_ca\": \"centre-ca.crt\","
             " \"machine_certificate\": \"machine.crt\", \"machine_key\": \"machine.key\","
             " \"institution_code\": \"" INSTITUTION "\","
             " \"terminal_certificate\": \"terminal.cv\", \"terminal_key\": \"terminal.key\"}",
             centre->port);
    snprintf(centre->settings, sizeof centre->settings, "%s/clinic.json", centre->directory.path);
    assert_int_equal(file_write_durably(centre->settings, bytes_of_text(text), 0644), OK);
}

/* ---- Serving ---- */

static void answer(struct http_request *request, unsigned status, const char *text)
{
    http_answer_with(request, status, status == 200 ? "application/json" : "application/problem+json",
                     bytes_of_text(text));
}

static void serve_challenges(struct http_request *request, void *context)
{
    struct test_centre *centre = context;
    pthread_mutex_lock(&centre->lock);
    centre->challenge_requests++;
    if (centre->challenge_problem) {
        answer(request, 403, centre->challenge_problem);
        pthread_mutex_unlock(&centre->lock);
        return;
    }
    json_t *asked = json_loadb((const char *)request->body.data, request->body.length, 0, NULL);
    size_t count = (size_t)json_integer_value(json_object_get(asked, "count"));
    moment now = clock_now(&real_clock) + (moment)centre->clock_ahead * MICROSECONDS;
    struct json_writing writing = json_writing_begin();
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        struct challenge challenge;
        struct buffer text = {0};
        const struct bytes caller = bytes_of(centre->machine.bytes, SHA256_LENGTH);
        if (challenge_create(&centre->challenge_key, caller, now, &challenge) != OK ||
            base64_encode(bytes_of(challenge.bytes, CHALLENGE_LENGTH), &text) != OK)
            abort();
        json_array_append_new(list, json_stringn((const char *)text.data, text.length));
        buffer_free(&text);
    }
    json_put(&writing, "challenges", list);
    json_put_moment(&writing, "expires_at", now + (moment)centre->challenge_life * MICROSECONDS);
    json_put_moment(&writing, "now", now);
    struct buffer body = {0};
    if (json_write_text(json_writing_end(&writing), &body) != OK)
        abort();
    http_answer_with(request, 200, "application/json", buffer_bytes(&body));
    buffer_free(&body);
    json_decref(asked);
    pthread_mutex_unlock(&centre->lock);
}

static void take_base64(const json_t *json, const char *key, struct buffer *out)
{
    const json_t *text = json_object_get(json, key);
    if (text && base64_decode(json_string_value(text), json_string_length(text), out) != OK)
        abort();
}

static void hash_content(const struct test_centre *centre, const json_t *json, bool enrols,
                         struct sha256 *out)
{
    struct buffer content = {0};
    const json_t *given = json_object_get(json, "consents");
    enum status status = OK;
    *out = (struct sha256){0};
    if (enrols) {
        status = terms_content(bytes_of_text(centre->terms), &content);
    } else if (given) {
        struct consents consents = {0};
        for (int kind = 0; kind < CONSENT_KINDS; kind++)
            consents.given[kind] =
                json_is_true(json_object_get(given, consent_kind_code((enum consent_kind)kind)));
        status = consents_content(&consents, &content);
    }
    if (status == OK && content.length > 0)
        status = sha256_of(buffer_bytes(&content), out);
    if (status != OK)
        abort();
    buffer_free(&content);
}

static bool is_for_dispensing(const json_t *json)
{
    const char *purpose = json_string_value(json_object_get(json, "purpose"));
    return purpose && strcmp(purpose, "dispensing") == 0;
}

/* From the centre's own state, never from the request. */
static void rebuild(const struct test_centre *centre, const json_t *json, bool enrols,
                    const struct buffer *challenge, struct statement_message *out)
{
    struct statement statement = {.kind = enrols ? STATEMENT_ENROL : STATEMENT_CHECK,
                                  .centre = centre->centre,
                                  .caller = centre->machine,
                                  .day = DATE_NONE};
    memcpy(statement.institution, INSTITUTION, INSTITUTION_CODE_LENGTH);
    memcpy(statement.challenge.bytes, challenge->data, CHALLENGE_LENGTH);
    hash_content(centre, json, enrols, &statement.content);
    const char *day = json_string_value(json_object_get(json, "day"));
    if (!enrols && date_parse(day, strlen(day), &statement.day) != OK)
        abort();
    if (!enrols)
        statement.purpose = is_for_dispensing(json) ? 2 : 1;
    statement_compose(&statement, out);
}

static bool verify(const struct test_centre *centre, const json_t *json, bool enrols)
{
    struct buffer challenge = {0}, der = {0}, signature = {0}, terminal = {0}, nonce = {0};
    take_base64(json, "challenge", &challenge);
    take_base64(json, "certificate", &der);
    take_base64(json, "signature", &signature);
    take_base64(json, "terminal_certificate", &terminal);
    take_base64(json, "card_nonce", &nonce);
    struct statement_message message;
    rebuild(centre, json, enrols, &challenge, &message);
    struct statement_signature signed_part = {.form = STATEMENT_WITH_PIN,
                                              .signature = buffer_bytes(&signature)};
    if (strcmp(json_string_value(json_object_get(json, "form")), "pinless") == 0) {
        struct terminal_certificate certificate;
        if (terminal_certificate_parse(buffer_bytes(&terminal), &certificate) != OK)
            abort();
        signed_part.form = STATEMENT_WITHOUT_PIN;
        signed_part.terminal = certificate.subject;
        memcpy(signed_part.nonce.bytes, nonce.data, CARD_NONCE_LENGTH);
    }
    struct certificate certificate = {0};
    bool good = certificate_parse(buffer_bytes(&der), &certificate) == OK &&
                statement_verify(&certificate.key, &message, &signed_part) == OK;
    certificate_free(&certificate);
    buffer_free(&challenge);
    buffer_free(&der);
    buffer_free(&signature);
    buffer_free(&terminal);
    buffer_free(&nonce);
    return good;
}

static void note(struct test_centre *centre, const struct http_request *request)
{
    snprintf(centre->last_path, sizeof centre->last_path, "%.*s", (int)request->path.length,
             (const char *)request->path.data);
    buffer_clear(&centre->last_body);
    if (buffer_append(&centre->last_body, request->body) != OK)
        abort();
}

static void serve_signed(struct http_request *request, struct test_centre *centre, bool enrols)
{
    json_t *json = json_loadb((const char *)request->body.data, request->body.length, 0, NULL);
    pthread_mutex_lock(&centre->lock);
    note(centre, request);
    centre->checks++;
    centre->good_signatures += verify(centre, json, enrols);
    const char *refused = centre->once_refused;
    centre->once_refused = NULL;
    answer(request, refused ? 409 : centre->status, refused ? refused : centre->body);
    pthread_mutex_unlock(&centre->lock);
    json_decref(json);
}

static void serve_check_by_card(struct http_request *request, void *context)
{
    serve_signed(request, context, false);
}

static void serve_enrolment(struct http_request *request, void *context)
{
    serve_signed(request, context, true);
}

static void serve_check_by_number(struct http_request *request, void *context)
{
    struct test_centre *centre = context;
    pthread_mutex_lock(&centre->lock);
    note(centre, request);
    centre->checks++;
    answer(request, centre->status, centre->body);
    pthread_mutex_unlock(&centre->lock);
}

static void serve_terms(struct http_request *request, void *context)
{
    struct test_centre *centre = context;
    char text[1024];
    snprintf(text, sizeof text, "{\"version\": \"2026-04\", \"text\": \"%s\"}", centre->terms);
    answer(request, 200, text);
}

static void start_server(struct test_centre *centre)
{
    const struct http_route routes[] = {
        {METHOD_POST, "/v1/challenges", serve_challenges, centre, 0, false},
        {METHOD_POST, "/v1/checks/card", serve_check_by_card, centre, 0, false},
        {METHOD_POST, "/v1/checks/number", serve_check_by_number, centre, 0, false},
        {METHOD_POST, "/v1/enrolments", serve_enrolment, centre, 0, false},
        {METHOD_GET, "/v1/terms", serve_terms, centre, 0, false},
    };
    const struct http_server_settings settings = {.loops = 1, .limits = http_default_limits};
    struct http_listener_settings listener = {.address = "127.0.0.1"};
    unsigned number;
    assert_int_equal(http_router_new(routes, ARRAY_LENGTH(routes), &centre->router), OK);
    assert_int_equal(http_server_new(&settings, &centre->server), OK);
    listener.router = centre->router;
    assert_int_equal(http_server_listen(centre->server, &listener, &number), OK);
    assert_int_equal(http_server_start(centre->server), OK);
    centre->port = http_server_port(centre->server, number);
}

void test_centre_start(struct test_centre *centre)
{
    *centre = (struct test_centre){
        .status = 200, .challenge_life = CHALLENGE_LIFE_SECONDS, .terms = "利用規約 terms of use"};
    pthread_mutex_init(&centre->lock, NULL);
    centre->body = "";
    secret_key_create(&centre->challenge_key);
    test_directory_open(&centre->directory);
    test_authority_open(&centre->authority, KEY_RSA_2048);
    make_ca(centre);
    make_machine(centre);
    make_terminal(centre);
    start_server(centre);
    write_settings(centre);
}

void test_centre_stop(struct test_centre *centre)
{
    http_server_free(centre->server);
    http_router_free(centre->router);
    test_authority_close(&centre->authority);
    test_directory_close(&centre->directory);
    buffer_free(&centre->last_body);
    pthread_mutex_destroy(&centre->lock);
}
