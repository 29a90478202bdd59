#include "domain/consent.h"

#include <stdint.h>

static const char *const kind_codes[CONSENT_KINDS] = {
    [CONSENT_TREATMENT] = "treatment",
    [CONSENT_MEDICATION] = "medication",
    [CONSENT_CHECKUPS] = "checkups",
    [CONSENT_SURGERY] = "surgery",
};

const char *consent_kind_code(enum consent_kind kind)
{
    return (int)kind >= 0 && kind < CONSENT_KINDS ? kind_codes[kind] : "";
}

enum consent_state consent_state_at(const struct consents *consents, enum consent_kind kind, moment now)
{
    if (!consents)
        return CONSENT_NOT_TAKEN;
    if (!consents->given[kind])
        return CONSENT_NOT_GIVEN;
    moment end = consents->given_at + (moment)CONSENT_HOURS * 3600 * MICROSECONDS;
    return now < end ? CONSENT_GIVEN : CONSENT_LAPSED;
}

static enum status append_label(const char *label, struct buffer *out)
{
    enum status status = buffer_append_text(out, label);
    return status == OK ? buffer_append(out, bytes_of("", 1)) : status;
}

enum status consents_content(const struct consents *consents, struct buffer *out)
{
    enum status status = append_label("shikaku-consents-1", out);
    for (int kind = 0; kind < CONSENT_KINDS && status == OK; kind++) {
        uint8_t flag = consents->given[kind] ? 1 : 0;
        status = buffer_append(out, bytes_of(&flag, 1));
    }
    return status;
}

enum status terms_content(struct bytes version, struct buffer *out)
{
    enum status status = append_label("shikaku-terms-1", out);
    return status == OK ? buffer_append(out, version) : status;
}
