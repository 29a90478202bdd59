#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "card/virtual_state.h"
#include "issued_card.h"

/* One card is issued; each test plays a copy of it in memory. */
static struct buffer issued;

static int issue(void **state)
{
    (void)state;
    struct test_authority authority;
    test_authority_open(&authority, KEY_RSA_2048);
    struct virtual_card *card = test_card_issue(&authority, &(struct test_order){0});
    assert_int_equal(OK, card_state_encode(&card->state, &issued));
    virtual_card_free(card);
    test_authority_close(&authority);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    buffer_free(&issued);
    return 0;
}

static struct virtual_card *fresh_card(void)
{
    struct virtual_card *card = NULL;
    assert_int_equal(OK, virtual_card_from_state(buffer_bytes(&issued), &card));
    return card;
}

/* A conversation: commands, and the status word or the whole answer of each. */
struct turn {
    const char *command;
    const char *answer;
};

static void converse(const struct turn *turns, size_t count)
{
    struct virtual_card *card = fresh_card();
    for (size_t i = 0; i < count; i++) {
        const char *answer = test_exchange(card, turns[i].command);
        bool whole = strlen(turns[i].answer) > 4;
        const char *compared = whole || strlen(answer) < 4 ? answer : answer + strlen(answer) - 4;
        if (strcmp(compared, turns[i].answer) != 0)
            print_error("turn %zu: %s\n", i + 1, turns[i].command);
        assert_string_equal(compared, turns[i].answer);
    }
    virtual_card_free(card);
}

#define CONVERSATION(name, ...)                                                                              \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        static const struct turn turns[] = {__VA_ARGS__};                                                    \
        converse(turns, ARRAY_LENGTH(turns));                                                                \
    }

/* ---- Selecting ---- */

CONVERSATION(every_application_is_selected_by_its_identifier, {"00A4040C07 A0000001510000", "9000"},
             {SELECT_JPKI, "9000"}, {SELECT_CHECK, "9000"}, {SELECT_INPUT, "9000"}, {SELECT_RESIDENT, "9000"},
             {SELECT_COMMON, "9000"}, {"00A4040007 A0000001510000 00", "9000"})

CONVERSATION(a_prefix_of_an_identifier_matches, {"00A4040C05 D392F00026", "9000"},
             {"00A4020C02 0017", "9000"}, /* the certificates' application */
             {"00A4040C09 D39210003100010104", "9000"}, {"00A4020C02 0012", "9000"}) /* surface check */

CONVERSATION(an_identifier_of_another_card_is_not_found, {"00A4040007 A0000000031010", "6A82"},
             {"00A4040009 A00000030800001000", "6A82"}, {"00A4040C0B D392F00026010000000100", "6A82"},
             {"00A4040C0A D3921000310001010409", "6A82"})

CONVERSATION(a_failed_selection_changes_nothing, {SELECT_JPKI, "9000"}, {"00A4020C02 0008", "9000"},
             {"00A4040007 A0000000031010", "6A82"}, {"00A4020C02 00FF", "6A82"}, {"00B0000003", "8F8F009000"})

CONVERSATION(selecting_nothing_depends_on_whether_an_application_was_selected, {"00A40000", "6A86"},
             {SELECT_JPKI, "9000"}, {"00A40000", "9000"}, {"00A4000C02 3F00", "6A82"})

CONVERSATION(selection_by_other_ways_is_refused, {SELECT_JPKI, "9000"}, {"00A4080C02 0017", "6A86"},
             {"00A4021C02 0017", "6A86"}, {"00A4020C01 17", "6700"}, {"00A4020C03 001700", "6700"},
             {"00A4020C", "6700"})

CONVERSATION(a_file_belongs_to_its_application, {"00A4020C02 000A", "6A82"}, {SELECT_INPUT, "9000"},
             {"00A4020C02 000A", "6A82"}, {SELECT_JPKI, "9000"}, {"00A4020C02 000A", "9000"},
             {SELECT_INPUT, "9000"}, {"00B0000004", "6986"})

/* ---- Reading ---- */

CONVERSATION(a_file_is_read_by_selection_or_by_its_short_identifier, {SELECT_JPKI, "9000"},
             {"00A4020C02 0008", "9000"}, {"00B0000003", "8F8F009000"}, {"00B0880003", "8F8F009000"},
             {"00B0880102", "8F009000"}, {"00B0000101", "8F9000"})

CONVERSATION(a_read_at_the_end_of_a_file_is_short_and_beyond_it_fails, {SELECT_JPKI, "9000"},
             {"00B0880000", "8F8F009000"}, {"00B0000200", "009000"}, {"00B0000300", "6B00"},
             {"00B07FFF00", "6B00"}, {"00B0880300", "6B00"})

CONVERSATION(reading_needs_a_file_that_can_be_read, {"00B0000004", "6986"}, {SELECT_JPKI, "9000"},
             {"00B0000004", "6986"}, {"00A4020C02 0017", "9000"}, {"00B0000004", "6981"},
             {"00A4020C02 0018", "9000"}, {"00B0000004", "6981"}, {"00A4020C02 0016", "9000"},
             {"00B0000004", "6981"}, {"00B0830004", "6A82"}, {"00B0C80004", "6A86"})

CONVERSATION(reading_without_a_length_is_refused, {SELECT_JPKI, "9000"}, {"00B08800", "6700"},
             {"00B0880002 0000", "6700"})

CONVERSATION(extended_lengths_are_understood, {SELECT_JPKI, "9000"}, {"00B08800 000000", "8F8F009000"},
             {"00B08800 000002", "8F8F9000"}, {"00A4020C 000002 0008", "9000"},
             {"00B00000 000400", "8F8F009000"})

static void a_certificate_is_read_in_one_extended_command(void **state)
{
    (void)state;
    struct virtual_card *card = fresh_card();
    assert_answers(card, SELECT_JPKI, "9000");
    const char *answer = test_exchange(card, "00B08A00000000");
    assert_memory_equal(answer, "3082", 4);
    assert_true(strlen(answer) / 2 > 1000);
    virtual_card_free(card);
}

static void the_end_of_a_file_is_filled_with_ff(void **state)
{
    (void)state;
    struct virtual_card *card = fresh_card();
    struct buffer file = {0};
    assert_answers(card, SELECT_JPKI, "9000");
    test_read_file(card, JPKI_AUTHENTICATION_CERTIFICATE, &file);
    size_t length = 4 + ((size_t)file.data[2] << 8 | file.data[3]);
    assert_true(file.length > length);
    for (size_t i = length; i < file.length; i++)
        assert_int_equal(0xFF, file.data[i]);
    buffer_free(&file);
    virtual_card_free(card);
}

/* The rule of every data file, checked by trying each with nothing, and with each PIN of its application. */
static const struct {
    const char *application;
    unsigned id;
    const char *pins[5]; /* all of the application */
    unsigned opens;      /* bit n: pins[n] does */
    bool free;
} access_rules[] = {
#define JPKI_PINS                                                                                            \
    {                                                                                                        \
        VERIFY_PIN, VERIFY_PASSWORD                                                                          \
    }
    {SELECT_JPKI, 0x0001, JPKI_PINS, .opens = 2},     {SELECT_JPKI, 0x0002, JPKI_PINS, .free = true},
    {SELECT_JPKI, 0x0006, JPKI_PINS, .free = true},   {SELECT_JPKI, 0x0008, JPKI_PINS, .free = true},
    {SELECT_JPKI, 0x000A, JPKI_PINS, .free = true},   {SELECT_JPKI, 0x000B, JPKI_PINS, .free = true},
#define INPUT_PINS                                                                                           \
    {                                                                                                        \
        "0020009104 34333231", "002000940C 313233343536373839303138",                                        \
            "002000950E 3535303231373230333532323835"                                                        \
    }
    {SELECT_INPUT, 0x0001, INPUT_PINS, .opens = 3},   {SELECT_INPUT, 0x0002, INPUT_PINS, .opens = 5},
    {SELECT_INPUT, 0x0003, INPUT_PINS, .opens = 7},   {SELECT_INPUT, 0x0004, INPUT_PINS, .free = true},
    {SELECT_INPUT, 0x0005, INPUT_PINS, .free = true},
#define CHECK_PINS                                                                                           \
    {                                                                                                        \
        "0020009106 353530323137", "002000920E 3535303231373230333532323835",                                \
            "002000930C 313233343536373839303138"                                                            \
    }
    {SELECT_CHECK, 0x0001, CHECK_PINS, .opens = 1},   {SELECT_CHECK, 0x0002, CHECK_PINS, .opens = 6},
    {SELECT_CHECK, 0x0003, CHECK_PINS, .free = true}, {SELECT_CHECK, 0x0004, CHECK_PINS, .free = true},
    {SELECT_CHECK, 0x0005, CHECK_PINS, .opens = 4},
};

static void expect_access(const char *application, const char *pin, unsigned id, bool open)
{
    char read[32];
    struct virtual_card *card = fresh_card();
    assert_answers(card, application, "9000");
    if (pin)
        assert_answers(card, pin, "9000");
    snprintf(read, sizeof read, "00B0%02X0001", 0x80 | id);
    assert_answers(card, read, open ? "9000" : "6982");
    virtual_card_free(card);
}

static void each_file_opens_by_its_own_pins_and_codes_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(access_rules); i++) {
        expect_access(access_rules[i].application, NULL, access_rules[i].id, access_rules[i].free);
        for (size_t pin = 0; access_rules[i].pins[pin]; pin++)
            expect_access(access_rules[i].application, access_rules[i].pins[pin], access_rules[i].id,
                          access_rules[i].free || access_rules[i].opens >> pin & 1);
    }
}

/* ---- PINs ---- */

CONVERSATION(an_empty_query_tells_the_tries_left_and_costs_none, {SELECT_JPKI, "9000"}, {"00200098", "63C3"},
             {"00200098", "63C3"}, {"0020009B", "63C5"}, {"00A4020C02 0018", "9000"}, {"00200080", "63C3"},
             {VERIFY_PIN, "9000"}, {"00200098", "63C3"})

CONVERSATION(a_query_with_an_expected_length_is_refused, {SELECT_JPKI, "9000"}, {"0020009800", "6700"},
             {"0020009804 30303030 00", "6700"}, {"00200098", "63C3"})

CONVERSATION(a_wrong_pin_costs_a_try_and_the_last_one_locks, /* Q8 */
             {SELECT_JPKI, "9000"}, {VERIFY_WRONG_PIN, "63C2"}, {VERIFY_WRONG_PIN, "63C1"},
             {VERIFY_WRONG_PIN, "63C0"}, {VERIFY_WRONG_PIN, "6984"}, {VERIFY_PIN, "6984"},
             {"00200098", "63C0"})

CONVERSATION(the_right_pin_restores_the_tries, {SELECT_JPKI, "9000"}, {VERIFY_WRONG_PIN, "63C2"},
             {VERIFY_WRONG_PIN, "63C1"}, {VERIFY_PIN, "9000"}, {"00200098", "63C3"})

CONVERSATION(a_wrong_pin_takes_back_what_the_right_one_gave, {SELECT_JPKI, "9000"}, {VERIFY_PASSWORD, "9000"},
             {"00B0810001", "309000"}, {"0020009B06 303030303030", "63C4"}, {"00B0810001", "6982"})

CONVERSATION(a_pin_of_another_length_is_simply_wrong, {SELECT_JPKI, "9000"}, {"0020009803 313233", "63C2"},
             {"0020009805 3132333435", "63C1"}, {"0020009811 3132333435363738393031323334353637", "6700"},
             {"00200098", "63C1"})

CONVERSATION(the_password_is_compared_in_upper_case_only, {SELECT_JPKI, "9000"},
             {"0020009B06 616263313233", "63C4"}, {VERIFY_PASSWORD, "9000"})

CONVERSATION(verify_needs_a_pin_to_verify, {"00200080", "6986"}, {SELECT_JPKI, "9000"}, {"00200080", "6986"},
             {"0020008A", "6981"}, {"00200097", "6981"}, {"00200003", "6A86"}, {"00200198", "6A86"},
             {"00200083", "6A82"})

static void each_pin_has_its_number_of_tries(void **state) /* Q8 */
{
    (void)state;
    static const struct {
        const char *application;
        const char *query;
        const char *answer;
    } tries[] = {
        {SELECT_JPKI, "00200098", "63C3"},   {SELECT_JPKI, "0020009B", "63C5"},
        {SELECT_INPUT, "00200091", "63C3"},  {SELECT_RESIDENT, "00200091", "63C3"},
        {SELECT_COMMON, "00200091", "63C3"}, {SELECT_INPUT, "00200094", "63CA"},
        {SELECT_INPUT, "00200095", "63CA"},  {SELECT_CHECK, "00200091", "63CA"},
        {SELECT_CHECK, "00200092", "63CA"},  {SELECT_CHECK, "00200093", "63CA"},
    };
    struct virtual_card *card = fresh_card();
    for (size_t i = 0; i < ARRAY_LENGTH(tries); i++) {
        assert_answers(card, tries[i].application, "9000");
        assert_string_equal(test_exchange(card, tries[i].query), tries[i].answer);
    }
    virtual_card_free(card);
}

static void a_pin_that_locks_does_so_after_exactly_its_tries(void **state) /* Q8 */
{
    (void)state;
    static const struct {
        const char *application;
        const char *wrong;
        int tries;
    } pins[] = {
        {SELECT_JPKI, VERIFY_WRONG_PIN, 3},
        {SELECT_JPKI, "0020009B06 303030303030", 5},
        {SELECT_INPUT, "0020009104 30303030", 3},
        {SELECT_COMMON, "0020009104 30303030", 3},
        {SELECT_CHECK, "002000930C 303030303030303030303030", 10},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(pins); i++) {
        struct virtual_card *card = fresh_card();
        assert_answers(card, pins[i].application, "9000");
        for (int left = pins[i].tries - 1; left >= 0; left--) {
            char word[5];
            snprintf(word, sizeof word, "63C%X", (unsigned)left & 0xF);
            assert_answers(card, pins[i].wrong, word);
        }
        assert_answers(card, pins[i].wrong, "6984");
        virtual_card_free(card);
    }
}

CONVERSATION(a_pin_is_changed_after_it_was_verified, {SELECT_JPKI, "9000"}, {"0024019804 35363738", "6982"},
             {VERIFY_PIN, "9000"}, {"0024019804 35363738", "9000"}, {VERIFY_PIN, "63C2"},
             {"0020009804 35363738", "9000"})

CONVERSATION(the_password_and_the_surface_pin_are_changed_the_same_way, {SELECT_JPKI, "9000"},
             {VERIFY_PASSWORD, "9000"}, {"0024019B08 5858585835353535", "9000"},
             {"0020009B08 5858585835353535", "9000"}, {SELECT_INPUT, "9000"}, {"0020009104 34333231", "9000"},
             {"00A4020C02 0011", "9000"}, {"0024018004 31313131", "9000"}, {"0020009104 31313131", "9000"})

CONVERSATION(the_other_applications_change_their_pin_their_own_way, {SELECT_COMMON, "9000"},
             {"00A4020C02 0011", "9000"}, {"0020008004 39383736", "9000"}, {"0024018004 31313131", "6D00"},
             {"8032008004 31313131", "9000"}, {"0020008004 31313131", "9000"}, {SELECT_RESIDENT, "9000"},
             {"0020009104 39383736", "9000"}, {"8032009104 31313131", "9000"}, {SELECT_JPKI, "9000"},
             {VERIFY_PIN, "9000"}, {"8032009804 31313131", "6D00"})

CONVERSATION(a_pin_that_is_none_is_not_taken, {SELECT_JPKI, "9000"}, {VERIFY_PIN, "9000"},
             {"0024019803 313233", "6700"}, {"0024019805 3132333435", "6700"},
             {"0024019804 31323341", "6A80"}, {"00240198", "6700"}, {VERIFY_PASSWORD, "9000"},
             {"0024019B05 4142433132", "6700"}, {"0024019B11 4142434142434142434142434142434142", "6700"},
             {"0024019B06 616263313233", "6A80"})

CONVERSATION(codes_and_the_birth_date_cannot_be_changed, {SELECT_INPUT, "9000"},
             {"002000950E 3535303231373230333532323835", "9000"},
             {"002401950E 3535303231373230333532323836", "6985"}, {SELECT_CHECK, "9000"},
             {"0020009106 353530323137", "9000"}, {"0024019106 353530323138", "6985"})

/* ---- What is forgotten, and what is not ---- */

static void power_and_reset_clear_what_was_verified_and_no_counter(void **state)
{
    (void)state;
    void (*const interruptions[])(struct virtual_card *) = {virtual_card_reset, virtual_card_power_off,
                                                            virtual_card_power_on};
    for (size_t i = 0; i < ARRAY_LENGTH(interruptions); i++) {
        struct virtual_card *card = fresh_card();
        assert_answers(card, SELECT_JPKI, "9000");
        assert_answers(card, VERIFY_WRONG_PIN, "63C2");
        assert_answers(card, VERIFY_PASSWORD, "9000");
        interruptions[i](card);
        assert_answers(card, "00A40000", "6A86");
        assert_answers(card, SELECT_JPKI, "9000");
        assert_answers(card, "00B0810001", "6982");
        assert_answers(card, "00200098", "63C2");
        virtual_card_free(card);
    }
}

CONVERSATION(what_was_verified_for_one_application_opens_nothing_in_another, {SELECT_INPUT, "9000"},
             {"0020009104 34333231", "9000"}, {SELECT_JPKI, "9000"}, {SELECT_INPUT, "9000"},
             {"00B0810001", "6982"})

CONVERSATION(selecting_the_same_application_again_keeps_what_was_verified, {SELECT_JPKI, "9000"},
             {VERIFY_PASSWORD, "9000"}, {SELECT_JPKI, "9000"}, {"00B0810001", "309000"})

/* ---- Classes, channels and other drivers' probes ---- */

CONVERSATION(there_are_no_logical_channels, {"01A4040C0A D392F000260100000001", "6881"},
             {"03B0000004", "6881"}, {"40A4040C02 D392", "6881"}, {"81 2A 00 80 01 00 00", "6881"},
             {"0070000001", "6D00"})

CONVERSATION(there_is_no_secure_messaging, {"0CA4040C0A D392F000260100000001", "6882"},
             {"04A4020C02 0017", "6882"}, {"0CB0000004", "69FC"}, {"08B0000004", "69FC"},
             {"8C2A008001 00", "69FC"})

CONVERSATION(a_class_of_another_world_is_unknown, {"A0A4000002 3F00", "6E00"}, {"FFCA000000", "6E00"},
             {"20B0000004", "6E00"}, {"10A4040C02 D392", "6E00"})

CONVERSATION(other_drivers_probes_are_answered_and_leave_the_card_sane, {"00A4040007 A0000003974254", "6A82"},
             {"00A404000B A000000397425446590201", "6A82"}, {"00A404000B A0000003974349445F0100", "6A82"},
             {"00CADF3005", "6A82"}, {"00CB3FFF03 5C017E 08", "6A82"}, {"00CB3FFF05 5C035FC102 00", "6A82"},
             {"00A4040009 A00000030800001000 00", "6A82"}, {"80CA9F7F00", "6A82"}, {"00CA006E00", "6A82"},
             {"00A4000002 3F00", "6A82"}, {"00A4080C02 3F00", "6A86"}, {"00C0000000", "6D00"},
             {"8014000000", "6D00"}, {"0084000008", "9000"}, {"00200001", "6A86"},
             {"8030000002 0000", "6D00"}, {"00A4040006 D27600012401", "6A82"},
             {"00A404000A D2760001240102000000 00", "6A82"}, {"B0A4000002 3F00", "6E00"},
             {"00AB000000", "6D00"}, {"00", "6700"}, {"00A404", "6700"}, {"00A4040C0A D392F0", "6700"},
             {SELECT_JPKI, "9000"}, {VERIFY_PIN, "9000"})

static void random_commands_are_no_improper_use(void **state) /* Q9 */
{
    (void)state;
    struct virtual_card *card = fresh_card();
    struct dice dice = dice_of(1, 0);
    struct buffer response = {0};
    for (int i = 0; i < 20000; i++) {
        uint8_t command[12];
        for (size_t b = 0; b < sizeof command; b++)
            command[b] = (uint8_t)dice_next(&dice);
        command[0] = dice_roll(&dice, 2) ? 0x00 : 0x80;
        command[4] = (uint8_t)dice_roll(&dice, 8);
        size_t length = command[4] ? 5U + command[4] : 5;
        if (i % 100 == 0)
            assert_answers(card, SELECT_JPKI, "9000");
        virtual_card_transmit(card, bytes_of(command, length), &response);
    }
    assert_int_equal(0, virtual_card_improper_uses(card));
    assert_false(virtual_card_is_destroyed(card));
    buffer_free(&response);
    virtual_card_free(card);
}

static void the_answer_to_reset_is_the_observed_one(void **state)
{
    (void)state;
    char hex[2 * 33 + 1];
    struct virtual_card *card = fresh_card();
    hex_encode(virtual_card_atr(card), hex);
    assert_string_equal("3be000ff8131fe4514", hex);
    virtual_card_free(card);
}

static void token_information_is_as_observed(void **state)
{
    (void)state;
    struct virtual_card *card = fresh_card();
    struct buffer token = {0};
    assert_answers(card, SELECT_JPKI, "9000");
    test_read_file(card, JPKI_TOKEN, &token);
    assert_int_equal(160, token.length);
    assert_memory_equal("JPKIAPICCTOKEN2                 ", token.data, 32);
    assert_memory_equal("\x00\x00\x04\x0D", token.data + 96, 4);
    assert_memory_equal("\x00\x00\x00\x10\x00\x00\x00\x06", token.data + 116, 8);
    assert_memory_equal("03019999999999999999", token.data + 140, 20);
    buffer_free(&token);
    virtual_card_free(card);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_application_is_selected_by_its_identifier),
        cmocka_unit_test(a_prefix_of_an_identifier_matches),
        cmocka_unit_test(an_identifier_of_another_card_is_not_found),
        cmocka_unit_test(a_failed_selection_changes_nothing),
        cmocka_unit_test(selecting_nothing_depends_on_whether_an_application_was_selected),
        cmocka_unit_test(selection_by_other_ways_is_refused),
        cmocka_unit_test(a_file_belongs_to_its_application),
        cmocka_unit_test(a_file_is_read_by_selection_or_by_its_short_identifier),
        cmocka_unit_test(a_read_at_the_end_of_a_file_is_short_and_beyond_it_fails),
        cmocka_unit_test(reading_needs_a_file_that_can_be_read),
        cmocka_unit_test(reading_without_a_length_is_refused),
        cmocka_unit_test(extended_lengths_are_understood),
        cmocka_unit_test(a_certificate_is_read_in_one_extended_command),
        cmocka_unit_test(the_end_of_a_file_is_filled_with_ff),
        cmocka_unit_test(each_file_opens_by_its_own_pins_and_codes_only),
        cmocka_unit_test(an_empty_query_tells_the_tries_left_and_costs_none),
        cmocka_unit_test(a_query_with_an_expected_length_is_refused),
        cmocka_unit_test(a_wrong_pin_costs_a_try_and_the_last_one_locks),
        cmocka_unit_test(the_right_pin_restores_the_tries),
        cmocka_unit_test(a_wrong_pin_takes_back_what_the_right_one_gave),
        cmocka_unit_test(a_pin_of_another_length_is_simply_wrong),
        cmocka_unit_test(the_password_is_compared_in_upper_case_only),
        cmocka_unit_test(verify_needs_a_pin_to_verify),
        cmocka_unit_test(each_pin_has_its_number_of_tries),
        cmocka_unit_test(a_pin_that_locks_does_so_after_exactly_its_tries),
        cmocka_unit_test(a_pin_is_changed_after_it_was_verified),
        cmocka_unit_test(the_password_and_the_surface_pin_are_changed_the_same_way),
        cmocka_unit_test(the_other_applications_change_their_pin_their_own_way),
        cmocka_unit_test(a_pin_that_is_none_is_not_taken),
        cmocka_unit_test(codes_and_the_birth_date_cannot_be_changed),
        cmocka_unit_test(power_and_reset_clear_what_was_verified_and_no_counter),
        cmocka_unit_test(what_was_verified_for_one_application_opens_nothing_in_another),
        cmocka_unit_test(selecting_the_same_application_again_keeps_what_was_verified),
        cmocka_unit_test(there_are_no_logical_channels),
        cmocka_unit_test(there_is_no_secure_messaging),
        cmocka_unit_test(a_class_of_another_world_is_unknown),
        cmocka_unit_test(other_drivers_probes_are_answered_and_leave_the_card_sane),
        cmocka_unit_test(random_commands_are_no_improper_use),
        cmocka_unit_test(the_answer_to_reset_is_the_observed_one),
        cmocka_unit_test(token_information_is_as_observed),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, issue, forget);
}
