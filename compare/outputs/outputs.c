/* outputs.c - see outputs.h */
#include "compare/outputs/outputs.h"

#include <stddef.h>

#include "compare/outputs/figures.h"

static const char *output_kind_name(enum output_kind kind)
{
	static const char *const names[] = {
		[OUTPUT_NONE] = NULL,
#define X(id, name) [OUTPUT_##id] = name,
		OUTPUT_KINDS(X)
#undef X
	};

	return names[kind];
}

/*
 * Each kind has its figures, and for them functions of the same names: cosine_figures_any(), rank_figures_any(). Those of
 * all kinds are called by this list.
 */
#define KINDS(X) X(COSINE, cosine) X(RANK, rank) X(REGRESSION, regression) X(BOXES, boxes)

bool outputs_any(const struct outputs *o)
{
#define X(id, name) any |= name##_figures_any(&o->name);
	bool any = false;

	KINDS(X)
#undef X
	return any;
}

void outputs_merge(struct outputs *into, const struct outputs *from)
{
#define X(id, name) name##_figures_merge(&into->name, &from->name);
	KINDS(X)
#undef X
}

void outputs_text(const struct outputs *o, struct buffer *out)
{
#define X(id, name) name##_figures_text(&o->name, out);
	KINDS(X)
#undef X
}

void outputs_json(const struct outputs *o, struct json *j)
{
	json_key(j, "outputs");
	json_open(j, '{');
#define X(id, name)                                               \
	if (name##_figures_any(&o->name)) {                       \
		json_key(j, output_kind_name(OUTPUT_##id));       \
		json_open(j, '{');                                \
		name##_figures_json(&o->name, j);                 \
		json_close(j, '}');                               \
	}
	KINDS(X)
#undef X
	json_close(j, '}');
}

const char *outputs_read(struct outputs *o, const struct json_doc *d, uint32_t node)
{
	struct figure_reader r = { d, NULL };
	uint32_t at;

#define X(id, name)                                                                    \
	at = figure_member(&r, node, output_kind_name(OUTPUT_##id), JSON_OBJECT);      \
	if (!r.wrong)                                                                  \
		r.wrong = name##_figures_read(&o->name, d, at);
	KINDS(X)
#undef X
	return r.wrong;
}

void outputs_found_clear(struct outputs_found *f)
{
	if (outputs_any(&f->sum)) /* histograms are large, and most pairs have none of this */
		f->sum = (struct outputs){ 0 };
	f->judged = f->agree = 0;
	for (int d = 0; d < DIFFERENCE_COUNT; d++)
		f->differences[d] = 0;
}

const char *outputs_found_kind(const struct outputs_found *f, enum difference_kind d, uint64_t differences)
{
	return f->differences[d] > 0 && f->differences[d] == differences ? output_kind_name(f->kind[d]) : NULL;
}
