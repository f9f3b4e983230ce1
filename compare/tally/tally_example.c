/*
 * tally_example.c - what is kept of a pair to be shown: the gravest of each verdict
 *
 * Theory of operation. examples.h keeps a few pairs of each verdict; here is how
 * grave one is, and what is said of it. Values and bodies, which may be what a
 * person wrote, are only kept if that was asked for.
 */
#include "compare/tally/tally_state.h"

#include <math.h>
#include <stdlib.h>

#include "compare/tally/slices.h"

double example_severity(const struct comparison *c)
{
	const struct findings *f = &c->findings;
	double longer = (double)(c->production_len > c->shadow_len ? c->production_len : c->shadow_len);
	double n = 0;

	if (c->verdict == COMPARISON_DECISION && f->decisions_total > 0)
		return (double)(f->decisions_total - f->decisions_agree);
	if (c->generated && c->verdict == COMPARISON_VALUE && longer > 0)
		return 1 - (double)c->common_prefix / longer;
	if (c->verdict == COMPARISON_VALUE || c->verdict == COMPARISON_CLOSE)
		return isfinite(f->max_rel) && f->max_rel > 0 ? f->max_rel : f->max_rel > 0 ? 1e308 : 0;
	for (size_t i = 0; i < f->count; i++)
		n += (double)f->at[i].count;
	return n;
}

/* @values: what the two said there, too: perhaps what a person wrote */
static void example_differences(struct example *x, const struct findings *f, bool values)
{
	x->more = f->overflow;
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *d = &f->at[i];
		struct example_difference *e = &x->difference[x->difference_count];

		if (x->difference_count == EXAMPLE_DIFFERENCES) {
			x->more += d->count;
			continue;
		}
		x->difference_count++;
		x->more += d->count > 0 ? d->count - 1 : 0;
		e->kind = d->kind;
		example_text(e->path, sizeof(e->path), span_str(d->path ? d->path : d->pattern));
		if (!values)
			continue;
		example_text(e->production, sizeof(e->production), span_str(d->production));
		example_text(e->shadow, sizeof(e->shadow), span_str(d->shadow));
	}
}

static void example_bodies(struct example *x, const struct pair *pair)
{
	const struct message *m = pair->request;
	const struct response *p = pair->production, *s = pair->shadow;

	if (m->body)
		x->body[EXAMPLE_REQUEST] = example_body(span_of(m->body, (size_t)m->body_len));
	if (p && p->body)
		x->body[EXAMPLE_PRODUCTION] = example_body(span_of(p->body, (size_t)p->body_len));
	if (s && s->body)
		x->body[EXAMPLE_SHADOW] = example_body(span_of(s->body, (size_t)s->body_len));
}

void tally_add_example(struct target_tally *g, const struct pair *pair, const struct comparison *c, bool bodies)
{
	const struct message *m = pair->request;
	double severity = example_severity(c);
	struct example *x;

	if (!examples_want(&g->examples, c->verdict, severity, m->origin.id))
		return;
	x = calloc(1, sizeof(*x));
	if (!x) /* an example less */
		return;
	x->verdict = c->verdict;
	x->id = m->origin.id;
	x->severity = severity;
	time_text(m->origin.ts_last, x->ts);
	if (c->reason)
		example_text(x->reason, sizeof(x->reason), span_str(c->reason));
	example_text(x->request_path, sizeof(x->request_path), slice_path(m->head.target));
	x->status[PRODUCTION] = pair->production ? pair->production->status_code : 0;
	x->status[SHADOW] = pair->outcome->status_code;
	x->us[PRODUCTION] = pair->production ? pair->production->last_byte_us : -1;
	x->us[SHADOW] = pair->shadow ? pair->shadow->last_byte_us : -1;
	example_differences(x, &c->findings, bodies);
	if (bodies) {
		example_bodies(x, pair);
		if (c->production_text.len > 0 && c->shadow_text.len > 0)
			example_say(&x->texts, c->production_text, c->shadow_text, c->common_prefix);
	}
	examples_put(&g->examples, x);
}
