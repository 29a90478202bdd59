#include "registry/unseen.h"

#include "registry/adding.h"

static enum status add_subscription(struct db *db, const struct unseen_subscription *unseen,
                                    const struct recording *whole, int64_t person)
{
    struct recording own = *whole;
    if (unseen->recorded_at)
        own.at = unseen->recorded_at;
    const struct recording *recording = &own;
    bool is_linked = unseen->link != LINK_NONE;
    int64_t subscription;
    enum status status =
        subscription_add(db, &unseen->record, recording, is_linked ? person : 0, unseen->link, &subscription);
    if (status != OK || !is_linked)
        return status;
    struct registry_sql_person_subscription_add_in pair = {.person = person, .subscription = subscription};
    status = registry_sql_person_subscription_add(db, &pair, NULL);
    struct recording directly = {.at = recording->at, .registrant = recording->registrant};
    return status == OK ? link_add(db, subscription, 1, person, unseen->link, &unseen->evidence, &directly)
                        : status;
}

enum status certificate_add_unseen(struct db *db, const struct certificate_change *certificate,
                                   int64_t person)
{
    struct registry_sql_certificate_add_in in = {
        .id = bytes_of(certificate->id, CERTIFICATE_ID_SIZE),
        .state = certificate->state,
        .last_day = certificate->last_day,
        .person = optional_key(person),
        .successor = optional_id(certificate->successor, CERTIFICATE_ID_SIZE),
    };
    return registry_sql_certificate_add(db, &in, NULL);
}

enum status person_add_unseen(struct db *db, const struct unseen_person *unseen,
                              const struct recording *recording, int64_t *person)
{
    *person = 0;
    if (!db_is_in_transaction(db))
        return ERR_WRONG_STATE;
    enum status status = person_add(db, bytes_of(unseen->reference, VAULT_REFERENCE_SIZE),
                                    unseen->enrolment ? unseen->enrolment->state : ENROLMENT_NONE, person);
    for (size_t i = 0; status == OK && i < unseen->subscription_count; i++)
        status = add_subscription(db, &unseen->subscriptions[i], recording, *person);
    for (size_t i = 0; status == OK && i < unseen->certificate_count; i++)
        status = certificate_add_unseen(db, &unseen->certificates[i], *person);
    if (status == OK && unseen->enrolment)
        status = enrolment_add(db, *person, 1, unseen->enrolment);
    return status;
}
