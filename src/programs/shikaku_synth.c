#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/default_terms.h"
#include "programs/shikaku_commands.h"
#include "registry/registry.h"
#include "synth/cast.h"
#include "synth/fill.h"

/* shikaku synth: a synthetic nation in a new centre and a new authority; or the cast of one that is there. */
enum { CAST_LIMIT = 1 << 20 };

struct synth_options {
    const char *centre, *authority;
    unsigned long long people, seed;
    struct date today;
    bool cast, json;
};

/* What is open while a nation is made. */
struct opened {
    struct region region;
    struct buffer settings;
    struct authority *authority;
    struct public_key feed;
    struct db *registry;
    struct vault *vault;
};

static const char *path_in(struct region *region, const char *directory, const char *name)
{
    const char *path = region_printf(region, "%s/%s", directory, name);
    return path ? path : "";
}

static bool read_number(const char *text, unsigned long long *out)
{
    char *end;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0;
}

static bool read_option(struct synth_options *options, int option)
{
    switch (option) {
    case 'c':
        options->centre = optarg;
        return true;
    case 'a':
        options->authority = optarg;
        return true;
    case 'p':
        return read_number(optarg, &options->people);
    case 's':
        return read_number(optarg, &options->seed);
    case 't':
        return date_parse(optarg, strlen(optarg), &options->today) == OK;
    case 'C':
        options->cast = true;
        return true;
    case 'j':
        options->json = true;
        return true;
    default:
        return false;
    }
}

static bool read_options(struct synth_options *options, int count, char **arguments)
{
    static const struct option known[] = {
        {"centre", required_argument, NULL, 'c'}, {"authority", required_argument, NULL, 'a'},
        {"people", required_argument, NULL, 'p'}, {"seed", required_argument, NULL, 's'},
        {"today", required_argument, NULL, 't'},  {"cast", no_argument, NULL, 'C'},
        {"json", no_argument, NULL, 'j'},         {0},
    };
    optind = 1;
    for (int option; (option = getopt_long(count, arguments, "", known, NULL)) != -1;)
        if (!read_option(options, option))
            return false;
    if (optind != count || !options->centre)
        return false;
    return options->cast ? !options->authority : options->authority && !options->json;
}

/* ---- The cast ---- */

/* Columns that a terminal shows: most characters outside ASCII take two. */
static int width_of(const char *text)
{
    int width = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if ((*at & 0xC0) != 0x80)
            width += *at < 0x80 ? 1 : 2;
    return width;
}

static void print_padded(const char *text, int columns)
{
    int gap = columns - width_of(text);
    printf("%s%*s ", text, gap > 0 ? gap : 0, "");
}

static const char *text_in(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "―";
}

static void print_member(const json_t *member)
{
    char key[128];
    (void)snprintf(key, sizeof(key), "%s %s・%s %s", text_in(member, "insurer_number"),
                   text_in(member, "symbol"), text_in(member, "number"), text_in(member, "branch"));
    print_padded(text_in(member, "about"), 44);
    print_padded(text_in(member, "name"), 24);
    print_padded(text_in(member, "birth_date"), 10);
    print_padded(key, 36);
    print_padded(text_in(member, "pin"), 4);
    print_padded(text_in(member, "by"), 6);
    printf("%s (%s)\n", text_in(member, "reason"), text_in(member, "case"));
}

static enum exit_code print_cast(const struct synth_options *options)
{
    struct region region = {0};
    struct buffer text = {.secret = true};
    enum status status = file_read(path_in(&region, options->centre, "cast.json"), CAST_LIMIT, &text);
    json_t *cast = status == OK ? json_loadb((const char *)text.data, text.length, 0, NULL) : NULL;
    if (!cast) {
        fprintf(stderr,
                "%s には合成データの配役がありません（shikaku synth で作成してください）。\n"
                "shikaku synth: there is no cast in %s: fill it first (%s)\n",
                options->centre, options->centre, status_name(status == OK ? ERR_MALFORMED : status));
    } else if (options->json) {
        (void)fwrite(text.data, 1, text.length, stdout);
        (void)putchar('\n');
    } else {
        print_padded("場面", 44), print_padded("氏名", 24), print_padded("生年月日", 10);
        print_padded("保険者番号 記号・番号 枝番", 36), print_padded("暗証", 4), print_padded("方法", 6);
        puts("結果の理由（場面の名前）");
        size_t at;
        json_t *member;
        json_array_foreach(cast, at, member) print_member(member);
    }
    enum exit_code code = cast ? EXIT_OK : EXIT_NO;
    json_decref(cast);
    buffer_free(&text);
    region_free(&region);
    return code;
}

/* ---- The nation ---- */

/* Where the centre keeps its registry, as centre.json says. */
static enum status open_registry(struct opened *opened, const char *centre)
{
    enum { SETTINGS_LIMIT = 1 << 16 };
    enum status status =
        file_read(path_in(&opened->region, centre, "centre.json"), SETTINGS_LIMIT, &opened->settings);
    if (status != OK)
        return status;
    json_t *settings = json_loadb((const char *)opened->settings.data, opened->settings.length, 0, NULL);
    const char *database = json_string_value(json_object_get(settings, "database"));
    const char *location = database;
    if (database && strncmp(database, "sqlite:", 7) == 0 && database[7] != '/')
        location = region_printf(&opened->region, "sqlite:%s/%s", centre, database + 7);
    const struct db_options options = {.location = location, .use = DB_FOR_CHANGES};
    status = location ? registry_open(&options, &opened->registry) : ERR_MALFORMED;
    json_decref(settings);
    return status;
}

static enum status open_all(struct opened *opened, const struct synth_options *options)
{
    enum status status = open_registry(opened, options->centre);
    if (status == OK)
        status = vault_open(path_in(&opened->region, options->centre, "vault"), &real_clock, &opened->vault);
    if (status == OK)
        status =
            public_key_load(path_in(&opened->region, options->centre, "authority/feed.pem"), &opened->feed);
    return status == OK ? authority_open(options->authority, &real_clock, &opened->authority) : status;
}

static void close_all(struct opened *opened)
{
    authority_close(opened->authority);
    vault_close(opened->vault);
    db_close(opened->registry);
    public_key_free(&opened->feed);
    buffer_free(&opened->settings);
    region_free(&opened->region);
}

static const char *refusal_of(enum fill_finding finding)
{
    switch (finding) {
    case FILL_FOUND_HALF:
        return "前回の作成が途中で止まっています。センターと発行局のディレクトリを作り直してください。\n"
               "shikaku synth: an earlier run did not finish: make both directories anew";
    case FILL_FOUND_DONE:
        return "このセンターには合成データが作成済みです。\n"
               "shikaku synth: this centre is filled already";
    case FILL_FOUND_PEOPLE:
        return "このセンターは使用中です。新しいセンターが必要です。\n"
               "shikaku synth: this centre is in use: it takes a new one";
    case FILL_FOUND_RESIDENTS:
        return "この発行局はカードを発行済みです。新しい発行局が必要です。\n"
               "shikaku synth: this authority has issued cards: it takes a new one";
    case FILL_FOUND_OTHER_AUTHORITY:
        return "このセンターは別の発行局を信頼する設定です。\n"
               "shikaku synth: this centre believes another authority";
    case FILL_FOUND_EMPTY:
        break;
    }
    return NULL;
}

static enum status write_cast(struct opened *opened, const char *centre, const struct nation_plan *plan)
{
    struct buffer text = {.secret = true};
    enum status status = cast_write_json(plan, &text);
    if (status == OK)
        status = file_write_durably(path_in(&opened->region, centre, "cast.json"), buffer_bytes(&text), 0600);
    buffer_free(&text);
    return status;
}

static enum exit_code fill_both(struct opened *opened, const struct synth_options *options)
{
    const struct fill fill = {
        .plan = {.people = options->people, .seed = options->seed, .today = options->today},
        .authority = opened->authority,
        .authority_feed = &opened->feed,
        .registry = opened->registry,
        .vault = opened->vault,
        .clock = &real_clock,
        .terms_version = default_terms_version,
    };
    enum fill_finding finding;
    enum status status = fill_look(&fill, &finding);
    if (status == OK && finding != FILL_FOUND_EMPTY) {
        fprintf(stderr, "%s\n", refusal_of(finding));
        return EXIT_NO;
    }
    struct fill_counts counts = {0};
    int64_t begun = monotonic_microseconds();
    if (status == OK)
        status = write_cast(opened, options->centre, &fill.plan);
    if (status == OK)
        status = fill_run(&fill, &counts);
    if (status != OK) {
        fprintf(stderr, "作成できませんでした。/ shikaku synth: %s\n", status_name(status));
        return EXIT_NO;
    }
    double seconds = (double)(monotonic_microseconds() - begun) / MICROSECONDS;
    printf(
        "%llu 人を作成しました（%.1f 秒）。/ %llu people in %.1f s: %llu subscriptions, %llu numbers, %llu "
        "certificates, %llu enrolled.\n",
        (unsigned long long)counts.people, seconds, (unsigned long long)counts.people, seconds,
        (unsigned long long)counts.subscriptions, (unsigned long long)counts.in_vault,
        (unsigned long long)counts.certificates, (unsigned long long)counts.enrolled);
    return EXIT_OK;
}

enum exit_code shikaku_synth(const struct subcommand *command, int count, char **arguments)
{
    struct synth_options options = {
        .people = 10000, .seed = 1, .today = date_in_tokyo(clock_now(&real_clock))};
    if (!read_options(&options, count, arguments))
        return subcommand_usage(command);
    if (options.cast)
        return print_cast(&options);
    if (options.people < NATION_LEAST || options.people > MY_NUMBER_INDEX_LIMIT) {
        fprintf(stderr, "人数は %d から %u までです。/ shikaku synth: %d to %u people\n", NATION_LEAST,
                MY_NUMBER_INDEX_LIMIT, NATION_LEAST, MY_NUMBER_INDEX_LIMIT);
        return EXIT_USAGE;
    }
    struct opened opened = {0};
    enum status status = open_all(&opened, &options);
    enum exit_code code = EXIT_NO;
    if (status != OK)
        fprintf(stderr,
                "センターまたは発行局を開けません。/ shikaku synth: opening centre and authority: %s\n",
                status_name(status));
    else
        code = fill_both(&opened, &options);
    close_all(&opened);
    return code;
}
