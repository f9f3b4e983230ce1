/*
 * llhttp_rules.h - what is HTTP to us, where llhttp leaves a choice: the same for requests, for production's responses and
 * for the shadow's
 *
 * One program behind production and the shadow must get one judgement: what is
 * lenient with one and strict with the other would call it an error.
 */
#ifndef HTTP_HTTP1_LLHTTP_RULES_H
#define HTTP_HTTP1_LLHTTP_RULES_H

#include <stdbool.h>

#include <llhttp.h>

#include "base/span.h"
#include "http/http1/chunk_line.h"

/*
 * HTTP_READS_BARE_LF - are lines of a head read that end in LF alone? Not by llhttp 9.0 and 9.1, which Ubuntu 24.04 has: to them
 * such a head is malformed
 */
#define HTTP_READS_BARE_LF (LLHTTP_VERSION_MAJOR != 9 || LLHTTP_VERSION_MINOR >= 2)

/** http_rules_set() - after llhttp_init() */
void http_rules_set(llhttp_t *p);

enum response_kind {
	RESPONSE_REFUSED,  /* a status below 100, or a 101 that was not requested: no HTTP, or not any more */
	RESPONSE_INTERIM,  /* 1xx: the final one follows at once, whatever its fields say */
	RESPONSE_BODILESS, /* the fields may have the length of what is not sent (RFC 9112, 6.3) */
	RESPONSE_WITH_BODY,
};

/** response_kind() - of a response whose head is complete; @to_head: the request's method is HEAD */
enum response_kind response_kind(int status, bool to_head);

/**
 * struct response_chunks - the lines before the chunks of a response, which are read by chunk_line.c
 *
 * llhttp has to stop before each: so its user's callbacks call these. Zero: a response begins.
 */
struct response_chunks {
	struct chunk_line line;
	bool in_line, is_last;
};

/** response_chunks_head() - what on_headers_complete is to return that else would return @result */
int response_chunks_head(struct response_chunks *c, const llhttp_t *p, int result);

/** response_chunks_header() - ... on_chunk_header, and response_chunks_complete() on_chunk_complete */
int response_chunks_header(struct response_chunks *c, const llhttp_t *p);
int response_chunks_complete(struct response_chunks *c);

/**
 * response_execute() - give llhttp the bytes of @in; what it took is gone from @in
 * Return: as llhttp_execute(); HPE_PAUSED only where a callback wanted that, and it is resumed already
 */
llhttp_errno_t response_execute(llhttp_t *p, struct response_chunks *c, struct span *in);

#endif
