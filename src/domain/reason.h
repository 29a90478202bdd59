#ifndef SHIKAKU_DOMAIN_REASON_H
#define SHIKAKU_DOMAIN_REASON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "domain/reason_codes.h" /* generated from catalogue.toml: enum reason, enum next_step */

/*
 * The catalogue of everything the product says to people when a check is answered or something is refused:
 * catalogue.toml holds it, docs/errors.md prints it, and nothing else in the product makes up a text of its
 * own. A code, once published, keeps its meaning.
 */

/* What an answer about eligibility comes to. The zero is the harmless one: nothing that was left unset, lost
 * or failed ever reads as eligible or as not eligible. */
enum result {
    RESULT_CANNOT_BE_CONFIRMED,
    RESULT_ELIGIBLE,
    RESULT_NOT_ELIGIBLE, /* under this number; never by a failure, a lag or a missing number */
};

enum reason_kind {
    REASON_KIND_ANSWER,  /* the reason of an answer about eligibility */
    REASON_KIND_REFUSAL, /* a request, a row or an action that was refused: an RFC 9457 problem */
    REASON_KIND_NOTICE,  /* told beside an answer; stops nothing */
};

enum fault {
    FAULT_NONE,
    FAULT_READER,
    FAULT_CARD,
    FAULT_PERSON,
    FAULT_INSTITUTION,
    FAULT_INSURER,
    FAULT_AUTHORITY,
    FAULT_CENTRE,
};

enum retry {
    RETRY_NO,           /* the same request gets the same outcome */
    RETRY_AFTER,        /* the same request may succeed after retry_after seconds */
    RETRY_AFTER_FIXING, /* once what the text names has been put right */
};

enum { NEXT_STEPS_MAX = 8 };

struct reason_entry {
    enum reason reason;
    const char *code; /* stable snake_case */
    enum reason_kind kind;
    enum result result; /* meaningful for answers only */
    int cd006;          /* QualificationValidity 1-6; 0 where none applies */
    enum fault fault;
    int http_status; /* of the problem document; 200 for answers and notices */
    enum retry retry;
    int retry_after;                             /* seconds; 0 unless RETRY_AFTER */
    enum next_step next_steps[NEXT_STEPS_MAX];   /* in the order in which they are tried */
    size_t next_step_count;                      /* 0: nothing is left to do */
    const char *staff_ja, *staff_en, *developer; /* never NULL */
};

struct next_step_entry {
    enum next_step next_step;
    const char *code, *ja, *en;
};

/* The entry of any reason but REASON_NONE; a value outside the enum gives the entry of REASON_INTERNAL. */
const struct reason_entry *reason_entry(enum reason reason);
/* The entry with this code, or NULL. code needs no final NUL. */
const struct reason_entry *reason_by_code(const char *code, size_t length);
/* "none" for REASON_NONE. */
const char *reason_code(enum reason reason);

/* The entry of any step but NEXT_STEP_NONE, for which it gives NULL. */
const struct next_step_entry *next_step_entry(enum next_step step);
const struct next_step_entry *next_step_by_code(const char *code, size_t length);

/* "eligible", "not_eligible", "cannot_be_confirmed". */
const char *result_code(enum result result);
/* false when code is none of the three. */
bool result_by_code(const char *code, size_t length, enum result *out) MUST_CHECK;
/* "none", "reader", "card", "person", "institution", "insurer", "authority", "centre". */
const char *fault_code(enum fault fault);
bool fault_by_code(const char *code, size_t length, enum fault *out) MUST_CHECK;

/* The word that a screen shows for a CD006 value: 有効, 資格（無効）, 資格情報なし, 該当複数;
 * 現在確認できません for 0 and anything else. */
const char *validity_ja(int cd006);
const char *validity_en(int cd006);

#endif
