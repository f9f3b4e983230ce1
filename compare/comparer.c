/*
 * comparer.c - see comparer.h; which verdict a pair gets, and which way its bodies go
 *
 * Theory of operation: the ladder of comparison.h from the top. First what can
 * be said without bodies: production's answer is not whole (then nothing can be
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
 *
 * A type that says nothing (none, application/octet-stream) is JSON if the body
 * begins like it. Where one side has binary tensors and the other JSON, the JSON
 * is read as tensors too.
 *
 * Content codings are no difference, and neither are headers: of these only the
 * class of the type counts. Answers with the same bytes are equal without being
 * compared, but one of them is read: its decisions are decisions that agree, and
 * rates over decisions would be wrong without them. That reading is linear and
 * costs less than half of a comparison. Streams are always read, both of them,
 * since their times differ.
 *
 * What cannot be read at all on one side makes the pair differ in ENCODING; what
 * this program cannot read (a coding it does not know, a body larger than it
 * unpacks, JSON deeper than it goes) makes it not comparable.
 */
#include "compare/comparer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/json_doc.h"
#include "compare/findings.h"
#include "compare/generated.h"
#include "compare/inflate.h"
#include "compare/joined.h"
#include "compare/json_compare.h"
#include "compare/path_rules.h"
#include "compare/tensor_compare.h"
#include "compare/text.h"

/** struct side - one of the two answers, and what was made of its body */
struct side {
	const struct response *answer;
	struct span type; /* media type, without parameters */
	struct span body; /* unpacked; borrowed from the answer or from @inflater */
	enum body_kind kind;
	uint64_t head_len; /* of tensors */
	struct inflater inflater;
	struct buffer codings;
	struct json_doc doc;
	struct tensors tensors;
	struct joined joined;
	struct buffer text; /* generated */
};

struct comparer {
	uint64_t max_body;
	struct path_rules *rules;
	struct json_comparer *json;
	struct collector *collector;
	struct digest *digest;
	struct side production, shadow;
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

/** shadow_fate() - why the shadow's answer is not there although it answered */
static const char *shadow_fate(enum response_fate fate)
{
	static const char *const names[] = {
#define X(id, name) [RESPONSE_##id] = "shadow_" name,
		RESPONSE_FATES(X)
#undef X
	};

	return names[fate];
}

static bool is_whole(const struct response *r)
{
	return r && r->fate == RESPONSE_WHOLE;
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
		return names[o->kind];
	case OUTCOME_ANSWERED_2XX:
	case OUTCOME_ANSWERED_3XX:
	case OUTCOME_ANSWERED_4XX:
	case OUTCOME_ANSWERED_5XX:
	case OUTCOME_CANCELLED_AT_EXIT:
	case OUTCOME_COUNT:
		break;
	}
	return NULL;
}

/** without_bodies() - the rungs of the ladder that need none; false: the bodies have to be looked at */
static bool without_bodies(struct comparer *c, const struct pair *pair)
{
	const struct response *p = pair->production, *s = pair->shadow;

	if (!is_whole(p))
		not_comparable(c, response_fate_name(p ? p->fate : RESPONSE_UNSEEN));
	else if (pair->outcome->kind == OUTCOME_CANCELLED_AT_EXIT)
		not_comparable(c, "cancelled_at_exit");
	else if (failure_of(pair->outcome))
		decide(c, COMPARISON_ERROR, failure_of(pair->outcome));
	else if (!is_whole(s))
		not_comparable(c, shadow_fate(s ? s->fate : RESPONSE_UNSEEN));
	else if (p->status_code != s->status_code)
		decide(c, COMPARISON_STATUS, p->status_code / 100 != s->status_code / 100 ? "class" : "code");
	else
		return false;
	return true;
}

/* ---- what kind of body ---- */

static const struct span *header_of(const struct side *side, const char *name)
{
	return response_header(side->answer, span_str(name));
}

/** media_type() - the value of Content-Type up to its parameters */
static struct span media_type(const struct side *side)
{
	const struct span *value = header_of(side, "content-type");
	struct span type = value ? *value : span_of(NULL, 0);
	size_t len = 0;

	while (len < type.len && type.at[len] != ';' && type.at[len] != ' ' && type.at[len] != '\t')
		len++;
	span_truncate(&type, len);
	return type;
}

static bool ends_nocase(struct span s, struct span end)
{
	return s.len >= end.len && span_skip(&s, s.len - end.len) && span_equal_nocase(s, end);
}

static bool starts_nocase(struct span s, struct span start)
{
	span_truncate(&s, start.len);
	return span_equal_nocase(s, start);
}

/** begins_like_json() - an object or an array */
static bool begins_like_json(struct span body)
{
	if (span_starts(body, SPAN_LITERAL("\xef\xbb\xbf")))
		span_skip(&body, 3);
	while (body.len > 0 &&
	       (body.at[0] == ' ' || body.at[0] == '\t' || body.at[0] == '\r' || body.at[0] == '\n'))
		span_skip(&body, 1);
	return body.len > 0 && (body.at[0] == '{' || body.at[0] == '[');
}

static enum body_kind kind_of_type(struct span type)
{
	static const struct {
		struct span name;
		enum body_kind kind;
	} whole[] = {
		{ SPAN_LITERAL("application/json"), BODY_JSON },
		{ SPAN_LITERAL("text/json"), BODY_JSON },
		{ SPAN_LITERAL("text/event-stream"), BODY_EVENTS },
		{ SPAN_LITERAL("application/xml"), BODY_TEXT },
		{ SPAN_LITERAL("application/x-ndjson"), BODY_TEXT },
		{ SPAN_LITERAL("application/jsonl"), BODY_TEXT },
		{ SPAN_LITERAL("application/yaml"), BODY_TEXT },
		{ SPAN_LITERAL("application/javascript"), BODY_TEXT },
		{ SPAN_LITERAL("application/octet-stream"), BODY_NONE },
		{ SPAN_LITERAL(""), BODY_NONE },
	};

	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++)
		if (span_equal_nocase(type, whole[i].name))
			return whole[i].kind;
	if (ends_nocase(type, SPAN_LITERAL("+json")))
		return BODY_JSON;
	if (starts_nocase(type, SPAN_LITERAL("text/")) || ends_nocase(type, SPAN_LITERAL("+xml")))
		return BODY_TEXT;
	return BODY_BYTES;
}

static bool read_number(struct span text, uint64_t *out)
{
	uint64_t n = 0;

	if (text.len == 0 || text.len > 18)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text.at[i] - '0');
	}
	*out = n;
	return true;
}

/** classify() - the body's kind; BODY_NONE of an empty one */
static enum body_kind classify(struct side *side)
{
	const struct span *head_len = header_of(side, "inference-header-content-length");
	enum body_kind kind = kind_of_type(side->type);

	side->head_len = side->body.len;
	if (side->body.len == 0)
		return BODY_NONE;
	if (head_len) { /* no number: a length that no body has, which reading it will find out */
		if (!read_number(*head_len, &side->head_len))
			side->head_len = UINT64_MAX;
		return side->head_len == 0 ? BODY_BYTES
					   : BODY_TENSORS; /* 0: one tensor of which nothing is said */
	}
	if (kind == BODY_NONE)
		return begins_like_json(side->body) ? BODY_JSON : BODY_BYTES;
	return kind;
}

/* ---- reading bodies ---- */

/** read_codings() - the list of content codings: several fields are one (RFC 9110, 5.2); false: no memory */
static bool read_codings(struct side *side)
{
	const struct response *r = side->answer;

	buffer_clear(&side->codings);
	for (size_t i = 0; i < r->header_count; i++)
		if (span_equal_nocase(r->headers[i].name, SPAN_LITERAL("content-encoding"))) {
			buffer_add(&side->codings, ",", side->codings.len > 0);
			buffer_add_span(&side->codings, r->headers[i].value);
		}
	return buffer_ok(&side->codings);
}

static struct span packed(const struct side *side)
{
	return span_of(side->answer->body, side->answer->body_len);
}

/** unpack() - undo the content codings of one side; the errors of inflate_body() */
static int unpack(struct comparer *c, struct side *side)
{
	return inflate_body(&side->inflater, buffer_span(&side->codings), packed(side), c->max_body,
			    &side->body);
}

/** same_packed() - the same bytes under the same codings: what one unpacks to, the other does */
static bool same_packed(const struct side *p, const struct side *s)
{
	return span_equal_nocase(buffer_span(&p->codings), buffer_span(&s->codings)) &&
	       span_equal(packed(p), packed(s));
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

/** nesting_of() - how deep the brackets of a text go, up to one more than is allowed; strings are stepped over
 */
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

/** note_generated() - are both the words of a language model? False: no memory */
static bool note_generated(struct comparer *c, const struct json_doc *production, const struct json_doc *shadow)
{
	struct span p, s;

	buffer_clear(&c->production.text);
	buffer_clear(&c->shadow.text);
	if (!generated_text(production, &c->production.text) || !generated_text(shadow, &c->shadow.text))
		return true;
	p = buffer_span(&c->production.text);
	s = buffer_span(&c->shadow.text);
	c->result.generated = true;
	c->result.common_prefix = text_common_prefix(p, s);
	c->result.production_len = p.len;
	c->result.shadow_len = s.len;
	return buffer_ok(&c->production.text) && buffer_ok(&c->shadow.text);
}

static enum comparison_verdict verdict_of(const struct finding *f)
{
	static const enum comparison_verdict verdicts[] = {
		[DIFFERENCE_TYPE] = COMPARISON_SCHEMA,  [DIFFERENCE_MISSING] = COMPARISON_SCHEMA,
		[DIFFERENCE_EXTRA] = COMPARISON_SCHEMA, [DIFFERENCE_DECISION] = COMPARISON_DECISION,
		[DIFFERENCE_VALUE] = COMPARISON_VALUE,  [DIFFERENCE_ORDER] = COMPARISON_ORDER,
		[DIFFERENCE_CLOSE] = COMPARISON_CLOSE,
	};

	return verdicts[f->kind];
}

/*
 * generated_verdict() - of two texts that differ: what follows from other words
 * (more tokens, another reason to stop) is VALUE whatever kind it is. What cannot
 * follow from them is a difference like any other, and then the pair is not
 * one that differs only in generated text.
 */
static enum comparison_verdict generated_verdict(struct comparer *c, const struct findings *found)
{
	enum comparison_verdict worst = COMPARISON_EQUAL;

	if (found->overflow > 0) {
		c->result.generated = false;
		return collector_verdict(c->collector);
	}
	for (size_t i = 0; i < found->count; i++) {
		enum comparison_verdict v = verdict_of(&found->at[i]);

		if (v < COMPARISON_CLOSE && generated_explains(found->at[i].pattern))
			v = COMPARISON_VALUE;
		else if (v < COMPARISON_CLOSE)
			c->result.generated = false;
		if (v < worst)
			worst = v;
	}
	return worst;
}

/** conclude() - the verdict from what was collected */
static void conclude(struct comparer *c)
{
	c->result.findings = collector_findings(c->collector);
	c->result.verdict = collector_verdict(c->collector);
	if (!c->result.generated)
		return;
	if (!span_equal(buffer_span(&c->production.text), buffer_span(&c->shadow.text)))
		c->result.verdict = generated_verdict(c, &c->result.findings);
	else if (c->result.verdict < COMPARISON_CLOSE)
		c->result.generated = false; /* the words are the same: it is something else that differs */
}

/** compare_docs() - two JSON texts; -EINVAL: one cannot be read, and @p and @s are the errors of parse(); or
 * -ENOMEM */
static int compare_docs(struct comparer *c, struct span production, struct span shadow, int *p, int *s)
{
	const struct json_doc *other = &c->shadow.doc;
	int err;

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
	return err;
}

/** finish() - after all was compared, or memory was not enough for it */
static void finish(struct comparer *c, int err)
{
	if (err || !collector_ok(c->collector))
		not_comparable(c, "memory");
	else
		conclude(c);
}

static void compare_text(struct comparer *c)
{
	struct span p = c->production.body, s = c->shadow.body;

	c->result.kind = BODY_TEXT;
	c->result.common_prefix = text_common_prefix(p, s);
	c->result.production_len = p.len;
	c->result.shadow_len = s.len;
	text_compare(c->collector, p, s);
	finish(c, 0);
}

static void compare_bytes(struct comparer *c)
{
	c->result.kind = BODY_BYTES;
	finish(c, bytes_compare(c->collector, c->digest, c->production.body, c->shadow.body));
}

static void compare_json(struct comparer *c)
{
	int p, s, err = compare_docs(c, c->production.body, c->shadow.body, &p, &s);

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
	if (begins_like_json(c->production.body) && begins_like_json(c->shadow.body) &&
	    json_doc_parse(&c->production.doc, c->production.body) == 0 &&
	    json_doc_parse(&c->shadow.doc, c->shadow.body) == 0)
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
		cannot_read(c, p, s, "too_deep");
	else
		finish(c, err);
}

static void compare_events(struct comparer *c)
{
	c->result.kind = BODY_EVENTS;
	if (joined_read(&c->production.joined, c->production.body, c->production.answer) ||
	    joined_read(&c->shadow.joined, c->shadow.body, c->shadow.answer))
		not_comparable(c, "memory");
	else
		compare_joined(c);
}

/** compare_frames() - what is not data in two V2 answers */
static int compare_frames(struct comparer *c)
{
	bool moved = tensors_align(&c->shadow.tensors, &c->production.tensors);
	struct span p, s;
	int err;

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
	int p = tensors_read(&c->production.tensors, c->production.body, c->production.head_len);
	int s = tensors_read(&c->shadow.tensors, c->shadow.body, c->shadow.head_len), err;

	c->result.kind = BODY_TENSORS;
	if (p == -EINVAL && s == -EINVAL && span_equal(c->production.body, c->shadow.body)) {
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

/** compare_kinds() - both bodies are unpacked */
static void compare_kinds(struct comparer *c)
{
	enum body_kind p = c->production.kind = classify(&c->production),
		       s = c->shadow.kind = classify(&c->shadow);

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
	case BODY_KIND_COUNT:
		compare_bytes(c);
		break;
	}
}

/** has_body() - answers to HEAD, 204 and 304 have none, whatever their headers say (RFC 9112, 6.3) */
static bool has_body(const struct pair *pair)
{
	int status = pair->production->status_code;

	return status != 204 && status != 304 &&
	       !(pair->request && span_equal(pair->request->head.method, SPAN_LITERAL("HEAD")));
}

static void compare_bodies(struct comparer *c)
{
	struct side *production = &c->production, *shadow = &c->shadow;
	int p, s;

	if (!read_codings(production) || !read_codings(shadow)) {
		not_comparable(c, "memory");
		return;
	}
	s = p = unpack(c, production);
	if (same_packed(production, shadow))
		shadow->body = production->body;
	else
		s = unpack(c, shadow);
	production->type = media_type(production);
	shadow->type = media_type(shadow);
	if (p || s)
		cannot_read(c, p, s, "damaged");
	else
		compare_kinds(c);
}

/* ---- the door ---- */

const struct comparison *comparer_run(struct comparer *c, const struct pair *pair)
{
	const struct stream_facts no_stream = { .first_token_us = -1 };

	c->result = (struct comparison){ .verdict = COMPARISON_EQUAL,
					 .production_stream = no_stream,
					 .shadow_stream = no_stream };
	collector_clear(c->collector);
	c->result.findings = collector_findings(c->collector);
	c->production.answer = pair->production;
	c->shadow.answer = pair->shadow;
	if (!without_bodies(c, pair) && has_body(pair))
		compare_bodies(c);
	return &c->result;
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
	int err = -ENOMEM;

	*out = NULL;
	if (!c)
		return err;
	c->max_body = options->max_body;
	err = path_rules_new(&rules, &c->rules, error);
	if (err)
		goto fail;
	err = -ENOMEM;
	c->json = json_comparer_new(c->rules);
	c->collector = collector_new();
	c->digest = digest_new();
	if (!c->json || !c->collector || !c->digest)
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

static void side_deinit(struct side *side)
{
	inflater_deinit(&side->inflater);
	buffer_deinit(&side->codings);
	json_doc_deinit(&side->doc);
	tensors_deinit(&side->tensors);
	joined_deinit(&side->joined);
	buffer_deinit(&side->text);
}

void comparer_free(struct comparer *c)
{
	if (!c)
		return;
	side_deinit(&c->production);
	side_deinit(&c->shadow);
	digest_free(c->digest);
	collector_free(c->collector);
	json_comparer_free(c->json);
	path_rules_free(c->rules);
	free(c);
}
