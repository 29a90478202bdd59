#ifndef SHIKAKU_CARD_VIRTUAL_STATE_H
#define SHIKAKU_CARD_VIRTUAL_STATE_H

#include "card/virtual_card.h"

/*
 * Inside the virtual card: what it stores, what it forgets at power-off, and the files' rules. Only the files
 * virtual_*.c, personalise*.c and their tests include this.
 */

/* ---- The files and their rules ---- */

enum card_file_kind {
    CARD_FILE_DATA, /* transparent: READ BINARY */
    CARD_FILE_PIN,  /* VERIFY */
    CARD_FILE_KEY,  /* compute signature */
    CARD_FILE_TERMINAL_CA,
};

/* A set of PINs: bit n is enum card_pin n. */
typedef uint32_t card_pin_set;
#define CARD_PIN_BIT(pin) ((card_pin_set)1 << (pin))

struct card_file_rule {
    enum card_application application;
    uint16_t id;
    enum card_file_kind kind;
    card_pin_set opened_by; /* data and keys: any one of these; 0: free */
    enum card_pin pin;      /* of CARD_FILE_PIN */
    enum card_key key;      /* of CARD_FILE_KEY */
};

enum { CARD_FILE_COUNT = 29 };
extern const struct card_file_rule card_file_rules[CARD_FILE_COUNT];

/* NULL where the application has no such file. */
const struct card_file_rule *card_file_find(enum card_application application, unsigned id);
/* Index into card_state.files. */
size_t card_file_index(const struct card_file_rule *rule);

/* How often a PIN may be wrong, and what it is made of. */
struct card_pin_rule {
    uint8_t tries;
    uint8_t shortest;
    uint8_t longest;
    bool alphanumeric; /* A-Z and 0-9; otherwise digits */
    bool chosen;       /* by the person: can be changed */
};
extern const struct card_pin_rule card_pin_rules[CARD_PIN_COUNT];

enum { CARD_PIN_LENGTH = 16 };

/* ---- What is stored ---- */

struct card_pin_state {
    uint8_t value[CARD_PIN_LENGTH];
    uint8_t length; /* 0: the PIN is not usable, whatever is presented */
    uint8_t tries_left;
};

struct card_state {
    enum chip_generation generation;
    enum card_form form;
    bool personalised;
    unsigned improper_uses;
    struct private_key keys[CARD_KEY_COUNT];
    struct card_pin_state pins[CARD_PIN_COUNT];
    struct terminal_certificate terminal_ca;
    struct buffer files[CARD_FILE_COUNT]; /* CARD_FILE_DATA: with the filler. Owned */
};

/* Appended; out is marked secret. */
enum status card_state_encode(const struct card_state *state, struct buffer *out) MUST_CHECK;
enum status card_state_decode(struct bytes bytes, struct card_state *out) MUST_CHECK;
/* Wipes and leaves it empty. */
void card_state_free(struct card_state *state);

bool card_has_application(const struct card_state *state, enum card_application application);
/* The PIN that really opens: the coming card has one four-digit PIN for certificates and surface (ours). */
enum card_pin card_pin_behind(const struct card_state *state, enum card_pin pin);
/* Whether a person may choose this value for the PIN. */
bool card_pin_is_well_formed(enum card_pin pin, struct bytes value);

/* ---- What power-off and reset clear ---- */

enum { CARD_CHAIN_LIMIT = 1024 };

struct card_session {
    enum card_application application;
    bool selected; /* by a command; the issuer domain is there from power-on */
    const struct card_file_rule *file;
    card_pin_set verified;

    /* The flow without PIN. */
    bool challenge_given;
    uint8_t challenge[CARD_CHALLENGE_LENGTH];
    bool terminal_presented; /* its certificate was accepted, its key not yet proved */
    struct terminal_certificate terminal;
    bool may_sign_without_pin; /* once */

    /* A chained command under way. */
    uint8_t chained_header[3]; /* instruction, P1, P2 */
    uint8_t chain[CARD_CHAIN_LIMIT];
    size_t chain_length;
};

struct virtual_card {
    struct card_state state;
    struct card_session session;
    struct sealed_image *image; /* NULL: in memory only, or destroyed */
    bool powered;
    bool destroyed;
    bool stuck; /* what it has in memory is not what is on disk: answers nothing until it is opened again */
    struct private_key renewed[CARD_KEY_COUNT]; /* made, and not yet certified */
};

/* Makes the state durable. After a failure the card is stuck. */
enum status virtual_card_store(struct virtual_card *card) MUST_CHECK;
/* Q9: for good. */
void virtual_card_destroy(struct virtual_card *card);
/* A card in memory from an encoded state: for tests, which make many from one. */
enum status virtual_card_from_state(struct bytes encoded, struct virtual_card **out) MUST_CHECK;

/* A file named in P1 or P2: 80 is the current one, 80|sfi that one, which becomes current. */
uint16_t virtual_take_file(struct virtual_card *card, uint8_t name, const struct card_file_rule **out);
/* Whether what has been verified opens the file. */
bool virtual_is_open(const struct virtual_card *card, const struct card_file_rule *rule);

/* As in personalisation, for new certificates on the card. keys: CARD_KEY_COUNT of them. */
enum status card_certificates_check(const struct private_key *keys,
                                    const struct card_certificate *authentication,
                                    const struct card_certificate *signature) MUST_CHECK;
enum status card_certificates_write(struct card_state *state, const struct card_certificate *authentication,
                                    const struct card_certificate *signature) MUST_CHECK;

/* ---- The commands: each gives a status word and appends what it answers ---- */

uint16_t virtual_select(struct virtual_card *card, const struct command_apdu *command);
uint16_t virtual_read_binary(struct virtual_card *card, const struct command_apdu *command,
                             struct buffer *answer);
uint16_t virtual_verify(struct virtual_card *card, const struct command_apdu *command);
uint16_t virtual_change_pin(struct virtual_card *card, const struct command_apdu *command);
uint16_t virtual_sign(struct virtual_card *card, const struct command_apdu *command, struct buffer *answer);
uint16_t virtual_get_challenge(struct virtual_card *card, const struct command_apdu *command,
                               struct buffer *answer);
uint16_t virtual_present_terminal(struct virtual_card *card, const struct command_apdu *command);
uint16_t virtual_authenticate_terminal(struct virtual_card *card, const struct command_apdu *command);

#endif
