/* rank.c - see rank.h */
#include "compare/outputs/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare/outputs/figures.h"

static int compare(uint64_t x, uint64_t y)
{
	return x < y ? -1 : x > y;
}

/* the best first; before ranks are given they are places in the list */
static int by_score(const void *x, const void *y)
{
	const struct rank_item *a = x, *b = y;

	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	return compare(a->rank, b->rank);
}

static int by_key(const void *x, const void *y)
{
	const struct rank_item *a = x, *b = y;
	int way = compare(a->key, b->key);

	return way ? way : compare(a->rank, b->rank);
}

static void give_ranks(struct rank_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		items[i].rank = (uint32_t)i;
	qsort(items, count, sizeof(*items), by_score);
	for (size_t i = 0; i < count; i++)
		items[i].rank = (uint32_t)i;
	qsort(items, count, sizeof(*items), by_key);
}

/** join() - the items of both, which are sorted by key; how many there are */
static size_t join(const struct rank_item *a, size_t na, const struct rank_item *b, size_t nb, struct rank_pair *pairs)
{
	size_t i = 0, j = 0, count = 0;

	while (i < na && j < nb) {
		int way = compare(a[i].key, b[j].key);

		if (way == 0) {
			pairs[count++] = (struct rank_pair){ a[i].score, b[j].score, a[i].rank, b[j].rank };
			i++;
			j++;
		} else if (way < 0) {
			i++;
		} else {
			j++;
		}
	}
	return count;
}

static double gain(uint32_t rank)
{
	return 1 / log2(2.0 + rank);
}

static double ndcg_of(const struct rank_pair *pairs, size_t count, size_t production_count)
{
	double sum = 0, best = 0;

	for (size_t i = 0; i < count; i++)
		if (pairs[i].shadow_rank < RANK_NDCG)
			sum += gain(pairs[i].production_rank) * gain(pairs[i].shadow_rank);
	for (uint32_t i = 0; i < RANK_NDCG && i < production_count; i++)
		best += gain(i) * gain(i);
	return sum / best;
}

/* ---- tau ---- */

static int by_both(const void *x, const void *y)
{
	const struct rank_pair *a = x, *b = y;

	if (a->production != b->production)
		return a->production < b->production ? -1 : 1;
	return a->shadow < b->shadow ? -1 : a->shadow > b->shadow;
}

static int by_shadow(const void *x, const void *y)
{
	const struct rank_pair *a = x, *b = y;

	return a->shadow < b->shadow ? -1 : a->shadow > b->shadow;
}

static double twos(size_t n)
{
	return (double)n * ((double)n - 1) / 2;
}

/** ties() - twos of items that are tied in a list that @order has sorted */
static double ties(const struct rank_pair *p, size_t n, int (*order)(const void *, const void *))
{
	double sum = 0;
	size_t run = 1;

	for (size_t i = 1; i <= n; i++, run++)
		if (i == n || order(&p[i - 1], &p[i]) != 0) {
			sum += twos(run);
			run = 0;
		}
	return sum;
}

static int by_production(const void *x, const void *y)
{
	const struct rank_pair *a = x, *b = y;

	return a->production < b->production ? -1 : a->production > b->production;
}

static bool is_first(const struct rank_pair *p, size_t left, size_t right)
{
	return p[p[left].production_rank].shadow <= p[p[right].production_rank].shadow;
}

/*
 * inversions() - twos whose shadow's scores stand the other way round, of a list that is sorted by production's
 *
 * A merge sort counts them: what is taken from the right half passes all that is left of the left one. What is sorted
 * are places in the list; they stand where the ranks stood, which tau has no use for.
 */
static double inversions(struct rank_pair *p, size_t n)
{
	double count = 0;

	for (size_t i = 0; i < n; i++)
		p[i].production_rank = (uint32_t)i;
	for (size_t width = 1; width < n; width *= 2) {
		for (size_t from = 0; from < n; from += 2 * width) {
			size_t middle = from + width < n ? from + width : n, end = middle + width < n ? middle + width : n;
			size_t left = from, right = middle;

			for (size_t to = from; to < end; to++) {
				bool take_left = left < middle && (right == end || is_first(p, left, right));

				count += take_left ? 0 : (double)(middle - left);
				p[to].shadow_rank = p[take_left ? left++ : right++].production_rank;
			}
		}
		for (size_t i = 0; i < n; i++)
			p[i].production_rank = p[i].shadow_rank;
	}
	return count;
}

static double tau_of(struct rank_pair *p, size_t n)
{
	double all = twos(n), in_production, in_shadow, in_both, swaps, below;

	if (n < 2)
		return NAN;
	qsort(p, n, sizeof(*p), by_both);
	in_production = ties(p, n, by_production);
	in_both = ties(p, n, by_both);
	swaps = inversions(p, n);
	qsort(p, n, sizeof(*p), by_shadow);
	in_shadow = ties(p, n, by_shadow);
	below = sqrt(all - in_production) * sqrt(all - in_shadow);
	return below > 0 ? fmax(-1, fmin(1, (all - in_production - in_shadow + in_both - 2 * swaps) / below)) : NAN;
}

struct rank_result rank_compare(struct rank_item *a, size_t na, struct rank_item *b, size_t nb, size_t k, struct rank_pair *pairs)
{
	struct rank_result r = { false, 0, 0, 0 };
	size_t most = na > nb ? na : nb, in_both = 0, count;

	give_ranks(a, na);
	give_ranks(b, nb);
	count = join(a, na, b, nb, pairs);
	for (size_t i = 0; i < count; i++) {
		in_both += pairs[i].production_rank < k && pairs[i].shadow_rank < k;
		r.same_first |= pairs[i].production_rank == 0 && pairs[i].shadow_rank == 0;
	}
	r.overlap = (double)in_both / (double)(k < most ? k : most);
	r.ndcg = ndcg_of(pairs, count, na);
	r.tau = tau_of(pairs, count);
	return r;
}

/* ---- figures ---- */

static uint64_t units(double x)
{
	return (uint64_t)llround(fmax(0, x) / RANK_UNIT);
}

void rank_figures_add(struct rank_figures *f, const struct rank_result *r, bool agrees)
{
	f->lists++;
	f->agree += agrees;
	f->same_first += r->same_first;
	f->overlap_sum += units(r->overlap);
	f->ndcg_sum += units(r->ndcg);
	if (isnan(r->tau))
		return;
	f->taus++;
	f->apart_sum += units(1 - r->tau);
}

void rank_figures_merge(struct rank_figures *into, const struct rank_figures *from)
{
	into->lists += from->lists;
	into->agree += from->agree;
	into->same_first += from->same_first;
	into->overlap_sum += from->overlap_sum;
	into->ndcg_sum += from->ndcg_sum;
	into->taus += from->taus;
	into->apart_sum += from->apart_sum;
	into->other_length += from->other_length;
	into->not_judged += from->not_judged;
}

bool rank_figures_any(const struct rank_figures *f)
{
	return f->lists + f->other_length + f->not_judged > 0;
}

static double mean(uint64_t sum, uint64_t count)
{
	return count > 0 ? (double)sum * RANK_UNIT / (double)count : NAN;
}

void rank_figures_text(const struct rank_figures *f, struct buffer *out)
{
	if (!rank_figures_any(f))
		return;
	buffer_printf(out, "  rankings   %llu of %llu agree", (unsigned long long)f->agree, (unsigned long long)f->lists);
	if (f->lists > 0)
		buffer_printf(out, "; overlap %.4f, NDCG %.4f, the same first in %.2f%%", mean(f->overlap_sum, f->lists),
			      mean(f->ndcg_sum, f->lists), 100 * (double)f->same_first / (double)f->lists);
	if (f->taus > 0)
		buffer_printf(out, ", tau %.4f", 1 - mean(f->apart_sum, f->taus));
	if (f->other_length > 0)
		buffer_printf(out, "; %llu of another length", (unsigned long long)f->other_length);
	if (f->not_judged > 0)
		buffer_printf(out, "; %llu not judged", (unsigned long long)f->not_judged);
	buffer_add_str(out, "\n");
}

void rank_figures_json(const struct rank_figures *f, struct json *j)
{
	json_count(j, "lists", f->lists);
	json_count(j, "agree", f->agree);
	json_count(j, "same_first", f->same_first);
	json_count(j, "other_length", f->other_length);
	json_count(j, "not_judged", f->not_judged);
	figure_exact(j, "overlap", mean(f->overlap_sum, f->lists));
	figure_exact(j, "ndcg", mean(f->ndcg_sum, f->lists));
	figure_exact(j, "tau", 1 - mean(f->apart_sum, f->taus));
	json_key(j, "sums");
	json_open(j, '{');
	json_count(j, "overlap", f->overlap_sum);
	json_count(j, "ndcg", f->ndcg_sum);
	json_count(j, "taus", f->taus);
	json_count(j, "apart", f->apart_sum);
	json_close(j, '}');
}

const char *rank_figures_read(struct rank_figures *f, const struct json_doc *d, uint32_t node)
{
	struct figure_reader r = { d, NULL };
	uint32_t sums = figure_member(&r, node, "sums", JSON_OBJECT);
	struct rank_figures read = {
		.lists = figure_count(&r, node, "lists"),
		.agree = figure_count(&r, node, "agree"),
		.same_first = figure_count(&r, node, "same_first"),
		.other_length = figure_count(&r, node, "other_length"),
		.not_judged = figure_count(&r, node, "not_judged"),
		.overlap_sum = figure_count(&r, sums, "overlap"),
		.ndcg_sum = figure_count(&r, sums, "ndcg"),
		.taus = figure_count(&r, sums, "taus"),
		.apart_sum = figure_count(&r, sums, "apart"),
	};

	if (!r.wrong && (read.agree > read.lists || read.same_first > read.lists || read.taus > read.lists))
		r.wrong = "outputs.rank";
	if (!r.wrong)
		rank_figures_merge(f, &read);
	return r.wrong;
}
