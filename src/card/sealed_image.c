#include "card/sealed_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "pki/symmetric.h"

#define MAGIC "shikaku-card-1\n"
enum { MAGIC_LENGTH = sizeof MAGIC - 1, FILE_MODE = S_IRUSR | S_IWUSR };

/* As in the key file, byte by byte. */
struct key_pair {
    struct secret_key newest;
    struct secret_key next;
};

struct sealed_image {
    char *image_path;
    char *key_path;
    int lock;
    struct key_pair keys;
    bool broken; /* a write failed: what is on disk is not known */
};

static enum status take_lock(const char *image_path, int *out)
{
    char *path = NULL;
    if (asprintf(&path, "%s.lock", image_path) < 0)
        return ERR_NO_MEMORY;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    enum status status = fd < 0 ? status_from_errno(errno) : OK;
    free(path);
    if (status == OK && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        status = errno == EWOULDBLOCK ? ERR_BUSY : status_from_errno(errno);
        (void)close(fd);
    }
    *out = status == OK ? fd : -1;
    return status;
}

bool sealed_image_is_open_elsewhere(const struct card_location *where)
{
    int lock = -1;
    bool busy = take_lock(where->image_path, &lock) == ERR_BUSY;
    if (lock >= 0)
        (void)close(lock);
    return busy;
}

void sealed_image_close(struct sealed_image *image)
{
    if (!image)
        return;
    if (image->lock >= 0)
        (void)close(image->lock); /* which releases the lock */
    secret_wipe(&image->keys, sizeof image->keys);
    free(image->image_path);
    free(image->key_path);
    free(image);
}

static enum status image_claim(const struct card_location *where, struct sealed_image **out)
{
    struct sealed_image *image = calloc(1, sizeof *image);
    if (!image)
        return ERR_NO_MEMORY;
    image->lock = -1;
    image->image_path = strdup(where->image_path);
    image->key_path = strdup(where->key_path);
    enum status status =
        image->image_path && image->key_path ? take_lock(where->image_path, &image->lock) : ERR_NO_MEMORY;
    if (status != OK) {
        sealed_image_close(image);
        return status;
    }
    *out = image;
    return OK;
}

static enum status write_keys(const struct sealed_image *image, const struct key_pair *keys)
{
    return file_write_durably(image->key_path, bytes_of(keys, sizeof *keys), FILE_MODE);
}

static enum status write_image(const struct sealed_image *image, const struct secret_key *key,
                               struct bytes content)
{
    struct buffer file = {0};
    enum status status = buffer_append_text(&file, MAGIC);
    if (status == OK)
        status = aead_seal(key, bytes_of_text(MAGIC), content, &file);
    if (status == OK)
        status = file_write_durably(image->image_path, buffer_bytes(&file), FILE_MODE);
    buffer_free(&file);
    return status;
}

enum status sealed_image_create(const struct card_location *where, struct bytes content,
                                struct sealed_image **out)
{
    *out = NULL;
    struct sealed_image *image = NULL;
    enum status status = image_claim(where, &image);
    if (status != OK)
        return status;
    if (access(where->image_path, F_OK) == 0)
        status = ERR_EXISTS;
    secret_key_create(&image->keys.newest);
    secret_key_create(&image->keys.next);
    if (status == OK)
        status = write_keys(image, &image->keys);
    if (status == OK)
        status = write_image(image, &image->keys.newest, content);
    if (status != OK) {
        sealed_image_close(image);
        return status;
    }
    *out = image;
    return OK;
}

/* ERR_DAMAGED where the file is not two keys. */
static enum status read_keys(struct sealed_image *image)
{
    struct stat seen;
    if (stat(image->key_path, &seen) != 0)
        return status_from_errno(errno);
    if (seen.st_mode & (S_IRWXG | S_IRWXO))
        return ERR_DENIED;
    struct buffer file = {.secret = true};
    enum status status = file_read(image->key_path, sizeof image->keys, &file);
    if (status == ERR_TOO_LARGE || (status == OK && file.length != sizeof image->keys))
        status = ERR_DAMAGED;
    if (status == OK)
        memcpy(&image->keys, file.data, sizeof image->keys);
    buffer_free(&file);
    return status;
}

static enum status unseal(const struct secret_key *key, struct bytes file, struct buffer *content)
{
    struct bytes magic = bytes_of_text(MAGIC);
    if (file.length < MAGIC_LENGTH || !bytes_equal(bytes_of(file.data, MAGIC_LENGTH), magic))
        return ERR_DAMAGED;
    enum status status = aead_open(key, magic, bytes_from(file, MAGIC_LENGTH), content);
    return status == ERR_CRYPTO || status == ERR_MALFORMED || status == ERR_TRUNCATED ? ERR_DAMAGED : status;
}

/* Opens with either key and makes that one the newest, beside a next key that nobody has seen. */
static enum status open_and_roll(struct sealed_image *image, struct bytes file, struct buffer *content)
{
    struct key_pair keys = {.newest = image->keys.newest};
    enum status status = unseal(&image->keys.newest, file, content);
    if (status == ERR_DAMAGED) {
        keys.newest = image->keys.next;
        status = unseal(&image->keys.next, file, content);
    }
    if (status == OK) {
        secret_key_create(&keys.next);
        status = write_keys(image, &keys);
    }
    if (status == OK)
        image->keys = keys;
    secret_wipe(&keys, sizeof keys);
    return status;
}

enum status sealed_image_open(const struct card_location *where, struct buffer *content,
                              struct sealed_image **out)
{
    *out = NULL;
    content->secret = true;
    struct sealed_image *image = NULL;
    /* Before the lock, which would leave its file beside an image that is not there. */
    if (access(where->image_path, R_OK | W_OK) != 0)
        return status_from_errno(errno);
    enum status status = image_claim(where, &image);
    if (status != OK)
        return status;
    struct buffer file = {0};
    status = file_read(where->image_path, SEALED_IMAGE_LIMIT, &file);
    bool readable = status == OK || status == ERR_TOO_LARGE;
    if (readable) {
        enum status keys = read_keys(image);
        status = status == OK || keys != OK ? keys : ERR_DAMAGED;
    }
    if (status == OK)
        status = open_and_roll(image, buffer_bytes(&file), content);
    buffer_free(&file);
    if (status == ERR_DAMAGED) { /* Q9 */
        enum status destroyed = sealed_image_destroy(image);
        status = destroyed == OK ? ERR_DAMAGED : destroyed;
    }
    if (status != OK && status != ERR_DAMAGED) {
        sealed_image_close(image);
        return status;
    }
    *out = image;
    return status;
}

enum status sealed_image_write(struct sealed_image *image, struct bytes content)
{
    if (image->broken)
        return ERR_WRONG_STATE;
    struct key_pair keys = {.newest = image->keys.next};
    secret_key_create(&keys.next);
    enum status status = write_image(image, &keys.newest, content);
    if (status == OK)
        status = write_keys(image, &keys);
    if (status == OK)
        image->keys = keys;
    else
        image->broken = true;
    secret_wipe(&keys, sizeof keys);
    return status;
}

/* In place, so that what is overwritten is what was stored. */
static enum status overwrite(const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return status_from_errno(errno);
    struct stat seen;
    enum status status = fstat(fd, &seen) == 0 ? OK : status_from_errno(errno);
    off_t at = 0;
    while (status == OK && at < seen.st_size) {
        uint8_t noise[4096];
        random_fill(noise, sizeof noise);
        off_t left = seen.st_size - at;
        ssize_t wrote = write(fd, noise, left < (off_t)sizeof noise ? (size_t)left : sizeof noise);
        if (wrote < 0 && errno != EINTR)
            status = status_from_errno(errno);
        at += wrote > 0 ? wrote : 0;
    }
    if (status == OK && fsync(fd) != 0)
        status = status_from_errno(errno);
    (void)close(fd);
    return status;
}

enum status sealed_image_destroy(struct sealed_image *image)
{
    image->broken = true;
    secret_wipe(&image->keys, sizeof image->keys);
    enum status keys = overwrite(image->key_path); /* first: without it the image is noise already */
    enum status content = overwrite(image->image_path);
    return keys != OK ? keys : content;
}
