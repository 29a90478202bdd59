#include "http/client.h"

#include <curl/curl.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/clock.h"

enum {
    CONNECT_TIME = 5000,
    DEADLINE = 30000,
    POLL_TIME = 1000, /* upper bound only: cancelling wakes the poll */
    HEADER_LIMIT = 65536,
};
#define RESPONSE_LIMIT ((size_t)1 << 20)

struct http_client {
    CURLM *multi; /* owned; keeps the connection */
    CURL *easy;   /* owned */
    char *base_url;
    struct curl_slist *addresses; /* owned; of a client that is prepared */
    atomic_bool cancelled;
    char error[CURL_ERROR_SIZE];
    /* Of the running call. */
    struct http_reply *reply;
    size_t response_limit;
    bool with_headers;
    enum http_hop reached; /* as far as libcurl has said */
    enum status taken;     /* why a callback stopped the call */
};

const char *http_hop_name(enum http_hop hop)
{
    static const char *const names[] = {"none", "resolve", "connect", "tls", "http"};
    return hop <= HTTP_HOP_HTTP ? names[hop] : "none";
}

static size_t on_body(char *at, size_t size, size_t count, void *argument)
{
    struct http_client *client = argument;
    size_t length = size * count;
    if (length > client->response_limit - client->reply->body.length)
        client->taken = ERR_TOO_LARGE;
    else
        client->taken = buffer_append(&client->reply->body, bytes_of(at, length));
    return client->taken == OK ? length : 0;
}

static void note_content_type(struct http_reply *reply, struct bytes line)
{
    static const char name[] = "Content-Type:";
    size_t skip = sizeof name - 1;
    if (line.length <= skip || strncasecmp((const char *)line.data, name, skip) != 0)
        return;
    while (skip < line.length && line.data[skip] == ' ')
        skip++;
    struct bytes value = bytes_from(line, skip);
    while (value.length && value.data[value.length - 1] <= ' ')
        value.length--;
    size_t length = value.length < sizeof reply->content_type ? value.length : sizeof reply->content_type - 1;
    if (length)
        memcpy(reply->content_type, value.data, length);
    reply->content_type[length] = '\0';
}

static size_t on_header(char *at, size_t size, size_t count, void *argument)
{
    struct http_client *client = argument;
    struct bytes line = bytes_of(at, size * count);
    if (line.length >= 5 && memcmp(line.data, "HTTP/", 5) == 0) {
        buffer_clear(&client->reply->headers); /* what an interim response said */
        return line.length;
    }
    note_content_type(client->reply, line);
    if (client->with_headers) {
        client->taken = line.length > HEADER_LIMIT - client->reply->headers.length
                            ? ERR_TOO_LARGE
                            : buffer_append(&client->reply->headers, line);
    }
    return client->taken == OK ? line.length : 0;
}

static CURLcode on_tls_begun(CURL *easy, void *context, void *argument)
{
    struct http_client *client = argument;
    (void)easy, (void)context;
    client->reached = HTTP_HOP_TLS;
    return CURLE_OK;
}

static int on_ready(void *argument, char *to, char *from, int to_port, int from_port)
{
    struct http_client *client = argument;
    (void)to, (void)from, (void)to_port, (void)from_port;
    client->reached = HTTP_HOP_HTTP;
    return CURL_PREREQFUNC_OK;
}

static void set_constant_options(struct http_client *client, const struct http_client_settings *settings)
{
    CURL *easy = client->easy;
    bool tls = strncmp(settings->base_url, "https:", 6) == 0;
    long connect_time = settings->connect_time ? (long)settings->connect_time : CONNECT_TIME;
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_time);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* the system's CAs say nothing here */
    if (!settings->prepare) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file);
        curl_easy_setopt(easy, CURLOPT_SSLCERT, settings->certificate_file);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, settings->key_file);
    }
    /* A session would be resumed with the certificate that it was made with, replaced or not. */
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, client);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls_begun);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, client);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_ready);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, client);
}

static enum status give_file(CURL *easy, CURLoption option, const char *path)
{
    enum { FILE_LIMIT = 1 << 20 };
    if (!path)
        return OK;
    struct buffer content = {.secret = true};
    enum status status = file_read(path, FILE_LIMIT, &content);
    struct curl_blob blob = {.data = content.data, .len = content.length, .flags = CURL_BLOB_COPY};
    if (status == OK && curl_easy_setopt(easy, option, &blob) != CURLE_OK)
        status = ERR_NO_MEMORY;
    buffer_free(&content);
    return status;
}

/* "+host:port:address": the entry does not age. */
static enum status give_address(struct http_client *client, const char *host, const char *port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    char address[64];
    struct buffer entry = {0};
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return ERR_NOT_FOUND;
    bool named = getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address), NULL, 0,
                             NI_NUMERICHOST) == 0;
    freeaddrinfo(found);
    enum status status = named ? buffer_printf(&entry, "%s:%s:%s", host, port, address) : ERR_NOT_FOUND;
    if (status == OK)
        status = buffer_append(&entry, bytes_of("", 1));
    client->addresses = status == OK ? curl_slist_append(NULL, (const char *)entry.data) : NULL;
    buffer_free(&entry);
    if (status == OK && !client->addresses)
        status = ERR_NO_MEMORY;
    if (status == OK)
        curl_easy_setopt(client->easy, CURLOPT_RESOLVE, client->addresses);
    return status;
}

static enum status look_up(struct http_client *client)
{
    char *host = NULL, *port = NULL;
    CURLU *url = curl_url();
    enum status status = url ? OK : ERR_NO_MEMORY;
    if (status == OK && (curl_url_set(url, CURLUPART_URL, client->base_url, 0) != CURLUE_OK ||
                         curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
                         curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK))
        status = ERR_MALFORMED;
    if (status == OK)
        status = give_address(client, host, port);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
    return status;
}

static enum status prepare(struct http_client *client, const struct http_client_settings *settings)
{
    if (!settings->prepare)
        return OK;
    enum status status = give_file(client->easy, CURLOPT_CAINFO_BLOB, settings->ca_file);
    if (status == OK)
        status = give_file(client->easy, CURLOPT_SSLCERT_BLOB, settings->certificate_file);
    if (status == OK)
        status = give_file(client->easy, CURLOPT_SSLKEY_BLOB, settings->key_file);
    return status == OK ? look_up(client) : status;
}

/* Everything that libcurl would otherwise find out at the first call. */
static enum status check_files(const struct http_client_settings *settings)
{
    bool tls = strncmp(settings->base_url, "https://", 8) == 0;
    if (!tls && strncmp(settings->base_url, "http://", 7) != 0)
        return ERR_MALFORMED;
    if (tls && !settings->ca_file)
        return ERR_NOT_FOUND;
    if (!tls)
        return OK;
    SSL_CTX *context;
    struct tls_client_settings files = {settings->ca_file, settings->certificate_file, settings->key_file};
    enum status status = tls_client_context(&files, &context);
    if (status == OK)
        SSL_CTX_free(context);
    return status;
}

enum status http_client_new(const struct http_client_settings *settings, struct http_client **out)
{
    *out = NULL;
    enum status status = check_files(settings);
    if (status != OK)
        return status;
    struct http_client *client = calloc(1, sizeof *client);
    if (!client)
        return ERR_NO_MEMORY;
    atomic_init(&client->cancelled, false);
    client->multi = curl_multi_init();
    client->easy = curl_easy_init();
    client->base_url = strdup(settings->base_url);
    if (!client->multi || !client->easy || !client->base_url) {
        http_client_free(client);
        return ERR_NO_MEMORY;
    }
    set_constant_options(client, settings);
    status = prepare(client, settings);
    if (status != OK) {
        http_client_free(client);
        return status;
    }
    *out = client;
    return OK;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->easy);
    curl_multi_cleanup(client->multi);
    free(client->base_url);
    curl_slist_free_all(client->addresses);
    free(client);
}

void http_client_cancel(struct http_client *client)
{
    atomic_store(&client->cancelled, true);
    curl_multi_wakeup(client->multi);
}

static enum status append_line(struct curl_slist **lines, struct bytes name, const char *between,
                               struct bytes value)
{
    struct buffer line = {0};
    enum status status = buffer_append(&line, name);
    if (status == OK)
        status = buffer_append_text(&line, between);
    if (status == OK)
        status = buffer_append(&line, value);
    if (status == OK)
        status = buffer_append(&line, bytes_of("", 1));
    struct curl_slist *longer = status == OK ? curl_slist_append(*lines, (const char *)line.data) : NULL;
    buffer_free(&line);
    if (!longer)
        return ERR_NO_MEMORY;
    *lines = longer;
    return OK;
}

static enum status request_lines(const struct http_call *call, struct curl_slist **lines)
{
    /* No wait for "100 Continue": bodies here are small, and refusing one costs little. */
    enum status status = append_line(lines, bytes_of_text("Expect"), ":", (struct bytes){0});
    if (status == OK)
        status = append_line(lines, bytes_of_text("Content-Type"), call->content_type ? ": " : ":",
                             bytes_of_text(call->content_type));
    for (size_t i = 0; i < call->header_count && status == OK; i++)
        status = append_line(lines, call->headers[i].name, ": ", call->headers[i].value);
    return status;
}

static bool has_body(const struct http_call *call)
{
    return call->method == METHOD_POST || call->method == METHOD_PUT || call->method == METHOD_PATCH;
}

static enum status set_call_options(struct http_client *client, const struct http_call *call,
                                    struct curl_slist *lines)
{
    CURL *easy = client->easy;
    struct buffer url = {0};
    enum status status = buffer_append_text(&url, client->base_url);
    if (status == OK)
        status = buffer_append_text(&url, call->path);
    if (status == OK)
        status = buffer_append(&url, bytes_of("", 1));
    if (status != OK || curl_easy_setopt(easy, CURLOPT_URL, (const char *)url.data) != CURLE_OK) {
        buffer_free(&url);
        return ERR_NO_MEMORY;
    }
    buffer_free(&url);
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (has_body(call)) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.data ? (const char *)call->body.data : "");
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.length);
    }
    curl_easy_setopt(easy, CURLOPT_NOBODY, call->method == METHOD_HEAD ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method_name(call->method));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, call->deadline ? (long)call->deadline : (long)DEADLINE);
    return OK;
}

/* ERR_WRONG_STATE when cancelled; otherwise *result is libcurl's. */
static enum status perform(struct http_client *client, CURLcode *result)
{
    int running = 1;
    if (curl_multi_add_handle(client->multi, client->easy) != CURLM_OK)
        return ERR_INTERNAL;
    enum status status = OK;
    *result = CURLE_FAILED_INIT;
    while (status == OK && running) {
        if (atomic_exchange(&client->cancelled, false))
            status = ERR_WRONG_STATE;
        else if (curl_multi_perform(client->multi, &running) != CURLM_OK ||
                 (running && curl_multi_poll(client->multi, NULL, 0, POLL_TIME, NULL) != CURLM_OK))
            status = ERR_INTERNAL;
    }
    int left;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE)
            *result = message->data.result;
    curl_multi_remove_handle(client->multi, client->easy);
    return status;
}

/* The last hop that was begun. */
static enum http_hop hop_reached(const struct http_client *client)
{
    curl_off_t resolved = 0;
    if (client->reached != HTTP_HOP_NONE)
        return client->reached;
    curl_easy_getinfo(client->easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
    return resolved ? HTTP_HOP_CONNECT : HTTP_HOP_RESOLVE;
}

static enum status failure_of(struct http_client *client, CURLcode result, enum http_hop *hop)
{
    *hop = hop_reached(client);
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
        *hop = HTTP_HOP_RESOLVE;
        return ERR_UNREACHABLE;
    case CURLE_COULDNT_CONNECT:
        *hop = HTTP_HOP_CONNECT;
        return ERR_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_USE_SSL_FAILED:
        *hop = HTTP_HOP_TLS;
        return ERR_CRYPTO;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        /* TLS 1.3: the server looks at our certificate after we have finished, so that its refusal comes as
         * an alert in place of an answer. libcurl tells the two apart only in words. */
        if (!strstr(client->error, "alert"))
            return ERR_UNREACHABLE;
        *hop = HTTP_HOP_TLS;
        return ERR_CRYPTO;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return ERR_UNREACHABLE;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return ERR_MALFORMED;
    case CURLE_WRITE_ERROR:
        return client->taken != OK ? client->taken : ERR_INTERNAL;
    case CURLE_OUT_OF_MEMORY:
        return ERR_NO_MEMORY;
    default:
        return ERR_UNREACHABLE;
    }
}

static void begin_reply(struct http_client *client, const struct http_call *call, struct http_reply *reply)
{
    buffer_clear(&reply->body);
    buffer_clear(&reply->headers);
    reply->status = 0;
    reply->content_type[0] = '\0';
    reply->failed = HTTP_HOP_NONE;
    client->reply = reply;
    client->response_limit = call->response_limit ? call->response_limit : RESPONSE_LIMIT;
    client->with_headers = call->with_headers;
    client->reached = HTTP_HOP_NONE;
    client->taken = OK;
    client->error[0] = '\0';
}

enum status http_client_call(struct http_client *client, const struct http_call *call,
                             struct http_reply *reply)
{
    struct curl_slist *lines = NULL;
    CURLcode result = CURLE_OK;
    int64_t begun = monotonic_microseconds();
    begin_reply(client, call, reply);
    enum status status = request_lines(call, &lines);
    if (status == OK)
        status = set_call_options(client, call, lines);
    if (status == OK)
        status = perform(client, &result);
    if (status != OK)
        reply->failed = hop_reached(client);
    else if (result != CURLE_OK)
        status = failure_of(client, result, &reply->failed);
    if (status == OK) {
        long code = 0;
        curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &code);
        reply->status = (unsigned)code;
    }
    reply->microseconds = monotonic_microseconds() - begun;
    curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(lines);
    client->reply = NULL;
    return status;
}

struct bytes http_reply_header(const struct http_reply *reply, const char *name)
{
    struct bytes rest = buffer_bytes(&reply->headers);
    size_t length = strlen(name);
    while (rest.length) {
        const uint8_t *end = memchr(rest.data, '\n', rest.length);
        struct bytes line = bytes_of(rest.data, end ? (size_t)(end - rest.data) : rest.length);
        rest = bytes_from(rest, line.length + 1);
        if (line.length <= length || line.data[length] != ':' ||
            strncasecmp((const char *)line.data, name, length) != 0)
            continue;
        line = bytes_from(line, length + 1);
        while (line.length && (line.data[0] == ' ' || line.data[0] == '\t'))
            line = bytes_from(line, 1);
        while (line.length && line.data[line.length - 1] <= ' ')
            line.length--;
        return line;
    }
    return (struct bytes){0};
}

void http_reply_free(struct http_reply *reply)
{
    buffer_free(&reply->body);
    buffer_free(&reply->headers);
    *reply = (struct http_reply){0};
}
