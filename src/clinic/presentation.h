#ifndef SHIKAKU_CLINIC_PRESENTATION_H
#define SHIKAKU_CLINIC_PRESENTATION_H

#include "clinic/diagnosis.h"
#include "clinic/outcome.h"
#include "clinic/trace.h"

/* What is shown to the staff on a plain screen: Japanese, then English. All are appended. */
enum status present_outcome(const struct outcome *outcome, struct buffer *out) MUST_CHECK;
enum status present_trace(const struct trace *trace, struct buffer *out) MUST_CHECK;
enum status present_diagnosis(const struct diagnosis *diagnosis, struct buffer *out) MUST_CHECK;

/* The same for machines: new references, NULL without memory. */
json_t *trace_to_json(const struct trace *trace);
json_t *diagnosis_to_json(const struct diagnosis *diagnosis);

#endif
