/* test_metrics.c - the exposition is what Prometheus accepts, and its parts are the books */
#include "tests/rig/unit.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "report/metrics.h"

#define LINES_MAX 4000

static struct metrics_facts facts_of_a_run(void)
{
	return (struct metrics_facts){
		.version = "1.2.3",
		.started_s = 1700000000.5,
		.cpu_s = 12.25,
		.resident_bytes = 4096,
		.capturing = true,
		.sample_share = SHARE_ONE / 20,
		.sample_asked = SHARE_ONE / 10,
		.target_share = { SHARE_ONE, SHARE_ONE / 2 },
		.memory_limit = 1000,
		.comparing = true,
		.compared = { [0] = { .generated_different = 5 },
			      [1] = { .verdict = { [COMPARISON_DECISION] = 77 }, .agree = 60, .disagree = 30 } },
		.comparing_open = 8,
	};
}

/* Every counter another number, so that a mix-up shows. */
static struct books books_of_a_run(void)
{
	struct books b = { 0 };
	uint64_t n = 1;

	for (size_t i = 0; i < PACKET_RESULT_COUNT; i++)
		b.packets.received += b.packets.result[i] = n++;
	for (size_t i = 0; i < LOST_REASON_COUNT; i++)
		b.requests.seen += b.requests.lost[i] = n++;
	for (size_t i = 0; i < DECISION_COUNT; i++)
		b.requests.complete += b.requests.decision[i] = n++;
	b.requests.seen += b.requests.complete;
	b.packets.dropped_kernel = n++;
	b.target_count = 2;
	for (size_t t = 0; t < 2; t++) {
		struct books_target *target = &b.target[t];

		target->name = t ? "b" : "a";
		target->shown = "http://127.0.0.1:9";
		target->breaker = t ? "open" : "closed";
		for (size_t i = 0; i < OUTCOME_COUNT; i++)
			target->sent += target->outcome[i] = n++;
		for (size_t i = 0; i < SHED_COUNT; i++)
			target->shed[i] = n++;
		target->queued = n++;
	}
	return b;
}

static char *text_of(const struct books *b, const struct metrics_facts *f)
{
	struct buffer out = { 0 };
	char *text;

	metrics_text(b, f, &out);
	text = strdup(buffer_text(&out));
	buffer_deinit(&out);
	assert_non_null(text);
	return text;
}

/* Value of one series, by its whole text before the space. */
static double value(const char *text, const char *series)
{
	size_t len = strlen(series);

	for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, series, len) == 0 && line[len] == ' ')
			return strtod(line + len + 1, NULL);
	fail_msg("there is no %s", series);
	return 0;
}

/* Sum of the series that begin so. */
static double sum(const char *text, const char *begins)
{
	size_t len = strlen(begins), found = 0;
	double total = 0;

	for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, begins, len) == 0) {
			total += strtod(strchr(strchr(line, '}') ? strchr(line, '}') : line, ' '), NULL);
			found++;
		}
	assert_true(found > 0);
	return total;
}

static bool ends(const char *text, const char *with)
{
	size_t len = strlen(text), tail = strlen(with);

	return len >= tail && strcmp(text + len - tail, with) == 0;
}

/* A family's lines stand together, after one HELP and one TYPE; a series stands once; names say their kind. */
static void check_form(char *text)
{
	static char *series[LINES_MAX];
	size_t count = 0;
	char name[100] = "", type[20] = "", other[100];

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *space;

		if (sscanf(line, "# HELP %99s", other) == 1) {
			strcpy(name, other);
			line = strtok(NULL, "\n");
			assert_int_equal(sscanf(line, "# TYPE %99s %19s", other, type), 2);
			assert_string_equal(other, name);
			assert_int_equal(ends(name, "_total"), strcmp(type, "counter") == 0);
			continue;
		}
		assert_int_equal(strncmp(line, name, strlen(name)), 0);
		assert_true(strchr("{ _", line[strlen(name)]) != NULL);
		assert_int_equal(line[strlen(name)] == '_', strcmp(type, "histogram") == 0);
		space = strrchr(line, ' ');
		assert_true(isdigit((unsigned char)space[1]));
		*space = '\0';
		for (size_t i = 0; i < count; i++)
			assert_string_not_equal(series[i], line);
		assert_true(count < LINES_MAX);
		series[count++] = line;
	}
	assert_true(count > 100);
}

static void test_form(void **state)
{
	struct books b = books_of_a_run();
	struct metrics_facts f = facts_of_a_run();
	char *text = text_of(&b, &f);

	(void)state;
	check_form(text);
	free(text);
}

/* No family without a sample when there is no target. */
static void test_dry_run(void **state)
{
	struct books b = { 0 };
	struct metrics_facts f = facts_of_a_run();
	char *text = text_of(&b, &f);

	(void)state;
	assert_null(strstr(text, "shadowtap_target"));
	assert_null(strstr(text, "shadowtap_exchange"));
	assert_null(strstr(text, "shadowtap_comparisons"));
	assert_non_null(strstr(text, "\nshadowtap_sample_ratio 0.050000000\n"));
	free(text);
}

static void test_parts_are_the_books(void **state)
{
	struct books b = books_of_a_run();
	struct metrics_facts f = facts_of_a_run();
	char *text = text_of(&b, &f);

	(void)state;
	assert_int_equal(sum(text, "shadowtap_packets_total{"), b.packets.received);
	assert_int_equal(sum(text, "shadowtap_requests_total{"), b.requests.seen);
	assert_int_equal(sum(text, "shadowtap_exchanges_total{target=\"b\""), b.target[1].sent);
	assert_int_equal(value(text, "shadowtap_requests_total{result=\"filtered\",reason=\"path\"}"),
			 b.requests.decision[DECISION_FILTERED_PATH]);
	assert_int_equal(value(text, "shadowtap_requests_total{result=\"lost\",reason=\"gap\"}"), b.requests.lost[LOST_GAP]);
	assert_int_equal(value(text, "shadowtap_packets_total{result=\"decoded\",reason=\"\"}"),
			 b.packets.result[PACKET_DECODED]);
	assert_int_equal(value(text, "shadowtap_capture_dropped_packets_total{by=\"kernel\"}"), b.packets.dropped_kernel);
	assert_int_equal(value(text, "shadowtap_target_requests_total{target=\"a\",result=\"shed\",reason=\"queue\"}"),
			 b.target[0].shed[SHED_QUEUE]);
	assert_int_equal(value(text, "shadowtap_target_requests_total{target=\"a\",result=\"sent\",reason=\"\"}"),
			 b.target[0].sent);
	assert_int_equal(value(text, "shadowtap_target_queued_requests{target=\"b\"}"), b.target[1].queued);
	assert_int_equal(value(text, "shadowtap_target_breaker_state{target=\"b\",state=\"open\"}"), 1);
	assert_int_equal(value(text, "shadowtap_target_breaker_state{target=\"a\",state=\"open\"}"), 0);
	assert_int_equal(sum(text, "shadowtap_target_breaker_state{target=\"a\""), 1);
	assert_true(value(text, "shadowtap_target_sample_ratio{target=\"b\"}") == 0.5);
	assert_true(value(text, "process_cpu_seconds_total") == 12.25);
	assert_int_equal(value(text, "shadowtap_comparisons_total{target=\"b\",verdict=\"decision\"}"), 77);
	assert_int_equal(sum(text, "shadowtap_comparisons_total{target=\"a\""), 0);
	assert_int_equal(value(text, "shadowtap_decisions_total{target=\"b\",agree=\"yes\"}"), 60);
	assert_int_equal(value(text, "shadowtap_decisions_total{target=\"b\",agree=\"no\"}"), 30);
	assert_int_equal(value(text, "shadowtap_generated_different_total{target=\"a\"}"), 5);
	assert_int_equal(value(text, "shadowtap_comparing_open_requests"), 8);
	free(text);
}

/* Buckets are cumulative, end with all, and hold what took so long: from the histogram to the text. */
static void test_histogram(void **state)
{
	static struct target_stats stats;
	struct books_sources from = { .target_count = 1, .targets[0] = { "a", "http://a", "closed", &stats } };
	struct metrics_facts f = facts_of_a_run();
	struct books b;
	uint64_t before = 0;
	char *text;

	(void)state;
	for (uint64_t us = 100; us < 100000000; us += us / 3)
		histogram_add(&stats.total_us, us);
	histogram_add(&stats.first_byte_us, 290000);
	histogram_add(&stats.first_byte_us, 310000);
	books_take(&from, &b);
	text = text_of(&b, &f);
	for (size_t i = 0; i < BOOKS_DURATION_BOUNDS; i++) {
		assert_true(b.target[0].total.upto[i] > before);
		before = b.target[0].total.upto[i];
	}
	assert_true(b.target[0].total.count > before); /* some took longer than the last bound */
	assert_int_equal(value(text, "shadowtap_exchange_duration_seconds_bucket{target=\"a\",le=\"+Inf\"}"),
			 stats.total_us.count);
	assert_int_equal(value(text, "shadowtap_exchange_duration_seconds_count{target=\"a\"}"), stats.total_us.count);
	assert_true(value(text, "shadowtap_exchange_first_byte_seconds_sum{target=\"a\"}") == 0.6);
	assert_int_equal(value(text, "shadowtap_exchange_first_byte_seconds_bucket{target=\"a\",le=\"0.2\"}"), 0);
	assert_int_equal(value(text, "shadowtap_exchange_first_byte_seconds_bucket{target=\"a\",le=\"0.3\"}"), 1);
	assert_int_equal(value(text, "shadowtap_exchange_first_byte_seconds_bucket{target=\"a\",le=\"0.5\"}"), 2);
	free(text);
}

/* Against counting one by one: never off by more than a bucket's half width. */
static void test_upto(void **state)
{
	static struct histogram h;
	uint64_t bounds[] = { 0, 1, 63, 64, 1000, 300000, UINT64_C(1) << 38 };
	uint64_t upto[sizeof(bounds) / sizeof(bounds[0])], below = 0, above = 0;

	(void)state;
	for (uint64_t v = 0; v < 400000; v += 7)
		histogram_add(&h, v);
	histogram_upto(&h, bounds, sizeof(bounds) / sizeof(bounds[0]), upto);
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		below = above = 0;
		for (uint64_t v = 0; v < 400000; v += 7) {
			below += v + v / 100 <= bounds[i];
			above += v <= bounds[i] + bounds[i] / 100;
		}
		assert_in_range(upto[i], below, above);
	}
	assert_int_equal(upto[6], h.count);
}

static void test_escaping(void **state)
{
	struct books b = books_of_a_run();
	struct metrics_facts f = facts_of_a_run();
	char *text;

	(void)state;
	b.target[0].name = "a\"b\\c\nd\xff";
	text = text_of(&b, &f);
	assert_non_null(strstr(text, "shadowtap_target_queued_requests{target=\"a\\\"b\\\\c\\nd?\"} "));
	check_form(text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),      cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_histogram), cmocka_unit_test(test_parts_are_the_books),
		cmocka_unit_test(test_upto),      cmocka_unit_test(test_escaping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
