#ifndef SHIKAKU_AUDIT_EVENT_H
#define SHIKAKU_AUDIT_EVENT_H

#include "base/bytes.h"
#include "base/clock.h"

/*
 * What happened, as it is kept for good. The core of an event names no person; whatever does stands in its
 * personal part, which the core only commits to: leaf = SHA-256(salt ‖ personal part). A personal part can
 * be overwritten one day without breaking anything that is built on the leaves.
 */

/* Stored: a number keeps its meaning for ever; new kinds get new numbers. */
enum event_kind {
    EVENT_REFUSAL = 1, /* of anything that would have been an event; outcome says why */
    EVENT_CHECK_BY_CARD = 10,
    EVENT_CHECK_BY_NUMBER = 11,
    EVENT_ENROLMENT = 20,
    EVENT_LOAD_PUBLISHED = 30,
    EVENT_LOAD_UNDONE = 31,
    EVENT_LINK_MADE = 40,
    EVENT_LINK_QUARANTINED = 41,
    EVENT_LINK_RELEASED = 42,
    EVENT_CERTIFICATE_STATE_APPLIED = 50,
};

/* Stable lower-case word ("check_by_card"), or NULL for a number that is none. */
const char *event_kind_name(enum event_kind kind);

/* Who asked. Stored: see event_kind. */
enum event_party {
    PARTY_SYSTEM = 0, /* ourselves: no code, no certificate */
    PARTY_INSTITUTION = 1,
    PARTY_INSURER = 2,
    PARTY_AUTHORITY = 3,
    PARTY_PERSON = 4,
};

enum {
    EVENT_ID_SIZE = 16,
    EVENT_CODE_LIMIT = 16,
    EVENT_HASH_SIZE = 32,
    EVENT_SALT_SIZE = 16,
    /* Longest personal part, encoded. */
    EVENT_PERSONAL_LIMIT = 256 * 1024,
};

struct event_caller {
    enum event_party party;
    char code[EVENT_CODE_LIMIT + 1];         /* institution code, insurer number: ASCII, NUL-terminated */
    uint8_t certificate_id[EVENT_HASH_SIZE]; /* of the machine certificate; zeros where none */
};

/*
 * A key that can be used once: a card check's challenge. expiry is the key's own, at most
 * EVENT_KEY_LIFE_LIMIT after the event's moment; later the log may forget that the key was used, so
 * whoever takes keys must refuse expired ones itself.
 */
enum { EVENT_KEY_LIFE_LIMIT = 15 * 60 }; /* seconds */

struct event_key {
    uint8_t key[EVENT_HASH_SIZE];
    moment expiry;
    uint8_t request_hash[EVENT_HASH_SIZE]; /* SHA-256 of the request's bytes */
};

/* The visit token that the answer gave out (protocol: visit token). */
struct event_visit {
    uint8_t token_hash[EVENT_HASH_SIZE]; /* SHA-256 of the token */
    moment expiry;
};

struct event_personal {
    int64_t person;       /* 0: none */
    int64_t subscription; /* 0: none */
    bool has_visit;
    struct event_visit visit;
    struct bytes answer; /* the response's body as sent */
    struct bytes detail; /* whatever else the kind needs, encoded by whoever makes such events */
};

struct event {
    uint64_t sequence; /* given by the log: 1, 2, 3 … (on PostgreSQL with gaps); 0 before */
    moment when;
    uint8_t id[EVENT_ID_SIZE]; /* random, made by whoever makes the event: the answer carries it */
    enum event_kind kind;
    uint16_t outcome; /* number of a reason in the catalogue */
    struct event_caller caller;
    bool has_key;
    struct event_key key;
    uint8_t leaf[EVENT_HASH_SIZE]; /* computed by the log */
    uint8_t salt[EVENT_SALT_SIZE]; /* made by the log */
    bool personal_erased;          /* read back only: personal and salt are gone, leaf stays */
    struct event_personal personal;
};

/* A fresh random id. */
void event_make_id(uint8_t id[EVENT_ID_SIZE]);

#endif
