/*
 * join_bench.c - what --tls-join costs: processor time for a number, by suite and bytes in the record, and for a question
 *
 *   ninja tls/join_bench && tls/join_bench
 *
 * The record is one that no number opens, so that all are tried. In the first table each suite is alone; the second has what
 * the joiner does with 64 secrets: one of 32 bytes may be of four suites, one of 48 of one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls/hello.h"
#include "tls/joiner.h"
#include "tls/last_byte.h"
#include "tls/records.h"
#include "tls/stream_keys.h"

#define NUMBERS (1 << 18)
#define SECRETS 64
#define MOST    (1 << 20)
#define REPEATS 5

static uint8_t wire[RECORD_MAX], room[RECORD_PAYLOAD_MAX];

/** cpu_ns() - of all threads: what others take of the machine does not count */
static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct span make_record(size_t size)
{
	size_t payload = size + 17;

	for (size_t i = 0; i < sizeof(wire); i++)
		wire[i] = (uint8_t)(i * 2654435761U >> 13);
	memcpy(wire, (uint8_t[]){ RECORD_APPLICATION_DATA, 3, 3, (uint8_t)(payload >> 8), (uint8_t)payload }, RECORD_HEADER_BYTES);
	return span_of(wire, RECORD_HEADER_BYTES + payload);
}

static double measure(uint16_t number, size_t size)
{
	const struct suite *suite = suite_find(TLS_1_3, number);
	struct span bytes = make_record(size);
	struct record r;
	double best = 1e18;

	record_take(&bytes, &r);
	for (int i = 0; i < REPEATS; i++) {
		static const uint8_t secret[48] = { 1 };
		struct secret_pages pages = { .slot_size = TLS_SECRET_MAX };
		struct stream_keys keys = { 0 };
		struct last_byte last;
		struct opened opened;
		double start = cpu_ns(), ns;

		if (stream_keys_from_secret(&keys, suite, span_of(secret, suite_secret_len(suite)), &pages) < 0 ||
		    !last_byte_init(&last, suite, span_of(secret, suite_secret_len(suite))))
			abort();
		for (uint64_t n = 0; n < NUMBERS; n += LAST_BYTE_NUMBERS)
			for (uint64_t likely = last_byte_likely(&last, &r, n, LAST_BYTE_NUMBERS); likely; likely &= likely - 1)
				if (stream_keys_open(&keys, &r, n + (uint64_t)__builtin_ctzll(likely), room, &opened))
					abort();
		ns = (cpu_ns() - start) / NUMBERS;
		best = ns < best ? ns : best;
		last_byte_deinit(&last);
		stream_keys_deinit(&keys);
		secret_pages_deinit(&pages);
	}
	return best;
}

static double ask(size_t secret_len, uint32_t numbers, size_t size)
{
	struct secrets *s = secrets_new(SECRETS, 0);
	struct joiner *j = joiner_new(s, numbers);
	struct joiner_question question = { .record = make_record(size) };
	struct joiner_task *task;
	struct joiner_found found;
	double start, seconds;

	for (uint8_t i = 0; i < SECRETS; i++) {
		struct key_log_entry e = { TLS_CLIENT_TRAFFIC, { i }, { i, 1 }, secret_len };

		secrets_add(s, &e, (struct mono){ 0 });
	}
	question.upto = secrets_last(s);
	start = cpu_ns();
	task = joiner_ask(j, &question);
	if (!task || joiner_wait(task, &found) != JOINER_NONE)
		abort();
	seconds = (cpu_ns() - start) / 1e9;
	joiner_forget(task);
	joiner_free(j);
	secrets_free(s);
	return seconds;
}

int main(void)
{
	static const uint16_t suites[] = { 0x1301, 0x1302, 0x1303, 0x1304, 0x1305 };
	static const size_t sizes[] = { 64, 350, 1400, 4096, 16384 };

	printf("nanoseconds for a number, of a record of so many bytes\n%-30s", "");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		printf("%10zu", sizes[i]);
	for (size_t s = 0; s < sizeof(suites) / sizeof(suites[0]); s++) {
		printf("\n%-30s", suite_find(TLS_1_3, suites[s])->name);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			printf("%10.1f", measure(suites[s], sizes[i]));
	}
	printf("\nseconds for a question: %d secrets, a record of 350 bytes, numbers up to 1000, 65536, 2^20\n", SECRETS);
	for (size_t len = 32; len <= 48; len += 16)
		printf("secrets of %zu bytes %10.4f %10.3f %10.2f\n", len, ask(len, 1000, 350), ask(len, 65536, 350), ask(len, MOST, 350));
	return 0;
}
