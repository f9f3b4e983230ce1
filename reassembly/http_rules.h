/*
 * http_rules.h - what is HTTP to us, where llhttp leaves a choice: the same for requests, for production's responses and
 * for the shadow's
 *
 * One program behind production and the shadow must get one judgement: what is
 * lenient with one and strict with the other would call it an error.
 */
#ifndef REASSEMBLY_HTTP_RULES_H
#define REASSEMBLY_HTTP_RULES_H

#include <stdbool.h>

#include <llhttp.h>

/** http_rules_set() - after llhttp_init() */
void http_rules_set(llhttp_t *p);

enum response_kind {
	RESPONSE_REFUSED,  /* a status below 100, or a 101 that nobody asked for: no HTTP, or not any more */
	RESPONSE_INTERIM,  /* 1xx: the final one follows at once, whatever its fields say */
	RESPONSE_BODILESS, /* the fields may have the length of what is not sent (RFC 9112, 6.3) */
	RESPONSE_WITH_BODY,
};

/** response_kind() - of a response whose head is complete; @to_head: the request's method is HEAD */
enum response_kind response_kind(int status, bool to_head);

#endif
