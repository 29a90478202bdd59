#include "exchange/answer_json.h"

#include <string.h>

#include "exchange/json_fields.h"
#include "exchange/json_text.h"

static const char *const term_codes[] = {
    [CERTIFICATE_TERM_RUNS] = "runs",
    [CERTIFICATE_TERM_ENDS_SOON] = "ends_soon",
    [CERTIFICATE_TERM_IN_GRACE] = "in_grace",
    [CERTIFICATE_TERM_ENDED] = "ended",
};

static void put_key(struct json_text *text, const struct insured_key *key)
{
    char insurer[9];
    insurer_number_format(&key->insurer, insurer);
    json_text_put_word(text, "insurer_number", insurer);
    json_text_put_if_any(text, "symbol", bytes_of_text(key->symbol.text));
    json_text_put_if_any(text, "number", bytes_of_text(key->number.text));
    json_text_put_if_any(text, "branch", bytes_of_text(key->branch.digits));
}

static void put_person(struct json_text *text, const struct five_items *person)
{
    char postal_code[9];
    postal_code_format(&person->postal_code, postal_code);
    json_text_put_if_any(text, "name", person->name.text);
    json_text_put_if_any(text, "name_kana", person->kana.text);
    json_text_put_if_any(text, "alias", person->alias.text);
    json_text_put_date_if_any(text, "birth_date", person->birth);
    json_text_put_if_any(text, "address", person->address.text);
    json_text_put_if_any(text, "postal_code", bytes_of_text(postal_code));
}

static void put_percent_if_any(struct json_text *text, int percent)
{
    if (percent != COPAYMENT_UNKNOWN)
        json_text_put_integer(text, "copayment_percent", percent);
}

static void put_papers(struct json_text *text, const struct disclosed_coverage *coverage)
{
    const struct elderly_certificate *elderly = &coverage->elderly;
    if (!date_is_none(elderly->valid_from)) {
        json_text_open(text, "elderly_certificate");
        json_text_put_date_if_any(text, "issued", elderly->issued);
        json_text_put_date_if_any(text, "valid_from", elderly->valid_from);
        json_text_put_date_if_any(text, "last_day", elderly->last_day);
        put_percent_if_any(text, elderly->percent);
        json_text_close(text);
    }
    const struct eligibility_certificate *certificate = &coverage->certificate;
    if (!date_is_none(certificate->issued) || !date_is_none(certificate->last_day)) {
        json_text_open(text, "eligibility_certificate");
        json_text_put_date_if_any(text, "issued", certificate->issued);
        json_text_put_date_if_any(text, "last_day", certificate->last_day);
        json_text_close(text);
    }
}

/* What holds only while the coverage counts: of a lost one the domain shows none of it. */
static void put_terms(struct json_text *text, const struct disclosed_coverage *coverage)
{
    json_text_put_integer(text, "sex", coverage->person.sex);
    if (coverage->relationship != RELATIONSHIP_UNSTATED)
        json_text_put_word(text, "relationship",
                           coverage->relationship == RELATIONSHIP_INSURED ? "insured" : "family");
    const char *classification = card_classification_code(coverage->classification);
    json_text_put_if_any(text, "classification", bytes_of_text(classification));
    put_percent_if_any(text, coverage->copayment_percent);
    json_text_put_boolean(text, "preschool", coverage->preschool);
    json_text_put_boolean(text, "special_expense", coverage->special_expense);
    put_papers(text, coverage);
}

static void put_coverage(struct json_text *text, const struct answer_content *content)
{
    if (!content->has_coverage) {
        json_text_put_null(text, "coverage");
        return;
    }
    const struct disclosed_coverage *coverage = &content->coverage;
    json_text_open(text, "coverage");
    put_key(text, &coverage->key);
    json_text_put_if_any(text, "insurer_name", coverage->insurer_name);
    put_person(text, &coverage->person);
    json_text_put_date_if_any(text, "acquired", coverage->acquired);
    json_text_put_date_if_any(text, "lost", coverage->lost);
    if (content->result == RESULT_ELIGIBLE)
        put_terms(text, coverage);
    json_text_close(text);
}

static void put_certificate(struct json_text *text, const struct answer_content *content)
{
    if (!content->has_certificate_term) {
        json_text_put_null(text, "certificate");
        return;
    }
    json_text_open(text, "certificate");
    json_text_put_word(text, "term", term_codes[content->certificate_term]);
    json_text_put_date_if_any(text, "last_day", content->certificate_last_day);
    json_text_close(text);
}

static void put_integer_or_null(struct json_text *text, const char *key, int value)
{
    if (value)
        json_text_put_integer(text, key, value);
    else
        json_text_put_null(text, key);
}

static void put_reason(struct json_text *text, const struct answer_content *content)
{
    const struct reason_entry *entry = reason_entry(content->reason);
    json_text_put_word(text, "result", result_code(content->result));
    put_integer_or_null(text, "validity", content->cd006);
    json_text_put_languages(text, "validity_text", validity_ja(content->cd006), validity_en(content->cd006));
    json_text_put_word(text, "reason", entry->code);
    json_text_put_languages(text, "message", entry->staff_ja, entry->staff_en);
    json_text_put_steps(text, entry);
    json_text_put_word(text, "fault", fault_code(entry->fault));
    put_integer_or_null(text, "retry_after", entry->retry_after);
}

static void put_freshness(struct json_text *text, const struct answer_content *content)
{
    if (content->has_coverage) {
        json_text_put_moment(text, "registered_at", content->registered_at);
        json_text_put(text, "registered_by", content->registered_by);
    } else {
        json_text_put_null(text, "registered_at");
        json_text_put_null(text, "registered_by");
    }
    json_text_put_boolean(text, "change_pending", content->change_pending);
}

enum status answer_to_json_text(const struct answer *answer, struct bytes visit_token, struct buffer *out)
{
    const struct answer_content *content = answer_content(answer);
    char event_id[2 * sizeof(content->event_id) + 1];
    hex_encode(bytes_of(content->event_id, sizeof(content->event_id)), event_id);

    struct json_text text = json_text_begin(out);
    put_reason(&text, content);
    json_text_put_word(&text, "question", question_kind_code(content->kind));
    json_text_put_date_if_any(&text, "day", content->day);
    json_text_put_moment(&text, "as_of", content->as_of);
    json_text_put_word(&text, "authenticated_by", authentication_code(content->authenticated_by));
    json_text_put_word(&text, "event_id", event_id);
    put_coverage(&text, content);
    put_freshness(&text, content);
    put_certificate(&text, content);
    json_text_put_if_any(&text, "visit_token", visit_token);
    json_text_close(&text);
    return text.status;
}

static void read_languages(struct json_reading *reading, const char *key, const char **ja, const char **en)
{
    struct json_reading texts = json_get_object(reading, key);
    *ja = json_get_text(&texts, "ja");
    *en = json_get_text(&texts, "en");
    json_reading_join(reading, &texts);
}

static bool cd006_goes_with(enum result result, int cd006)
{
    switch (result) {
    case RESULT_ELIGIBLE:
        return cd006 == 1 || cd006 == 6;
    case RESULT_NOT_ELIGIBLE:
        return cd006 == 2 || cd006 == 3;
    case RESULT_CANNOT_BE_CONFIRMED:
        return cd006 == 0 || cd006 == 4 || cd006 == 5;
    }
    return false;
}

static void read_reason(struct json_reading *reading, struct answer_view *out)
{
    const char *result = json_get_text(reading, "result");
    out->cd006 = json_get_integer_if_any(reading, "validity", 0);
    if (!result_by_code(result, strlen(result), &out->result) || !cd006_goes_with(out->result, out->cd006))
        reading->status = ERR_MALFORMED;
    read_languages(reading, "validity_text", &out->validity_ja, &out->validity_en);
    out->reason = json_get_text(reading, "reason");
    read_languages(reading, "message", &out->message_ja, &out->message_en);
    out->step_count = json_get_steps(reading, out->steps);
    out->fault = json_get_text(reading, "fault");
    out->retry_after = json_get_integer_if_any(reading, "retry_after", 0);
}

static void read_question(struct json_reading *reading, struct answer_view *out)
{
    const char *question = json_get_text(reading, "question");
    const char *authenticated_by = json_get_text(reading, "authenticated_by");
    bool by_card = strcmp(question, "card") == 0;
    out->question = by_card ? QUESTION_BY_CARD : QUESTION_BY_NUMBER;
    if ((!by_card && strcmp(question, "number") != 0) ||
        !authentication_by_code(authenticated_by, strlen(authenticated_by), &out->authenticated_by))
        reading->status = ERR_MALFORMED;
    out->day = json_get_date(reading, "day");
    out->as_of = json_get_moment(reading, "as_of");
    out->event_id = json_get_text(reading, "event_id");
}

static void read_papers(struct json_reading *coverage, struct answer_view *out)
{
    struct json_reading elderly = json_get_object(coverage, "elderly_certificate");
    out->coverage.elderly = (struct elderly_certificate){
        .issued = json_get_date_if_any(&elderly, "issued"),
        .valid_from = json_get_date_if_any(&elderly, "valid_from"),
        .last_day = json_get_date_if_any(&elderly, "last_day"),
        .percent = json_get_integer_if_any(&elderly, "copayment_percent", COPAYMENT_UNKNOWN),
    };
    json_reading_join(coverage, &elderly);
    struct json_reading certificate = json_get_object(coverage, "eligibility_certificate");
    out->coverage.certificate = (struct eligibility_certificate){
        .issued = json_get_date_if_any(&certificate, "issued"),
        .last_day = json_get_date_if_any(&certificate, "last_day"),
    };
    json_reading_join(coverage, &certificate);
}

static void read_coverage(struct json_reading *reading, struct answer_view *out)
{
    out->has_coverage = json_has_object(reading, "coverage");
    struct json_reading coverage = json_get_object(reading, "coverage");
    out->coverage.insurer_number = json_get_text_if_any(&coverage, "insurer_number");
    out->coverage.insurer_name = json_get_text_if_any(&coverage, "insurer_name");
    out->coverage.symbol = json_get_text_if_any(&coverage, "symbol");
    out->coverage.number = json_get_text_if_any(&coverage, "number");
    out->coverage.branch = json_get_text_if_any(&coverage, "branch");
    out->coverage.name = json_get_text_if_any(&coverage, "name");
    out->coverage.name_kana = json_get_text_if_any(&coverage, "name_kana");
    out->coverage.alias = json_get_text_if_any(&coverage, "alias");
    out->coverage.address = json_get_text_if_any(&coverage, "address");
    out->coverage.postal_code = json_get_text_if_any(&coverage, "postal_code");
    out->coverage.birth = json_get_date_if_any(&coverage, "birth_date");
    out->coverage.acquired = json_get_date_if_any(&coverage, "acquired");
    out->coverage.lost = json_get_date_if_any(&coverage, "lost");
    out->coverage.sex = json_get_integer_if_any(&coverage, "sex", 0);
    out->coverage.relationship = json_get_text_if_any(&coverage, "relationship");
    out->coverage.classification = json_get_text_if_any(&coverage, "classification");
    out->coverage.copayment_percent =
        json_get_integer_if_any(&coverage, "copayment_percent", COPAYMENT_UNKNOWN);
    out->coverage.preschool = json_get_boolean_if_any(&coverage, "preschool", false);
    out->coverage.special_expense = json_get_boolean_if_any(&coverage, "special_expense", false);
    read_papers(&coverage, out);
    json_reading_join(reading, &coverage);
    /* Eligible without saying under what, or an unconfirmed answer that discloses, is not an answer of ours.
     */
    if (out->has_coverage != (out->result != RESULT_CANNOT_BE_CONFIRMED))
        reading->status = ERR_MALFORMED;
}

static void read_freshness(struct json_reading *reading, struct answer_view *out)
{
    out->registered_by = json_get_text_if_any(reading, "registered_by");
    out->has_registered_at = out->has_coverage;
    if (out->has_registered_at)
        out->registered_at = json_get_moment(reading, "registered_at");
    out->change_pending = json_get_boolean(reading, "change_pending");
}

enum status answer_from_json(const json_t *json, struct region *region, struct answer_view *out)
{
    *out = (struct answer_view){0};
    struct json_reading reading = json_reading_of(json, region);
    read_reason(&reading, out);
    read_question(&reading, out);
    read_coverage(&reading, out);
    read_freshness(&reading, out);
    struct json_reading certificate = json_get_object(&reading, "certificate");
    out->certificate_term = json_get_text_if_any(&certificate, "term");
    out->certificate_last_day = json_get_date_if_any(&certificate, "last_day");
    json_reading_join(&reading, &certificate);
    out->visit_token = json_get_text_if_any(&reading, "visit_token");
    if (reading.status != OK)
        *out = (struct answer_view){0};
    return reading.status;
}

enum status answer_from_json_text(struct bytes text, struct region *region, struct answer_view *out)
{
    json_t *json;
    *out = (struct answer_view){0};
    enum status status = json_read_text(text, &json);
    if (status != OK)
        return status;
    status = answer_from_json(json, region, out);
    json_decref(json);
    return status;
}
