#ifndef SHIKAKU_SYNTH_PERSON_H
#define SHIKAKU_SYNTH_PERSON_H

#include "base/random.h"
#include "base/region.h"
#include "domain/answer.h"
#include "domain/facts.h"
#include "pki/issue.h"
#include "pki/resident_query.h"
#include "pki/state_feed.h"
#include "synth/organisations.h"
#include "synth/words.h"

/*
 * A synthetic person: what the card authority knows, what insurers have registered, which card there is and
 * what became of it. Texts lie in the region that the person was made with.
 */
enum { RECORDS_MOST = 3 };

enum card_variant {
    CARD_VARIANT_NORMAL,
    CARD_VARIANT_WITHOUT_PIN,   /* 顔認証マイナンバーカード */
    CARD_VARIANT_WITHOUT_PHOTO, /* an infant's */
};
/* "normal", "without_pin", "without_photo". */
const char *card_variant_code(enum card_variant variant);

struct synthetic_card {
    bool present;
    enum card_variant variant;
    bool has_signature;
    struct date issued, last_day; /* of the certificates that are the newest */
    enum subject_state state;     /* active, suspended, revoked or expired */
    bool renewed;                 /* they took the place of earlier ones, which are superseded */
    struct date renewed_issued, renewed_last_day;
};

/* What was believed at first and then corrected: a version below the one that counts. */
enum correction {
    CORRECTION_NONE,
    CORRECTION_OF_ACQUISITION, /* another day of acquisition */
    CORRECTION_OF_LOSS,        /* the loss became known afterwards */
};

struct synthetic_record {
    struct coverage coverage; /* the newest version; coverage.person is what the insurer states */
    int64_t employer;         /* index; -1: none */
    enum link_state link;
    struct date recorded; /* the first version */
    enum correction correction;
    struct date corrected;      /* the day of the correction */
    struct date first_acquired; /* of CORRECTION_OF_ACQUISITION */
};

struct synthetic_person {
    uint64_t index;
    struct my_number number;
    struct five_items known; /* to the card authority */
    int place;               /* in places[] */
    enum resident_state resident_state;

    struct synthetic_card card;
    struct synthetic_record records[RECORDS_MOST]; /* the newest first */
    size_t record_count;

    bool in_vault; /* some insurer registered the number at some time */
    enum enrolment_state enrolment;
    struct date enrolled;
    enum authentication enrolled_by;
    bool non_disclosure;
    bool self_information_blocked;
};

/* What the making of people shares. */
struct making {
    const struct organisations *organisations;
    uint64_t seed;
    struct date today;
    struct region *region; /* texts of the household */
    struct dice dice;      /* of the household */
};

uint32_t making_roll(struct making *making, uint32_t sides);
/* of_1000 times in a thousand. */
bool making_chance(struct making *making, uint32_t of_1000);
struct bytes making_text(struct making *making, const char *format, ...) PRINTF_LIKE(2, 3);

/* Where a household lives, in the authority's notation and as an insurer may write it. */
struct home {
    int place;
    struct bytes known, stated;
    struct postal_code postal_code;
};
struct home home_make(struct making *making, int place);

/* Birthday on this day, that many years before; 29 February becomes the 28th where the year has none. */
struct date birth_years_before(struct date birthday, int years);

void person_begin(struct making *making, uint64_t index, const struct home *home,
                  struct synthetic_person *out);
void person_set_name(struct making *making, struct synthetic_person *person, struct bytes surname,
                     struct bytes surname_kana, const struct word *given);
void person_set_latin_name(struct making *making, struct synthetic_person *person,
                           const struct latin_name *name);

/* One insurer's insured people: who share symbol and number. */
struct policy {
    const struct synthetic_insurer *insurer;
    int64_t employer; /* -1: none */
    struct insured_symbol symbol;
    struct insured_number number;
    bool has_branches;
    int next_branch;
};
/* index: of the person in whose name it is. */
struct policy policy_of_employer(struct making *making, uint64_t employer, uint64_t index);
struct policy policy_of_insurer(struct making *making, const struct synthetic_insurer *insurer,
                                uint64_t index);
/* Of the office that has a number for this index. */
struct policy policy_of_medical_aid(struct making *making, uint64_t index);

/* Adds a record under the policy: the items as known (notation may differ), link confirmed, recorded some
 * days after it was acquired, ratios as age and scheme have them today. */
struct synthetic_record *person_add_record(struct making *making, struct synthetic_person *person,
                                           struct policy *policy, const struct home *home,
                                           struct date acquired, enum relationship relationship);
void record_lose(struct synthetic_record *record, struct date lost, enum loss_reason reason);
/* Ratios and papers that hang on age and scheme; percent COPAYMENT_UNKNOWN: by chance. */
void record_set_ratio(struct making *making, struct synthetic_record *record, int percent);
void record_set_certificate(struct making *making, struct synthetic_record *record);

/* A card whose certificates were issued that day. */
void card_issue(struct synthetic_person *person, struct date issued, enum card_variant variant);
void card_renew(struct synthetic_person *person, struct date renewed);
void person_enrol(struct making *making, struct synthetic_person *person);

#endif
