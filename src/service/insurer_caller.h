#ifndef SHIKAKU_SERVICE_INSURER_CALLER_H
#define SHIKAKU_SERVICE_INSURER_CALLER_H

#include "db/db.h"
#include "domain/numbers.h"
#include "service/proceeding.h"

/* The insurer that calls, by its certificate's subject, if the certificate's state allows it and the insurer
 * is registered. On a job's thread. REASON_NONE, or why it may not ask. */
enum reason insurer_caller_refusal(const struct proceeding *proceeding, struct db *changes,
                                   struct insurer_number *out) MUST_CHECK;

#endif
