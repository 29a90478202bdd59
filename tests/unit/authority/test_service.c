#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "authority/client.h"
#include "authority/service.h"
#include "authority/words.h"
#include "authority_fixture.h"

/* The running authority with its real listener, asked over mutual TLS. The clock is the real one. */
static struct authority_world world;
static struct authority_service *service;
static struct authority_client *counter, *hotline, *registrar;
static struct public_key feed_key;

static const char *in_world(const char *name)
{
    static char ring[4][192];
    static unsigned next;
    char *path = ring[next++ % 4];
    snprintf(path, sizeof(ring[0]), "%s/%s", world.directory, name);
    return path;
}

/* The settings ask for any free port; clients read it from there. */
static int write_port(void)
{
    char text[80];
    snprintf(text, sizeof(text), "{\"address\": \"127.0.0.1\", \"port\": %u}",
             authority_service_settings(service)->port);
    return file_write_durably(in_world("authority.json"), bytes_of_text(text), 0644) == OK ? 0 : -1;
}

static int start(void **state)
{
    (void)state;
    if (authority_world_create_at(&world, &real_clock) != 0 ||
        authority_service_start(world.directory, &real_clock, &service) != OK || write_port() != 0)
        return -1;
    if (authority_client_open(world.directory, "counter", &counter) != OK ||
        authority_client_open(world.directory, "hotline", &hotline) != OK ||
        authority_client_open(world.directory, "registrar", &registrar) != OK)
        return -1;
    return public_key_load(in_world("public/feed.pem"), &feed_key) == OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    authority_client_close(counter);
    authority_client_close(hotline);
    authority_client_close(registrar);
    authority_service_stop(service);
    public_key_free(&feed_key);
    keys_free();
    return authority_world_remove(&world);
}

/* Status of the answer; out may be NULL. */
static unsigned post(struct authority_client *client, const char *path, json_t *request, json_t **out,
                     struct authority_refusal *refusal)
{
    json_t *answer;
    enum status status = authority_client_post(client, path, request, &answer, refusal);
    if (status != OK && status != ERR_DENIED)
        fail_msg("no answer: %s", status_name(status));
    if (out)
        *out = answer;
    else
        json_decref(answer);
    return refusal->http_status;
}

static json_t *resident_json(const char *number)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "my_number", number, "name",
                     "髙橋　﨑子", "kana", "タカハシ　サキコ", "alias", "", "birth_date", "1985-05-17", "sex",
                     "2", "address", "東京都千代田区霞が関一丁目２番２号", "municipality", "13101",
                     "has_photo", 1);
}

static struct my_number number_of(const char *digits)
{
    struct my_number number;
    assert_int_equal(my_number_parse(digits, 12, &number), REASON_NONE);
    return number;
}

/* Registers the resident too. Eleven digits. */
static void issue_card(const char *eleven_digits, struct issued_card *out)
{
    struct authority_refusal refusal;
    struct card_order order = order_with(eleven_digits, rsa_key(0), rsa_key(1));
    char digits[13];
    snprintf(digits, sizeof(digits), "%s%c", eleven_digits, my_number_check_digit(eleven_digits));
    assert_int_equal(post(counter, "/v1/residents", resident_json(digits), NULL, &refusal), 201);
    assert_int_equal(authority_client_issue_card(counter, &order, out, &refusal), OK);
    order_free(&order);
}

static unsigned change_state(struct authority_client *client, const char *action, const char *kind,
                             const char *id, struct authority_refusal *refusal)
{
    return post(client, "/v1/states", json_pack("{s:s, s:s, s:s}", "action", action, "kind", kind, "id", id),
                NULL, refusal);
}

/* ---- operators ---- */

static void a_card_is_issued_and_renewed_at_the_counter(void **state)
{
    (void)state;
    struct issued_card card, renewed;
    struct authority_refusal refusal;
    struct card_order again = order_with("12345678901", rsa_key(2), rsa_key(3));
    issue_card("12345678901", &card);
    assert_true(card.authentication.present && card.signature.present);
    assert_int_equal(authority_client_renew_card(counter, &again, &renewed, &refusal), OK);
    assert_false(certificate_id_equal(&card.authentication.id, &renewed.authentication.id));
    struct certificate certificate;
    assert_int_equal(certificate_parse(buffer_bytes(&renewed.authentication.certificate), &certificate), OK);
    assert_int_equal(certificate.kind, CERTIFICATE_AUTHENTICATION);
    certificate_free(&certificate);
    issued_card_free(&card);
    issued_card_free(&renewed);
    order_free(&again);
}

static void a_refusal_says_why(void **state)
{
    (void)state;
    struct issued_card card;
    struct authority_refusal refusal;
    struct card_order order = order_with("99999999999", rsa_key(0), NULL);
    assert_int_equal(authority_client_issue_card(counter, &order, &card, &refusal), ERR_DENIED);
    assert_int_equal(refusal.http_status, 404);
    assert_string_equal(refusal.code, "unknown_resident");
    order_free(&order);
    static const struct {
        const char *path, *body;
        unsigned status;
        const char *code;
    } cases[] = {
        {"/v1/residents", "{}", 422, "malformed_request"},
        {"/v1/residents/show", "{\"my_number\": \"123456789012\"}", 422, "malformed_request"},
        {"/v1/residents/show", "{\"certificate\": \"00\"}", 422, "malformed_request"},
        {"/v1/cards", "{\"my_number\": 1}", 422, "malformed_request"},
        {"/v1/states", "{\"action\": \"burn\", \"kind\": \"card\", \"id\": \"00\"}", 422,
         "malformed_request"},
        {"/v1/nothing", "{}", 404, "no_such_endpoint"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(post(counter, cases[i].path, json_loads(cases[i].body, 0, NULL), NULL, &refusal),
                         cases[i].status);
        assert_string_equal(refusal.code, cases[i].code);
    }
}

static void show_tells_items_and_certificates_and_no_number(void **state)
{
    (void)state;
    struct issued_card card;
    struct authority_refusal refusal;
    struct my_number number = number_of("223456789012");
    struct client_resident resident;
    json_t *answer;
    char id[SUBJECT_ID_TEXT];
    issue_card("22345678901", &card);
    subject_id_format(SUBJECT_CARD, &card.authentication.id, id);
    assert_int_equal(
        post(hotline, "/v1/residents/show", json_pack("{s:s}", "certificate", id), &answer, &refusal), 200);
    char *text = json_dumps(answer, 0);
    assert_null(strstr(text, "223456789012"));
    assert_int_equal(json_array_size(json_object_get(answer, "certificates")), 2);
    free(text);
    json_decref(answer);
    assert_int_equal(authority_client_find_resident(counter, &number, &resident, &refusal), OK);
    assert_string_equal(resident.name, "髙橋　﨑子");
    assert_string_equal(resident.municipality.digits, "13101");
    assert_int_equal(resident.sex, SEX_FEMALE);
    authority_client_resident_free(&resident);
    issued_card_free(&card);
}

/* Q8 */
static void the_hotline_suspends_and_only_the_counter_lifts(void **state)
{
    (void)state;
    struct issued_card card;
    struct authority_refusal refusal;
    char id[SUBJECT_ID_TEXT];
    issue_card("32345678901", &card);
    subject_id_format(SUBJECT_CARD, &card.authentication.id, id);
    assert_int_equal(change_state(registrar, "suspend", "card", id, &refusal), 403);
    assert_int_equal(change_state(hotline, "suspend", "card", id, &refusal), 200);
    assert_int_equal(change_state(hotline, "lift", "card", id, &refusal), 403);
    assert_string_equal(refusal.code, "not_permitted");
    assert_int_equal(change_state(registrar, "lift", "card", id, &refusal), 403);
    assert_int_equal(change_state(hotline, "revoke", "card", id, &refusal), 403);
    assert_int_equal(change_state(counter, "lift", "card", id, &refusal), 200);
    assert_int_equal(change_state(counter, "revoke", "card", id, &refusal), 200);
    assert_int_equal(change_state(counter, "lift", "card", id, &refusal), 409);
    assert_string_equal(refusal.code, "wrong_state");
    issued_card_free(&card);
}

/* A machine with its files, as the command line makes them. */
static void issue_machine(const char *kind, const char *code, const char *name, char id[SUBJECT_ID_TEXT])
{
    struct private_key key;
    struct buffer request = {0}, der = {0};
    struct authority_refusal refusal;
    char file[64];
    const char *certificate, *got_id;
    json_t *answer;
    assert_int_equal(private_key_create(KEY_P256, &key), OK);
    assert_int_equal(certificate_request_create(&key, &request), OK);
    assert_int_equal(post(registrar, "/v1/machines",
                          json_pack("{s:s, s:s, s:o}", "kind", kind, "code", code, "request",
                                    json_of_bytes(buffer_bytes(&request))),
                          &answer, &refusal),
                     201);
    assert_int_equal(json_unpack(answer, "{s:s, s:s}", "id", &got_id, "certificate", &certificate), 0);
    snprintf(id, SUBJECT_ID_TEXT, "%s", got_id);
    assert_int_equal(bytes_of_json(certificate, &der), OK);
    struct bytes bytes = buffer_bytes(&der);
    snprintf(file, sizeof(file), "%s.crt", name);
    assert_int_equal(certificate_save(&bytes, 1, in_world(file)), OK);
    snprintf(file, sizeof(file), "%s.key", name);
    assert_int_equal(private_key_save(&key, in_world(file)), OK);
    json_decref(answer);
    private_key_free(&key);
    buffer_free(&request);
    buffer_free(&der);
}

static struct http_client *client_with(const char *name)
{
    char url[64], certificate[64], key[64];
    struct http_client *client;
    snprintf(url, sizeof(url), "https://127.0.0.1:%u", authority_service_settings(service)->port);
    snprintf(certificate, sizeof(certificate), "%s.crt", name);
    snprintf(key, sizeof(key), "%s.key", name);
    const struct http_client_settings settings = {
        .base_url = url,
        .ca_file = in_world("public/server-ca.pem"),
        .certificate_file = name[0] ? in_world(certificate) : NULL,
        .key_file = name[0] ? in_world(key) : NULL,
    };
    assert_int_equal(http_client_new(&settings, &client), OK);
    return client;
}

static unsigned get_feed(struct http_client *client, uint64_t after, unsigned wait_ms,
                         struct http_reply *reply)
{
    char path[80];
    snprintf(path, sizeof(path), "/v1/feed?after=%llu&wait_ms=%u", (unsigned long long)after, wait_ms);
    const struct http_call call = {.method = METHOD_GET, .path = path, .response_limit = 4 << 20};
    assert_int_equal(http_client_call(client, &call, reply), OK);
    return reply->status;
}

static void a_machine_suspended_by_the_authority_is_turned_away_at_once(void **state)
{
    (void)state;
    char id[SUBJECT_ID_TEXT];
    struct authority_refusal refusal;
    struct http_reply reply = {0};
    issue_machine("link", "link-7", "link-7", id);
    struct http_client *client = client_with("link-7");
    assert_int_equal(get_feed(client, 0, 0, &reply), 200);
    assert_int_equal(change_state(hotline, "suspend", "machine", id, &refusal), 403);
    assert_int_equal(change_state(registrar, "suspend", "machine", id, &refusal), 200);
    assert_int_equal(get_feed(client, 0, 0, &reply), 403); /* over the same connection */
    assert_int_equal(change_state(registrar, "lift", "machine", id, &refusal), 200);
    assert_int_equal(get_feed(client, 0, 0, &reply), 200);
    http_reply_free(&reply);
    http_client_free(client);
}

static void an_institution_has_no_business_here(void **state)
{
    (void)state;
    char id[SUBJECT_ID_TEXT];
    struct http_reply reply = {0};
    issue_machine("institution", "0110113719", "clinic", id);
    struct http_client *client = client_with("clinic");
    assert_int_equal(get_feed(client, 0, 0, &reply), 403);
    const struct http_call call = {
        .method = METHOD_POST, .path = "/v1/sealed", .content_type = "application/octet-stream"};
    assert_int_equal(http_client_call(client, &call, &reply), OK);
    assert_int_equal(reply.status, 403);
    http_reply_free(&reply);
    http_client_free(client);
    client = client_with("");
    const struct http_call feed = {.method = METHOD_GET, .path = "/v1/feed?after=0&wait_ms=0"};
    assert_int_not_equal(http_client_call(client, &feed, &reply), OK);
    http_reply_free(&reply);
    http_client_free(client);
}

/* ---- the link ---- */

static struct http_client *link_client(void)
{
    static bool made;
    char id[SUBJECT_ID_TEXT];
    if (!made)
        issue_machine("link", "link-1", "link", id);
    made = true;
    return client_with("link");
}

static uint64_t newest(struct http_client *client)
{
    struct http_reply reply = {0};
    struct state_batch batch;
    uint64_t after = 0, last;
    do {
        assert_int_equal(get_feed(client, after, 0, &reply), 200);
        assert_int_equal(state_batch_open(buffer_bytes(&reply.body), &feed_key, &batch), OK);
        after = batch.through;
        last = batch.newest;
        state_batch_free(&batch);
    } while (after < last);
    http_reply_free(&reply);
    return last;
}

struct waiter {
    struct http_client *client;
    uint64_t after;
    unsigned wait_ms;
    struct http_reply reply;
    int64_t answered_at;
};

static void *wait_for_feed(void *argument)
{
    struct waiter *waiter = argument;
    char path[80];
    snprintf(path, sizeof(path), "/v1/feed?after=%llu&wait_ms=%u", (unsigned long long)waiter->after,
             waiter->wait_ms);
    const struct http_call call = {.method = METHOD_GET, .path = path};
    enum status status = http_client_call(waiter->client, &call, &waiter->reply);
    if (status != OK)
        waiter->reply.status = 0;
    waiter->answered_at = monotonic_microseconds();
    return NULL;
}

/* Q8: within a second everywhere, of which this is the authority's part. */
static void a_waiting_link_is_told_of_a_suspension_within_100_ms(void **state)
{
    (void)state;
    struct issued_card card;
    struct authority_refusal refusal;
    char id[SUBJECT_ID_TEXT];
    pthread_t thread;
    struct state_batch batch;
    issue_card("42345678901", &card);
    subject_id_format(SUBJECT_CARD, &card.authentication.id, id);
    struct waiter waiter = {.client = link_client(), .wait_ms = 20000};
    waiter.after = newest(waiter.client);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_feed, &waiter), 0);
    usleep(300000); /* it is waiting by now; were it not, it would be told at once all the same */
    assert_int_equal(change_state(hotline, "suspend", "card", id, &refusal), 200);
    int64_t suspended_at = monotonic_microseconds();
    pthread_join(thread, NULL);
    assert_int_equal(waiter.reply.status, 200);
    assert_int_equal(state_batch_open(buffer_bytes(&waiter.reply.body), &feed_key, &batch), OK);
    assert_int_equal(batch.count, 2);
    assert_int_equal(batch.entries[0].state, STATE_SUSPENDED);
    assert_true(waiter.answered_at - suspended_at < 100000);
    state_batch_free(&batch);
    http_reply_free(&waiter.reply);
    http_client_free(waiter.client);
    issued_card_free(&card);
}

static void a_wait_in_vain_ends_with_a_heartbeat(void **state)
{
    (void)state;
    struct http_client *client = link_client();
    struct http_reply reply = {0};
    struct state_batch batch;
    uint64_t last = newest(client);
    int64_t begun = monotonic_microseconds();
    assert_int_equal(get_feed(client, last, 200, &reply), 200);
    int64_t waited = monotonic_microseconds() - begun;
    assert_true(waited >= 200000 && waited < 5000000);
    assert_int_equal(state_batch_open(buffer_bytes(&reply.body), &feed_key, &batch), OK);
    assert_int_equal(batch.count, 0);
    assert_true(batch.through == last);
    state_batch_free(&batch);
    http_reply_free(&reply);
    http_client_free(client);
}

static void strange_feed_requests_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        unsigned status;
    } cases[] = {
        {"/v1/feed", 422},
        {"/v1/feed?after=0", 422},
        {"/v1/feed?after=-1&wait_ms=0", 422},
        {"/v1/feed?after=0&wait_ms=60001", 422},
        {"/v1/feed?after=99999999999999999999&wait_ms=0", 422},
        {"/v1/feed?after=9223372036854775807&wait_ms=0", 409},
    };
    struct http_client *client = link_client();
    struct http_reply reply = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const struct http_call call = {.method = METHOD_GET, .path = cases[i].path};
        assert_int_equal(http_client_call(client, &call, &reply), OK);
        assert_int_equal(reply.status, cases[i].status);
    }
    http_reply_free(&reply);
    http_client_free(client);
}

static void a_sealed_question_is_answered_to_the_registered_vault(void **state)
{
    (void)state;
    struct private_key vault;
    struct public_key vault_public, sealing_key;
    struct issued_card card;
    struct authority_refusal refusal;
    struct resident_question question;
    struct resident_answer answer;
    struct buffer plaintext = {0}, sealed = {0}, opened = {0};
    struct http_reply reply = {0};
    issue_card("52345678901", &card);
    assert_int_equal(private_key_create(KEY_P256, &vault), OK);
    assert_int_equal(public_key_of(&vault, &vault_public), OK);
    assert_int_equal(public_key_load(in_world("public/sealing.pem"), &sealing_key), OK);
    resident_question_create(QUESTION_WHOSE_CERTIFICATE, clock_now(&real_clock), &question);
    question.certificate = card.authentication.id;
    assert_int_equal(resident_question_encode(&question, &plaintext), OK);
    assert_int_equal(sealed_seal(&sealing_key, (struct sealed_context){.label = RESIDENT_QUESTION_LABEL},
                                 buffer_bytes(&plaintext), &sealed),
                     OK);
    const struct http_call call = {.method = METHOD_POST,
                                   .path = "/v1/sealed",
                                   .content_type = "application/octet-stream",
                                   .body = buffer_bytes(&sealed)};
    struct http_client *client = link_client();
    assert_int_equal(http_client_call(client, &call, &reply), OK);
    assert_int_equal(reply.status, 409); /* no vault yet */
    assert_int_equal(post(registrar, "/v1/vault-keys",
                          json_pack("{s:o}", "public_key", json_of_public_key(&vault_public)), NULL,
                          &refusal),
                     201);
    assert_int_equal(http_client_call(client, &call, &reply), OK);
    assert_int_equal(reply.status, 200);
    assert_int_equal(sealed_open(&vault, (struct sealed_context){.label = RESIDENT_ANSWER_LABEL},
                                 buffer_bytes(&reply.body), &opened),
                     OK);
    assert_int_equal(resident_answer_decode(buffer_bytes(&opened), &answer), OK);
    assert_memory_equal(answer.number, question.number, QUESTION_NUMBER_LENGTH);
    assert_memory_equal(answer.my_number, "52345678901", 11);
    http_reply_free(&reply);
    http_client_free(client);
    private_key_free(&vault);
    public_key_free(&vault_public);
    public_key_free(&sealing_key);
    issued_card_free(&card);
    buffer_free(&plaintext);
    buffer_free(&sealed);
    buffer_free(&opened);
}

static void a_terminal_gets_its_card_verifiable_certificate(void **state)
{
    (void)state;
    struct buffer request = {0}, bytes = {0};
    struct authority_refusal refusal;
    struct terminal_certificate terminal;
    const char *id, *certificate;
    json_t *answer;
    assert_int_equal(certificate_request_create(rsa_key(0), &request), OK);
    assert_int_equal(post(registrar, "/v1/terminals",
                          json_pack("{s:s, s:o}", "institution", "0110113719", "request",
                                    json_of_bytes(buffer_bytes(&request))),
                          &answer, &refusal),
                     201);
    assert_int_equal(json_unpack(answer, "{s:s, s:s}", "id", &id, "certificate", &certificate), 0);
    assert_string_equal(id, "0110113719000001");
    assert_int_equal(bytes_of_json(certificate, &bytes), OK);
    assert_int_equal(terminal_certificate_parse(buffer_bytes(&bytes), &terminal), OK);
    assert_int_equal(change_state(registrar, "revoke", "terminal", id, &refusal), 200);
    assert_int_equal(change_state(registrar, "lift", "terminal", id, &refusal), 409);
    json_decref(answer);
    buffer_free(&request);
    buffer_free(&bytes);
}

/* Last: the service is gone afterwards. */
static void those_who_wait_get_their_answer_when_the_authority_stops(void **state)
{
    (void)state;
    pthread_t thread;
    struct waiter waiter = {.client = link_client(), .wait_ms = 60000};
    waiter.after = newest(waiter.client);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_feed, &waiter), 0);
    usleep(300000);
    int64_t begun = monotonic_microseconds();
    authority_service_stop(service);
    service = NULL;
    pthread_join(thread, NULL);
    assert_int_equal(waiter.reply.status, 200);
    assert_true(monotonic_microseconds() - begun < 5000000);
    http_reply_free(&waiter.reply);
    http_client_free(waiter.client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_is_issued_and_renewed_at_the_counter),
        cmocka_unit_test(a_refusal_says_why),
        cmocka_unit_test(show_tells_items_and_certificates_and_no_number),
        cmocka_unit_test(the_hotline_suspends_and_only_the_counter_lifts),
        cmocka_unit_test(a_machine_suspended_by_the_authority_is_turned_away_at_once),
        cmocka_unit_test(an_institution_has_no_business_here),
        cmocka_unit_test(a_waiting_link_is_told_of_a_suspension_within_100_ms),
        cmocka_unit_test(a_wait_in_vain_ends_with_a_heartbeat),
        cmocka_unit_test(strange_feed_requests_are_refused),
        cmocka_unit_test(a_sealed_question_is_answered_to_the_registered_vault),
        cmocka_unit_test(a_terminal_gets_its_card_verifiable_certificate),
        cmocka_unit_test(those_who_wait_get_their_answer_when_the_authority_stops),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start, stop);
}
