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
#include "compare/comparer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/json_doc.h"
#include "compare/replies/asked.h"
#include "compare/body.h"
#include "compare/findings.h"
#include "compare/replies/generated.h"
#include "compare/grpc/grpc_compare.h"
#include "compare/grpc/grpc_times.h"
#include "compare/replies/joined.h"
#include "compare/json/json_compare.h"
#include "compare/replies/logprobs.h"
#include "compare/rules/path_rules.h"
#include "compare/replies/reply.h"
#include "compare/tensors/tensor_compare.h"
#include "compare/replies/text.h"
#include "compare/replies/text_edits.h"

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

/* ---- verdicts ---- */

static void decide(struct comparer *c, enum comparison_verdict verdict, const char *reason)
{
	c->result.verdict = verdict;
	c->result.reason = reason;
}

static void not_comparable(struct comparer *c, const char *reason)
{
	decide(c, COMPARISON_NOT_COMPARABLE, reason);
}

/** shadow_result() - why the shadow's response is not there although it answered */
static const char *shadow_result(enum response_result result)
{
	static const char *const names[] = {
#define X(id, name) [RESPONSE_##id] = "shadow_" name,
		RESPONSE_RESULTS(X)
#undef X
	};

	return names[result];
}

static bool is_whole(const struct response *r)
{
	return r && r->result == RESPONSE_WHOLE;
}

/** failure_of() - the name of how the exchange failed; NULL if it did not */
static const char *failure_of(const struct outcome *o)
{
	static const char *const names[] = {
#define X(id, group, name, reason) [OUTCOME_##id] = name,
		OUTCOMES(X)
#undef X
	};

	switch (o->kind) {
	case OUTCOME_FAILED_TIMEOUT:
	case OUTCOME_FAILED_CONNECT:
	case OUTCOME_FAILED_DNS:
	case OUTCOME_FAILED_TLS:
	case OUTCOME_FAILED_RESET:
	case OUTCOME_FAILED_PROTOCOL:
	case OUTCOME_FAILED_REFUSED:
	case OUTCOME_FAILED_GOAWAY:
	case OUTCOME_FAILED_STREAM_RESET:
		return names[o->kind];
	case OUTCOME_ANSWERED_2XX:
	case OUTCOME_ANSWERED_3XX:
	case OUTCOME_ANSWERED_4XX:
	case OUTCOME_ANSWERED_5XX:
	case OUTCOME_FAILED_STALE: /* of our connection, not of the shadow's response */
	case OUTCOME_CANCELLED_AT_EXIT:
	case OUTCOME_COUNT:
		break;
	}
	return NULL;
}

static bool is_grpc(const struct pair *pair)
{
	return pair->request && pair->request->head.is_grpc;
}

/** show_status() - "OK", or "UNAVAILABLE: what the server says of it" */
static void show_status(char out[FINDING_TEXT], enum grpc_status status, struct span message)
{
	char text[2 * FINDING_TEXT];
	int len = snprintf(text, sizeof(text), "%s%s%.*s", grpc_status_name(status), message.len > 0 ? ": " : "",
			   message.len < FINDING_TEXT ? (int)message.len : FINDING_TEXT, (const char *)message.at);

	finding_text(out, span_of(text, (size_t)len));
}

/** add_statuses() - for the record; words of the same error are told and not compared */
static void add_statuses(struct comparer *c, enum grpc_status production, struct span production_says,
			 enum grpc_status shadow, struct span shadow_says)
{
	struct finding *f;

	collector_enter_key(c->collector, SPAN_LITERAL("grpc-status"), false);
	f = production == shadow ? collector_add_ignored(c->collector, "grpc-message") : collector_add(c->collector, DIFFERENCE_VALUE);
	collector_leave(c->collector);
	if (f) {
		show_status(f->production, production, production_says);
		show_status(f->shadow, shadow, shadow_says);
	}
	c->result.findings = collector_findings(c->collector);
}

/** compare_statuses() - of a call of gRPC; false: both are OK, and what they say counts */
static bool compare_statuses(struct comparer *c, const struct response *p, const struct response *s)
{
	struct span production_says, shadow_says;
	enum grpc_status production = grpc_reply_status(p, &production_says), shadow = grpc_reply_status(s, &shadow_says);

	if (production == GRPC_STATUS_NONE || shadow == GRPC_STATUS_NONE) {
		not_comparable(c, "status_unseen");
		return true;
	}
	if (production == shadow && production == GRPC_OK)
		return false;
	if (production != shadow)
		decide(c, COMPARISON_STATUS, "grpc");
	else if (!span_equal(production_says, shadow_says))
		decide(c, COMPARISON_CLOSE, REASON_IGNORED);
	if (c->result.verdict != COMPARISON_EQUAL)
		add_statuses(c, production, production_says, shadow, shadow_says);
	return true;
}

/** without_bodies() - the rungs of the ladder that need none; false: the bodies have to be looked at */
static bool without_bodies(struct comparer *c, const struct pair *pair)
{
	const struct response *p = pair->production, *s = pair->shadow;

	if (!is_whole(p))
		not_comparable(c, response_result_name(p ? p->result : RESPONSE_UNSEEN));
	else if (pair->outcome->kind == OUTCOME_CANCELLED_AT_EXIT)
		not_comparable(c, "cancelled_at_exit");
	else if (pair->outcome->kind == OUTCOME_FAILED_STALE)
		not_comparable(c, "stale");
	else if (failure_of(pair->outcome))
		decide(c, COMPARISON_ERROR, failure_of(pair->outcome));
	else if (!is_whole(s))
		not_comparable(c, shadow_result(s ? s->result : RESPONSE_UNSEEN));
	else if (is_grpc(pair))
		return compare_statuses(c, p, s);
	else if (p->status_code != s->status_code)
		decide(c, COMPARISON_STATUS, p->status_code / 100 != s->status_code / 100 ? "class" : "code");
	else
		return false;
	return true;
}

/* ---- reading bodies ---- */

/** charge() - @n bytes more, until the next pair; false: there is no room */
static bool charge(struct comparer *c, uint64_t n)
{
	if (n > SIZE_MAX || !budget_charge(&c->memory, (size_t)n))
		return false;
	c->charged += (size_t)n;
	return true;
}

/*
 * cannot_read() - what follows if reading gave @p on production's side and @s on
 * the shadow's, of which one is an error; @damaged: the word for what -EBADMSG
 * and -EINVAL mean here.
 */
static void cannot_read(struct comparer *c, int p, int s, const char *damaged)
{
	if (p == -ENOMEM || s == -ENOMEM)
		not_comparable(c, "memory");
	else if (p == -ENOTSUP || s == -ENOTSUP)
		not_comparable(c, "unknown_coding");
	else if (p == -E2BIG || s == -E2BIG)
		not_comparable(c, "too_deep");
	else if (p == -EFBIG)
		not_comparable(c, "too_large");
	else if (s == -EFBIG)
		not_comparable(c, "shadow_too_large");
	else if (p && s)
		not_comparable(c, damaged);
	else
		decide(c, COMPARISON_ENCODING, damaged);
}

/** nesting_of() - how deep the brackets of a text go, up to one more than is allowed; strings are stepped over */
static unsigned nesting_of(struct span text)
{
	unsigned depth = 0, most = 0;
	bool in_string = false;

	for (size_t i = 0; i < text.len && most <= JSON_DEPTH_MAX; i++) {
		uint8_t b = text.at[i];

		if (in_string && b == '\\')
			i++;
		else if (b == '"')
			in_string = !in_string;
		else if (!in_string && (b == '[' || b == '{') && ++depth > most)
			most = depth;
		else if (!in_string && (b == ']' || b == '}') && depth > 0)
			depth--;
	}
	return most;
}

/** parse() - 0, -EINVAL (no JSON), -E2BIG (deeper than we go), -EFBIG, -ENOMEM */
static int parse(struct json_doc *d, struct span text)
{
	int err = json_doc_parse(d, text);

	if (err == -EINVAL &&
	    nesting_of(span_of(text.at, d->error_at < text.len ? d->error_at + 1 : text.len)) > JSON_DEPTH_MAX)
		return -E2BIG;
	return err;
}

/* ---- comparing bodies ---- */

/** count_edits() - without the memory for it nothing is counted */
static void count_edits(struct comparer *c, struct span production, struct span shadow)
{
	if (!c->edits)
		c->edits = calloc(1, sizeof(*c->edits));
	c->result.edits_of = 0;
	if (c->edits)
		c->result.edits = text_edits(c->edits, production, shadow, &c->result.edits_of);
}

/** note_generated() - are both the words of a language model? False: no memory. And if one is, what did they decide? */
static bool note_generated(struct comparer *c, const struct json_doc *production, const struct json_doc *shadow)
{
	bool production_says, shadow_says;
	struct span p, s;

	buffer_clear(&c->production.text);
	buffer_clear(&c->shadow.text);
	production_says = generated_text(production, &c->production.text);
	shadow_says = generated_text(shadow, &c->shadow.text);
	if (production != shadow &&
	    (production_says || shadow_says || reply_has_calls(production) || reply_has_calls(shadow)))
		c->result.reply = reply_compare(c->json, &c->asked, production, shadow, c->collector);
	if (!production_says || !shadow_says)
		return true;
	p = buffer_span(&c->production.text);
	s = buffer_span(&c->shadow.text);
	c->result.generated = true;
	c->result.common_prefix = text_common_prefix(p, s);
	c->result.production_len = p.len;
	c->result.shadow_len = s.len;
	c->result.production_text = p;
	c->result.shadow_text = s;
	c->result.edits_of = p.len;
	if (production != shadow && !span_equal(p, s)) {
		c->logprobs = logprobs_compare(production, shadow);
		count_edits(c, p, s);
	}
	return buffer_ok(&c->production.text) && buffer_ok(&c->shadow.text);
}

/** conclude_words() - only the words of a language model differ, and what follows from them */
static void conclude_words(struct comparer *c)
{
	struct comparison *r = &c->result;

	r->verdict = c->logprobs == LOGPROBS_CLOSE ? COMPARISON_CLOSE : COMPARISON_VALUE;
	if (c->logprobs == LOGPROBS_APART && asked_for_the_likeliest(&c->asked))
		r->generated = false; /* no lot explains it, and no rounding */
	if (c->logprobs == LOGPROBS_CLOSE || !r->generated)
		r->reason = "logprobs";
}

/** output_reason() - the kind of output that alone made the verdict; NULL: there are other differences of its kind */
static const char *output_reason(const struct comparer *c)
{
	switch (c->result.verdict) {
	case COMPARISON_DECISION:
		return collector_reason(c->collector, DIFFERENCE_DECISION);
	case COMPARISON_VALUE:
		return collector_reason(c->collector, DIFFERENCE_VALUE);
	case COMPARISON_CLOSE:
		return collector_reason(c->collector, DIFFERENCE_CLOSE);
	default:
		return NULL;
	}
}

/** conclude() - the verdict from what was collected */
static void conclude(struct comparer *c)
{
	struct comparison *r = &c->result;

	r->findings = collector_findings(c->collector);
	r->verdict = collector_verdict(c->collector);
	if (r->reply != REPLY_ALIKE && generated_decided(&r->findings))
		r->verdict = COMPARISON_DECISION; /* what has another shape follows from it */
	if (r->reply != REPLY_ALIKE && r->verdict == COMPARISON_DECISION) {
		r->reason = reply_difference_name(r->reply);
		return;
	}
	if (r->verdict == COMPARISON_CLOSE && !collector_has(c->collector, DIFFERENCE_CLOSE))
		r->reason = REASON_IGNORED;
	else
		r->reason = output_reason(c);
	if (!r->generated || r->verdict >= COMPARISON_CLOSE)
		return;
	/* Of the same words nothing can be a consequence: then it is something else that differs. */
	r->generated = !span_equal(buffer_span(&c->production.text), buffer_span(&c->shadow.text)) &&
		       generated_explains(&r->findings);
	if (r->generated)
		conclude_words(c);
}

/** compare_docs() - two JSON texts; -EINVAL: one cannot be read, and @p and @s are the errors of parse(); or -ENOMEM */
static int compare_docs(struct comparer *c, struct span production, struct span shadow, int *p, int *s)
{
	const struct json_doc *other = &c->shadow.doc;
	int err;

	*s = 0;
	*p = charge(c, (uint64_t)production.len + shadow.len) ? 0 : -EFBIG; /* their texts, without escapes */
	if (*p)
		return -EFBIG;
	*p = parse(&c->production.doc, production);
	*s = *p;
	if (span_equal(production, shadow))
		other = &c->production.doc;
	else
		*s = parse(&c->shadow.doc, shadow);
	if (*p || *s)
		return -EINVAL;
	err = json_compare(c->json, &c->production.doc, other, c->collector);
	if (!err && !note_generated(c, &c->production.doc, other))
		err = -ENOMEM;
	if (!err && c->asked.is_short)
		err = -EFBIG;
	return err;
}

/** finish() - after all was compared, or memory was not enough for it */
static void finish(struct comparer *c, int err)
{
	if (err == -EFBIG)
		not_comparable(c, "too_large");
	else if (err || !collector_ok(c->collector))
		not_comparable(c, "memory");
	else
		conclude(c);
}

static void compare_text(struct comparer *c)
{
	struct span p = c->production.body.bytes, s = c->shadow.body.bytes;

	c->result.kind = BODY_TEXT;
	c->result.common_prefix = text_common_prefix(p, s);
	c->result.production_len = p.len;
	c->result.shadow_len = s.len;
	c->result.production_text = p;
	c->result.shadow_text = s;
	text_compare(c->collector, p, s);
	finish(c, 0);
}

static void compare_bytes(struct comparer *c)
{
	c->result.kind = BODY_BYTES;
	finish(c, bytes_compare(c->collector, c->digest, c->production.body.bytes, c->shadow.body.bytes));
}

static void compare_json(struct comparer *c)
{
	int p, s, err = compare_docs(c, c->production.body.bytes, c->shadow.body.bytes, &p, &s);

	c->result.kind = BODY_JSON;
	if (p == -EINVAL && s == -EINVAL) /* whatever they call it, it is no JSON on either side */
		compare_text(c);
	else if (p || s)
		cannot_read(c, p, s, "not_json");
	else
		finish(c, err);
}

/** compare_text_or_json() - many services send JSON with a type of text that their framework chose */
static void compare_text_or_json(struct comparer *c)
{
	int p = -EINVAL, s = -EINVAL;

	if (begins_like_json(c->production.body.bytes) && begins_like_json(c->shadow.body.bytes)) {
		p = json_doc_parse(&c->production.doc, c->production.body.bytes);
		s = json_doc_parse(&c->shadow.doc, c->shadow.body.bytes);
	}
	if (p == -EFBIG || s == -EFBIG)
		cannot_read(c, p, s, "not_json");
	else if (p == 0 && s == 0)
		compare_json(c);
	else
		compare_text(c);
}

/** compare_joined() - two streams that were read */
static void compare_joined(struct comparer *c)
{
	const struct joined *production = &c->production.joined, *shadow = &c->shadow.joined;
	int p, s, err;

	c->result.production_stream = production->facts;
	c->result.shadow_stream = shadow->facts;
	if (shadow->error && !production->error) {
		decide(c, COMPARISON_ERROR, "error_event");
		return;
	}
	if (production->error && !shadow->error) {
		decide(c, COMPARISON_STATUS, "error_event");
		return;
	}
	err = compare_docs(c, buffer_span(&production->text), buffer_span(&shadow->text), &p, &s);
	if (p || s)
		cannot_read(c, p, s, "too_deep"); /* or too large */
	else
		finish(c, err);
}

static void compare_events(struct comparer *c)
{
	struct body *production = &c->production.body, *shadow = &c->shadow.body;
	int p, s;

	c->result.kind = BODY_EVENTS;
	/* of each: the event at hand, the joints, the document */
	if (!charge(c, 3 * ((uint64_t)production->bytes.len + shadow->bytes.len))) {
		not_comparable(c, "too_large");
		return;
	}
	p = joined_read(&c->production.joined, production->bytes, production->response);
	s = joined_read(&c->shadow.joined, shadow->bytes, shadow->response);
	if (p || s)
		cannot_read(c, p, s, "memory");
	else
		compare_joined(c);
}

/** compare_frames() - what is not data in two V2 responses */
static int compare_frames(struct comparer *c)
{
	bool moved = tensors_align(&c->shadow.tensors, &c->production.tensors);
	struct span p, s;
	int err;

	if (!charge(c, c->production.body.head_len + c->shadow.body.head_len))
		return -EFBIG;
	if (!tensors_frame(&c->production.tensors, &p) || !tensors_frame(&c->shadow.tensors, &s))
		return -ENOMEM;
	err = parse(&c->production.doc, p);
	if (!err)
		err = parse(&c->shadow.doc, s);
	if (!err && moved) {
		collector_enter_key(c->collector, SPAN_LITERAL("outputs"), false);
		collector_add(c->collector, DIFFERENCE_ORDER);
		collector_leave(c->collector);
	}
	return err ? err : json_compare(c->json, &c->production.doc, &c->shadow.doc, c->collector);
}

static void compare_tensors(struct comparer *c)
{
	int p = tensors_read(&c->production.tensors, c->production.body.bytes, c->production.body.head_len);
	int s = tensors_read(&c->shadow.tensors, c->shadow.body.bytes, c->shadow.body.head_len), err;

	c->result.kind = BODY_TENSORS;
	if (p == -EINVAL && s == -EINVAL && span_equal(c->production.body.bytes, c->shadow.body.bytes)) {
		finish(c, 0);
	} else if (p || s) {
		cannot_read(c, p, s, "not_tensors");
	} else {
		err = compare_frames(c);
		if (!err)
			err = tensors_compare(c->collector, c->rules, &c->production.tensors,
					      &c->shadow.tensors);
		finish(c, err);
	}
}

/** compare_kinds() - two bodies that were read, of kinds @p and @s */
static void compare_kinds(struct comparer *c, enum body_kind p, enum body_kind s)
{
	if ((p == BODY_TENSORS && s == BODY_JSON) || (p == BODY_JSON && s == BODY_TENSORS))
		p = s = BODY_TENSORS;
	c->result.kind = p == BODY_NONE ? s : p;
	if (p != s) {
		decide(c, COMPARISON_ENCODING,
		       p == BODY_NONE || s == BODY_NONE ? "empty_body" : "content_type");
		return;
	}
	switch (p) {
	case BODY_NONE:
		finish(c, 0);
		break;
	case BODY_JSON:
		compare_json(c);
		break;
	case BODY_TENSORS:
		compare_tensors(c);
		break;
	case BODY_EVENTS:
		compare_events(c);
		break;
	case BODY_TEXT:
		compare_text_or_json(c);
		break;
	case BODY_BYTES:
	case BODY_PROTOBUF: /* not of a content type */
	case BODY_KIND_COUNT:
		compare_bytes(c);
		break;
	}
}

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
		cannot_read(c, found.production, found.shadow, found.damaged);
	else if (found.shadow_failed && !found.production_failed)
		decide(c, COMPARISON_ERROR, "error_event");
	else if (found.production_failed && !found.shadow_failed)
		decide(c, COMPARISON_STATUS, "error_event");
	else
		finish(c, found.error);
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

	if (!p && !charge(c, unpacked(production)))
		p = -EFBIG;
	s = body_read(shadow, pair->shadow, room_for_body(c), p ? NULL : production);
	if (!s && shadow->bytes.at != production->bytes.at && !charge(c, unpacked(shadow)))
		s = -EFBIG;

	c->result.same_bytes = span_equal(span_of(pair->production->body, (size_t)pair->production->body_len),
					  span_of(pair->shadow->body, (size_t)pair->shadow->body_len));
	c->is_large = p || s || production->bytes.len > COMPARER_KEPT_BODY || shadow->bytes.len > COMPARER_KEPT_BODY;
	if (p || s)
		cannot_read(c, p, s, "damaged");
	else
		compare_kinds(c, production->kind, shadow->kind);
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

	if (!is_whole(pair->production) || pair->production->status_code >= 400)
		return;
	if (is_grpc(pair)) {
		if (grpc_times(pair->production, &c->production.gaps, &facts) && facts.events > 1)
			c->result.production_stream = facts;
		return;
	}
	if (!has_body(pair) || pair->production->arrival_count == 0 || body_read(body, pair->production, room_for_body(c), NULL))
		return;
	c->is_large = body->bytes.len > COMPARER_KEPT_BODY;
	if (body->kind == BODY_EVENTS && charge(c, unpacked(body)) && charge(c, 3 * (uint64_t)body->bytes.len) &&
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
	if (!without_bodies(c, pair)) {
		c->result.same_bytes = true;
		if (is_grpc(pair))
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
