#include "clinic/challenge_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "exchange/json_fields.h"

enum { FILE_LIMIT = 65536, PATH_LIMIT = 4096 };

struct batch {
    size_t count;
    moment expires_at;
    struct challenge challenges[CHALLENGE_STORE_LIMIT];
};

/* Held while the file is read and written. */
static enum status lock_store(const struct challenge_store *store, int *lock)
{
    char path[PATH_LIMIT];
    int length = snprintf(path, sizeof path, "%s.lock", store->path);
    if (length < 0 || (size_t)length >= sizeof path)
        return ERR_TOO_LARGE;
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*lock < 0)
        return status_from_errno(errno);
    while (flock(*lock, LOCK_EX) != 0)
        if (errno != EINTR) {
            close(*lock);
            return status_from_errno(errno);
        }
    return OK;
}

static void hash_text(const struct sha256 *hash, char out[2 * SHA256_LENGTH + 1])
{
    hex_encode(bytes_of(hash->bytes, SHA256_LENGTH), out);
}

static bool is_hash(const char *text, const struct sha256 *hash)
{
    char expected[2 * SHA256_LENGTH + 1];
    hash_text(hash, expected);
    return strcmp(text, expected) == 0;
}

static enum status take_challenge(const json_t *text, struct challenge *out)
{
    struct buffer decoded = {0};
    if (!json_is_string(text))
        return ERR_MALFORMED;
    enum status status = base64_decode(json_string_value(text), json_string_length(text), &decoded);
    if (status == OK && decoded.length != CHALLENGE_LENGTH)
        status = ERR_MALFORMED;
    if (status == OK)
        memcpy(out->bytes, decoded.data, CHALLENGE_LENGTH);
    buffer_free(&decoded);
    return status;
}

static enum status take_batch(const struct challenge_store *store, const json_t *json, struct region *region,
                              struct batch *out)
{
    struct json_reading reading = json_reading_of(json, region);
    const char *centre = json_get_text(&reading, "centre");
    const char *caller = json_get_text(&reading, "caller");
    out->expires_at = json_get_moment(&reading, "expires_at");
    const json_t *challenges = json_object_get(json, "challenges");
    if (reading.status != OK || json_array_size(challenges) > CHALLENGE_STORE_LIMIT)
        return ERR_MALFORMED;
    if (!is_hash(centre, &store->centre) || !is_hash(caller, &store->caller))
        return ERR_NOT_FOUND;
    for (size_t i = 0; i < json_array_size(challenges); i++) {
        if (take_challenge(json_array_get(challenges, i), &out->challenges[i]) != OK)
            return ERR_MALFORMED;
        out->count++;
    }
    return OK;
}

/* What cannot be read holds nothing: challenges are fetched anew. */
static void read_batch(const struct challenge_store *store, moment now, struct batch *out)
{
    *out = (struct batch){0};
    struct buffer text = {0};
    struct region region = {0};
    json_t *json = NULL;
    enum status status = file_read(store->path, FILE_LIMIT, &text);
    if (status == OK)
        status = json_read_text(buffer_bytes(&text), &json);
    if (status == OK)
        status = take_batch(store, json, &region, out);
    if (status != OK || out->expires_at - now < (moment)CHALLENGE_MARGIN * MICROSECONDS)
        out->count = 0;
    json_decref(json);
    region_free(&region);
    buffer_free(&text);
}

static json_t *challenge_texts(const struct batch *batch)
{
    json_t *texts = json_array();
    for (size_t i = 0; i < batch->count; i++) {
        struct buffer text = {0};
        bool done = base64_encode(bytes_of(batch->challenges[i].bytes, CHALLENGE_LENGTH), &text) == OK &&
                    json_array_append_new(texts, json_stringn((const char *)text.data, text.length)) == 0;
        buffer_free(&text);
        if (!done) {
            json_decref(texts);
            return NULL;
        }
    }
    return texts;
}

/*
 * Whole or not at all, but not synced to the disk: what a power failure brings back is a used challenge,
 * which the centre refuses and the terminal replaces.
 */
static enum status replace_file(const char *path, struct bytes bytes)
{
    char fresh[PATH_LIMIT];
    int length = snprintf(fresh, sizeof fresh, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof fresh)
        return ERR_TOO_LARGE;
    int file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return status_from_errno(errno);
    ssize_t written = write(file, bytes.data, bytes.length);
    bool closed = close(file) == 0;
    if (written == (ssize_t)bytes.length && closed && rename(fresh, path) == 0)
        return OK;
    enum status status = written >= 0 && (size_t)written < bytes.length ? ERR_IO : status_from_errno(errno);
    (void)unlink(fresh);
    return status;
}

static enum status write_batch(const struct challenge_store *store, const struct batch *batch)
{
    char hash[2 * SHA256_LENGTH + 1];
    struct json_writing writing = json_writing_begin();
    hash_text(&store->centre, hash);
    json_put_text(&writing, "centre", hash);
    hash_text(&store->caller, hash);
    json_put_text(&writing, "caller", hash);
    json_put_moment(&writing, "expires_at", batch->expires_at);
    json_put(&writing, "challenges", challenge_texts(batch));
    struct buffer text = {0};
    enum status status = json_write_text(json_writing_end(&writing), &text);
    if (status == OK)
        status = replace_file(store->path, buffer_bytes(&text));
    buffer_free(&text);
    return status;
}

enum status challenge_store_take(const struct challenge_store *store, moment now, struct challenge *out)
{
    int lock;
    enum status status = lock_store(store, &lock);
    if (status != OK)
        return status;
    struct batch batch;
    read_batch(store, now, &batch);
    status = batch.count == 0 ? ERR_NOT_FOUND : OK;
    if (status == OK) {
        *out = batch.challenges[--batch.count];
        status = write_batch(store, &batch); /* gone from the file before it is used */
    }
    close(lock);
    return status;
}

enum status challenge_store_put(const struct challenge_store *store, const struct challenge *challenges,
                                size_t count, moment expires_at)
{
    if (count > CHALLENGE_STORE_LIMIT)
        return ERR_TOO_LARGE;
    int lock;
    enum status status = lock_store(store, &lock);
    if (status != OK)
        return status;
    struct batch batch = {.count = count, .expires_at = expires_at};
    if (count > 0)
        memcpy(batch.challenges, challenges, count * sizeof *challenges);
    status = write_batch(store, &batch);
    close(lock);
    return status;
}

enum status challenge_store_count(const struct challenge_store *store, moment now, size_t *out)
{
    int lock;
    *out = 0;
    enum status status = lock_store(store, &lock);
    if (status != OK)
        return status;
    struct batch batch;
    read_batch(store, now, &batch);
    *out = batch.count;
    close(lock);
    return OK;
}
