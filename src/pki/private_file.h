#ifndef SHIKAKU_PKI_PRIVATE_FILE_H
#define SHIKAKU_PKI_PRIVATE_FILE_H

#include "base/bytes.h"

/* A file with a secret: read into out (marked secret), refused with ERR_DENIED where group or others have
 * any right to it. The check and the reading are of the same open file. */
enum status private_file_read(const char *path, size_t limit, struct buffer *out) MUST_CHECK;
/* Mode 0600, durably. */
enum status private_file_write(const char *path, struct bytes bytes) MUST_CHECK;

#endif
