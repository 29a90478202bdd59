#include "facts_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "calendar_words.h"

static void expect(enum reason reason)
{
    if (reason != REASON_NONE)
        abort();
}

struct insured_key key_of(const char *insurer, const char *symbol, const char *number, const char *branch)
{
    struct insured_key key;
    expect(insurer_number_parse(insurer, strlen(insurer), &key.insurer));
    expect(insured_symbol_parse(symbol, strlen(symbol), &key.symbol));
    expect(insured_number_parse(number, strlen(number), &key.number));
    expect(branch_number_parse(branch, strlen(branch), &key.branch));
    return key;
}

static struct five_items person(void)
{
    struct five_items items = {.birth = day("1980-02-17"), .sex = SEX_FEMALE};
    static const char name[] = "髙橋　﨑子", kana[] = "タカハシ　サキコ", alias[] = "山田",
                      address[] = "東京都千代田区霞が関1-2-2";
    expect(name_parse(name, sizeof(name) - 1, &items.name));
    expect(kana_name_parse(kana, sizeof(kana) - 1, &items.kana));
    expect(alias_parse(alias, sizeof(alias) - 1, &items.alias));
    expect(address_parse(address, sizeof(address) - 1, &items.address));
    expect(postal_code_parse("1000013", 7, &items.postal_code));
    return items;
}

struct subscription_facts facts_in_force(void)
{
    struct coverage coverage = coverage_blank();
    coverage.key = key_of(SOCIETY, "12-34", "567", "00");
    coverage.insurer_name = bytes_of_text("資格健康保険組合");
    coverage.person = person();
    coverage.relationship = RELATIONSHIP_INSURED;
    coverage.classification = CARD_CLASSIFICATION_GENERAL;
    coverage.acquired = day("2024-04-01");
    coverage.certificate = (struct eligibility_certificate){day("2025-12-01"), day("2029-11-30")};
    coverage.registered_at = at("2024-04-05T10:00:00+09:00");
    coverage.registered_by = bytes_of_text("資格健康保険組合");
    return (struct subscription_facts){.subscription = 100,
                                       .link = LINK_CONFIRMED,
                                       .person = {.id = 7, .card_use_registered = true},
                                       .coverage = coverage};
}

struct subscription_facts facts_lost(void)
{
    struct subscription_facts facts = facts_in_force();
    facts.coverage.lost = day("2026-10-01");
    facts.coverage.loss_reason = LOSS_REASON_OTHER_INSURANCE;
    return facts;
}

struct subscription_facts facts_newer(void)
{
    struct subscription_facts facts = facts_in_force();
    facts.subscription = 200;
    facts.coverage.key = key_of(NATIONAL, "", "9-001", "01");
    facts.coverage.insurer_name = bytes_of_text("千代田区");
    facts.coverage.acquired = day("2026-10-01");
    facts.coverage.registered_at = at("2026-10-12T10:00:00+09:00");
    return facts;
}

struct question question_by_number(void)
{
    return (struct question){.kind = QUESTION_BY_NUMBER,
                             .day = day(TODAY),
                             .asked_at = at(TODAY "T10:00:00+09:00"),
                             .event_id = {1, 2, 3},
                             .key = key_of(SOCIETY, "１２－３４", "５６７", ""),
                             .birth = day("1980-02-17")};
}

struct question question_by_card(void)
{
    return (struct question){.kind = QUESTION_BY_CARD,
                             .day = day(TODAY),
                             .asked_at = at(TODAY "T10:00:00+09:00"),
                             .event_id = {4, 5, 6},
                             .authenticated_by = AUTHENTICATED_BY_PIN,
                             .birth = DATE_NONE};
}

struct certificate_facts certificate_of_person(void)
{
    return (struct certificate_facts){.known = true,
                                      .state = CERTIFICATE_ACTIVE,
                                      .last_day = day("2029-02-17"),
                                      .enrolment = ENROLMENT_IN_FORCE,
                                      .person = {.id = 7, .card_use_registered = true}};
}
