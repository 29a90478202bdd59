#ifndef SHIKAKU_AUTHORITY_CLIENT_H
#define SHIKAKU_AUTHORITY_CLIENT_H

#include <jansson.h>

#include "authority/authority.h"
#include "http/client.h"

/* Asking a running authority as one of its operators: what the command line and whoever makes cards use. */
struct authority_client;

/*
 * directory: the authority's own, or a copy of its authority.json, public/ and operators/ROLE/. role:
 * "counter", "hotline" or "registrar". ERR_NOT_FOUND, ERR_MALFORMED, ERR_RANGE.
 */
enum status authority_client_open(const char *directory, const char *role,
                                  struct authority_client **out) MUST_CHECK;
void authority_client_close(struct authority_client *client);

/* Why it did not work: the authority's refusal, or how far the call came. */
struct authority_refusal {
    unsigned http_status; /* 0: no answer came */
    enum http_hop hop;
    char code[64];
    char title[256];
};

/*
 * POSTs the request (taken over) and gives the answer, which the caller owns. ERR_DENIED: refused; otherwise
 * as http_client_call(). The refusal is filled in both cases.
 */
enum status authority_client_post(struct authority_client *client, const char *path, json_t *request,
                                  json_t **answer, struct authority_refusal *refusal) MUST_CHECK;

/* authority_issue_card() and authority_renew_card() at a running authority; role counter. */
enum status authority_client_issue_card(struct authority_client *client, const struct card_order *order,
                                        struct issued_card *out,
                                        struct authority_refusal *refusal) MUST_CHECK;
enum status authority_client_renew_card(struct authority_client *client, const struct card_order *order,
                                        struct issued_card *out,
                                        struct authority_refusal *refusal) MUST_CHECK;

/* What the authority knows of a resident, for printing a card. Texts are the caller's to free by
 * authority_client_resident_free(). */
struct client_resident {
    char *name, *kana, *alias, *address;
    struct date birth;
    enum sex sex;
    struct municipality_code municipality;
    bool has_photo;
};
enum status authority_client_find_resident(struct authority_client *client, const struct my_number *number,
                                           struct client_resident *out,
                                           struct authority_refusal *refusal) MUST_CHECK;
void authority_client_resident_free(struct client_resident *resident);

#endif
