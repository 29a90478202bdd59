#include "domain/numbers.h"

#include <string.h>

#include "base/text.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool are_digits(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!is_digit(text[i]))
            return false;
    return length > 0;
}

static int two_digits(const char *digits)
{
    return (digits[0] - '0') * 10 + (digits[1] - '0');
}

/* Sum of the digits weighted 1, 2, 1, 2 … from the right, two-digit products by their digits' sum. first is
 * the weight of the rightmost. */
static int luhn_sum(const char *digits, size_t length, int first)
{
    int sum = 0, weight = first;
    for (size_t i = length; i > 0; i--) {
        int product = (digits[i - 1] - '0') * weight;
        sum += product > 9 ? product - 9 : product;
        weight = 3 - weight;
    }
    return sum;
}

bool luhn_is_valid(const char *digits, size_t length)
{
    return are_digits(digits, length) && luhn_sum(digits, length, 1) % 10 == 0;
}

char luhn_check_digit(const char *digits, size_t length)
{
    return (char)('0' + (10 - luhn_sum(digits, length, 2) % 10) % 10);
}

char my_number_check_digit(const char eleven[11])
{
    int sum = 0;
    for (int n = 1; n <= 11; n++) {
        int p = eleven[11 - n] - '0';
        sum += p * (n <= 6 ? n + 1 : n - 5);
    }
    int rest = sum % 11;
    return (char)('0' + (rest <= 1 ? 0 : 11 - rest));
}

enum reason my_number_parse(const char *text, size_t length, struct my_number *out)
{
    memset(out, 0, sizeof(*out));
    if (length != 12 || !are_digits(text, length))
        return REASON_MALFORMED_MY_NUMBER;
    if (my_number_check_digit(text) != text[11])
        return REASON_MY_NUMBER_CHECK_DIGIT;
    memcpy(out->digits, text, 12);
    return REASON_NONE;
}

bool my_number_equal(const struct my_number *a, const struct my_number *b)
{
    return bytes_equal_secret(my_number_secret(a), my_number_secret(b));
}

struct bytes my_number_secret(const struct my_number *number)
{
    return bytes_of(number->digits, sizeof(number->digits));
}

void my_number_wipe(struct my_number *number)
{
    secret_wipe(number, sizeof(*number));
}

static bool is_prefecture(int prefecture)
{
    return prefecture >= 1 && prefecture <= 47;
}

/* Eight digits: a scheme (00 for National Health Insurance), a prefecture, three digits and a check digit. */
static enum reason check_eight(const char digits[8], enum reason malformed, enum reason wrong_check)
{
    if (!are_digits(digits, 8) || !is_prefecture(two_digits(digits + 2)))
        return malformed;
    return luhn_is_valid(digits, 8) ? REASON_NONE : wrong_check;
}

enum reason insurer_number_parse(const char *text, size_t length, struct insurer_number *out)
{
    memset(out, 0, sizeof(*out));
    char eight[8] = "00";
    if (length == 6)
        memcpy(eight + 2, text, 6);
    else if (length == 8 && text[0] == ' ' && text[1] == ' ')
        memcpy(eight + 2, text + 2, 6);
    else if (length == 8)
        memcpy(eight, text, 8);
    else
        return REASON_MALFORMED_INSURER_NUMBER;
    enum reason wrong =
        check_eight(eight, REASON_MALFORMED_INSURER_NUMBER, REASON_INSURER_NUMBER_CHECK_DIGIT);
    if (wrong == REASON_NONE)
        memcpy(out->digits, eight, 8);
    return wrong;
}

int insurer_number_scheme(const struct insurer_number *number)
{
    return two_digits(number->digits);
}

static const struct {
    int scheme;
    const char *name;
} schemes[] = {
    {0, "国民健康保険"},
    {1, "全国健康保険協会管掌健康保険"},
    {2, "船員保険"},
    {3, "日雇特例被保険者の保険"},
    {4, "日雇特例被保険者の保険（特別療養費）"},
    {6, "組合管掌健康保険"},
    {7, "自衛官等の療養の給付"},
    {12, "生活保護法による医療扶助"},
    {15, "自立支援医療（更生医療）"},
    {16, "自立支援医療（育成医療）"},
    {21, "自立支援医療（精神通院医療）"},
    {31, "国家公務員共済組合"},
    {32, "地方公務員等共済組合"},
    {33, "警察共済組合"},
    {34, "公立学校共済組合・日本私立学校振興・共済事業団"},
    {39, "後期高齢者医療"},
    {51, "特定疾患治療費等"},
    {52, "小児慢性特定疾病医療支援"},
    {54, "特定医療費（指定難病）"},
    {63, "特定健康保険組合（特例退職被保険者）"},
    {67, "国民健康保険（退職者医療）"},
    {72, "国家公務員特定共済組合"},
    {73, "地方公務員等特定共済組合"},
    {74, "警察特定共済組合"},
    {75, "公立学校特定共済組合・日本私立学校振興・共済事業団"},
};

const char *scheme_name_ja(int scheme)
{
    for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++)
        if (schemes[i].scheme == scheme)
            return schemes[i].name;
    return "";
}

bool scheme_is_known(int scheme)
{
    return scheme_name_ja(scheme)[0] != '\0';
}

int insurer_number_prefecture(const struct insurer_number *number)
{
    return two_digits(number->digits + 2);
}

void insurer_number_format(const struct insurer_number *number, char out[9])
{
    bool is_national = insurer_number_scheme(number) == SCHEME_NATIONAL_HEALTH_INSURANCE;
    memset(out, 0, 9);
    memcpy(out, number->digits + (is_national ? 2 : 0), is_national ? 6 : 8);
}

void insurer_number_wire(const struct insurer_number *number, char out[9])
{
    memcpy(out, number->digits, 9);
    if (insurer_number_scheme(number) == SCHEME_NATIONAL_HEALTH_INSURANCE)
        memset(out, ' ', 2);
}

bool insurer_number_equal(const struct insurer_number *a, const struct insurer_number *b)
{
    return memcmp(a->digits, b->digits, sizeof(a->digits)) == 0;
}

enum reason institution_code_parse(const char *text, size_t length, struct institution_code *out)
{
    memset(out, 0, sizeof(*out));
    if (length != 10 || !are_digits(text, 10) || !is_prefecture(two_digits(text)) || !strchr("1346", text[2]))
        return REASON_MALFORMED_INSTITUTION_CODE;
    if (!luhn_is_valid(text, 10))
        return REASON_INSTITUTION_CODE_CHECK_DIGIT;
    memcpy(out->digits, text, 10);
    return REASON_NONE;
}

int institution_code_prefecture(const struct institution_code *code)
{
    return two_digits(code->digits);
}

int institution_code_table(const struct institution_code *code)
{
    return code->digits[2] - '0';
}

bool institution_code_equal(const struct institution_code *a, const struct institution_code *b)
{
    return memcmp(a->digits, b->digits, sizeof(a->digits)) == 0;
}

enum reason payer_number_parse(const char *text, size_t length, struct payer_number *out)
{
    memset(out, 0, sizeof(*out));
    if (length != 8)
        return REASON_MALFORMED_PAYER_NUMBER;
    enum reason wrong = check_eight(text, REASON_MALFORMED_PAYER_NUMBER, REASON_PAYER_NUMBER_CHECK_DIGIT);
    if (wrong == REASON_NONE)
        memcpy(out->digits, text, 8);
    return wrong;
}

enum reason recipient_number_parse(const char *text, size_t length, struct recipient_number *out)
{
    memset(out, 0, sizeof(*out));
    if (length != 7 || !are_digits(text, 7))
        return REASON_MALFORMED_RECIPIENT_NUMBER;
    if (!luhn_is_valid(text, 7))
        return REASON_RECIPIENT_NUMBER_CHECK_DIGIT;
    memcpy(out->digits, text, 7);
    return REASON_NONE;
}

static bool is_middle_dot(int32_t c)
{
    return c == 0x30FB || c == 0x00B7 || c == 0x2022 || c == 0x2219 || c == 0x22C5;
}

static bool is_dash(int32_t c)
{
    return c == '-' || (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xFE63 || c == 0x2043;
}

/* Half-width letters, digits and signs without a space fold to themselves: nearly every number there is. */
static bool is_folded_already(struct bytes text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    }
    return text.length < INSURED_TEXT_SIZE;
}

/* Never longer than the text: folding keeps or lowers the number of characters, none needs more than 4 bytes.
 */
static enum status fold_insured_text(struct bytes text, char key[INSURED_TEXT_SIZE])
{
    if (is_folded_already(text)) {
        if (text.length)
            memcpy(key, text.data, text.length);
        return OK;
    }
    struct buffer folded = {0}, out = {0};
    enum status status = text_fold_width(text, &folded);
    struct bytes from = buffer_bytes(&folded);
    for (size_t position = 0; status == OK && position < from.length;) {
        int32_t c = text_next(from, &position);
        if (c == ' ')
            continue;
        status = text_append(&out, is_dash(c) ? '-' : is_middle_dot(c) ? 0x30FB : c);
    }
    if (status == OK && out.length >= INSURED_TEXT_SIZE)
        status = ERR_TOO_LARGE;
    if (status == OK && out.length)
        memcpy(key, out.data, out.length);
    buffer_free(&folded);
    buffer_free(&out);
    return status;
}

/* text and key are INSURED_TEXT_SIZE bytes each, zeroed by the caller. */
static enum reason parse_insured_text(struct bytes given, enum reason malformed, char *text, char *key)
{
    if (!text_is_utf8(given) || !text_is_printable(given) || text_length(given) > INSURED_TEXT_CHARACTERS)
        return malformed;
    if (fold_insured_text(given, key) != OK)
        return REASON_INTERNAL; /* memory alone can fail here */
    if (given.length)
        memcpy(text, given.data, given.length);
    return REASON_NONE;
}

enum reason insured_symbol_parse(const char *text, size_t length, struct insured_symbol *out)
{
    memset(out, 0, sizeof(*out));
    return parse_insured_text(bytes_of(text, length), REASON_MALFORMED_SYMBOL, out->text, out->key);
}

enum reason insured_number_parse(const char *text, size_t length, struct insured_number *out)
{
    memset(out, 0, sizeof(*out));
    enum reason wrong =
        parse_insured_text(bytes_of(text, length), REASON_MALFORMED_NUMBER, out->text, out->key);
    if (wrong == REASON_NONE && out->key[0] == '\0') {
        memset(out, 0, sizeof(*out));
        return REASON_MALFORMED_NUMBER;
    }
    return wrong;
}

enum reason branch_number_parse(const char *text, size_t length, struct branch_number *out)
{
    memset(out, 0, sizeof(*out));
    if (length == 0)
        return REASON_NONE;
    if (length != 2 || !are_digits(text, 2))
        return REASON_MALFORMED_BRANCH;
    memcpy(out->digits, text, 2);
    return REASON_NONE;
}

bool branch_number_is_absent(const struct branch_number *branch)
{
    return branch->digits[0] == '\0';
}

bool branch_number_equal(const struct branch_number *a, const struct branch_number *b)
{
    return memcmp(a->digits, b->digits, sizeof(a->digits)) == 0;
}

bool insured_key_same_number(const struct insured_key *a, const struct insured_key *b)
{
    return insurer_number_equal(&a->insurer, &b->insurer) && strcmp(a->symbol.key, b->symbol.key) == 0 &&
           strcmp(a->number.key, b->number.key) == 0;
}
