#include "synth/cast.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/card_certificate.h"
#include "domain/copayment.h"
#include "synth/words.h"

enum { USUAL_AGE = 40 };

/* A case's household while it is made. Everyone begins as an adult with an employer's insurance, a card of
 * two years, enrolled; a case's own function changes what the case is about. */
struct scene {
    struct making *making;
    struct home home;
    uint64_t at;
    struct synthetic_person *people;
    size_t count;
    struct synthetic_person *person;
    struct synthetic_record *record;
};

static struct date days_ago(const struct scene *scene, int days)
{
    return date_add_days(scene->making->today, -days);
}

static void drop_records(struct scene *scene)
{
    scene->person->record_count = 0;
    scene->record = NULL;
}

static void drop_card(struct scene *scene)
{
    scene->person->card = (struct synthetic_card){0};
    scene->person->enrolment = ENROLMENT_NONE;
    scene->person->enrolled = DATE_NONE;
}

static void insure(struct scene *scene, struct policy policy, struct date acquired,
                   enum relationship relationship)
{
    scene->record =
        person_add_record(scene->making, scene->person, &policy, &scene->home, acquired, relationship);
    /* Where a ratio is told by chance, the cast has the usual one. */
    if (scene->record->coverage.copayment.percent != COPAYMENT_UNKNOWN)
        record_set_ratio(scene->making, scene->record, policy.insurer->group == GROUP_LATE_ELDERLY ? 10 : 20);
}

static struct policy employers_policy(struct scene *scene)
{
    const struct organisations *organisations = scene->making->organisations;
    uint64_t employer = scene->at * 3 % organisations->employer_count;
    return policy_of_employer(scene->making, employer, scene->person->index);
}

static struct policy municipal_policy(struct scene *scene)
{
    return policy_of_insurer(scene->making,
                             insurer_of_place(scene->making->organisations, scene->person->place),
                             scene->person->index);
}

static void insure_again(struct scene *scene, struct policy policy, int days)
{
    drop_records(scene);
    insure(scene, policy, days_ago(scene, days), RELATIONSHIP_INSURED);
}

/* Born so that the certificates' last day, a birthday, was that many days ago. */
static void let_certificates_end(struct scene *scene, int days)
{
    struct synthetic_person *person = scene->person;
    person->known.birth = birth_years_before(days_ago(scene, days), USUAL_AGE);
    scene->record->coverage.person.birth = person->known.birth;
    struct date issued = date_add_days(date_add_years(days_ago(scene, days), -5), 40);
    card_issue(person, issued, CARD_VARIANT_NORMAL);
    person->card.state = STATE_EXPIRED;
}

/* ---- Cases ---- */

static void as_usual(struct scene *scene)
{
    (void)scene;
}

static void in_grace(struct scene *scene)
{
    let_certificates_end(scene, 20);
}

static void past_grace(struct scene *scene)
{
    let_certificates_end(scene, 200);
}

static void special_expense(struct scene *scene)
{
    insure_again(scene, municipal_policy(scene), 900);
    scene->record->coverage.special_expense = true;
}

static void medical_aid(struct scene *scene)
{
    insure_again(scene, policy_of_medical_aid(scene->making, scene->person->index), 500);
}

static void medical_aid_not_enrolled(struct scene *scene)
{
    medical_aid(scene);
    scene->person->enrolment = ENROLMENT_NONE;
}

static void lost(struct scene *scene)
{
    record_lose(scene->record, days_ago(scene, 60), LOSS_REASON_OTHER);
}

static void lost_today(struct scene *scene)
{
    record_lose(scene->record, scene->making->today, LOSS_REASON_OTHER);
}

static void lost_tomorrow(struct scene *scene)
{
    record_lose(scene->record, days_ago(scene, -1), LOSS_REASON_OTHER);
}

static void lost_by_death(struct scene *scene)
{
    record_lose(scene->record, days_ago(scene, 3), LOSS_REASON_DEATH);
}

static void not_yet_acquired(struct scene *scene)
{
    insure_again(scene, municipal_policy(scene), -9);
}

/* The paper is the old insurer's. */
static void moved(struct scene *scene)
{
    drop_records(scene);
    insure(scene, municipal_policy(scene), days_ago(scene, 45), RELATIONSHIP_INSURED);
    insure(scene, employers_policy(scene), days_ago(scene, 1500), RELATIONSHIP_INSURED);
    record_lose(scene->record, days_ago(scene, 45), LOSS_REASON_OTHER_INSURANCE);
}

static void moved_and_protected(struct scene *scene)
{
    moved(scene);
    scene->person->non_disclosure = true;
}

static void moving(struct scene *scene)
{
    record_lose(scene->record, days_ago(scene, 10), LOSS_REASON_OTHER_INSURANCE);
}

/* Children of one birth date under one number, on old papers without branch; no cards. */
static void twins(struct scene *scene)
{
    struct making *making = scene->making;
    struct policy policy = municipal_policy(scene);
    policy.has_branches = false;
    struct synthetic_person *first = scene->person;
    struct date birth = birth_years_before(days_ago(scene, 100), 8);
    struct bytes surname = bytes_of_text("藤田"), kana = bytes_of_text("フジタ");
    static const struct word given[] = {{"陽翔", "ハルト"}, {"陽葵", "ヒマリ"}};
    for (size_t i = 0; i < ARRAY_LENGTH(given); i++) {
        scene->person = &scene->people[i];
        person_begin(making, first->index + i, &scene->home, scene->person);
        scene->person->known.birth = birth;
        scene->person->known.sex = i == 0 ? SEX_MALE : SEX_FEMALE;
        person_set_name(making, scene->person, surname, kana, &given[i]);
        insure(scene, policy, days_ago(scene, 1800), RELATIONSHIP_FAMILY);
    }
    scene->count = ARRAY_LENGTH(given);
}

/* Enrolled once, and nobody has registered the number for what there is now. */
static void number_missing(struct scene *scene)
{
    scene->record->link = LINK_NONE;
}

static void pending(struct scene *scene)
{
    scene->record->link = LINK_PENDING;
}

static void quarantined(struct scene *scene)
{
    scene->record->link = LINK_QUARANTINED;
    /* The insurer registered the number of somebody of the same birth date and sex. */
    scene->record->coverage.person.name.text = bytes_of_text("島田　典子");
    scene->record->coverage.person.kana.text = bytes_of_text("シマダ　ノリコ");
}

static void self_information_blocked(struct scene *scene)
{
    scene->person->self_information_blocked = true;
}

static void non_disclosure(struct scene *scene)
{
    scene->person->non_disclosure = true;
}

static void released(struct scene *scene)
{
    scene->person->enrolment = ENROLMENT_RELEASED;
    record_set_certificate(scene->making, scene->record);
}

static void suspended(struct scene *scene)
{
    scene->person->card.state = STATE_SUSPENDED;
}

static void revoked(struct scene *scene)
{
    scene->person->card.state = STATE_REVOKED;
}

static void renewed(struct scene *scene)
{
    card_renew(scene->person, days_ago(scene, 30));
}

static void not_enrolled(struct scene *scene)
{
    scene->person->enrolment = ENROLMENT_NONE;
    record_set_certificate(scene->making, scene->record);
}

static void without_pin(struct scene *scene)
{
    card_issue(scene->person, days_ago(scene, 300), CARD_VARIANT_WITHOUT_PIN);
    scene->person->enrolled_by = AUTHENTICATED_BY_FACE;
}

static void be_born(struct scene *scene, struct date birth)
{
    scene->person->known.birth = birth;
    scene->record->coverage.person.birth = birth;
}

static void child(struct scene *scene, struct date birth, int card_days, enum card_variant variant)
{
    struct policy policy = employers_policy(scene);
    policy.next_branch = 2;
    be_born(scene, birth);
    drop_records(scene);
    struct date acquired = days_ago(scene, 700);
    insure(scene, policy, date_before(acquired, birth) ? birth : acquired, RELATIONSHIP_FAMILY);
    card_issue(scene->person, days_ago(scene, card_days), variant);
}

static void infant(struct scene *scene)
{
    child(scene, days_ago(scene, 200), 120, CARD_VARIANT_WITHOUT_PHOTO);
}

static void preschooler(struct scene *scene)
{
    child(scene, birth_years_before(days_ago(scene, 90), 3), 400, CARD_VARIANT_NORMAL);
}

/* The 75th birthday was two days ago and the late-elderly scheme has not registered yet. */
static void turned_75(struct scene *scene)
{
    struct policy policy = municipal_policy(scene);
    be_born(scene, birth_years_before(days_ago(scene, 2), 75));
    drop_records(scene);
    insure(scene, policy, days_ago(scene, 3600), RELATIONSHIP_INSURED);
    card_issue(scene->person, days_ago(scene, 700), CARD_VARIANT_NORMAL);
}

static void seventies(struct scene *scene)
{
    struct policy policy = municipal_policy(scene);
    be_born(scene, birth_years_before(days_ago(scene, 120), 72));
    drop_records(scene);
    insure(scene, policy, days_ago(scene, 3000), RELATIONSHIP_INSURED);
    card_issue(scene->person, days_ago(scene, 700), CARD_VARIANT_NORMAL);
}

static void late_elderly(struct scene *scene)
{
    struct date birth = birth_years_before(days_ago(scene, 120), 81);
    be_born(scene, birth);
    drop_records(scene);
    const struct synthetic_insurer *insurer = insurer_of_prefecture(
        scene->making->organisations, GROUP_LATE_ELDERLY, places[scene->person->place].prefecture_code);
    insure(scene, policy_of_insurer(scene->making, insurer, scene->person->index),
           late_elderly_move_day(birth), RELATIONSHIP_INSURED);
    card_issue(scene->person, days_ago(scene, 700), CARD_VARIANT_NORMAL);
}

static void restate_person(struct scene *scene)
{
    scene->record->coverage.person.name = scene->person->known.name;
    scene->record->coverage.person.kana = scene->person->known.kana;
    scene->record->coverage.person.alias = scene->person->known.alias;
    scene->record->coverage.person.sex = scene->person->known.sex;
}

static void foreign_resident(struct scene *scene)
{
    for (size_t i = 0; i < latin_name_count; i++)
        if (latin_names[i].alias) {
            person_set_latin_name(scene->making, scene->person, &latin_names[i]);
            break;
        }
    restate_person(scene);
}

static void foreign_resident_without_alias(struct scene *scene)
{
    person_set_latin_name(scene->making, scene->person, &latin_names[2]);
    restate_person(scene);
}

static void take_surname(struct scene *scene, const char *surname, const char *kana, const char *stated)
{
    static const struct word given = {"美咲", "ミサキ"};
    scene->person->known.sex = SEX_FEMALE;
    person_set_name(scene->making, scene->person, bytes_of_text(surname), bytes_of_text(kana), &given);
    restate_person(scene);
    if (stated)
        scene->record->coverage.person.name.text = making_text(scene->making, "%s　美咲", stated);
}

static void ladder_taka(struct scene *scene)
{
    take_surname(scene, "髙橋", "タカハシ", "高橋");
}

static void standing_saki(struct scene *scene)
{
    take_surname(scene, "山﨑", "ヤマザキ", NULL);
}

static void variation_sequence(struct scene *scene)
{
    take_surname(scene, "葛󠄀西", "カサイ", NULL);
}

static void paper_only(struct scene *scene)
{
    drop_card(scene);
    record_set_certificate(scene->making, scene->record);
}

static void corrected(struct scene *scene)
{
    scene->record->correction = CORRECTION_OF_ACQUISITION;
    scene->record->corrected = days_ago(scene, 15);
    scene->record->first_acquired = days_ago(scene, 30);
}

static const struct {
    struct cast_case played;
    void (*shape)(struct scene *scene);
} cases[] = {
    {{"in_force", "資格が有効", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE}, as_usual},
    {{"in_force_grace", "電子証明書の有効期限切れから3か月以内", CAST_BOTH, REASON_IN_FORCE_GRACE,
      REASON_IN_FORCE},
     in_grace},
    {{"in_force_special_expense", "特別療養費の対象", CAST_BOTH, REASON_IN_FORCE_SPECIAL_EXPENSE,
      REASON_IN_FORCE_SPECIAL_EXPENSE},
     special_expense},
    {{"in_force_unregistered", "医療扶助、健康保険証利用の申込なし", CAST_BY_NUMBER, REASON_NOT_ENROLLED,
      REASON_IN_FORCE_UNREGISTERED},
     medical_aid_not_enrolled},
    {{"in_force_medical_assistance", "医療扶助、利用登録あり", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE},
     medical_aid},
    {{"lost", "資格喪失、番号で照会", CAST_BY_NUMBER, REASON_NEW_COVERAGE_NOT_REGISTERED, REASON_LOST}, lost},
    {{"lost_today", "今日が資格喪失年月日", CAST_BY_NUMBER, REASON_NEW_COVERAGE_NOT_REGISTERED, REASON_LOST},
     lost_today},
    {{"last_covered_day", "今日が資格の最終日", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE}, lost_tomorrow},
    {{"lost_by_death", "死亡による資格喪失", CAST_BOTH, REASON_LOST, REASON_LOST}, lost_by_death},
    {{"not_yet_acquired", "資格取得が先の日付", CAST_BY_NUMBER, REASON_NEW_COVERAGE_NOT_REGISTERED,
      REASON_NOT_YET_ACQUIRED},
     not_yet_acquired},
    {{"lost_newer_exists", "資格喪失、新しい資格あり", CAST_BY_NUMBER, REASON_IN_FORCE,
      REASON_LOST_NEWER_EXISTS},
     moved},
    {{"lost_protected", "資格喪失、新しい資格あり、不開示該当", CAST_BY_NUMBER, REASON_IN_FORCE, REASON_LOST},
     moved_and_protected},
    {{"no_such_coverage", "登録のない番号", CAST_BY_NUMBER, REASON_IN_FORCE, REASON_NO_SUCH_COVERAGE},
     as_usual},
    {{"several_match", "枝番のない双子", CAST_BY_NUMBER, REASON_NONE, REASON_SEVERAL_MATCH}, twins},
    {{"new_coverage_not_registered", "転職直後、新しい資格が未登録", CAST_BY_CARD,
      REASON_NEW_COVERAGE_NOT_REGISTERED, REASON_LOST},
     moving},
    {{"number_not_registered", "個人番号が未登録", CAST_BOTH, REASON_NUMBER_NOT_REGISTERED,
      REASON_NUMBER_NOT_REGISTERED},
     number_missing},
    {{"under_verification_pending", "個人番号の照合中", CAST_BY_NUMBER, REASON_NEW_COVERAGE_NOT_REGISTERED,
      REASON_UNDER_VERIFICATION},
     pending},
    {{"under_verification_quarantined", "氏名の不一致により確認中", CAST_BOTH, REASON_CARD_NOT_USABLE,
      REASON_UNDER_VERIFICATION},
     quarantined},
    {{"card_blocked", "自己情報提供不可", CAST_BY_CARD, REASON_CARD_NOT_USABLE, REASON_IN_FORCE},
     self_information_blocked},
    {{"card_released", "利用登録の解除", CAST_BY_CARD, REASON_CARD_NOT_USABLE, REASON_IN_FORCE}, released},
    {{"card_suspended", "一時利用停止", CAST_BY_CARD, REASON_CARD_NOT_USABLE, REASON_IN_FORCE}, suspended},
    {{"card_revoked", "電子証明書の失効", CAST_BY_CARD, REASON_CARD_NOT_USABLE, REASON_IN_FORCE}, revoked},
    {{"card_superseded", "更新前の電子証明書", CAST_BY_CARD, REASON_CARD_NOT_USABLE, REASON_IN_FORCE},
     renewed},
    {{"card_renewed", "更新後の電子証明書", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE}, renewed},
    {{"not_enrolled", "健康保険証利用の申込なし", CAST_BY_CARD, REASON_NOT_ENROLLED, REASON_IN_FORCE},
     not_enrolled},
    {{"certificate_expired", "電子証明書の有効期限切れから3か月超", CAST_BY_CARD, REASON_CERTIFICATE_EXPIRED,
      REASON_IN_FORCE},
     past_grace},
    {{"without_pin", "顔認証マイナンバーカード", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE}, without_pin},
    {{"infant_without_photo", "乳児の顔写真のないカード", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE},
     infant},
    {{"preschooler", "未就学児、2割", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE}, preschooler},
    {{"seventies", "高齢受給者、2割", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE}, seventies},
    {{"turned_75", "75歳到達直後、後期高齢者医療の登録待ち", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE},
     turned_75},
    {{"late_elderly", "後期高齢者医療、1割", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE}, late_elderly},
    {{"foreign_resident_alias", "外国人住民、通称あり", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE},
     foreign_resident},
    {{"foreign_resident", "外国人住民、ローマ字氏名", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE},
     foreign_resident_without_alias},
    {{"rare_kanji_9ad9", "「髙」、保険者の登録は「高」", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE},
     ladder_taka},
    {{"rare_kanji_fa11", "「﨑」", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE}, standing_saki},
    {{"rare_kanji_variation", "異体字セレクタのある氏名", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE},
     variation_sequence},
    {{"non_disclosure", "不開示該当、住所は表示しない", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE},
     non_disclosure},
    {{"certificate_only", "資格確認書のみ、カードなし", CAST_BY_NUMBER, REASON_NONE, REASON_IN_FORCE},
     paper_only},
    {{"retroactive_correction", "資格取得年月日の遡及訂正", CAST_BOTH, REASON_IN_FORCE, REASON_IN_FORCE},
     corrected},
};

const char *cast_way_code(enum cast_way way)
{
    return way == CAST_BOTH ? "both" : way == CAST_BY_CARD ? "card" : "number";
}

size_t cast_households(void)
{
    return ARRAY_LENGTH(cases);
}

size_t cast_case_count(void)
{
    return ARRAY_LENGTH(cases);
}

const struct cast_case *cast_case_at(size_t at)
{
    return &cases[at].played;
}

enum reason cast_main_reason(const struct cast_case *played)
{
    return played->way == CAST_BY_NUMBER ? played->by_number : played->by_card;
}

static void begin_person(struct scene *scene, uint64_t index)
{
    struct making *making = scene->making;
    struct synthetic_person *person = &scene->people[0];
    scene->person = person;
    scene->count = 1;
    person_begin(making, index, &scene->home, person);
    bool is_male = scene->at % 2 == 0;
    person->known.birth =
        birth_years_before(days_ago(scene, 60 + (int)(scene->at * 37 % 250)), 28 + (int)(scene->at * 5 % 31));
    person->known.sex = is_male ? SEX_MALE : SEX_FEMALE;
    const struct word *surname = &surnames[(scene->at * 7 + 3) % surname_count];
    const struct word *given =
        is_male ? &male_names[scene->at % male_name_count] : &female_names[scene->at % female_name_count];
    person_set_name(making, person, bytes_of_text(surname->kanji), bytes_of_text(surname->kana), given);
    card_issue(person, days_ago(scene, 700), CARD_VARIANT_NORMAL);
    person_enrol(making, person);
    insure(scene, employers_policy(scene), days_ago(scene, 1200), RELATIONSHIP_INSURED);
    scene->record->coverage.person.name = person->known.name;
}

size_t cast_household(struct making *making, uint64_t at, uint64_t first_index,
                      struct synthetic_person people[HOUSEHOLD_MOST])
{
    struct scene scene = {.making = making, .at = at, .people = people};
    scene.home = home_make(making, (int)(at * 5 % place_count));
    begin_person(&scene, first_index);
    cases[at].shape(&scene);
    return scene.count;
}

/* ---- What a reception has in hand ---- */

static bool is_case(const struct cast_member *member, const char *name)
{
    return strcmp(member->played->name, name) == 0;
}

static void choose_secrets(const struct nation_plan *plan, struct cast_member *member)
{
    static const char signs[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    const struct synthetic_card *card = &member->person->card;
    struct dice dice = dice_of(plan->seed ^ 0x736563726574u, member->person->index);
    if (card->present && card->variant != CARD_VARIANT_WITHOUT_PIN)
        (void)snprintf(member->pin, sizeof(member->pin), "%04u", (unsigned)dice_roll(&dice, 10000));
    if (!card->present || !card->has_signature)
        return;
    for (size_t i = 0; i < 10; i++)
        member->signature_password[i] = signs[dice_roll(&dice, sizeof(signs) - 1)];
}

static enum authentication authentication_of(const struct synthetic_card *card)
{
    if (!card->present)
        return AUTHENTICATED_BY_NONE;
    return card->variant == CARD_VARIANT_WITHOUT_PIN ? AUTHENTICATED_BY_FACE : AUTHENTICATED_BY_PIN;
}

void cast_member_of(const struct nation_plan *plan, uint64_t at, const struct synthetic_person *person,
                    struct cast_member *out)
{
    *out = (struct cast_member){.played = &cases[at].played, .person = person};
    /* Who moved still has the paper of before. */
    out->key = person->records[person->record_count - 1].coverage.key;
    if (is_case(out, "no_such_coverage")) {
        /* Nobody has a number of nine nines. */
        if (insured_number_parse("999999999", 9, &out->key.number) != REASON_NONE)
            abort();
    }
    choose_secrets(plan, out);
    if (person->card.present)
        (void)snprintf(out->card_image, sizeof(out->card_image), "cast-%s.card", out->played->name);
    out->shows_superseded = is_case(out, "card_superseded");
    out->authenticated_by = authentication_of(&person->card);
}

/* ---- JSON ---- */

static json_t *json_of_text(struct bytes text)
{
    return json_stringn((const char *)text.data, text.length);
}

static json_t *json_of_optional(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static json_t *json_of_validity(enum reason reason)
{
    int cd006 = reason_entry(reason)->cd006;
    return cd006 ? json_integer(cd006) : json_null();
}

static json_t *json_of_expected(enum reason reason)
{
    if (reason == REASON_NONE)
        return json_null();
    return json_pack("{s:s, s:o, s:s}", "result", result_code(reason_entry(reason)->result), "validity",
                     json_of_validity(reason), "reason", reason_code(reason));
}

static json_t *json_of_member(const struct nation_plan *plan, const struct cast_member *member)
{
    const struct synthetic_person *person = member->person;
    const struct cast_case *played = member->played;
    char birth[11], day[11], insurer[9];
    date_format(person->known.birth, birth);
    date_format(plan->today, day);
    insurer_number_format(&member->key.insurer, insurer);
    enum reason main_reason = cast_main_reason(played);
    struct bytes number = my_number_secret(&person->number);
    json_t *json = json_pack("{s:s, s:s, s:o, s:o, s:o, s:s, s:i, s:s, s:s, s:s, s:s}", "case", played->name,
                             "about", played->about_ja, "my_number", json_of_text(number), "name",
                             json_of_text(person->known.name.text), "name_kana",
                             json_of_text(person->known.kana.text), "birth_date", birth, "sex",
                             person->known.sex, "insurer_number", insurer, "symbol", member->key.symbol.text,
                             "number", member->key.number.text, "branch", member->key.branch.digits);
    if (!json)
        return NULL;
    json_t *rest = json_pack(
        "{s:o, s:o, s:o, s:b, s:o, s:s, s:s, s:s, s:{s:o, s:o}, s:s, s:o, s:s}", "pin",
        json_of_optional(member->pin), "signature_password", json_of_optional(member->signature_password),
        "card_image", json_of_optional(member->card_image), "card_image_is_superseded",
        member->shows_superseded, "variant",
        person->card.present ? json_string(card_variant_code(person->card.variant)) : json_null(),
        "authenticated_by", authentication_code(member->authenticated_by), "by", cast_way_code(played->way),
        "day", day, "expected", "card", json_of_expected(played->by_card), "number",
        json_of_expected(played->by_number), "result", result_code(reason_entry(main_reason)->result),
        "validity", json_of_validity(main_reason), "reason", reason_code(main_reason));
    if (!rest || json_object_update(json, rest) != 0) {
        json_decref(json);
        json = NULL;
    }
    json_decref(rest);
    return json;
}

static enum status add_household(const struct nation_plan *plan, struct nation *nation, uint64_t at,
                                 json_t *all)
{
    struct region region = {0};
    struct synthetic_person people[HOUSEHOLD_MOST];
    size_t count = nation_next_household(nation, &region, people);
    enum status status = OK;
    for (size_t i = 0; i < count && status == OK; i++) {
        struct cast_member member;
        cast_member_of(plan, at, &people[i], &member);
        if (json_array_append_new(all, json_of_member(plan, &member)) != 0)
            status = ERR_NO_MEMORY;
        secret_wipe(&member, sizeof(member));
    }
    secret_wipe(people, sizeof(people));
    region_free(&region);
    return status;
}

enum status cast_write_json(const struct nation_plan *plan, struct buffer *out)
{
    struct nation *nation = calloc(1, sizeof(*nation));
    json_t *all = json_array();
    enum status status = nation && all ? nation_begin(plan, nation) : ERR_NO_MEMORY;
    for (uint64_t at = 0; at < cast_households() && status == OK; at++)
        status = add_household(plan, nation, at, all);
    char *text = status == OK ? json_dumps(all, JSON_INDENT(2)) : NULL;
    if (status == OK)
        status = text ? buffer_append_text(out, text) : ERR_NO_MEMORY;
    if (text)
        secret_wipe(text, strlen(text));
    free(text);
    json_decref(all);
    free(nation);
    return status;
}
