#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "authority/client.h"
#include "base/random.h"
#include "card/portrait.h"
#include "card/surface_content.h"
#include "domain/card_certificate.h"
#include "domain/person.h"
#include "programs/secret_prompt.h"
#include "programs/shikaku_card.h"

/*
 * issue and renew: the municipal counter makes a card for a resident of the demonstration's authority. The
 * keys are made in the card; the authority certifies them; what it knows of the resident is printed.
 */

enum { FILE_LIMIT = 1 << 20, ADULT_FOR_SIGNATURES = 15 };

/* Everything that is gathered until the card can be written. */
struct issue {
    const struct card_options *options;
    struct card_place place;
    struct my_number number;
    char number_text[13];
    char pins[4][SECRET_SIZE];
    struct authority_client *client;
    struct client_resident resident;
    struct buffer printed_name;
    struct private_key signer_key;
    struct buffer face;
    char security_code[5];
    enum card_form form;
    enum chip_generation generation;
    struct virtual_card *card;
    struct issued_card issued;
    struct personalisation what;
};

static bool wants_signature(const struct issue *issue)
{
    if (issue->options->without_pin)
        return false;
    /* 署名用: not issued under 15 */
    return issue->form != CARD_FORM_CARD ||
           date_age_in_law(issue->resident.birth, date_in_tokyo(clock_now(&real_clock))) >=
               ADULT_FOR_SIGNATURES;
}

/* ---- What is asked for ---- */

static enum status read_number(struct my_number *out)
{
    char text[SECRET_SIZE];
    enum status status = secret_prompt("個人番号 / My Number", text);
    if (status == OK && my_number_parse(text, strlen(text), out) != REASON_NONE)
        status = ERR_RANGE;
    if (status != OK)
        card_say("個人番号が正しくありません。", "This is no My Number.");
    secret_wipe(text, sizeof text);
    return status;
}

static enum status ask_number(struct issue *issue)
{
    return read_number(&issue->number);
}

static enum status ask_pins(struct issue *issue)
{
    static const char *const prompts[] = {
        "利用者証明用の暗証番号（数字4桁） / authentication PIN, 4 digits",
        "署名用の暗証番号（英数字6～16文字） / signature password, 6-16 letters and digits",
        "券面事項入力補助用の暗証番号（数字4桁） / surface PIN, 4 digits",
        "住民基本台帳用の暗証番号（数字4桁） / resident PIN, 4 digits",
    };
    bool surface = issue->form == CARD_FORM_CARD && issue->generation == CARD_GENERATION_RSA;
    const bool wanted[] = {true, wants_signature(issue), surface, surface};
    enum status status = OK;
    for (size_t i = 0; i < ARRAY_LENGTH(prompts) && status == OK && !issue->options->without_pin; i++)
        if (wanted[i])
            status = secret_prompt(prompts[i], issue->pins[i]);
    if (status != OK)
        card_say("暗証番号が入力されませんでした。", "A PIN is missing.");
    return status;
}

static enum status choose_form(struct issue *issue)
{
    const char *phone = issue->options->phone;
    issue->generation = issue->options->next_generation ? CARD_GENERATION_P384 : CARD_GENERATION_RSA;
    issue->form = CARD_FORM_CARD;
    if (!phone)
        return OK;
    if (strcmp(phone, "android") != 0 && strcmp(phone, "iphone") != 0) {
        card_say("--phone は android か iphone です。", "--phone takes android or iphone.");
        return ERR_RANGE;
    }
    issue->form = strcmp(phone, "android") == 0 ? CARD_FORM_ANDROID : CARD_FORM_IPHONE;
    return OK;
}

/* ---- What the authority knows ---- */

static enum status say_refusal(enum status status, const struct authority_refusal *refusal)
{
    if (status == ERR_DENIED) {
        card_say("認証局が発行を断りました。", "The authority refused.");
        fprintf(stderr, "(%s: %s)\n", refusal->code, refusal->title);
    } else if (status != OK) {
        card_say("認証局に接続できませんでした。", "The authority could not be asked.");
        fprintf(stderr, "(%s, %s)\n", status_name(status), http_hop_name(refusal->hop));
    }
    return status;
}

static enum status meet_resident(struct issue *issue)
{
    struct authority_refusal refusal = {0};
    enum status status = authority_client_open(issue->options->authority, "counter", &issue->client);
    if (status != OK) {
        card_say("認証局の設定を読むことができませんでした。", "The authority's settings could not be read.");
        return status;
    }
    status = authority_client_find_resident(issue->client, &issue->number, &issue->resident, &refusal);
    return say_refusal(status, &refusal);
}

static enum status load_certificate(const char *directory, const char *name, struct terminal_certificate *out)
{
    char path[PATH_MAX];
    struct buffer file = {0};
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
        return ERR_TOO_LARGE;
    enum status status = file_read(path, FILE_LIMIT, &file);
    if (status == OK)
        status = terminal_certificate_parse(buffer_bytes(&file), out);
    buffer_free(&file);
    return status;
}

static enum status load_signer(struct issue *issue)
{
    char path[PATH_MAX];
    const char *directory = issue->options->authority;
    if (snprintf(path, sizeof path, "%s/issuing/surface.key", directory) >= (int)sizeof path)
        return ERR_TOO_LARGE;
    enum status status = private_key_load(path, &issue->signer_key);
    if (status == OK)
        status = load_certificate(directory, "issuing/surface.cv", &issue->what.surface.certificate);
    if (status == OK)
        status = load_certificate(directory, "public/terminal-ca.cv", &issue->what.terminal_ca);
    if (status != OK)
        card_say("券面に署名する鍵を読むことができませんでした。",
                 "The key that signs what is printed could not be read.");
    issue->what.surface.key = &issue->signer_key;
    return status;
}

/* ---- What is printed ---- */

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

/* Family and given name stand apart by U+3000 unless the name is in Latin letters; the alias (通称) in
 * brackets. */
static enum status print_name(const struct client_resident *resident, struct buffer *out)
{
    bool latin = is_ascii(resident->name);
    enum status status = OK;
    for (const char *c = resident->name; *c && status == OK; c++)
        status = *c == ' ' && !latin ? buffer_append_text(out, "　") : buffer_append(out, bytes_of(c, 1));
    if (status == OK && resident->alias[0] != '\0')
        status = buffer_printf(out, "（%s）", resident->alias);
    return status == OK ? buffer_append(out, bytes_of("", 1)) : status;
}

static enum status choose_face(struct issue *issue)
{
    const char *photo = issue->options->photo;
    issue->face.secret = true;
    if (!photo)
        return OK;
    enum status status = portrait_from_png(photo, &issue->face);
    if (status != OK)
        card_say("写真は PNG ファイルで指定してください。", "The photograph must be a PNG file.");
    return status;
}

static void choose_security_code(char out[5])
{
    uint32_t random = 0;
    random_fill(&random, sizeof random);
    snprintf(out, 5, "%04u", random % 10000);
}

static enum status compose(struct issue *issue)
{
    struct personalisation *what = &issue->what;
    const struct client_resident *resident = &issue->resident;
    struct date today = date_in_tokyo(clock_now(&real_clock));
    enum status status = print_name(resident, &issue->printed_name);
    if (status == OK)
        status = choose_face(issue);
    if (status != OK)
        return status;
    choose_security_code(issue->security_code);
    memcpy(issue->number_text, my_number_secret(&issue->number).data, sizeof issue->number_text - 1);
    what->holder = (struct card_holder){
        .my_number = issue->number_text,
        .name = (const char *)issue->printed_name.data,
        .address = resident->address,
        .birth = resident->birth,
        .sex = (uint8_t)sex_on_card(resident->sex),
        .municipality = resident->municipality.digits,
    };
    what->pins = (struct card_pins){
        .authentication = issue->pins[0],
        .signature_password = wants_signature(issue) ? issue->pins[1] : NULL,
        .surface_input = issue->pins[2],
        .resident = issue->pins[3],
    };
    what->expiry = card_last_day(today, today, resident->birth);
    what->security_code = issue->security_code;
    what->without_pin = issue->options->without_pin;
    what->without_photo = !resident->has_photo;
    what->face = buffer_bytes(&issue->face);
    return OK;
}

/* ---- Making the card ---- */

static enum status make_folders(const struct issue *issue)
{
    char keys[PATH_MAX];
    if (snprintf(keys, sizeof keys, "%s/keys", issue->options->cards) >= (int)sizeof keys)
        return ERR_TOO_LARGE;
    const char *const folders[] = {issue->options->cards, keys};
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++)
        if (mkdir(folders[i], 0700) != 0 && errno != EEXIST)
            return status_from_errno(errno);
    return OK;
}

static enum status manufacture(struct issue *issue)
{
    const struct card_location where = card_location_of(&issue->place);
    enum status status = make_folders(issue);
    if (status == OK)
        status = virtual_card_manufacture(issue->generation, issue->form, &where, &issue->card);
    if (status == ERR_EXISTS)
        card_say("この名前のカードは既にあります。", "There is a card of this name already.");
    else if (status != OK)
        card_say("カードを作ることができませんでした。", "The card could not be made.");
    return status;
}

/* Before the authority certifies anything: what it did would have to be revoked. */
static enum status look_ahead(struct issue *issue)
{
    enum status status = virtual_card_may_be_personalised(issue->card, &issue->what);
    if (status == ERR_UNSUPPORTED)
        card_say("氏名又は住所に、印字できない文字があります。",
                 "The name or the address has a character that cannot be printed.");
    else if (status == ERR_RANGE)
        card_say("暗証番号の形式が正しくありません。", "A PIN is not of the right form.");
    else if (status == ERR_TOO_LARGE)
        card_say("氏名、住所又は写真が大きすぎます。",
                 "The name, the address or the photograph is too large.");
    else if (status != OK)
        card_say("このカードは発行できません。", "This card cannot be issued.");
    return status;
}

/* Of a card's public keys: those it has, or those it made for a renewal. */
typedef enum status give_key(const struct virtual_card *card, enum card_key which, struct buffer *out);

static enum status take_key(const struct virtual_card *card, give_key *give, enum card_key which,
                            struct public_key *out)
{
    struct buffer der = {0};
    enum status status = give(card, which, &der);
    if (status == OK)
        status = public_key_decode(buffer_bytes(&der), out);
    buffer_free(&der);
    return status;
}

static enum status order_certificates(struct issue *issue)
{
    struct authority_refusal refusal = {0};
    struct card_order order = {
        .number = issue->number,
        .generation = issue->generation == CARD_GENERATION_P384 ? GENERATION_NEXT : GENERATION_CURRENT,
        .device = issue->form == CARD_FORM_CARD ? DEVICE_CARD : DEVICE_PHONE,
    };
    enum status status =
        take_key(issue->card, virtual_card_public_key, CARD_KEY_AUTHENTICATION, &order.authentication_key);
    if (status == OK && wants_signature(issue))
        status = take_key(issue->card, virtual_card_public_key, CARD_KEY_SIGNATURE, &order.signature_key);
    if (status == OK)
        status = say_refusal(authority_client_issue_card(issue->client, &order, &issue->issued, &refusal),
                             &refusal);
    public_key_free(&order.authentication_key);
    public_key_free(&order.signature_key);
    my_number_wipe(&order.number);
    return status;
}

static struct card_certificate pair_of(const struct issued_certificate *issued)
{
    return (struct card_certificate){.certificate = buffer_bytes(&issued->certificate),
                                     .issuer = buffer_bytes(&issued->issuer)};
}

static enum status personalise(struct issue *issue)
{
    issue->what.authentication = pair_of(&issue->issued.authentication);
    issue->what.signature = pair_of(&issue->issued.signature);
    enum status status = virtual_card_personalise(issue->card, &issue->what);
    if (status != OK) {
        card_say("カードへの書き込みに失敗しました。電子証明書を失効させてください。",
                 "Writing the card failed. Revoke its certificates.");
        fprintf(stderr, "(%s)\n", status_name(status));
    }
    return status;
}

/* ---- Telling ---- */

/* What stands on the front; a camera reads it. Nothing that only the chip knows, and not the My Number. */
static json_t *front_of(const struct issue *issue)
{
    char code_b[SURFACE_CODE_LIMIT];
    char birth[11];
    char expiry[11];
    const struct personalisation *what = &issue->what;
    const struct surface_content content = {
        .what = what, .edition = issue->generation == CARD_GENERATION_P384 ? SURFACE_COMING : SURFACE_TODAY};
    if (issue->form != CARD_FORM_CARD)
        return json_object();
    surface_code_b(&content, code_b);
    date_format(what->holder.birth, birth);
    date_format(what->expiry, expiry);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", what->holder.name, "address",
                     what->holder.address, "birth", birth, "expiry", expiry, "security_code",
                     what->security_code, "code_b", code_b);
}

static void print_text(const json_t *front)
{
    static const char *const names[][2] = {
        {"name", "氏名 / name"},
        {"address", "住所 / address"},
        {"birth", "生年月日 / birth"},
        {"expiry", "有効期限 / expiry"},
        {"security_code", "セキュリティコード / security code"},
        {"code_b", "照合番号B / code B"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        const char *value = json_string_value(json_object_get(front, names[i][0]));
        if (value)
            printf("%s: %s\n", names[i][1], value);
    }
}

static void tell(const struct issue *issue)
{
    json_t *front = front_of(issue);
    if (front && issue->options->json) {
        (void)json_dumpf(front, stdout, JSON_INDENT(2));
        putchar('\n');
    } else if (front) {
        print_text(front);
    }
    json_decref(front);
}

/* ---- The whole way ---- */

static enum status issue_card(struct issue *issue)
{
    static enum status (*const steps[])(struct issue *) = {
        choose_form, ask_number,  meet_resident, ask_pins,           load_signer,
        compose,     manufacture, look_ahead,    order_certificates, personalise,
    };
    enum status status = OK;
    for (size_t i = 0; i < ARRAY_LENGTH(steps) && status == OK; i++)
        status = steps[i](issue);
    return status;
}

/* A card that was begun and not finished is no card. */
static void throw_away(struct issue *issue)
{
    virtual_card_free(issue->card);
    if (!issue->card)
        return;
    issue->card = NULL;
    card_place_remove(&issue->place);
}

static void forget(struct issue *issue)
{
    virtual_card_free(issue->card);
    authority_client_close(issue->client);
    authority_client_resident_free(&issue->resident);
    issued_card_free(&issue->issued);
    private_key_free(&issue->signer_key);
    buffer_free(&issue->face);
    buffer_free(&issue->printed_name);
    secret_wipe(issue, sizeof *issue);
}

enum card_exit card_issue(const struct card_options *options)
{
    struct issue issue = {.options = options};
    if (!options->authority) {
        card_say("--authority で認証局のディレクトリを指定してください。",
                 "Name the authority's directory with --authority.");
        return CARD_EXIT_USAGE;
    }
    if (card_place_of(options, &issue.place) != OK)
        return CARD_EXIT_USAGE;
    enum status status = issue_card(&issue);
    if (status == OK)
        tell(&issue);
    else
        throw_away(&issue);
    forget(&issue);
    return status == OK ? CARD_EXIT_OK : CARD_EXIT_NO;
}

/* ---- Renewal ---- */

/* The number is that of the card's back; that it is this card's is what code A tells. */
static enum status prove_number(struct virtual_card *card, const struct my_number *number)
{
    char text[13] = "";
    memcpy(text, my_number_secret(number).data, 12);
    bool fits = card_select(card, CARD_SURFACE_INPUT) == SW_OK &&
                card_present_pin(card, INS_VERIFY, SURFACE_INPUT_CODE_A, text) == SW_OK;
    secret_wipe(text, sizeof text);
    if (!fits)
        card_say("個人番号がこのカードのものではありません。", "The My Number is not this card's.");
    return fits ? OK : ERR_DENIED;
}

static enum status order_renewal(struct virtual_card *card, const struct my_number *number,
                                 const struct card_options *options, struct issued_card *out)
{
    struct authority_client *client = NULL;
    struct authority_refusal refusal = {0};
    bool coming = virtual_card_generation(card) == CARD_GENERATION_P384;
    struct card_order order = {.number = *number,
                               .generation = coming ? GENERATION_NEXT : GENERATION_CURRENT,
                               .device = DEVICE_CARD};
    enum status status =
        take_key(card, virtual_card_renewed_public_key, CARD_KEY_AUTHENTICATION, &order.authentication_key);
    if (status == OK && virtual_card_tries_left(card, CARD_PIN_SIGNATURE) >= 0)
        status = take_key(card, virtual_card_renewed_public_key, CARD_KEY_SIGNATURE, &order.signature_key);
    if (status == OK)
        status = authority_client_open(options->authority, "counter", &client);
    if (status == OK)
        status = authority_client_renew_card(client, &order, out, &refusal);
    authority_client_close(client);
    public_key_free(&order.authentication_key);
    public_key_free(&order.signature_key);
    my_number_wipe(&order.number);
    return say_refusal(status, &refusal);
}

static enum status renew(struct virtual_card *card, const struct my_number *number,
                         const struct card_options *options)
{
    struct issued_card issued = {0};
    enum status status = prove_number(card, number);
    if (status == OK)
        status = virtual_card_renew_keys(card);
    if (status == OK)
        status = order_renewal(card, number, options, &issued);
    if (status == OK) {
        const struct card_certificate authentication = pair_of(&issued.authentication);
        const struct card_certificate signature = pair_of(&issued.signature);
        status = virtual_card_renew_certificates(card, &authentication, &signature);
        if (status != OK)
            card_say("カードへの書き込みに失敗しました。もう一度更新してください。",
                     "Writing the card failed. Renew it again.");
    }
    issued_card_free(&issued);
    return status;
}

enum card_exit card_renew(const struct card_options *options)
{
    struct my_number number = {0};
    if (!options->authority) {
        card_say("--authority で認証局のディレクトリを指定してください。",
                 "Name the authority's directory with --authority.");
        return CARD_EXIT_USAGE;
    }
    struct virtual_card *card = card_open_living(options);
    if (!card)
        return CARD_EXIT_NO;
    enum status status = ERR_UNSUPPORTED;
    if (virtual_card_form(card) != CARD_FORM_CARD)
        card_say("スマートフォンの電子証明書は更新できません。改めて発行してください。",
                 "A phone's certificates are not renewed. Issue them again.");
    else if ((status = read_number(&number)) == OK)
        status = renew(card, &number, options);
    my_number_wipe(&number);
    virtual_card_free(card);
    return status == OK ? CARD_EXIT_OK : CARD_EXIT_NO;
}
