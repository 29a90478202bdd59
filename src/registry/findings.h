#ifndef SHIKAKU_REGISTRY_FINDINGS_H
#define SHIKAKU_REGISTRY_FINDINGS_H

#include "registry/check.h"

/* The rows of any statement with "row: check" as facts. For src/registry only. */
enum status findings_collect(struct db_rows *rows, struct region *region,
                             struct check_findings *out) MUST_CHECK;

/* Of caller_find: the machine and its institution only. */
enum status findings_collect_caller(struct db_rows *rows, struct check_findings *out) MUST_CHECK;

#endif
