/*
 * contrast_bench.c - what it costs to read the features of a request and to count them
 *
 * usage: contrast_bench [PAIRS [CASE]]   (100,000 pairs of each case)
 *
 * Printed: microseconds of processor time a pair, and for what is looked for in the end once. For instructions run one case under
 *
 *   valgrind --tool=callgrind --toggle-collect=count_once contrast_bench 1000 CASE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compare/tally/contrast.h"
#include "compare/tally/request_model.h"
#include "compare/tally/slices.h"

static const char *const tasks[] = { "summarize", "translate", "chat", "extract" };

static void chat(struct buffer *b, unsigned i)
{
	buffer_printf(b, "{\"messages\":[{\"role\":\"system\",\"content\":\"You are a helpful assistant.\"}");
	for (unsigned k = 0; k < 2 + i % 5; k++)
		buffer_printf(b, ",{\"role\":\"%s\",\"content\":\"%*s\"}", k % 2 ? "assistant" : "user", (int)(40 + i * 37 % 500), "words");
	buffer_printf(b, "],\"model\":\"meta-llama/Llama-3.1-8B\",\"temperature\":0.%u,\"max_tokens\":%u,\"stream\":%s,\"seed\":7}", i % 10,
		      256 << i % 4, i % 2 ? "true" : "false");
}

static void image(struct buffer *b, unsigned i)
{
	buffer_add_str(b, "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,784],\"datatype\":\"FP32\",\"data\":[");
	for (unsigned k = 0; k < 784; k++)
		buffer_printf(b, "%s%u", k ? "," : "", (k + i) % 7 ? 0 : (k * 31 + i) % 256);
	buffer_add_str(b, "]}]}");
}

static void table(struct buffer *b, unsigned i)
{
	buffer_add_str(b, "{\"instances\":[{");
	for (unsigned k = 0; k < 24; k++)
		if (k % 3)
			buffer_printf(b, "%s\"feature_%u\":%.4g", k > 1 ? "," : "", k, (i * 37 + k * 11) % 1000 / 7.0);
	buffer_printf(b, ",\"task\":\"%s\",\"customer\":\"c%u\"}]}", tasks[i % 4], i % 100);
}

static const struct {
	const char *name, *path;
	void (*make)(struct buffer *b, unsigned i);
} cases[] = { { "chat", "/v1/chat/completions", chat },
	      { "image", "/v2/models/digits/infer", image },
	      { "table", "/v1/models/churn:predict", table } };

#define BODIES 64

/** count_once() - all that a pair costs */
__attribute__((noinline)) static void count_once(struct features *f, struct contrast *e, const struct message *m, uint64_t id)
{
	struct buffer scratch = { 0 };
	size_t count;
	const struct feature_value *v = features_read(f, m, slice_path(m->head.target), request_model(m, &scratch), &count);

	contrast_add(e, v, count, id, id % 100 == 0);
	buffer_deinit(&scratch);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void run(size_t which, unsigned pairs)
{
	struct features_options set = { 0 };
	struct features *f = features_new(&set);
	struct contrast *e = contrast_new(false);
	struct explained found[CONTRAST_MOST];
	struct buffer bodies[BODIES] = { { 0 } };
	double from, counted;
	size_t bytes = 0;

	for (unsigned i = 0; i < BODIES; i++) {
		cases[which].make(&bodies[i], i);
		bytes += bodies[i].len / BODIES;
	}
	from = now_us();
	for (unsigned i = 0; i < pairs; i++) {
		struct message m = { .head = { .target = span_str(cases[which].path) }, .body = bodies[i % BODIES].bytes };

		m.body_len = bodies[i % BODIES].len;
		m.origin.client = (struct endpoint){ .addr = { [12] = 10, 0, (uint8_t)(i % 20), 1 }, .family = 4 };
		m.origin.ts_last.ns = (int64_t)i * NS_PER_S;
		count_once(f, e, &m, i + 1);
	}
	counted = now_us();
	contrast_find(e, 1, found);
	printf("%-6s %6zu bytes  %.2f us a pair, %.0f us to look\n", cases[which].name, bytes, (counted - from) / pairs, now_us() - counted);
	for (unsigned i = 0; i < BODIES; i++)
		buffer_deinit(&bodies[i]);
	contrast_free(e);
	features_free(f);
}

int main(int argc, char **argv)
{
	unsigned pairs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100000;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (argc < 3 || strcmp(argv[2], cases[i].name) == 0)
			run(i, pairs);
	return 0;
}
