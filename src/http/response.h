#ifndef SHIKAKU_HTTP_RESPONSE_H
#define SHIKAKU_HTTP_RESPONSE_H

#include "http/message.h"

/* What the connection adds to a response. */
struct response_frame {
    const char *date; /* IMF-fixdate */
    const char *id;   /* X-Request-Id */
    bool keep_alive;
    bool old_version; /* HTTP/1.0: keeping alive has to be said */
    bool head_only;   /* to a HEAD: everything but the body */
};

/* "Sun, 06 Nov 1994 08:49:37 GMT" and NUL (RFC 9110 5.6.7). seconds since 1970. */
enum { HTTP_DATE_SIZE = 30 };
void http_date_format(int64_t seconds, char out[HTTP_DATE_SIZE]);

/* Appends head and body. ERR_MALFORMED: a status, header or content type that must not be sent;
 * ERR_NO_MEMORY. */
enum status response_encode(const struct http_response *response, const struct response_frame *frame,
                            struct buffer *out) MUST_CHECK;

#endif
