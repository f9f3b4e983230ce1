/*
 * comparer.c - see comparer.h; which verdict a pair gets, and which way its bodies go
 *
 * Theory of operation: the ladder of comparison.h from the top. First what can
 * be said without bodies: production's response is not whole (then nothing can be
 * said about the shadow's), the shadow failed, another status. Then both bodies
 * are unpacked and classed by content type; those of one class go to the file
 * that knows it, and the worst of what it finds is the verdict.
 *
 *   class    by content type                         compared
 *   JSON     application/json, +json                 json_compare.c
 *   TENSORS  Inference-Header-Content-Length         head as JSON, data by tensor_compare.c
 *   EVENTS   text/event-stream                       joined.c, then as JSON
 *   TEXT     text/, xml and the like                 exactly, and as JSON if both are
 *   BYTES    everything else                         exactly
 *   PROTOBUF a call of gRPC, by its request          grpc_compare.c: as TENSORS or JSON
 *
 * Of a call of gRPC the status that counts is grpc-status, whatever HTTP's is.
 * A type that says nothing (none, application/octet-stream) is JSON if the body
 * begins like it. Where one side has binary tensors and the other JSON, the JSON
 * is read as tensors too.
 *
 * Content codings are no difference, and neither are headers: of these only the
 * class of the type counts. Responses with the same bytes are equal without
 * being compared, but one of them is read: its decisions are decisions that
 * agree, and rates over decisions would be wrong without them. That reading is
 * linear and costs less than half of a comparison. Streams are always read,
 * both of them, since their times differ.
 *
 * Memory: both bodies unpacked, their nodes (1 to 2 bytes for each byte of most JSON, at worst 20), what
 * matching members takes, streams joined. All of that grows with the bodies, so it is charged to a budget of
 * the comparer's own (compare_options.memory), and a pair that has no room in it is too large to compare: a
 * response of many small values takes no more than that. What grows byte for byte (bodies unpacked, streams
 * and texts) is charged before, by its most; nodes and tables as they grow. It is used again by the next
 * pair, but comparer_rest() frees it after a pair with a body above 256 KiB: so what stays between pairs is
 * some megabytes whatever came before, and small responses, of which there are many, allocate nothing.
 *
 * What cannot be read at all on one side makes the pair differ in ENCODING; what
 * this program cannot read (a coding it does not know, a body larger than it
 * unpacks, JSON deeper than it goes) makes it not comparable.
 */
#include "compare/comparer_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compare/grpc/grpc_times.h"

/** room_for_body() - most bytes that a body may unpack to: two buffers take part in it */
static uint64_t room_for_body(const struct comparer *c)
{
	uint64_t left = (c->memory.limit - budget_used(&c->memory)) / 2;

	return left < c->max_body ? left : c->max_body;
}

/** note_times() - of a call with more than one message in its response, on either side */
static void note_times(struct comparer *c, const struct pair *pair)
{
	struct stream_facts p, s;

	if (!grpc_times(pair->production, &c->production.gaps, &p) || !grpc_times(pair->shadow, &c->shadow.gaps, &s) ||
	    (p.events <= 1 && s.events <= 1))
		return;
	c->result.production_stream = p;
	c->result.shadow_stream = s;
}

/** compare_grpc() - the messages of two responses with status OK */
static void compare_grpc(struct comparer *c, const struct pair *pair)
{
	const struct response *p = pair->production, *s = pair->shadow;
	struct grpc_found found;

	c->result.same_bytes = span_equal(span_of(p->body, (size_t)p->body_len), span_of(s->body, (size_t)s->body_len));
	c->is_large = p->body_len > COMPARER_KEPT_BODY || s->body_len > COMPARER_KEPT_BODY;
	grpc_compare(c->grpc, &pair->request->head, p, s, room_for_body(c), &found);
	c->result.kind = found.kind;
	note_times(c, pair);
	if (found.production || found.shadow)
		comparer_cannot_read(c, found.production, found.shadow, found.damaged);
	else if (found.shadow_failed && !found.production_failed)
		comparer_decide(c, COMPARISON_ERROR, "error_event");
	else if (found.production_failed && !found.shadow_failed)
		comparer_decide(c, COMPARISON_STATUS, "error_event");
	else
		comparer_finish(c, found.error);
	if (c->result.verdict == COMPARISON_SCHEMA && found.other_length)
		c->result.reason = "length";
}

/** has_body() - responses to HEAD, 204 and 304 have none, whatever their headers say (RFC 9112, 6.3) */
static bool has_body(const struct pair *pair)
{
	int status = pair->production->status_code;

	return status != 204 && status != 304 &&
	       !(pair->request && span_equal(pair->request->head.method, SPAN_LITERAL("HEAD")));
}

/** unpacked() - what unpacking took: nothing where the body is as it came */
static uint64_t unpacked(const struct body *b)
{
	return b->bytes.at == b->response->body ? 0 : 2 * (uint64_t)b->bytes.len;
}

static void compare_bodies(struct comparer *c, const struct pair *pair)
{
	struct body *production = &c->production.body, *shadow = &c->shadow.body;
	int p = body_read(production, pair->production, room_for_body(c), NULL);
	int s;

	if (!p && !comparer_charge(c, unpacked(production)))
		p = -EFBIG;
	s = body_read(shadow, pair->shadow, room_for_body(c), p ? NULL : production);
	if (!s && shadow->bytes.at != production->bytes.at && !comparer_charge(c, unpacked(shadow)))
		s = -EFBIG;

	c->result.same_bytes = span_equal(span_of(pair->production->body, (size_t)pair->production->body_len),
					  span_of(pair->shadow->body, (size_t)pair->shadow->body_len));
	c->is_large = p || s || production->bytes.len > COMPARER_KEPT_BODY || shadow->bytes.len > COMPARER_KEPT_BODY;
	if (p || s)
		comparer_cannot_read(c, p, s, "damaged");
	else
		comparer_kinds(c, production->kind, shadow->kind);
}

/* ---- the door ---- */

static void side_deinit(struct side *side)
{
	body_deinit(&side->body);
	json_doc_deinit(&side->doc);
	tensors_deinit(&side->tensors);
	joined_deinit(&side->joined);
	buffer_deinit(&side->text);
	buffer_deinit(&side->gaps);
}

/** give_back() - all that was kept for the next pair, and what this one was charged */
static void give_back(struct comparer *c)
{
	side_deinit(&c->production);
	side_deinit(&c->shadow);
	asked_rest(&c->asked);
	json_comparer_rest(c->json);
	grpc_comparer_rest(c->grpc);
	budget_release(&c->memory, c->charged);
	c->charged = 0;
	c->is_large = false;
}

/** note_production() - the times of production's stream where nothing is compared: the shadow failed, and it did not */
static void note_production(struct comparer *c, const struct pair *pair)
{
	struct body *body = &c->production.body;
	struct stream_facts facts;

	if (!response_is_whole(pair->production) || pair->production->status_code >= 400)
		return;
	if (pair_is_grpc(pair)) {
		if (grpc_times(pair->production, &c->production.gaps, &facts) && facts.events > 1)
			c->result.production_stream = facts;
		return;
	}
	if (!has_body(pair) || pair->production->arrival_count == 0 || body_read(body, pair->production, room_for_body(c), NULL))
		return;
	c->is_large = body->bytes.len > COMPARER_KEPT_BODY;
	if (body->kind == BODY_EVENTS && comparer_charge(c, unpacked(body)) && comparer_charge(c, 3 * (uint64_t)body->bytes.len) &&
	    joined_read(&c->production.joined, body->bytes, pair->production) == 0)
		c->result.production_stream = c->production.joined.facts;
}

static void run_once(struct comparer *c, const struct pair *pair)
{
	const struct stream_facts no_stream = { .first_token_us = -1 };

	c->result = (struct comparison){ .verdict = COMPARISON_EQUAL,
					 .production_stream = no_stream,
					 .shadow_stream = no_stream };
	collector_clear(c->collector);
	asked_begin(&c->asked, pair->request);
	c->logprobs = LOGPROBS_NOTHING;
	c->result.findings = collector_findings(c->collector);
	budget_release(&c->memory, c->charged);
	c->charged = 0;
	if (!comparer_without_bodies(c, pair)) {
		c->result.same_bytes = true;
		if (pair_is_grpc(pair))
			compare_grpc(c, pair);
		else if (has_body(pair))
			compare_bodies(c, pair);
	} else {
		note_production(c, pair);
	}
}

/** is_too_large() - was there no room for this pair? */
static bool is_too_large(const struct comparison *r)
{
	return r->verdict == COMPARISON_NOT_COMPARABLE && r->reason &&
	       (strcmp(r->reason, "too_large") == 0 || strcmp(r->reason, "shadow_too_large") == 0);
}

const struct comparison *comparer_run(struct comparer *c, const struct pair *pair)
{
	bool kept = budget_used(&c->memory) > c->charged;

	run_once(c, pair);
	if (kept && is_too_large(&c->result)) { /* not for what earlier pairs left behind */
		give_back(c);
		run_once(c, pair);
	}
	return &c->result;
}

/** side_init() - what grows with a body is charged to the comparer's budget */
static void side_init(struct comparer *c, struct side *side)
{
	side->doc.memory = side->tensors.memory = side->joined.memory = &c->memory;
}

int comparer_new(const struct compare_options *options, struct comparer **out, struct buffer *error)
{
	struct path_rules_options rules = {
		.tolerance = { options->rtol, options->atol },
		.preset = options->preset,
		.text = options->rules,
		.name = options->rules_name,
		.ignore = options->ignore,
		.ignore_count = options->ignore_count,
		.unordered = options->unordered,
		.unordered_count = options->unordered_count,
	};
	struct comparer *c = calloc(1, sizeof(*c));
	struct grpc_tools tools;
	int err = -ENOMEM;

	*out = NULL;
	if (!c)
		return err;
	c->max_body = options->max_body;
	budget_init(&c->memory, options->memory ? options->memory : SIZE_MAX);
	side_init(c, &c->production);
	side_init(c, &c->shadow);
	c->asked.doc.memory = c->asked.text.memory = &c->memory;
	err = path_rules_new(&rules, &c->rules, error);
	if (!err && options->proto_count > 0)
		err = proto_set_new(options->protos, options->proto_count, &c->types, error);
	if (err)
		goto fail;
	err = -ENOMEM;
	c->json = json_comparer_new(c->rules, &c->memory);
	c->collector = collector_new();
	c->digest = digest_new();
	if (!c->json || !c->collector || !c->digest)
		goto fail;
	tools = (struct grpc_tools){ c->json, c->collector, c->rules, c->digest, &c->memory, c->types };
	c->grpc = grpc_comparer_new(&tools);
	if (!c->grpc)
		goto fail;
	*out = c;
	return 0;
fail:
	comparer_free(c);
	return err;
}

void comparer_unmatched(const struct comparer *c, struct buffer *out)
{
	path_rules_unmatched(c->rules, out);
}

void comparer_rest(struct comparer *c)
{
	if (c->is_large || c->asked.doc.text.len > COMPARER_KEPT_BODY)
		give_back(c);
}

void comparer_free(struct comparer *c)
{
	if (!c)
		return;
	side_deinit(&c->production);
	side_deinit(&c->shadow);
	asked_rest(&c->asked);
	free(c->edits);
	grpc_comparer_free(c->grpc);
	proto_set_free(c->types);
	digest_free(c->digest);
	collector_free(c->collector);
	json_comparer_free(c->json);
	path_rules_free(c->rules);
	free(c);
}
