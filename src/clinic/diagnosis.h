#ifndef SHIKAKU_CLINIC_DIAGNOSIS_H
#define SHIKAKU_CLINIC_DIAGNOSIS_H

#include "clinic/clinic.h"

/* Looks at every hop between the card and the centre, so that whoever stands at the desk knows which one
 * failed, whose it is and what to do. Asks nothing about any person. */

enum finding_state {
    FINDING_GOOD,
    FINDING_BAD,
    FINDING_SKIPPED, /* a hop before it failed, or there is nothing to look at */
};

struct finding {
    enum hop hop;
    enum finding_state state;
    enum reason reason; /* of a bad one */
    int64_t microseconds;
    char detail[256]; /* for whoever maintains it: names of readers, files and errors; English */
};

enum { DIAGNOSIS_FINDINGS = HOP_COUNT };

struct diagnosis {
    size_t count;
    struct finding findings[DIAGNOSIS_FINDINGS];
};

/* settings_path: clinic.json, which need not be good. */
void diagnose(const char *settings_path, const struct clock *clock, struct diagnosis *out);
bool diagnosis_is_good(const struct diagnosis *diagnosis);

#endif
