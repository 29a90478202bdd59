#include "pki/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status read_all(int fd, size_t limit, struct buffer *out)
{
    for (;;) {
        if (out->length > limit)
            return ERR_TOO_LARGE;
        enum status status = buffer_reserve(out, 4096);
        if (status != OK)
            return status;
        ssize_t got = read(fd, out->data + out->length, 4096);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return status_from_errno(errno);
        if (got == 0)
            return OK;
        out->length += (size_t)got;
    }
}

enum status private_file_read(const char *path, size_t limit, struct buffer *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return status_from_errno(errno);
    out->secret = true;
    struct stat stat;
    enum status status;
    if (fstat(fd, &stat) != 0)
        status = status_from_errno(errno);
    else if (stat.st_mode & (S_IRWXG | S_IRWXO))
        status = ERR_DENIED;
    else
        status = read_all(fd, limit, out);
    close(fd);
    return status;
}

enum status private_file_write(const char *path, struct bytes bytes)
{
    return file_write_durably(path, bytes, 0600);
}
