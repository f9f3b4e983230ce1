/* regression.c - see regression.h */
#include "compare/outputs/regression.h"

#include <math.h>
#include <stddef.h>

#include "compare/outputs/figures.h"

#define SQUARES_MAX 1e300 /* of a sum, so that it stays finite and can be written */

static size_t bin_of(double size)
{
	int power;
	double part = frexp(size, &power); /* from 1/2 on, below 1 */

	if (size < ldexp(1, -REGRESSION_POWERS))
		return 0;
	if (size >= ldexp(1, REGRESSION_POWERS))
		return REGRESSION_BINS - 1;
	return 1 + (size_t)(power - 1 + REGRESSION_POWERS) * REGRESSION_PARTS + (size_t)((2 * part - 1) * REGRESSION_PARTS);
}

/** bin_middle() - of the sizes in a bin; of the first 0, of the last its beginning */
static double bin_middle(size_t bin)
{
	size_t at = bin - 1;
	double parts = 1 + ((double)(at % REGRESSION_PARTS) + 0.5) / REGRESSION_PARTS;

	if (bin == 0)
		return 0;
	if (bin == REGRESSION_BINS - 1)
		return ldexp(1, REGRESSION_POWERS);
	return ldexp(parts, (int)(at / REGRESSION_PARTS) - REGRESSION_POWERS);
}

static double kept(double sum)
{
	return fmax(-SQUARES_MAX, fmin(SQUARES_MAX, sum));
}

void regression_figures_add(struct regression_figures *f, double difference, bool agrees)
{
	double size = fabs(difference);

	f->numbers++;
	f->agree += agrees;
	f->sum = kept(f->sum + difference);
	f->sum_of_sizes = kept(f->sum_of_sizes + size);
	f->sum_of_squares = kept(f->sum_of_squares + size * size);
	f->greatest = fmax(f->greatest, kept(size));
	f->size[bin_of(size)]++;
}

void regression_figures_merge(struct regression_figures *into, const struct regression_figures *from)
{
	into->not_judged += from->not_judged;
	if (from->numbers == 0)
		return;
	into->agree += from->agree;
	into->numbers += from->numbers;
	into->sum = kept(into->sum + from->sum);
	into->sum_of_sizes = kept(into->sum_of_sizes + from->sum_of_sizes);
	into->sum_of_squares = kept(into->sum_of_squares + from->sum_of_squares);
	into->greatest = fmax(into->greatest, from->greatest);
	for (size_t i = 0; i < REGRESSION_BINS; i++)
		into->size[i] += from->size[i];
}

bool regression_figures_any(const struct regression_figures *f)
{
	return f->numbers + f->not_judged > 0;
}

double regression_quantile(const struct regression_figures *f, double q)
{
	uint64_t rank = (uint64_t)(q * (double)f->numbers), below = 0;

	if (f->numbers == 0)
		return NAN;
	if (rank >= f->numbers)
		rank = f->numbers - 1;
	for (size_t i = 0; i < REGRESSION_BINS; i++) {
		below += f->size[i];
		if (below > rank)
			return fmin(bin_middle(i), f->greatest);
	}
	return f->greatest;
}

static double mean(const struct regression_figures *f, double sum)
{
	return f->numbers > 0 ? sum / (double)f->numbers : NAN;
}

void regression_figures_text(const struct regression_figures *f, struct buffer *out)
{
	if (!regression_figures_any(f))
		return;
	buffer_printf(out, "  regression %llu of %llu numbers agree", (unsigned long long)f->agree, (unsigned long long)f->numbers);
	if (f->numbers > 0)
		buffer_printf(out, "; bias %+.4g, mean error %.4g, root of squares %.4g; p50 %.4g, p99 %.4g, greatest %.4g",
			      mean(f, f->sum), mean(f, f->sum_of_sizes), sqrt(mean(f, f->sum_of_squares)),
			      regression_quantile(f, 0.5), regression_quantile(f, 0.99), f->greatest);
	if (f->not_judged > 0)
		buffer_printf(out, "; %llu not judged", (unsigned long long)f->not_judged);
	buffer_add_str(out, "\n");
}

static void sizes_json(const struct regression_figures *f, struct json *j)
{
	json_key(j, "sizes");
	json_open(j, '[');
	for (size_t i = 0; i < REGRESSION_BINS; i++) {
		if (f->size[i] == 0)
			continue;
		json_open(j, '[');
		json_uint(j, i);
		json_uint(j, f->size[i]);
		json_close(j, ']');
	}
	json_close(j, ']');
}

void regression_figures_json(const struct regression_figures *f, struct json *j)
{
	json_count(j, "numbers", f->numbers);
	json_count(j, "agree", f->agree);
	json_count(j, "not_judged", f->not_judged);
	figure_exact(j, "bias", mean(f, f->sum));
	figure_exact(j, "bias_size", fabs(mean(f, f->sum)));
	figure_exact(j, "mae", mean(f, f->sum_of_sizes));
	figure_exact(j, "rmse", sqrt(mean(f, f->sum_of_squares)));
	figure_exact(j, "p50", regression_quantile(f, 0.50));
	figure_exact(j, "p90", regression_quantile(f, 0.90));
	figure_exact(j, "p99", regression_quantile(f, 0.99));
	figure_exact(j, "max", f->numbers > 0 ? f->greatest : NAN);
	figure_exact(j, "outside", f->numbers > 0 ? (double)(f->numbers - f->agree) / (double)f->numbers : NAN);
	json_key(j, "sums");
	json_open(j, '{');
	figure_exact(j, "differences", f->sum);
	figure_exact(j, "sizes", f->sum_of_sizes);
	figure_exact(j, "squares", f->sum_of_squares);
	json_close(j, '}');
	sizes_json(f, j);
}

/** read_sizes() - [[bin, count], ...]; how many numbers that are, or false */
static bool read_sizes(const struct json_doc *d, uint32_t list, struct regression_figures *out)
{
	for (uint32_t at = list + 1; at < d->nodes[list].next; at = d->nodes[at].next) {
		uint64_t bin, count;

		if (d->nodes[at].type != JSON_ARRAY || d->nodes[at].count != 2 || !json_doc_uint(d, at + 1, &bin) ||
		    bin >= REGRESSION_BINS || !json_doc_uint(d, d->nodes[at + 1].next, &count) || count > FIGURE_COUNT_MAX)
			return false;
		out->size[bin] += count;
		out->numbers += count;
		if (out->numbers > FIGURE_COUNT_MAX)
			return false;
	}
	return true;
}

const char *regression_figures_read(struct regression_figures *f, const struct json_doc *d, uint32_t node)
{
	struct figure_reader r = { d, NULL };
	uint32_t sums = figure_member(&r, node, "sums", JSON_OBJECT), sizes = figure_member(&r, node, "sizes", JSON_ARRAY);
	struct regression_figures read = {
		.agree = figure_count(&r, node, "agree"),
		.not_judged = figure_count(&r, node, "not_judged"),
		.sum = kept(figure_real(&r, sums, "differences")),
		.sum_of_sizes = kept(figure_real(&r, sums, "sizes")),
		.sum_of_squares = kept(figure_real(&r, sums, "squares")),
		.greatest = kept(figure_real(&r, node, "max")),
	};

	if (!r.wrong && sizes && !read_sizes(d, sizes, &read))
		r.wrong = "outputs.regression.sizes";
	if (!r.wrong && (read.agree > read.numbers || read.sum_of_sizes < 0 || read.sum_of_squares < 0 || read.greatest < 0))
		r.wrong = "outputs.regression";
	if (!r.wrong)
		regression_figures_merge(f, &read);
	return r.wrong;
}
