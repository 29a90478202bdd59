#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "pki/issue.h"
#include "pki/tls.h"
#include "pki_fixture.h"

/* A centre's server certificate, two machine CAs of one name, a clinic's certificate; all in files. */
static struct scratch scratch;
static struct issuer machine_ca, older_machine_ca, centre_ca, stranger_ca;
static struct certificate_id clinic_id;

static enum status issue_machine(const struct issuer *issuer, const char *name, struct certificate_id *id)
{
    struct private_key key = {0};
    struct buffer der = {0};
    struct machine_certificate_order order = {
        .subject = {MACHINE_INSTITUTION, "0110113719"},
        .not_before = clock_now(&real_clock) - 60LL * MICROSECONDS,
        .not_after = clock_now(&real_clock) + 3600LL * MICROSECONDS,
    };
    char file[64];
    serial_create(&order.serial);
    enum status status = private_key_create(KEY_P256, &key);
    if (status == OK)
        status = public_key_of(&key, &order.key);
    if (status == OK)
        status = certificate_issue_machine(issuer, &order, &der);
    struct bytes bytes = buffer_bytes(&der);
    snprintf(file, sizeof(file), "%s.crt", name);
    if (status == OK)
        status = certificate_save(&bytes, 1, scratch_file(&scratch, file));
    snprintf(file, sizeof(file), "%s.key", name);
    if (status == OK)
        status = private_key_save(&key, scratch_file(&scratch, file));
    if (status == OK)
        status = issuer_certificate_id(issuer, &order.serial, id);
    private_key_free(&key);
    public_key_free(&order.key);
    buffer_free(&der);
    return status;
}

static enum status issue_server(void)
{
    static const char *const names[] = {"centre.example", "127.0.0.1", NULL};
    struct private_key key = {0};
    struct buffer der = {0};
    struct server_certificate_order order = {
        .names = names,
        .not_before = clock_now(&real_clock) - 60LL * MICROSECONDS,
        .not_after = clock_now(&real_clock) + 3600LL * MICROSECONDS,
    };
    serial_create(&order.serial);
    enum status status = private_key_create(KEY_P256, &key);
    if (status == OK)
        status = public_key_of(&key, &order.key);
    if (status == OK)
        status = certificate_issue_server(&centre_ca, &order, &der);
    struct bytes bytes = buffer_bytes(&der);
    if (status == OK)
        status = certificate_save(&bytes, 1, scratch_file(&scratch, "server.crt"));
    if (status == OK)
        status = private_key_save(&key, scratch_file(&scratch, "server.key"));
    private_key_free(&key);
    public_key_free(&order.key);
    buffer_free(&der);
    return status;
}

static enum status save_cas(void)
{
    struct buffer older = {0}, current = {0}, centre = {0}, stranger = {0};
    enum status status = certificate_encode(&older_machine_ca.certificate, &older);
    if (status == OK)
        status = certificate_encode(&machine_ca.certificate, &current);
    if (status == OK)
        status = certificate_encode(&centre_ca.certificate, &centre);
    if (status == OK)
        status = certificate_encode(&stranger_ca.certificate, &stranger);
    const struct bytes machines[] = {buffer_bytes(&older), buffer_bytes(&current)};
    const struct bytes server = buffer_bytes(&centre), foreign = buffer_bytes(&stranger);
    if (status == OK)
        status = certificate_save(machines, 2, scratch_file(&scratch, "machine-ca.crt"));
    if (status == OK)
        status = certificate_save(&server, 1, scratch_file(&scratch, "centre-ca.crt"));
    if (status == OK)
        status = certificate_save(&foreign, 1, scratch_file(&scratch, "stranger-ca.crt"));
    buffer_free(&older);
    buffer_free(&current);
    buffer_free(&centre);
    buffer_free(&stranger);
    return status;
}

static int make_world(void **state)
{
    (void)state;
    moment from = clock_now(&real_clock) - 3600LL * MICROSECONDS, to = from + 7200LL * MICROSECONDS;
    struct certificate_id ignored;
    scratch_create(&scratch);
    enum status status = issuer_create(ISSUER_MACHINES, KEY_P256, "Authority", from, to, &machine_ca);
    if (status == OK)
        status = issuer_create(ISSUER_MACHINES, KEY_P256, "Authority", from, to, &older_machine_ca);
    if (status == OK)
        status = issuer_create(ISSUER_CENTRE, KEY_P256, "Centre", from, to, &centre_ca);
    if (status == OK)
        status = issuer_create(ISSUER_MACHINES, KEY_P256, "Authority", from, to, &stranger_ca);
    if (status == OK)
        status = issue_machine(&machine_ca, "clinic", &clinic_id);
    if (status == OK)
        status = issue_machine(&stranger_ca, "stranger", &ignored);
    if (status == OK)
        status = issue_server();
    if (status == OK)
        status = save_cas();
    return status == OK ? 0 : -1;
}

static int free_world(void **state)
{
    (void)state;
    issuer_free(&machine_ca);
    issuer_free(&older_machine_ca);
    issuer_free(&centre_ca);
    issuer_free(&stranger_ca);
    scratch_remove(&scratch);
    return 0;
}

static SSL_CTX *server_context(enum tls_client_certificate client)
{
    const struct tls_server_settings settings = {
        .certificate_file = scratch_file(&scratch, "server.crt"),
        .key_file = scratch_file(&scratch, "server.key"),
        .client = client,
        .client_ca_file = scratch_file(&scratch, "machine-ca.crt"),
    };
    SSL_CTX *context;
    assert_int_equal(tls_server_context(&settings, &context), OK);
    return context;
}

static SSL_CTX *client_context(const char *certificate, const char *key)
{
    const struct tls_client_settings settings = {
        .server_ca_file = scratch_file(&scratch, "centre-ca.crt"),
        .certificate_file = certificate ? scratch_file(&scratch, certificate) : NULL,
        .key_file = key ? scratch_file(&scratch, key) : NULL,
    };
    SSL_CTX *context;
    assert_int_equal(tls_client_context(&settings, &context), OK);
    return context;
}

struct connection {
    SSL *server;
    SSL *client;
};

/* Both ends in memory; a byte goes each way, so that tickets and alerts have arrived. */
static bool connect_them(SSL_CTX *server, SSL_CTX *client, const char *name, SSL_SESSION *session,
                         struct connection *out)
{
    BIO *to_client, *to_server;
    out->server = SSL_new(server);
    out->client = SSL_new(client);
    assert_int_equal(BIO_new_bio_pair(&to_client, 0, &to_server, 0), 1);
    SSL_set_bio(out->server, to_client, to_client);
    SSL_set_bio(out->client, to_server, to_server);
    SSL_set_accept_state(out->server);
    SSL_set_connect_state(out->client);
    assert_int_equal(tls_expect_server(out->client, name), OK);
    if (session)
        assert_int_equal(SSL_set_session(out->client, session), 1);
    for (int i = 0; i < 20; i++) {
        SSL_do_handshake(out->client);
        SSL_do_handshake(out->server);
    }
    char byte = 'x';
    bool through = SSL_write(out->server, &byte, 1) == 1 && SSL_read(out->client, &byte, 1) == 1 &&
                   SSL_write(out->client, &byte, 1) == 1 && SSL_read(out->server, &byte, 1) == 1;
    ERR_clear_error();
    return through;
}

static void disconnect(struct connection *connection)
{
    SSL_shutdown(connection->client);
    SSL_free(connection->server);
    SSL_free(connection->client);
}

static void assert_is_the_clinic(const struct machine_identity *identity)
{
    assert_int_equal(identity->subject.kind, MACHINE_INSTITUTION);
    assert_string_equal(identity->subject.code, "0110113719");
    assert_true(certificate_id_equal(&identity->id, &clinic_id));
}

static void the_server_knows_who_called(void **state)
{
    (void)state;
    SSL_CTX *server = server_context(TLS_CLIENT_REQUIRED),
            *client = client_context("clinic.crt", "clinic.key");
    struct connection connection;
    struct machine_identity identity, own;
    assert_true(connect_them(server, client, "centre.example", NULL, &connection));
    assert_int_equal(tls_peer_identity(connection.server, &identity), OK);
    assert_is_the_clinic(&identity);
    assert_int_equal(machine_identity_load(scratch_file(&scratch, "clinic.crt"),
                                           scratch_file(&scratch, "machine-ca.crt"), &own),
                     OK);
    assert_is_the_clinic(&own);
    assert_true(sha256_equal(&own.fingerprint, &identity.fingerprint));
    assert_string_equal(SSL_get_version(connection.server), "TLSv1.3");
    disconnect(&connection);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

/* The chain is not kept with a session: a resumed connection must still know its caller. */
static void the_server_knows_who_resumed_a_session(void **state)
{
    (void)state;
    SSL_CTX *server = server_context(TLS_CLIENT_REQUIRED),
            *client = client_context("clinic.crt", "clinic.key");
    struct connection first, second;
    struct machine_identity identity;
    assert_true(connect_them(server, client, "centre.example", NULL, &first));
    SSL_SESSION *session = SSL_get1_session(first.client);
    disconnect(&first);
    assert_true(connect_them(server, client, "centre.example", session, &second));
    assert_int_equal(SSL_session_reused(second.server), 1);
    assert_int_equal(tls_peer_identity(second.server, &identity), OK);
    assert_is_the_clinic(&identity);
    SSL_SESSION_free(session);
    disconnect(&second);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

static void a_caller_without_a_certificate_is_nobody(void **state)
{
    (void)state;
    SSL_CTX *required = server_context(TLS_CLIENT_REQUIRED), *optional = server_context(TLS_CLIENT_OPTIONAL);
    SSL_CTX *client = client_context(NULL, NULL);
    struct connection connection;
    struct machine_identity identity;
    assert_false(connect_them(required, client, "centre.example", NULL, &connection));
    disconnect(&connection);
    assert_true(connect_them(optional, client, "centre.example", NULL, &connection));
    assert_int_equal(tls_peer_identity(connection.server, &identity), ERR_NOT_FOUND);
    disconnect(&connection);
    SSL_CTX_free(required);
    SSL_CTX_free(optional);
    SSL_CTX_free(client);
}

static void a_certificate_by_a_stranger_of_the_same_name_is_refused(void **state)
{
    (void)state;
    SSL_CTX *server = server_context(TLS_CLIENT_OPTIONAL),
            *client = client_context("stranger.crt", "stranger.key");
    struct connection connection;
    struct machine_identity identity;
    assert_false(connect_them(server, client, "centre.example", NULL, &connection));
    disconnect(&connection);
    assert_int_equal(machine_identity_load(scratch_file(&scratch, "stranger.crt"),
                                           scratch_file(&scratch, "machine-ca.crt"), &identity),
                     ERR_DENIED);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

static void the_client_insists_on_the_servers_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool accepted;
    } cases[] = {
        {"centre.example", true}, {"127.0.0.1", true}, {"other.example", false}, {"127.0.0.2", false}};
    SSL_CTX *server = server_context(TLS_CLIENT_NONE), *client = client_context(NULL, NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct connection connection;
        assert_int_equal(connect_them(server, client, cases[i].name, NULL, &connection), cases[i].accepted);
        disconnect(&connection);
    }
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

static void the_client_believes_only_its_own_authority(void **state)
{
    (void)state;
    const struct tls_client_settings settings = {.server_ca_file = scratch_file(&scratch, "stranger-ca.crt")};
    SSL_CTX *server = server_context(TLS_CLIENT_NONE), *client;
    struct connection connection;
    assert_int_equal(tls_client_context(&settings, &client), OK);
    assert_false(connect_them(server, client, "centre.example", NULL, &connection));
    disconnect(&connection);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

static void versions_before_1_2_are_refused(void **state)
{
    (void)state;
    static const struct {
        int version;
        bool accepted;
    } cases[] = {{TLS1_3_VERSION, true}, {TLS1_2_VERSION, true}, {TLS1_1_VERSION, false}};
    SSL_CTX *server = server_context(TLS_CLIENT_REQUIRED);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        SSL_CTX *client = client_context("clinic.crt", "clinic.key");
        struct connection connection;
        SSL_CTX_set_security_level(client, 0);
        assert_int_equal(SSL_CTX_set_min_proto_version(client, cases[i].version), 1);
        assert_int_equal(SSL_CTX_set_max_proto_version(client, cases[i].version), 1);
        assert_int_equal(connect_them(server, client, "centre.example", NULL, &connection),
                         cases[i].accepted);
        disconnect(&connection);
        SSL_CTX_free(client);
    }
    SSL_CTX_free(server);
}

static void bad_files_are_told_apart(void **state)
{
    (void)state;
    scratch_write(&scratch, "text.pem", bytes_of_text("no certificate"), 0644);
    assert_int_equal(private_key_save(&machine_ca.key, scratch_file(&scratch, "open.key")), OK);
    assert_int_equal(chmod(scratch_file(&scratch, "open.key"), 0644), 0);
    static const struct {
        const char *certificate, *key, *ca;
        enum status expected;
    } cases[] = {
        {"none.crt", "server.key", "machine-ca.crt", ERR_NOT_FOUND},
        {"server.crt", "none.key", "machine-ca.crt", ERR_NOT_FOUND},
        {"server.crt", "server.key", "none.crt", ERR_NOT_FOUND},
        {"text.pem", "server.key", "machine-ca.crt", ERR_MALFORMED},
        {"server.crt", "server.key", "text.pem", ERR_MALFORMED},
        {"server.crt", "clinic.key", "machine-ca.crt", ERR_DAMAGED},
        {"server.crt", "open.key", "machine-ca.crt", ERR_DENIED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const struct tls_server_settings settings = {
            .certificate_file = scratch_file(&scratch, cases[i].certificate),
            .key_file = scratch_file(&scratch, cases[i].key),
            .client = TLS_CLIENT_REQUIRED,
            .client_ca_file = scratch_file(&scratch, cases[i].ca),
        };
        SSL_CTX *context;
        assert_int_equal(tls_server_context(&settings, &context), cases[i].expected);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_knows_who_called),
        cmocka_unit_test(the_server_knows_who_resumed_a_session),
        cmocka_unit_test(a_caller_without_a_certificate_is_nobody),
        cmocka_unit_test(a_certificate_by_a_stranger_of_the_same_name_is_refused),
        cmocka_unit_test(the_client_insists_on_the_servers_name),
        cmocka_unit_test(the_client_believes_only_its_own_authority),
        cmocka_unit_test(versions_before_1_2_are_refused),
        cmocka_unit_test(bad_files_are_told_apart),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_world, free_world);
}
