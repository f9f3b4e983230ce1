/*
 * fuzz_tls_direction.c - any bytes as a direction, in any pieces, with any gaps: nothing opens that was not sealed with the keys
 *
 * The keys are fixed and the fuzzer does not find a tag, so that no data may ever come.
 * Input: a byte that chooses the suite, then steps: a length of bytes to feed, or a gap.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reassembly/reader.h"
#include "tls/direction.h"
#include "tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct direction_env env;

static void must(int yes)
{
	if (!yes)
		abort();
}

static bool on_data(void *ctx, const struct chunk *chunk)
{
	(void)ctx;
	(void)chunk;
	abort();
}

static bool on_gap(void *ctx, uint32_t bytes, enum lost_reason why)
{
	(void)ctx;
	(void)why;
	must(bytes > 0);
	return true;
}

static bool on_close(void *ctx)
{
	(void)ctx;
	abort();
}

static void on_opened(void *ctx)
{
	(void)ctx;
	abort();
}

static void set_keys(struct direction *d, uint8_t choice)
{
	static const uint16_t older[] = { 0xc02f, 0xcca8, 0xc027, 0x0035 }, newer[] = { 0x1301, 0x1302, 0x1303, 0x1304 };
	static const uint8_t secret[48] = { 7 };
	struct agreed agreed = { secret, secret, (choice & 8) != 0, (choice & 16) != 0 };
	const struct suite *suite = suite_find(choice & 4 ? TLS_1_2 : TLS_1_3, choice & 4 ? older[choice & 3] : newer[choice & 3]);

	if (choice & 4)
		must(stream_keys_from_master(&d->keys, suite, span_of(secret, 48), &agreed) == 0);
	else
		must(stream_keys_from_secret(&d->keys, suite, span_of(secret, suite_secret_len(suite)), &env.pages) == 0);
	d->is_open = (choice & 32) != 0;
	if (!(choice & 4) && (choice & 64)) { /* the suite is not known */
		const struct suite *other;

		for (size_t i = 0; i < DIRECTION_OTHERS && (other = suite_of_secret(d->keys.secret_len, i)); i++)
			must(direction_add_keys(d, &env, other, span_of(secret, d->keys.secret_len)) == 0);
	}
}

/** join() - behind what was counted of @in's first bytes */
static void join(struct direction *d, struct span *in, uint64_t *offset)
{
	struct record_count count;
	struct span counted;

	span_take(in, in->len < 100 ? in->len : 100, &counted);
	record_count_start(&count, *offset, d->keys.suite->version == TLS_1_3);
	record_count_bytes(&count, *offset, counted);
	*offset += counted.len;
	must(direction_join(d, &env, &count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct budget budget;
	static struct tls_stats stats;
	struct direction_sink sink = { NULL, on_data, on_gap, on_close, on_opened };
	struct direction d = { 0 };
	struct span in = span_of(data, size);
	struct chunk chunk = { .offset = 1000 };
	uint64_t plain;
	uint16_t step;
	uint8_t choice;

	if (!span_u8(&in, &choice))
		return 0;
	budget_init(&budget, 1 << 20);
	env.budget = &budget;
	env.stats = &stats;
	env.pages.slot_size = TLS_SECRET_MAX;
	direction_init(&d, chunk.offset, choice & 1);
	set_keys(&d, choice);
	if (choice & 128)
		join(&d, &in, &chunk.offset);
	while (span_u16(&in, &step)) {
		size_t len = step & 0x7fff;

		if (step & 0x8000) {
			direction_gap(&d, &env, &sink, len == 0 ? GAP_UNKNOWN : (uint32_t)len, LOST_GAP);
			chunk.offset += len;
		} else {
			must(span_take(&in, len < in.len ? len : in.len, &chunk.bytes));
			direction_feed(&d, &env, &sink, &chunk);
			chunk.offset += chunk.bytes.len;
		}
		direction_plain_at(&d, chunk.offset - step % 100, &plain);
	}
	direction_end(&d, &sink);
	direction_deinit(&d, &env);
	must(budget_used(&budget) == 0);
	return 0;
}
