#ifndef SHIKAKU_CARD_APDU_H
#define SHIKAKU_CARD_APDU_H

#include "base/bytes.h"

/* Command and response APDUs of ISO/IEC 7816-4, with short and extended lengths. */

enum {
    APDU_SHORT_DATA_LENGTH = 255,
    APDU_SHORT_RESPONSE_LENGTH = 256,
    APDU_EXTENDED_DATA_LENGTH = 65535,
    APDU_EXTENDED_RESPONSE_LENGTH = 65536,
};

enum {
    INS_VERIFY = 0x20,
    INS_CHANGE_PIN = 0x24, /* CHANGE REFERENCE DATA: JPKI and surface input */
    INS_SECURITY_OPERATION = 0x2A,
    INS_SET_PIN = 0x32, /* proprietary, class 80: common data and residents' register */
    INS_EXTERNAL_AUTHENTICATE = 0x82,
    INS_GET_CHALLENGE = 0x84,
    INS_PINLESS = 0xA2, /* proprietary, class 80: present a terminal's CV certificate */
    INS_SELECT = 0xA4,
    INS_READ_BINARY = 0xB0,
    INS_GET_DATA = 0xCA,
    INS_GET_DATA_ODD = 0xCB,
};

/* Status words that a My Number Card gives. */
enum {
    SW_OK = 0x9000,
    SW_WRONG_PIN = 0x63C0, /* plus the tries left, 0-15 */
    SW_WRONG_LENGTH = 0x6700,
    SW_LOGICAL_CHANNEL = 0x6881,
    SW_SECURE_MESSAGING = 0x6882,
    SW_WRONG_STRUCTURE = 0x6981, /* the current file is no transparent file */
    SW_SECURITY_STATUS = 0x6982, /* not opened: PIN, code or terminal authentication is missing */
    SW_PIN_BLOCKED_OTHER = 0x6983,
    SW_PIN_BLOCKED = 0x6984,
    SW_CONDITIONS = 0x6985,
    SW_NO_CURRENT_FILE = 0x6986,
    SW_SECURE_MESSAGING_CLASS = 0x69FC,
    SW_WRONG_DATA = 0x6A80,
    SW_NOT_FOUND = 0x6A82,
    SW_WRONG_PARAMETERS = 0x6A86,
    SW_WRONG_OFFSET = 0x6B00,
    SW_UNKNOWN_INSTRUCTION = 0x6D00,
    SW_UNKNOWN_CLASS = 0x6E00,
    SW_DEAD = 0x6F00, /* no diagnosis: what a destroyed card answers */
};

struct command_apdu {
    uint8_t class_byte;
    uint8_t instruction;
    uint8_t p1;
    uint8_t p2;
    struct bytes data;        /* borrowed; empty: no Lc */
    uint32_t expected_length; /* 0: no Le. 256 or 65536 is what a zero Le means */
    bool extended;            /* lengths in the extended form (in encoding: forced where needed) */
};

/* The view into bytes is borrowed. ERR_MALFORMED where the lengths do not add up to one APDU. */
enum status command_apdu_parse(struct bytes bytes, struct command_apdu *out) MUST_CHECK;
/* Appended. Extended lengths are used where .extended is set or a length needs them; ERR_RANGE beyond those.
 */
enum status command_apdu_encode(const struct command_apdu *command, struct buffer *out) MUST_CHECK;

struct response_apdu {
    struct bytes data; /* borrowed */
    uint16_t status_word;
};

/* ERR_TRUNCATED below two bytes, ERR_TOO_LARGE beyond the extended length. */
enum status response_apdu_parse(struct bytes bytes, struct response_apdu *out) MUST_CHECK;
/* Appended. */
enum status response_apdu_encode(const struct response_apdu *response, struct buffer *out) MUST_CHECK;

/* 0-15 where the word is 63Cx, otherwise -1. */
int status_word_tries_left(uint16_t status_word);

#endif
