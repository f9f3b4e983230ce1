/*
 * comparer_impl.h - one comparer, for the files that share the work
 *
 *   comparer.c        the door: a pair in, a verdict out; memory
 *   comparer_status.c what can be said of a pair without its bodies
 *   comparer_bodies.c two bodies that were read, by their kinds
 */
#ifndef COMPARE_COMPARER_IMPL_H
#define COMPARE_COMPARER_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/buffer.h"
#include "base/digest.h"
#include "base/json_doc.h"
#include "compare/body.h"
#include "compare/comparer.h"
#include "compare/findings.h"
#include "compare/grpc/grpc_compare.h"
#include "compare/json/json_compare.h"
#include "compare/replies/asked.h"
#include "compare/replies/joined.h"
#include "compare/replies/logprobs.h"
#include "compare/replies/text_edits.h"
#include "compare/rules/path_rules.h"
#include "compare/tensors/tensors.h"

/** struct side - one of the two responses, and what was made of its body */
struct side {
	struct body body;
	struct json_doc doc;
	struct tensors tensors;
	struct joined joined;
	struct buffer text; /* generated */
	struct buffer gaps; /* between messages of gRPC */
};

struct comparer {
	uint64_t max_body;
	struct path_rules *rules;
	struct json_comparer *json;
	struct collector *collector;
	struct digest *digest;
	struct proto_set *types;
	struct grpc_comparer *grpc;
	struct side production, shadow;
	struct asked asked; /* by the request of this pair */
	enum logprobs_say logprobs;
	struct text_edits *edits; /* NULL before the first texts that differ */
	struct budget memory;
	size_t charged; /* of it, before it was taken, for this pair */
	bool is_large;  /* a body of this pair was larger than what is kept room for */
	struct comparison result;
};

static inline void comparer_decide(struct comparer *c, enum comparison_verdict verdict, const char *reason)
{
	c->result.verdict = verdict;
	c->result.reason = reason;
}

static inline void comparer_gives_up(struct comparer *c, const char *reason)
{
	comparer_decide(c, COMPARISON_NOT_COMPARABLE, reason);
}

static inline bool pair_is_grpc(const struct pair *pair)
{
	return pair->request && pair->request->head.is_grpc;
}

static inline bool response_is_whole(const struct response *r)
{
	return r && r->result == RESPONSE_WHOLE;
}

/* comparer_status.c */

/** comparer_without_bodies() - the rungs of the ladder that need none; false: the bodies have to be looked at */
bool comparer_without_bodies(struct comparer *c, const struct pair *pair);

/* comparer_bodies.c */

/** comparer_charge() - @n bytes more, until the next pair; false: there is no room */
bool comparer_charge(struct comparer *c, uint64_t n);

/**
 * comparer_cannot_read() - what follows if reading gave @p on production's side and @s on the shadow's
 * @p, @s:    0 or a negative errno, of which one is an error
 * @damaged:  the word for what -EBADMSG and -EINVAL mean here
 */
void comparer_cannot_read(struct comparer *c, int p, int s, const char *damaged);

/** comparer_finish() - the verdict from what was collected; @err: 0, or what was missing for it: -EFBIG, -ENOMEM */
void comparer_finish(struct comparer *c, int err);

/** comparer_kinds() - two bodies that were read, of kinds @p and @s */
void comparer_kinds(struct comparer *c, enum body_kind p, enum body_kind s);

#endif
