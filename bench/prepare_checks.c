/*
 * Bodies of checks by card, prepared beforehand: challenges fetched from a running centre, statements signed
 * with keys that a running authority has certified for people of its own.
 *
 *   prepare_checks AUTHORITY CLINIC.json CHECKS < NUMBERS > BODIES
 *
 * NUMBERS: My Numbers, one a line; a key is made and certified for each (their certificates are renewed, so
 * they stay enrolled). BODIES: one a line, for http_generator. They are good for five minutes.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authority/client.h"
#include "base/log.h"
#include "clinic/settings.h"
#include "http/client.h"
#include "pki/statement.h"

enum { CARDS_MAX = 1000, CHALLENGES_AT_ONCE = 100 };

struct signer {
    struct private_key key;
    struct buffer certificate; /* base64 */
};

struct preparation {
    struct signer cards[CARDS_MAX];
    size_t card_count;
    struct http_client *centre;
    struct statement statement; /* what all have in common */
    char day[11];
};

static void give_up(const char *what, enum status status)
{
    fprintf(stderr, "prepare_checks: %s: %s\n", what, status_name(status));
    exit(1);
}

static void must(const char *what, enum status status)
{
    if (status != OK)
        give_up(what, status);
}

/* False where this resident's card cannot be renewed: not living, or without one. */
static bool certify(struct authority_client *authority, const char *number, struct signer *out)
{
    struct card_order order = {.generation = GENERATION_CURRENT, .device = DEVICE_CARD};
    struct authority_refusal refusal;
    struct issued_card card = {0};
    if (my_number_parse(number, strlen(number), &order.number) != REASON_NONE)
        give_up("my number", ERR_MALFORMED);
    must("key", private_key_create(KEY_RSA_2048, &out->key));
    must("key", public_key_of(&out->key, &order.authentication_key));
    enum status status = authority_client_renew_card(authority, &order, &card, &refusal);
    if (status == OK)
        must("certificate", base64_encode(buffer_bytes(&card.authentication.certificate), &out->certificate));
    else
        private_key_free(&out->key);
    issued_card_free(&card);
    public_key_free(&order.authentication_key);
    my_number_wipe(&order.number);
    return status == OK;
}

static void certify_all(struct preparation *preparation, const char *directory)
{
    char line[64];
    struct authority_client *authority = NULL;
    must("authority", authority_client_open(directory, "counter", &authority));
    while (preparation->card_count < CARDS_MAX && fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (certify(authority, line, &preparation->cards[preparation->card_count]))
            preparation->card_count++;
    }
    authority_client_close(authority);
    if (preparation->card_count == 0)
        give_up("no card could be certified", ERR_NOT_FOUND);
}

static void read_settings(struct preparation *preparation, const char *path)
{
    struct clinic_settings settings;
    struct settings_fault fault;
    struct certificate ca;
    must("settings", clinic_settings_load(path, &settings, &fault));
    const struct http_client_settings centre = {
        .base_url = settings.centre_url,
        .ca_file = settings.centre_ca,
        .certificate_file = settings.machine_certificate,
        .key_file = settings.machine_key,
    };
    must("centre", http_client_new(&centre, &preparation->centre));
    must("machine certificate", certificate_load(settings.machine_certificate, &ca));
    preparation->statement.caller = ca.fingerprint;
    certificate_free(&ca);
    must("centre's CA", certificate_load(settings.centre_ca, &ca));
    must("centre's CA", public_key_hash(&ca.key, &preparation->statement.centre));
    certificate_free(&ca);
    memcpy(preparation->statement.institution, settings.institution.digits, INSTITUTION_CODE_LENGTH);
    preparation->statement.kind = STATEMENT_CHECK;
    preparation->statement.purpose = 1;
    preparation->statement.day = date_in_tokyo(clock_now(&real_clock));
    date_format(preparation->statement.day, preparation->day);
    clinic_settings_free(&settings);
}

static json_t *fetch_challenges(struct preparation *preparation)
{
    static const char body[] = "{\"count\":100}";
    const struct http_call call = {
        .method = METHOD_POST,
        .path = "/v1/challenges",
        .content_type = "application/json",
        .body = bytes_of_text(body),
    };
    struct http_reply reply = {0};
    must("challenges", http_client_call(preparation->centre, &call, &reply));
    json_t *answer = json_loadb((const char *)reply.body.data, reply.body.length, 0, NULL);
    http_reply_free(&reply);
    if (json_array_size(json_object_get(answer, "challenges")) != CHALLENGES_AT_ONCE)
        give_up("challenges", ERR_MALFORMED);
    return answer;
}

static void write_check(struct preparation *preparation, size_t number, const char *challenge)
{
    const struct signer *card = &preparation->cards[number % preparation->card_count];
    struct buffer raw = {0}, signature_text = {0};
    struct statement_message message;
    struct signature signature;
    must("challenge", base64_decode(challenge, strlen(challenge), &raw));
    memcpy(preparation->statement.challenge.bytes, raw.data, CHALLENGE_LENGTH);
    statement_compose(&preparation->statement, &message);
    must("signature",
         private_key_sign(&card->key, bytes_of(message.bytes, sizeof(message.bytes)), &signature));
    must("signature", base64_encode(bytes_of(signature.bytes, signature.length), &signature_text));
    printf("{\"challenge\":\"%s\",\"certificate\":\"%.*s\",\"signature\":\"%.*s\",\"form\":\"pin\","
           "\"authenticated_by\":\"pin\",\"purpose\":\"treatment\",\"day\":\"%s\"}\n",
           challenge, (int)card->certificate.length, (const char *)card->certificate.data,
           (int)signature_text.length, (const char *)signature_text.data, preparation->day);
    buffer_free(&raw);
    buffer_free(&signature_text);
}

int main(int count, char **arguments)
{
    static struct preparation preparation;
    size_t checks = count == 4 ? strtoul(arguments[3], NULL, 10) : 0;
    if (checks == 0) {
        fprintf(stderr, "usage: prepare_checks AUTHORITY CLINIC.json CHECKS < NUMBERS > BODIES\n");
        return 2;
    }
    log_open(2, "prepare_checks", LOG_WARNING);
    read_settings(&preparation, arguments[2]);
    certify_all(&preparation, arguments[1]);
    for (size_t done = 0; done < checks;) {
        json_t *answer = fetch_challenges(&preparation);
        json_t *list = json_object_get(answer, "challenges");
        for (size_t i = 0; i < CHALLENGES_AT_ONCE && done < checks; i++, done++)
            write_check(&preparation, done, json_string_value(json_array_get(list, i)));
        json_decref(answer);
    }
    for (size_t i = 0; i < preparation.card_count; i++) {
        private_key_free(&preparation.cards[i].key);
        buffer_free(&preparation.cards[i].certificate);
    }
    http_client_free(preparation.centre);
    return 0;
}
