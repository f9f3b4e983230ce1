/*
 * tls_bench.c - what a record of TLS costs: opened alone, and with its framing, by bytes in it
 *
 *   ninja tls/tls_bench && tls/tls_bench
 *
 * Beside it: openssl speed -evp aes-128-gcm -decrypt -aead, which is the library without a record around it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/rig/tls_talk.h"
#include "tls/direction.h"
#include "tls/hello.h"
#include "tls/key_log.h"

#define RECORDS 2000
#define REPEATS 20

static struct direction_env env;
static uint64_t told;

static bool on_data(void *ctx, const struct chunk *chunk)
{
	(void)ctx;
	told += chunk->bytes.len;
	return true;
}

static bool on_gap(void *ctx, uint32_t bytes, enum lost_reason why)
{
	(void)ctx;
	(void)bytes;
	(void)why;
	abort();
}

static bool on_close(void *ctx)
{
	(void)ctx;
	return true;
}

static void on_opened(void *ctx)
{
	(void)ctx;
}

static void on_entry(void *ctx, const struct key_log_entry *entry)
{
	struct key_log_entry *known = ctx;

	if (entry->kind == TLS_CLIENT_TRAFFIC)
		*known = *entry;
}

static struct span client_secret(struct tls_talk *t, struct key_log_entry *entry)
{
	struct key_log_sink sink = { entry, on_entry, NULL };
	struct key_log log = { 0 };

	key_log_feed(&log, buffer_span(&t->key_log), &sink);
	key_log_end(&log, &sink);
	return span_of(entry->secret, entry->secret_len);
}

/* The records of a talk, @size bytes in each: nanoseconds for one, in segments of @mss bytes */
static double measure(const char *name, uint16_t suite, size_t size, size_t mss)
{
	static uint8_t body[RECORD_PLAIN_MAX];
	struct tls_talk t;
	struct key_log_entry entry;
	struct buffer stream = { 0 };
	struct direction_sink sink = { NULL, on_data, on_gap, on_close, on_opened };
	double best = 1e18;
	size_t first;

	tls_talk_init(&t, &(struct tls_talk_options){ .version = TLS1_3_VERSION, .suite = name });
	tls_talk_handshake(&t);
	first = t.flight_count;
	for (int i = 0; i < RECORDS; i++)
		tls_talk_write(&t, 0, span_of(body, size));
	for (size_t i = first; i < t.flight_count; i++)
		buffer_add_span(&stream, buffer_span(&t.flights[i].bytes));
	for (int i = 0; i < REPEATS; i++) {
		struct direction d = { 0 };
		struct span rest = buffer_span(&stream), part;
		struct chunk chunk = { .offset = 1 };
		struct mono start;
		double ns;

		direction_init(&d, chunk.offset, false);
		if (stream_keys_from_secret(&d.keys, suite_find(TLS_1_3, suite), client_secret(&t, &entry), &env.pages) < 0)
			abort();
		start = mono_now();
		while (rest.len > 0) {
			span_take(&rest, rest.len < mss ? rest.len : mss, &part);
			chunk.bytes = part;
			direction_feed(&d, &env, &sink, &chunk);
			chunk.offset += part.len;
		}
		ns = (double)(mono_now().ns - start.ns) / RECORDS;
		best = ns < best ? ns : best;
		direction_deinit(&d, &env);
	}
	if (told != (uint64_t)RECORDS * REPEATS * size)
		abort();
	told = 0;
	buffer_deinit(&stream);
	tls_talk_deinit(&t);
	return best;
}

int main(void)
{
	static const size_t sizes[] = { 64, 350, 1400, 4096, 16384 };
	static const struct {
		const char *name;
		uint16_t number;
	} suites[] = { { "TLS_AES_128_GCM_SHA256", 0x1301 }, { "TLS_AES_256_GCM_SHA384", 0x1302 },
		       { "TLS_CHACHA20_POLY1305_SHA256", 0x1303 } };
	static struct budget budget;
	static struct tls_stats stats;

	budget_init(&budget, 64 << 20);
	env.budget = &budget;
	env.stats = &stats;
	env.pages.slot_size = TLS_SECRET_MAX;
	printf("nanoseconds for a record of so many bytes, in segments of 1448 | in pieces of 64K\n%-30s", "");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		printf("%16zu", sizes[i]);
	for (size_t s = 0; s < sizeof(suites) / sizeof(suites[0]); s++) {
		printf("\n%-30s", suites[s].name);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			printf("%9.0f|%6.0f", measure(suites[s].name, suites[s].number, sizes[i], 1448),
			       measure(suites[s].name, suites[s].number, sizes[i], 65536));
	}
	printf("\n");
	return 0;
}
