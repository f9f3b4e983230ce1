/* outputs.c - see outputs.h */
#include "compare/outputs.h"

#include <stddef.h>

#include "compare/figures.h"

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

bool outputs_any(const struct outputs *o)
{
	return cosine_figures_any(&o->cosine);
}

void outputs_merge(struct outputs *into, const struct outputs *from)
{
	cosine_figures_merge(&into->cosine, &from->cosine);
}

void outputs_text(const struct outputs *o, struct buffer *out)
{
	cosine_figures_text(&o->cosine, out);
}

void outputs_json(const struct outputs *o, struct json *j)
{
	json_key(j, "outputs");
	json_open(j, '{');
	if (cosine_figures_any(&o->cosine)) {
		json_key(j, output_kind_name(OUTPUT_COSINE));
		json_open(j, '{');
		cosine_figures_json(&o->cosine, j);
		json_close(j, '}');
	}
	json_close(j, '}');
}

const char *outputs_read(struct outputs *o, const struct json_doc *d, uint32_t node)
{
	struct figure_reader r = { d, NULL };
	uint32_t cosine = figure_member(&r, node, "cosine", JSON_OBJECT);

	return r.wrong ? r.wrong : cosine_figures_read(&o->cosine, d, cosine);
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
