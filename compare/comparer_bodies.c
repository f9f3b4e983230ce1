/*
 * comparer_bodies.c - see comparer_impl.h; two bodies, unpacked and of known kinds, and what they make of a pair
 */
#include <errno.h>
#include <stdlib.h>

#include "compare/comparer_impl.h"
#include "compare/replies/generated.h"
#include "compare/replies/reply.h"
#include "compare/replies/text.h"
#include "compare/tensors/tensor_compare.h"

/* ---- reading bodies ---- */

bool comparer_charge(struct comparer *c, uint64_t n)
{
	if (n > SIZE_MAX || !budget_charge(&c->memory, (size_t)n))
		return false;
	c->charged += (size_t)n;
	return true;
}

void comparer_cannot_read(struct comparer *c, int p, int s, const char *damaged)
{
	if (p == -ENOMEM || s == -ENOMEM)
		comparer_gives_up(c, "memory");
	else if (p == -ENOTSUP || s == -ENOTSUP)
		comparer_gives_up(c, "unknown_coding");
	else if (p == -E2BIG || s == -E2BIG)
		comparer_gives_up(c, "too_deep");
	else if (p == -EFBIG)
		comparer_gives_up(c, "too_large");
	else if (s == -EFBIG)
		comparer_gives_up(c, "shadow_too_large");
	else if (p && s)
		comparer_gives_up(c, damaged);
	else
		comparer_decide(c, COMPARISON_ENCODING, damaged);
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
	*p = comparer_charge(c, (uint64_t)production.len + shadow.len) ? 0 : -EFBIG; /* their texts, without escapes */
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

void comparer_finish(struct comparer *c, int err)
{
	if (err == -EFBIG)
		comparer_gives_up(c, "too_large");
	else if (err || !collector_ok(c->collector))
		comparer_gives_up(c, "memory");
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
	comparer_finish(c, 0);
}

static void compare_bytes(struct comparer *c)
{
	c->result.kind = BODY_BYTES;
	comparer_finish(c, bytes_compare(c->collector, c->digest, c->production.body.bytes, c->shadow.body.bytes));
}

static void compare_json(struct comparer *c)
{
	int p, s, err = compare_docs(c, c->production.body.bytes, c->shadow.body.bytes, &p, &s);

	c->result.kind = BODY_JSON;
	if (p == -EINVAL && s == -EINVAL) /* whatever they call it, it is no JSON on either side */
		compare_text(c);
	else if (p || s)
		comparer_cannot_read(c, p, s, "not_json");
	else
		comparer_finish(c, err);
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
		comparer_cannot_read(c, p, s, "not_json");
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
		comparer_decide(c, COMPARISON_ERROR, "error_event");
		return;
	}
	if (production->error && !shadow->error) {
		comparer_decide(c, COMPARISON_STATUS, "error_event");
		return;
	}
	err = compare_docs(c, buffer_span(&production->text), buffer_span(&shadow->text), &p, &s);
	if (p || s)
		comparer_cannot_read(c, p, s, "too_deep"); /* or too large */
	else
		comparer_finish(c, err);
}

static void compare_events(struct comparer *c)
{
	struct body *production = &c->production.body, *shadow = &c->shadow.body;
	int p, s;

	c->result.kind = BODY_EVENTS;
	/* of each: the event at hand, the joints, the document */
	if (!comparer_charge(c, 3 * ((uint64_t)production->bytes.len + shadow->bytes.len))) {
		comparer_gives_up(c, "too_large");
		return;
	}
	p = joined_read(&c->production.joined, production->bytes, production->response);
	s = joined_read(&c->shadow.joined, shadow->bytes, shadow->response);
	if (p || s)
		comparer_cannot_read(c, p, s, "memory");
	else
		compare_joined(c);
}

/** compare_frames() - what is not data in two V2 responses */
static int compare_frames(struct comparer *c)
{
	bool moved = tensors_align(&c->shadow.tensors, &c->production.tensors);
	struct span p, s;
	int err;

	if (!comparer_charge(c, c->production.body.head_len + c->shadow.body.head_len))
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
		comparer_finish(c, 0);
	} else if (p || s) {
		comparer_cannot_read(c, p, s, "not_tensors");
	} else {
		err = compare_frames(c);
		if (!err)
			err = tensors_compare(c->collector, c->rules, &c->production.tensors,
					      &c->shadow.tensors);
		comparer_finish(c, err);
	}
}

void comparer_kinds(struct comparer *c, enum body_kind p, enum body_kind s)
{
	if ((p == BODY_TENSORS && s == BODY_JSON) || (p == BODY_JSON && s == BODY_TENSORS))
		p = s = BODY_TENSORS;
	c->result.kind = p == BODY_NONE ? s : p;
	if (p != s) {
		comparer_decide(c, COMPARISON_ENCODING,
				p == BODY_NONE || s == BODY_NONE ? "empty_body" : "content_type");
		return;
	}
	switch (p) {
	case BODY_NONE:
		comparer_finish(c, 0);
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
