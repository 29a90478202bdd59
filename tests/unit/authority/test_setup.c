#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "authority/authority_sql.h"
#include "authority/setup.h"
#include "authority_fixture.h"
#include "db/catalogue.h"
#include "pki/tls.h"

static struct authority_world world;

static int create(void **state)
{
    (void)state;
    return authority_world_create(&world);
}

static int destroy(void **state)
{
    (void)state;
    return authority_world_remove(&world);
}

static const char *in_world(const char *name)
{
    static char path[192];
    snprintf(path, sizeof(path), "%s/%s", world.directory, name);
    return path;
}

static void secrets_are_for_the_owner_only(void **state)
{
    (void)state;
    static const char *const secrets[] = {
        "ca/authentication.key",
        "ca/signature.key",
        "ca/authentication-next.key",
        "ca/signature-next.key",
        "ca/machines.key",
        "ca/server.key",
        "ca/terminal.key",
        "ca/feed.key",
        "ca/sealing.key",
        "server.key",
        "issuing/surface.key",
        "operators/counter/machine.key",
        "authority.db",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(secrets); i++) {
        struct stat stat_of_file;
        assert_int_equal(stat(in_world(secrets[i]), &stat_of_file), 0);
        assert_int_equal(stat_of_file.st_mode & 0777, 0600);
    }
}

static void nothing_secret_lies_in_public(void **state)
{
    (void)state;
    static const char *const files[] = {"authentication-ca.pem", "signature-ca.pem", "machine-ca.pem",
                                        "server-ca.pem",         "feed.pem",         "sealing.pem"};
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        char name[64];
        struct buffer content = {0};
        snprintf(name, sizeof(name), "public/%s", files[i]);
        assert_int_equal(file_read(in_world(name), 65536, &content), OK);
        assert_int_equal(buffer_append(&content, bytes_of("", 1)), OK);
        assert_non_null(strstr((const char *)content.data, "-----BEGIN "));
        assert_null(strstr((const char *)content.data, "PRIVATE"));
        buffer_free(&content);
    }
}

static void operators_have_certificates_of_their_roles(void **state)
{
    (void)state;
    static const char *const roles[] = {"counter", "hotline", "registrar"};
    char ca[192];
    snprintf(ca, sizeof(ca), "%s", in_world("public/machine-ca.pem"));
    for (size_t i = 0; i < ARRAY_LENGTH(roles); i++) {
        char file[64], code[64];
        struct machine_identity identity;
        snprintf(file, sizeof(file), "operators/%s/machine.crt", roles[i]);
        snprintf(code, sizeof(code), "%s-1", roles[i]);
        assert_int_equal(machine_identity_load(in_world(file), ca, &identity), OK);
        assert_int_equal(identity.subject.kind, MACHINE_OPERATOR);
        assert_string_equal(identity.subject.code, code);
    }
}

static void a_directory_that_has_an_authority_is_left_alone(void **state)
{
    (void)state;
    struct buffer before = {0}, after = {0};
    assert_int_equal(file_read(in_world("ca/feed.key"), 65536, &before), OK);
    assert_int_equal(authority_setup(world.directory, &authority_default_settings, &world.clock), ERR_EXISTS);
    assert_int_equal(file_read(in_world("ca/feed.key"), 65536, &after), OK);
    assert_true(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
    buffer_free(&before);
    buffer_free(&after);
}

static void settings_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status expected;
    } cases[] = {
        {"{\"address\": \"127.0.0.1\", \"port\": 8440}", OK},
        {"{\"address\": \"::1\", \"port\": 0}", OK},
        {"{\"address\": \"localhost\", \"port\": 8440}", ERR_RANGE},
        {"{\"address\": \"127.0.0.1\", \"port\": 65536}", ERR_RANGE},
        {"{\"address\": \"127.0.0.1\", \"port\": -1}", ERR_RANGE},
        {"{\"address\": \"127.0.0.1\"}", ERR_MALFORMED},
        {"{\"address\": \"127.0.0.1\", \"port\": 1, \"more\": 1}", ERR_MALFORMED},
        {"{\"address\": \"127.0.0.1\", \"port\": 1, \"port\": 2}", ERR_MALFORMED},
        {"not JSON", ERR_MALFORMED},
    };
    struct authority_settings settings;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(file_write_durably(in_world("authority.json"), bytes_of_text(cases[i].text), 0644),
                         OK);
        assert_int_equal(authority_settings_load(world.directory, &settings), cases[i].expected);
    }
    assert_int_equal(file_write_durably(in_world("authority.json"), bytes_of_text(cases[0].text), 0644), OK);
    assert_int_equal(authority_settings_load(world.directory, &settings), OK);
    assert_string_equal(settings.address, "127.0.0.1");
    assert_int_equal(settings.port, 8440);
}

static void every_statement_fits_the_schema(void **state)
{
    (void)state;
    char location[200];
    struct db *db;
    snprintf(location, sizeof(location), "sqlite:%s/authority.db", world.directory);
    const struct db_options options = {.location = location, .use = DB_FOR_CHANGES};
    assert_int_equal(db_open(&options, &authority_catalogue, &db), OK);
    assert_int_equal(db_prepare_all(db), OK);
    db_close(db);
}

static void a_key_that_others_can_open_keeps_the_authority_shut(void **state)
{
    (void)state;
    struct authority *authority;
    assert_int_equal(chmod(in_world("ca/feed.key"), 0644), 0);
    assert_int_equal(authority_open(world.directory, &world.clock, &authority), ERR_DENIED);
    assert_int_equal(chmod(in_world("ca/feed.key"), 0600), 0);
    assert_int_equal(authority_open(world.directory, &world.clock, &authority), OK);
    authority_close(authority);
    assert_int_equal(authority_open("/nonexistent", &world.clock, &authority), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_for_the_owner_only),
        cmocka_unit_test(nothing_secret_lies_in_public),
        cmocka_unit_test(operators_have_certificates_of_their_roles),
        cmocka_unit_test(a_directory_that_has_an_authority_is_left_alone),
        cmocka_unit_test(settings_are_read_strictly),
        cmocka_unit_test(every_statement_fits_the_schema),
        cmocka_unit_test(a_key_that_others_can_open_keeps_the_authority_shut),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, create, destroy);
}
