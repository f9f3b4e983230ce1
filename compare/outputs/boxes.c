/* boxes.c - see boxes.h */
#include "compare/outputs/boxes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare/outputs/figures.h"

/** side_overlap() - of two intervals on one axis; their own lengths go into @a_len and @b_len */
static double side_overlap(double a0, double a1, double b0, double b1, double *a_len, double *b_len)
{
	double low = fmax(fmin(a0, a1), fmin(b0, b1)), high = fmin(fmax(a0, a1), fmax(b0, b1));

	*a_len = fabs(a1 - a0);
	*b_len = fabs(b1 - b0);
	return fmax(0, high - low);
}

double box_overlap(const struct box *a, const struct box *b)
{
	double aw, ah, bw, bh;
	double width = side_overlap(a->corner[0], a->corner[2], b->corner[0], b->corner[2], &aw, &bw);
	double height = side_overlap(a->corner[1], a->corner[3], b->corner[1], b->corner[3], &ah, &bh);
	double both = width * height, all = aw * ah + bw * bh - both;

	if (!(all > 0)) /* two lines or points */
		return memcmp(a->corner, b->corner, sizeof(a->corner)) == 0;
	return isfinite(all) ? both / all : 0;
}

static int by_score(const void *x, const void *y)
{
	const struct box *a = x, *b = y;

	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

/** best_of() - of those that are left and of the class of @box (or of another one), the one that overlaps most; NULL: none */
static struct box *best_of(struct box *from, size_t count, const struct box *box, bool same_class, double least, double *overlap)
{
	struct box *best = NULL;

	*overlap = least;
	for (size_t i = 0; i < count; i++) {
		double o;

		if (from[i].is_taken || (from[i].class == box->class) != same_class)
			continue;
		o = box_overlap(box, &from[i]);
		if (o > *overlap || (!best && o >= least)) {
			best = &from[i];
			*overlap = o;
		}
	}
	return best;
}

/** take() - for each box that has none its best one of the other side; how many found one */
static uint64_t take(struct box *boxes, size_t count, struct box *from, size_t from_count, bool same_class, double least,
		     double *overlap_sum)
{
	uint64_t found = 0;

	for (size_t i = 0; i < count; i++) {
		double overlap;
		struct box *best = boxes[i].is_taken ? NULL : best_of(from, from_count, &boxes[i], same_class, least, &overlap);

		if (!best)
			continue;
		best->is_taken = boxes[i].is_taken = true;
		*overlap_sum += overlap;
		found++;
	}
	return found;
}

struct boxes_result boxes_match(struct box *production, size_t production_count, struct box *shadow, size_t shadow_count,
				double overlap)
{
	struct boxes_result r = { .production = production_count, .shadow = shadow_count };
	double of_flips = 0;

	for (size_t i = 0; i < production_count; i++) {
		production[i].is_taken = false;
		production[i].place = (uint32_t)i;
	}
	qsort(production, production_count, sizeof(*production), by_score);
	for (size_t i = 0; i < shadow_count; i++)
		shadow[i].is_taken = false;
	r.matched = take(production, production_count, shadow, shadow_count, true, overlap, &r.overlap_sum);
	r.flips = take(production, production_count, shadow, shadow_count, false, overlap, &of_flips);
	return r;
}

/* ---- figures ---- */

void boxes_figures_add(struct boxes_figures *f, const struct boxes_result *r, bool agrees)
{
	f->images++;
	f->agree += agrees;
	f->production += r->production;
	f->shadow += r->shadow;
	f->matched += r->matched;
	f->flips += r->flips;
	f->overlap_sum += (uint64_t)llround(r->overlap_sum / BOXES_UNIT);
}

void boxes_figures_merge(struct boxes_figures *into, const struct boxes_figures *from)
{
	into->images += from->images;
	into->agree += from->agree;
	into->production += from->production;
	into->shadow += from->shadow;
	into->matched += from->matched;
	into->flips += from->flips;
	into->overlap_sum += from->overlap_sum;
	into->not_judged += from->not_judged;
}

bool boxes_figures_any(const struct boxes_figures *f)
{
	return f->images + f->not_judged > 0;
}

static double share(double part, double of)
{
	return of > 0 ? part / of : NAN;
}

/** f1() - the harmonic mean of what of production's boxes the shadow has, and of the shadow's production */
static double f1(const struct boxes_figures *f)
{
	return share(2 * (double)f->matched, (double)f->production + (double)f->shadow);
}

static double mean_overlap(const struct boxes_figures *f)
{
	return share((double)f->overlap_sum * BOXES_UNIT, (double)f->matched);
}

static uint64_t missed(const struct boxes_figures *f)
{
	return f->production - f->matched - f->flips;
}

static uint64_t extra(const struct boxes_figures *f)
{
	return f->shadow - f->matched - f->flips;
}

void boxes_figures_text(const struct boxes_figures *f, struct buffer *out)
{
	if (!boxes_figures_any(f))
		return;
	buffer_printf(out, "  detections %llu of %llu images agree", (unsigned long long)f->agree, (unsigned long long)f->images);
	if (f->production + f->shadow > 0)
		buffer_printf(out, "; F1 %.4f, of %llu boxes %llu missed, %llu of another class, %llu extra", f1(f),
			      (unsigned long long)f->production, (unsigned long long)missed(f), (unsigned long long)f->flips,
			      (unsigned long long)extra(f));
	if (f->matched > 0)
		buffer_printf(out, "; mean overlap %.4f", mean_overlap(f));
	if (f->not_judged > 0)
		buffer_printf(out, "; %llu not judged", (unsigned long long)f->not_judged);
	buffer_add_str(out, "\n");
}

void boxes_figures_json(const struct boxes_figures *f, struct json *j)
{
	json_count(j, "images", f->images);
	json_count(j, "agree", f->agree);
	json_count(j, "not_judged", f->not_judged);
	json_count(j, "production", f->production);
	json_count(j, "shadow", f->shadow);
	json_count(j, "matched", f->matched);
	json_count(j, "flips", f->flips);
	json_count(j, "missed", missed(f));
	json_count(j, "extra", extra(f));
	figure_exact(j, "f1", f1(f));
	figure_exact(j, "overlap", mean_overlap(f));
	json_count(j, "overlap_sum", f->overlap_sum);
}

const char *boxes_figures_read(struct boxes_figures *f, const struct json_doc *d, uint32_t node)
{
	struct figure_reader r = { d, NULL };
	struct boxes_figures read = {
		.images = figure_count(&r, node, "images"),
		.agree = figure_count(&r, node, "agree"),
		.not_judged = figure_count(&r, node, "not_judged"),
		.production = figure_count(&r, node, "production"),
		.shadow = figure_count(&r, node, "shadow"),
		.matched = figure_count(&r, node, "matched"),
		.flips = figure_count(&r, node, "flips"),
		.overlap_sum = figure_count(&r, node, "overlap_sum"),
	};
	uint64_t paired = read.matched + read.flips;

	if (!r.wrong && (read.agree > read.images || paired > read.production || paired > read.shadow))
		r.wrong = "outputs.boxes";
	if (!r.wrong)
		boxes_figures_merge(f, &read);
	return r.wrong;
}
