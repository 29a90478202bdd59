#ifndef SHIKAKU_AUTHORITY_WORDS_H
#define SHIKAKU_AUTHORITY_WORDS_H

#include <jansson.h>

#include "authority/authority.h"

/* The words and encodings of the authority's JSON, for both ends of it. */

const char *generation_name(enum card_generation generation); /* "current", "next" */
const char *device_name(enum card_device device);             /* "card", "phone" */
const char *state_action_name(enum state_action action);      /* "suspend", "lift", "revoke" */
const char *subject_kind_name(enum subject_kind kind);        /* "card", "machine", "terminal" */
const char *resident_state_name(enum resident_state state);   /* "living", "dead", "left" */
/* ERR_MALFORMED for any other word. */
enum status generation_of(const char *name, enum card_generation *out) MUST_CHECK;
enum status device_of(const char *name, enum card_device *out) MUST_CHECK;
enum status state_action_of(const char *name, enum state_action *out) MUST_CHECK;
enum status subject_kind_of(const char *name, enum subject_kind *out) MUST_CHECK;

/* A card's or machine's certificate id as 64 hexadecimal digits; a terminal's id as its 16 characters. */
enum { SUBJECT_ID_TEXT = 65 };
void subject_id_format(enum subject_kind kind, const struct certificate_id *id, char out[SUBJECT_ID_TEXT]);
enum status subject_id_parse(enum subject_kind kind, const char *text, struct certificate_id *out) MUST_CHECK;

/* A base64 string; NULL without memory. The caller owns it. */
json_t *json_of_bytes(struct bytes bytes);
/* Appends what a base64 string holds. */
enum status bytes_of_json(const char *text, struct buffer *out) MUST_CHECK;
json_t *json_of_moment(moment when);
json_t *
json_of_public_key(const struct public_key *key); /* base64 of the SubjectPublicKeyInfo; null for none */
enum status public_key_of_json(const char *text, struct public_key *out) MUST_CHECK;

#endif
