#include "clinic/presentation.h"

#include <stdio.h>
#include <string.h>

/* The first failure sticks, as in base/cursor.h. */
struct page {
    struct buffer *out;
    enum status status;
};

static void line(struct page *page, const char *label, const char *value)
{
    if (page->status == OK && value[0] != '\0')
        page->status = buffer_printf(page->out, "  %s  %s\n", label, value);
}

static void text(struct page *page, const char *value)
{
    if (page->status == OK)
        page->status = buffer_append_text(page->out, value);
}

/* 昭和55年3月20日（1980-03-20）; the first year of an era is 元年. */
static void date_line_ja(struct page *page, const char *label, struct date date)
{
    if (date_is_none(date) || page->status != OK)
        return;
    struct ymd ymd = date_to_ymd(date);
    struct era_year era = date_era(date);
    char year[16] = "元";
    if (era.year > 1)
        snprintf(year, sizeof year, "%d", era.year);
    page->status = buffer_printf(page->out, "  %s  %s%s年%d月%d日（%04d-%02d-%02d）\n", label, era.name, year,
                                 ymd.month, ymd.day, ymd.year, ymd.month, ymd.day);
}

static void date_line_en(struct page *page, const char *label, struct date date)
{
    char day[11];
    date_format(date, day);
    line(page, label, day);
}

static void moment_line(struct page *page, const char *label, moment when)
{
    char moment_text[33];
    moment_format(when, moment_text);
    moment_text[19] = '\0'; /* to the second, Tokyo */
    moment_text[10] = ' ';
    line(page, label, moment_text);
}

static void percent_line(struct page *page, const char *label, const char *format, int value)
{
    char percent[32];
    if (value < 0)
        return;
    snprintf(percent, sizeof percent, format, value);
    line(page, label, percent);
}

/* ---- An outcome ---- */

static const char *sex_word(int sex, const char *male, const char *female, const char *unset)
{
    return sex == 1 ? male : sex == 2 ? female : sex == 3 ? unset : "";
}

static void coverage_ja(struct page *page, const struct answer_view *answer)
{
    line(page, "氏名", answer->coverage.name);
    line(page, "カナ氏名", answer->coverage.name_kana);
    line(page, "通称・旧氏", answer->coverage.alias);
    date_line_ja(page, "生年月日", answer->coverage.birth);
    line(page, "性別", sex_word(answer->coverage.sex, "男", "女", "未設定"));
    line(page, "住所", answer->coverage.address);
    line(page, "保険者番号", answer->coverage.insurer_number);
    line(page, "保険者名", answer->coverage.insurer_name);
    line(page, "記号", answer->coverage.symbol);
    line(page, "番号", answer->coverage.number);
    line(page, "枝番", answer->coverage.branch);
    const char *relationship = answer->coverage.relationship;
    line(page, "本人・家族の別",
         strcmp(relationship, "insured") == 0  ? "本人"
         : strcmp(relationship, "family") == 0 ? "家族"
                                               : "");
    date_line_ja(page, "資格取得年月日", answer->coverage.acquired);
    date_line_ja(page, "資格喪失年月日", answer->coverage.lost);
    percent_line(page, "負担割合", "%d％", answer->coverage.copayment_percent);
}

static void coverage_en(struct page *page, const struct answer_view *answer)
{
    line(page, "name", answer->coverage.name);
    line(page, "name in kana", answer->coverage.name_kana);
    line(page, "alias or former surname", answer->coverage.alias);
    date_line_en(page, "born", answer->coverage.birth);
    line(page, "sex", sex_word(answer->coverage.sex, "male", "female", "not set"));
    line(page, "address", answer->coverage.address);
    line(page, "insurer number", answer->coverage.insurer_number);
    line(page, "insurer", answer->coverage.insurer_name);
    line(page, "symbol", answer->coverage.symbol);
    line(page, "number", answer->coverage.number);
    line(page, "branch", answer->coverage.branch);
    line(page, "relationship", answer->coverage.relationship);
    date_line_en(page, "covered from", answer->coverage.acquired);
    date_line_en(page, "lost on", answer->coverage.lost);
    percent_line(page, "co-payment", "%d %%", answer->coverage.copayment_percent);
}

static void steps(struct page *page, const struct outcome *outcome, bool japanese)
{
    for (size_t i = 0; i < outcome->step_count && page->status == OK; i++)
        page->status = buffer_printf(page->out, "  %zu. %s\n", i + 1,
                                     japanese ? outcome->steps[i].ja : outcome->steps[i].en);
}

static void headline(struct page *page, const struct outcome *outcome, bool japanese)
{
    const char *word = japanese ? validity_ja(0) : validity_en(0);
    if (outcome->source == OUTCOME_ANSWER)
        word = japanese ? outcome->answer.validity_ja : outcome->answer.validity_en;
    if (outcome->source != OUTCOME_ENROLLED && page->status == OK)
        page->status = buffer_printf(page->out, japanese ? "【%s】" : "[%s] ", word);
    text(page, japanese ? outcome->message_ja : outcome->message_en);
    text(page, "\n");
}

static void freshness(struct page *page, const struct outcome *outcome, bool japanese)
{
    const struct answer_view *answer = &outcome->answer;
    moment_line(page, japanese ? "確認日時" : "answered", answer->as_of);
    if (answer->has_registered_at)
        moment_line(page, japanese ? "登録日時" : "registered", answer->registered_at);
    line(page, japanese ? "登録者" : "registered by", answer->registered_by);
    if (answer->change_pending)
        text(page, japanese ? "  この資格には、反映待ちの変更があります。\n"
                            : "  A change of this coverage is pending.\n");
    line(page, japanese ? "照会の記録番号" : "event", answer->event_id);
}

/* The card's certificate: until when, and the warning that it ends soon. */
static void certificate_term(struct page *page, const struct answer_view *answer, bool japanese)
{
    if (answer->certificate_term[0] == '\0')
        return;
    if (japanese)
        date_line_ja(page, "電子証明書の有効期限", answer->certificate_last_day);
    else
        date_line_en(page, "certificate until", answer->certificate_last_day);
    if (strcmp(answer->certificate_term, "ends_soon") != 0)
        return;
    const struct reason_entry *notice = reason_entry(REASON_CERTIFICATE_EXPIRING);
    text(page, "  ");
    text(page, japanese ? notice->staff_ja : notice->staff_en);
    text(page, "\n");
}

static void present_language(struct page *page, const struct outcome *outcome, bool japanese)
{
    headline(page, outcome, japanese);
    if (outcome->tries_left >= 0)
        percent_line(page, japanese ? "暗証番号の残り回数" : "PIN tries left", "%d", outcome->tries_left);
    if (outcome->source == OUTCOME_ANSWER && outcome->answer.has_coverage)
        japanese ? coverage_ja(page, &outcome->answer) : coverage_en(page, &outcome->answer);
    if (outcome->source == OUTCOME_ANSWER) {
        certificate_term(page, &outcome->answer, japanese);
        freshness(page, outcome, japanese);
    }
    if (outcome->step_count > 0)
        text(page, japanese ? "次にすること\n" : "Next\n");
    steps(page, outcome, japanese);
}

enum status present_outcome(const struct outcome *outcome, struct buffer *out)
{
    struct page page = {.out = out};
    present_language(&page, outcome, true);
    text(&page, "\n");
    present_language(&page, outcome, false);
    return page.status;
}

/* ---- A trace ---- */

static double milliseconds(int64_t microseconds)
{
    return (double)microseconds / 1000.0;
}

enum status present_trace(const struct trace *trace, struct buffer *out)
{
    enum status status = OK;
    int64_t total = 0;
    for (size_t i = 0; i < trace->count && status == OK; i++) {
        const struct traced_hop *hop = &trace->hops[i];
        status = buffer_printf(out, "%9.2f ms  %-10s %s\n", milliseconds(hop->microseconds),
                               hop_name(hop->hop), hop->outcome);
        total += hop->microseconds;
    }
    return status == OK ? buffer_printf(out, "%9.2f ms  total\n", milliseconds(total)) : status;
}

json_t *trace_to_json(const struct trace *trace)
{
    json_t *list = json_array();
    for (size_t i = 0; i < trace->count; i++) {
        const struct traced_hop *hop = &trace->hops[i];
        json_t *object = json_pack("{s:s, s:s, s:f}", "hop", hop_name(hop->hop), "outcome", hop->outcome,
                                   "milliseconds", milliseconds(hop->microseconds));
        if (json_array_append_new(list, object) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* ---- A diagnosis ---- */

static const char *state_word(enum finding_state state, bool japanese)
{
    switch (state) {
    case FINDING_GOOD:
        return japanese ? "正常" : "good";
    case FINDING_BAD:
        return japanese ? "異常" : "bad";
    case FINDING_SKIPPED:
        break;
    }
    return japanese ? "未確認" : "skipped";
}

static void finding_lines(struct page *page, const struct finding *finding, bool japanese)
{
    const char *name = japanese ? hop_name_ja(finding->hop) : hop_name(finding->hop);
    if (page->status == OK)
        page->status = buffer_printf(page->out, japanese ? "【%s】%s" : "[%s] %s",
                                     state_word(finding->state, japanese), name);
    if (page->status == OK && finding->state != FINDING_SKIPPED && finding->microseconds > 0)
        page->status = buffer_printf(page->out, " %.1f ms", milliseconds(finding->microseconds));
    if (page->status == OK && finding->detail[0] != '\0')
        page->status = buffer_printf(page->out, " (%s)", finding->detail);
    text(page, "\n");
    if (finding->state != FINDING_BAD)
        return;
    const struct reason_entry *entry = reason_entry(finding->reason);
    line(page, "", japanese ? entry->staff_ja : entry->staff_en);
    if (entry->next_step_count > 0) {
        const struct next_step_entry *step = next_step_entry(entry->next_steps[0]);
        line(page, "→", japanese ? step->ja : step->en);
    }
}

enum status present_diagnosis(const struct diagnosis *diagnosis, struct buffer *out)
{
    struct page page = {.out = out};
    for (size_t i = 0; i < diagnosis->count; i++)
        finding_lines(&page, &diagnosis->findings[i], true);
    text(&page, "\n");
    for (size_t i = 0; i < diagnosis->count; i++)
        finding_lines(&page, &diagnosis->findings[i], false);
    return page.status;
}

static json_t *finding_to_json(const struct finding *finding)
{
    struct json_writing writing = json_writing_begin();
    json_put_text(&writing, "hop", hop_name(finding->hop));
    json_put_text(&writing, "state", state_word(finding->state, false));
    json_put(&writing, "milliseconds", json_real(milliseconds(finding->microseconds)));
    json_put_text(&writing, "detail", finding->detail);
    if (finding->state == FINDING_BAD) {
        const struct reason_entry *entry = reason_entry(finding->reason);
        json_put_text(&writing, "reason", entry->code);
        json_put_text(&writing, "fault", fault_code(entry->fault));
        json_put_languages(&writing, "message", entry->staff_ja, entry->staff_en);
        json_put_steps(&writing, entry);
    }
    return json_writing_end(&writing);
}

json_t *diagnosis_to_json(const struct diagnosis *diagnosis)
{
    struct json_writing writing = json_writing_begin();
    json_put_boolean(&writing, "good", diagnosis_is_good(diagnosis));
    json_t *hops = json_array();
    for (size_t i = 0; i < diagnosis->count; i++)
        if (json_array_append_new(hops, finding_to_json(&diagnosis->findings[i])) != 0)
            writing.failed = true;
    json_put(&writing, "hops", hops);
    return json_writing_end(&writing);
}
