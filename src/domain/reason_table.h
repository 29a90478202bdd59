#ifndef SHIKAKU_DOMAIN_REASON_TABLE_H
#define SHIKAKU_DOMAIN_REASON_TABLE_H

#include "domain/reason.h"

/* The generated tables behind reason.h; for reason.c alone. Index 0 is empty. */
extern const struct reason_entry reason_table[REASON_LIMIT];
extern const struct next_step_entry next_step_table[NEXT_STEP_COUNT];
/* Every reason, in the order of the codes. */
extern const enum reason reasons_by_code[REASON_COUNT];

#endif
