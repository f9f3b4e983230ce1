/* cosine.c - see cosine.h */
#include "compare/outputs/cosine.h"

#include <math.h>

#include "compare/outputs/figures.h"

#define RATIO_MAX 1e12 /* kept of the ratio of two lengths, so that no sum of them is infinite */

bool cosine_of(const struct cosine_sums *s, struct cosine *out)
{
	double lengths = sqrt(s->production) * sqrt(s->shadow);

	*out = (struct cosine){ 1, 1 };
	if (s->count == 0)
		return false;
	if (s->same)
		return true;
	if (!isfinite(s->dot) || !isfinite(lengths) || !(lengths > 0))
		return false;
	out->value = fmax(-1, fmin(1, s->dot / lengths));
	out->ratio = sqrt(s->shadow) / sqrt(s->production);
	return isfinite(out->ratio) && out->ratio > 0;
}

void cosine_figures_add(struct cosine_figures *f, const struct cosine *c, bool agrees)
{
	bool first = f->distance.count == 0;
	double ratio = fmin(c->ratio, RATIO_MAX);

	histogram_add(&f->distance, (uint64_t)llround((1 - c->value) / COSINE_UNIT));
	f->agree += agrees;
	f->ratio_min = first ? ratio : fmin(f->ratio_min, ratio);
	f->ratio_max = first ? ratio : fmax(f->ratio_max, ratio);
	f->ratio_sum += ratio;
}

void cosine_figures_merge(struct cosine_figures *into, const struct cosine_figures *from)
{
	bool first = into->distance.count == 0;

	into->agree += from->agree;
	into->other_dimension += from->other_dimension;
	into->not_judged += from->not_judged;
	if (from->distance.count == 0)
		return;
	into->ratio_min = first ? from->ratio_min : fmin(into->ratio_min, from->ratio_min);
	into->ratio_max = first ? from->ratio_max : fmax(into->ratio_max, from->ratio_max);
	into->ratio_sum += from->ratio_sum;
	histogram_merge(&into->distance, &from->distance);
}

bool cosine_figures_any(const struct cosine_figures *f)
{
	return f->distance.count + f->other_dimension + f->not_judged > 0;
}

/** at_quantile() - the cosine below which a share @q of them lies */
static double at_quantile(const struct cosine_figures *f, double q)
{
	if (f->distance.count == 0)
		return NAN;
	return 1 - COSINE_UNIT * (double)histogram_quantile(&f->distance, 1 - q);
}

/** least() - the cosine that no other is below */
static double least(const struct cosine_figures *f)
{
	return f->distance.count > 0 ? 1 - COSINE_UNIT * (double)f->distance.max : NAN;
}

void cosine_figures_text(const struct cosine_figures *f, struct buffer *out)
{
	if (!cosine_figures_any(f))
		return;
	buffer_printf(out, "  embeddings %llu of %llu agree", (unsigned long long)f->agree, (unsigned long long)f->distance.count);
	if (f->distance.count > 0)
		buffer_printf(out, "; cosine p50 %.6f, p1 %.6f, least %.6f", at_quantile(f, 0.5), at_quantile(f, 0.01), least(f));
	if (f->other_dimension > 0)
		buffer_printf(out, "; %llu of another dimension", (unsigned long long)f->other_dimension);
	if (f->not_judged > 0)
		buffer_printf(out, "; %llu not judged", (unsigned long long)f->not_judged);
	buffer_add_str(out, "\n");
}

void cosine_figures_json(const struct cosine_figures *f, struct json *j)
{
	double count = (double)f->distance.count;

	json_count(j, "vectors", f->distance.count);
	json_count(j, "agree", f->agree);
	json_count(j, "other_dimension", f->other_dimension);
	json_count(j, "not_judged", f->not_judged);
	figure_exact(j, "mean", count > 0 ? 1 - COSINE_UNIT * (double)f->distance.sum / count : NAN);
	figure_exact(j, "p50", at_quantile(f, 0.5));
	figure_exact(j, "p1", at_quantile(f, 0.01));
	figure_exact(j, "min", least(f));
	json_key(j, "norm_ratio");
	json_open(j, '{');
	figure_exact(j, "mean", count > 0 ? f->ratio_sum / count : NAN);
	figure_exact(j, "min", count > 0 ? f->ratio_min : NAN);
	figure_exact(j, "max", count > 0 ? f->ratio_max : NAN);
	figure_exact(j, "sum", f->ratio_sum);
	json_close(j, '}');
	figure_histogram(j, "distance", &f->distance);
}

const char *cosine_figures_read(struct cosine_figures *f, const struct json_doc *d, uint32_t node)
{
	struct figure_reader r = { d, NULL };
	struct cosine_figures read = { .agree = figure_count(&r, node, "agree"),
				       .other_dimension = figure_count(&r, node, "other_dimension"),
				       .not_judged = figure_count(&r, node, "not_judged") };
	uint32_t ratio = figure_member(&r, node, "norm_ratio", JSON_OBJECT);

	figure_histogram_read(&r, node, "distance", &read.distance);
	read.ratio_min = figure_real(&r, ratio, "min");
	read.ratio_max = figure_real(&r, ratio, "max");
	read.ratio_sum = figure_real(&r, ratio, "sum");
	if (!r.wrong && read.agree > read.distance.count)
		r.wrong = "outputs.cosine.agree";
	if (!r.wrong && (read.ratio_min < 0 || read.ratio_max < 0 || read.ratio_sum < 0))
		r.wrong = "outputs.cosine.norm_ratio";
	if (!r.wrong)
		cosine_figures_merge(f, &read);
	return r.wrong;
}
