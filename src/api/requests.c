#include "api/requests.h"

#include "api/decode.h"

enum reason decode_nothing(struct bytes body, const char **member)
{
    struct decoder decoder = decode_document(body);
    return decode_end(&decoder, member);
}

/* ---- Institutions ---- */

enum reason decode_challenges(struct bytes body, unsigned most, size_t *count, const char **member)
{
    struct decoder decoder = decode_document(body);
    *count = (size_t)decode_integer(&decoder, "count", 1, most);
    return decode_end(&decoder, member);
}

static void read_number_check(struct decoder *decoder, struct date today, struct number_check_request *out)
{
    DECODE_MEMBER(decoder, "insurer_number", insurer_number_parse, &out->key.insurer);
    DECODE_MEMBER(decoder, "symbol", insured_symbol_parse, &out->key.symbol);
    DECODE_MEMBER(decoder, "number", insured_number_parse, &out->key.number);
    DECODE_MEMBER(decoder, "branch", branch_number_parse, &out->key.branch);
    struct bytes birth = decode_text(decoder, "birth_date");
    if (decoder->reason == REASON_NONE)
        decode_refuse(decoder, birth_date_parse((const char *)birth.data, birth.length, today, &out->birth),
                      "birth_date");
    DECODE_MEMBER(decoder, "day", day_of_treatment_parse, &out->day);
}

enum reason decode_number_check(struct bytes body, struct date today, struct number_check_request *out,
                                const char **member)
{
    struct decoder decoder = decode_document(body);
    *out = (struct number_check_request){0};
    read_number_check(&decoder, today, out);
    return decode_end(&decoder, member);
}

static void read_card_proof(struct decoder *decoder, struct region *region, struct card_proof *out)
{
    static const char *const forms[] = {"pin", "pinless", NULL};
    static const char *const with_pin[] = {"pin", NULL};
    static const char *const without_pin[] = {"face", "staff_eyes", NULL};
    decode_exact_base64(decoder, "challenge", out->challenge.bytes, sizeof(out->challenge.bytes));
    out->certificate = decode_base64(decoder, "certificate", CERTIFICATE_LIMIT, region);
    out->signature.signature = decode_base64(decoder, "signature", SIGNATURE_LIMIT, region);
    bool pinless = decode_word(decoder, "form", forms) == 1;
    out->signature.form = pinless ? STATEMENT_WITHOUT_PIN : STATEMENT_WITH_PIN;
    size_t word = decode_word(decoder, "authenticated_by", pinless ? without_pin : with_pin);
    out->authenticated_by = !pinless    ? AUTHENTICATED_BY_PIN
                            : word == 0 ? AUTHENTICATED_BY_FACE
                                        : AUTHENTICATED_BY_STAFF_EYES;
    if (!pinless)
        return;
    out->terminal_certificate =
        decode_base64(decoder, "terminal_certificate", TERMINAL_CERTIFICATE_LENGTH, region);
    decode_exact_base64(decoder, "card_nonce", out->signature.nonce.bytes,
                        sizeof(out->signature.nonce.bytes));
}

static void read_card_check(struct decoder *decoder, struct region *region, struct card_check_request *out)
{
    static const char *const purposes[] = {"treatment", "dispensing", NULL};
    read_card_proof(decoder, region, &out->proof);
    out->purpose =
        decode_word(decoder, "purpose", purposes) == 0 ? CHECK_FOR_TREATMENT : CHECK_FOR_DISPENSING;
    DECODE_MEMBER(decoder, "day", day_of_treatment_parse, &out->day);
    struct decoder consents = decode_object(decoder, "consents", true);
    out->has_consents = consents.object != NULL;
    for (int kind = 0; consents.object && kind < CONSENT_KINDS; kind++)
        out->consents.given[kind] = decode_bool(&consents, consent_kind_code((enum consent_kind)kind));
    decode_end_object(decoder, &consents);
}

enum reason decode_card_check(struct bytes body, struct region *region, struct card_check_request *out,
                              const char **member)
{
    struct decoder decoder = decode_document(body);
    *out = (struct card_check_request){0};
    read_card_check(&decoder, region, out);
    return decode_end(&decoder, member);
}

enum reason decode_enrolment(struct bytes body, struct region *region, struct enrolment_request *out,
                             const char **member)
{
    struct decoder decoder = decode_document(body);
    *out = (struct enrolment_request){0};
    read_card_proof(&decoder, region, &out->proof);
    out->terms_version = region_copy(region, decode_text(&decoder, "terms_version"));
    return decode_end(&decoder, member);
}

/* ---- Insurers ---- */

static struct date decode_date(struct decoder *decoder, const char *name, bool optional)
{
    struct date date = DATE_NONE;
    struct bytes text = optional ? decode_optional_text(decoder, name) : decode_text(decoder, name);
    if (decoder->reason == REASON_NONE && text.length)
        decode_refuse(decoder,
                      date_parse((const char *)text.data, text.length, &date) == OK ? REASON_NONE
                                                                                    : REASON_MALFORMED_DAY,
                      name);
    return date;
}

#define DECODE_OPTIONAL(decoder, name, parse, out)                                                           \
    do {                                                                                                     \
        struct bytes member_text = decode_optional_text(decoder, name);                                      \
        if ((decoder)->reason == REASON_NONE)                                                                \
            decode_refuse(decoder, parse((const char *)member_text.data, member_text.length, out), name);    \
    } while (0)

static void decode_person(struct decoder *row, struct date today, struct five_items *out)
{
    DECODE_MEMBER(row, "name", name_parse, &out->name);
    DECODE_OPTIONAL(row, "name_kana", kana_name_parse, &out->kana);
    DECODE_OPTIONAL(row, "alias", alias_parse, &out->alias);
    DECODE_MEMBER(row, "sex", sex_parse, &out->sex);
    DECODE_OPTIONAL(row, "address", address_parse, &out->address);
    DECODE_OPTIONAL(row, "postal_code", postal_code_parse, &out->postal_code);
    struct bytes birth = decode_text(row, "birth_date");
    if (row->reason == REASON_NONE)
        decode_refuse(row, birth_date_parse((const char *)birth.data, birth.length, today, &out->birth),
                      "birth_date");
}

static void decode_coverage(struct decoder *row, struct coverage *out)
{
    static const char *const relationships[] = {"insured", "family", NULL};
    out->relationship =
        decode_word(row, "relationship", relationships) == 0 ? RELATIONSHIP_INSURED : RELATIONSHIP_FAMILY;
    out->acquired = decode_date(row, "acquired", false);
    out->lost = decode_date(row, "lost", true);
    struct bytes text = decode_optional_text(row, "loss_reason");
    if (!loss_reason_by_code((const char *)text.data, text.length, &out->loss_reason))
        decode_refuse(row, REASON_MALFORMED_CODE, "loss_reason");
    text = decode_optional_text(row, "classification");
    if (!card_classification_by_code((const char *)text.data, text.length, &out->classification))
        decode_refuse(row, REASON_MALFORMED_CODE, "classification");
    if (decode_has(row, "copayment_percent"))
        out->copayment.percent = (int)decode_integer(row, "copayment_percent", 0, 100);
    out->copayment.valid_from = decode_date(row, "copayment_from", true);
    out->copayment.valid_until = decode_date(row, "copayment_until", true);
    if (decode_has(row, "special_expense"))
        out->special_expense = decode_bool(row, "special_expense");
    out->certificate.issued = decode_date(row, "certificate_issued", true);
    out->certificate.last_day = decode_date(row, "certificate_last_day", true);
    if (!date_is_none(out->lost) && date_before(out->lost, out->acquired))
        decode_refuse(row, REASON_MALFORMED_PERIOD, "lost");
}

static enum reason decode_row(json_t *value, const struct insurer_number *insurer, struct date today,
                              struct subscription_record *out, const char **faulty_member)
{
    struct decoder row = {.object = value,
                          .reason = json_is_object(value) ? REASON_NONE : REASON_REQUEST_MALFORMED};
    *out = (struct subscription_record){.coverage = coverage_blank(), .replaces_acquired = DATE_NONE};
    out->coverage.key.insurer = *insurer;
    DECODE_MEMBER(&row, "symbol", insured_symbol_parse, &out->coverage.key.symbol);
    DECODE_MEMBER(&row, "number", insured_number_parse, &out->coverage.key.number);
    DECODE_MEMBER(&row, "branch", branch_number_parse, &out->coverage.key.branch);
    decode_person(&row, today, &out->coverage.person);
    decode_coverage(&row, &out->coverage);
    out->replaces_acquired = decode_date(&row, "replaces_acquired", true);
    enum reason reason = decode_finish(&row);
    *faulty_member = row.member;
    return reason;
}

/* The texts of the rows point into the document: it is kept until free_rows. */
enum reason decode_load_rows(struct bytes body, const struct insurer_number *insurer, struct date today,
                             struct region *region, struct load_rows *out)
{
    struct decoder decoder = decode_document(body);
    out->first_row = decode_integer(&decoder, "first_row", 0, INT64_MAX / 2);
    json_t *rows = decode_array(&decoder, "rows", LOAD_ROWS_MAX);
    enum reason reason = decode_finish(&decoder);
    size_t count = json_array_size(rows);
    out->rows = reason == REASON_NONE ? region_alloc(region, count * sizeof(*out->rows)) : NULL;
    if (reason == REASON_NONE && !out->rows)
        reason = REASON_INTERNAL;
    for (; reason == REASON_NONE && out->count < count; out->count++) {
        out->faulty_row = out->count;
        reason = decode_row(json_array_get(rows, out->count), insurer, today, &out->rows[out->count],
                            &out->faulty_member);
    }
    out->document = decoder.object;
    return reason;
}

enum reason decode_number_registration(struct bytes body, struct region *region,
                                       struct number_registration *out, const char **member)
{
    enum { SEALED_MOST = 1024 };
    struct decoder decoder = decode_document(body);
    *out = (struct number_registration){0};
    DECODE_MEMBER(&decoder, "symbol", insured_symbol_parse, &out->key.symbol);
    DECODE_MEMBER(&decoder, "number", insured_number_parse, &out->key.number);
    DECODE_MEMBER(&decoder, "branch", branch_number_parse, &out->key.branch);
    out->birth = decode_date(&decoder, "birth_date", true);
    out->row = region_copy(region, decode_text(&decoder, "row"));
    out->sealed = decode_base64(&decoder, "sealed_number", SEALED_MOST, region);
    if (out->row.length > VAULT_ROW_MAX)
        decode_refuse(&decoder, REASON_TOO_LARGE, "row");
    return decode_end(&decoder, member);
}

void free_load_rows(struct load_rows *rows)
{
    json_decref(rows->document);
    rows->document = NULL;
}
