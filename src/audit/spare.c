#include "audit/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

enum {
    CHUNK = 256 * 1024,
    /* Synced in pieces: a long sync would hold up those of the log. */
    CHUNKS_A_SYNC = 8,
    HEADER = 4096, /* what its taker writes before it is renamed */
};

const char spare_name[SPARE_NAME_SIZE] = "spare";
static const char unfinished_name[] = "spare.making";

struct spare {
    int directory;
    uint32_t size;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum {
        SPARE_NONE,   /* taken, not yet renamed: the name is still in use */
        SPARE_WANTED, /* being made, or about to be */
        SPARE_READY,
        SPARE_FAILED,
    } state;
    bool ending;
    int fd;             /* SPARE_READY */
    enum status status; /* SPARE_FAILED */
};

static enum status zeros_write(int fd, uint32_t size)
{
    uint8_t *zeros = calloc(1, CHUNK);
    if (!zeros)
        return ERR_NO_MEMORY;
    enum status status = OK;
    unsigned chunk = 0;
    for (uint32_t at = 0; at < size && status == OK;) {
        size_t wanted = size - at < CHUNK ? size - at : CHUNK;
        ssize_t written = pwrite(fd, zeros, wanted, (off_t)at);
        if (written < 0 && errno != EINTR)
            status = status_from_errno(errno);
        if (written > 0)
            at += (uint32_t)written;
        if (status == OK && ++chunk % CHUNKS_A_SYNC == 0 && fdatasync(fd) != 0)
            status = ERR_IO;
    }
    free(zeros);
    return status;
}

/* One that was left from before: under its name it is whole and synced, but its header may have been begun.
 */
static bool spare_find(const struct spare *spare, int *out)
{
    uint8_t header[HEADER];
    struct stat file;
    int fd = openat(spare->directory, spare_name, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool usable = fstat(fd, &file) == 0 && file.st_size == (off_t)spare->size &&
                  pread(fd, header, sizeof header, 0) == (ssize_t)sizeof header && header[0] == 0 &&
                  memcmp(header, header + 1, sizeof header - 1) == 0;
    if (!usable)
        close(fd);
    else
        *out = fd;
    return usable;
}

static enum status spare_make(const struct spare *spare, int *out)
{
    int fd = openat(spare->directory, unfinished_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return status_from_errno(errno);
    /* Asks for all of the room first: on a full disk nothing is written in vain. */
    int error = posix_fallocate(fd, 0, (off_t)spare->size);
    enum status status = error ? status_from_errno(error) : zeros_write(fd, spare->size);
    if (status == OK && fsync(fd) != 0)
        status = ERR_IO;
    if (status == OK && renameat(spare->directory, unfinished_name, spare->directory, spare_name) != 0)
        status = ERR_IO;
    if (status != OK) {
        close(fd);
        (void)unlinkat(spare->directory, unfinished_name, 0);
        return status;
    }
    *out = fd;
    return OK;
}

static void *spare_run(void *context)
{
    struct spare *spare = context;
    pthread_mutex_lock(&spare->lock);
    while (!spare->ending) {
        if (spare->state != SPARE_WANTED) {
            pthread_cond_wait(&spare->changed, &spare->lock);
            continue;
        }
        pthread_mutex_unlock(&spare->lock);
        int fd = -1;
        enum status status = spare_find(spare, &fd) ? OK : spare_make(spare, &fd);
        if (status != OK)
            LOG(LOG_ERROR, "audit_no_spare_segment", log_status("status", status));
        pthread_mutex_lock(&spare->lock);
        spare->fd = fd;
        spare->status = status;
        spare->state = status == OK ? SPARE_READY : SPARE_FAILED;
        pthread_cond_broadcast(&spare->changed);
    }
    pthread_mutex_unlock(&spare->lock);
    return NULL;
}

enum status spare_create(const char *directory, uint32_t size, struct spare **out)
{
    struct spare *spare = calloc(1, sizeof *spare);
    if (!spare)
        return ERR_NO_MEMORY;
    spare->size = size;
    spare->fd = -1;
    spare->state = SPARE_WANTED;
    spare->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (spare->directory < 0) {
        enum status status = status_from_errno(errno);
        free(spare);
        return status;
    }
    pthread_mutex_init(&spare->lock, NULL);
    pthread_cond_init(&spare->changed, NULL);
    if (pthread_create(&spare->thread, NULL, spare_run, spare) != 0) {
        close(spare->directory);
        free(spare);
        return ERR_NO_MEMORY;
    }
    *out = spare;
    return OK;
}

void spare_free(struct spare *spare)
{
    if (!spare)
        return;
    pthread_mutex_lock(&spare->lock);
    spare->ending = true;
    pthread_cond_broadcast(&spare->changed);
    pthread_mutex_unlock(&spare->lock);
    pthread_join(spare->thread, NULL);
    if (spare->state == SPARE_READY)
        close(spare->fd);
    close(spare->directory);
    pthread_mutex_destroy(&spare->lock);
    pthread_cond_destroy(&spare->changed);
    free(spare);
}

static void spare_want(struct spare *spare)
{
    spare->state = SPARE_WANTED;
    pthread_cond_broadcast(&spare->changed);
}

enum status spare_take(struct spare *spare, int *fd)
{
    pthread_mutex_lock(&spare->lock);
    if (spare->state != SPARE_READY)
        spare_want(spare);
    while (spare->state == SPARE_WANTED)
        pthread_cond_wait(&spare->changed, &spare->lock);
    enum status status = spare->status;
    if (spare->state == SPARE_READY) {
        *fd = spare->fd;
        spare->fd = -1;
        spare->state = SPARE_NONE;
    }
    pthread_mutex_unlock(&spare->lock);
    return status;
}

void spare_want_next(struct spare *spare)
{
    pthread_mutex_lock(&spare->lock);
    spare_want(spare);
    pthread_mutex_unlock(&spare->lock);
}
