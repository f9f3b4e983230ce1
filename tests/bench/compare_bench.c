/*
 * compare_bench.c - what comparing two responses costs, by how they differ
 *
 * usage: compare_bench [MEGABYTES [CASE]]   (a total of 64 in each case)
 *
 * A response of 10,000 probabilities in rows of 10, as V1 writes them, and a list
 * of objects, as services write them, are compared with themselves written in
 * another way. Printed: megabytes of production's response a second of processor
 * time, parsing of both and decisions included. That depends on the machine; for instructions run one case under
 *
 *   valgrind --tool=callgrind --toggle-collect=compare_once compare_bench 8 CASE
 *
 * and divide by the bytes printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compare/json/json_compare.h"

#define ROWS 1000
#define CLASSES 10
#define OBJECTS 2000

/** struct writing - how a number is written, and what else differs */
struct writing {
	const char *format; /* of a number, by printf() */
	double factor;      /* by which every number is larger */
	const char *comma;
	bool reversed; /* members in another order */
};

struct bench {
	struct path_rules *rules;
	struct json_comparer *jc;
	struct collector *out;
	struct json_doc a, b;
};

static double value(unsigned i)
{
	uint32_t x = i * 2654435761u;

	return (x >> 8) / 16777216.0;
}

static void write_scores(struct buffer *b, const struct writing *w)
{
	buffer_add_str(b, "{\"predictions\":[");
	for (unsigned r = 0; r < ROWS; r++) {
		buffer_add_str(b, r ? w->comma : "");
		buffer_add_str(b, "[");
		for (unsigned c = 0; c < CLASSES; c++) {
			buffer_add_str(b, c ? w->comma : "");
			buffer_printf(b, w->format, value(r * CLASSES + c) * w->factor);
		}
		buffer_add_str(b, "]");
	}
	buffer_add_str(b, "]}");
}

static void write_objects(struct buffer *b, const struct writing *w)
{
	buffer_add_str(b, "{\"items\":[");
	for (unsigned i = 0; i < OBJECTS; i++) {
		buffer_add_str(b, i ? w->comma : "");
		buffer_add_str(b, "{");
		for (unsigned m = 0; m < 4; m++) {
			buffer_add_str(b, m ? w->comma : "");
			switch (w->reversed ? 3 - m : m) {
			case 0:
				buffer_printf(b, "\"name\":\"item number %u of this answer\"", i);
				break;
			case 1:
				buffer_add_str(b, "\"score\":");
				buffer_printf(b, w->format, value(i) * w->factor);
				break;
			case 2:
				buffer_printf(b, "\"available\":%s", i % 3 ? "true" : "false");
				break;
			case 3:
				buffer_printf(b, "\"tags\":[\"tag%u\",\"another\"]", i % 7);
				break;
			}
		}
		buffer_add_str(b, "}");
	}
	buffer_add_str(b, "]}");
}

enum comparison_verdict compare_once(struct bench *t, struct span a, struct span b);

/** compare_once() - as the comparer does it: the same bytes are parsed once */
__attribute__((noinline)) enum comparison_verdict compare_once(struct bench *t, struct span a, struct span b)
{
	bool same = span_equal(a, b);

	collector_clear(t->out);
	if (json_doc_parse(&t->a, a) != 0 || (!same && json_doc_parse(&t->b, b) != 0))
		abort();
	if (json_compare(t->jc, &t->a, same ? &t->a : &t->b, t->out) != 0)
		abort();
	return collector_verdict(t->out);
}

static void run(struct bench *t, const char *name, size_t megabytes, struct span a, struct span b)
{
	size_t rounds = megabytes * 1000000 / a.len + 1;
	clock_t began = clock();
	enum comparison_verdict v = COMPARISON_EQUAL;
	double seconds;

	for (size_t i = 0; i < rounds; i++)
		v = compare_once(t, a, b);
	seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
	printf("%-28s %-9s %9zu bytes  %8.1f MB/s\n", name, comparison_name(v), rounds * a.len,
	       (double)(rounds * a.len) / 1e6 / seconds);
}

static const struct {
	const char *name;
	void (*write)(struct buffer *b, const struct writing *w);
	struct writing production, shadow;
} cases[] = {
	{ "bytes", write_scores, { "%.17g", 1, ",", false }, { "%.17g", 1, ",", false } },
	{ "white-space", write_scores, { "%.17g", 1, ",", false }, { "%.17g", 1, ", ", false } },
	{ "equal-values", write_scores, { "%.17g", 1, ",", false }, { "%.16e", 1, ",", false } },
	{ "equal-short", write_scores, { "%.6f", 1, ",", false }, { "%.6f000", 1, ",", false } },
	{ "all-close", write_scores, { "%.17g", 1, ",", false }, { "%.17g", 1.000001, ",", false } },
	{ "all-differ", write_scores, { "%.17g", 1, ",", false }, { "%.17g", 1.1, ",", false } },
	{ "all-differ-short", write_scores, { "%.6f", 1, ",", false }, { "%.6f", 1.1, ",", false } },
	{ "objects", write_objects, { "%.6f", 1, ",", false }, { "%.6f", 1, ", ", false } },
	{ "objects-reordered", write_objects, { "%.6f", 1, ",", false }, { "%.6f", 1, ",", true } },
};

int main(int argc, char **argv)
{
	struct path_rules_options o = { .tolerance = { 1e-5, 1e-8 }, .preset = "any" };
	size_t megabytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 64;
	struct buffer a = { 0 }, b = { 0 }, error = { 0 };
	struct bench t = { 0 };

	if (path_rules_new(&o, &t.rules, &error) != 0)
		return 1;
	t.jc = json_comparer_new(t.rules, NULL);
	t.out = collector_new();
	if (!t.jc || !t.out)
		return 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc > 2 && strcmp(argv[2], cases[i].name) != 0)
			continue;
		buffer_clear(&a);
		buffer_clear(&b);
		cases[i].write(&a, &cases[i].production);
		cases[i].write(&b, &cases[i].shadow);
		run(&t, cases[i].name, megabytes, buffer_span(&a), buffer_span(&b));
	}
	buffer_deinit(&a);
	buffer_deinit(&b);
	buffer_deinit(&error);
	json_doc_deinit(&t.a);
	json_doc_deinit(&t.b);
	collector_free(t.out);
	json_comparer_free(t.jc);
	path_rules_free(t.rules);
	return 0;
}
