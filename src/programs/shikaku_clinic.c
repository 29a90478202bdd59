/* shikaku-clinic: an institution's terminal. Drives the card in the reader and asks the centre. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "clinic/check.h"
#include "clinic/diagnosis.h"
#include "clinic/enrolment.h"
#include "clinic/pin_entry.h"
#include "clinic/presentation.h"
#include "clinic/reception.h"
#include "domain/eligibility.h"

enum {
    EXIT_GOOD = 0,
    EXIT_BAD_DIAGNOSIS = 2,
    EXIT_STOPPED_HERE = 3,
    WAIT_DEFAULT = 15, /* seconds for a card */
    CARD_TIME = 20,    /* seconds that the card may take once the PIN is there */
};

static const char usage_text[] =
    "usage: shikaku-clinic [--settings FILE] COMMAND [OPTIONS]\n"
    "\n"
    "  check          ask whether the person whose card is in the reader is covered\n"
    "  check-number   ask by what stands on a 資格確認書\n"
    "  enrol          enrol the card in the reader as insurance card (健康保険証利用の申込)\n"
    "  diagnose       look at every hop between the card and the centre\n"
    "\n"
    "  --settings FILE        clinic.json; default $SHIKAKU_CLINIC_SETTINGS, else ./clinic.json\n"
    "  --json                 the answer for machines\n"
    "  --trace                each hop and how long it took\n"
    "  --day DAY              day of treatment, 2026-11-22 or 20261122; default today\n"
    "\n"
    "check, enrol:\n"
    "  --pin-stdin            the PIN is the first line of standard input; default: asked at the terminal\n"
    "  --spend-last-try       send the PIN even where one try is left; a failure then locks the card\n"
    "  --without-pin face|eyes   the form without PIN, asserted by the institution: face authentication, or\n"
    "                         staff's eyes (目視確認)\n"
    "  --wait SECONDS         for a card; default 15\n"
    "check:\n"
    "  --purpose treatment|dispensing\n"
    "  --consent all|none|LIST   asked at the reader; LIST of treatment, medication, checkups, surgery\n"
    "enrol:\n"
    "  --accept-terms VERSION the person has read and accepted these terms; default: they are shown and "
    "asked\n"
    "check-number:\n"
    "  --insurer-number N --symbol S --number N --branch NN --birth-date DAY\n"
    "\n"
    "exit status: 0 eligible, enrolled, or all hops good; 1 not eligible under this number; 2 cannot be\n"
    "confirmed, or a bad hop; 3 stopped at this terminal (reader, card, PIN, entry, settings, usage)\n";

struct options {
    const char *settings;
    bool json;
    bool trace;
    const char *day;
    bool pin_stdin;
    bool spend_last_try;
    const char *without_pin;
    const char *wait;
    const char *purpose;
    const char *consent;
    const char *accept_terms;
    const char *insurer_number, *symbol, *number, *branch, *birth_date;
};

static int usage(void)
{
    fputs(usage_text, stderr);
    return EXIT_STOPPED_HERE;
}

/* ---- Telling ---- */

static void print_buffer(struct buffer *text, FILE *stream)
{
    fwrite(text->data, 1, text->length, stream);
    buffer_free(text);
}

static void print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    fputs("\n", stdout);
    json_decref(json);
}

static void tell_trace(const struct options *options, const struct trace *trace)
{
    struct buffer text = {0};
    if (options->trace && !options->json && present_trace(trace, &text) == OK)
        print_buffer(&text, stderr);
    else
        buffer_free(&text);
}

static int tell_outcome(const struct options *options, struct clinic *clinic, struct outcome *outcome)
{
    struct buffer text = {.secret = true}; /* names, addresses */
    if (options->json) {
        if (options->trace)
            json_object_set_new(outcome->json, "trace", trace_to_json(&clinic->trace));
        print_json(json_incref(outcome->json));
    } else if (present_outcome(outcome, &text) == OK) {
        print_buffer(&text, stdout);
    }
    buffer_free(&text);
    fflush(stdout);
    tell_trace(options, &clinic->trace);
    int status = outcome_exit_status(outcome);
    outcome_free(outcome);
    return status;
}

static int tell_local(const struct options *options, struct clinic *clinic, enum reason reason)
{
    struct outcome outcome;
    outcome_of_reason(OUTCOME_LOCAL, reason, -1, &outcome);
    return tell_outcome(options, clinic, &outcome);
}

/* ---- Options ---- */

static enum reason day_option(const struct options *options, struct date *out)
{
    if (options->day)
        return day_of_treatment_parse(options->day, strlen(options->day), out);
    *out = date_in_tokyo(clock_now(&real_clock));
    return REASON_NONE;
}

static bool authentication_option(const struct options *options, enum authentication *out)
{
    *out = AUTHENTICATED_BY_PIN;
    if (!options->without_pin)
        return true;
    *out = AUTHENTICATED_BY_FACE;
    if (strcmp(options->without_pin, "face") == 0)
        return true;
    *out = AUTHENTICATED_BY_STAFF_EYES;
    return strcmp(options->without_pin, "eyes") == 0;
}

static bool purpose_option(const struct options *options, enum check_purpose *out)
{
    *out = PURPOSE_TREATMENT;
    if (!options->purpose || strcmp(options->purpose, "treatment") == 0)
        return true;
    *out = PURPOSE_DISPENSING;
    return strcmp(options->purpose, "dispensing") == 0;
}

static bool agree_to(const char *word, size_t length, struct consents *out)
{
    for (int kind = 0; kind < CONSENT_KINDS; kind++) {
        const char *code = consent_kind_code((enum consent_kind)kind);
        if (strlen(code) == length && memcmp(code, word, length) == 0) {
            out->given[kind] = true;
            return true;
        }
    }
    return false;
}

/* all, none, or a list of words between commas. */
static bool consent_option(const char *text, struct consents *out)
{
    *out = (struct consents){.given_at = clock_now(&real_clock)};
    if (strcmp(text, "none") == 0)
        return true;
    for (int kind = 0; strcmp(text, "all") == 0 && kind < CONSENT_KINDS; kind++)
        out->given[kind] = true;
    if (strcmp(text, "all") == 0)
        return true;
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        if (!agree_to(text, length, out))
            return false;
        text += length + (text[length] == ',');
    }
    return true;
}

static bool wait_option(const struct options *options, int64_t *deadline)
{
    long seconds = WAIT_DEFAULT;
    if (options->wait) {
        char *end;
        seconds = strtol(options->wait, &end, 10);
        if (*end != '\0' || end == options->wait || seconds < 0 || seconds > 3600)
            return false;
    }
    *deadline = monotonic_microseconds() + (int64_t)seconds * MICROSECONDS;
    return true;
}

/* ---- The card at the desk ---- */

static enum reason ask_pin(const struct card_description *card, struct buffer *pin)
{
    char prompt[256];
    snprintf(prompt, sizeof prompt,
             "利用者証明用電子証明書の暗証番号（数字4桁、残り%u回）を入力してください。\n"
             "PIN of the user certificate (4 digits, %u tries left): ",
             card->tries_left, card->tries_left);
    switch (pin_entry_ask(prompt, pin)) {
    case OK:
        return REASON_NONE;
    case ERR_TOO_LARGE:
        return REASON_PIN_FORMAT;
    case ERR_NOT_FOUND:
        fputs("shikaku-clinic: no terminal to ask the PIN at; use --pin-stdin\n", stderr);
        return REASON_PIN_CANCELLED;
    default:
        return REASON_PIN_CANCELLED;
    }
}

/* What can be said without a PIN is said before one is asked for. */
static enum reason take_pin(const struct options *options, const struct card_description *card,
                            struct buffer *pin)
{
    if (!card->has_pin)
        return REASON_CARD_WITHOUT_PIN;
    if (card->tries_left == 0)
        return REASON_PIN_LOCKED;
    if (card->tries_left == 1 && !options->spend_last_try)
        return REASON_PIN_LAST_TRY_KEPT;
    if (!options->pin_stdin)
        return ask_pin(card, pin);
    enum status status = pin_entry_read(STDIN_FILENO, pin);
    return status == OK ? REASON_NONE : status == ERR_TOO_LARGE ? REASON_PIN_FORMAT : REASON_PIN_CANCELLED;
}

/* One use of the card: what a command does once the card is there and its holder has shown who he is. */
typedef void card_command(struct clinic *clinic, const struct options *options, struct card_use *use,
                          struct outcome *out);

static void use_card(struct clinic *clinic, const struct options *options, struct reception *reception,
                     struct card_use *use, card_command *command, struct outcome *out)
{
    struct buffer pin = {.secret = true};
    enum reason reason = REASON_NONE;
    if (use->authenticated_by == AUTHENTICATED_BY_PIN)
        reason = take_pin(options, &reception->description, &pin);
    if (reason == REASON_NONE) {
        use->card = reception->card;
        use->pin = buffer_bytes(&pin);
        use->deadline = monotonic_microseconds() + (int64_t)CARD_TIME * MICROSECONDS;
        command(clinic, options, use, out);
    } else {
        bool about_tries = reason == REASON_PIN_LOCKED || reason == REASON_PIN_LAST_TRY_KEPT;
        outcome_of_reason(OUTCOME_LOCAL, reason, about_tries ? (int)reception->description.tries_left : -1,
                          out);
    }
    buffer_free(&pin);
}

static int with_card(struct clinic *clinic, const struct options *options, card_command *command)
{
    struct card_use use = {.spend_last_try = options->spend_last_try};
    int64_t deadline;
    if (!authentication_option(options, &use.authenticated_by) || !wait_option(options, &deadline))
        return usage();
    struct reception reception;
    struct outcome outcome = {0};
    if (reception_open(clinic, deadline, &reception, &outcome) == OK)
        use_card(clinic, options, &reception, &use, command, &outcome);
    reception_close(&reception);
    int status = tell_outcome(options, clinic, &outcome);
    clinic_fetch_ahead(clinic);
    return status;
}

/* ---- Commands ---- */

static void do_check(struct clinic *clinic, const struct options *options, struct card_use *use,
                     struct outcome *out)
{
    struct consents consents;
    struct card_check check = {.use = *use};
    if (day_option(options, &check.day) != REASON_NONE || !purpose_option(options, &check.purpose))
        return;
    if (options->consent && consent_option(options->consent, &consents))
        check.consents = &consents;
    check_by_card(clinic, &check, out);
}

static int command_check(struct clinic *clinic, const struct options *options)
{
    struct date day;
    enum check_purpose purpose;
    struct consents consents;
    enum reason reason = day_option(options, &day);
    if (reason != REASON_NONE)
        return tell_local(options, clinic, reason);
    if (!purpose_option(options, &purpose) ||
        (options->consent && !consent_option(options->consent, &consents)))
        return usage();
    return with_card(clinic, options, do_check);
}

static enum reason take_number(const struct options *options, struct number_check *out)
{
    const char *symbol = options->symbol ? options->symbol : "";
    const char *branch = options->branch ? options->branch : "";
    struct date today = date_in_tokyo(clock_now(&real_clock));
    enum reason reason =
        insurer_number_parse(options->insurer_number, strlen(options->insurer_number), &out->key.insurer);
    if (reason == REASON_NONE)
        reason = insured_symbol_parse(symbol, strlen(symbol), &out->key.symbol);
    if (reason == REASON_NONE)
        reason = insured_number_parse(options->number, strlen(options->number), &out->key.number);
    if (reason == REASON_NONE)
        reason = branch_number_parse(branch, strlen(branch), &out->key.branch);
    if (reason == REASON_NONE)
        reason = birth_date_parse(options->birth_date, strlen(options->birth_date), today, &out->birth);
    if (reason == REASON_NONE)
        reason = day_option(options, &out->day);
    return reason;
}

static int command_check_number(struct clinic *clinic, const struct options *options)
{
    if (!options->insurer_number || !options->number || !options->birth_date)
        return usage();
    struct number_check check = {0};
    enum reason reason = take_number(options, &check);
    if (reason != REASON_NONE)
        return tell_local(options, clinic, reason);
    struct outcome outcome;
    check_by_number(clinic, &check, &outcome);
    return tell_outcome(options, clinic, &outcome);
}

/* Shows the terms and asks. Only "yes" in one of the two languages is one. */
static bool accepts_terms(const struct terms *terms)
{
    char answer[32] = "";
    FILE *tty = fopen("/dev/tty", "r+e");
    if (!tty)
        return false;
    fprintf(tty, "%s\n\n同意する場合は「同意する」または yes と入力してください。\nType yes to accept: ",
            terms->text);
    fflush(tty);
    bool read = fgets(answer, sizeof answer, tty);
    fclose(tty);
    answer[strcspn(answer, "\r\n")] = '\0';
    return read && (strcmp(answer, "yes") == 0 || strcmp(answer, "同意する") == 0);
}

static void do_enrol(struct clinic *clinic, const struct options *options, struct card_use *use,
                     struct outcome *out)
{
    struct terms terms;
    if (enrolment_fetch_terms(clinic, &terms, out) != OK)
        return;
    bool accepted =
        options->accept_terms ? strcmp(options->accept_terms, terms.version) == 0 : accepts_terms(&terms);
    if (accepted)
        enrol_card(clinic, use, &terms, out);
    else
        outcome_of_reason(OUTCOME_LOCAL,
                          options->accept_terms ? REASON_TERMS_VERSION_UNKNOWN : REASON_PIN_CANCELLED, -1,
                          out);
}

static int command_enrol(struct clinic *clinic, const struct options *options)
{
    return with_card(clinic, options, do_enrol);
}

static int command_diagnose(const struct options *options)
{
    struct diagnosis diagnosis;
    struct buffer text = {0};
    diagnose(options->settings, &real_clock, &diagnosis);
    if (options->json)
        print_json(diagnosis_to_json(&diagnosis));
    else if (present_diagnosis(&diagnosis, &text) == OK)
        print_buffer(&text, stdout);
    return diagnosis_is_good(&diagnosis) ? EXIT_GOOD : EXIT_BAD_DIAGNOSIS;
}

static int with_clinic(const struct options *options, int (*command)(struct clinic *, const struct options *))
{
    struct clinic_settings settings = {0};
    struct clinic clinic = {0};
    struct settings_fault fault;
    enum status opened = clinic_settings_load(options->settings, &settings, &fault);
    if (opened == OK)
        opened = clinic_open(&settings, &real_clock, &clinic, &fault);
    int status;
    if (opened == OK) {
        status = command(&clinic, options);
    } else {
        fprintf(stderr, "shikaku-clinic: %s\n", fault.text);
        status = tell_local(options, &clinic, REASON_SETTINGS_INVALID);
    }
    clinic_close(&clinic);
    clinic_settings_free(&settings);
    return status;
}

/* ---- main ---- */

enum option_code {
    OPTION_SETTINGS = 256,
    OPTION_JSON,
    OPTION_TRACE,
    OPTION_DAY,
    OPTION_PIN_STDIN,
    OPTION_SPEND_LAST_TRY,
    OPTION_WITHOUT_PIN,
    OPTION_WAIT,
    OPTION_PURPOSE,
    OPTION_CONSENT,
    OPTION_ACCEPT_TERMS,
    OPTION_INSURER_NUMBER,
    OPTION_SYMBOL,
    OPTION_NUMBER,
    OPTION_BRANCH,
    OPTION_BIRTH_DATE,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"settings", required_argument, NULL, OPTION_SETTINGS},
    {"json", no_argument, NULL, OPTION_JSON},
    {"trace", no_argument, NULL, OPTION_TRACE},
    {"day", required_argument, NULL, OPTION_DAY},
    {"pin-stdin", no_argument, NULL, OPTION_PIN_STDIN},
    {"spend-last-try", no_argument, NULL, OPTION_SPEND_LAST_TRY},
    {"without-pin", required_argument, NULL, OPTION_WITHOUT_PIN},
    {"wait", required_argument, NULL, OPTION_WAIT},
    {"purpose", required_argument, NULL, OPTION_PURPOSE},
    {"consent", required_argument, NULL, OPTION_CONSENT},
    {"accept-terms", required_argument, NULL, OPTION_ACCEPT_TERMS},
    {"insurer-number", required_argument, NULL, OPTION_INSURER_NUMBER},
    {"symbol", required_argument, NULL, OPTION_SYMBOL},
    {"number", required_argument, NULL, OPTION_NUMBER},
    {"branch", required_argument, NULL, OPTION_BRANCH},
    {"birth-date", required_argument, NULL, OPTION_BIRTH_DATE},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static void take_flag(int code, struct options *options)
{
    options->json |= code == OPTION_JSON;
    options->trace |= code == OPTION_TRACE;
    options->pin_stdin |= code == OPTION_PIN_STDIN;
    options->spend_last_try |= code == OPTION_SPEND_LAST_TRY;
}

static const char **value_of(int code, struct options *options)
{
    switch (code) {
    case OPTION_SETTINGS:
        return &options->settings;
    case OPTION_DAY:
        return &options->day;
    case OPTION_WITHOUT_PIN:
        return &options->without_pin;
    case OPTION_WAIT:
        return &options->wait;
    case OPTION_PURPOSE:
        return &options->purpose;
    case OPTION_CONSENT:
        return &options->consent;
    case OPTION_ACCEPT_TERMS:
        return &options->accept_terms;
    case OPTION_INSURER_NUMBER:
        return &options->insurer_number;
    case OPTION_SYMBOL:
        return &options->symbol;
    case OPTION_NUMBER:
        return &options->number;
    case OPTION_BRANCH:
        return &options->branch;
    case OPTION_BIRTH_DATE:
        return &options->birth_date;
    default:
        return NULL;
    }
}

/* false: not called as the usage says. */
static bool take_options(int count, char **arguments, struct options *options, bool *help)
{
    const char *settings = getenv("SHIKAKU_CLINIC_SETTINGS");
    *options = (struct options){.settings = settings ? settings : "clinic.json"};
    int code;
    while ((code = getopt_long(count, arguments, "", long_options, NULL)) != -1) {
        if (code == '?')
            return false;
        *help |= code == OPTION_HELP;
        const char **value = value_of(code, options);
        if (value)
            *value = optarg;
        else
            take_flag(code, options);
    }
    return true;
}

int main(int count, char **arguments)
{
    struct options options;
    bool help = false;
    log_open(STDERR_FILENO, "shikaku-clinic", LOG_WARNING);
    if (!take_options(count, arguments, &options, &help))
        return usage();
    if (help) {
        fputs(usage_text, stdout);
        return EXIT_GOOD;
    }
    if (optind + 1 != count)
        return usage();
    const char *command = arguments[optind];
    if (strcmp(command, "check") == 0)
        return with_clinic(&options, command_check);
    if (strcmp(command, "check-number") == 0)
        return with_clinic(&options, command_check_number);
    if (strcmp(command, "enrol") == 0)
        return with_clinic(&options, command_enrol);
    return strcmp(command, "diagnose") == 0 ? command_diagnose(&options) : usage();
}
