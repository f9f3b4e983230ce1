/*
 * contrast_find.c - see contrast.h; which slices stand out
 *
 * Theory of operation. Candidates are, of each feature, each of its cells, all that is above and all that is below
 * each border between two cells that are in use, that it is there, and that it is missing; with CONTRAST_PAIRS_MIN
 * pairs inside and as many beside. How many there are follows from the requests alone, not from who differs. For each
 * one Fisher's exact test asks how likely so many of the mismatches are inside by chance. That is multiplied by the
 * number of candidates (Bonferroni), and, since a run may be looked at again and again, by j² π² / 6 with 2^(6 + j)
 * the number of pairs, rounded up, from j = 3 on: over all j the shares of CONTRAST_ALPHA sum up to a quarter of it.
 * The other three quarters are for looks in between, as live pages take them, which count as the next power of two
 * (test_contrast.c looks 14 times a run).
 *
 * Pairs of one request again and again are one witness: all four counts are divided by the design effect of that
 * (witnesses.h) before they are tested (Rao and Scott, "The analysis of categorical data from complex sample surveys",
 * 1981). That one client's requests fare alike is not taken into account: who they are is one of the things
 * that are looked for.
 *
 * What is found twice is told once. Of the slices found, the least likely first, one is left out if more than
 * SAME of its mismatches are in another that is told, or if without that other's pairs it would not be
 * found. Which mismatches two have in common is estimated by the rows.
 *
 * The ratio of the rates has Katz's interval ("Obtaining confidence intervals for the risk ratio in cohort studies",
 * 1978), with half an event added where there is none, at the level that holds for all candidates at once: the
 * best of many looks better than it is.
 */
#include "compare/tally/contrast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fisher.h"
#include "compare/tally/contrast_state.h"

#define CANDIDATES_KEPT 64
#define SAME            0.8
#define LOOK_FIRST      3 /* at 2^(LOOK_PAIRS + 3) pairs */
#define LOOK_PAIRS      6

/** struct slice - a candidate */
struct slice {
	const struct feature *f;
	enum explained_kind kind;
	uint32_t cells;  /* a bit for each that is in it */
	bool has_others; /* ... and the pairs that do not have the feature */
	uint8_t number;  /* of the cell, or how many cells lie below the border */
	double above, at_most;
	struct draw draw; /* all pairs that are known, mismatches among them, pairs inside */
	uint64_t hits;    /* mismatches inside */
	struct draw seen; /* ... as so many witnesses, likewise */
	uint64_t seen_hits;
	double log_p;
};

struct search {
	const struct contrast *e;
	double looks, effect;
	uint64_t candidates;
	size_t count;
	struct slice best[CANDIDATES_KEPT + 1]; /* the least likely first */
};

/* ---- one feature's cells, in order ---- */

struct ordered {
	const struct feature *f;
	uint8_t cell[CONTRAST_CELLS]; /* those of numbers, ascending */
	struct counts all, with;     /* of the pairs that are known; of those that have it */
};

static int code_of(const struct ordered *o, uint8_t place)
{
	return o->f->code[o->cell[place]];
}

static void order(struct ordered *o, const struct contrast *e, const struct feature *f)
{
	*o = (struct ordered){ .f = f, .all = { e->all.pairs - f->unseen.pairs, e->all.mismatches - f->unseen.mismatches } };
	for (uint8_t c = 0; c < CONTRAST_CELLS; c++) {
		o->with.pairs += f->pairs[c];
		o->with.mismatches += f->mismatches[c];
	}
	if (f->aspect == FEATURE_VALUE)
		return;
	for (uint8_t c = 0; c < f->count; c++) {
		uint8_t at = c;

		for (; at > 0 && code_of(o, at - 1) > f->code[c]; at--)
			o->cell[at] = o->cell[at - 1];
		o->cell[at] = c;
	}
}

/* The last code below the cell @code, and the last one in it. */
static int last_below(const struct feature *f, int code)
{
	return code * (1 << f->shift) - 1;
}

static int last_in(const struct feature *f, int code)
{
	return last_below(f, code + 1);
}

/** is_round() - a power of two */
static bool is_round(enum feature_aspect aspect, int code)
{
	double edge = feature_edge(aspect, code);

	return edge > 0 && edge == exp2(rint(log2(edge)));
}

/** border() - a code between two neighbours in use: 0 if it can be, else the least power of two, else where the lower one ends */
static int border(const struct feature *f, int lower, int upper)
{
	int from = last_in(f, lower), to = last_below(f, upper);

	if (f->aspect == FEATURE_HOUR || f->aspect == FEATURE_ZEROS)
		return from;
	if (from <= 0 && to >= 0)
		return 0;
	for (int code = from; code <= to; code++)
		if (is_round((enum feature_aspect)f->aspect, code))
			return code;
	return from;
}

/* ---- candidates ---- */

/** has_no_end() - numbers with a border on one side only, which is said in fewer words */
static bool has_no_end(const struct slice *s)
{
	return isinf(s->above) || isinf(s->at_most);
}

/** is_before() - a total order, the same whatever the places of features are */
static bool is_before(const struct slice *a, const struct slice *b)
{
	int names;

	if (a->log_p != b->log_p)
		return a->log_p < b->log_p;
	if (a->kind != b->kind)
		return a->kind < b->kind;
	if (a->f->aspect != b->f->aspect) /* "is a text" says more than that it has one of some values */
		return (a->f->aspect < b->f->aspect) == (a->kind < EXPLAINED_THERE);
	names = strcmp(a->f->name, b->f->name);
	if (names != 0)
		return names < 0;
	if (has_no_end(a) != has_no_end(b))
		return has_no_end(a);
	if (a->above != b->above)
		return a->above < b->above;
	if (a->at_most != b->at_most)
		return a->at_most < b->at_most;
	if (a->kind == EXPLAINED_VALUE)
		return a->f->text[a->number] < b->f->text[b->number];
	return a->number < b->number;
}

static void keep(struct search *s, const struct slice *slice)
{
	size_t at = s->count;

	for (; at > 0 && is_before(slice, &s->best[at - 1]); at--)
		s->best[at] = s->best[at - 1];
	s->best[at] = *slice;
	if (s->count < CANDIDATES_KEPT)
		s->count++;
}

/** looks() - what chances are multiplied by because there are other looks than this one */
static double looks(const struct contrast *e)
{
	double j = LOOK_FIRST;

	while (exp2(LOOK_PAIRS + j) < e->all.pairs)
		j++;
	return j * j * M_PI * M_PI / 6;
}

/** witnesses() - pairs as so many that are independent: each of the four counts is divided, so that they fit together */
static void witnesses(struct slice *slice, double effect)
{
	const struct draw *d = &slice->draw;
	uint64_t hits = (uint64_t)((double)slice->hits / effect);
	uint64_t inside = (uint64_t)llrint((double)(d->inside - slice->hits) / effect);
	uint64_t marked = (uint64_t)llrint((double)(d->marked - slice->hits) / effect);
	uint64_t rest = (uint64_t)llrint((double)(d->all - d->marked - d->inside + slice->hits) / effect);

	slice->seen_hits = hits;
	slice->seen = (struct draw){ hits + inside + marked + rest, hits + marked, hits + inside };
}

/** consider() - a candidate, of which all but the chance is known */
static void consider(struct search *s, struct slice *slice, struct counts all, struct counts inside)
{
	slice->draw = (struct draw){ all.pairs, all.mismatches, inside.pairs };
	slice->hits = inside.mismatches;
	if (inside.pairs < CONTRAST_PAIRS_MIN || all.pairs - inside.pairs < CONTRAST_PAIRS_MIN)
		return;
	s->candidates++;
	if ((double)inside.mismatches * all.pairs <= (double)all.mismatches * inside.pairs)
		return; /* no worse than beside it */
	witnesses(slice, s->effect);
	if (fisher_log_first(&slice->seen, slice->seen_hits) + log(s->looks) > log(CONTRAST_ALPHA))
		return;
	slice->log_p = fisher_log_upper(&slice->seen, slice->seen_hits);
	keep(s, slice);
}

static struct counts count_cells(const struct feature *f, uint32_t cells)
{
	struct counts sum = { 0, 0 };

	for (uint8_t c = 0; c < CONTRAST_CELLS; c++)
		if (cells >> c & 1) {
			sum.pairs += f->pairs[c];
			sum.mismatches += f->mismatches[c];
		}
	return sum;
}

static void consider_presence(struct search *s, const struct ordered *o)
{
	struct slice there = { .f = o->f, .kind = EXPLAINED_THERE, .cells = UINT32_MAX };
	struct slice missing = { .f = o->f, .kind = EXPLAINED_MISSING, .has_others = true };
	struct counts without = { o->all.pairs - o->with.pairs, o->all.mismatches - o->with.mismatches };

	consider(s, &there, o->all, o->with);
	consider(s, &missing, o->all, without);
}

static void consider_values(struct search *s, const struct ordered *o)
{
	for (uint8_t c = 0; c < CONTRAST_CELLS; c++) {
		struct slice slice = { .f = o->f, .kind = EXPLAINED_VALUE, .cells = UINT32_C(1) << c, .number = c };

		if (c >= CONTRAST_VALUES)
			slice.kind = EXPLAINED_GROUP;

		if (o->f->pairs[c] > 0)
			consider(s, &slice, o->all, count_cells(o->f, slice.cells));
	}
}

static void consider_numbers(struct search *s, const struct ordered *o)
{
	enum feature_aspect aspect = (enum feature_aspect)o->f->aspect;
	uint32_t below = 0, all = 0;
	struct slice low = { .f = o->f, .kind = EXPLAINED_BETWEEN, .above = -INFINITY };
	struct slice high = { .f = o->f, .kind = EXPLAINED_BETWEEN, .at_most = INFINITY };

	for (uint8_t i = 0; i < o->f->count; i++)
		all |= UINT32_C(1) << o->cell[i];
	for (uint8_t i = 0; i < o->f->count; i++) {
		struct slice at = { .f = o->f, .kind = EXPLAINED_BETWEEN, .cells = UINT32_C(1) << o->cell[i], .number = i };

		at.above = feature_edge(aspect, last_below(o->f, code_of(o, i)));
		at.at_most = feature_edge(aspect, last_in(o->f, code_of(o, i)));
		if (o->f->count > 2) /* of two, each is all that is on one side */
			consider(s, &at, o->all, count_cells(o->f, at.cells));
		if (i > 0) {
			low.at_most = high.above = feature_edge(aspect, border(o->f, code_of(o, i - 1), code_of(o, i)));
			low.number = high.number = i;
			low.cells = below;
			high.cells = all & ~below;
			consider(s, &low, o->all, count_cells(o->f, low.cells));
			consider(s, &high, o->all, count_cells(o->f, high.cells));
		}
		below |= at.cells;
	}
}

/* ---- what is told ---- */

static bool has_row(const struct slice *slice, const struct contrast *e, const struct row *row)
{
	uint8_t cell = row->cell[slice->f - e->at];

	return cell == CELL_NONE ? slice->has_others : slice->cells >> cell & 1;
}

/** shared() - the share of the mismatches of @a that are in @b */
static double shared(const struct contrast *e, const struct slice *a, const struct slice *b)
{
	unsigned all = 0, both = 0;

	for (size_t r = 0; r < e->row_count; r++)
		if (has_row(a, e, &e->rows[r])) {
			all++;
			both += has_row(b, e, &e->rows[r]);
		}
	return all ? (double)both / all : 0;
}

/**
 * rest_stands_out() - would @a be found without the pairs of @told, which has @share of its mismatches?
 * How many pairs they have in common isn't known: as many as can be.
 */
static bool rest_stands_out(const struct slice *a, const struct slice *told, double share, double log_factor)
{
	struct draw rest = { a->seen.all - told->seen.inside, a->seen.marked - told->seen_hits, 0 };
	uint64_t hits = (uint64_t)llrint((double)a->seen_hits * (1 - share));

	if (told->seen.inside > a->seen.all || told->seen_hits > a->seen.marked || hits > rest.marked)
		return false;
	rest.inside = a->seen.inside > told->seen.inside ? a->seen.inside - told->seen.inside : 0;
	if (rest.inside < hits)
		rest.inside = hits;
	if (rest.inside > rest.all)
		return false;
	return fisher_log_upper(&rest, hits) + log_factor <= log(CONTRAST_ALPHA);
}

static bool is_told(const struct contrast *e, const struct slice *a, const struct slice *told, double log_factor)
{
	double share = shared(e, a, told);

	return share > SAME || (share > 0 && !rest_stands_out(a, told, share, log_factor));
}

/** normal_point() - z with @tail of the normal distribution above it, for small ones */
static double normal_point(double tail)
{
	double low = 0, high = 40;

	for (int i = 0; i < 80; i++) {
		double middle = (low + high) / 2;

		if (erfc(middle / M_SQRT2) / 2 > tail)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/** factor_of() - what each chance is multiplied by */
static double factor_of(const struct search *s)
{
	return (double)s->candidates * s->looks;
}

static void set_ratio(struct explained *x, const struct search *s)
{
	double a = (double)x->mismatches, b = (double)x->other_mismatches;
	double inside = (double)x->pairs, beside = (double)x->other_pairs, error;

	x->ratio = x->other_mismatches ? a / inside / (b / beside) : (double)INFINITY;
	if (x->other_mismatches == 0) {
		a += 0.5;
		b += 0.5;
		inside += 0.5;
		beside += 0.5;
	}
	error = sqrt(fmax(1 / a - 1 / inside + 1 / b - 1 / beside, 0) * s->effect);
	x->ratio_low = a / inside / (b / beside) * exp(-normal_point(CONTRAST_ALPHA / 2 / factor_of(s)) * error);
}

/* Those with the lowest lots, the lowest first. */
static void set_examples(struct explained *x, const struct contrast *e, const struct slice *slice)
{
	for (; x->example_count < CONTRAST_EXAMPLES; x->example_count++) {
		const struct row *next = NULL;

		for (size_t r = 0; r < e->row_count; r++) {
			const struct row *row = &e->rows[r];
			bool later = x->example_count == 0 || row->lot > contrast_lot(x->examples[x->example_count - 1]);

			if (later && has_row(slice, e, row) && (!next || row->lot < next->lot))
				next = row;
		}
		if (!next)
			return;
		x->examples[x->example_count] = next->id;
	}
}

/** number_of_text() - the place of a text among those of its feature, by their hashes, from 1 */
static unsigned number_of_text(const struct feature *f, uint8_t cell)
{
	unsigned number = 1;

	for (uint8_t c = 0; c < f->count; c++)
		number += f->text[c] < f->text[cell];
	return number;
}

static struct explained explained_of(const struct search *s, const struct slice *slice)
{
	const struct feature *f = slice->f;
	struct explained x = {
		.name = span_str(f->name),
		.kind = slice->kind,
		.aspect = (enum feature_aspect)f->aspect,
		.above = slice->above,
		.at_most = slice->at_most,
		.is_whole = f->is_whole,
		.pairs = slice->draw.inside,
		.mismatches = slice->hits,
		.other_pairs = slice->draw.all - slice->draw.inside,
		.other_mismatches = slice->draw.marked - slice->hits,
		.p = fmin(exp(slice->log_p) * factor_of(s), 1),
	};

	if (slice->kind == EXPLAINED_GROUP)
		x.number = slice->number - CONTRAST_VALUES + 1u;
	if (slice->kind == EXPLAINED_VALUE) {
		x.number = number_of_text(f, slice->number);
		if (f->shown && f->shown[slice->number][0])
			x.value = span_str(f->shown[slice->number]);
	}
	set_ratio(&x, s);
	set_examples(&x, s->e, slice);
	return x;
}

size_t contrast_find(const struct contrast *e, double effect, struct explained out[CONTRAST_MOST])
{
	struct search *s = calloc(1, sizeof(*s));
	const struct slice *told[CONTRAST_MOST];
	double log_factor;
	size_t count = 0;

	if (!s)
		return 0;
	s->e = e;
	s->looks = looks(e);
	s->effect = effect;
	for (size_t i = 0; i < e->count; i++) {
		struct ordered o;

		order(&o, e, &e->at[i]);
		consider_presence(s, &o);
		if (o.f->aspect == FEATURE_VALUE)
			consider_values(s, &o);
		else
			consider_numbers(s, &o);
	}
	log_factor = log(factor_of(s));
	for (size_t i = 0; i < s->count && count < CONTRAST_MOST; i++) {
		const struct slice *slice = &s->best[i];
		bool again = slice->log_p + log_factor > log(CONTRAST_ALPHA);

		for (size_t k = 0; k < count && !again; k++)
			again = is_told(e, slice, told[k], log_factor);
		if (again)
			continue;
		told[count] = slice;
		out[count++] = explained_of(s, slice);
	}
	free(s);
	return count;
}
