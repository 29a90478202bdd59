#ifndef SHIKAKU_PKI_LIBRARY_H
#define SHIKAKU_PKI_LIBRARY_H

#include "base/status.h"

/* Empties OpenSSL's error queue of this thread and gives the status on: an error left in the queue would be
 * taken for one of the next TLS operation. */
enum status library_refused(enum status status) MUST_CHECK;
void library_forget(void);

#endif
