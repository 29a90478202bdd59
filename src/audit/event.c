#include "audit/event.h"

#include "base/random.h"

const char *event_kind_name(enum event_kind kind)
{
    switch (kind) {
    case EVENT_REFUSAL:
        return "refusal";
    case EVENT_CHECK_BY_CARD:
        return "check_by_card";
    case EVENT_CHECK_BY_NUMBER:
        return "check_by_number";
    case EVENT_ENROLMENT:
        return "enrolment";
    case EVENT_LOAD_PUBLISHED:
        return "load_published";
    case EVENT_LOAD_UNDONE:
        return "load_undone";
    case EVENT_LINK_MADE:
        return "link_made";
    case EVENT_LINK_QUARANTINED:
        return "link_quarantined";
    case EVENT_LINK_RELEASED:
        return "link_released";
    case EVENT_CERTIFICATE_STATE_APPLIED:
        return "certificate_state_applied";
    }
    return NULL;
}

void event_make_id(uint8_t id[EVENT_ID_SIZE])
{
    random_fill(id, EVENT_ID_SIZE);
}
