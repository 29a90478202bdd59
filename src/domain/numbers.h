#ifndef SHIKAKU_DOMAIN_NUMBERS_H
#define SHIKAKU_DOMAIN_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "domain/reason.h"

/*
 * The numbers that name insurers, institutions and insured people. Each X_parse() takes text as it came from
 * outside (no final NUL needed), answers REASON_NONE or the catalogue's reason for what is wrong, and leaves
 * *out zeroed in that case. What was parsed cannot hold nonsense. Digits are ASCII; the symbol and number of
 * an insured person are free text.
 */

/* True iff text is digits only and their Luhn sum is 0 modulo 10 (検証番号, modulus 10, weights 2 and 1). */
bool luhn_is_valid(const char *digits, size_t length);
/* The digit to append so that luhn_is_valid() holds. digits must be digits. */
char luhn_check_digit(const char *digits, size_t length);

/*
 * My Number 個人番号: 12 digits, the last a check digit by the ministerial order (総務省令第85号, 2014).
 * Secret: no function prints it, none compares it in a time that tells where two differ, and whoever holds
 * one wipes it.
 */
struct my_number {
    char digits[12];
};

/* malformed_my_number, my_number_check_digit. */
enum reason my_number_parse(const char *text, size_t length, struct my_number *out) MUST_CHECK;
/* The check digit of eleven digits. */
char my_number_check_digit(const char eleven[11]);
bool my_number_equal(const struct my_number *a, const struct my_number *b);
/* For sealing and keyed hashing only: a view of the digits, valid while number is. */
struct bytes my_number_secret(const struct my_number *number);
void my_number_wipe(struct my_number *number);

/*
 * Insurer number 保険者番号: scheme 2 + prefecture 2 + insurer 3 + check 1, or, for National Health
 * Insurance, the last six of these. Canonical and stored: eight digits, zero-padded on the left, so that one
 * insurer has one form. Accepts 6 digits, or 8 characters padded on the left with spaces or zeros.
 */
struct insurer_number {
    char digits[9]; /* eight and a NUL */
};

enum scheme {
    SCHEME_NATIONAL_HEALTH_INSURANCE = 0, /* no scheme code: six digits */
    SCHEME_HEALTH_INSURANCE_ASSOCIATION = 1,
    SCHEME_MEDICAL_ASSISTANCE = 12,
    SCHEME_LATE_ELDERLY = 39,
};

/* malformed_insurer_number (also a prefecture outside 01-47), insurer_number_check_digit. */
enum reason insurer_number_parse(const char *text, size_t length, struct insurer_number *out) MUST_CHECK;
/* The scheme code 法別番号, 0 for National Health Insurance. Any of 0-99: see enum scheme for the named ones.
 */
int insurer_number_scheme(const struct insurer_number *number);
/* True for the codes that the field's tables name. */
bool scheme_is_known(int scheme);
/* 社会保険, 国民健康保険 and the like; "" where unknown. */
const char *scheme_name_ja(int scheme);
int insurer_number_prefecture(const struct insurer_number *number); /* 1-47 */
/* As printed on papers: six digits for National Health Insurance, eight otherwise. */
void insurer_number_format(const struct insurer_number *number, char out[9]);
/* As on the wire: always eight characters, padded on the left with spaces. */
void insurer_number_wire(const struct insurer_number *number, char out[9]);
bool insurer_number_equal(const struct insurer_number *a, const struct insurer_number *b);

/* Institution code 医療機関コード: prefecture 01-47, table 1 medical, 3 dental, 4 pharmacy, 6 visiting
 * nursing, seven digits; Luhn over all ten. */
struct institution_code {
    char digits[11];
};

/* malformed_institution_code, institution_code_check_digit. */
enum reason institution_code_parse(const char *text, size_t length, struct institution_code *out) MUST_CHECK;
int institution_code_prefecture(const struct institution_code *code); /* 1-47 */
int institution_code_table(const struct institution_code *code);      /* 1, 3, 4 or 6 */
bool institution_code_equal(const struct institution_code *a, const struct institution_code *b);

/* Public-expense payer number 公費負担者番号 (8) and recipient number 受給者番号 (7). */
struct payer_number {
    char digits[9];
};
struct recipient_number {
    char digits[8];
};

/* malformed_payer_number, payer_number_check_digit. */
enum reason payer_number_parse(const char *text, size_t length, struct payer_number *out) MUST_CHECK;
/* malformed_recipient_number, recipient_number_check_digit. */
enum reason recipient_number_parse(const char *text, size_t length, struct recipient_number *out) MUST_CHECK;

enum {
    INSURED_TEXT_CHARACTERS = 20,
    INSURED_TEXT_SIZE = 4 * INSURED_TEXT_CHARACTERS + 1,
};

/*
 * Symbol 記号 (may be empty) and number 番号 of an insured person: up to 20 characters, full- or half-width,
 * kept byte for byte. Two are the same iff their keys are: width folded, spaces removed, every dash '-',
 * middle dots one form. The key is what an index holds.
 */
struct insured_symbol {
    char text[INSURED_TEXT_SIZE];
    char key[INSURED_TEXT_SIZE];
};
struct insured_number {
    char text[INSURED_TEXT_SIZE];
    char key[INSURED_TEXT_SIZE];
};

/* malformed_symbol. */
enum reason insured_symbol_parse(const char *text, size_t length, struct insured_symbol *out) MUST_CHECK;
/* malformed_number. */
enum reason insured_number_parse(const char *text, size_t length, struct insured_number *out) MUST_CHECK;

/* Branch number 枝番: two digits, one per person within symbol and number, never reused; empty text where
 * there is none (late elderly, or a paper from before 2021). */
struct branch_number {
    char digits[3];
};

/* malformed_branch. Empty text is "absent". */
enum reason branch_number_parse(const char *text, size_t length, struct branch_number *out) MUST_CHECK;
bool branch_number_is_absent(const struct branch_number *branch);
bool branch_number_equal(const struct branch_number *a, const struct branch_number *b);

/* What is printed on a paper and typed at reception. */
struct insured_key {
    struct insurer_number insurer;
    struct insured_symbol symbol;
    struct insured_number number;
    struct branch_number branch;
};

/* Same insurer, symbol and number after folding; the branch is not looked at. */
bool insured_key_same_number(const struct insured_key *a, const struct insured_key *b);

#endif
