#ifndef SHIKAKU_PKI_RESIDENT_QUERY_H
#define SHIKAKU_PKI_RESIDENT_QUERY_H

#include "pki/sealed.h"
#include "pki/state_feed.h"

/*
 * What the vault asks the card authority, and the answers: plaintexts of sealed messages, so that whoever
 * relays them learns nothing. A question is sealed to the authority's key; the answer always goes to the
 * vault's key that is registered there, never to one named in the question. The answer repeats the
 * question's secret number, so that the vault knows that whoever answered could open the question.
 */
#define RESIDENT_QUESTION_LABEL "shikaku-resident-question-1"
#define RESIDENT_ANSWER_LABEL "shikaku-resident-answer-1"

enum resident_question_kind {
    QUESTION_WHOSE_CERTIFICATE = 1, /* certificate id → My Number */
    QUESTION_WHO_IS = 2,            /* My Number → the five items and the resident's state */
};

enum { MY_NUMBER_LENGTH = 12, QUESTION_NUMBER_LENGTH = 16 };

struct resident_question {
    enum resident_question_kind kind;
    uint8_t number[QUESTION_NUMBER_LENGTH]; /* random, secret */
    moment asked_at;
    struct certificate_id certificate; /* WHOSE_CERTIFICATE */
    char my_number[MY_NUMBER_LENGTH];  /* WHO_IS: twelve digits, no NUL */
};

enum resident_finding {
    FINDING_FOUND = 1,
    FINDING_NOBODY = 2, /* no such certificate, or no such number */
};

enum resident_state { RESIDENT_LIVING = 1, RESIDENT_DEAD = 2, RESIDENT_LEFT = 3 /* 国外転出 */ };

/* The five items that must all match, as the residents' register states them; UTF-8, never normalised. */
struct resident_items {
    struct bytes name; /* kanji, or Latin where there is none */
    struct bytes kana;
    struct bytes alias; /* 通称 or 旧氏; empty where none */
    struct date birth;
    char sex; /* '1' male, '2' female, '9' not known [surface application DF25] */
    struct bytes address;
};

struct resident_answer {
    enum resident_question_kind kind;
    uint8_t number[QUESTION_NUMBER_LENGTH]; /* the question's */
    enum resident_finding finding;
    /* What follows only when found. */
    char my_number[MY_NUMBER_LENGTH]; /* WHOSE_CERTIFICATE */
    enum certificate_kind certificate_kind;
    enum subject_state certificate_state;
    struct resident_items items; /* WHO_IS; views into the opened bytes */
    enum resident_state resident_state;
};

void resident_question_create(enum resident_question_kind kind, moment now, struct resident_question *out);
/* Plaintexts, appended; out is marked secret. To be sealed under the labels above with an empty context. */
enum status resident_question_encode(const struct resident_question *question, struct buffer *out) MUST_CHECK;
enum status resident_question_decode(struct bytes bytes, struct resident_question *out) MUST_CHECK;
enum status resident_answer_encode(const struct resident_answer *answer, struct buffer *out) MUST_CHECK;
/* The views in out point into bytes. */
enum status resident_answer_decode(struct bytes bytes, struct resident_answer *out) MUST_CHECK;

#endif
