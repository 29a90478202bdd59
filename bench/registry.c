#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/random.h"
#include "domain/eligibility.h"
#include "registry/check.h"
#include "registry/load.h"
#include "registry/parties.h"
#include "registry/unseen.h"

/*
 * usage: bench-registry LOCATION PEOPLE CHECKS
 *
 * Fills a registry that is empty (one that is filled already is taken as it is) with people as they are in
 * life (five items, link, card certificate, enrolment, coverage; every eighth has an earlier insurer too),
 * then checks some of them by number and by card, on one core, and prints what that took. LOCATION as in
 * db/db.h.
 */

enum { PEOPLE_PER_TRANSACTION = 50000, SUBSCRIBERS_PER_SYMBOL = 200, INSURERS = 40 };

static const char *const prefixes[] = {"06139463", "33120015", "01320027", "00138057"};
static const char *const family_names[] = {"佐藤", "鈴木", "高橋", "田中", "渡邉", "髙橋", "山﨑", "齋藤"};
static const char *const given_names[] = {"太郎", "花子", "健一", "美咲", "蓮", "陽葵", "誠", "久美子"};
static const char *const family_kana[] = {"サトウ",   "スズキ",   "タカハシ", "タナカ",
                                          "ワタナベ", "タカハシ", "ヤマザキ", "サイトウ"};
static const char *const given_kana[] = {"タロウ", "ハナコ", "ケンイチ", "ミサキ",
                                         "レン",   "ヒマリ", "マコト",   "クミコ"};
static const char *const towns[] = {"東京都千代田区霞が関", "大阪府大阪市北区中之島",
                                    "北海道札幌市中央区北三条西", "福岡県福岡市博多区東公園"};

struct bench {
    struct insurer_number insurers[INSURERS];
    uint8_t machine[CERTIFICATE_ID_SIZE];
    long people;
    long first; /* of this transaction */
    int64_t load;
};

static void stop(const char *what, enum status status)
{
    fprintf(stderr, "%s: %s\n", what, status_name(status));
    exit(1);
}

static void need(const char *what, enum status status)
{
    if (status != OK)
        stop(what, status);
}

/* Processor time of this process: what a quiet machine would need. */
static double cpu_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- People ---- */

struct human {
    struct subscription_record record;
    uint8_t certificate[CERTIFICATE_ID_SIZE];
    uint8_t reference[VAULT_REFERENCE_SIZE];
    char name[64], kana[64], address[128];
};

static void fill_random(struct dice *dice, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i += 8) {
        uint64_t value = dice_next(dice);
        memcpy(out + i, &value, 8);
    }
}

static void number_text(const struct bench *bench, long number, int job, struct insured_key *key)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%ld", 100 + number / SUBSCRIBERS_PER_SYMBOL % 9000);
    if (insured_symbol_parse(text, (size_t)length, &key->symbol) != REASON_NONE)
        stop("symbol", ERR_INTERNAL);
    length = snprintf(text, sizeof text, "%07ld", number + job * 5000000);
    if (insured_number_parse(text, (size_t)length, &key->number) != REASON_NONE)
        stop("number", ERR_INTERNAL);
    memcpy(key->branch.digits, "00", 3);
    key->insurer = bench->insurers[(number + job) % INSURERS];
}

/* The same for the same number each time. */
static void make_human(const struct bench *bench, long number, struct human *out)
{
    struct dice dice = dice_of(20261122, (uint64_t)number);
    *out = (struct human){.record = {.coverage = coverage_blank(), .replaces_acquired = DATE_NONE}};
    struct coverage *coverage = &out->record.coverage;
    uint32_t family = dice_roll(&dice, 8), given = dice_roll(&dice, 8);
    snprintf(out->name, sizeof out->name, "%s　%s", family_names[family], given_names[given]);
    snprintf(out->kana, sizeof out->kana, "%s　%s", family_kana[family], given_kana[given]);
    snprintf(out->address, sizeof out->address, "%s%u丁目%u番%u号", towns[dice_roll(&dice, 4)],
             1 + dice_roll(&dice, 9), 1 + dice_roll(&dice, 30), 1 + dice_roll(&dice, 20));
    coverage->person = (struct five_items){
        .name = {bytes_of_text(out->name)},
        .kana = {bytes_of_text(out->kana)},
        .birth = {-9000 + (int32_t)dice_roll(&dice, 26000)},
        .sex = dice_roll(&dice, 2) ? SEX_MALE : SEX_FEMALE,
        .address = {bytes_of_text(out->address)},
    };
    snprintf(coverage->person.postal_code.digits, sizeof coverage->person.postal_code.digits, "%07u",
             dice_roll(&dice, 9999999));
    coverage->relationship = dice_roll(&dice, 2) ? RELATIONSHIP_INSURED : RELATIONSHIP_FAMILY;
    coverage->classification = CARD_CLASSIFICATION_GENERAL;
    coverage->acquired = (struct date){17000 + (int32_t)dice_roll(&dice, 3500)};
    number_text(bench, number, 0, &coverage->key);
    fill_random(&dice, out->certificate, sizeof out->certificate);
    fill_random(&dice, out->reference, sizeof out->reference);
}

static void make_earlier_insurer(const struct bench *bench, long number, struct unseen_subscription *earlier)
{
    struct coverage *coverage = &earlier->record.coverage;
    coverage->lost = coverage->acquired;
    coverage->acquired.days -= 1000;
    coverage->loss_reason = LOSS_REASON_OTHER_INSURANCE;
    number_text(bench, number, 1, &coverage->key);
}

static enum status add_human(struct db *db, const struct bench *bench, long number)
{
    struct human human;
    make_human(bench, number, &human);
    struct recording loaded = {.at = 1795000000000000 + number, .load = bench->load};
    struct link_evidence evidence = {.compared = true, .match = {2, 2, 2, 2, 1, ADDRESS_SAME}};
    struct unseen_subscription subscriptions[2] = {{human.record, LINK_CONFIRMED, evidence},
                                                   {human.record, LINK_CONFIRMED, evidence}};
    make_earlier_insurer(bench, number, &subscriptions[1]);
    struct certificate_change certificate = {.state = CERTIFICATE_ACTIVE, .last_day = {21500}};
    memcpy(certificate.id, human.certificate, sizeof certificate.id);
    struct enrolment enrolment = {.state = ENROLMENT_IN_FORCE,
                                  .at = loaded.at,
                                  .place = ENROLLED_IN_PORTAL,
                                  .form = AUTHENTICATED_BY_PIN,
                                  .terms = bytes_of_text("2026-04")};
    struct unseen_person unseen = {.subscriptions = subscriptions,
                                   .subscription_count = number % 8 == 0 ? 2 : 1,
                                   .certificates = &certificate,
                                   .certificate_count = 1,
                                   .enrolment = &enrolment};
    memcpy(unseen.reference, human.reference, sizeof unseen.reference);
    int64_t person;
    return person_add_unseen(db, &unseen, &loaded, &person);
}

static enum status add_humans(struct db *db, void *argument)
{
    const struct bench *bench = argument;
    long last = bench->first + PEOPLE_PER_TRANSACTION;
    enum status status = OK;
    for (long i = bench->first; status == OK && i < last && i < bench->people; i++)
        status = add_human(db, bench, i);
    return status;
}

static enum status add_parties(struct db *db, void *argument)
{
    struct bench *bench = argument;
    struct certificate_change change = {.state = CERTIFICATE_ACTIVE, .last_day = {21500}};
    memcpy(change.id, bench->machine, sizeof change.id);
    struct institution institution = {{"0110113719"}, bytes_of_text("測定クリニック"), true};
    enum status status = institution_put(db, &institution);
    if (status == OK)
        status = machine_certificate_apply(db, &change);
    for (int i = 0; status == OK && i < INSURERS; i++) {
        struct insurer insurer = {bench->insurers[i], bytes_of_text("測定健康保険組合")};
        status = insurer_put(db, &insurer);
    }
    if (status == OK)
        status = load_begin(db, bench->machine, &bench->insurers[0], 1794000000000000, &bench->load);
    return status == OK ? load_publish(db, bench->load, 1794000000000000) : status;
}

static void make_insurers(struct bench *bench)
{
    for (int i = 0; i < INSURERS; i++) {
        char digits[9];
        snprintf(digits, sizeof digits, "%.5s%02d", prefixes[i % 4], i % 100);
        digits[7] = luhn_check_digit(digits, 7);
        digits[8] = '\0';
        if (insurer_number_parse(digits, 8, &bench->insurers[i]) != REASON_NONE)
            stop(digits, ERR_INTERNAL);
    }
}

/* ---- Checks ---- */

struct outcome {
    struct region region;
    const struct bench *bench;
    struct question question;
    bool by_card;
    long eligible;
    long answered;
};

static void decide(void *argument, enum status status, struct db_rows *rows)
{
    struct outcome *outcome = argument;
    struct check_findings findings;
    need("check", status);
    need("collect", outcome->by_card ? check_by_card_collect(rows, &outcome->region, &findings)
                                     : check_by_number_collect(rows, &outcome->region, &findings));
    const struct answer *answer =
        outcome->by_card
            ? eligibility_decide_by_card(&outcome->region, &outcome->question, &findings.certificate,
                                         findings.subscriptions, findings.count)
            : eligibility_decide_by_number(&outcome->region, &outcome->question, findings.subscriptions,
                                           findings.count);
    outcome->eligible += answer_content(answer)->result == RESULT_ELIGIBLE;
    outcome->answered++;
    region_reset(&outcome->region);
}

static void ask(struct db *db, struct outcome *outcome, long number)
{
    struct human human;
    make_human(outcome->bench, number, &human);
    struct coverage *coverage = &human.record.coverage;
    outcome->question = (struct question){.kind = outcome->by_card ? QUESTION_BY_CARD : QUESTION_BY_NUMBER,
                                          .day = {20779},
                                          .asked_at = 1795300000000000,
                                          .key = coverage->key,
                                          .birth = coverage->person.birth};
    struct check_caller caller = {.institution = {"0110113719"}};
    memcpy(caller.machine, outcome->bench->machine, CERTIFICATE_ID_SIZE);
    struct check_by_number by_number = {
        .key = coverage->key, .birth = coverage->person.birth, .caller = caller};
    struct check_by_card by_card = {.caller = caller};
    memcpy(by_card.certificate, human.certificate, CERTIFICATE_ID_SIZE);
    int64_t deadline = monotonic_microseconds() + 10 * MICROSECONDS;
    need("submit", outcome->by_card ? check_by_card_submit(db, &by_card, deadline, decide, outcome)
                                    : check_by_number_submit(db, &by_number, deadline, decide, outcome));
    while (db_pending(db) > 0) {
        struct timespec pause = {.tv_nsec = 1000};
        nanosleep(&pause, NULL);
        db_process(db);
    }
}

static double measure(struct db *db, const struct bench *bench, bool by_card, long checks)
{
    struct outcome outcome = {.bench = bench, .by_card = by_card};
    struct dice dice = dice_of(1, by_card);
    double begun = cpu_seconds();
    for (long i = 0; i < checks; i++)
        ask(db, &outcome, dice_roll(&dice, (uint32_t)bench->people));
    double seconds = cpu_seconds() - begun;
    if (outcome.eligible != checks)
        printf("only %ld of %ld eligible\n", outcome.eligible, checks);
    region_free(&outcome.region);
    return seconds;
}

static double measure_making(const struct bench *bench, long checks)
{
    struct dice dice = dice_of(1, 0);
    double begun = cpu_seconds();
    for (long i = 0; i < checks; i++) {
        struct human human;
        make_human(bench, dice_roll(&dice, (uint32_t)bench->people), &human);
    }
    return cpu_seconds() - begun;
}

static void fill(const char *location, struct bench *bench)
{
    struct db_options options = {.location = location, .use = DB_FOR_CHANGES};
    struct db *db;
    need("open", registry_open(&options, &db));
    struct region region = {0};
    struct insurer insurer;
    bool is_filled = insurer_find(db, &bench->insurers[0], &region, &insurer) == OK;
    region_free(&region);
    memset(bench->machine, 7, sizeof bench->machine);
    if (is_filled) {
        db_close(db);
        return;
    }
    need("parties", db_transaction(db, add_parties, bench));
    double begun = cpu_seconds();
    for (bench->first = 0; bench->first < bench->people; bench->first += PEOPLE_PER_TRANSACTION)
        need("people", db_transaction(db, add_humans, bench));
    double seconds = cpu_seconds() - begun;
    printf("fill: %ld people in %.1f s of processor time, %.1f us a person\n", bench->people, seconds,
           seconds * 1e6 / (double)bench->people);
    db_close(db);
    struct stat file;
    if (strncmp(location, "sqlite:", 7) == 0 && stat(location + 7, &file) == 0)
        printf("size: %.0f bytes a person\n", (double)file.st_size / (double)bench->people);
}

int main(int count, char **arguments)
{
    if (count != 4) {
        fprintf(stderr, "usage: bench-registry LOCATION PEOPLE CHECKS\n");
        return 2;
    }
    struct bench bench = {.people = atol(arguments[2])};
    long checks = atol(arguments[3]);
    make_insurers(&bench);
    fill(arguments[1], &bench);

    struct db_options options = {.location = arguments[1], .use = DB_FOR_CHECKS};
    struct db *db;
    need("open", registry_open(&options, &db));
    for (int i = 0; i < 2000 && !db_is_embedded(db) && db_wake_at(db) != INT64_MAX; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        db_process(db);
    }
    double making = measure_making(&bench, checks);
    for (int by_card = 0; by_card < 2; by_card++) {
        measure(db, &bench, by_card, checks / 10); /* warm */
        double seconds = measure(db, &bench, by_card, checks) - making;
        printf("check by %s: %.1f us of processor time, decision included\n", by_card ? "card" : "number",
               seconds * 1e6 / (double)checks);
    }
    db_close(db);
    return 0;
}
