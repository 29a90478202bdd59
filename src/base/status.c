#include "base/status.h"

#include <errno.h>

const char *status_name(enum status status)
{
    switch (status) {
    case OK:
        return "ok";
    case ERR_NO_MEMORY:
        return "no_memory";
    case ERR_IO:
        return "io";
    case ERR_NOT_FOUND:
        return "not_found";
    case ERR_EXISTS:
        return "exists";
    case ERR_MALFORMED:
        return "malformed";
    case ERR_RANGE:
        return "range";
    case ERR_TOO_LARGE:
        return "too_large";
    case ERR_TRUNCATED:
        return "truncated";
    case ERR_DENIED:
        return "denied";
    case ERR_CRYPTO:
        return "crypto";
    case ERR_EXPIRED:
        return "expired";
    case ERR_UNREACHABLE:
        return "unreachable";
    case ERR_TIMEOUT:
        return "timeout";
    case ERR_BUSY:
        return "busy";
    case ERR_WRONG_STATE:
        return "state";
    case ERR_VERSION:
        return "version";
    case ERR_UNSUPPORTED:
        return "unsupported";
    case ERR_DAMAGED:
        return "damaged";
    case ERR_INTERNAL:
        return "internal";
    }
    return "unknown";
}

enum status status_from_errno(int error_number)
{
    switch (error_number) {
    case ENOMEM:
        return ERR_NO_MEMORY;
    case ENOENT:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case ENETUNREACH:
    case EHOSTUNREACH:
        return ERR_UNREACHABLE;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    case EAGAIN:
    case EBUSY:
        return ERR_BUSY;
    case EFBIG:
    case EMSGSIZE:
        return ERR_TOO_LARGE;
    default:
        return ERR_IO;
    }
}
