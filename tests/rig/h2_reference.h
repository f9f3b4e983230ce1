/*
 * h2_reference.h - what was really sent: a slow and obvious reading of both directions of an HTTP/2 connection
 *
 * From RFC 9113 and nothing else of ours; header blocks are nghttp2's work. It takes whole directions, from the
 * preface to the end, and has no limits but memory.
 *
 * Some things are not decided by the protocol, or by which packet was captured first: a request whose
 * answer ended before the request did, or that the client went on with where it must not. What is made of
 * these is H2_EITHER: it may be told, as it is here, or be lost.
 */
#ifndef TESTS_RIG_H2_REFERENCE_H
#define TESTS_RIG_H2_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "tests/rig/h2_script.h"

enum h2_fate {
	H2_COMPLETE, /* it must be told */
	H2_LOST,     /* it must not */
	H2_EITHER,
	H2_TUNNEL, /* CONNECT: no request */
};

/** enum h2_answered - how far the server's answer to a request came */
enum h2_answered { H2_ANSWER_NONE,
		   H2_ANSWER_PART,
		   H2_ANSWER_WHOLE,
		   H2_ANSWER_BAD };

/** struct h2_request - one stream of the client; fields as lines "name: value\n" */
struct h2_request {
	uint32_t stream;
	enum h2_fate fate;
	const char *why; /* if not complete; a word */
	struct buffer method, target, authority, fields, body, trailers;
	size_t field_count;
	uint32_t messages; /* of a gRPC body, as far as it can be read */
	bool is_grpc, has_host, ended;
	size_t begun_at, ended_at; /* number of the script's run */

	enum h2_answered answered;
	int status;
	struct buffer answer_fields, answer_body, answer_trailers;
	size_t answer_ended_at;
	bool reset; /* by either side */
};

struct h2_truth {
	struct h2_request *at;
	size_t count, cap;
	bool preface;       /* the client's bytes begin with it */
	bool broken[SIDES]; /* a connection error: what follows has no meaning */
	size_t pushed;
};

/** h2_reference() - read a script; to be freed with h2_truth_free() */
struct h2_truth h2_reference(const struct h2_script *s);
void h2_truth_free(struct h2_truth *t);

/** h2_request_text() - "METHOD target\n", the fields with the host that stands for :authority first, "\n", the body */
void h2_request_text(const struct h2_request *r, struct buffer *out);

/** h2_answer_text() - "status\n", fields, "\n", body, "\n", trailers */
void h2_answer_text(const struct h2_request *r, struct buffer *out);

#endif
