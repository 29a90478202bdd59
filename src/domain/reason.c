#include "domain/reason.h"

#include <string.h>

#include "domain/reason_table.h"

const struct reason_entry *reason_entry(enum reason reason)
{
    if ((int)reason <= REASON_NONE || (int)reason >= REASON_LIMIT || !reason_table[reason].code)
        return &reason_table[REASON_INTERNAL];
    return &reason_table[reason];
}

/* As strcmp() of the counted text a with the terminated b. */
static int compare_code(const char *a, size_t length, const char *b)
{
    size_t b_length = strlen(b);
    int order = memcmp(a, b, length < b_length ? length : b_length);
    if (order)
        return order;
    return (length > b_length) - (length < b_length);
}

const struct reason_entry *reason_by_code(const char *code, size_t length)
{
    size_t low = 0, high = ARRAY_LENGTH(reasons_by_code);
    if (length == 0)
        return NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct reason_entry *entry = &reason_table[reasons_by_code[middle]];
        int order = compare_code(code, length, entry->code);
        if (order == 0)
            return entry;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *reason_code(enum reason reason)
{
    return reason == REASON_NONE ? "none" : reason_entry(reason)->code;
}

const struct next_step_entry *next_step_entry(enum next_step step)
{
    if ((int)step <= NEXT_STEP_NONE || (int)step >= NEXT_STEP_COUNT)
        return NULL;
    return &next_step_table[step];
}

const struct next_step_entry *next_step_by_code(const char *code, size_t length)
{
    for (size_t i = 1; length && i < NEXT_STEP_COUNT; i++)
        if (compare_code(code, length, next_step_table[i].code) == 0)
            return &next_step_table[i];
    return NULL;
}

static const char *const result_codes[] = {
    [RESULT_CANNOT_BE_CONFIRMED] = "cannot_be_confirmed",
    [RESULT_ELIGIBLE] = "eligible",
    [RESULT_NOT_ELIGIBLE] = "not_eligible",
};

const char *result_code(enum result result)
{
    return (size_t)result < ARRAY_LENGTH(result_codes) ? result_codes[result] : "cannot_be_confirmed";
}

bool result_by_code(const char *code, size_t length, enum result *out)
{
    *out = RESULT_CANNOT_BE_CONFIRMED;
    for (size_t i = 0; length && i < ARRAY_LENGTH(result_codes); i++) {
        if (compare_code(code, length, result_codes[i]) == 0) {
            *out = (enum result)i;
            return true;
        }
    }
    return false;
}

static const char *const fault_codes[] = {
    [FAULT_NONE] = "none",           [FAULT_READER] = "reader",           [FAULT_CARD] = "card",
    [FAULT_PERSON] = "person",       [FAULT_INSTITUTION] = "institution", [FAULT_INSURER] = "insurer",
    [FAULT_AUTHORITY] = "authority", [FAULT_CENTRE] = "centre",
};

const char *fault_code(enum fault fault)
{
    return (size_t)fault < ARRAY_LENGTH(fault_codes) ? fault_codes[fault] : "none";
}

bool fault_by_code(const char *code, size_t length, enum fault *out)
{
    *out = FAULT_NONE;
    for (size_t i = 0; length && i < ARRAY_LENGTH(fault_codes); i++) {
        if (compare_code(code, length, fault_codes[i]) == 0) {
            *out = (enum fault)i;
            return true;
        }
    }
    return false;
}

const char *validity_ja(int cd006)
{
    switch (cd006) {
    case 1:
        return "有効";
    case 2:
        return "資格（無効）";
    case 3:
        return "資格（無効）（新しい資格あり）";
    case 4:
        return "資格情報なし";
    case 5:
        return "該当複数";
    case 6:
        return "有効（利用登録なし）";
    default:
        return "現在確認できません";
    }
}

const char *validity_en(int cd006)
{
    switch (cd006) {
    case 1:
        return "valid";
    case 2:
        return "coverage (invalid)";
    case 3:
        return "coverage (invalid), a newer one exists";
    case 4:
        return "no such coverage";
    case 5:
        return "several match";
    case 6:
        return "valid, card use not registered";
    default:
        return "cannot be confirmed now";
    }
}
