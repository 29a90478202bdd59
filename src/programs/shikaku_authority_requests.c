/* What operators ask of a running shikaku-authority. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "authority/client.h"
#include "authority/words.h"
#include "programs/shikaku_authority.h"

/* Whose work it is. */
static const char counter[] = "counter";
static const char hotline[] = "hotline";
static const char registrar[] = "registrar";

static int complain_of_refusal(enum status status, const struct authority_refusal *refusal)
{
    if (status == ERR_DENIED && refusal->http_status) {
        fprintf(stderr, "shikaku-authority: refused (%s): %s\n", refusal->code[0] ? refusal->code : "unknown",
                refusal->title);
        return FAILED;
    }
    fprintf(stderr, "shikaku-authority: no answer from the authority: %s", status_name(status));
    if (refusal->hop != HTTP_HOP_NONE)
        fprintf(stderr, " (at %s)", http_hop_name(refusal->hop));
    fprintf(stderr, "; is it running?\n");
    return FAILED;
}

/* One question and its answer, which is the caller's; NULL where it failed, which was then said. */
static json_t *ask(const char *directory, const char *role, const char *path, json_t *request)
{
    struct authority_client *client;
    struct authority_refusal refusal;
    json_t *answer = NULL;
    enum status status = authority_client_open(directory, role, &client);
    if (status != OK) {
        json_decref(request);
        complain(directory, status);
        return NULL;
    }
    status = authority_client_post(client, path, request, &answer, &refusal);
    if (status != OK)
        complain_of_refusal(status, &refusal);
    authority_client_close(client);
    return answer;
}

static int discard(json_t *answer)
{
    if (!answer)
        return FAILED;
    json_decref(answer);
    return DONE;
}

/* A My Number never stands among the arguments, which everybody on the machine can read. */
static enum status read_my_number(struct my_number *out)
{
    char line[64] = {0};
    enum status status = OK;
    if (!fgets(line, sizeof(line), stdin) || my_number_parse(line, strcspn(line, "\r\n"), out) != REASON_NONE)
        status = ERR_MALFORMED;
    secret_wipe(line, sizeof(line));
    return status;
}

static char *path_in_folder(const char *folder, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static enum status make_folder(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST ? OK : status_from_errno(errno);
}

/* ---- residents and cards ---- */

static int register_one(struct authority_client *client, json_t *resident)
{
    struct authority_refusal refusal;
    json_t *answer;
    enum status status =
        authority_client_post(client, "/v1/residents", json_incref(resident), &answer, &refusal);
    json_decref(answer);
    return status == OK ? DONE : complain_of_refusal(status, &refusal);
}

static int register_all(struct authority_client *client, json_t *root)
{
    if (!json_is_array(root))
        return register_one(client, root);
    for (size_t i = 0; i < json_array_size(root); i++) {
        if (register_one(client, json_array_get(root, i)) != DONE) {
            fprintf(stderr, "shikaku-authority: entry %zu; those before it are registered\n", i + 1);
            return FAILED;
        }
    }
    return DONE;
}

int authority_resident(int count, char **arguments)
{
    (void)count;
    struct authority_client *client;
    json_error_t error;
    json_t *root = json_load_file(arguments[1], JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        fprintf(stderr, "shikaku-authority: %s: line %d is not JSON\n", arguments[1], error.line);
        return FAILED;
    }
    enum status status = authority_client_open(arguments[0], counter, &client);
    if (status != OK) {
        json_decref(root);
        return complain(arguments[0], status);
    }
    int result = register_all(client, root);
    json_decref(root);
    authority_client_close(client);
    return result;
}

int authority_show(int count, char **arguments)
{
    json_t *request;
    if (count == 2) {
        request = json_pack("{s:s}", "certificate", arguments[1]);
    } else {
        struct my_number number;
        if (read_my_number(&number) != OK)
            return complain("My Number", ERR_MALFORMED);
        struct bytes digits = my_number_secret(&number);
        request = json_pack("{s:s%}", "my_number", (const char *)digits.data, digits.length);
        my_number_wipe(&number);
    }
    json_t *answer = ask(arguments[0], counter, "/v1/residents/show", request);
    if (!answer)
        return FAILED;
    json_dumpf(answer, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(answer);
    return DONE;
}

static enum status save_issued(const char *folder, const char *name, const struct issued_certificate *issued)
{
    if (!issued->present)
        return OK;
    const struct bytes chain[] = {buffer_bytes(&issued->certificate), buffer_bytes(&issued->issuer)};
    char *path = path_in_folder(folder, name);
    enum status status = path ? certificate_save(chain, ARRAY_LENGTH(chain), path) : ERR_NO_MEMORY;
    free(path);
    return status;
}

static int renew(const char *directory, const char *folder, const struct card_order *order)
{
    struct authority_client *client;
    struct authority_refusal refusal;
    struct issued_card card;
    enum status status = make_folder(folder);
    if (status != OK)
        return complain(folder, status);
    status = authority_client_open(directory, counter, &client);
    if (status != OK)
        return complain(directory, status);
    status = authority_client_renew_card(client, order, &card, &refusal);
    authority_client_close(client);
    if (status != OK)
        return complain_of_refusal(status, &refusal);
    status = save_issued(folder, "authentication.crt", &card.authentication);
    if (status == OK)
        status = save_issued(folder, "signature.crt", &card.signature);
    issued_card_free(&card);
    return status == OK ? DONE : complain(folder, status);
}

int authority_renew(int count, char **arguments)
{
    struct card_order order = {.device = DEVICE_CARD};
    enum status status = public_key_load(arguments[2], &order.authentication_key);
    if (status == OK && count == 4)
        status = public_key_load(arguments[3], &order.signature_key);
    if (status == OK)
        status = read_my_number(&order.number);
    order.generation = order.authentication_key.kind == KEY_P384 ? GENERATION_NEXT : GENERATION_CURRENT;
    int result = status == OK ? renew(arguments[0], arguments[1], &order) : complain("renew", status);
    my_number_wipe(&order.number);
    public_key_free(&order.authentication_key);
    public_key_free(&order.signature_key);
    return result;
}

/* ---- machines, terminals, the vault ---- */

/* A new key with its request, base64. The key is the caller's. */
static enum status make_request(enum key_kind kind, struct private_key *key, json_t **out)
{
    struct buffer request = {0};
    enum status status = private_key_create(kind, key);
    if (status == OK)
        status = certificate_request_create(key, &request);
    *out = status == OK ? json_of_bytes(buffer_bytes(&request)) : NULL;
    buffer_free(&request);
    return status == OK && !*out ? ERR_NO_MEMORY : status;
}

static enum status save_key(const char *folder, const char *name, const struct private_key *key)
{
    char *path = path_in_folder(folder, name);
    enum status status = path ? private_key_save(key, path) : ERR_NO_MEMORY;
    free(path);
    return status;
}

/* What the authority answered to a request for a certificate; prints the id. */
static enum status take_certificate(json_t *answer, struct buffer *out)
{
    const char *id, *certificate;
    if (json_unpack(answer, "{s:s, s:s}", "id", &id, "certificate", &certificate) != 0)
        return ERR_MALFORMED;
    printf("%s\n", id);
    return bytes_of_json(certificate, out);
}

/* Asks for a certificate over key, and saves both. */
static int order_certificate(const char *directory, const char *path, json_t *request,
                             const struct private_key *key, const char *folder, const char *name)
{
    struct buffer certificate = {0};
    char key_name[32], certificate_name[32];
    bool terminal = key->kind == KEY_RSA_2048;
    snprintf(key_name, sizeof(key_name), "%s.key", name);
    snprintf(certificate_name, sizeof(certificate_name), terminal ? "%s.cv" : "%s.crt", name);
    enum status status = make_folder(folder);
    if (status != OK) {
        json_decref(request);
        return complain(folder, status);
    }
    json_t *answer = ask(directory, registrar, path, request);
    if (!answer)
        return FAILED;
    status = take_certificate(answer, &certificate);
    json_decref(answer);
    char *file = path_in_folder(folder, certificate_name);
    struct bytes bytes = buffer_bytes(&certificate);
    if (status == OK)
        status = save_key(folder, key_name, key);
    if (status == OK && !file)
        status = ERR_NO_MEMORY;
    if (status == OK)
        status = terminal ? file_write_durably(file, bytes, 0644) : certificate_save(&bytes, 1, file);
    free(file);
    buffer_free(&certificate);
    return status == OK ? DONE : complain(folder, status);
}

int authority_machine(int count, char **arguments)
{
    (void)count;
    struct private_key key = {0};
    json_t *request;
    enum status status = make_request(KEY_P256, &key, &request);
    int result = status == OK ? order_certificate(arguments[0], "/v1/machines",
                                                  json_pack("{s:s, s:s, s:o}", "kind", arguments[1], "code",
                                                            arguments[2], "request", request),
                                                  &key, arguments[3], "machine")
                              : complain("key", status);
    private_key_free(&key);
    return result;
}

int authority_terminal(int count, char **arguments)
{
    (void)count;
    struct private_key key = {0};
    json_t *request;
    enum status status = make_request(KEY_RSA_2048, &key, &request);
    int result =
        status == OK
            ? order_certificate(arguments[0], "/v1/terminals",
                                json_pack("{s:s, s:o}", "institution", arguments[1], "request", request),
                                &key, arguments[2], "terminal")
            : complain("key", status);
    private_key_free(&key);
    return result;
}

int authority_vault(int count, char **arguments)
{
    (void)count;
    struct public_key key = {0};
    enum status status = public_key_load(arguments[1], &key);
    if (status != OK)
        return complain(arguments[1], status);
    json_t *request = json_pack("{s:o}", "public_key", json_of_public_key(&key));
    public_key_free(&key);
    return discard(ask(arguments[0], registrar, "/v1/vault-keys", request));
}

/* ---- states ---- */

static const char *role_for(enum state_action action, const char *kind)
{
    if (strcmp(kind, "card") != 0)
        return registrar;
    return action == ACTION_SUSPEND ? hotline : counter; /* Q8 */
}

static int change_state(enum state_action action, char **arguments)
{
    json_t *request = json_pack("{s:s, s:s, s:s}", "action", state_action_name(action), "kind", arguments[1],
                                "id", arguments[2]);
    json_t *answer = ask(arguments[0], role_for(action, arguments[1]), "/v1/states", request);
    if (!answer)
        return FAILED;
    printf("%lld changed\n", (long long)json_integer_value(json_object_get(answer, "changed")));
    json_decref(answer);
    return DONE;
}

int authority_suspend(int count, char **arguments)
{
    (void)count;
    return change_state(ACTION_SUSPEND, arguments);
}

int authority_lift(int count, char **arguments)
{
    (void)count;
    return change_state(ACTION_LIFT, arguments);
}

int authority_revoke(int count, char **arguments)
{
    (void)count;
    return change_state(ACTION_REVOKE, arguments);
}
