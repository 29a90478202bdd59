#ifndef SHIKAKU_AUTHORITY_AUTHORITY_H
#define SHIKAKU_AUTHORITY_AUTHORITY_H

#include "base/clock.h"
#include "base/region.h"
#include "domain/numbers.h"
#include "domain/person.h"
#include "pki/issue.h"
#include "pki/resident_query.h"
#include "pki/state_feed.h"
#include "pki/terminal_certificate.h"

/*
 * A stand-in for the card authority (J-LIS, 公的個人認証): who lives where under which My Number, which
 * certificates are on whose card, and what became of them. It exists so that everything else can be run and
 * tried; data and process are its own. One thread at a time may use it.
 */
struct authority;

/* directory: made by authority_setup() (authority/setup.h). clock is borrowed. Keys are read and stay in
 * memory. ERR_NOT_FOUND, ERR_DENIED (a key that others can open), ERR_DAMAGED, ERR_VERSION. */
enum status authority_open(const char *directory, const struct clock *clock,
                           struct authority **out) MUST_CHECK;
void authority_close(struct authority *authority);

/* ---- residents ---- */

/* Views point into what it was read from, or into the region it was read into. */
struct resident {
    int64_t id; /* ours; 0: not registered yet */
    struct my_number number;
    struct five_items items; /* postal_code is not kept */
    struct municipality_code municipality;
    bool has_photo; /* false: an infant's card */
    enum resident_state state;
};

/* ERR_EXISTS: the number is somebody's. out_id may be NULL. */
enum status authority_register_resident(struct authority *authority, const struct resident *resident,
                                        int64_t *out_id) MUST_CHECK;
/* ERR_NOT_FOUND. The caller wipes out->number. */
enum status authority_find_resident(struct authority *authority, const struct my_number *number,
                                    struct region *region, struct resident *out) MUST_CHECK;
/* By a certificate of a card or phone. */
enum status authority_find_holder(struct authority *authority, const struct certificate_id *id,
                                  struct region *region, struct resident *out) MUST_CHECK;

/* ---- cards ---- */

enum card_generation {
    GENERATION_CURRENT = 1, /* RSA-2048, 5 years */
    GENERATION_NEXT = 2,    /* P-384, 10 years (ours; planned for 2028) */
};

/* A phone's certificates hang on a card and die with it. */
enum card_device { DEVICE_CARD = 1, DEVICE_PHONE = 2 };

/* Which of the authority's CAs made a certificate. */
enum card_issuer {
    CARD_ISSUER_AUTHENTICATION = 1,
    CARD_ISSUER_SIGNATURE = 2,
    CARD_ISSUER_AUTHENTICATION_NEXT = 3,
    CARD_ISSUER_SIGNATURE_NEXT = 4,
};

struct card_order {
    struct my_number number;
    enum card_generation generation;
    enum card_device device;
    struct public_key authentication_key; /* borrowed; made on the device */
    struct public_key signature_key; /* KEY_NONE: without (顔認証マイナンバーカード, infants) */
};

struct issued_certificate {
    bool present;
    struct certificate_id id;
    struct buffer certificate; /* DER, owned */
    struct buffer issuer;      /* DER, owned */
};

struct issued_card {
    struct issued_certificate authentication;
    struct issued_certificate signature;
    moment not_after;
};

/*
 * Makes the certificates. Where serials were promised to this resident (authority/bulk.h) the certificates
 * get those, and the state in which they were promised: a card that was lost may be made to be tried;
 * otherwise a card is opened for the resident. ERR_NOT_FOUND: no such resident. ERR_WRONG_STATE: not living,
 * or a phone without an active card. ERR_EXISTS: there is a card already (renew it, or revoke it first), or a
 * phone. ERR_UNSUPPORTED: a key kind that the generation does not have.
 */
enum status authority_issue_card(struct authority *authority, const struct card_order *order,
                                 struct issued_card *out) MUST_CHECK;
/*
 * New certificates on the newest card (電子証明書の更新): the old ones are superseded and name their
 * successors, so that the person stays enrolled; a phone's are revoked. device must be DEVICE_CARD.
 * ERR_WRONG_STATE: nothing there that is active or expired.
 */
enum status authority_renew_card(struct authority *authority, const struct card_order *order,
                                 struct issued_card *out) MUST_CHECK;
void issued_card_free(struct issued_card *card);

/* One certificate row of a resident, for show. */
struct certificate_row {
    struct certificate_id id;
    enum card_issuer issuer;
    enum card_device device;
    int64_t card;
    enum subject_state state;
    moment not_before;
    moment not_after;
    struct certificate_id successor; /* zeros unless superseded */
    bool made;                       /* false: promised */
    struct serial serial;
    int64_t key; /* of the row; also its order of issue */
};
enum { CERTIFICATES_OF_RESIDENT_MAX = 128 };
/* Newest card first. ERR_TOO_LARGE beyond limit. */
enum status authority_list_certificates(struct authority *authority, int64_t resident,
                                        struct certificate_row *rows, size_t limit, size_t *count) MUST_CHECK;

/* ---- machines and terminals ---- */

/* der: the certificate, appended. ERR_RANGE: no such kind or code. */
enum status authority_issue_machine(struct authority *authority, const struct machine_subject *subject,
                                    const struct public_key *key, struct certificate_id *id,
                                    struct buffer *der) MUST_CHECK;
struct machine_row {
    struct machine_subject subject;
    enum subject_state state;
    moment not_after;
};
enum status authority_find_machine(struct authority *authority, const struct certificate_id *id,
                                   struct machine_row *out) MUST_CHECK;
/* The institution's next terminal. */
enum status authority_issue_terminal(struct authority *authority, const struct institution_code *institution,
                                     const struct public_key *key,
                                     struct terminal_certificate *out) MUST_CHECK;

/* ---- what becomes of them ---- */

enum state_action {
    ACTION_SUSPEND, /* 一時利用停止 */
    ACTION_LIFT,    /* 一時停止解除 */
    ACTION_REVOKE,  /* 失効 */
};

struct state_order {
    enum state_action action;
    enum subject_kind kind;
    struct certificate_id id; /* a terminal's: as in the feed */
};

/*
 * A card is suspended, lifted and revoked as a whole, with the phone that was made from it, whichever of its
 * certificates is named. What is in the wanted state already stays so: OK, changed 0. ERR_NOT_FOUND.
 * ERR_WRONG_STATE: what is revoked, expired or superseded stays so. That only the municipal counter lifts is
 * not decided here (authority/permission.h).
 */
enum status authority_change_state(struct authority *authority, const struct state_order *order,
                                   size_t *changed) MUST_CHECK;
/* Everything past its end becomes expired; at most some thousands a call. changed: how many. */
enum status authority_expire(struct authority *authority, size_t *changed) MUST_CHECK;

/* ---- feed and questions ---- */

/* A signed batch of what changed after a sequence, appended; a heartbeat where nothing did. ERR_RANGE: after
 * lies ahead of everything (the authority went back to a backup). */
enum status authority_feed(struct authority *authority, uint64_t after, struct buffer *out) MUST_CHECK;
enum status authority_newest_sequence(struct authority *authority, uint64_t *out) MUST_CHECK;

/* Answers are sealed to this key and no other. P-256. */
enum status authority_register_vault(struct authority *authority, const struct public_key *key) MUST_CHECK;
/*
 * Opens a sealed question and appends the sealed answer. ERR_CRYPTO, ERR_NOT_FOUND (sealed to another key),
 * ERR_MALFORMED; ERR_WRONG_STATE: no vault is registered; ERR_EXPIRED: asked more than ten minutes ago, or
 * as far in the future.
 */
enum status authority_answer(struct authority *authority, struct bytes question,
                             struct buffer *out) MUST_CHECK;

#endif
