/* A terminal with a card in it and a centre that verifies what the card signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "card/virtual_state.h"
#include "clinic/check.h"
#include "clinic/enrolment.h"
#include "clinic/presentation.h"
#include "exchange/problem_json.h"
#include "test_centre.h"
#include "virtual_transport.h"

static struct test_centre centre;
static struct buffer card_image;

struct desk {
    struct clinic_settings settings;
    struct clinic clinic;
    struct virtual_card *card;
    struct virtual_transport transport;
    struct outcome outcome;
};

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    struct settings_fault fault;
    assert_non_null(desk);
    assert_int_equal(clinic_settings_load(centre.settings, &desk->settings, &fault), OK);
    unlink(desk->settings.challenge_file);
    assert_int_equal(clinic_open(&desk->settings, &real_clock, &desk->clinic, &fault), OK);
    assert_int_equal(virtual_card_from_state(buffer_bytes(&card_image), &desk->card), OK);
    desk->transport = virtual_transport_to(desk->card);
    centre.status = 200;
    centre.body = "";
    centre.once_refused = NULL;
    centre.challenge_problem = NULL;
    centre.challenge_life = 300;
    centre.clock_ahead = 0;
    centre.challenge_requests = centre.checks = centre.good_signatures = 0;
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    outcome_free(&desk->outcome);
    clinic_close(&desk->clinic);
    clinic_settings_free(&desk->settings);
    virtual_card_free(desk->card);
    free(desk);
    return 0;
}

static struct card_use use_of(struct desk *desk, enum authentication authenticated_by, const char *pin)
{
    return (struct card_use){.card = &desk->transport.transport,
                             .authenticated_by = authenticated_by,
                             .pin = bytes_of_text(pin),
                             .deadline = monotonic_microseconds() + (int64_t)60 * MICROSECONDS};
}

static struct card_check check_of(struct desk *desk, const char *pin)
{
    return (struct card_check){.use = use_of(desk, AUTHENTICATED_BY_PIN, pin),
                               .purpose = PURPOSE_TREATMENT,
                               .day = date_in_tokyo(clock_now(&real_clock))};
}

static void run_check(struct desk *desk, const struct card_check *check)
{
    outcome_free(&desk->outcome);
    check_by_card(&desk->clinic, check, &desk->outcome);
}

/* ---- Signing ---- */

static void what_the_card_signed_is_what_the_centre_rebuilds(void **state)
{
    struct desk *desk = *state;
    const struct consents consents = {.given = {true, false, true, false}};
    const struct {
        enum authentication authenticated_by;
        enum check_purpose purpose;
        const struct consents *consents;
    } cases[] = {
        {AUTHENTICATED_BY_PIN, PURPOSE_TREATMENT, NULL},
        {AUTHENTICATED_BY_PIN, PURPOSE_DISPENSING, &consents},
        {AUTHENTICATED_BY_FACE, PURPOSE_TREATMENT, &consents},
        {AUTHENTICATED_BY_STAFF_EYES, PURPOSE_DISPENSING, NULL},
    };
    centre.body = eligible_answer();
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct card_check check = check_of(desk, "1234");
        check.use.authenticated_by = cases[i].authenticated_by;
        check.purpose = cases[i].purpose;
        check.consents = cases[i].consents;
        run_check(desk, &check);
        assert_int_equal(desk->outcome.source, OUTCOME_ANSWER);
        assert_int_equal(centre.good_signatures, i + 1);
        const char *word = authentication_code(cases[i].authenticated_by);
        char expected[64];
        snprintf(expected, sizeof expected, "\"authenticated_by\":\"%s\"", word);
        assert_non_null(memmem(centre.last_body.data, centre.last_body.length, expected, strlen(expected)));
    }
}

static void a_request_holds_no_pin_and_no_my_number_Q5(void **state)
{
    struct desk *desk = *state;
    centre.body = eligible_answer();
    struct card_check check = check_of(desk, "1234");
    run_check(desk, &check);
    const struct bytes body = buffer_bytes(&centre.last_body);
    assert_null(memmem(body.data, body.length, "\"1234\"", 6));
    assert_null(memmem(body.data, body.length, TEST_CARD_MY_NUMBER, 12));
    assert_false(desk->transport.my_number_was_asked_for);
}

static void the_card_forgets_the_pin_after_each_check(void **state)
{
    struct desk *desk = *state;
    centre.body = eligible_answer();
    struct card_check check = check_of(desk, "1234");
    run_check(desk, &check);
    assert_int_equal(desk->transport.resets, 1);
}

/* ---- What comes of it ---- */

static void eligible_not_eligible_and_unknown_end_differently(void **state)
{
    struct desk *desk = *state;
    struct card_check check = check_of(desk, "1234");
    centre.body = eligible_answer();
    run_check(desk, &check);
    assert_int_equal(desk->outcome.result, RESULT_ELIGIBLE);
    assert_string_equal(desk->outcome.reason, "in_force");
    assert_int_equal(outcome_exit_status(&desk->outcome), 0);

    centre.body = lost_answer();
    run_check(desk, &check);
    assert_int_equal(desk->outcome.result, RESULT_NOT_ELIGIBLE);
    assert_int_equal(outcome_exit_status(&desk->outcome), 1);
    assert_true(desk->outcome.step_count > 0);
}

/* A failure, whatever it is, never reads as eligible or not eligible. */
static void whatever_goes_wrong_at_the_centre_cannot_be_confirmed(void **state)
{
    struct desk *desk = *state;
    const struct {
        unsigned status;
        const char *body;
        enum outcome_source source;
        const char *reason;
    } replies[] = {
        {500, problem_text(REASON_INTERNAL), OUTCOME_REFUSED, "internal"},
        {502, "<html>Bad Gateway</html>", OUTCOME_NO_CENTRE, "centre_unreachable"},
        {200, "<html>Welcome to this hotel's network</html>", OUTCOME_NO_CENTRE, "centre_unreachable"},
        {200, "{}", OUTCOME_NO_CENTRE, "centre_unreachable"},
        {200, "{\"result\": \"eligible\"}", OUTCOME_NO_CENTRE, "centre_unreachable"},
        {200, "", OUTCOME_NO_CENTRE, "centre_unreachable"},
        {404, "{\"result\": \"not_eligible\"}", OUTCOME_NO_CENTRE, "centre_unreachable"},
        {201, "{\"result\": \"eligible\"}", OUTCOME_NO_CENTRE, "centre_unreachable"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(replies); i++) {
        struct card_check check = check_of(desk, "1234");
        centre.status = replies[i].status;
        centre.body = replies[i].body;
        run_check(desk, &check);
        assert_int_equal(desk->outcome.source, replies[i].source);
        assert_int_equal(desk->outcome.result, RESULT_CANNOT_BE_CONFIRMED);
        assert_string_equal(desk->outcome.reason, replies[i].reason);
        assert_int_equal(outcome_exit_status(&desk->outcome), 2);
        assert_true(desk->outcome.step_count > 0);
        assert_string_equal(json_string_value(json_object_get(desk->outcome.json, "result")),
                            "cannot_be_confirmed");
    }
}

static void a_centre_that_is_not_there_cannot_be_confirmed_and_costs_no_pin(void **state)
{
    struct desk *desk = *state;
    desk->settings.centre_url = "http://127.0.0.1:1";
    struct settings_fault fault;
    clinic_close(&desk->clinic);
    assert_int_equal(clinic_open(&desk->settings, &real_clock, &desk->clinic, &fault), OK);
    struct card_check check = check_of(desk, "1234");
    run_check(desk, &check);
    assert_int_equal(desk->outcome.source, OUTCOME_NO_CENTRE);
    assert_string_equal(desk->outcome.reason, "centre_unreachable");
    assert_int_equal(outcome_exit_status(&desk->outcome), 2);
    assert_int_equal(desk->transport.commands, 0);
}

static void what_the_card_or_its_holder_did_wrong_is_told_and_the_centre_not_asked(void **state)
{
    struct desk *desk = *state;
    const struct {
        const char *pin;
        const char *reason;
        int tries_left;
    } tries[] = {
        {"12345", "pin_format", -1},
        {"0000", "pin_wrong", 2},
        {"0000", "pin_last_try", 1},
        {"1234", "pin_last_try_kept", 1}, /* not sent */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(tries); i++) {
        struct card_check check = check_of(desk, tries[i].pin);
        run_check(desk, &check);
        assert_int_equal(desk->outcome.source, OUTCOME_LOCAL);
        assert_string_equal(desk->outcome.reason, tries[i].reason);
        assert_int_equal(desk->outcome.tries_left, tries[i].tries_left);
        assert_int_equal(outcome_exit_status(&desk->outcome), 3);
    }
    struct card_check last = check_of(desk, "0000");
    last.use.spend_last_try = true;
    run_check(desk, &last);
    assert_string_equal(desk->outcome.reason, "pin_locked");
    assert_int_equal(desk->outcome.tries_left, 0);
    assert_int_equal(centre.checks, 0);
}

static void a_card_pulled_while_it_signs_is_told_as_removed(void **state)
{
    struct desk *desk = *state;
    desk->transport.pulled_after = 8;
    struct card_check check = check_of(desk, "1234");
    run_check(desk, &check);
    assert_string_equal(desk->outcome.reason, "card_removed");
    assert_int_equal(outcome_exit_status(&desk->outcome), 3);
}

static void a_terminal_without_a_terminal_certificate_offers_no_form_without_pin(void **state)
{
    struct desk *desk = *state;
    desk->clinic.has_terminal = false;
    struct card_check check = check_of(desk, "");
    check.use.authenticated_by = AUTHENTICATED_BY_FACE;
    run_check(desk, &check);
    assert_string_equal(desk->outcome.reason, "settings_invalid");
    assert_int_equal(desk->transport.commands, 0);
    private_key_free(&desk->clinic.terminal.key);
}

/* ---- Challenges ---- */

static void twenty_checks_ask_for_challenges_once(void **state)
{
    struct desk *desk = *state;
    centre.body = eligible_answer();
    for (unsigned i = 0; i < 20; i++) {
        struct card_check check = check_of(desk, "1234");
        run_check(desk, &check);
        assert_int_equal(desk->outcome.source, OUTCOME_ANSWER);
    }
    assert_int_equal(centre.challenge_requests, 1);
    assert_int_equal(centre.checks, 20);
    assert_int_equal(centre.good_signatures, 20);
}

static void challenges_are_fetched_ahead_when_few_are_left(void **state)
{
    struct desk *desk = *state;
    clinic_fetch_ahead(&desk->clinic);
    assert_int_equal(centre.challenge_requests, 1);
    clinic_fetch_ahead(&desk->clinic);
    assert_int_equal(centre.challenge_requests, 1);
    struct outcome refused = {0};
    struct challenge challenge;
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(clinic_take_challenge(&desk->clinic, &challenge, &refused), OK);
    clinic_fetch_ahead(&desk->clinic);
    assert_int_equal(centre.challenge_requests, 2);
}

static void challenges_near_their_end_are_not_used(void **state)
{
    struct desk *desk = *state;
    centre.challenge_life = CHALLENGE_MARGIN - 1;
    struct outcome refused = {0};
    struct challenge challenge;
    assert_int_equal(clinic_take_challenge(&desk->clinic, &challenge, &refused), OK);
    assert_int_equal(clinic_take_challenge(&desk->clinic, &challenge, &refused), OK);
    assert_int_equal(centre.challenge_requests, 2); /* nothing was kept that could be used */
}

/* The life of a challenge is reckoned by the difference of the clocks. */
static void a_terminal_with_a_wrong_clock_still_keeps_its_challenges(void **state)
{
    static const int differences[] = {-86400, -600, 600, 86400};
    struct desk *desk = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(differences); i++) {
        struct outcome refused = {0};
        struct challenge challenge;
        unlink(desk->settings.challenge_file);
        centre.clock_ahead = differences[i];
        centre.challenge_requests = 0;
        assert_int_equal(clinic_take_challenge(&desk->clinic, &challenge, &refused), OK);
        assert_int_equal(clinic_take_challenge(&desk->clinic, &challenge, &refused), OK);
        assert_int_equal(centre.challenge_requests, 1);
    }
}

static void a_stale_challenge_is_replaced_and_the_card_signs_again(void **state)
{
    static const enum reason reasons[] = {REASON_CHALLENGE_EXPIRED, REASON_CHALLENGE_FOREIGN,
                                          REASON_CHALLENGE_REPLAYED};
    struct desk *desk = *state;
    centre.body = eligible_answer();
    for (size_t i = 0; i < ARRAY_LENGTH(reasons); i++) {
        struct card_check check = check_of(desk, "1234");
        centre.once_refused = problem_text(reasons[i]);
        run_check(desk, &check);
        assert_int_equal(desk->outcome.result, RESULT_ELIGIBLE);
    }
    assert_int_equal(centre.checks, 6);
    assert_int_equal(centre.challenge_requests, 4); /* one at first, one after each refusal */
}

static void a_refused_machine_is_told_why_and_the_card_not_asked(void **state)
{
    struct desk *desk = *state;
    centre.challenge_problem = problem_text(REASON_MACHINE_CERTIFICATE_REVOKED);
    struct card_check check = check_of(desk, "1234");
    run_check(desk, &check);
    assert_int_equal(desk->outcome.source, OUTCOME_REFUSED);
    assert_string_equal(desk->outcome.reason, "machine_certificate_revoked");
    assert_int_equal(outcome_exit_status(&desk->outcome), 2);
    assert_int_equal(desk->transport.commands, 0);
}

/* ---- A lost answer ---- */

/* Takes the request, then dies without an answer; the second time it answers. */
struct dying_centre {
    int listener;
    uint16_t port;
    char requests[2][4096]; /* bodies */
    unsigned taken;
};

static bool has_whole_body(const char *text)
{
    const char *head_end = strstr(text, "\r\n\r\n");
    const char *length = strcasestr(text, "content-length:");
    return head_end && length && strlen(head_end + 4) >= strtoul(length + 15, NULL, 10);
}

static void *serve_dying(void *context)
{
    struct dying_centre *dying = context;
    for (; dying->taken < 2; dying->taken++) {
        static char text[8192];
        size_t length = 0;
        int line = accept(dying->listener, NULL, NULL);
        text[0] = '\0';
        while (line >= 0 && !has_whole_body(text) && length < sizeof text - 1) {
            ssize_t got = recv(line, text + length, sizeof text - 1 - length, 0);
            if (got <= 0)
                break;
            length += (size_t)got;
            text[length] = '\0';
        }
        const char *body = strstr(text, "\r\n\r\n");
        snprintf(dying->requests[dying->taken], sizeof dying->requests[0], "%s", body ? body + 4 : "");
        if (dying->taken == 1) {
            char reply[10000];
            const char *answer = eligible_answer();
            int size =
                snprintf(reply, sizeof reply,
                         "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
                         strlen(answer), answer);
            (void)!send(line, reply, (size_t)size, MSG_NOSIGNAL);
        }
        close(line);
    }
    return NULL;
}

static void listen_dying(struct dying_centre *dying)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    dying->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(dying->listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(dying->listener, 2), 0);
    assert_int_equal(getsockname(dying->listener, (struct sockaddr *)&address, &size), 0);
    dying->port = ntohs(address.sin_port);
}

static void a_lost_answer_is_asked_for_again_byte_for_byte_and_costs_no_second_pin(void **state)
{
    struct desk *desk = *state;
    static struct dying_centre dying;
    char url[64];
    struct settings_fault fault;
    pthread_t thread;
    listen_dying(&dying);
    clinic_fetch_ahead(&desk->clinic);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", dying.port);
    desk->settings.centre_url = url;
    clinic_close(&desk->clinic);
    assert_int_equal(clinic_open(&desk->settings, &real_clock, &desk->clinic, &fault), OK);
    assert_int_equal(pthread_create(&thread, NULL, serve_dying, &dying), 0);
    struct card_check check = check_of(desk, "1234");
    run_check(desk, &check);
    pthread_join(thread, NULL);
    close(dying.listener);
    assert_int_equal(desk->outcome.result, RESULT_ELIGIBLE);
    assert_true(strlen(dying.requests[0]) > 100);
    assert_string_equal(dying.requests[0], dying.requests[1]);
    assert_int_equal(desk->transport.verifications, 1);
}

/* ---- By number ---- */

static void a_check_by_number_sends_what_stands_on_the_paper(void **state)
{
    struct desk *desk = *state;
    struct number_check check = {0};
    assert_int_equal(insurer_number_parse("  138057", 8, &check.key.insurer), REASON_NONE);
    assert_int_equal(insured_symbol_parse("１２－３４", strlen("１２－３４"), &check.key.symbol),
                     REASON_NONE);
    assert_int_equal(insured_number_parse("567", 3, &check.key.number), REASON_NONE);
    assert_int_equal(branch_number_parse("", 0, &check.key.branch), REASON_NONE);
    assert_int_equal(date_from_ymd(1980, 2, 17, &check.birth), OK);
    assert_int_equal(date_from_ymd(2026, 11, 22, &check.day), OK);
    centre.body = lost_answer();
    check_by_number(&desk->clinic, &check, &desk->outcome);
    assert_int_equal(desk->outcome.result, RESULT_NOT_ELIGIBLE);
    static const char expected[] =
        "{\"insurer_number\":\"138057\",\"symbol\":\"１２－３４\",\"number\":\"567\",\"branch\":\"\","
        "\"birth_date\":\"1980-02-17\",\"day\":\"2026-11-22\"}";
    assert_int_equal(centre.last_body.length, strlen(expected));
    assert_memory_equal(centre.last_body.data, expected, strlen(expected));
}

/* ---- Enrolment (Q6) ---- */

static void a_card_is_enrolled_at_the_terminal_by_signing_the_terms_that_were_read_Q6(void **state)
{
    struct desk *desk = *state;
    static const struct {
        const char *body;
        const char *reason;
    } replies[] = {
        {"{\"result\": \"enrolled\", \"enrolled_at\": \"2026-11-22T09:15:02.000000+09:00\","
         " \"event_id\": \"00112233445566778899aabbccddeeff\"}",
         "enrolled"},
        {"{\"result\": \"already_enrolled\", \"enrolled_at\": \"2026-11-22T09:15:02.000000+09:00\","
         " \"event_id\": \"00112233445566778899aabbccddeeff\"}",
         "already_enrolled"},
    };
    static const enum authentication ways[] = {AUTHENTICATED_BY_PIN, AUTHENTICATED_BY_FACE};
    for (size_t i = 0; i < ARRAY_LENGTH(replies); i++) {
        struct terms terms;
        centre.body = replies[i].body;
        assert_int_equal(enrolment_fetch_terms(&desk->clinic, &terms, &desk->outcome), OK);
        assert_string_equal(terms.version, "2026-04");
        assert_string_equal(terms.text, centre.terms);
        const struct card_use use = use_of(desk, ways[i], "1234");
        outcome_free(&desk->outcome);
        enrol_card(&desk->clinic, &use, &terms, &desk->outcome);
        assert_int_equal(desk->outcome.source, OUTCOME_ENROLLED);
        assert_string_equal(desk->outcome.reason, replies[i].reason);
        assert_int_equal(outcome_exit_status(&desk->outcome), 0);
        assert_int_equal(centre.good_signatures, i + 1);
    }
}

static void an_enrolment_refused_by_the_centre_says_why_Q10(void **state)
{
    struct desk *desk = *state;
    struct terms terms;
    centre.status = 409;
    centre.body = problem_text(REASON_NUMBER_NOT_REGISTERED);
    assert_int_equal(enrolment_fetch_terms(&desk->clinic, &terms, &desk->outcome), OK);
    const struct card_use use = use_of(desk, AUTHENTICATED_BY_PIN, "1234");
    enrol_card(&desk->clinic, &use, &terms, &desk->outcome);
    assert_string_equal(desk->outcome.reason, "number_not_registered");
    assert_int_equal(outcome_exit_status(&desk->outcome), 2);
}

/* An answer about eligibility is no enrolment, and the other way round. */
static void an_answer_to_another_question_is_none(void **state)
{
    struct desk *desk = *state;
    struct terms terms;
    centre.body = eligible_answer();
    assert_int_equal(enrolment_fetch_terms(&desk->clinic, &terms, &desk->outcome), OK);
    const struct card_use use = use_of(desk, AUTHENTICATED_BY_PIN, "1234");
    enrol_card(&desk->clinic, &use, &terms, &desk->outcome);
    assert_string_equal(desk->outcome.reason, "centre_unreachable");
}

/* ---- Telling ---- */

static bool page_has(const struct buffer *page, const char *text)
{
    return memmem(page->data, page->length, text, strlen(text)) != NULL;
}

static void an_answer_is_shown_in_japanese_and_then_in_english(void **state)
{
    struct desk *desk = *state;
    struct buffer page = {0};
    centre.body = eligible_answer();
    struct card_check check = check_of(desk, "1234");
    run_check(desk, &check);
    assert_int_equal(present_outcome(&desk->outcome, &page), OK);
    static const char *const parts[] = {
        "【有効】",
        TEST_CARD_NAME,
        "昭和55年2月17日（1980-02-17）",
        "保険者番号  06139463",
        "資格取得年月日  令和2年4月1日（2020-04-01）",
        "covered from  2020-04-01",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
        if (!page_has(&page, parts[i]))
            fail_msg("%s is not in\n%.*s", parts[i], (int)page.length, (const char *)page.data);
    buffer_free(&page);
}

static void a_certificate_that_ends_soon_is_warned_of(void **state)
{
    static const struct {
        const char *term;
        bool warned;
    } terms[] = {{"runs", false}, {"ends_soon", true}, {"in_grace", false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(terms); i++) {
        struct buffer page = {0};
        struct region region = {0};
        struct outcome outcome;
        json_t *json = json_loads(eligible_answer(), 0, NULL);
        json_object_set_new(json, "certificate",
                            json_pack("{s:s, s:s}", "term", terms[i].term, "last_day", "2027-02-17"));
        char *text = json_dumps(json, 0);
        outcome_of_check_reply(200, bytes_of_text(text), &region, &outcome);
        assert_int_equal(present_outcome(&outcome, &page), OK);
        assert_true(page_has(&page, "電子証明書の有効期限  令和9年2月17日（2027-02-17）"));
        assert_int_equal(page_has(&page, "3か月を切っています"), terms[i].warned);
        free(text);
        json_decref(json);
        outcome_free(&outcome);
        region_free(&region);
        buffer_free(&page);
    }
}

/* No screen proposes that a patient pay in full, special medical expense aside. */
static void no_local_reason_proposes_to_charge_in_full(void **state)
{
    (void)state;
    for (int reason = 1; reason < 500; reason++) {
        const struct reason_entry *entry = reason_entry((enum reason)reason);
        if ((int)entry->reason != reason || reason == REASON_IN_FORCE_SPECIAL_EXPENSE)
            continue;
        struct outcome outcome;
        struct buffer page = {0};
        outcome_of_reason(OUTCOME_LOCAL, (enum reason)reason, -1, &outcome);
        assert_int_equal(present_outcome(&outcome, &page), OK);
        assert_false(page_has(&page, "全額"));
        assert_false(page_has(&page, "10割"));
        buffer_free(&page);
        outcome_free(&outcome);
    }
}

static void a_trace_names_each_hop_and_its_time(void **state)
{
    struct desk *desk = *state;
    struct buffer page = {0};
    centre.body = eligible_answer();
    struct card_check check = check_of(desk, "1234");
    run_check(desk, &check);
    static const enum hop expected[] = {HOP_SETTINGS, HOP_CENTRE, HOP_SIGNATURE, HOP_CENTRE};
    const struct trace *trace = &desk->clinic.trace;
    assert_int_equal(trace->count, ARRAY_LENGTH(expected));
    for (size_t i = 0; i < trace->count; i++) {
        assert_int_equal(trace->hops[i].hop, expected[i]);
        assert_string_equal(trace->hops[i].outcome, "ok");
        assert_true(trace->hops[i].microseconds > 0);
    }
    assert_int_equal(present_trace(trace, &page), OK);
    assert_true(page_has(&page, "signature"));
    buffer_free(&page);
}

static int open_centre(void **state)
{
    (void)state;
    test_centre_start(&centre);
    struct virtual_card *card = test_card_issue(&centre.authority, &(struct test_order){0});
    assert_int_equal(card_state_encode(&card->state, &card_image), OK);
    virtual_card_free(card);
    return 0;
}

static int close_centre(void **state)
{
    (void)state;
    buffer_free(&card_image);
    test_centre_stop(&centre);
    return 0;
}

int main(void)
{
#define AT_DESK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        AT_DESK(what_the_card_signed_is_what_the_centre_rebuilds),
        AT_DESK(a_request_holds_no_pin_and_no_my_number_Q5),
        AT_DESK(the_card_forgets_the_pin_after_each_check),
        AT_DESK(eligible_not_eligible_and_unknown_end_differently),
        AT_DESK(whatever_goes_wrong_at_the_centre_cannot_be_confirmed),
        AT_DESK(a_centre_that_is_not_there_cannot_be_confirmed_and_costs_no_pin),
        AT_DESK(what_the_card_or_its_holder_did_wrong_is_told_and_the_centre_not_asked),
        AT_DESK(a_card_pulled_while_it_signs_is_told_as_removed),
        AT_DESK(a_terminal_without_a_terminal_certificate_offers_no_form_without_pin),
        AT_DESK(twenty_checks_ask_for_challenges_once),
        AT_DESK(challenges_are_fetched_ahead_when_few_are_left),
        AT_DESK(challenges_near_their_end_are_not_used),
        AT_DESK(a_terminal_with_a_wrong_clock_still_keeps_its_challenges),
        AT_DESK(a_stale_challenge_is_replaced_and_the_card_signs_again),
        AT_DESK(a_refused_machine_is_told_why_and_the_card_not_asked),
        AT_DESK(a_lost_answer_is_asked_for_again_byte_for_byte_and_costs_no_second_pin),
        AT_DESK(a_check_by_number_sends_what_stands_on_the_paper),
        AT_DESK(a_card_is_enrolled_at_the_terminal_by_signing_the_terms_that_were_read_Q6),
        AT_DESK(an_enrolment_refused_by_the_centre_says_why_Q10),
        AT_DESK(an_answer_to_another_question_is_none),
        AT_DESK(an_answer_is_shown_in_japanese_and_then_in_english),
        cmocka_unit_test(a_certificate_that_ends_soon_is_warned_of),
        cmocka_unit_test(no_local_reason_proposes_to_charge_in_full),
        AT_DESK(a_trace_names_each_hop_and_its_time),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, open_centre, close_centre);
}
