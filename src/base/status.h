#ifndef SHIKAKU_BASE_STATUS_H
#define SHIKAKU_BASE_STATUS_H

#include "base/attributes.h"

/*
 * What a function returns when it can fail: OK is 0, all else is negative. These say what went wrong in the
 * machine; what is said to people is a reason of the catalogue (domain/reason.h), never one of these.
 */
enum status {
    OK = 0,
    ERR_NO_MEMORY = -1,
    ERR_IO = -2, /* disk or device: errno tells more */
    ERR_NOT_FOUND = -3,
    ERR_EXISTS = -4,    /* unique key already there */
    ERR_MALFORMED = -5, /* input does not follow its format */
    ERR_RANGE = -6,     /* well-formed but outside what is allowed */
    ERR_TOO_LARGE = -7, /* a limit on size was reached */
    ERR_TRUNCATED = -8, /* input ended early */
    ERR_DENIED = -9,    /* caller may not do this */
    ERR_CRYPTO = -10,   /* a primitive failed, or a signature or tag does not fit */
    ERR_EXPIRED = -11,
    ERR_UNREACHABLE = -12, /* a peer does not answer */
    ERR_TIMEOUT = -13,
    ERR_BUSY = -14,        /* try again: lock, serialisation failure, full queue */
    ERR_WRONG_STATE = -15, /* the object is in a state in which this cannot be done */
    ERR_VERSION = -16,     /* a protocol or schema version that we do not speak */
    ERR_UNSUPPORTED = -17,
    ERR_DAMAGED = -18,  /* stored bytes are not what we wrote */
    ERR_INTERNAL = -19, /* a bug of ours */
};

/* Stable lower-case word for logs ("not_found"); never NULL. */
const char *status_name(enum status status);

/* Maps errno of a failed system call. Never returns OK. */
enum status status_from_errno(int error_number);

#endif
