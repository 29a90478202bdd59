#ifndef SHIKAKU_API_RESPOND_H
#define SHIKAKU_API_RESPOND_H

#include <jansson.h>

#include "domain/reason.h"
#include "http/message.h"
#include "service/centre.h"

/* Answers that endpoints have in common. */

#define JSON_TYPE "application/json"
#define PROBLEM_TYPE "application/problem+json"

/* Body as given, as a success or, where refused, as the problem of that reason; with Retry-After where the
 * catalogue has one. An empty body of a refusal is filled in. */
void respond_outcome(struct http_request *request, bool refused, enum reason reason, struct bytes body);
/* A problem that nobody recorded: the request never became one. member may be NULL. */
void respond_problem(struct http_request *request, enum reason reason, const char *member);
/* 200 with this object, which is given away; NULL answers internal. */
void respond_json(struct http_request *request, json_t *object);
/* The body of the problem of this reason, appended: the encoder of refusals that are recorded. member: a JSON
 * pointer without its first '/', or NULL. */
enum status encode_problem(enum reason reason, const char *member, struct buffer *out) MUST_CHECK;

/* Who calls. REASON_NONE, machine_certificate_missing, or caller_not_allowed for another kind than wanted. */
enum reason caller_of(const struct http_request *request, enum machine_kind wanted, struct caller *out);

#endif
