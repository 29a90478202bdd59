/*
 * A service around nothing but the event log, to cut the power of.
 *
 *   log_service serve DIRECTORY     answers on DIRECTORY.socket, in the foreground
 *   log_service ready DIRECTORY     succeeds once it does
 *   log_service load DIRECTORY N    N clients; each answer's event id is printed as it arrives
 *   log_service changes DIRECTORY   ids of all changes that were committed
 *
 * A request is one byte: 'c' a check, which is an event and nothing else; 'e' a change: its key is claimed,
 * it is committed to a database together with an outbox row, and answered when the log has taken it from
 * there. An answer is the event's id and a newline, or "-" and a newline.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "audit/log.h"
#include "base/random.h"

enum { SEGMENT = 1024 * 1024, ID_TEXT = 2 * EVENT_ID_SIZE + 1, OUTBOX_BATCH = 64 };

static _Noreturn void stop(const char *what)
{
    fprintf(stderr, "log_service: %s\n", what);
    exit(1);
}

static void must(enum status status, const char *what)
{
    if (status == OK)
        return;
    fprintf(stderr, "log_service: %s: %s\n", what, status_name(status));
    exit(1);
}

static void path_of(char out[4096], const char *directory, const char *name)
{
    if (snprintf(out, 4096, "%s%s", directory, name) >= 4096)
        stop("path too long");
}

/* ---- The database of changes ---- */

struct changes {
    sqlite3 *db;
    pthread_mutex_t lock;
    struct buffer payloads[OUTBOX_BATCH];
};

static sqlite3 *changes_open(const char *directory)
{
    char path[4096];
    sqlite3 *db;
    path_of(path, directory, "/changes.db");
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000;"
                     "CREATE TABLE IF NOT EXISTS change(id BLOB PRIMARY KEY);"
                     "CREATE TABLE IF NOT EXISTS outbox(number INTEGER PRIMARY KEY AUTOINCREMENT, event BLOB "
                     "NOT NULL);",
                     NULL, NULL, NULL) != SQLITE_OK)
        stop(sqlite3_errmsg(db));
    return db;
}

static bool run_with_blob(sqlite3 *db, const char *sql, struct bytes blob)
{
    sqlite3_stmt *statement = NULL;
    bool done = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_bind_blob64(statement, 1, blob.data, blob.length, SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_finalize(statement);
    return done;
}

static bool change_commit(struct changes *changes, const struct event *event)
{
    struct buffer packed = {0};
    must(event_pack(event, &packed), "packing an event");
    pthread_mutex_lock(&changes->lock);
    bool done = sqlite3_exec(changes->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
    done = done &&
           run_with_blob(changes->db, "INSERT INTO change VALUES(?)", bytes_of(event->id, EVENT_ID_SIZE)) &&
           run_with_blob(changes->db, "INSERT INTO outbox(event) VALUES(?)", buffer_bytes(&packed));
    done = sqlite3_exec(changes->db, done ? "COMMIT" : "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK && done;
    pthread_mutex_unlock(&changes->lock);
    buffer_free(&packed);
    return done;
}

static enum status outbox_take_rows(void *context, struct audit_outbox_row *rows, size_t limit, size_t *count)
{
    struct changes *changes = context;
    sqlite3_stmt *statement;
    enum status status = OK;
    *count = 0;
    pthread_mutex_lock(&changes->lock);
    if (sqlite3_prepare_v2(changes->db, "SELECT number, event FROM outbox ORDER BY number", -1, &statement,
                           NULL) != SQLITE_OK)
        stop(sqlite3_errmsg(changes->db));
    while (status == OK && *count < limit && *count < OUTBOX_BATCH && sqlite3_step(statement) == SQLITE_ROW) {
        struct buffer *payload = &changes->payloads[*count];
        buffer_clear(payload);
        status = buffer_append(
            payload, bytes_of(sqlite3_column_blob(statement, 1), (size_t)sqlite3_column_bytes(statement, 1)));
        rows[*count].row = sqlite3_column_int64(statement, 0);
        if (status == OK)
            status = event_unpack(buffer_bytes(payload), &rows[*count].event);
        *count += status == OK;
    }
    sqlite3_finalize(statement);
    pthread_mutex_unlock(&changes->lock);
    return status;
}

static enum status outbox_confirm_rows(void *context, const int64_t *rows, size_t count)
{
    struct changes *changes = context;
    pthread_mutex_lock(&changes->lock);
    bool done = sqlite3_exec(changes->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
    for (size_t i = 0; done && i < count; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "DELETE FROM outbox WHERE number = %lld", (long long)rows[i]);
        done = sqlite3_exec(changes->db, sql, NULL, NULL, NULL) == SQLITE_OK;
    }
    done = sqlite3_exec(changes->db, done ? "COMMIT" : "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK && done;
    pthread_mutex_unlock(&changes->lock);
    return done ? OK : ERR_IO;
}

/* ---- Serving ---- */

struct service {
    struct audit_log *log;
    struct changes changes;
};

struct waiting {
    struct audit_submission submission;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

struct visitor {
    struct service *service;
    int socket;
};

static void waiting_end(struct audit_submission *submission)
{
    struct waiting *waiting = submission->context;
    pthread_mutex_lock(&waiting->lock);
    waiting->done = true;
    pthread_cond_signal(&waiting->changed);
    pthread_mutex_unlock(&waiting->lock);
}

static enum audit_outcome submit(struct service *service, enum audit_step step, const struct event *event)
{
    struct waiting waiting = {.submission = {.step = step, .event = *event, .done = waiting_end},
                              .lock = PTHREAD_MUTEX_INITIALIZER,
                              .changed = PTHREAD_COND_INITIALIZER};
    waiting.submission.context = &waiting;
    if (audit_log_submit(service->log, &waiting.submission) != OK)
        return AUDIT_FAILED;
    pthread_mutex_lock(&waiting.lock);
    while (!waiting.done)
        pthread_cond_wait(&waiting.changed, &waiting.lock);
    pthread_mutex_unlock(&waiting.lock);
    buffer_free(&waiting.submission.recorded_answer);
    return waiting.submission.outcome;
}

static bool serve_one(struct service *service, char request, uint8_t id[EVENT_ID_SIZE])
{
    static const uint8_t answer[900] = "{\"result\": \"eligible\"}";
    uint8_t length;
    random_fill(&length, sizeof length);
    struct event event = {
        .when = clock_now(&real_clock),
        .kind = request == 'e' ? EVENT_ENROLMENT : EVENT_CHECK_BY_CARD,
        .caller = {.party = PARTY_INSTITUTION, .code = "0110113719"},
        .has_key = true,
        .personal = {.person = 1 + length, .answer = bytes_of(answer, 40 + 3 * (size_t)length)}};
    event_make_id(event.id);
    random_fill(event.key.key, EVENT_HASH_SIZE);
    event.key.expiry = event.when + (int64_t)300 * MICROSECONDS;
    memcpy(id, event.id, EVENT_ID_SIZE);
    if (request == 'c')
        return submit(service, AUDIT_APPEND, &event) == AUDIT_RECORDED;
    if (submit(service, AUDIT_CLAIM, &event) != AUDIT_CLAIMED)
        return false;
    if (!change_commit(&service->changes, &event))
        return submit(service, AUDIT_UNCLAIM, &event) == AUDIT_RECORDED;
    audit_log_wake_outbox(service->log);
    return submit(service, AUDIT_AWAIT, &event) == AUDIT_RECORDED;
}

static void *visitor_serve(void *context)
{
    struct visitor *visitor = context;
    char request;
    while (read(visitor->socket, &request, 1) == 1) {
        uint8_t id[EVENT_ID_SIZE];
        char text[ID_TEXT + 1] = "-";
        if (serve_one(visitor->service, request, id))
            hex_encode(bytes_of(id, sizeof id), text);
        strcat(text, "\n");
        if (send(visitor->socket, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
            break;
    }
    close(visitor->socket);
    free(visitor);
    return NULL;
}

static struct sockaddr_un address_of(const char *directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (snprintf(address.sun_path, sizeof address.sun_path, "%s.socket", directory) >=
        (int)sizeof address.sun_path)
        stop("path too long for a socket");
    return address;
}

static void service_open(struct service *service, const char *directory, struct audit_outbox *outbox)
{
    char log_path[4096], index_path[4096];
    path_of(log_path, directory, "/log");
    path_of(index_path, directory, "/index.db");
    service->changes.db = changes_open(directory);
    pthread_mutex_init(&service->changes.lock, NULL);
    *outbox = (struct audit_outbox){&service->changes, outbox_take_rows, outbox_confirm_rows};
    const struct audit_segments_options segments = {
        .directory = log_path, .segment_size = SEGMENT, .clock = &real_clock};
    struct audit_store *store;
    must(audit_store_open_segments(&segments, &store), "opening the log");
    const struct audit_log_options options = {
        .store = store, .index_path = index_path, .clock = &real_clock, .outbox = outbox};
    must(audit_log_open(&options, &service->log), "opening the log with its index");
}

static int serve(const char *directory)
{
    static struct service service;
    struct audit_outbox outbox;
    service_open(&service, directory, &outbox);
    struct sockaddr_un address = address_of(directory);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(address.sun_path);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 64) != 0)
        stop("not listening");
    for (;;) {
        int socket = accept(listener, NULL, NULL);
        struct visitor *visitor = malloc(sizeof *visitor);
        pthread_t thread;
        if (socket < 0 || !visitor)
            stop("no visitor");
        *visitor = (struct visitor){&service, socket};
        if (pthread_create(&thread, NULL, visitor_serve, visitor) != 0)
            stop("no thread");
        pthread_detach(thread);
    }
}

/* ---- Clients ---- */

static int connect_to(const char *directory)
{
    struct sockaddr_un address = address_of(directory);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static void *client_run(void *context)
{
    FILE *answers = fdopen(connect_to(context), "r");
    if (!answers)
        return NULL;
    char line[64];
    for (unsigned i = 0;; i++) {
        const char *request = i % 4 == 3 ? "e" : "c";
        if (send(fileno(answers), request, 1, MSG_NOSIGNAL) != 1 || !fgets(line, sizeof line, answers))
            break;
        if (strlen(line) == ID_TEXT && write(STDOUT_FILENO, line, ID_TEXT) != ID_TEXT)
            break;
    }
    fclose(answers);
    return NULL;
}

static int load(char *directory, unsigned clients)
{
    pthread_t threads[64];
    if (clients > 64)
        stop("at most 64 clients");
    for (unsigned i = 0; i < clients; i++)
        if (pthread_create(&threads[i], NULL, client_run, directory) != 0)
            stop("no thread");
    for (unsigned i = 0; i < clients; i++)
        pthread_join(threads[i], NULL);
    return 0;
}

static int ready(const char *directory)
{
    return connect_to(directory) >= 0 ? 0 : 1;
}

/* ---- Looking ---- */

static void id_print(struct bytes id)
{
    char text[ID_TEXT];
    if (id.length != EVENT_ID_SIZE)
        stop("an id of another length");
    hex_encode(id, text);
    puts(text);
}

static int list_changes(const char *directory)
{
    sqlite3 *db = changes_open(directory);
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, "SELECT id FROM change", -1, &statement, NULL) != SQLITE_OK)
        stop(sqlite3_errmsg(db));
    while (sqlite3_step(statement) == SQLITE_ROW)
        id_print(bytes_of(sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0)));
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        stop("what with which directory?");
    if (strcmp(argv[1], "serve") == 0)
        return serve(argv[2]);
    if (strcmp(argv[1], "ready") == 0)
        return ready(argv[2]);
    if (strcmp(argv[1], "load") == 0)
        return load(argv[2], argc > 3 ? (unsigned)atoi(argv[3]) : 8);
    if (strcmp(argv[1], "changes") == 0)
        return list_changes(argv[2]);
    stop("no such command");
}
