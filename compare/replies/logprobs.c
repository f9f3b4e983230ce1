/* logprobs.c - see logprobs.h */
#include "compare/replies/logprobs.h"

/** struct tokens - of one reply; nodes, 0: there are none */
struct tokens {
	const struct json_doc *d;
	uint32_t list;
	uint32_t top; /* completions: their likeliest ones, a list beside the list */
};

static uint32_t member(const struct json_doc *d, uint32_t node, const char *name)
{
	return json_doc_member(d, node, span_str(name));
}

static bool is_list(const struct json_doc *d, uint32_t node)
{
	return node && d->nodes[node].type == JSON_ARRAY;
}

/** tokens_of() - chat has a list of objects, completions two lists */
static struct tokens tokens_of(const struct json_doc *d, uint32_t choice)
{
	uint32_t logprobs = member(d, choice, "logprobs"), content = logprobs ? member(d, logprobs, "content") : 0;

	if (is_list(d, content))
		return (struct tokens){ d, content, 0 };
	return (struct tokens){ d, logprobs ? member(d, logprobs, "tokens") : 0, logprobs ? member(d, logprobs, "top_logprobs") : 0 };
}

/** token_at() - the string; 0: there is none */
static uint32_t token_at(const struct tokens *t, uint32_t element)
{
	uint32_t node = t->top ? element : member(t->d, element, "token");

	return node && t->d->nodes[node].type == JSON_STRING ? node : 0;
}

static bool same_token(const struct json_doc *p, uint32_t a, const struct json_doc *s, uint32_t b)
{
	struct buffer text = { 0 };
	bool same = span_equal(json_doc_text(p, a), json_doc_text(s, b));

	if (!same && (p->nodes[a].escaped || s->nodes[b].escaped)) {
		json_doc_unescape(p, a, &text);
		same = buffer_ok(&text) && json_doc_says(s, b, buffer_span(&text));
		buffer_deinit(&text);
	}
	return same;
}

/** element_number() - of a list, from 0 on; 0: it has not so many */
static uint32_t element_number(const struct json_doc *d, uint32_t list, uint32_t n)
{
	uint32_t i = list + 1;

	while (i < d->nodes[list].next && n-- > 0)
		i = d->nodes[i].next;
	return i < d->nodes[list].next ? i : 0;
}

/** likeliest_at() - the list or object of the likeliest ones at an element; 0: there are none */
static uint32_t likeliest_at(const struct tokens *t, uint32_t element, uint32_t number)
{
	uint32_t at = 0;

	if (!t->top)
		at = member(t->d, element, "top_logprobs");
	else if (is_list(t->d, t->top))
		at = element_number(t->d, t->top, number);
	return at && t->d->nodes[at].count > 0 ? at : 0;
}

/** is_among() - is token @node of @d one of the likeliest ones at @at of @of? */
static bool is_among(const struct json_doc *d, uint32_t node, const struct json_doc *of, uint32_t at)
{
	bool is_object = of->nodes[at].type == JSON_OBJECT;

	for (uint32_t i = at + 1; i < of->nodes[at].next; i = of->nodes[is_object ? i + 1 : i].next) {
		uint32_t token = is_object ? i : member(of, i, "token");

		if (token && of->nodes[token].type == JSON_STRING && same_token(d, node, of, token))
			return true;
	}
	return false;
}

/** reply_says() - @alike: no token differs */
static enum logprobs_say reply_says(const struct tokens *p, const struct tokens *s, bool *alike)
{
	uint32_t a = p->list + 1, b = s->list + 1, number = 0, one, other;

	*alike = false;
	if (!is_list(p->d, p->list) || !is_list(s->d, s->list))
		return LOGPROBS_NOTHING;
	for (; a < p->d->nodes[p->list].next && b < s->d->nodes[s->list].next;
	     a = p->d->nodes[a].next, b = s->d->nodes[b].next, number++) {
		one = token_at(p, a);
		other = token_at(s, b);
		if (!one || !other)
			return LOGPROBS_NOTHING;
		if (!same_token(p->d, one, s->d, other)) {
			uint32_t near_p = likeliest_at(p, a, number), near_s = likeliest_at(s, b, number);

			if (!near_p || !near_s)
				return LOGPROBS_NOTHING;
			if (is_among(p->d, one, s->d, near_s) && is_among(s->d, other, p->d, near_p))
				return LOGPROBS_CLOSE;
			return LOGPROBS_APART;
		}
	}
	*alike = a >= p->d->nodes[p->list].next && b >= s->d->nodes[s->list].next;
	return LOGPROBS_NOTHING;
}

enum logprobs_say logprobs_compare(const struct json_doc *production, const struct json_doc *shadow)
{
	uint32_t a = production->count ? member(production, 0, "choices") : 0;
	uint32_t b = shadow->count ? member(shadow, 0, "choices") : 0;
	enum logprobs_say all = LOGPROBS_NOTHING;

	if (!is_list(production, a) || !is_list(shadow, b) || production->nodes[a].count != shadow->nodes[b].count)
		return LOGPROBS_NOTHING;
	for (uint32_t i = a + 1, k = b + 1; i < production->nodes[a].next;
	     i = production->nodes[i].next, k = shadow->nodes[k].next) {
		struct tokens p = tokens_of(production, i), s = tokens_of(shadow, k);
		bool alike;
		enum logprobs_say one = reply_says(&p, &s, &alike);

		if (one == LOGPROBS_APART)
			return one;
		if (one == LOGPROBS_NOTHING && !alike)
			return one;
		if (one == LOGPROBS_CLOSE)
			all = one;
	}
	return all;
}
