#include "audit/store_driver.h"

void audit_store_close(struct audit_store *store)
{
    if (store)
        store->driver->close(store);
}

struct event audit_refusal_of(const struct audit_submission *submission)
{
    struct event refusal = {
        .when = submission->event.when,
        .kind = EVENT_REFUSAL,
        .outcome = submission->replay_outcome,
        .caller = submission->event.caller,
        .personal = {.person = submission->event.personal.person,
                     .subscription = submission->event.personal.subscription},
    };
    event_make_id(refusal.id);
    return refusal;
}
